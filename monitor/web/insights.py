"""Insights: how much was said and how negative, how long people waited, where and about what; a table beneath each."""

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
from monitor.reports import statistics
from monitor.reports.definitions import negative_share
from monitor.store import pages, report_queries
from monitor.store.database import Row
from monitor.web import charts
from monitor.web.html import page
from monitor.web.routing import RequestContext, get

SPANS = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "a year"}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
KEEP = timedelta(minutes=1)  # for each week of the span: a year changes little within an hour
FEW = 5  # below this a share says nothing


_KEPT: OrderedDict[tuple[str, int, str, str], tuple[datetime, dict[str, Any]]] = OrderedDict()
_GUARD = threading.Lock()


@get("/insights")
def show_insights(context: RequestContext) -> Response:
    """The figures of a span, worked out at most once a minute and week of it, for everybody."""
    days = int(context.query("days")) if context.query("days") in SPANS else 30
    brand = context.query("brand")
    key = (str(id(context.site)), days, brand, str(context.zone))
    with _GUARD:
        kept = _KEPT.get(key)
    if kept is None or not kept[0] <= context.now < kept[0] + KEEP * (days // 7):
        kept = (context.now, _values(context, days, brand))
        with _GUARD:
            _KEPT[key] = kept
            while len(_KEPT) > 40:
                _KEPT.popitem(last=False)
    return page(
        context, "insights.html", title="Insights", days=str(days), spans=SPANS, brand=brand, few=FEW,
        span_words=span_words, weekdays=WEEKDAYS, **kept[1],
    )  # fmt: skip


def _values(context: RequestContext, days: int, brand: str) -> dict[str, Any]:
    last = context.now.astimezone(context.zone).date()
    first = last - timedelta(days=days - 1)
    since = _midnight(context, first)
    heard = pages.first_posted_at(context.database, since, brand)
    unit = unit_of(context.now - heard if heard is not None else timedelta(days=days), days)
    rows = pages.volume(context.database, since, context.now, brand, 16 if unit == "minute" else 13)
    names, whole, negative, known = grouped(rows, unit, max(since, heard or since), context.now, context.zone)
    by_hour = by_hour_of_week(rows, context.zone)
    monday = _midnight(context, first - timedelta(days=first.weekday()))
    told = statistics.read(context.database, monday, context.now)
    weeks = by_week(context, first, context.now, told)
    topics = Counter(tag for text in pages.tags(context.database, since, context.now, brand) for tag in _topics(text))
    medians = [week["median"].total_seconds() / 3600 if week["median"] is not None else None for week in weeks]
    return {
        "first": heard or since,
        "unit": {"week": "week from"}.get(unit, unit),
        "total": sum(whole),
        "share": negative_share(sum(negative), sum(known)),
        "report": statistics.of_span(context.database, context.rules, since, context.now, told),
        "volume": charts.bars(names, whole, negative, f"Mentions and negative mentions by {unit}"),
        "volume_rows": [
            (name, w, n, negative_share(n, k).value)
            for name, w, n, k in zip(names, whole, negative, known, strict=True)
        ],
        "answer": charts.line([week["name"] for week in weeks], medians, "Median hours to answer, by week", " h"),
        "weeks": weeks,
        "places": [dict(row) for row in report_queries.by_source(context.database, since, context.now, brand)],
        "topics": topics.most_common(12),
        "heat": charts.heat(WEEKDAYS, by_hour, "Mentions by hour of the week"),
        "by_hour": by_hour,
    }


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
    rows: Sequence[Row], unit: str, since: datetime, until: datetime, zone: ZoneInfo
) -> tuple[list[str], list[int], list[int], list[int]]:
    """(names, mentions, negative, known) by bar, empty bars too."""
    found: dict[datetime, list[int]] = {}
    for row in rows:
        bar = found.setdefault(_start(_moment(row["hour"]).astimezone(zone), unit), [0, 0, 0])
        for place, value in enumerate((row["n"], row["negative"], row["known"])):
            bar[place] += int(value or 0)
    step = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}.get(
        unit, timedelta(days=7)
    )
    bars: list[datetime] = []
    at = _start(since.astimezone(zone), unit)
    while at <= until and len(bars) < 400:
        bars.append(at)
        at += step  # on the wall's clock: a day stays a day when the clocks change
    names = [f"{bar:%H:%M}" if unit in {"minute", "hour"} else f"{bar.day} {bar:%b}" for bar in bars]
    values = [found.get(bar, [0, 0, 0]) for bar in bars]
    return names, [each[0] for each in values], [each[1] for each in values], [each[2] for each in values]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}:00:00+00:00" if len(text) == 13 else f"{text}:00+00:00")


def by_hour_of_week(rows: Sequence[Row], zone: ZoneInfo) -> list[list[int]]:
    """Mentions by weekday and hour, in a zone."""
    found = [[0] * 24 for _ in WEEKDAYS]
    for row in rows:
        local = _moment(row["hour"]).astimezone(zone)
        found[local.weekday()][local.hour] += int(row["n"])
    return found


def _midnight(context: RequestContext, day: date) -> datetime:
    return datetime.combine(day, time(), context.zone).astimezone(UTC)


def by_week(context: RequestContext, first: date, now: datetime, told: statistics.CaseTurns) -> list[dict[str, Any]]:
    """Time to answer by the week in which people wrote: median, nine in ten, share within the target."""
    monday = first - timedelta(days=first.weekday())
    mondays = [monday]
    while _midnight(context, mondays[-1]) < now:
        mondays.append(mondays[-1] + timedelta(days=7))
    bounds = [min(_midnight(context, each), now) for each in mondays]
    found: list[dict[str, Any]] = []
    for monday, figure in zip(
        mondays, statistics.of_spans(context.database, context.rules, bounds, told), strict=False
    ):
        if figure.turns or found:
            found.append({
                "name": f"{monday.day} {monday:%b}", "turns": figure.turns, "answered": figure.answered,
                "median": figure.to_answer.median, "p90": figure.to_answer.p90, "in_target": figure.in_target,
            })  # fmt: skip
    return found


def _topics(text: str) -> list[str]:
    return [tag.partition(":")[2] or tag for tag in json.loads(text or "[]") if isinstance(tag, str)]
