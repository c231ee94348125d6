"""What a message says, from the cases as they stand at the moment of sending.

Nothing is written ahead: a message that waited says what is true when it leaves, and an edit says what is true then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alerts import Action, Alert, Entry, Line, case_policy, hours
from alerts.case import PRIORITIES, Case, Priority
from alerts.wording import around, count_words, span_words
from monitor.cases import do_not_contact
from monitor.cases.opening import WRITES_AGAIN
from monitor.notify import daily_lists, incident_messages
from monitor.notify.case_words import (
    author_of,
    clock_words,
    facts_of,
    gone_words,
    latest_of,
    only_asks,
    point_of,
    same_trouble,
    shown_of,
    standing,
    stars_of,
    why_listed,
    worst_of,
)
from monitor.notify.said_once import say_the_same, shown_once
from monitor.settings.rules import HISTORY, Rules
from monitor.store import cases, mentions, problems
from monitor.store.database import Database, Row, at
from monitor.store.deliveries import Delivery
from monitor.types import Mention, SignedLink

WORST = 5  # cases told in full; the others get a short line each
OFFERED = 10  # cases told in full where somebody's are offered: each has its button
SHORT_LINES = 80
OPEN = 30  # entries of the list that a message shows, before "and 115 more"
LISTED = ("list:sweep", "list:evening")  # lists in the order of the list, each entry with its reason
ORDER = {priority: number for number, priority in enumerate(PRIORITIES)}


@dataclass(frozen=True, slots=True)
class Composed:
    """A message and what it speaks of."""

    alert: Alert
    cases: tuple[Case, ...]
    mentions: tuple[str, ...]


def no_link(_case: str, _target: str, _purpose: str) -> str:
    """For installations without a page that people can reach."""
    return ""


def compose(
    database: Database,
    rules: Rules,
    root: Delivery,
    subjects: Sequence[Delivery],
    now: datetime,
    *,
    link: SignedLink = no_link,
    revision: int = 0,
) -> Composed:
    """The alert of one message: `root` is the row that is sent, `subjects` what it speaks of (itself, or its load)."""
    if root.about.startswith("list:own:"):
        return Composed(*daily_lists.own_list(database, rules, root, now, link, revision), ())
    if root.about.startswith("list:languages:"):
        return Composed(*daily_lists.by_language(database, rules, root, now, revision), ())
    if root.about.startswith("incident:"):
        return _of_incident(database, rules, root, now, revision, link)
    rows = _rows(database, rules, root, subjects)
    in_order = _places(root)
    rows.sort(key=lambda row: in_order(cases.case_of(row), now))
    told = mentions.of_cases(database, [row["id"] for row in rows])
    offer = root.about.startswith("list:offer")
    whole = OFFERED if offer else WORST
    listed = root.about.startswith(LISTED)
    shown, same = shown_once(rows) if listed else (rows, {})
    history = history_of(database, shown[:whole], now)
    several = listed and len(rules.settings.brands) > 1
    first_of_all = frozenset(root.payload.get("first", ()))
    left_alone = do_not_contact.everybody(database)
    known = problems.heard_before(database, [row["id"] for row in shown[:whole]], [row["id"] for row in rows])
    entries = tuple(
        _entry(rules, row, told.get(row["id"], []), history.get(row["id"], []), now, link, root.target,
               overlooked=row["id"] in first_of_all, brand=several,
               left_alone=do_not_contact.key_of(row["source"], row["author"]) in left_alone,
               others=same.get(row["id"], 0),
               known=tuple(problem_line(rules, each, now) for each in known.get(row["id"], ())),
               again=root.reason == WRITES_AGAIN and len(rows) == 1)
        for row in shown[:whole]
    )  # fmt: skip
    if offer:  # short, so that each has its button
        entries = tuple(
            replace(each, facts=(), actions=tuple(one for one in each.actions if one.verb == "take"))
            for each in entries
        )
    most = OPEN if listed else WORST + SHORT_LINES
    also = tuple(
        _short(rules, row, told.get(row["id"], []), now, why=listed, brand=several, others=same.get(row["id"], 0))
        for row in shown[whole:most]
    )
    all_cases = tuple(cases.case_of(row) for row in rows)
    ids = tuple(mention.id for row in rows for mention in told.get(row["id"], []) if mention.verdict.lane != "none")
    kind = _kind(root, rows)
    coming = _coming(database, root, all_cases, now)
    title = _title(rules, root, (*all_cases, *coming), now, asks=bool(rows) and only_asks(told.get(rows[0]["id"], [])))
    if len(entries) == 1 and "verdue since" in title:  # then the fact would say it once more
        facts = tuple(fact for fact in entries[0].facts if not fact.startswith("was due"))
        entries = (replace(entries[0], facts=facts),)
    first = all_cases[0] if all_cases else None
    priority: Priority = first.priority if first else "normal"
    alert = Alert(
        key=root.id,
        reason=root.reason,
        title=title,
        entries=entries,
        more=max(len(shown) - len(entries), 0),
        also=also,
        mentions=ids,
        ping=tuple(dict.fromkeys(person for each in (root, *subjects) for person in each.payload.get("ping", ()))),
        footer=str(root.payload.get("footer", "")),
        thread=root.story_id or root.about,
        revision=revision,
        kind=kind,
        priority=priority,
        urgent=root.urgent or priority == "critical",
        page_url=rules.settings.earful.page_url.rstrip("/")
        + ("/?state=sweep" if root.about.startswith("list:sweep") else "/"),
    )
    if root.about.startswith("list:evening:"):
        alert, more = daily_lists.with_the_rest(database, rules, root, alert, now, link)
        all_cases += more
    if coming:
        alerts = "has an alert of its own" if len(coming) == 1 else "have alerts of their own"
        alert = replace(alert, also=(*alert.also, Line(f"{count_words(len(coming), 'case')} not listed here {alerts}")))
    if lines := root.payload.get("system"):
        alert = replace(alert, also=(*alert.also, *(Line(f"Earful: {line}", "") for line in lines)))
    return Composed(alert, all_cases, ids)


def _coming(database: Database, root: Delivery, named: Sequence[Case], now: datetime) -> list[Case]:
    """Cases that wait and that a list leaves to their first messages, which were still to come when it left."""
    shown = {case.id for case in named}
    found = map(cases.case_of, cases.rows_of(database, root.payload.get("coming", ())).values())
    return [case for case in found if case.id not in shown and case.state_at(now) == "open"]


def _of_incident(
    database: Database, rules: Rules, root: Delivery, now: datetime, revision: int, link: SignedLink
) -> Composed:
    """The message of an incident, and the cases that its thread lists."""
    rows = list(cases.rows_of(database, root.payload.get("held", ())).values())
    told = mentions.of_cases(database, [row["id"] for row in rows])
    held = [_short(rules, row, told.get(row["id"], []), now, why=False, brand=False, others=0) for row in rows]
    alert = incident_messages.incident_message(database, rules, root, now, revision, held, link)
    return Composed(alert, tuple(map(cases.case_of, rows)), ())


def notice(row: Delivery, revision: int = 0) -> Alert:
    """An operator's notice: one sentence, and what to do."""
    remedy = str(row.payload.get("remedy", ""))
    return Alert(
        key=row.id,
        reason=row.reason,
        title=str(row.payload.get("title", "")),
        entries=(),
        ping=tuple(row.payload.get("ping", ())),
        footer=f"To do: {remedy}" if remedy else "",
        thread=row.about,
        revision=revision,
        kind="notice",
    )


def _rows(database: Database, rules: Rules, root: Delivery, subjects: Sequence[Delivery]) -> list[Row]:
    found: dict[str, Row] = {}
    if "cases" in root.payload and root.about.startswith("list:"):
        found.update(cases.rows_of(database, root.payload["cases"]))
    stories = [each.about.partition(":")[2] for each in subjects if each.about.startswith("story:")]
    told = [row for row in cases.rows_of_stories(database, list(dict.fromkeys(stories))) if not row["quiet"]]
    said = {row["fingerprint"] for row in told if row["lane"] == "ping"}
    for row in told:
        # A repost that alone would only be listed counts where it repeats what people are called for.
        if row["lane"] == "ping" or any(rules.alike(row["fingerprint"], each) for each in said):
            found[row["id"]] = row
    alone = [each.about.partition(":")[2] for each in subjects if each.about.startswith(("case:", "join:"))]
    found.update(cases.rows_of(database, alone))
    return list(found.values())


def _urgency(case: Case, now: datetime) -> tuple[int, int, str, int]:
    state = case.state_at(now)
    standing = {"open": 0, "waiting": 1, "snoozed": 1, "taken": 1, "answered": 2, "closed": 3}[state]
    return standing, ORDER[case.priority], case.due_at.isoformat() if case.due_at else "9", int(case.id)


def _places(root: Delivery) -> Callable[[Case, datetime], tuple[Any, ...]]:
    """How the cases of a message are ordered: by urgency; the list by its own order, what is done last."""
    if root.about.startswith(LISTED):
        places = {case: place for place, case in enumerate(root.payload.get("cases", ()))}
        return lambda case, now: (_urgency(case, now)[0], places.get(case.id, len(places)))
    first = frozenset(root.payload.get("first", ()))

    def place(case: Case, now: datetime) -> tuple[Any, ...]:
        standing, order, due, number = _urgency(case, now)
        return standing, 0.5 if case.id in first else order, due, number  # after what is critical, before all else

    return place


def history_of(database: Database, rows: Iterable[Row], now: datetime) -> dict[str, list[Row]]:
    """case id -> the same author's earlier cases in 30 days that people were called for."""
    wanted = list(rows)
    earlier = cases.of_authors(
        database, [(row["source"], row["author"]) for row in wanted if row["author"]], now - HISTORY
    )
    return {
        row["id"]: [
            each
            for each in earlier
            if each["lane"] == "ping"
            and each["n"] < row["n"]
            and (each["brand"], each["source"], each["author"]) == (row["brand"], row["source"], row["author"])
        ]
        for row in wanted
    }


def _kind(root: Delivery, rows: Sequence[Row]) -> Any:
    if root.about.startswith(("brief:", "list:")):
        return "brief"
    if root.about.startswith(("growth:", "lines:")):
        return "story"
    return "story" if len(rows) > 1 else "case"


def _title(  # noqa: PLR0911, PLR0912 - one sentence a kind of message
    rules: Rules, root: Delivery, found: Sequence[Case], now: datetime, *, asks: bool = False
) -> str:
    waiting = sum(1 for case in found if case.state_at(now) == "open")
    done = sum(1 for case in found if case.state_at(now) in {"answered", "closed"})
    if root.about.startswith("list:evening"):
        return daily_lists.evening_title(found, now)
    if not found and root.about.startswith(("list:sweep", "list:opening", "list:normal", "brief:")):
        return "The daily list"  # its cases are erased, or have first messages of their own, still to come
    if root.about.startswith("list:sweep"):
        return _listed(found, now, done)
    if root.about.startswith("list:opening"):
        return f"{count_words(waiting, 'case')} not taken yet" if waiting else "Every case is taken"
    if root.about.startswith("list:offer"):
        left = sum(1 for case in found if case.offered_at is not None and case.state_at(now) == "taken")
        return f"{root.reason}: {count_words(left, 'open case') if left else 'nothing left'} to take over"
    if root.about.startswith("list:night"):
        return f"{count_words(waiting, 'critical case')} not taken" if waiting else "Every critical case is taken"
    if root.about.startswith("list:"):
        return f"{count_words(waiting, 'case')} still waiting today" if waiting else "Nobody is waiting any more"
    if root.about.startswith("brief:"):
        return ", ".join([count_words(len(found), "case"), *_how_many(waiting, done, len(found))])
    if not found:
        return root.reason
    first = found[0]
    if first.outcome == "deleted" and len(found) == 1:
        return f"{first.brand}: {gone_words(first)}"
    if root.about.startswith(("growth:", "lines:", "join:")):
        return _grown(root, first, len(found))
    if len(found) > 1 and root.step > 0:
        return f"{first.brand}: {len(found)} people, one story · {root.reason}"
    if len(found) > 1:
        settled = [case for case in found if case.state_at(now) in {"answered", "closed"}]
        answered = sum(1 for case in settled if case.answered_at is not None)
        closed = f", {done - answered:,} closed" if done > answered else ""
        return f"{first.brand}: {len(found)} people, one story · answered {answered} of {len(found)}{closed}"
    if root.step > 0:
        if first.due_at is not None and first.due_at <= now and waiting:  # the moment: it stays what it is
            why = root.reason.removeprefix("overdue, ").removeprefix("due now, ")  # the title says it already
            return f"Overdue since {clock_words(rules, first.due_at, now)}: {first.brand} · {why}"
        since = span_words(hours.elapsed(first.waits_since, now, rules.hours_for(first.priority)))
        return f"{first.brand}: waiting for {since} · {root.reason}"
    normal = "question" if asks else "complaint"
    mood = {"critical": "critical", "urgent": "urgent", "normal": normal, "gentle": "post to answer"}[first.priority]
    return f"{first.brand}: {mood}" + (f" · {WRITES_AGAIN}" if root.reason == WRITES_AGAIN else "")


def _listed(found: Sequence[Case], now: datetime, done: int) -> str:
    """What the list holds: "2 posts that may need an answer and 1 post worth thanks, 3 done"."""
    left = [case for case in found if case.state_at(now) not in {"answered", "closed"}]
    if not left:
        return f"{count_words(len(found), 'post')}, {'all done' if len(found) > 1 else 'done'}"
    thanks = sum("praise worth thanks" in case.priority_reasons for case in left)
    praised = f"{count_words(thanks, 'post')} worth thanks" if thanks else ""
    asked = f"{count_words(len(left) - thanks, 'post')} that may need an answer" if thanks < len(left) else ""
    parts = " and ".join(part for part in (asked, praised) if part)
    return f"{parts}, {done:,} done" if done else parts


def _how_many(waiting: int, done: int, every: int) -> list[str]:
    """How the cases of a brief stand: "none taken", "2 not taken, 1 done", "all in hand, 1 done", "all done"."""
    if done == every:
        return ["all done" if every > 1 else "done"]
    if waiting == every:
        return ["none taken" if every > 1 else "not taken"]
    open_ = f"{waiting:,} not taken" if waiting else "all in hand" if every > 1 else "in hand"
    return [open_, *([f"{done:,} done"] if done else [])]


def _grown(root: Delivery, first: Case, named: int) -> str:
    """What a message says that tells of people who joined a story: how many it has now, where the channel hears it."""
    people = int(root.payload.get("people", {}).get(first.story_id, 0))
    if root.about.startswith("growth:"):
        return f"{first.brand}: {people} people write about this now"
    if root.about.startswith("join:") and first.priority == "critical":
        return f"{first.brand}: critical" + (f" · {people} people write about this now" if people > 1 else "")
    return f"{first.brand}: {count_words(named, 'more person', 'more people')}"


def _entry(
    rules: Rules,
    row: Row,
    told: Sequence[Mention],
    earlier: Sequence[Row],
    now: datetime,
    link: SignedLink,
    target: str,
    *,
    overlooked: bool = False,
    left_alone: bool = False,
    brand: bool = False,
    others: int = 0,
    known: tuple[str, ...] = (),
    again: bool = False,
) -> Entry:
    case = cases.case_of(row)
    worst = latest_of(told) if again else worst_of(told)  # who is told of new words reads these, not the former ones
    facts = (*known, *facts_of(rules, row, case, worst, earlier, now, same=others + same_trouble(told)))
    if left_alone:  # first of all: whoever reads it is about to write
        facts = (do_not_contact.NOT_CONTACTED, *facts)
    shows = f" · {shown}" if (shown := shown_of(told)) else ""
    times = f", {case_policy.ordinal(len(earlier) + 1)} time in 30 days" if earlier else ""
    posted = _posted(rules, case, worst, now)
    base = rules.settings.earful.page_url.rstrip("/")
    return Entry(
        case_id=case.id,
        headline=f"{author_of(case, rules)} on {_place(case, brand=brand)}{times}{shows} · posted {posted}",
        excerpt=(worst.post.text or worst.post.title or stars_of(worst)) if worst else "",
        facts=("in two lists, and nobody looked", *facts) if overlooked else facts,
        url=worst.post.url if worst else "",
        page_url=f"{base}/cases/{case.id}",
        priority=case.priority,
        standing=standing(rules, case, now),
        actions=_actions(rules, case, now, link, target),
        point=point_of(worst) if worst else (),
    )


def _posted(rules: Rules, case: Case, quoted: Mention | None, now: datetime) -> str:
    """When the post that is quoted was written, and when the author last wrote since: "14:02", "14:02, again 14:40"."""
    last = clock_words(rules, case.last_posted_at, now)
    if quoted is None or quoted.post.posted_at >= case.last_posted_at:
        return last
    first = clock_words(rules, quoted.post.posted_at, now)
    return first if first == last else f"{first}, again {last}"


def problem_line(rules: Rules, known: Mapping[str, Any], now: datetime) -> str:
    """ "Late delivery: reported 4 times before, first on 3 Nov, 2 unanswered"; "first at 09:12" where it was today."""
    first, today = at(known["first_at"]).astimezone(rules.settings.zone), now.astimezone(rules.settings.zone).date()
    when = f"at {first:%H:%M}" if first.date() == today else f"on {first.day} {first:%b}"
    never = f", {known['unanswered']:,} unanswered" if known["unanswered"] else ""
    return f"{known['name']}: reported {count_words(known['n'], 'time')} before, first {when}{never}"


def _place(case: Case, *, brand: bool) -> str:
    return f"{case.source} about {case.brand}" if brand else case.source


_ANSWERED = (("not_answered", "Not answered"),)
_HELD = (("answered", "That was the answer"), ("more", "More"))
_OPEN = (("take", "I have it"), ("dismiss", "No answer needed"))
_AT_NIGHT = (("take", "I have it"), ("morning", "It can wait until morning"))
_TAKEN = (("answered", "Answered"), ("more", "More"))
_OFFERED = (("take", "I have it"), *_TAKEN)


def _actions(rules: Rules, case: Case, now: datetime, link: SignedLink, target: str) -> tuple[Action, ...]:
    state = case.state_at(now)
    if state == "closed" and case.outcome == "no_answer_needed":
        return (Action("why", "Why not?", case.id),)  # one press closed it; what it teaches can still be put right
    if state == "closed":
        return ()
    verbs: tuple[tuple[str, str], ...] = (
        _ANSWERED if state == "answered" else _HELD if case.held else _OPEN if state == "open" else _TAKEN
    )
    if state == "open" and case.priority == "critical" and rules.quiet.is_quiet(now):
        verbs = _AT_NIGHT
    if state == "taken" and case.offered_at is not None:
        verbs = _OFFERED
    made = tuple(Action(verb, label, case.id, link(case.id, target, verb)) for verb, label in verbs)
    source = rules.sources.get(case.source)
    if source is None or not source.reply or state not in {"open", "taken"} or not _opens_windows(rules, target):
        return made
    return (*made, Action("write", "Reply …", case.id))


def _opens_windows(rules: Rules, target: str) -> bool:
    """Whether a target is in a Slack that hears presses: a reply is written in a window there."""
    name = target.partition(":")[0]
    found = next((each for each in rules.settings.channels if each.name == name), None)
    return found is not None and found.kind == "slack" and bool(found.options.hears_presses)


def _short(
    rules: Rules, row: Row, told: Sequence[Mention], now: datetime, *, why: bool, brand: bool, others: int
) -> Line:
    """One line for a case beyond the worst five: who, where, the words that matter, and where to answer.

    With `why`, it begins with the reason why it is there; `others` say the same and have no line of their own.
    """
    case = cases.case_of(row)
    worst = worst_of(told)
    words = around(worst.post.text or worst.post.title, point_of(worst), 80) or stars_of(worst) if worst else ""
    words = words or shown_of(told)
    how = standing(rules, case, now)
    hurry = f"{case.priority} · " if case.priority in {"critical", "urgent"} else ""
    if why and worst is not None:
        hurry += f"{why_listed(worst)[0].partition(': ')[0]} · "
    return Line(
        f"#{case.id} {hurry}{author_of(case, rules)} on {_place(case, brand=brand)}"
        + (f": {words}" if words else "")
        + (f" ({also})" if (also := ", ".join(filter(None, (say_the_same(others), how)))) else ""),
        worst.post.url if worst else "",
        f"{rules.settings.earful.page_url.rstrip('/')}/cases/{case.id}",
        case.id,
    )
