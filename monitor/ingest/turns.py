"""Whose turn it is to read a source: one thread's at a time, and of several processes one's, by a lease.

The lease is short and is renewed while the network is waited for, so that of a reader who was killed another takes the
source over within half a minute. Whoever stores a page proves in the same transaction that the turn is still theirs: a
process that was frozen while it read moves no cursor.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from monitor.store.connect import Error
from monitor.store.leases import Lease, LeaseLostError, Leases
from monitor.timeouts import within

log = logging.getLogger("earful.collect")

T = TypeVar("T")
LEASE = timedelta(seconds=25)
LOOKS = 5.0  # seconds between two looks at a lease while the network is waited for


def lease_of(source: str) -> str:
    """The name of the lease under which a source is read."""
    return f"source:{source}"


class Turn:
    """One reader's turn at a source, from `begin` to `end`. One thread works under it."""

    def __init__(self, leases: Leases, source: str, lock: threading.Lock) -> None:
        """`lock` is the one of this process for the source."""
        self._leases = leases
        self._name = lease_of(source)
        self._lock = lock
        self._lease: Lease | None = None

    def begin(self) -> bool:
        """Whether it is ours; what the database raises is raised."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            self._lease = self._leases.take(self._name, LEASE)
        finally:
            if self._lease is None:
                self._lock.release()
        return self._lease is not None

    def goes_on(self) -> bool:
        """Whether it is ours for a while yet; before each page. It may have ended and be ours anew."""
        if self._lease is not None:
            self._lease = self._leases.go_on(self._name, self._lease, LEASE, LEASE / 2)
        return self._lease is not None

    def prove(self) -> None:
        """Inside the transaction that stores what was read: raises LeaseLostError where somebody else reads by now."""
        if self._lease is None:
            raise LeaseLostError(self._name)
        self._leases.keep(self._lease, LEASE)  # if this is rolled back it lasts no longer than before

    def read(self, seconds: float, call: Callable[[], T], name: str) -> T:
        """Have something read under a total deadline, as `within`, and keep the turn meanwhile."""
        return within(seconds, call, name, self._look, LOOKS) if self._leases.needed else within(seconds, call, name)

    def _look(self) -> None:
        if self._lease is None or self._leases.holds(self._lease, LEASE / 2):
            return
        try:
            self._lease = self._leases.keep(self._lease, LEASE)
        except (LeaseLostError, *Error):  # storing will tell: until then nothing depends on it
            log.debug("%s: not renewed", self._name)

    def end(self) -> None:
        """Let it go."""
        lease, self._lease = self._lease, None
        try:
            if lease is not None:
                self._leases.release(lease)
        except Error:
            pass  # it ends by itself
        finally:
            self._lock.release()
