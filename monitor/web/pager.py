"""POST /pager/NAME: what a pager tells, by its signed webhook; an acknowledgement there takes the case here.

It is proved on its raw bytes before anything of it is read. A signature holds no time, so what is older than the
service would repeat it is refused by the time inside the body, and what was heard already by its id. The service waits
five seconds, repeats after a 429 or a 5xx, and drops after any other 4xx:
https://github.com/PagerDuty/developer-docs, docs/webhooks/02-Behavior.md
"""

from __future__ import annotations

import logging
import re
from functools import partial

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Path

from alerts.pager_webhook import Acknowledged, acknowledged, signed
from monitor.notify import pager
from monitor.settings.models import Settings
from monitor.store.connect import Error
from monitor.web.context import WebContext, in_pool
from monitor.web.identity import Refusal

SIGNATURE = "x-pagerduty-signature"
_SHAPE = re.compile(r"v1=[0-9a-f]{64}", re.ASCII)
_LONGEST = 1_000  # characters of the header
log = logging.getLogger("earful.page")


def paths_of(site: WebContext) -> list[Path]:
    """The address of every pager."""

    async def told(request: Request) -> Response:
        try:
            return await _told(site, request)
        except Refusal as refusal:
            headers = {"retry-after": str(refusal.wait)} if refusal.wait else {}
            return JSONResponse({"error": refusal.title, "detail": refusal.text}, refusal.status, headers)

    return [Path("/pager/{name}", told, methods=["POST"])]


async def _told(site: WebContext, request: Request) -> Response:
    name, assembly = request.path_params["name"], site.assembly_of()
    secret = _secret_of(assembly.settings, name)
    if secret is None:
        raise Refusal(404, "There is no such pager", "Its name is that of a channel with a webhook_secret.")
    header = request.headers.get(SIGNATURE, "")
    if len(header) > _LONGEST or not _SHAPE.search(header):  # a body is read only for a head that could be theirs
        raise _unproved(name, "it has no signature of the right form")
    body = await site.bodies.read(request, "pager")
    if not signed(body, header, secret):
        raise _unproved(name, "its signature is not that of this body under webhook_secret")
    try:
        found = acknowledged(body)
    except ValueError as error:
        raise Refusal(400, "It can't be read", "It is not an event of a V3 webhook.") from error
    if found is None:
        return Response(status_code=204)  # another event, or another program's
    if pager.stale(found, site.clock()):
        log.warning("%s: an acknowledgement was refused: its time is too old, or ahead of this clock", name)
        raise Refusal(400, "Too old", "It happened more than 49 hours ago, or is ahead of this machine's clock.")
    try:
        await in_pool(site, partial(_take, site, name, found))
    except Error as error:
        log.error("%s: an acknowledgement could not be stored: the database said %s", name, type(error).__name__)
        raise Refusal(503, "The database does not answer", "Send it again in a moment.", wait=5) from None
    return Response(status_code=204)


def _secret_of(settings: Settings, name: str) -> SecretStr | None:
    """What proves the webhooks of a pager, None where there is none of that name."""
    for channel in settings.channels:
        if channel.kind == "pager" and channel.name == name:
            secret: SecretStr | None = channel.options.webhook_secret
            return secret
    return None


def _unproved(name: str, why: str) -> Refusal:
    log.warning("%s: what was sent to /pager/%s was refused: %s", name, name, why)
    return Refusal(401, "Not proved", f"The request was refused: {why}.")


def _take(site: WebContext, name: str, told: Acknowledged) -> None:
    assembly = site.assembly_of()
    channel = assembly.alerting.channels[name]
    who = pager.person_of(assembly.database, assembly.rules, name, told, channel.email_of)  # type: ignore[attr-defined]
    came = pager.acknowledge(assembly.database, assembly.rules, told, who, site.clock())
    log.info("%s: acknowledged, case %s: %s", name, told.case_id, came)
