"""POST /pager/NAME: what a pager tells, by its signed webhook; an acknowledgement there takes the case here.

It is proved on its raw bytes before anything of it is read. A signature holds no time, so what is older than the
service would repeat it is refused by the time inside the body, and what was heard already by its id. The service waits
five seconds, repeats after a 429 or a 5xx, and drops after any other 4xx:
https://github.com/PagerDuty/developer-docs, docs/webhooks/02-Behavior.md
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from functools import partial
from typing import Any

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Path

from alerts.pager_webhook import Acknowledged, acknowledged, signed
from monitor.notify import pager
from monitor.settings.models import Settings
from monitor.store.connect import Error
from monitor.web.context import WebContext, in_pool
from monitor.web.failures import Failures
from monitor.web.identity import Refusal
from monitor.web.security import client_of, same_client

SIGNATURE = "x-pagerduty-signature"
_SHAPE = re.compile(r"v1=[0-9a-f]{64}", re.ASCII)
_LONGEST = 1_000  # characters of the header
log = logging.getLogger("earful.page")


def paths_of(site: WebContext) -> list[Path]:
    """The address of every pager."""
    failures = Failures()

    async def told(request: Request) -> Response:
        try:
            return await _told(site, failures, request)
        except Refusal as refusal:
            headers = {"retry-after": str(refusal.wait)} if refusal.wait else {}
            return JSONResponse({"error": refusal.title, "detail": refusal.text}, refusal.status, headers)

    return [Path("/pager/{name}", told, methods=["POST"])]


async def _told(site: WebContext, failures: Failures, request: Request) -> Response:
    name, assembly, now = request.path_params["name"], site.assembly_of(), site.clock()
    secret = _secret_of(assembly.settings, name)
    if secret is None:
        raise Refusal(404, "There is no such pager", "Its name is that of a channel with a webhook_secret.")
    client = same_client(client_of(request, assembly.settings))
    failures.bear(client, now)
    header = request.headers.get(SIGNATURE, "")
    if len(header) > _LONGEST or not _SHAPE.search(header):  # a body is read only for a head that could be theirs
        failures.note(client, now)
        raise _unproved(name, "it has no signature of the right form")
    body = await site.bodies.read(request, "pager")
    if not signed(body, header, secret):
        failures.note(client, now)
        raise _unproved(name, "its signature is not that of this body under webhook_secret")
    try:
        found = acknowledged(body)
    except ValueError as error:
        raise Refusal(400, "It can't be read", "It is not an event of a V3 webhook.") from error
    if found is None:
        return Response(status_code=204)  # another event, or another program's
    if pager.stale(found, now):
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
    channel: Any = assembly.alerting.channels[name]
    if not told.case_id:
        told = replace(told, case_id=channel.case_of(told.incident_id))
    if not told.case_id:
        log.info("%s: acknowledged an incident that is of no case", name)
        return
    who = pager.person_of(assembly.database, assembly.rules, name, told, channel.email_of)
    came = pager.acknowledge(assembly.database, assembly.rules, told, who, site.clock())
    log.info("%s: acknowledged, case %s: %s", name, told.case_id, came)
