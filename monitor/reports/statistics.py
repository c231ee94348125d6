"""The numbers: how long it takes to see, to tell, to take, to answer and to resolve. Never the mean alone.

What is counted is a turn (`response_times.py`) of a waiting case (`definitions.py`): one time that a person waited for
an answer. It belongs to the span in which its wait began, answered or not. What came of it is told as it was known at
one moment (`seen`), which may be long after the span: who wrote in its last hours was late only then.

Opening hours and wall clock stand beside each other. Automatic replies never stopped a clock and so are no answers; a
reply that is dated before its post (a review that was edited later) counts as no time at all and is marked.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from math import ceil

from alerts import hours
from monitor.people.identity import NOBODY, Actor, Directory, of_name
from monitor.reports.definitions import is_waiting_case
from monitor.reports.response_times import Turn, resolutions_of, turns_of
from monitor.settings.rules import Rules
from monitor.store import report_queries
from monitor.store.database import Database, Row, stamp

_NONE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took: how often, the median, the 90th percentile, and the share within the target (0 to 1).

    `within` is the share of `due`, which counts what was done or should have been by now. It is None where nothing was.
    """

    n: int = 0
    median: timedelta | None = None
    p90: timedelta | None = None
    within: float | None = None
    due: int = 0


CaseTurns = Sequence[
    tuple[Row, Sequence[Turn], Sequence[tuple[datetime, datetime]]]
]  # cases, their waits and resolutions


@dataclass(frozen=True, slots=True)
class Counted:
    """A turn with what was worked out about it. `kept` is None while its target still runs, or where none counts."""

    turn: Turn
    source: str
    priority: str
    team: str
    hour: int  # of the day on the desk's clock
    waited: timedelta | None
    kept: bool | None
    taking: timedelta | None
    first: timedelta | None  # how long the first word took, and whether that was in time (None: it still may be)
    first_kept: bool | None
    read: bool  # the source is read, and was not brought by a file


@dataclass(frozen=True, slots=True)
class Resolved:
    """A case that was opened (again) and closed with an outcome."""

    source: str
    priority: str
    team: str
    hour: int
    took: timedelta
    wall: timedelta
    kept: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of some turns. `again` of `turns` began because somebody wrote again.

    `to_take`, `to_answer` and `to_resolve` are in opening hours (around the clock where settings say so), their `_wall`
    on the wall clock; the other stages on the wall clock too. `in_target` is the share of answers in time among all
    that were due: `answered`, `private` (sent on, to where nobody sees how it went) and `never`. `first_word` is the
    first that people heard from us, be it "we are looking into it" or "write to us".
    """

    turns: int = 0
    again: int = 0
    answered: int = 0
    private: int = 0
    never: int = 0
    backdated: int = 0
    in_target: float | None = None
    lag: Spread = Spread()
    alert_lag: Spread = Spread()
    to_take: Spread = Spread()
    to_take_wall: Spread = Spread()
    after_taking: Spread = Spread()
    first_word: Spread = Spread()
    to_answer: Spread = Spread()
    to_answer_wall: Spread = Spread()
    to_resolve: Spread = Spread()
    to_resolve_wall: Spread = Spread()


@dataclass(frozen=True, slots=True)
class Load:
    """What one person had to do in the span, as counts; `has` is how many open cases they have now.

    For that person, and for leads who share work out; no report, letter or figure of the team says it.
    """

    id: str
    name: str
    taken: int
    answered: int
    closed: int
    has: int


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What came of closing: of `people` whose case was closed with an outcome, so many `wrote` again since.

    `kinder` of them wrote words that ask for no help and sound better than what the case was about. Who wrote again
    more than once, over several cases, counts once, by the last of these cases.
    """

    people: int = 0
    wrote: int = 0
    kinder: int = 0


@dataclass(frozen=True, slots=True)
class Report(Figures):
    """The figures of one span, and the same by source, priority, hour of the day and team.

    A team is whom a case is told to, as routing decided ("slack:#care"). Persons are not counted here: `load` is for
    themselves, and for who shares work out.
    """

    cases: int = 0
    by_source: Mapping[str, Figures] = field(default_factory=dict)
    by_priority: Mapping[str, Figures] = field(default_factory=dict)
    by_hour: Mapping[str, Figures] = field(default_factory=dict)
    by_team: Mapping[str, Figures] = field(default_factory=dict)
    after: Aftermath = Aftermath()


def percentile(values: Sequence[timedelta], share: float) -> timedelta | None:
    """The nearest-rank percentile: a value that really occurred. `values` are sorted."""
    return values[max(ceil(share * len(values)) - 1, 0)] if values else None


def spread(values: Iterable[timedelta | None], kept: Iterable[bool | None] = ()) -> Spread:
    """Count, median and p90 of those durations that are known, and the share of those targets that were kept."""
    found = sorted(value for value in values if value is not None)
    due = [each for each in kept if each is not None]
    within = sum(due) / len(due) if due else None
    return Spread(len(found), percentile(found, 0.5), percentile(found, 0.9), within, len(due))


def of_span(
    database: Database,
    rules: Rules,
    since: datetime,
    until: datetime,
    told: CaseTurns | None = None,
    *,
    seen: datetime | None = None,
) -> Report:
    """The figures of every wait that began in a span, whole and by group; `told` may hold more, read before.

    They are as they were known at `seen`: at the end of the span, unless another moment is given.
    """
    seen = seen or until
    if told is None:
        told = read(database, since, until, seen=seen)
    ((counted, resolved),) = _waits_of(rules, (since, until), told, seen)
    whole = figures_of(counted, resolved)
    return Report(
        **{name: getattr(whole, name) for name in Figures.__dataclass_fields__},
        cases=len({each.turn.case for each in counted}),
        by_source=_by(counted, resolved, lambda each: each.source),
        by_priority=_by(counted, resolved, lambda each: each.priority),
        by_hour=_by(counted, resolved, lambda each: f"{each.hour:02}"),
        by_team=_by(counted, resolved, lambda each: each.team),
        after=aftermath(database, since, until),
    )


def whole_span(
    database: Database, rules: Rules, since: datetime, until: datetime, brand: str = "", *, seen: datetime | None = None
) -> Figures:
    """The figures of every wait that began in a span, as one: enough for the letter, and less work."""
    seen = seen or until
    told = read(database, since, until, brand, seen=seen)
    return figures_of(*_waits_of(rules, (since, until), told, seen)[0])


def of_spans(rules: Rules, bounds: Sequence[datetime], told: CaseTurns) -> list[Figures]:
    """As `whole_span` from each of these moments to the next, seen from the last of them; `told` was read for all."""
    return [figures_of(*waits) for waits in _waits_of(rules, bounds, told, bounds[-1])]


def read(
    database: Database, since: datetime, until: datetime, brand: str = "", *, seen: datetime | None = None
) -> CaseTurns:
    """What the cases of a span tell, as it was known at `seen`, for figures of several spans within it."""
    known = stamp(seen or until)
    logs: dict[str, list[Row]] = {}
    for line in report_queries.log_between(database, since, until, brand):
        if line["at"] <= known:
            logs.setdefault(line["case_id"], []).append(line)
    return [
        (row, turns_of(row, log), resolutions_of(row, log))
        for row in report_queries.cases_between(database, since, until, brand)
        for log in [logs.get(row["id"], ())]
    ]


def _waits_of(
    rules: Rules, bounds: Sequence[datetime], told: CaseTurns, seen: datetime
) -> list[tuple[list[Counted], list[Resolved]]]:
    """The turns and resolutions that began in each span between two bounds."""
    since, until = bounds[0], bounds[-1]
    found: list[tuple[list[Counted], list[Resolved]]] = [([], []) for _ in bounds[1:]]
    for row, turns, resolutions in told:
        for turn in turns:
            if since <= turn.asked_at < until and is_waiting_case(row, turn):
                found[bisect_right(bounds, turn.asked_at) - 1][0].append(_count(rules, row, turn, seen))
        for span in resolutions:
            if since <= span[0] < until:
                found[bisect_right(bounds, span[0]) - 1][1].append(_resolve(rules, row, *span))
    return found


def kept(rules: Rules, row: Row, turns: Sequence[Turn], until: datetime) -> list[tuple[bool, bool | None]]:
    """(answered, in time) of each wait of one case that began before `until`, as it stood then.

    In time is None while a target still runs, and where none counts.
    """
    begun = [turn for turn in turns if turn.asked_at < until and is_waiting_case(row, turn)]
    seen = [
        replace(turn, answered_at=None, private=False) if turn.answered_at and turn.answered_at >= until else turn
        for turn in begun
    ]
    return [(turn.answered_at is not None, _count(rules, row, turn, until).kept) for turn in seen]


def _count(rules: Rules, row: Row, turn: Turn, seen: datetime) -> Counted:
    opening, targets = rules.hours_for(row["priority"]), rules.targets_for(row["priority"])
    target = targets.first if turn.number == 1 else targets.next

    def took(moment: datetime | None) -> timedelta | None:
        if moment is None:
            return None
        return _NONE if turn.backdated else hours.elapsed(turn.asked_at, moment, opening)

    # Nobody is late with what nobody was called for, or what turned out to need no answer.
    closed = row["closed_at"] and row["closed_at"] <= stamp(seen)
    owed = row["lane"] == "ping" and not row["quiet"] and not closed
    first = took(turn.first_word_at)
    first_kept = first <= target if first is not None else None
    if first is None and owed and hours.elapsed(turn.asked_at, seen, opening) > target:
        first_kept = False
    waited = None if turn.private else took(turn.answered_at)
    kept = False if turn.private else None
    if waited is not None and waited <= target:
        kept = True
    elif not turn.private and (waited is not None or owed):
        # After a first word in time the answer has until the next target, which began with it.
        start, left = (turn.first_word_at, targets.next) if first_kept else (turn.asked_at, target)
        in_time = hours.elapsed(start or turn.asked_at, turn.answered_at or seen, opening) <= left
        kept = in_time if waited is not None or not in_time else None
    taking = None
    if turn.taken_at is not None:
        taking = hours.elapsed(turn.told_at or turn.seen_at, turn.taken_at, opening)
    return Counted(
        turn, *_groups(rules, row, turn.asked_at), waited, kept, taking, first, first_kept,
        row["source"] in rules.sources,
    )  # fmt: skip


def _resolve(rules: Rules, row: Row, start: datetime, end: datetime) -> Resolved:
    took = hours.elapsed(start, end, rules.hours_for(row["priority"]))
    kept = took <= rules.targets_for(row["priority"]).resolve
    return Resolved(*_groups(rules, row, start), took, max(end - start, _NONE), kept)


@lru_cache(maxsize=1024)
def _team(targets: str) -> str:
    return ", ".join(json.loads(targets or "[]")) or "no one in particular"


def _groups(rules: Rules, row: Row, moment: datetime) -> tuple[str, str, str, int]:
    return row["source"], row["priority"], _team(row["targets"]), moment.astimezone(rules.settings.zone).hour


def figures_of(counted: Sequence[Counted], resolved: Sequence[Resolved]) -> Figures:
    """The figures of these turns and resolutions."""
    turns = [each.turn for each in counted]
    kept = [each.kept for each in counted]
    answered = [each for each in counted if each.waited is not None]
    to_answer = spread((each.waited for each in answered), kept)
    return Figures(
        turns=len(turns),
        again=sum(turn.number > 1 for turn in turns),
        answered=len(answered),
        private=sum(turn.private for turn in turns),
        never=sum(each.kept is False and each.turn.answered_at is None for each in counted),
        backdated=sum(turn.backdated for turn in turns),
        in_target=to_answer.within,
        # What a file brought was written long before: that says nothing about how soon we see.
        lag=spread(_after(each.turn.asked_at, each.turn.seen_at) for each in counted if each.read),
        alert_lag=spread(_after(turn.seen_at, turn.told_at) for turn in turns),
        to_take=spread(each.taking for each in counted),
        to_take_wall=spread(_after(turn.told_at or turn.seen_at, turn.taken_at) for turn in turns),
        after_taking=spread(_after(turn.taken_at, turn.answered_at) for turn in turns),
        first_word=spread((each.first for each in counted), (each.first_kept for each in counted)),
        to_answer=to_answer,
        to_answer_wall=spread(
            _NONE if t.backdated else _after(t.asked_at, t.answered_at) for t in turns if not t.private
        ),
        to_resolve=spread((each.took for each in resolved), (each.kept for each in resolved)),
        to_resolve_wall=spread(each.wall for each in resolved),
    )


def _after(start: datetime | None, end: datetime | None) -> timedelta | None:
    return None if start is None or end is None else max(end - start, _NONE)


def _by(
    counted: Sequence[Counted], resolved: Sequence[Resolved], group: Callable[[Counted | Resolved], str]
) -> dict[str, Figures]:
    """The figures by group, in the order of the groups' names: no league table."""
    waits: dict[str, list[Counted]] = {}
    ends: dict[str, list[Resolved]] = {}
    for turn in counted:
        waits.setdefault(group(turn), []).append(turn)
    for end in resolved:
        ends.setdefault(group(end), []).append(end)
    return {name: figures_of(waits.get(name, []), ends.get(name, [])) for name in sorted({*waits, *ends})}


def load(database: Database, rules: Rules, since: datetime, until: datetime) -> tuple[Load, ...]:
    """Counts by person, in the order of names. An answer seen on the network counts for whoever has the case."""
    directory = Directory(database, rules.settings)
    counts: dict[Actor, Counter[str]] = {}
    for row in report_queries.said_between(database, since, until):
        actor, what = Actor(row["who_id"], row["who"]), row["what"]
        if what == "assign":
            detail = json.loads(row["detail"] or "{}")
            name = detail.get("owner", "")
            actor, what = Actor(detail.get("owner_id") or of_name(name).id, name), "take"
        elif row["way"] == "escalation":
            continue  # closed by itself
        elif row["way"] == "network":
            actor = Actor(row["owner_id"], row["owner"]) if what == "answered" else NOBODY
        if actor.id:
            counts.setdefault(directory.resolve(actor), Counter())["close" if what == "dismiss" else what] += 1
    for owner, n in report_queries.open_by_owner(database).items():
        counts.setdefault(directory.resolve(Actor(*owner)), Counter())["has"] += n
    return tuple(
        Load(actor.id, actor.name, found["take"], found["answered"], found["close"], found["has"])
        for actor, found in sorted(counts.items(), key=lambda pair: (pair[0].name, pair[0].id))
    )


def aftermath(database: Database, since: datetime, until: datetime, brand: str = "") -> Aftermath:
    """Whether outcomes held: what people wrote, up to `until`, after a case of theirs was closed in the span."""
    last: dict[tuple[str, str, str], bool | None] = {}
    for row in report_queries.helped_between(database, since, until, brand):
        person = (row["brand"], row["source"], row["author"])
        last[person] = bool(json.loads(row["next_words"])["better"]) if row["next_words"] else None
    wrote = [kinder for kinder in last.values() if kinder is not None]
    return Aftermath(len(last), len(wrote), sum(wrote))
