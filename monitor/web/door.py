"""POST /in/NAME: the door, where other programs bring posts to a source that asks no network.

What comes is proved on its raw bytes and kept as it came before it is answered; nothing of it is read here. 202 says
that it is on the disk. 200 says that it was there already: whoever repeats a request has lost our answer, or is not the
sender at all; the one has to learn that it arrived, and the other gains nothing. Every refusal is a line of JSON.

A tracker's webhook comes in here, too. Nothing of it is kept: the issue that it names is asked after next, so that one
which is played again, late or out of order finds what stands, and changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Path

from monitor.settings.models import Settings
from monitor.store import arrived, issues
from monitor.store.connect import Error
from monitor.store.database import Database
from monitor.web.bodies import DOOR, MOST_BODY
from monitor.web.context import WebContext, in_pool
from monitor.web.failures import Failures
from monitor.web.identity import Refusal
from monitor.web.security import client_of, same_client
from monitor.wiring import Assembly

log = logging.getLogger("earful.page")

MOST_WAITING = 1_000  # bodies of one source that wait to be read
MOST_BYTES = 64_000_000  # of these together
_JSON = ("application/json", "application/jsonl", "application/x-ndjson", "application/ndjson")


def paths_of(site: WebContext) -> list[Path]:
    """The address of every door."""
    failures = Failures()

    async def bring(request: Request) -> Response:
        try:
            return await _bring(site, failures, request)
        except Refusal as refusal:
            headers = {"retry-after": str(refusal.wait)} if refusal.wait else {}
            if refusal.status == 401:
                headers["www-authenticate"] = "Bearer"
            if refusal.status == 405:
                headers["allow"] = "POST"
            return JSONResponse({"error": refusal.title, "detail": refusal.text}, refusal.status, headers)

    return [Path(DOOR + "{name:path}", bring, methods=["POST", "GET", "PUT", "PATCH", "DELETE"])]


async def _bring(site: WebContext, failures: Failures, request: Request) -> Response:
    if request.method != "POST":
        raise Refusal(405, "Posts are brought with POST")
    assembly, now, name = site.assembly_of(), site.clock(), request.path_params["name"]
    proof = _proof_of(assembly, name)
    client = same_client(client_of(request, assembly.settings))
    if proof is None:
        raise Refusal(
            404,
            "There is no such door",
            "It has the name of a source with a secret or token, or of a tracker with a webhook_secret.",
        )
    failures.bear(client, now)
    headers = request.headers
    _check_head(headers)
    refused = proof.unproved(headers, now)
    body = b"" if refused else await site.bodies.read(request, f"{DOOR}{name}")
    if not refused and not proof.proved(headers, body):
        refused = "its signature is not that of this body under the secret"
    if refused:
        failures.note(client, now)
        log.warning("%s: what was sent to %s%s was refused: %s", name, DOOR, name, refused)
        raise Refusal(401, "Not proved", f"The request was refused: {refused}.")
    if not body.strip():
        raise Refusal(400, "The body is empty")
    tracker = assembly.tracking.trackers.of(name) if _source_of(assembly.settings, name) is None else None
    try:
        if tracker is not None:
            told = await in_pool(site, partial(_look_soon, assembly.database, name, tracker.named(body), now))
            return JSONResponse({"accepted": True}, 202) if told else Response(status_code=204)
        new = await in_pool(
            site, partial(_keep, assembly.database, arrived.Brought(name, body, proof.mark(headers)), now)
        )
    except Error as error:
        log.error("%s: what was sent could not be stored: the database said %s", name, type(error).__name__)
        raise Refusal(503, "The database does not answer", "Send it again in a moment.", wait=5) from None
    return JSONResponse({"accepted": True, "repeated": not new}, 202 if new else 200)


def _source_of(settings: Settings, name: str) -> Any:
    """What the source of this name demands, None where nothing can be brought to one."""
    for source in settings.sources:
        proof = getattr(source.options, "proof", None)
        if source.name == name and source.enabled and proof is not None and proof.is_open:
            return proof
    return None


def _proof_of(assembly: Assembly, name: str) -> Any:
    """What a door demands, None where there is none of that name."""
    if (proof := _source_of(assembly.settings, name)) is not None:
        return proof
    tracker = assembly.tracking.trackers.of(name)
    return tracker.proof if tracker is not None and tracker.proof.is_open else None


def _look_soon(database: Database, name: str, native_id: str, now: datetime) -> int:
    """Have an issue asked after at once; 0 for what is none of ours."""
    if not native_id:
        return 0
    with database.transaction():
        return issues.look_soon(database, name, native_id, now)


def _check_head(headers: Mapping[str, str]) -> None:
    """Refuse what could not be read later, before any of it arrives."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _JSON and not (kind.startswith("application/") and kind.endswith("+json")):
        raise Refusal(415, "Only JSON is accepted here", "Send the header Content-Type: application/json.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Refusal(415, "The body is compressed", "Send it without Content-Encoding.")
    told = headers.get("content-length", "")
    if told.isascii() and told.isdigit() and int(told[:12]) > MOST_BODY:
        raise Refusal(413, "That is too much at once", "Send at most 500 posts, or one megabyte, at a time.")


def _keep(database: Database, brought: arrived.Brought, now: datetime) -> bool:
    """Keep it, unless too much waits to be read; whether it is new."""
    count, size = arrived.backlog(database, brought.source)
    if count >= MOST_WAITING or size >= MOST_BYTES:
        raise Refusal(429, "Too much waits to be read", "Send it again in a minute.", wait=60)
    with database.transaction():
        return bool(arrived.add(database, [brought], now))
