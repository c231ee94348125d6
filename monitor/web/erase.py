"""Erasing an author from the page: what would go, asked once more, and then done. For admins only.

The address names a case and not the person, so that no browser and no proxy remembers whom it was.
"""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from monitor import privacy
from monitor.store import cases
from monitor.web.html import page
from monitor.web.routing import Ask, Refusal, get, post


def _known(ask: Ask) -> privacy.Known:
    case = cases.one(ask.database, ask.path("id")[:40])
    if case is None or not case.author:
        raise Refusal(404, "There is nobody to erase", "This case has no author, or they were erased before.")
    return privacy.known(ask.database, ask.rules, case.source, case.author)


def _ask(ask: Ask, found: privacy.Known, fault: str = "", status: int = 200) -> Response:
    return page(
        ask, "erase.html", title="Erase an author", found=found, case_id=ask.path("id"), fault=fault, status=status
    )


@get("/cases/{id}/erase", role="admin")
def show_erasing(ask: Ask) -> Response:
    """What is stored of this author, and what erasing it means. Nothing happens yet."""
    return _ask(ask, _known(ask))


@post("/cases/{id}/erase", role="admin")
def erase(ask: Ask) -> Response:
    """Erase the author of this case."""
    found = _known(ask)
    if ask.form.get("sure") != "yes":
        return _ask(ask, found, "Nothing was erased: tick the box first.", 400)
    done = privacy.erase(
        ask.database, ask.rules, found.source, found.names[0], who=ask.who.name, way=ask.who.way, now=ask.now
    )
    return RedirectResponse("/?" + urlencode({"said": f"Erased: {done.words}."}), 303)
