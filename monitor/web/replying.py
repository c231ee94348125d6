"""Answering a case from its page: a person writes, sees who would post it where, and presses for exactly that text."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from monitor.people.actors import NotPossible
from monitor.replying import drafts, looking_up, press, taking_back
from monitor.replying.context import Seen
from monitor.store.replies import ReplyRow, mark_of
from monitor.web.case import REPLY, show_case
from monitor.web.routing import RequestContext, post


@post("/cases/{id}/reply", role="staff")
def reply(context: RequestContext) -> Response:
    """Post it, keep it, have a lead look at it, or say what became of one."""
    text = context.form.raw("reply")[:REPLY].replace("\r\n", "\n").strip()
    try:
        words, done = _done(context, context.form.get("verb"), text)
    except NotPossible as error:
        words, done = str(error), False
    if not done:
        return show_case(context, fault=words, status=409, reply=text, typed=True)
    return RedirectResponse(f"/cases/{context.path('id')[:40]}?" + urlencode({"said": words[:300]}), 303)


def _done(context: RequestContext, verb: str, text: str) -> tuple[str, bool]:
    """What came of it in words, and whether there is nothing left to do in the box."""
    replying, now = context.assembly.replying, context.now
    case_id, reply_id = context.path("id")[:40], context.form.get("reply_id")[:40]
    who, way = context.who.actor, context.who.way
    match verb:
        case "post" | "save" | "ask":
            was = context.form.get("was")[:64]
            row = drafts.keep(replying, case_id, reply_id, text, was=was, who=who, way=way, now=now)
            return _written(context, row, verb)
        case "send_back":
            drafts.send_back(replying, reply_id, context.form.get("why"), who=who, way=way, now=now)
            words = "sent back to its writer"
        case "drop":
            drafts.drop(replying, reply_id, who=who, way=way, now=now)
            words = "draft dropped"
        case "there" | "not_there":
            words = looking_up.settle(replying, reply_id, stands=verb == "there", who=who, way=way, now=now)
        case "take_back":
            pressed = taking_back.take_back(replying, reply_id, who=who, way=way, now=now)
            return pressed.words, pressed.state != "sent"
        case _:
            raise NotPossible("unknown action; press a button of the page")
    return words, True


def _written(context: RequestContext, row: ReplyRow, verb: str) -> tuple[str, bool]:
    """What becomes of a text that is kept by now."""
    replying, who, way, now = context.assembly.replying, context.who.actor, context.who.way, context.now
    if verb == "save":
        return "draft saved", True
    if verb == "ask":
        drafts.ask_lead(replying, row.id, who=who, way=way, now=now)
        return "a lead can approve it now", True
    seen = Seen(mark_of(row.text), context.form.get("parent"), context.form.get("account"), _number(context))
    pressed = press.press(replying, row.id, seen, who=who, way=way, now=now)
    return pressed.words, pressed.state == "sent"


def _number(context: RequestContext) -> int:
    said = context.form.get("said")
    return int(said[:9]) if said.isascii() and said.isdigit() else -1
