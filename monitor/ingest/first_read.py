"""The first read of a source: all that it brings is told in one brief, in however many visits it is read.

It is over when the source was read whole. What it has brought waits for the rest of it, an hour at most; after that its
pages are told like any other's.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.store import deliveries, key_values, sources
from monitor.store.database import Database, at, stamp

AFTER = timedelta(minutes=1)  # so long after its last page the brief leaves: with what other sources bring now
LONGEST = timedelta(hours=1)
_FACT = "first_read:"  # when it began, while it goes on beyond a page


def brief_due(database: Database, source: str, now: datetime, *, complete: bool) -> dict[str, datetime]:
    """source -> when the brief of its first read is due; empty where this page is of no first read."""
    began = key_values.fact(database, _FACT + source)
    known = sources.health(database, source)
    if not began and (known is None or known.last_success_at is not None):
        return {}
    until = (at(began) if began else now) + LONGEST
    if until <= now:
        return {}
    return {source: now + AFTER if complete else until}


def goes_on(database: Database, source: str) -> bool:
    """Whether the first read of a source has begun, and was not over with its last page."""
    return bool(key_values.fact(database, _FACT + source))


def note(database: Database, source: str, now: datetime, *, complete: bool, under_way: bool) -> None:
    """Write down that a first read goes on, or is over: then its brief leaves. In the transaction of the page."""
    began = key_values.fact(database, _FACT + source)
    if began and complete:
        key_values.remember(database, _FACT + source, "", now)
        deliveries.first_read_ends(database, source, now + AFTER)
    elif under_way and not complete and not began:
        key_values.remember(database, _FACT + source, stamp(now), now)
