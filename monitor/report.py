"""The week's numbers: lag, alert lag, time to take, to answer, to resolve. Median and p90, never the mean alone.

Opening hours and wall clock stand beside each other. What a source cannot be answered on is left out, and so are
automatic replies (they never stopped a clock).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts import hours
from alerts.letters import FigureLine
from alerts.wording import count_words, span_words
from monitor.rules import Rules
from monitor.store import figures
from monitor.store.database import Database, Row, at, instant


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took: how often, the median, the 90th percentile."""

    n: int
    median: timedelta | None
    p90: timedelta | None


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of one span of time. Shares are None where nothing could be counted."""

    cases: int
    answered: int
    in_target: float | None
    lag: Spread
    alert_lag: Spread
    to_take: Spread
    to_answer: Spread
    to_answer_wall: Spread
    to_resolve: Spread
    backdated: int


_NONE = Spread(0, None, None)
_NOTHING = Report(0, 0, None, _NONE, _NONE, _NONE, _NONE, _NONE, _NONE, 0)


def percentile(values: Sequence[timedelta], share: float) -> timedelta | None:
    """The nearest-rank percentile: a value that really occurred."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(max(int(-(-share * len(ordered) // 1)) - 1, 0), len(ordered) - 1)]


def spread(values: Iterable[timedelta]) -> Spread:
    """Count, median and p90 of some durations."""
    found = list(values)
    return Spread(len(found), percentile(found, 0.5), percentile(found, 0.9))


def of_span(database: Database, rules: Rules, since: datetime, until: datetime) -> Report:
    """The figures of cases whose first post was written in a span."""
    rows = figures.cases_between(database, since, until)
    told = figures.first_sent(database, since)
    return of_rows(rules, rows, told, until)


def of_rows(rules: Rules, rows: Sequence[Row], told: dict[str, str], until: datetime) -> Report:
    """The figures of these rows of `cases`; `told` says when each story was first told of."""
    answered = [row for row in rows if row["answered_at"]]
    due = [row for row in rows if row["due_at"] and (row["answered_at"] or at(row["due_at"]) <= until)]
    kept = [row for row in due if row["answered_at"] and row["answered_at"] <= row["due_at"]]
    return Report(
        cases=len(rows),
        answered=len(answered),
        in_target=len(kept) / len(due) if due else None,
        lag=spread(_between(rows, "first_posted_at", "opened_at")),
        alert_lag=spread(
            max(at(told[row["story_id"]]) - at(row["opened_at"]), timedelta(0))
            for row in rows
            if told.get(row["story_id"])
        ),
        to_take=spread(_between(rows, "opened_at", "acknowledged_at")),
        to_answer=spread(
            hours.elapsed(at(row["first_posted_at"]), at(row["answered_at"]), rules.hours_for(row["priority"]))
            if not row["backdated"]
            else timedelta(0)
            for row in answered
        ),
        to_answer_wall=spread(_between(answered, "first_posted_at", "answered_at")),
        to_resolve=spread(_between(rows, "first_posted_at", "closed_at")),
        backdated=sum(1 for row in rows if row["backdated"]),
    )


def _between(rows: Iterable[Row], start: str, end: str) -> list[timedelta]:
    found = []
    for row in rows:
        first, last = instant(row[start]), instant(row[end])
        if first is not None and last is not None:
            found.append(timedelta(0) if row["backdated"] and end == "answered_at" else max(last - first, timedelta(0)))
    return found


def lines(now: Report, before: Report | None) -> tuple[FigureLine, ...]:
    """The figures as lines of the letter: this week, and the week before."""
    old = before or _NOTHING
    found = [
        _line("Time to answer, median", now.to_answer, old.to_answer, "opening hours"),
        _line("Time to answer, 9 in 10", now.to_answer, old.to_answer, "opening hours", p90=True),
        _line("Time to answer, median", now.to_answer_wall, old.to_answer_wall, "wall clock"),
        _line("Time to take", now.to_take, old.to_take, "median"),
        _line("From post to being seen", now.lag, old.lag, "median"),
        _line("From being seen to the alert", now.alert_lag, old.alert_lag, "median"),
    ]
    if now.in_target is not None:
        earlier = f"{old.in_target:.0%}" if old.in_target is not None else ""
        note = f"of {count_words(now.cases, 'case')}"
        found.insert(0, FigureLine("Answered within the target", f"{now.in_target:.0%}", earlier, note))
    return tuple(line for line in found if line.value)


def _line(name: str, now: Spread, before: Spread, note: str, *, p90: bool = False) -> FigureLine:
    value = now.p90 if p90 else now.median
    earlier = before.p90 if p90 else before.median
    return FigureLine(
        name,
        span_words(value) if value is not None else "",
        span_words(earlier) if earlier is not None else "",
        note,
    )


def as_json(figures: Report) -> dict[str, object]:
    """The figures for scripts; durations in seconds."""

    def seconds(found: Spread) -> dict[str, object]:
        return {
            "n": found.n,
            "median": found.median.total_seconds() if found.median is not None else None,
            "p90": found.p90.total_seconds() if found.p90 is not None else None,
        }

    spreads = ("lag", "alert_lag", "to_take", "to_answer", "to_answer_wall", "to_resolve")
    return {
        "cases": figures.cases,
        "answered": figures.answered,
        "in_target": figures.in_target,
        "backdated": figures.backdated,
        **{name: seconds(getattr(figures, name)) for name in spreads},
    }
