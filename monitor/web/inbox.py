"""The inbox: the most urgent unanswered case first, one line says why it is there; the sweep beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.responses import RedirectResponse, Response

from alerts import hours
from alerts.case import PRIORITIES, Case
from alerts.wording import count_words, span_words
from monitor.cases import actions as verbs
from monitor.cases import expiry
from monitor.cases.own_lists import all_solved
from monitor.notify import rendering
from monitor.people.identity import Actor
from monitor.settings.rules import Rules
from monitor.store import cases, key_values, mentions, pages
from monitor.store.database import Database, Row
from monitor.text.language import name_of
from monitor.text.similarity import alike
from monitor.types import Mention
from monitor.web import search
from monitor.web.html import page
from monitor.web.identity import Refusal
from monitor.web.reading import not_read
from monitor.web.routing import RequestContext, get, post

# How a case ended, and why one needs no answer, in the words of the page.
OUTCOMES = dict(zip(verbs.OUTCOMES, ("solved", "could not be solved", "no answer needed"), strict=True))
WHYS = dict(zip(verbs.WHYS, ("not about us", "not a complaint", "spam", "handled elsewhere"), strict=True))
PAGE = 50
OPEN = 30  # entries of the list that stand open before "show more", and as many more at each press
MOST_OPEN = 600  # entries on one page; further ones push the first ones out
AT_ONCE = 200  # cases that one form may speak of
TITLES = {
    "waiting": "Unassigned",
    "taken": "Assigned",
    "later": "Snoozed or waiting",
    "answered": "Answered but still open",
    "private": "Moved to private messages: solved or still open?",
    "closed": "Closed",
    "sweep": "May need an answer",
    "unread": "In languages that nobody here reads",
}


STATES = {
    "waiting": "nobody has taken it", "taken": "taken", "later": "later", "answered": "answered",
    "private": "moved to private", "closed": "closed",
    "sweep": "may need one", "unread": "language not read",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clock:
    """The time left, in words. `tone` is "late", "soon" or ""."""

    words: str
    tone: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One case as the inbox shows it."""

    case: Case
    says: str
    why: tuple[str, ...]
    matched: tuple[str, ...]
    standing: str
    state: str
    clock: Clock
    url: str
    posts: int
    same: tuple[Line, ...] = ()  # others of the same story who say the same: reposts, cross-posts


def clock_of(rules: Rules, case: Case, now: datetime) -> Clock:
    """How long is left for the first answer (opening hours, where they count), or how late it is."""
    if case.due_at is None or case.state_at(now) in {"answered", "closed"}:
        return Clock("")
    if not _counts(rules, case):
        return Clock("no clock")
    opening = rules.hours_for(case.priority)
    if case.due_at <= now:
        return Clock(f"{span_words(hours.elapsed(case.due_at, now, opening))} late", "late", case.due_at)
    left = hours.elapsed(now, case.due_at, opening)
    whole = hours.elapsed(case.waits_since, case.due_at, opening)
    tone = "soon" if whole and left <= whole / 4 else ""
    return Clock(f"{span_words(left)}{'' if opening.always_open else ' of opening hours'} left", tone, case.due_at)


def _counts(rules: Rules, case: Case) -> bool:
    source = rules.sources.get(case.source)
    return source is None or source.answerable


def lines(
    database: Database, rules: Rules, rows: Sequence[Row], now: datetime, zone: ZoneInfo | None = None
) -> list[Line]:
    """Rows of cases as lines, in a few queries for all of them."""
    told = mentions.of_cases(database, [row["id"] for row in rows])
    history = rendering.history_of(database, rows, now)
    return [_line(rules, row, told.get(row["id"], []), history.get(row["id"], []), now, zone) for row in rows]


def _line(
    rules: Rules, row: Row, told: Sequence[Mention], earlier: Sequence[Row], now: datetime, zone: ZoneInfo | None
) -> Line:
    case = cases.case_of(row)
    worst = rendering.worst_of(told)
    says = (worst.post.text or worst.post.title or f"{worst.post.rating or 0:g} of 5 stars, no words") if worst else ""
    facts = [
        fact
        for fact in rendering.facts_of(rules, row, case, worst, earlier, now, same=rendering.same_trouble(told))
        if not fact.startswith(("answer by ", "was due "))
    ]
    if earlier:
        facts.insert(0, f"wrote {len(earlier) + 1} times in 30 days")
    return Line(
        case=case,
        says=says,
        why=tuple(dict.fromkeys(facts)),
        matched=_telling(worst, case.brand),
        standing=rendering.standing(rules, case, now, zone),
        state=case.state_at(now),
        clock=clock_of(rules, case, now),
        url=worst.post.url if worst else "",
        posts=row["mentions"],
    )


def _telling(worst: Mention | None, brand: str) -> tuple[str, ...]:
    """The words that matched, unless they are no more than the brand's name: that says nothing."""
    words = worst.verdict.words if worst is not None else ()
    return words if any(word.lstrip("@#").casefold() != brand.casefold() for word in words) else ()


def folded(found: Sequence[Line]) -> list[Line]:
    """Lines, those who only say the same as one above them put below it. Nobody is left out."""
    heads: list[Line] = []
    below: dict[int, list[Line]] = {}
    for line in found:
        mark = line.case.fingerprint
        for place, head in enumerate(heads):
            if head.case.story_id == line.case.story_id and mark and alike(head.case.fingerprint, mark):
                below.setdefault(place, []).append(line)
                break
        else:
            heads.append(line)
    return [replace(head, same=tuple(below.get(place, ()))) for place, head in enumerate(heads)]


def people_of(context: RequestContext) -> list[Actor]:
    """Whom a case can be given to: the one list of people, and who asks."""
    directory = context.directory
    mine = directory.resolve(context.who.actor)
    everyone = list(directory.everyone)
    return everyone if any(each.id == mine.id for each in everyone) else [*everyone, mine]


def wanted_of(context: RequestContext) -> tuple[pages.Inbox, search.Search]:
    """The filters that stand in the address."""
    looked = search.read(context.query("q"))
    owner = context.directory.find(context.query("owner"))
    return (
        pages.Inbox(
            brand=context.query("brand"),
            source=context.query("source"),
            owner=owner.id if owner is not None else context.query("owner"),
            language=context.query("language"),
            priority=context.query("priority"),
            ids=search.case_ids(context.database, looked),
        ),
        looked,
    )


def _window(section: str, number: int) -> tuple[int, int]:
    """Which cases a page shows: (from, how many). "Show more" keeps what stood there, up to a bound."""
    if section != "sweep":
        return PAGE * (number - 1), PAGE
    start = max(OPEN * number - MOST_OPEN, 0)
    return start, OPEN * number - start


@get("/")
def inbox(context: RequestContext) -> Response:
    """What waits, what somebody is on, what sleeps; beside it what may need an answer."""
    wanted, looked = wanted_of(context)
    state = context.query("state")
    if state and state not in pages.SECTIONS:
        raise Refusal(404, "There is no such state", f"Choose one of {', '.join(pages.SECTIONS)}.")
    number = int(context.query("page", "1")) if context.query("page", "1").isdecimal() else 1
    number = min(max(number, 1), 2000)
    shown = (state,) if state else ("waiting", "taken", "later")
    database, now = context.database, context.now
    totals = pages.counts(database, wanted, now)
    groups: list[dict[str, Any]] = []
    for name in shown:
        total = totals[name]
        offset, size = _window(name, number) if state else (0, PAGE)
        rows = pages.inbox(database, name, wanted, now, size, offset) if total else []
        groups.append({"name": name, "title": TITLES[name], "total": total, "from": offset,
                       "lines": folded(lines(database, context.rules, rows, now, context.zone))})  # fmt: skip
    beside = None
    if state in {"sweep", "unread"} and context.looks:
        seen = [each.case.id for group in groups for line in group["lines"] for each in (line, *line.same)]
        expiry.looked_at(database, seen, now)
    if not state:
        rows = pages.inbox(database, "sweep", wanted, now, 12)
        beside = {
            "total": totals["sweep"],
            "lines": lines(database, context.rules, rows, now, context.zone),
        }
    return page(
        context, "inbox.html", title=TITLES.get(state, "Inbox"), groups=groups, sweep=beside, state=state,
        number=number, looked=looked, states=STATES, people=people_of(context), languages=pages.languages(database),
        mine=context.directory.resolve(context.who.actor).id,
        priorities=PRIORITIES, filtered=any(context.query(key) for key in _FILTERS), per_page=PAGE,
        said=context.query("said"), undo=context.query("undo"),
        more={name: totals[name] for name in ("answered", "private", "closed")} if not state else {},
        outcomes=OUTCOMES, whys=WHYS, newest=pages.NEWEST, not_read=not_read(context), shown_until=OPEN * number,
        unread={code: (name_of(code), many) for code, many in pages.unread_languages(database, wanted, now).items()}
        if totals["unread"] else {},
    )  # fmt: skip


_FILTERS = ("q", "brand", "source", "owner", "language", "priority")


@post("/cases", role="staff")
def several(context: RequestContext) -> Response:
    """Say one thing of several cases at once."""
    ids = list(dict.fromkeys(context.form.all("case")))[:AT_ONCE]
    verb = context.form.get("verb")
    back = _back(context)
    if not ids:
        return RedirectResponse(_told(back, "Select cases first, with the box in front of each."), 303)
    if verb in _ASKS and not context.form.get(_ASKS[verb][0]):
        return RedirectResponse(_told(back, _ASKS[verb][1]), 303)
    if verb == "mute":
        return RedirectResponse(_told(back, _mute(context, ids)), 303)
    meanings: dict[str, dict[str, Any]] = {
        "take": {},
        "assign": {"owner": context.form.get("owner")},
        "dismiss": {"why": context.form.get("why")},
        "close": {"outcome": context.form.get("outcome")},
        "snooze": {"until": context.now + timedelta(hours=24)},
        "undo": {},
        "not_answered": {},
        "reopen": {},
    }
    if verb not in meanings:
        raise Refusal(400, "Choose what to do with them")
    detail = {key: value for key, value in meanings[verb].items() if value}
    done: list[str] = []
    faults: list[str] = []
    for case_id in ids:
        try:
            said = verbs.say(
                context.database,
                context.rules,
                case_id,
                verb,
                who=context.who.actor,
                way=context.who.way,
                now=context.now,
                detail=detail,
            )
        except verbs.NotPossible as error:
            faults.append(str(error))
            continue
        if said.changed:
            done.append(case_id)
    words = f"{count_words(len(done), 'case')}: {_WORDS[verb]}." if done else "Nothing was changed."
    if faults:
        words += f" {count_words(len(faults), 'case')} unchanged: {faults[0]}"
    return RedirectResponse(_told(back, words, done if verb != "undo" else []), 303)


@post("/cases/solved-in-private", role="staff")
def solved_in_private(context: RequestContext) -> Response:
    """One press for all that somebody sent on: solved."""
    with context.database.transaction():
        count = all_solved(context.database, context.rules, context.who.actor, context.who.way, context.now)
    said = (
        f"{count_words(count, 'case')} closed as solved."
        if count
        else "None of the cases you moved to private messages is open."
    )
    return RedirectResponse(_told("/", said), 303)


# What is chosen by who says it, never assumed: how it ended teaches, and stands in the figures.
_ASKS = {
    "close": ("outcome", "Nothing was changed. Choose an outcome, then close them."),
    "dismiss": ("why", "Nothing was changed. Choose a reason first."),
}
_WORDS = {
    "take": "yours now",
    "assign": "assigned to their new owner",
    "dismiss": "no answer needed",
    "close": "closed",
    "snooze": "snoozed for a day",
    "undo": "undone",
    "not_answered": "open again",
    "reopen": "open again",
}


def _mute(context: RequestContext, ids: Sequence[str]) -> str:
    """Stop telling of the authors of these cases, and dismiss the cases."""
    authors = set()
    with context.database.transaction():
        for case in (cases.one(context.database, each) for each in ids):
            if case is None or not case.author:
                continue
            authors.add((case.brand, f"{case.source}/{case.author}"))
        standing = {
            (row["brand"], row["value"]) for row in key_values.mutes(context.database) if row["kind"] == "author"
        }
        for brand, value in sorted(authors - standing):
            key_values.add_mute(context.database, brand, "author", value, context.who.name, context.now)
    return f"{count_words(len(authors), 'author')} muted. Their posts are stored, but nobody is alerted. Undo on Desk."


def _back(context: RequestContext) -> str:
    target = context.form.get("back", "/")
    return target if target == "/" or target.startswith("/?") else "/"


def _told(back: str, said: str, undo: Sequence[str] = ()) -> str:
    from urllib.parse import parse_qsl

    kept = [(key, value) for key, value in parse_qsl(back.partition("?")[2]) if key not in {"said", "undo"}]
    more = [("said", said[:200])] + ([("undo", ",".join(undo)[:400])] if undo else [])
    return "/?" + urlencode(kept + more)
