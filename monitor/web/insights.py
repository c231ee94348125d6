"""Insights: how much was said and how negative, how long people waited, what about, and who is leaving; each with its
posts one press away, and a table beneath each chart."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from monitor.reports import formatting, further_figures, insights
from monitor.reports.definitions import negative_share
from monitor.reports.letter.week import before
from monitor.web import charts
from monitor.web.html import page
from monitor.web.routing import RequestContext, get

SPANS = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "a year"}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
KEEP = timedelta(minutes=1)  # for each week of the span: a year changes little within an hour
FEW = 5  # below this a share says nothing


_KEPT: OrderedDict[tuple[str, int, str, str, datetime | None], tuple[datetime, dict[str, Any]]] = OrderedDict()
_GUARD = threading.Lock()


@get("/insights")
def show_insights(context: RequestContext) -> Response:
    """The figures of a span, worked out at most once a minute and week of it, for everybody."""
    days = int(context.query("days")) if context.query("days") in SPANS else 30
    brand, until = context.query("brand"), _week_of(context)
    if until is not None:
        days = 7
    key = (str(id(context.site)), days, brand, str(context.zone), until)
    with _GUARD:
        kept = _KEPT.get(key)
    if kept is None or not kept[0] <= context.now < kept[0] + KEEP * (days // 7):
        kept = (context.now, _figures(context, days, brand, until))
        with _GUARD:
            _KEPT[key] = kept
            while len(_KEPT) > 40:
                _KEPT.popitem(last=False)
    return page(
        context, "insights.html", title="Insights", days=str(days) if until is None else "", spans=SPANS, brand=brand,
        few=FEW, desk_words=_desk_words, weekdays=WEEKDAYS, drafted=_drafted(context, days, brand, until),
        digest=(before(until, context.zone), until) if until is not None else None, **_shown(kept[1]),
    )  # fmt: skip


def _week_of(context: RequestContext) -> datetime | None:
    """When the digest's week ended whose figures are asked for: what a mail links is of that week on every day."""
    try:
        until = datetime.fromisoformat(context.query("until"))
    except ValueError:
        return None
    return until if until.tzinfo is not None and until <= context.now else None


def _drafted(context: RequestContext, days: int, brand: str, until: datetime | None) -> list[str]:
    """How many drafts were posted as they were; a reply belongs to a case, so it is said of all brands together."""
    end = until or context.now + timedelta(minutes=1)
    return (
        [] if brand else further_figures.drafted(context.database, (until or context.now) - timedelta(days=days), end)
    )


def _figures(context: RequestContext, days: int, brand: str, until: datetime | None) -> dict[str, Any]:
    """What the daemon keeps of a long span, by the clocks of whoever looks; else worked out now."""
    if until is not None:
        since = before(until, context.zone)
        return insights.of(context.database, context.rules, context.zone, until, days, brand, since=since)
    found = insights.kept(context.database, days, brand, context.now) if days in insights.KEPT_SPANS else None
    if found is None:
        return insights.of(context.database, context.rules, context.zone, context.now, days, brand)
    if context.zone != context.settings.zone:
        found = insights.by_clocks_of(context.database, context.zone, found, brand)
    return {**found, "kept": True}


def _desk_words(seconds: float | None) -> str:
    """Opening hours, as the digest says them."""
    return "–" if seconds is None else formatting.desk_words(timedelta(seconds=seconds))


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    """The figures with their charts, each for a wide screen and for a telephone."""
    names, whole, negative, known = (
        list(each) for each in (zip(*found["bars"], strict=True) if found["bars"] else ((), (), (), ()))
    )
    weeks = found["weeks"]
    hours = [week["median"] / 3600 if week["median"] is not None else None for week in weeks]
    unit = found["unit"]
    label = f"Mentions and negative mentions by {unit}"
    places = [(*place, negative_share(place[2], place[3]).value) for place in found["places"]]
    return {
        "figures": found,
        "kept_at": datetime.fromisoformat(found["at"]) if found.get("kept") else None,
        "first": datetime.fromisoformat(found["first"]),
        "since": found["since"],
        "unit": {"week": "week from"}.get(unit, unit),
        "total": sum(whole),
        "share": negative_share(sum(negative), sum(known)),
        "volume": charts.both(lambda width: charts.bars(names, whole, negative, label, width)),
        "volume_rows": [
            (name, w, n, negative_share(n, k).value)
            for name, w, n, k in zip(names, whole, negative, known, strict=True)
        ],
        "answer": charts.both(
            lambda width: charts.line([week["name"] for week in weeks], hours, "Median hours to answer, by week", " h",
                                      width=width)
        ),
        "weeks": weeks,
        "places": places,
        "most": max((place[1] for place in places), default=0),
        "heat": charts.both(
            lambda width: charts.heat(WEEKDAYS, found["by_hour"], "Mentions by hour of the week", width)
        ),
        "by_hour": found["by_hour"],
        "causes": found["causes"],
        "incidents": [
            {**each, "start": datetime.fromisoformat(each["start"]),
             "end": datetime.fromisoformat(each["end"]) if each["end"] else None}
            for each in found["incidents"]
        ],
        "more_causes": found.get("more_causes", 0),  # kept figures of a former version do not say it
        "more_incidents": found.get("more_incidents", 0),
        "leaving": found["leaving"],
    }  # fmt: skip
