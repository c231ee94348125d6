"""What every handler of the page may use: the parts as they are now, the clock, who may come in, and where work runs.

The server builds it once and owns what it holds; a handler gets it and knows neither the thread nor the socket.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from monitor.web.auth import Authenticator
from monitor.web.bodies import Bodies
from monitor.web.hashing import Hashing
from monitor.web.identity import Refusal
from monitor.web.presence import Presence
from monitor.wiring import Assembly

MOST_WAITING = 64  # requests that may wait for a thread; more are told to come back
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WebContext:
    """The page's surroundings. `assembly_of` gives the parts as they are now: settings may be reloaded meanwhile."""

    assembly_of: Callable[[], Assembly]
    clock: Callable[[], datetime]
    hosts_of: Callable[[], frozenset[str]]  # known for sure only once the server listens
    authenticator: Authenticator
    pool: ThreadPoolExecutor  # answers pages
    bodies: Bodies  # of requests while they arrive
    hashing: Hashing  # of passwords
    ready_pool: ThreadPoolExecutor  # answers /ready, which must not wait behind pages
    presence: Presence  # who has which case open
    stopping: threading.Event
    open_demo: bool  # without a login, on this machine only
    metrics_port_of: Callable[[], int]  # where /metrics answers alone and without a token; 0: nowhere

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts that may be asked for."""
        return self.hosts_of()

    def is_metrics_port(self, scope: Mapping[str, Any]) -> bool:
        """Whether a request came in at the port of /metrics alone."""
        port = self.metrics_port_of()
        return port != 0 and scope.get("server") is not None and scope["server"][1] == port


async def in_pool(site: WebContext, work: Callable[[], T]) -> T:
    """Run `work` in the page's own threads, unless too many wait for one already."""
    if site.pool._work_queue.qsize() > MOST_WAITING or site.stopping.is_set():
        raise Refusal(503, "Too many requests at once", "Try again in a moment.", wait=2)
    return await asyncio.get_running_loop().run_in_executor(site.pool, work)
