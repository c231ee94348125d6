"""Tells open pages that something has changed, and who has which case open, by server-sent events.

One look at the database a second serves all.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route as Path

from monitor.store import pages
from monitor.store.connect import Error
from monitor.web.context import WebContext
from monitor.web.identity import Identity, Refusal
from monitor.web.presence import words_of

EVERY = 1.0  # seconds between two looks
BEAT = 15  # looks without news after which a comment keeps proxies from closing the line
MOST = 100  # listeners
OF_ONE = 8  # of these, of one person: more pages of theirs are up to date whenever they are loaded
ASK_AGAIN = 60  # looks after which it is asked again whether this person may still listen


class _Watch:
    """The mark of the database, looked at once for all listeners, and only while there are any."""

    def __init__(self, site: WebContext) -> None:
        self.site = site
        self.listeners: Counter[str] = Counter()
        self._mark = ""
        self._looked = -EVERY
        self._look: asyncio.Future[str] | None = None

    async def mark(self) -> str:
        loop = asyncio.get_running_loop()
        if loop.time() - self._looked >= EVERY * 0.9 and (self._look is None or self._look.done()):
            self._looked = loop.time()
            self._look = loop.run_in_executor(self.site.pool, self._read)
        if self._look is not None:
            self._mark = await asyncio.shield(self._look)
        return self._mark

    def _read(self) -> str:
        try:
            self.site.presence.look(self.site.clock())
            return pages.live_mark(self.site.assembly_of().database)
        except Error:
            return self._mark


def paths_of(site: WebContext) -> list[Path]:
    """/live, for everybody who is logged in."""
    watch = _Watch(site)

    def identity(request: Request) -> Identity | None:
        made = site.assembly_of()
        return site.authenticator.identity(
            request, made.database, made.settings, site.clock(), open_demo=site.open_demo
        )

    def full(name: str) -> bool:
        return watch.listeners.total() >= MOST or (watch.listeners[name] >= OF_ONE and not site.open_demo)

    def open_elsewhere(who: str) -> str:
        """Who else has which case open, in words, as JSON on one line."""
        found = site.presence.others(who, site.clock())
        return json.dumps({case_id: words_of(names) for case_id, names in found.items()})

    async def events(request: Request, name: str, who: str) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        if full(name):  # many were asked for at once
            return
        watch.listeners[name] += 1
        try:
            known, here = await watch.mark(), ""
            yield f"retry: 3000\nevent: mark\ndata: {known}\n\n".encode()
            looks = 0
            while not site.stopping.is_set():
                await asyncio.sleep(EVERY)
                looks += 1
                mark, others = await watch.mark(), open_elsewhere(who)
                if others != here:
                    here = others
                    yield f"event: here\ndata: {here}\n\n".encode()
                if mark != known:
                    known = mark
                    yield f"event: mark\ndata: {mark}\n\n".encode()
                elif looks % BEAT == 0:
                    yield b": still here\n\n"
                if looks % ASK_AGAIN == 0 and await loop.run_in_executor(site.pool, identity, request) is None:
                    return
        finally:
            watch.listeners -= Counter((name,))  # and of nobody left, nothing is kept

    async def live(request: Request) -> Response:
        known = await asyncio.get_running_loop().run_in_executor(site.pool, identity, request)
        if known is None:
            raise Refusal(401, "You are not logged in")
        if full(known.name):
            raise Refusal(503, "Too many pages are open", "Reload a page to update it.", wait=30)
        return StreamingResponse(
            events(request, known.name, known.actor.id),
            200,
            {"cache-control": "no-store", "x-accel-buffering": "no"},
            "text/event-stream",
        )

    return [Path("/live", live)]
