"""Asking for a draft on the page of a case. It stands in the box, and is changed and posted like any other text."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from monitor.assistant import draft_box
from monitor.assistant.draft import NoDraft, draft_of
from monitor.people.actors import NotPossible
from monitor.store import cases
from monitor.store.replies import mark_of
from monitor.web.case import REPLY, limit_of, show_case
from monitor.web.identity import Refusal
from monitor.web.routing import RequestContext, post

MOST = 20  # drafts of one case; whoever wants more writes


@post("/cases/{id}/draft", role="staff")
def draft(context: RequestContext) -> Response:
    """Have a model draft a reply into the empty box, or say why there is none."""
    case = cases.one(context.database, context.path("id")[:40])
    if case is None:
        raise Refusal(404, "There is no such case", "It may have been deleted, along with its posts, after a year.")
    text = context.form.raw("reply")[:REPLY].replace("\r\n", "\n").strip()
    replying, before = context.assembly.replying, context.form.get("reply_id")[:40]
    unchanged = text != "" and mark_of(text) == context.form.get("drafted")  # where a draft is kept in the form alone
    if not (unchanged or draft_box.may_be_replaced(replying, case, before, text)):
        return show_case(context, no_draft=draft_box.FULL, status=409, reply=text, typed=True)
    again = min(_number(context.form.get("again")), MOST)
    found = draft_of(
        context.assembly.assistant, replying, case, name=context.who.name, now=context.now,
        limit=limit_of(context, case), again=again,
    )  # fmt: skip
    if isinstance(found, NoDraft):
        return show_case(context, no_draft=found.words, status=409, reply=text, typed=True)
    if not replying.is_on(case.source):
        return show_case(context, reply=found.text, drafted=found.origin, again=again + 1)
    try:
        kept = draft_box.keep(
            replying, case, found, before=before, who=context.who.actor, way=context.who.way, now=context.now
        )
    except NotPossible as error:
        return show_case(context, no_draft=str(error), status=409, reply=found.text, typed=True)
    told = urlencode({"draft": kept.id, "said": f"{found.origin[:1].lower()}{found.origin[1:280]}"})
    return RedirectResponse(f"/cases/{case.id}?{told}#help", 303)


def _number(text: str) -> int:
    return int(text[:3]) if text.isascii() and text.isdigit() else 0
