"""Whether the stars of reviews have dropped: many more bad ones in a day than on the days before. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from monitor.incidents.detection import AT_LEAST_TIMES, PEOPLE, TIMES

LOW = 2  # stars of a bad review, at most
DROP = 1.0  # stars below the mean of the weeks before
DAYS_KNOWN = 28
DAYS_SEEN = 7  # with fewer, what comes in a day may be all there ever was


def fallen(days: Sequence[Mapping[str, Any]], now: datetime) -> datetime | None:
    """Since when: the beginning of the day (of UTC) on which it happened; None where it did not.

    `days` are (day, n, low, stars) of the last four weeks; a day that is not among them had no review.
    """
    today = f"{now.astimezone(UTC):%Y-%m-%d}"
    this = next((row for row in days if row["day"] == today), None)
    before = [row for row in days if row["day"] < today]
    if this is None or this["low"] < PEOPLE or not before:
        return None
    first = datetime.fromisoformat(f"{before[0]['day']}T00:00:00+00:00")
    known = (now - first).days
    if known < DAYS_SEEN:
        return None
    low = [int(row["low"]) for row in before] + [0] * max(known - len(before), 0)
    times = AT_LEAST_TIMES if known >= DAYS_KNOWN - 1 else TIMES
    mean = sum(row["stars"] for row in before) / sum(row["n"] for row in before)
    if this["low"] < times * median(low) or mean - this["stars"] / this["n"] < DROP:
        return None
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(microseconds=1)
