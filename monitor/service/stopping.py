"""The one order in which the daemon stops, whatever made it stop: a signal, a fault of its own, a lost role.

What begins work ends first (what takes new settings, the page, the ticks, the buttons), then what is in flight may
finish. The role and the connections go last, and only once nothing runs any more: a connection that is closed under a
thread that uses it ends the process inside SQLite, and what was in flight could not even be marked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from monitor.service.heartbeat import tell_systemd
from monitor.store.connect import reason
from monitor.store.database import Role

log = logging.getLogger("earful.daemon")


class Stops(Protocol):
    """What runs in threads of its own, and can be stopped."""

    def stop(self, within_seconds: float = ...) -> bool:
        """Begin nothing more and wait for what is in flight; whether everything ended in time."""
        ...


class Closes(Protocol):
    """The database, as far as stopping needs it."""

    def checkpoint(self) -> None:
        """Tidy up the write-ahead log."""
        ...

    def close(self) -> None:
        """Close every connection of every thread."""
        ...


def stop_in_order(
    upkeep: Stops,
    page: Stops,
    engine: Stops,
    database: Closes,
    role: Role,
    last_words: Callable[[], None],
    within_seconds: float,
) -> bool:
    """Stop everything; whether it is whole. If not, threads still run: the caller ends the process at once.

    `last_words` may still read the database. Nothing here raises: each part is stopped, whatever became of the others.
    """
    tell_systemd("STOPPING=1")
    whole = _ended("looking after this process", upkeep, 5.0)
    whole = _ended("the page", page, 5.0) and whole
    whole = _ended("work in progress", engine, within_seconds) and whole
    _guarded("the last messages", last_words)
    if whole:
        _guarded("the log of the database", database.checkpoint)
        _guarded("the role", role.release)
        _guarded("the database", database.close)
    return whole


def _ended(name: str, part: Stops, seconds: float) -> bool:
    try:
        return part.stop(seconds)
    except Exception as error:  # noqa: BLE001 - the other parts are stopped all the same
        log.error("can't stop %s: %s", name, reason(error))
        return False


def _guarded(name: str, work: Callable[[], None]) -> None:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - a full disk, say: what is in the log beside the file is safe there
        log.warning("while stopping, %s: %s", name, reason(error))
