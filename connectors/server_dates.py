"""What other machines take for the time: the `Date` of their answers, against which this machine's clock is checked."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from statistics import median

KEPT = 24 * 3600.0  # seconds: an answer of yesterday says nothing of today's clock
MOST_HOSTS = 64

_lock = threading.Lock()
_heard: dict[str, tuple[datetime, float]] = {}


def steady() -> float:
    """Seconds that no setting of the clock changes and that go on while the machine sleeps, where it can say so."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(boot) if boot is not None else time.monotonic()


def note(host: str, date: str) -> None:
    """Keep the newest date that a host answered with; what is no date is left out."""
    try:
        said = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return
    said = said if said.tzinfo is not None else said.replace(tzinfo=UTC)
    with _lock:
        _heard.pop(host, None)
        if len(_heard) >= MOST_HOSTS:
            del _heard[next(iter(_heard))]
        _heard[host] = (said, steady())


def ahead(now: datetime) -> timedelta | None:
    """How far `now` is ahead of the dates of the last day's answers (the middle one of all hosts); None without any."""
    moment = steady()
    with _lock:
        found = [
            (now - said).total_seconds() - (moment - at) for said, at in _heard.values() if 0 <= moment - at <= KEPT
        ]
    return timedelta(seconds=median(found)) if found else None


def forget() -> None:
    """Know nothing again, as at the start of the process."""
    with _lock:
        _heard.clear()
