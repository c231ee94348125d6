"""Holding a case: its words are kept from being forgotten and hidden meanwhile. For admins only."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from monitor.notify import hold_notices
from monitor.privacy import holds
from monitor.store import cases
from monitor.store import holds as store
from monitor.web.downloads import download
from monitor.web.html import page
from monitor.web.identity import Refusal
from monitor.web.routing import RequestContext, get, post


def _case(context: RequestContext) -> str:
    row = cases.row_of(context.database, context.path("id")[:40])
    if row is None:
        raise Refusal(404, "There is no such case")
    return str(row["id"])


def _page(context: RequestContext, fault: str = "", status: int = 200) -> Response:
    case_id = _case(context)
    return page(
        context, "hold.html", title=f"Hold case {case_id}", case_id=case_id, fault=fault, status=status,
        hold=store.of_case(context.database, case_id), asked=store.asked_of(context.database, case_id),
        longest=holds.LONGEST.days,
    )  # fmt: skip


@get("/cases/{id}/hold", role="admin", fresh=True)
def show_hold(context: RequestContext) -> Response:
    """Whether the case is on hold, on which ground, and what was asked for meanwhile."""
    return _page(context)


@post("/cases/{id}/hold", role="admin", fresh=True)
def set_hold(context: RequestContext) -> Response:
    """Put it on hold, keep it there for longer, or end it."""
    case_id, who, now = _case(context), context.who.actor, context.now
    by = {"who": who, "way": context.who.way, "now": now, "address": context.address}
    try:
        if context.form.get("end"):
            told = holds.end(context.database, case_id, **by)  # type: ignore[arg-type]
            hold_notices.tell(context.database, context.rules, told, now)
            said = "the hold has ended and pending requests were carried out"
        else:
            days = context.form.get("days", "")
            length = int(days) if days.isascii() and days.isdigit() and len(days) < 5 else 0
            until = holds.hold(context.database, case_id, context.form.get("ground", ""), length, **by)  # type: ignore[arg-type]
            said = f"on hold until {until.astimezone(context.zone):%d %b %Y}"
    except holds.NotHeld as error:
        return _page(context, f"Nothing was done: {error}.", 400)
    return RedirectResponse(f"/cases/{case_id}?" + urlencode({"said": said}), 303)


@get("/cases/{id}/held.jsonl", role="admin", fresh=True)
def show_held(context: RequestContext) -> Response:
    """View the hidden text, for an admin; the audit log says that somebody looked."""
    by = {"who": context.who.actor, "way": context.who.way, "now": context.now, "address": context.address}
    try:
        lines = holds.words_of(context.database, _case(context), **by)  # type: ignore[arg-type]
    except holds.NotHeld as error:
        raise Refusal(404, "This case is not on hold", str(error)) from error
    parts = (f"{line}\n".encode("utf-8", "replace") for line in lines)
    return download(context, parts, "application/jsonl", f"held-{context.now:%Y-%m-%d}.jsonl")
