"""Days and moments that people type and addresses carry: read in the reader's zone, and between 2000 and 2100 only.

Beyond that a zone's offset leads out of what a date can be, and a page could not be shown any more.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from monitor.settings.models import EARLIEST, LATEST
from monitor.web.identity import Refusal
from monitor.web.routing import RequestContext


def day_of(context: RequestContext, name: str, *, whole: bool = False) -> datetime | None:
    """A day of the address as its first moment in the reader's zone, or with `whole` that of the day after it."""
    typed = context.query(name)
    if not typed:
        return None
    try:
        day = datetime.fromisoformat(typed).date()
    except ValueError:
        raise Refusal(400, "That is not a date", "Write it as 2026-11-30.") from None
    _bounded(datetime.combine(day, time(), context.zone))
    first = day + timedelta(days=1) if whole else day  # which has 23 or 25 hours where clocks change
    return datetime.combine(first, time(), context.zone).astimezone(UTC)


def moment_of(context: RequestContext, typed: str) -> datetime:
    """A moment that somebody typed, in the reader's zone where it names none."""
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        raise Refusal(400, "That is not a time", "Write it as 2026-11-30T09:00.") from None
    return _bounded(moment if moment.tzinfo else moment.replace(tzinfo=context.zone))


def _bounded(moment: datetime) -> datetime:
    if not EARLIEST <= moment < LATEST:
        raise Refusal(400, "That date is not valid", "Write a date between 2000 and 2100.")
    return moment
