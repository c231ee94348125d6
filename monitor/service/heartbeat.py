"""systemd's watchdog: it is told that the loop lives, and nothing else. Whether all is well is the outside watch's.

A tick that takes long, a database that is held, a missed round: none of these is a reason to kill a daemon. Only a pool
whose ticks have not come back for minutes is, or a main loop that does not turn.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping

log = logging.getLogger("earful.daemon")

EVERY = 10.0  # seconds between two words to systemd; the unit's WatchdogSec is several times as long
# Seconds after which a pool of ticks counts as hung. An hour's tidying is no loop, and the audit proves something else.
PATIENCE: Mapping[str, float] = {
    "press": 150, "collect": 150, "deliver": 150, "escalate": 300, "default": 900, "jobs": 150,
}  # fmt: skip


def tell_systemd(state: str) -> None:
    """Say `READY=1`, `WATCHDOG=1` or `STOPPING=1` to systemd, where it listens (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.settimeout(1)  # ten words that nobody reads fill a socket's queue: the loop must not wait for that
            notify.connect("\0" + address[1:] if address.startswith("@") else address)
            notify.sendall(state.encode())
    except OSError as error:
        log.warning("can't notify systemd of %s: %s", state, error.strerror or type(error).__name__)


class Heartbeat:
    """Every pool says when one of its ticks has come back; the main loop passes on that all of them do."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[str, float] = {}
        self._begun: dict[str, tuple[str, float]] = {}
        self._told = float("-inf")
        self._hung = ""

    def beat(self, pool: str) -> None:
        """A tick of this pool has come back, whatever became of it."""
        self._last[pool] = self._clock()

    def begins(self, name: str, pool: str) -> None:
        """A tick that is a job has begun, which may take as long as one of this pool."""
        self._begun[name] = pool, self._clock()

    def ends(self, name: str) -> None:
        """It has come back."""
        self._begun.pop(name, None)

    def hung(self) -> list[str]:
        """Pools whose ticks, and jobs which, have not come back for longer than any of them may take."""
        now = self._clock()
        since = [(pool, pool, last) for pool, last in list(self._last.items())]
        since += [(name, pool, began) for name, (pool, began) in list(self._begun.items())]
        return [name for name, pool, last in since if now - last > PATIENCE.get(pool, PATIENCE["default"])]

    def tell(self) -> bool:
        """Called by the main loop at every turn: tell systemd that it lives, now and then; whether it does."""
        hung = ", ".join(sorted(self.hung()))
        if hung != self._hung:
            self._hung = hung
            if hung:
                log.critical("hung: %s; no longer reporting to systemd, which will restart the daemon", hung)
        if not hung and self._clock() - self._told >= EVERY:
            self._told = self._clock()
            tell_systemd("WATCHDOG=1")
        return not hung
