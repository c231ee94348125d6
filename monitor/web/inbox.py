"""The inbox: the most urgent unanswered case first, one line says why it is there; the sweep beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

from alerts import hours
from alerts.case import PRIORITIES, Case
from alerts.wording import span_words
from monitor.cases import expiry, verbs
from monitor.notify import case_words, rendering
from monitor.people.identity import Actor
from monitor.settings.rules import Rules
from monitor.store import cases, mentions, pages, read_marks
from monitor.store.database import Database, Row
from monitor.text.language import name_of
from monitor.text.similarity import said_once
from monitor.types import Mention
from monitor.web import search
from monitor.web.html import page
from monitor.web.identity import Refusal
from monitor.web.presence import words_of
from monitor.web.reading import not_read
from monitor.web.routing import RequestContext, get
from monitor.web.waiting import waits_for

# How a case ended, and why one needs no answer, in the words of the page.
OUTCOMES = dict(zip(verbs.OUTCOMES, ("solved", "could not be solved", "no answer needed"), strict=True))
WHYS = dict(zip(verbs.WHYS, ("not about us", "not a complaint", "spam", "handled elsewhere"), strict=True))
PAGE = 50
OPEN = 30  # entries of the list that stand open before "show more", and as many more at each press
MOST_OPEN = 600  # entries on one page; further ones push the first ones out
BESIDE = 12  # entries of the list beside what waits
MOST_CHOSEN = 6_000  # characters of an address that say what was selected, or can be undone: all of one press
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


# The views: what their links are called, which sections they show, and under which headings where those differ.
VIEWS = {"": "All", "mine": "Mine", "overdue": "Overdue", "unassigned": "Unassigned"}
_SHOWN = {
    "": ("waiting", "taken", "later"),
    "mine": ("taken", "later"),
    "overdue": ("waiting", "taken"),
    "unassigned": ("waiting",),
}
_HEADINGS = {
    "mine": {"taken": "Mine", "later": "Mine, snoozed or waiting"},
    "overdue": {"waiting": "Overdue and unassigned", "taken": "Overdue and assigned"},
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
    shows: str = ""  # "2 pictures"
    tags: tuple[str, ...] = ()  # that staff put on it
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
    worst = case_words.worst_of(told)
    says = case_words.words_of(worst) if worst else ""
    facts = [
        fact
        for fact in case_words.facts_of(rules, row, case, worst, earlier, now, same=case_words.same_trouble(told))
        if not fact.startswith(("answer by ", "was due "))
    ]
    if earlier:
        facts.insert(0, f"wrote {len(earlier) + 1} times in 30 days")
    return Line(
        case=case,
        says=says,
        why=tuple(dict.fromkeys(facts)),
        matched=_telling(worst, case.brand),
        standing=case_words.standing(rules, case, now, zone),
        state=case.state_at(now),
        clock=clock_of(rules, case, now),
        url=worst.post.url if worst else "",
        posts=row["mentions"],
        shows=case_words.shown_of(told),
        tags=tuple(row["own_tags"].split()),
    )


def _telling(worst: Mention | None, brand: str) -> tuple[str, ...]:
    """The words that matched, unless they are no more than the brand's name: that says nothing."""
    words = worst.verdict.words if worst is not None else ()
    return words if any(word.lstrip("@#").casefold() != brand.casefold() for word in words) else ()


def folded(found: Sequence[Line]) -> list[Line]:
    """Lines, those who only say the same as one above them put below it. Nobody is left out."""
    groups = said_once([(line.case.story_id, line.case.fingerprint) for line in found])
    return [replace(found[head], same=tuple(found[place] for place in below)) for head, *below in groups]


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
            tag=re.sub(r"[\W_]+", "-", context.query("tag").casefold()).strip("-"),
            ids=search.case_ids(context.database, looked),
        ),
        looked,
    )


def _of_view(context: RequestContext, view: str, wanted: pages.Inbox) -> pages.Inbox:
    """The filters with what a view adds to them."""
    if view == "mine":
        return replace(wanted, mine=ids_of(context))
    return replace(wanted, overdue=view == "overdue")


def ids_of(context: RequestContext) -> tuple[str, ...]:
    """The ids under which whoever asks has cases: the one that counts, and the one by which they came."""
    actor = context.who.actor
    return tuple(dict.fromkeys((context.directory.resolve(actor).id, actor.id)))


def _chosen(context: RequestContext, groups: Sequence[dict[str, Any]]) -> frozenset[str]:
    """What is selected when the page is shown: everything, or what was selected when something could not be done."""
    if context.query("select") == "all":
        return frozenset(
            each.case.id for group in groups for line in group["lines"] for each in (line, *line.same)
        )  # fmt: skip
    return frozenset(_named(context, "chosen").split(","))


def _named(context: RequestContext, name: str) -> str:
    """The cases that an address names."""
    return context.request.query_params.get(name, "")[:MOST_CHOSEN]


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
    state, view = context.query("state"), context.query("view")
    if state and state not in pages.SECTIONS:
        raise Refusal(404, "There is no such state", f"Choose one of {', '.join(pages.SECTIONS)}.")
    if view not in VIEWS:
        raise Refusal(404, "There is no such view", f"Choose one of {', '.join(filter(None, VIEWS))}.")
    number = int(context.query("page", "1")) if context.query("page", "1").isdecimal() else 1
    number = min(max(number, 1), 2000)
    database, now = context.database, context.now
    context.site.presence.look(now)
    seen = _of_view(context, view, wanted)
    totals = pages.counts(database, seen, now)
    views = pages.views(database, wanted, ids_of(context), now)
    groups = _groups(context, (state,) if state else _SHOWN[view], seen, totals, number)
    if state in {"sweep", "unread"} and context.looks:
        ids = [each.case.id for group in groups for line in group["lines"] for each in (line, *line.same)]
        expiry.looked_at(database, ids, now)
    beside = None
    if not state and view in {"", "unassigned"}:
        rows = pages.inbox(database, "sweep", wanted, now, BESIDE * 2)  # reposts of one post are one entry
        found = folded(lines(database, context.rules, rows, now, context.zone))[:BESIDE]
        beside = {"total": totals["sweep"], "lines": found}
    listed = [line.case.id for group in (*groups, *filter(None, (beside,))) for line in group["lines"]]
    waiting = views[view or "unassigned"]
    title = TITLES.get(state) or (VIEWS[view] if view else "Inbox")
    return page(
        context, "inbox.html", title=f"({waiting:,}) {title}" if waiting and not state else title, groups=groups,
        sweep=beside, state=state, view=view, views=views, view_names=VIEWS,
        number=number, looked=looked, states=STATES, people=people_of(context),
        languages=pages.languages(database), tags=pages.own_tags(database),
        mine=ids_of(context),
        priorities=PRIORITIES, filtered=any(context.query(key) for key in _FILTERS), per_page=PAGE,
        said=context.query("said"), undo=_named(context, "undo"), chosen=_chosen(context, groups),
        new=read_marks.new_to(database, ids_of(context)[0], listed) if context.who.may("staff") else frozenset(),
        here={each: words_of(names) for each, names in context.site.presence.others(context.who.actor.id, now).items()},
        more={name: totals[name] for name in ("answered", "private", "closed")} if not (state or view) else {},
        outcomes=OUTCOMES, whys=WHYS, newest=pages.NEWEST if looked.query is None else pages.CANDIDATES,
        not_read=not_read(context),
        waits=waits_for(context) if not (state or view) else [], shown_until=OPEN * number,
        unread={code: (name_of(code), many) for code, many in pages.unread_languages(database, wanted, now).items()}
        if totals["unread"] else {},
    )  # fmt: skip


def _groups(
    context: RequestContext, shown: Sequence[str], wanted: pages.Inbox, totals: Mapping[str, int], number: int
) -> list[dict[str, Any]]:
    """The sections of this page with their lines: a page of one that is shown alone, the beginning of several."""
    alone, headings = bool(context.query("state")), _HEADINGS.get(context.query("view"), {})
    groups: list[dict[str, Any]] = []
    for name in shown:
        total = totals[name]
        offset, size = _window(name, number) if alone else (0, PAGE)
        here, passed = _from_here(context, name, wanted, total) if alone else (wanted, None)
        offset, start = (offset, offset) if passed is None else (0, passed)
        rows = pages.inbox(context.database, name, here, context.now, size, offset) if total else []
        found = lines(context.database, context.rules, rows, context.now, context.zone)
        until = start + len(rows)
        after = pages.place_of(name, rows[-1]) if rows and until < total else ""
        groups.append({"name": name, "title": headings.get(name, TITLES[name]), "total": total, "from": start,
                       "until": until, "after": after, "lines": folded(found)})  # fmt: skip
    return groups


def _from_here(context: RequestContext, name: str, wanted: pages.Inbox, total: int) -> tuple[pages.Inbox, int | None]:
    """What stands behind the place that the address names, and how many stand before it; None: it names no place."""
    place = context.query("after")
    if not place or name == "sweep":  # that list grows where it stands
        return wanted, None
    here = replace(wanted, after=place)
    try:
        return here, total - pages.count(context.database, name, here, context.now)
    except ValueError:
        return wanted, None


_FILTERS = ("q", "brand", "source", "owner", "language", "priority", "tag")
