"""Erasing an author from the page: what would go, asked once more, and then done; and all that is held of one.

For admins only.

The address names a case and not the person, so that no browser and no proxy remembers whom it was.
"""

from __future__ import annotations

import json
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from monitor.people.audit import Event
from monitor.privacy import export, forgetting
from monitor.store import cases, wiping
from monitor.store.connect import served_by
from monitor.web.downloads import download
from monitor.web.html import page
from monitor.web.identity import Refusal
from monitor.web.routing import RequestContext, get, post


def _known(context: RequestContext) -> forgetting.Known:
    case = cases.one(context.database, context.path("id")[:40])
    if case is None or not case.author:
        raise Refusal(404, "No author to erase", "This case has no author, or they have already been erased.")
    return forgetting.known(context.database, context.rules, case.source, case.author)


def _ask(context: RequestContext, found: forgetting.Known, fault: str = "", status: int = 200) -> Response:
    return page(
        context,
        "erase.html",
        title="Erase an author",
        found=found,
        case_id=context.path("id"),
        fault=fault,
        status=status,
    )


@get("/cases/{id}/erase", role="admin", fresh=True)
def show_erasing(context: RequestContext) -> Response:
    """What is stored of this author, and what erasing it means. Nothing happens yet."""
    return _ask(context, _known(context))


@get("/cases/{id}/person.jsonl", role="admin", fresh=True)
def export_person(context: RequestContext) -> Response:
    """Everything held of this author, for who asks what is kept of them."""
    found = _known(context)
    context.note(Event.EXPORT, f"one person on {found.source}", format="jsonl")
    lines = export.held_of(context.database, found.source, found.names[0], context.now)
    written = (json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n" for line in lines)
    return download(context, written, "application/jsonl", f"person-{context.now:%Y-%m-%d}.jsonl")


@post("/cases/{id}/erase", role="admin", fresh=True)
def erase(context: RequestContext) -> Response:
    """Erase the author of this case."""
    found = _known(context)
    if context.form.get("sure") != "yes":
        return _ask(context, found, "Nothing was erased. Tick the box first.", 400)
    done = forgetting.erase(
        context.database,
        context.rules,
        found.source,
        found.names[0],
        who=context.who.actor,
        way=context.who.way,
        now=context.now,
        address=context.address,
    )
    if not served_by(context.settings.database.url.get_secret_value()):  # else the daemon does it within a minute
        wiping.wipe(context.database, context.now)
    return RedirectResponse("/?" + urlencode({"said": f"Erased: {done.words}."}), 303)
