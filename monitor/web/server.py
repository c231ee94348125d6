"""Serves the page from a thread of the daemon (or alone): its own event loop, its own few threads, its own bounds.

Nothing here shares a thread or a lock with collecting and alerting; the two meet in the database only.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from monitor.settings.addresses import is_loopback
from monitor.timeouts import Overran, within
from monitor.web.app import build
from monitor.web.auth import Authenticator
from monitor.web.bodies import Bodies
from monitor.web.context import WebContext
from monitor.web.hashing import Hashing
from monitor.web.html import warm
from monitor.web.presence import Presence
from monitor.web.security import hosts_of, listen_of, parts_of, same_client
from monitor.wiring import Assembly

log = logging.getLogger("earful.page")

THREADS = 6
PORTS = 20  # that a demo tries, one after the other
MOST_CONNECTIONS = 600
HEADER_SECONDS = 10.0  # a browser sends its request line and headers in one go
UNREAD_SECONDS = 3.0  # for the rest of a body that nobody will read
READER_SECONDS = 30.0  # somebody may stop reading what they asked for
MOST_HEADERS = 32_768  # bytes


class Guarded(H11Protocol):
    """uvicorn's protocol with the bounds it lacks: how long a request may take to arrive, how many may be open, and how
    long a reader may stop reading.

    Where there are too many, one that has not sent its request whole goes: the one that has waited longest among those
    of the client that has most of them.
    """

    _clock: asyncio.TimerHandle | None = None
    _reader: asyncio.TimerHandle | None = None
    _since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Watch the new connection, and make room for it."""
        super().connection_made(transport)
        self._since = self.loop.time()
        if len(self.connections) > MOST_CONNECTIONS:
            self._victim().transport.abort()
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Bytes of a request: the clock stops once its headers are whole."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """The clock of the next request on this connection starts."""
        super().on_response_complete()
        self._since = self.loop.time()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is left to watch."""
        super().connection_lost(exc)
        self._stop_clock()
        self._stop_reader()

    def pause_writing(self) -> None:
        """What was asked for is not read: whoever goes on like that is cut off."""
        super().pause_writing()
        if self._reader is None:
            self._reader = self.loop.call_later(READER_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It is read again."""
        super().resume_writing()
        self._stop_reader()

    def is_busy(self) -> bool:
        """Whether a request is being answered that has come in whole, to somebody who reads the answer."""
        cycle = self.cycle
        return cycle is not None and not cycle.response_complete and not cycle.more_body and self._reader is None

    @property
    def peer(self) -> str:
        """Who is at the other end: a client, or a proxy with many behind it."""
        return same_client(self.client[0]) if self.client else ""

    def _victim(self) -> Guarded:
        waiting = [each for each in self.connections if isinstance(each, Guarded) and not each.is_busy()]
        if not waiting:
            return self
        most, _ = Counter(each.peer for each in waiting).most_common(1)[0]
        return min((each for each in waiting if each.peer == most), key=lambda each: each._since)

    def _watch(self) -> None:
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:  # the body has a clock of its own: monitor/web/bodies.py
            self._stop_clock()
        elif self._clock is None:
            unread = cycle is not None and cycle.more_body  # it was answered from the head alone
            self._clock = self.loop.call_later(UNREAD_SECONDS if unread else HEADER_SECONDS, self._too_slow)

    def _too_slow(self) -> None:
        self._clock = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _stop_reader(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None


def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: asyncio sends small answers at once only on what it knows to be TCP.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(256)
    except OSError:
        listening.close()
        raise
    return listening


class Told(uvicorn.Server):
    """uvicorn looks ten times a second whether it is to end; here it is told, and only sets its Date header by itself.

    A page that nobody opens is most of the day: those looks were a sixth of what an idle daemon costs.
    """

    _ends: asyncio.Event | None = None
    _on: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """Serve until `end` is called."""
        self._on, self._ends = asyncio.get_running_loop(), asyncio.Event()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ends.wait(), 1.0)

    def end(self) -> None:
        """Stop serving; called from another thread, at any time."""
        self.should_exit = True
        if self._on is not None and self._ends is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self._on.call_soon_threadsafe(self._ends.set)


class WebServer:
    """The page, the signed links, the API. `assembly_of` gives the parts as they stand now (settings may be reloaded).

    `open_demo` opens it without a login, on this machine only: for the sample day, never for an installation.
    """

    def __init__(
        self, assembly_of: Callable[[], Assembly], clock: Callable[[], datetime], *, open_demo: bool = False
    ) -> None:
        self.assembly_of = assembly_of
        self.clock = clock
        self.host, self.port = listen_of(assembly_of().settings)
        self.metrics_port = 0  # 0: /metrics has none of its own
        self.open_demo = open_demo and is_loopback(self.host)
        self.context = WebContext(
            assembly_of=assembly_of,
            clock=clock,
            hosts_of=lambda: hosts_of(assembly_of().settings, self.port),
            authenticator=Authenticator(clock),
            pool=ThreadPoolExecutor(THREADS, thread_name_prefix="page"),
            bodies=Bodies(),
            hashing=Hashing(),
            ready_pool=ThreadPoolExecutor(1, thread_name_prefix="page-ready"),
            presence=Presence(lambda: assembly_of().database),
            stopping=threading.Event(),
            open_demo=self.open_demo,
            metrics_port_of=lambda: self.metrics_port,
        )
        self.app = build(self.context)
        self._server: Told | None = None
        self._thread: threading.Thread | None = None
        self.why_not = "it stopped"  # why it is not served

    @property
    def serves(self) -> bool:
        """Whether it listens."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the page."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        if self.host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not listened on
            return self.assembly_of().settings.earful.page_url
        return f"http://{shown}:{self.port}"

    def start(self) -> bool:
        """Begin to serve; False, with the reason in the log, where the address cannot be listened on."""
        wished = self.port
        try:
            listening = self._listen_nearby() if self.open_demo else _bound(self.host, self.port)
        except OSError as error:
            said = error.strerror or type(error).__name__
            before, self.why_not = self.why_not, f"can't listen on {self.host}:{self.port} ({said})"
            if self.why_not != before:
                log.error("can't serve the page: %s. Set another page_listen", self.why_not)
            return False
        self.why_not = "it stopped"
        self.port = listening.getsockname()[1]
        sockets = [listening, *self._listen_for_metrics()]
        if wished and self.port != wished:
            log.warning("port %s is taken: the page is at %s", wished, self.address)
        config = uvicorn.Config(
            self.app,
            http=Guarded,
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=256,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=2,
            h11_max_incomplete_event_size=MOST_HEADERS,
        )
        self._server = Told(config)
        self._thread = threading.Thread(target=self._serve, args=(sockets,), name="page", daemon=True)
        self._thread.start()
        self.context.pool.submit(warm, self.context.stopping)  # so that the first person need not wait for it
        return True

    def _listen_nearby(self) -> socket.socket:
        """The port, or one of the next where it is taken: whoever looks at a demo need set up nothing."""
        for _ in range(PORTS - 1):
            try:
                return _bound(self.host, self.port)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            self.port += 1
        return _bound(self.host, self.port)

    def _listen_for_metrics(self) -> list[socket.socket]:
        """The socket of /metrics alone, where settings give it a port of its own; the page goes on without it."""
        address = self.assembly_of().settings.earful.metrics_listen
        if not address:
            return []
        host, port = parts_of(address)
        try:
            listening = _bound(host, port)
        except OSError as error:
            said = error.strerror or type(error).__name__
            log.error("can't serve /metrics: can't listen on %s (%s); see metrics_listen", address, said)
            return []
        self.metrics_port = listening.getsockname()[1]
        return [listening]

    def _serve(self, sockets: list[Any]) -> None:
        assert self._server is not None
        try:
            self._server.run(sockets=sockets)
        except Exception as error:
            log.error("the page stopped: %s", type(error).__name__)
            log.debug("the page stopped", exc_info=error)
        finally:
            for each in sockets:
                each.close()

    def stop(self, within_seconds: float = 5.0) -> bool:
        """Stop serving; what is being answered may end. Whether it did, so that nothing asks the database any more."""
        end = time.monotonic() + within_seconds
        self.context.stopping.set()
        if self._server is not None:
            self._server.end()
        if self._thread is not None:
            self._thread.join(within_seconds)
        pools = (self.context.pool, self.context.hashing.pool, self.context.ready_pool)
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)
        try:
            for pool in pools:
                within(max(end - time.monotonic(), 0.1), pool.shutdown, "stop-page")
        except Overran:
            return False
        return self._thread is None or not self._thread.is_alive()
