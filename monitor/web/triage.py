"""What is pressed in the inbox: one case by its own buttons, several that are selected, or the next one that waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.responses import RedirectResponse, Response

from alerts.wording import count_words
from monitor.cases.actions import Said, say_within, undoable
from monitor.cases.next_case import take_next
from monitor.cases.own_lists import all_solved
from monitor.people.actors import NotPossible
from monitor.people.identity import settings_name
from monitor.store import case_log, cases, key_values, read_marks
from monitor.web.identity import Refusal
from monitor.web.inbox import MOST_CHOSEN, ids_of
from monitor.web.routing import RequestContext, post

AT_ONCE = 200  # cases that one form may speak of
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
# What the buttons of one row say, and what the word after the verb means.
_OF_ONE = {
    "take": "",
    "answered": "",
    "not_answered": "",
    "reopen": "",
    "dismiss": "why",
    "close": "outcome",
    "tag": "",
}


@post("/cases", role="staff")
def several(context: RequestContext) -> Response:
    """Say one thing of several cases at once, or of the one whose button was pressed."""
    wanted = list(dict.fromkeys(context.form.all("case")))
    ids, left = wanted[:AT_ONCE], wanted[AT_ONCE:]
    if one := context.form.get("one"):
        return _one(context, one, ids)
    verb = context.form.get("verb")
    if not ids:
        return _told(context, "Select cases first, with the box in front of each.")
    if verb in _ASKS and not context.form.get(_ASKS[verb][0]):
        return _told(context, _ASKS[verb][1], chosen=ids)
    if verb == "mute":
        return _told(context, _mute(context, ids))
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
    faults: dict[str, str] = {}
    for each in ids:
        case_id, _, line = each.partition(":")  # to undo: which line of its log
        try:
            said, mark = _say(context, case_id, verb, {**detail, **({"line": line} if line else {})})
        except NotPossible as error:
            faults[case_id] = str(error)
            continue
        if said.changed:
            done.append(mark)
    words = f"{count_words(len(done), 'case')}: {_WORDS[verb]}." if done else "Nothing was changed."
    if faults:
        words += f" {count_words(len(faults), 'case')} unchanged: {next(iter(faults.values()))}"
    if left:
        words = f"{words} {count_words(len(left), 'case')} still selected: at most {AT_ONCE} at once."
    return _told(context, words, undo=done if verb != "undo" else [], chosen=[*faults, *left])


def _say(
    context: RequestContext, case_id: str, verb: str, detail: dict[str, Any], *, free: bool = False
) -> tuple[Said, str]:
    """Say it of one case, which is no longer new to whoever says it; `free`: only if no colleague has taken it.

    With what the button to undo just this says: "12:345", the case and the line of its log.
    """
    database, me = context.database, ids_of(context)
    with database.transaction():
        case = cases.one(database, case_id) if free else None
        if case is not None and case.owner_id and case.owner_id not in me:
            raise NotPossible(f"{case.owner} has taken it meanwhile")
        said = say_within(
            database, context.rules, case_id, verb,
            who=context.who.actor, way=context.who.way, now=context.now, detail=detail, zone=context.zone,
        )  # fmt: skip
        read_marks.note(database, me[0], [case_id], context.now)
        line = undoable(case_log.of_case(database, case_id), context.now) if said.changed else None
    return said, f"{case_id}:{line.n}" if line is not None else case_id


def _one(context: RequestContext, one: str, chosen: Sequence[str]) -> Response:
    """One row's own button: "12 take", "12 dismiss spam free" (it had no owner there). What is selected stays so."""
    case_id, verb, value, free = [*one.split(), "", "", "", ""][:4]
    if verb not in _OF_ONE or (_OF_ONE[verb] and not value):
        raise Refusal(400, "Choose what to do with it")
    left = [each for each in chosen if each != case_id]
    try:
        detail = {"text": context.form.get("tag")[:200]} if verb == "tag" else {_OF_ONE[verb]: value} if value else {}
        said, mark = _say(context, case_id, verb, detail, free=bool(free))
    except NotPossible as error:
        return _told(context, f"Nothing was changed: {error}", chosen=left)
    return _told(context, f"Case {case_id}: {said.text}.", undo=[mark] if said.changed else [], chosen=left)


@post("/next", role="staff")
def give_me_the_next(context: RequestContext) -> Response:
    """Take the most urgent case that nobody has, in a language that whoever presses speaks, and show it."""
    said = take_next(
        context.database, context.rules, context.who.actor, context.who.way, context.now, _speaks(context), context.zone
    )
    if said.case is None:
        return _told(context, f"{said.text}.")
    return RedirectResponse(f"/cases/{said.case.id}?" + urlencode({"said": said.text}), 303)


def _speaks(context: RequestContext) -> frozenset[str]:
    """The languages of whoever asks, by their codes; none where nothing says so."""
    name = settings_name(context.directory.resolve(context.who.actor).id)
    person = context.rules.people.get(name)
    return frozenset(getattr(person, "speaks", ()) or ())


@post("/cases/{id}/here", role="staff")
def here(context: RequestContext) -> Response:
    """Their page has this case open, or has just been closed."""
    presence, case_id = context.site.presence, context.path("id")[:40]
    if context.form.get("gone"):
        presence.go(case_id, context.who.actor.id)
    else:
        presence.come(case_id, context.who.actor.id, context.who.name, context.now)
    return Response(status_code=204)


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
    return _told(context, said)


def _mute(context: RequestContext, ids: Sequence[str]) -> str:
    """Stop telling of the authors of these cases."""
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
    undo = "Undo on Desk." if context.who.may("lead") else "A lead can undo this on Desk."
    return f"{count_words(len(authors), 'author')} muted. Their posts are stored, but nobody is alerted. {undo}"


def _told(context: RequestContext, said: str, *, undo: Sequence[str] = (), chosen: Sequence[str] = ()) -> Response:
    """Back to the page where it was pressed: it says what came of it, offers to undo it, and keeps the selection."""
    back = context.form.get("back", "/")
    query = back.removeprefix("/?") if back.startswith("/?") else ""
    kept = [(key, value) for key, value in parse_qsl(query) if key not in {"said", "undo", "chosen", "select"}]
    more = {"said": said[:200], "undo": _listed(undo), "chosen": _listed(chosen)}
    return RedirectResponse("/?" + urlencode(kept + [(key, value) for key, value in more.items() if value]), 303)


def _listed(ids: Sequence[str]) -> str:
    """As many of these as an address holds, each of them whole: a part of a number is another case."""
    text = ",".join(ids)
    return text if len(text) <= MOST_CHOSEN else text[: MOST_CHOSEN + 1].rpartition(",")[0]
