"""POST /slack/press: what people press in Slack, for installations that Slack can reach at a public address.

Slack waits three seconds. The request is proved on its raw bytes and kept in the spool before it is answered, in a
thread that nothing else uses and without the database; the daemon works the spool off.
https://docs.slack.dev/interactivity/handling-user-interaction
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Path

from monitor.notify.spool import Spool, spool_folder
from monitor.settings.models import Settings
from monitor.web.context import WebContext

if TYPE_CHECKING:
    from alerts.slack.payloads import Press  # with Slack's library: only where Slack is configured

FRESH = 300  # seconds that a press may be old, and a clock be off
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}", re.ASCII)
log = logging.getLogger("earful.page")


def paths_of(site: WebContext) -> list[Path]:
    """The one address. 200 once the press is on the disk, 401 if it is not Slack's, 503 if it could not be kept."""
    writing = threading.Lock()  # the same press may come twice at once

    async def press(request: Request) -> Response:
        settings = site.assembly_of().settings
        headers = dict(request.headers)
        channel, found, refused = "", None, unproved(settings, headers, site.clock())
        if not refused:  # a body is read only for a head that could be Slack's
            body = await site.bodies.read(request, "slack")
            channel, found, refused = proved(settings, headers, body, site)
        if refused:
            log.warning("a press at /slack/press was refused: %s", refused)
            return _say(401, "This is not one of our buttons")
        if found is None:
            return Response(status_code=200)  # a link was opened, or another app's button pressed
        if found.asks_first:
            bot = site.assembly_of().alerting.channels[channel]
            return Response(status_code=200, background=BackgroundTask(_ask_first, bot, found))
        try:
            await asyncio.to_thread(_keep, Spool(spool_folder(settings)), found, channel, writing)
        except OSError as error:
            log.error("can't store a press (%s); asked the person to press again", type(error).__name__)
            return _say(503, "It could not be saved; press again")
        return Response(status_code=200)

    return [Path("/slack/press", press, methods=["POST"])]


def _ask_first(bot: Any, press: Press) -> None:
    from alerts.slack.socket_mode import ask_first  # with Slack's library: only where it is configured

    ask_first(bot, press)


def unproved(settings: Settings, headers: dict[str, str], now: datetime) -> str:
    """Why a request cannot be Slack's, from its head alone; "" where it can."""
    if not any(channel.kind == "slack" and channel.options.signing_secret for channel in settings.channels):
        return "no channel has a signing_secret"
    stamp = headers.get("x-slack-request-timestamp", "")
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
        return "its time is not a number"
    if abs(now.timestamp() - int(stamp)) > FRESH:
        return "it is more than five minutes old"
    return "" if _SIGNATURE.fullmatch(headers.get("x-slack-signature", "")) else "it has no signature of Slack's form"


def proved(settings: Settings, headers: dict[str, str], body: bytes, site: WebContext) -> tuple[str, Press | None, str]:
    """The channel whose secret proves this request, what was pressed, and why it was refused ("" if it was not)."""
    secrets = {
        channel.name: channel.options
        for channel in settings.channels
        if channel.kind == "slack" and channel.options.signing_secret is not None
    }
    if not secrets:
        return "", None, "no channel has a signing_secret"
    from alerts.slack.payloads import (  # with Slack's library: only where it is configured
        PressRefused,
        press_from_http,
    )

    why = ""
    for name, options in secrets.items():
        try:
            secret = options.signing_secret.get_secret_value()
            return name, press_from_http(headers, body, secret, site.clock(), options.team), ""
        except PressRefused as refused:
            why = str(refused)
    return "", None, why


def _keep(spool: Spool, press: Press, channel: str, writing: threading.Lock) -> None:
    with writing:
        spool.keep(press, channel)


def _say(status: int, words: str) -> Response:
    return JSONResponse({"error": words, "detail": ""}, status)
