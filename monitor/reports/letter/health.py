"""What was not read in a span, and what is still not read at its end: silence must not look like a quiet week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from monitor.reports.letter.quotes import masked
from monitor.settings.rules import Rules
from monitor.store import sources
from monitor.store.database import Database, Row, at

MOST = 12  # lines


@dataclass(frozen=True, slots=True)
class Failing:
    """A source that is not read at the end of the span, since when, and why."""

    source: str
    since: datetime
    why: str


def day_of(local: datetime) -> str:
    """ "5 Mar"."""
    return f"{local.day} {local:%b}"


def moment_in(moment: datetime, since: datetime, zone: ZoneInfo) -> str:
    """ "Thu 09:00", and "Thu 26 Feb 09:00" of what was before `since`: a weekday alone is read as one of the week."""
    local = moment.astimezone(zone)
    return f"{local:%a %H:%M}" if moment >= since else f"{local:%a} {day_of(local)} {local:%H:%M}"


def failing(database: Database, rules: Rules, until: datetime) -> tuple[Failing, ...]:
    """The sources that fail or are paused at `until`."""
    found = []
    for name, health in sources.all_health(database).items():
        source = rules.sources.get(name)
        since = health.failing_since or health.paused_at
        if source is not None and source.enabled and since is not None and since < until:
            found.append(Failing(name, since, health.last_error if health.failing_since else "paused"))
    return tuple(found)


def not_seen(
    database: Database, broken: tuple[Failing, ...], since: datetime, until: datetime, zone: ZoneInfo
) -> tuple[str, ...]:
    """The gaps of a span and the sources that fail at its end, in words, by the clocks of `zone`."""
    rows = [row for row in sources.gaps_since(database, since) if at(row["start_at"]) < until]
    lines = []
    for row in rows:
        if row["reason"].endswith(sources.READ_AGAIN) and any(_overlap(row, other) for other in rows):
            continue  # the connector says more exactly what is missing
        start, end = at(row["start_at"]).astimezone(zone), at(row["end_at"]).astimezone(zone)
        first = moment_in(at(row["start_at"]), since, zone)
        last = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%a %H:%M}"
        lines.append(f"{row['source']} not read {first}-{last}: {masked(row['reason'])}")
    if len(lines) > MOST:
        lines = [*lines[:MOST], f"and {len(lines) - MOST} more; earful status lists them"]
    for each in broken:
        begun = each.since.astimezone(zone)
        lines.append(f"{each.source} not read since {begun:%a} {day_of(begun)} {begun:%H:%M}: {masked(each.why)}")
    return tuple(lines)


def _overlap(row: Row, other: Row) -> bool:
    same = row["source"] == other["source"] and not other["reason"].endswith(sources.READ_AGAIN)
    return bool(same and row["start_at"] <= other["end_at"] and other["start_at"] <= row["end_at"])
