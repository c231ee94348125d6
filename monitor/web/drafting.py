"""Asking for a draft on the page of a case. It stands in the box, and is changed and posted like any other text."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from alerts.case import Case
from monitor.assistant.draft import Draft, NoDraft, draft_of
from monitor.cases.actions import NotPossible
from monitor.replying import drafts
from monitor.replying.context import Replying, parent_of
from monitor.store import cases, replies
from monitor.store.replies import mark_of
from monitor.web.case import REPLY, limit_of, show_case
from monitor.web.identity import Refusal
from monitor.web.routing import RequestContext, post

MOST = 20  # drafts of one case; whoever wants more writes
_FULL = "the box isn't empty: clear it first, then press Draft again"


@post("/cases/{id}/draft", role="staff")
def draft(context: RequestContext) -> Response:
    """Have a model draft a reply into the empty box, or say why there is none."""
    case = cases.one(context.database, context.path("id")[:40])
    if case is None:
        raise Refusal(404, "There is no such case", "It may have been deleted, along with its posts, after a year.")
    text = context.form.raw("reply")[:REPLY].replace("\r\n", "\n").strip()
    if not _may_be_replaced(context, case, text):
        return show_case(context, no_draft=_FULL, status=409, reply=text, typed=True)
    again = min(_number(context.form.get("again")), MOST)
    replying = context.assembly.replying
    found = draft_of(
        context.assembly.assistant, replying, case, name=context.who.name, now=context.now,
        limit=limit_of(context, case), again=again,
    )  # fmt: skip
    if isinstance(found, NoDraft):
        return show_case(context, no_draft=found.words, status=409, reply=text, typed=True)
    if not replying.is_on(case.source):
        return show_case(context, reply=found.text, drafted=found.origin, again=again + 1)
    try:
        kept = _kept(context, replying, case, found)
    except NotPossible as error:
        return show_case(context, no_draft=str(error), status=409, reply=found.text, typed=True)
    told = urlencode({"draft": kept, "said": f"{found.origin[:1].lower()}{found.origin[1:280]}"})
    return RedirectResponse(f"/cases/{case.id}?{told}#help", 303)


def _may_be_replaced(context: RequestContext, case: Case, text: str) -> bool:
    """An empty box, what the network begins a reply with, and a draft that nobody has changed."""
    if not text or mark_of(text) == context.form.get("drafted"):
        return True
    replying = context.assembly.replying
    row = replies.one(context.database, context.form.get("reply_id")[:40])
    if row is not None and row.case_id == case.id and row.text == text:
        return row.is_unchanged
    parent = parent_of(context.database, case)
    if parent is None or not replying.is_on(case.source):
        return False
    return text == replying.writers.of(case.source).opening(parent).strip()


def _kept(context: RequestContext, replying: Replying, case: Case, found: Draft) -> str:
    """Keep it as a draft of the case; the one that it replaces goes. The id of it."""
    who, way, now = context.who.actor, context.who.way, context.now
    before = replies.one(context.database, context.form.get("reply_id")[:40])
    if before is not None and before.case_id == case.id and before.state == "draft" and before.is_unchanged:
        drafts.drop(replying, before.id, who=who, way=way, now=now)
    made = drafts.new_id()
    drafts.keep(replying, case.id, made, found.text, who=who, way=way, now=now, drafted=True)
    return made


def _number(text: str) -> int:
    return int(text[:3]) if text.isascii() and text.isdigit() else 0
