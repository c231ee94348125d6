"""/health: the process answers. /ready: the database takes writes and the auditor found all well; in two seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Path

from monitor.reports.at_work import undone
from monitor.store import disk, pages
from monitor.store.connect import Error
from monitor.web.context import WebContext

READY_WITHIN = 1.5  # seconds
AUDIT_EVERY = timedelta(minutes=3)  # the auditor comes twice a minute


def paths_of(site: WebContext) -> list[Path]:
    """Both addresses; they answer to any Host, without a login, and tell nothing of anybody."""

    async def health(_request: Request) -> Response:
        return JSONResponse({"ok": True}, headers={"cache-control": "no-store"})

    look = _Looker(lambda: site.ready_pool.submit(lambda: state(site)))

    async def ready(_request: Request) -> Response:
        fault = await look()
        return JSONResponse(
            {"ok": not fault, **({"fault": fault} if fault else {})},
            503 if fault else 200,
            {"cache-control": "no-store"},
        )

    return [Path("/health", health), Path("/ready", ready)]


class _Looker:
    """One look at a time: who asks while one hangs waits for that one, and no longer than its time."""

    def __init__(self, begin: Callable[[], Future[str]]) -> None:
        self.begin = begin
        self.under_way: Future[str] | None = None

    async def __call__(self) -> str:
        if self.under_way is None or self.under_way.done():
            self.under_way = self.begin()
        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self.under_way)), READY_WITHIN)
        except TimeoutError:
            return "the database does not answer"


def state(site: WebContext) -> str:
    """An empty text, or what is not well."""
    assembly, now = site.assembly_of(), site.clock()
    try:
        audited_at, findings = pages.last_audit(assembly.database)
        left = undone(assembly.database)
    except Error as error:
        return f"the database does not answer ({disk.why(error)})"
    if not_stored := disk.fault(assembly.database, now):
        return f"can't store anything, so sources are not read: {not_stored}"
    if findings:
        return f"the self-check found: {findings}"
    if audited_at is not None and now - audited_at > AUDIT_EVERY:
        return "no self-check for a while; is the daemon running?"
    return left
