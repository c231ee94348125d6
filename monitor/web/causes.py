"""Causes: what people write about, with counts and trend, what staff make of the list; problems, until all are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from monitor.causes import listing, naming, problems, proposals
from monitor.people.identity import NOBODY
from monitor.store import cases, cause_answers, cause_changes, mentions
from monitor.store import causes as store
from monitor.store import problems as kept
from monitor.store.database import Database, Row, listed_in
from monitor.trackers.clients import Subject
from monitor.web.html import page
from monitor.web.identity import Refusal
from monitor.web.inbox import people_of
from monitor.web.issues import box_of as issues_of
from monitor.web.routing import RequestContext, get, post

WEEK = timedelta(days=7)
CHOICES = 9  # that a number key reaches
PEOPLE_SHOWN = 200


def _brand(context: RequestContext, asked: str) -> str:
    names = [each.name for each in context.settings.brands]
    if asked and asked not in names:
        raise Refusal(404, "There is no such brand")
    return asked or names[0]


def _to(path: str, said: str = "", fault: str = "", **more: str) -> Response:
    query = {**more, **({"said": said[:200]} if said else {}), **({"fault": fault[:300]} if fault else {})}
    return RedirectResponse(f"{path}?{urlencode(query)}", 303)


@get("/causes")
def show_causes(context: RequestContext) -> Response:
    """The list of a brand with this week beside the last one, open problems, and what is proposed."""
    brand, now, database = _brand(context, context.query("brand")), context.now, context.database
    trade = next(each.trade for each in context.settings.brands if each.name == brand)
    listing.begin(database, brand, trade, now)
    this = {row["cause_id"]: row for row in store.counted(database, now - WEEK, now, brand)}
    last = {row["cause_id"]: row["people"] for row in store.counted(database, now - 2 * WEEK, now - WEEK, brand)}
    rows = sorted(
        store.listed(database, brand),
        key=lambda row: (-(this[row["id"]]["people"] if row["id"] in this else 0), row["name"].casefold()),
    )
    most = max((row["people"] for row in this.values()), default=1)
    return page(
        context, "causes.html", title="Causes", brand=brand, causes=rows, this=this, last=last, most=most,
        problems=kept.counted(database, brand), proposed=proposals.proposals(database, brand, now),
        change=cause_changes.last(database, brand), told=listing.told, words_in=listed_in,
        said=context.query("said"), fault=context.query("fault"),
    )  # fmt: skip


@get("/causes/{id}")
def show_cause(context: RequestContext) -> Response:
    """One cause: its words and examples to change, and the posts that are of it."""
    row = store.one(context.database, context.path("id")[:40])
    if row is None or row["gone_at"] or row["merged_into"]:
        raise Refusal(404, "There is no such cause", "It may have been merged or removed.")
    return page(
        context, "cause.html", title=row["name"], cause=row, words=", ".join(listed_in(row["words"])),
        examples="\n".join(listed_in(row["examples"])), posts=store.mentions_of(context.database, row["id"], 30),
        others=[each for each in store.standing(context.database, row["brand"]) if each["id"] != row["id"]],
        said=context.query("said"), fault=context.query("fault"),
    )  # fmt: skip


@post("/causes", role="lead")
def change_list(context: RequestContext) -> Response:
    """Add a cause, dismiss a proposal, or undo the latest change of a list."""
    brand, verb, form = _brand(context, context.form.get("brand")), context.form.get("verb"), context.form
    actor, database = context.who.actor, context.database
    try:
        with database.transaction():
            if verb == "add":
                listing.add(database, brand, form.get("name"), form.get("words")[:4000], actor, context.now)
                said = f"{form.get('name')} added. It is found in posts from now on."
            elif verb == "dismiss":
                listing.dismiss(database, brand, form.get("words"), actor, context.now)
                said = "Not proposed again."
            elif verb == "undo":
                undone = listing.undo(database, brand, context.now)
                said = f"undone: {undone}" if undone else "nothing to undo"
            else:
                raise Refusal(400, "Choose what to do")
    except listing.NotPossible as error:
        return _to("/causes", fault=str(error), brand=brand)
    return _to("/causes", said, brand=brand)


@post("/causes/{id}", role="lead")
def change_cause(context: RequestContext) -> Response:
    """Edit, merge, split or remove a cause."""
    cause, verb, form = context.path("id")[:40], context.form.get("verb"), context.form
    database, actor, now = context.database, context.who.actor, context.now
    row = store.one(database, cause)
    brand = row["brand"] if row is not None else ""
    try:
        with database.transaction():
            if verb == "edit":
                names = ("name", "team", "days", "issue_url")
                fields = {key: form.get(key)[:500] for key in names}
                fields |= {key: form.raw(key)[:20_000] for key in ("words", "examples")}
                changed = listing.edit(database, cause, fields, actor, now)
                return _to(f"/causes/{cause}", "saved" if changed else "nothing changed")
            if verb == "split":
                new, moved = listing.split(
                    database, cause, form.get("new_name"), form.get("new_words")[:4000], actor, now
                )
                return _to(f"/causes/{new}", f"made of {moved} posts")
            if verb == "merge":
                listing.merge(database, cause, form.get("into")[:40], actor, now)
                said = "merged"
            elif verb == "remove":
                listing.remove(database, cause, actor, now)
                said = "removed"
            else:
                raise Refusal(400, "Choose what to do")
    except listing.NotPossible as error:
        return _to(f"/causes/{cause}", fault=str(error))
    return _to("/causes", said, brand=brand)


@post("/cases/{id}/cause", role="staff")
def name_case(context: RequestContext) -> Response:
    """Put a cause on a case, take it off, or take back what was said last."""
    case, database = context.path("id")[:40], context.database
    row = cases.row_of(database, case)
    if row is None:
        raise Refusal(404, "There is no such case")
    try:
        with database.transaction():
            if context.form.get("verb") == "undo":
                said = "cause undone" if naming.undo_cause(database, case, context.now) else "nothing to undo"
            else:
                chosen = context.form.get("cause_of" if context.form.get("verb") == "other" else "cause")[:40]
                if not chosen and context.form.get("verb") != "none":
                    raise Refusal(400, "Choose a cause")
                said = naming.set_cause(
                    database, case, row["brand"], chosen, context.who.actor, context.who.way, context.now
                )
            there = [each["id"] for each in store.of_cases(database, [case]).get(case, [])]
            problems.look(database, context.rules, dict.fromkeys(there, 1), context.now)
    except listing.NotPossible as error:
        said = str(error)
    return _to(f"/cases/{case}", said)


def of_case(context: RequestContext, row: Row) -> dict[str, Any]:
    """What the page of a case shows: its causes, those to choose from, likely ones first, and its open problems."""
    database, case = context.database, row["id"]
    known = {each["id"]: each["name"] for each in store.standing(database, row["brand"])}
    told = mentions.of_case(database, case)
    text = " ".join(f"{each.post.title} {each.post.text}" for each in told[:3])
    likely = context.assembly.intake.causes.guesses(row["brand"], text, context.now)
    order = [*(each for each in likely if each in known), *(each for each in known if each not in likely)]
    standing = store.of_cases(database, [case]).get(case, [])
    return {
        "standing": standing,
        "choices": [(each, known[each]) for each in order if each in known],
        "said": cause_answers.of_case(database, case),
        "heard": kept.heard_before(database, [case]).get(case, []),
    }


# -- problems --------------------------------------------------------------------------------------------------------


@get("/problems/{id}")
def show_problem(context: RequestContext) -> Response:
    """One problem: its owner, its issue, whom it hit, and who of them has been told."""
    row = next(
        (each for each in kept.counted(context.database, open_only=False) if each["id"] == _number(context)), None
    )
    if row is None:
        raise Refusal(404, "There is no such problem", "Its cause may have been merged or removed.")
    affected = kept.affected(context.database, row["id"])
    return page(
        context, "problem.html", title=f"{row['name']}: problem {row['id']}", problem=row,
        affected=affected[:PEOPLE_SHOWN], more=max(len(affected) - PEOPLE_SHOWN, 0), people=people_of(context),
        draft=lambda person: problems.draft(person, row["name"]), said=context.query("said"),
        fault=context.query("fault"), issues=issues_of(context, Subject(problem=row["id"])),
    )  # fmt: skip


def _number(context: RequestContext) -> int:
    text = context.path("id")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


@post("/problems/{id}", role="staff")
def change_problem(context: RequestContext) -> Response:
    """Take it, name its owner, mark it as fixed, tick somebody as told; each can be taken back."""
    number, verb, database = _number(context), context.form.get("verb"), context.database
    actor, now, mention = context.who.actor, context.now, context.form.get("mention")[:64]
    verbs: dict[str, tuple[Callable[[], object], str]] = {
        "take": (lambda: problems.give(database, number, actor, now), f"{context.who.name} owns it"),
        "release": (lambda: problems.give(database, number, NOBODY, now), "nobody owns it now"),
        "fixed": (lambda: problems.fix(database, number, actor, now), "marked as fixed; now tell the people below"),
        "not_fixed": (lambda: problems.unfix(database, number, now), "open again"),
        "told": (lambda: problems.tell(database, number, mention, actor, now), "told"),
        "not_told": (lambda: kept.untell(database, number, [mention]), "not told yet"),
    }
    try:
        with database.transaction():
            if verb == "assign":
                owner = next((each for each in people_of(context) if each.id == context.form.get("owner")), None)
                if owner is None:
                    raise listing.NotPossible("choose somebody of the list")
                problems.give(database, number, owner, now)
                said = f"{owner.name} owns it"
            elif verb in verbs:
                verbs[verb][0]()
                said = verbs[verb][1]
            else:
                raise Refusal(400, "Choose what to do")
    except listing.NotPossible as error:
        return _to(f"/problems/{number}", fault=str(error))
    return _to(f"/problems/{number}", said)


def as_json(row: Row) -> dict[str, Any]:
    """A problem as programs read it."""
    keys = (
        "id", "cause_id", "name", "brand", "team", "issue_url", "owner", "opened_at", "first_at", "last_at", "people",
        "heard_before", "unanswered", "fixed_at", "untold",
    )  # fmt: skip
    return {key: row[key] for key in keys}


def causes_as_json(database: Database, brand: str, now: datetime) -> list[dict[str, Any]]:
    """The causes of a brand as programs read them, with this week beside the last one."""
    this = {row["cause_id"]: row for row in store.counted(database, now - WEEK, now, brand)}
    before = store.counted(database, now - 2 * WEEK, now - WEEK, brand)
    last = {row["cause_id"]: row["people"] for row in before}
    found = []
    for row in store.listed(database, brand):
        counted = this.get(row["id"])
        keys = ("id", "brand", "name", "team", "issue_url", "known_since", "fixed_at")
        found.append(
            {
                **{key: row[key] for key in keys},
                "words": list(listed_in(row["words"])),
                "people": counted["people"] if counted is not None else 0,
                "mentions": counted["mentions"] if counted is not None else 0,
                "people_last_week": last.get(row["id"], 0),
            }
        )
    return found
