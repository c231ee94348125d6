"""The link that ends the managers' letters for who got one: a GET shows, a POST acts, also one without a page before.

Mail programs press it for their readers (RFC 8058): a POST of `List-Unsubscribe=One-Click`, without cookies. Only
letters carry such a link; alerts cannot be ended by a click.
"""

from __future__ import annotations

import json
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from alerts.links import LinkRefused
from monitor.people.audit import Event
from monitor.settings import overrides
from monitor.store import web
from monitor.web.html import page
from monitor.web.identity import Refusal
from monitor.web.links import LETTERS, signer_of
from monitor.web.routing import RequestContext, get, post


def _keep(context: RequestContext, target: str, who: str, *, ended: bool) -> bool:
    """Write down that letters to `target` end, or begin again; False where it was so already."""
    key, value = overrides.LETTER + target, json.dumps("no more") if ended else ""
    with context.database.transaction():
        before = web.desk_values(context.database).get(key, "")
        if before == value:
            return False
        web.add_desk_change(context.database, key, value, before, who, context.now)
        context.note(Event.SETTINGS, f"letters to {target}", change="ended" if ended else "sent again")
    return True


def _target(context: RequestContext) -> str:
    """Whom the link of this request was made for; every bad one gets the same page."""
    try:
        return signer_of(context.database, context.now).read(context.path("token"), LETTERS, context.now).recipient
    except LinkRefused:
        text = "Use the link in a newer digest, or ask whoever runs Earful to unsubscribe you."
        raise Refusal(403, "This link does not work", text) from None


def _show(context: RequestContext, target: str, said: str = "") -> Response:
    return page(
        context, "letters.html", title="Weekly digest", target=target, address=target.partition(":")[2] or target,
        ended=target in overrides.ended_letters(web.desk_values(context.database)), said=said,
        listed=target in context.settings.digest.to,
    )  # fmt: skip


@get("/letters/{token}", role="nobody", kind="signed")
def show_letters(context: RequestContext) -> Response:
    """What the link would end, with its button. Nothing happens yet, however often a scanner opens it."""
    return _show(context, _target(context))


@post("/letters/{token}", role="nobody", kind="signed", before=_target)
def use_letters(context: RequestContext) -> Response:
    """End the letters, or begin them again; the link itself is the proof, so it is asked for no other."""
    target = _target(context)
    ended = context.form.get("verb") != "resume"
    _keep(context, target, target.partition(":")[2] or target, ended=ended)
    return _show(context, target, "unsubscribed" if ended else "subscribed again")


@post("/desk/letters", role="lead")
def change_letters(context: RequestContext) -> Response:
    """Send no more letters to a target that settings name, or send them again."""
    target, ended = context.form.get("target"), context.form.get("verb") == "end"
    if target not in context.assembly.written.digest.to:
        raise Refusal(400, "That can't be changed here", "Recipients of the digest are set under [digest] to.")
    words = (
        f"{target} is {'unsubscribed from' if ended else 'subscribed to'} the weekly digest{'' if ended else ' again'}."
    )
    if not _keep(context, target, context.who.name, ended=ended):
        words = f"{target}: nothing changed."
    return RedirectResponse("/desk?" + urlencode({"said": words[:300]}), 303)
