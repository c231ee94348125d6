"""Insights: how much was said and how unhappy, how long people waited, where and about what; a table beneath each."""

from __future__ import annotations

import json
import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

from alerts.wording import span_words
from monitor import report
from monitor.store import figures, pages
from monitor.store.database import Row
from monitor.web import charts
from monitor.web.html import page
from monitor.web.routing import Ask, get

SPANS = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "a year"}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
KEEP = timedelta(minutes=1)
FEW = 5  # below this a share says nothing


_KEPT: OrderedDict[tuple[str, int, str, str], tuple[datetime, dict[str, Any]]] = OrderedDict()
_GUARD = threading.Lock()


@get("/insights")
def show_insights(ask: Ask) -> Response:
    """The figures of a span, worked out at most once a minute for everybody."""
    days = int(ask.query("days")) if ask.query("days") in SPANS else 30
    brand = ask.query("brand")
    key = (str(id(ask.face)), days, brand, str(ask.zone))
    with _GUARD:
        kept = _KEPT.get(key)
    if kept is None or not kept[0] <= ask.now < kept[0] + KEEP:
        kept = (ask.now, _values(ask, days, brand))
        with _GUARD:
            _KEPT[key] = kept
            while len(_KEPT) > 40:
                _KEPT.popitem(last=False)
    return page(
        ask, "insights.html", title="Insights", days=str(days), spans=SPANS, brand=brand, few=FEW,
        span_words=span_words, weekdays=WEEKDAYS, **kept[1],
    )  # fmt: skip


def _values(ask: Ask, days: int, brand: str) -> dict[str, Any]:
    last = ask.now.astimezone(ask.zone).date()
    first = last - timedelta(days=days - 1)
    since = datetime.combine(first, time(), ask.zone).astimezone(UTC)
    by_day, by_hour = spread_of(pages.volume(ask.database, since, ask.now, brand), ask.zone)
    names, whole, negative, known = _grouped(first, last, by_day)
    weeks = by_week(ask, first, ask.now)
    topics = Counter(tag for text in pages.tags(ask.database, since, ask.now, brand) for tag in _topics(text))
    medians = [week["median"].total_seconds() / 3600 if week["median"] is not None else None for week in weeks]
    return {
        "first": first,
        "total": sum(whole),
        "unhappy": sum(negative),
        "share": sum(negative) / sum(known) if sum(known) else None,
        "report": report.of_span(ask.database, ask.rules, since, ask.now),
        "volume": charts.bars([name for name, _ in names], whole, negative, "Mentions, and unhappy ones among them"),
        "volume_rows": [
            (name, w, n, n / k if k else None) for (name, _), w, n, k in zip(names, whole, negative, known, strict=True)
        ],
        "answer": charts.line([week["name"] for week in weeks], medians, "Median hours to answer, by week", " h"),
        "weeks": weeks,
        "places": [dict(row) for row in figures.by_source(ask.database, since, ask.now, brand)],
        "topics": topics.most_common(12),
        "heat": charts.heat(WEEKDAYS, by_hour, "Mentions by hour of the week"),
        "by_hour": by_hour,
    }


def spread_of(rows: Sequence[Row], zone: ZoneInfo) -> tuple[dict[date, list[int]], list[list[int]]]:
    """Hours of UTC as (mentions, negative, known) by day, and as mentions by hour of the week, in a zone."""
    by_day: dict[date, list[int]] = {}
    by_hour = [[0] * 24 for _ in WEEKDAYS]
    for row in rows:
        local = datetime.fromisoformat(row["hour"] + ":00:00+00:00").astimezone(zone)
        day = by_day.setdefault(local.date(), [0, 0, 0])
        for place, value in enumerate((row["n"], row["negative"], row["known"])):
            day[place] += int(value or 0)
        by_hour[local.weekday()][local.hour] += int(row["n"])
    return by_day, by_hour


def _grouped(
    first: date, last: date, by_day: dict[date, list[int]]
) -> tuple[list[tuple[str, date]], list[int], list[int], list[int]]:
    """Days, or weeks where there are more than sixty days."""
    step = 1 if (last - first).days < 60 else 7
    names, columns = [], ([], [], [])  # type: tuple[list[tuple[str, date]], tuple[list[int], list[int], list[int]]]
    day = first
    while day <= last:
        span = [by_day.get(day + timedelta(days=each), [0, 0, 0]) for each in range(step)]
        names.append((f"{day.day} {day:%b}", day))
        for place in range(3):
            columns[place].append(sum(each[place] for each in span))
        day += timedelta(days=step)
    return names, *columns


def by_week(ask: Ask, first: date, now: datetime) -> list[dict[str, Any]]:
    """Time to answer by the week in which people wrote: median, nine in ten, share within the target."""
    monday = first - timedelta(days=first.weekday())
    found: list[dict[str, Any]] = []
    while (since := datetime.combine(monday, time(), ask.zone).astimezone(UTC)) < now:
        after = monday + timedelta(days=7)
        until = min(datetime.combine(after, time(), ask.zone).astimezone(UTC), now)
        figure = report.of_span(ask.database, ask.rules, since, until)
        if figure.turns or found:
            found.append({
                "name": f"{monday.day} {monday:%b}", "turns": figure.turns, "answered": figure.answered,
                "median": figure.to_answer.median, "p90": figure.to_answer.p90, "in_target": figure.in_target,
            })  # fmt: skip
        monday = after
    return found


def _topics(text: str) -> list[str]:
    return [tag.partition(":")[2] or tag for tag in json.loads(text or "[]") if isinstance(tag, str)]
