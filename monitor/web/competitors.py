"""What is said of competitors, on the page alone: the shares, what is criticized and praised, who looks elsewhere."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from monitor.reports import share_of_voice
from monitor.store import competitors
from monitor.web.html import page
from monitor.web.identity import Refusal
from monitor.web.routing import RequestContext, get, post

DAYS = 28
PAGE = 40
KINDS = {"leads": "Leads", "cursed": "Criticized", "praised": "Praised", "all": "All"}
PLACE = "/mentions/competitors"


@get(PLACE)
def show_competitors(context: RequestContext) -> Response:
    """The shares of four weeks, and the posts of one kind."""
    names = [each.name for each in context.settings.competitors]
    if not names:
        raise Refusal(404, "No competitors are named", "Add one to settings.toml: [[competitors]] with name and query.")
    kind = context.query("kind") if context.query("kind") in KINDS else "leads"
    chosen = [name for name in names if name == context.query("name")] or names
    before = context.query("before").replace("_", " ", 1)
    rows = competitors.listed(context.database, kind, chosen, before=before, limit=PAGE + 1)
    more, rows = len(rows) > PAGE, rows[:PAGE]
    since = context.now - timedelta(days=DAYS)
    return page(
        context, "competitors.html", title="Competitors", kind=kind, kinds=KINDS, names=names, rows=rows, days=DAYS,
        voice=share_of_voice.of_span(context.database, context.rules, since, context.now),
        before=f"{rows[-1]['posted_at']}_{rows[-1]['post_id']}" if more else "", said=context.query("said"),
        undo=context.query("undo"),
    )  # fmt: skip


@post(PLACE, role="staff")
def look(context: RequestContext) -> Response:
    """Somebody has looked at a lead: it leaves the list, or comes back to it."""
    lead, verb = context.form.get("lead"), context.form.get("verb")
    if verb not in {"done", "undo"}:
        raise Refusal(400, "Choose what to do")
    who = context.directory.resolve(context.who.actor).name
    with context.database.transaction():
        if verb == "undo":
            changed = competitors.undone(context.database, lead)
        else:
            changed = competitors.done(context.database, lead, who, context.now)
    said = {"done": "Done: it left the list.", "undo": "It is back on the list."}[verb]
    told = {"said": said if changed else "Nothing to change: a colleague has done it already."}
    if changed and verb == "done":
        told["undo"] = lead
    return RedirectResponse(f"{PLACE}?" + urlencode(told), 303)
