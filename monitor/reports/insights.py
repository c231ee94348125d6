"""The figures of Insights: how much was said and how negative, how long people waited, what about, and who is leaving.

They are plain values, so that those of long spans can be kept: a year of a million posts takes seconds to work out, and
the daemon does so once an hour, so that nobody waits for it. What is kept names no customer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from monitor.reports import statistics
from monitor.reports.letter import stories, week
from monitor.settings.rules import Rules
from monitor.store import key_values, pages, report_queries
from monitor.store.database import Database, at

KEPT_SPANS = (365, 90)  # days; shorter ones are worked out while somebody looks
FRESH = timedelta(hours=1)
STALE = timedelta(days=1)  # after a night without the daemon they still stand until it has made them anew
MOST = 12  # causes, incidents; the rest is counted
_DAYS_IN_WEEK = 7


def of(
    database: Database,
    rules: Rules,
    zone: ZoneInfo,
    now: datetime,
    days: int,
    brand: str = "",
    *,
    since: datetime | None = None,
) -> dict[str, Any]:
    """The figures of the last `days`, by the clocks of `zone`, of one brand or of all, as JSON knows values.

    They are of whole days and of this one so far; with `since` they begin there, as a digest's do.
    """
    first = (
        since.astimezone(zone).date() if since is not None else now.astimezone(zone).date() - timedelta(days=days - 1)
    )
    since = since or midnight(first, zone)
    begun = pages.first_posted_at(database, since, brand)
    unit = unit_of(now - begun if begun is not None else timedelta(days=days), days)
    rows = report_queries.heard(database, since, now, brand)
    volume = pages.volume(database, since, now, brand, 16) if unit == "minute" else _by_hour(rows)
    monday = midnight(first - timedelta(days=first.weekday()), zone)
    told = statistics.read(database, monday, now, brand)
    (whole,) = statistics.of_spans(rules, (since, now), told)
    before = since - (now - since)
    wrong = _causes(database, since, now, before, brand)
    broke_out = _incidents(database, since, now, brand)
    return {
        "at": now.isoformat(),
        "first": (begun or since).isoformat(),
        "since": first.isoformat(),
        "unit": unit,
        "bars": grouped(volume, unit, max(since, begun or since), now, zone),
        "turns": whole.turns,
        "answered": whole.answered,
        "due": whole.to_answer.due,
        "median": _seconds(whole.to_answer.median),
        "in_target": whole.in_target,
        "weeks": _weeks(rules, zone, first, now, told),
        "places": _places(rows),
        "by_hour": by_hour_of_week(volume, zone),
        "causes": wrong[:MOST],
        "more_causes": len(wrong[MOST:]),
        "incidents": broke_out[:MOST],
        "more_incidents": len(broke_out[MOST:]),
        "leaving": _leaving(database, since, now, brand),
    }


def keep_due(database: Database, rules: Rules, now: datetime) -> bool:
    """Work out the figures of one long span that are old, and keep them; False where none are."""
    brands = [brand.name for brand in rules.settings.brands]
    for brand in ("", *brands):
        for days in KEPT_SPANS:
            found = _read(database, days, brand)
            if found is None or not timedelta(0) <= now - _at(found) < FRESH:
                made = of(database, rules, rules.settings.zone, now, days, brand)
                with database.transaction():
                    key_values.remember(database, _key(days, brand), json.dumps(made), now)
                return True
    return False


def kept(database: Database, days: int, brand: str, now: datetime) -> dict[str, Any] | None:
    """The figures that are kept of a span by the desk's clock; None where none are, or nobody keeps them any more."""
    found = _read(database, days, brand)
    return found if found is not None and timedelta(0) <= now - _at(found) < STALE else None


def by_clocks_of(database: Database, zone: ZoneInfo, found: Mapping[str, Any], brand: str) -> dict[str, Any]:
    """Kept figures for somebody in another zone than the desk's: what goes by the hour is counted by their clocks.

    Weeks of answers stay those of the desk, by whose hours they are counted.
    """
    since, at = midnight(date.fromisoformat(found["since"]), zone), _at(found)
    volume = _by_hour(report_queries.heard(database, since, at, brand))
    unit = "hour" if found["unit"] == "minute" else found["unit"]
    bars = grouped(volume, unit, max(since, datetime.fromisoformat(found["first"])), at, zone)
    return {**found, "unit": unit, "bars": bars, "by_hour": by_hour_of_week(volume, zone)}


def _read(database: Database, days: int, brand: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = json.loads(key_values.fact(database, _key(days, brand)) or "null")
    return found


def _key(days: int, brand: str) -> str:
    return f"insights:{days}:{brand}"


def _at(found: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(found["at"])


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def unit_of(heard: timedelta, days: int) -> str:
    """What one bar stands for: as fine as what there is to show, so that a first day is more than one bar."""
    if heard < timedelta(hours=2):
        return "minute"
    if heard < timedelta(days=3):
        return "hour"
    return "day" if days < 60 else "week"


def _start(moment: datetime, unit: str) -> datetime:
    """The beginning of the bar that a moment falls into."""
    if unit == "minute":
        return moment.replace(second=0, microsecond=0)
    whole = moment.replace(minute=0, second=0, microsecond=0)
    if unit == "hour":
        return whole
    day = whole.replace(hour=0)
    return day - timedelta(days=day.weekday()) if unit == "week" else day


def grouped(
    rows: Iterable[Mapping[str, Any]], unit: str, since: datetime, until: datetime, zone: ZoneInfo
) -> list[tuple[str, int, int, int]]:
    """(name, mentions, negative, known) by bar, empty bars too.

    Rows are of hours of UTC: where clocks stand on the half hour, the first of them begins before the span.
    """
    found: dict[datetime, list[int]] = {}
    for row in rows:
        bar = found.setdefault(_start(max(_moment(row["hour"]), since).astimezone(zone), unit), [0, 0, 0])
        for place, name in enumerate(("n", "negative", "known")):
            bar[place] += int(row[name] or 0)
    step = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}.get(
        unit, timedelta(days=_DAYS_IN_WEEK)
    )
    bars: list[tuple[str, int, int, int]] = []
    at = _start(since.astimezone(zone), unit)
    while at <= until and len(bars) < 400:
        name = f"{at:%H:%M}" if unit in {"minute", "hour"} else f"{at.day} {at:%b}"
        mentions, negative, known = found.get(at, (0, 0, 0))
        bars.append((name, mentions, negative, known))
        at += step  # on the wall's clock: a day stays a day when the clocks change
    return bars


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}:00:00+00:00" if len(text) == 13 else f"{text}:00+00:00")


def _by_hour(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        hour = found.setdefault(row["hour"], {"hour": row["hour"], "n": 0, "negative": 0, "known": 0})
        hour["n"] += row["mentions"]
        hour["negative"] += row["negative"]
        hour["known"] += row["known"]
    return list(found.values())


def by_hour_of_week(rows: Iterable[Mapping[str, Any]], zone: ZoneInfo) -> list[list[int]]:
    """Mentions by weekday and hour, in a zone."""
    found = [[0] * 24 for _ in range(_DAYS_IN_WEEK)]
    for row in rows:
        local = _moment(row["hour"]).astimezone(zone)
        found[local.weekday()][local.hour] += int(row["n"])
    return found


def _weeks(
    rules: Rules, zone: ZoneInfo, first: date, now: datetime, told: statistics.CaseTurns
) -> list[dict[str, Any]]:
    """Time to answer by the week in which people wrote: median, nine in ten, share within the target."""
    mondays = [first - timedelta(days=first.weekday())]
    while midnight(mondays[-1], zone) < now:
        mondays.append(mondays[-1] + timedelta(days=_DAYS_IN_WEEK))
    bounds = [min(midnight(each, zone), now) for each in mondays]
    found: list[dict[str, Any]] = []
    for monday, figure in zip(mondays, statistics.of_spans(rules, bounds, told), strict=False):
        if figure.turns or found:
            found.append({
                "name": f"{monday.day} {monday:%b}", "turns": figure.turns, "answered": figure.answered,
                "median": _seconds(figure.to_answer.median), "p90": _seconds(figure.to_answer.p90),
                "in_target": figure.in_target,
            })  # fmt: skip
    return found


def _places(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, int, int, int]]:
    """(source, mentions, negative, known), the source with the most first."""
    found: dict[str, list[int]] = {}
    for row in rows:
        source = found.setdefault(row["source"], [0, 0, 0])
        for place, name in enumerate(("mentions", "negative", "known")):
            source[place] += int(row[name])
    every = ((name, counts[0], counts[1], counts[2]) for name, counts in found.items())
    return sorted(every, key=lambda each: (-each[1], each[0]))


def _causes(database: Database, since: datetime, until: datetime, before: datetime, brand: str) -> list[dict[str, Any]]:
    """What keeps going wrong: people of the span, and of as long a span before."""
    first, came = report_queries.first_mention_at(database), report_queries.first_written_at(database, brand)
    whole = first and datetime.fromisoformat(first) <= before and (not brand or (came and at(came) <= before))
    earlier = before if whole else None
    return [
        {"id": each.cause, "name": each.name, "people": each.people, "before": each.before, "open": each.open,
         "fixed": each.fixed, "untold": each.untold}
        for each in stories.problems(database, since, until, earlier, brand)
    ]  # fmt: skip


def _incidents(database: Database, since: datetime, until: datetime, brand: str) -> list[dict[str, Any]]:
    return [
        {"id": each.id, "words": each.words, "start": each.start.isoformat(), "people": each.people,
         "end": each.end.isoformat() if each.end is not None else "", "peak": each.peak, "reach": each.reach,
         "answered": each.answered, "public": each.said_publicly is not None}
        for each in stories.outbreaks(database, since, until, brand)
    ]  # fmt: skip


def _leaving(database: Database, since: datetime, until: datetime, brand: str) -> dict[str, Any]:
    found = week.leaving(database, since, until, brand)
    return {"people": found.people, "answered": found.answered, "reasons": found.reasons}


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()
