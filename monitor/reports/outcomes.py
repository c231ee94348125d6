"""Whether people who were answered stayed: a file of the operator's own, counted against what is known of the cases.

The file names a case, a day, and whether that customer had left or stayed by then. It is read, counted and let go of:
what is kept is how many of each group left. A case counts once, by its latest line, and as it stood at the end of that
day: an answer that came later helped nobody to stay. A case of several waits belongs to the worst of them.

Two groups that differ show that things go together, not that one made the other: hard cases are answered late and lost
for the same reason. That is said wherever the figures are shown, and a group of fewer than ENOUGH has no share at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from alerts import hours
from alerts.email.templates import percent
from alerts.wording import count_words
from monitor.reports import statistics
from monitor.reports.intervals import Interval, wilson
from monitor.reports.response_times import turns_of
from monitor.settings.models import day
from monitor.settings.rules import Rules
from monitor.store import key_values
from monitor.store import outcomes as store
from monitor.store.database import Database, Row, at

ENOUGH = 20  # cases of a group; fewer, and a share says nothing and might say who
COLUMNS = ("case", "date", "outcome")
LEFT, STAYED = "left", "stayed"
MOST_NAMED = 20  # lines with a fault that are named
GROUPS = {"in_time": "answered in time", "late": "answered late", "never": "never answered"}
NOT_THE_CAUSE = (
    "This shows what goes together, not what caused what: hard cases may be answered late and lost for the same reason."
)
# Gartner, "Gartner Predicts That Refusing to Communicate by Social Media Will Be as Harmful to Companies as Ignoring
# Phone Calls or Emails Is Today by 2014", press release of 1 August 2012.
GARTNER = (
    "For comparison: Gartner said in 2012 that failing to respond on social channels can lead to up to 15% more churn."
)
_FACT = "outcomes"


@dataclass(frozen=True, slots=True)
class Group:
    """`left` of `n` cases were of customers who left."""

    n: int = 0
    left: int = 0

    @property
    def enough(self) -> bool:
        """Whether there are so many that a share may be said."""
        return self.n >= ENOUGH

    @property
    def share(self) -> float | None:
        """The share that left, 0 to 1; None where there are too few."""
        return self.left / self.n if self.enough else None

    @property
    def interval(self) -> Interval | None:
        """Where that share lies, 19 times of 20; None where there are too few."""
        return wilson(self.left, self.n) if self.enough else None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of the customers of a file, by how their cases were answered. `since` and `until` are its days."""

    in_time: Group = Group()
    late: Group = Group()
    never: Group = Group()
    not_due: int = 0  # cases of which no answer was due, or whose target still ran
    since: str = ""
    until: str = ""
    read_at: str = ""

    @property
    def stands(self) -> bool:
        """Whether something can be compared: enough that were answered in time, and enough that were not."""
        return self.in_time.enough and (self.late.enough or self.never.enough)


@dataclass
class Reading:
    """What a file said: `said` holds for each case the latest day and whether its customer had left by then."""

    said: dict[str, tuple[date, bool]] = field(default_factory=dict)
    rows: int = 0
    repeated: int = 0
    unknown: int = 0
    faults: list[tuple[int, str]] = field(default_factory=list)  # (line, what is wrong), the first MOST_NAMED
    wrong: int = 0  # all lines with a fault

    def fault(self, number: int, words: str) -> None:
        """A line that is left out. The words hold nothing that stands in it: it may be somebody's name."""
        self.wrong += 1
        if len(self.faults) < MOST_NAMED:
            self.faults.append((number, words))


def read(rows: Iterable[tuple[int, Mapping[str, Any]]], columns: Mapping[str, str], today: date) -> Reading:
    """Read the rows of a file; `columns` says how it names each of COLUMNS. What can't be read is named by its line."""
    found = Reading()
    for number, row in rows:
        found.rows += 1
        try:
            case, when, left = _line(row, columns, today)
        except ValueError as error:
            found.fault(number, str(error))
            continue
        before = found.said.get(case)
        if before is not None:
            found.repeated += 1
            if before[0] == when and before[1] != left:
                found.fault(number, "this case both left and stayed on the same day; the first line counts")
            if before[0] >= when:
                continue
        found.said[case] = when, left
    return found


def _line(row: Mapping[str, Any], columns: Mapping[str, str], today: date) -> tuple[str, date, bool]:
    if fault := row.get(""):
        raise ValueError(f"can't be read ({fault})")
    if set(row) - set(columns.values()):
        raise ValueError("has more than case, date and outcome")
    case, when, outcome = (str(row.get(columns[name]) or "").strip() for name in COLUMNS)
    case = case.removeprefix("#")
    if not case.isascii() or not case.isdecimal() or len(case) > 12:
        raise ValueError("case: not the number of a case, such as 12")
    try:
        moment = day(when[:10])
    except ValueError:
        raise ValueError("date: not a day such as 2026-11-30") from None
    if moment > today:
        raise ValueError("date: a day that has not come yet")
    if outcome.casefold() not in {LEFT, STAYED}:
        raise ValueError(f"outcome: write {LEFT} or {STAYED}")
    return str(int(case)), moment, outcome.casefold() == LEFT


def count(database: Database, rules: Rules, reading: Reading, now: datetime) -> dict[str, Outcomes]:
    """The groups, of all brands under "" and of each by its name. Cases that are not known are counted as such."""
    counts: dict[str, dict[str, list[int]]] = {}
    for brand, case, group in _grouped(database, rules, reading):
        for name in ("", brand):
            found = counts.setdefault(name, {each: [0, 0] for each in (*GROUPS, "not_due")})[group]
            found[0] += 1
            found[1] += reading.said[case][1]
    days = sorted(when for when, _ in reading.said.values())
    known = sum(groups[0] for groups in counts.get("", {}).values())
    reading.unknown = len(reading.said) - known
    return {
        brand: Outcomes(
            **{name: Group(*found[name]) for name in GROUPS},
            not_due=found["not_due"][0],
            since=days[0].isoformat(),
            until=days[-1].isoformat(),
            read_at=now.isoformat(),
        )
        for brand, found in counts.items()
    }


def _grouped(database: Database, rules: Rules, reading: Reading) -> Iterator[tuple[str, str, str]]:
    """(brand, case, group) of every case that is known."""
    ids = list(reading.said)
    for start in range(0, len(ids), store.BATCH):
        some = ids[start : start + store.BATCH]
        logs: dict[str, list[Row]] = {}
        for line in store.log_of(database, some):
            logs.setdefault(line["case_id"], []).append(line)
        for row in store.cases_of(database, some):
            ended = hours.moment_of(reading.said[row["id"]][0] + timedelta(days=1), time(0), rules.settings.zone)
            yield row["brand"], row["id"], _group(rules, row, logs.get(row["id"], []), ended)


def _group(rules: Rules, row: Row, log: list[Row], until: datetime) -> str:
    """How a case was answered as it stood then: by the worst of its waits."""
    if row["praise"]:
        return "not_due"
    stood = dict(row)
    if row["closed_at"] and at(row["closed_at"]) >= until:
        stood["closed_at"] = ""
    waits = [wait for wait in statistics.kept(rules, stood, turns_of(row, log), until) if wait[1] is not None]
    if not waits:
        return "not_due"
    if any(in_time is False and not answered for answered, in_time in waits):
        return "never"
    return "late" if any(in_time is False for _, in_time in waits) else "in_time"


def keep(database: Database, found: Mapping[str, Outcomes], now: datetime) -> None:
    """Keep the counts in place of those before; of nothing, keep nothing. Inside a transaction."""
    text = json.dumps({brand: asdict(each) for brand, each in found.items()}) if found else ""
    key_values.remember(database, _FACT, text, now)


def kept(database: Database, brand: str = "") -> Outcomes | None:
    """The counts of the file that was read last, of all brands or of one; None where none was."""
    found = json.loads(key_values.fact(database, _FACT) or "{}").get(brand)
    if found is None:
        return None
    return Outcomes(**{**found, **{name: Group(**found[name]) for name in GROUPS}})


def sentences(found: Outcomes) -> list[str]:
    """The figures for people, one sentence a group, and what they do not show."""
    lines = [_sentence(words, getattr(found, name)) for name, words in GROUPS.items() if getattr(found, name).n]
    if not lines:
        return ["No answer was due in any of these cases."]
    return [*lines, NOT_THE_CAUSE, GARTNER] if found.stands else [*lines, NOT_THE_CAUSE]


def _sentence(words: str, group: Group) -> str:
    between = group.interval
    if between is None:
        return f"{words.capitalize()}: {count_words(group.n, 'case')}, too few for a share ({ENOUGH} needed)."
    return (
        f"{words.capitalize()}: {group.left:,} of {group.n:,} left ({percent(group.share)}; 95% interval "
        f"{percent(between.low)} to {percent(between.high)})."
    )


def as_json(found: Outcomes) -> dict[str, Any]:
    """The figures for programs; a group that is too small says only how many there were."""
    groups: dict[str, Any] = {}
    for name in GROUPS:
        group: Group = getattr(found, name)
        between = group.interval
        groups[name] = {"n": group.n} if between is None else {
            "n": group.n, "left": group.left, "share": group.share, "low": between.low, "high": between.high,
        }  # fmt: skip
    days = {"since": found.since, "until": found.until, "read_at": found.read_at}
    return {**groups, "not_due": found.not_due, **days, "stands": found.stands, "note": NOT_THE_CAUSE}
