"""Whether what is written now leaps above its habit, and whether that is over. Pure: counts in, a decision out.

The habit of an hour of the week is the median of what was written in that hour and its two neighbours, over the last
four weeks. How far counts stray from it by themselves is measured in the same weeks, on a scale on which counts of any
size stray alike (twice the square root: Anscombe, Biometrika 35, 1948). A leap strays several times as far, in the last
ten minutes, half hour or hour. Until four weeks are known, it is eight people in an hour and five times the median
hour seen.

Hours are those of UTC, so another zone in the settings changes nothing. A clock that is put forward moves people's day
by an hour: that is why the neighbours are looked at.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Literal

HOUR = timedelta(hours=1)
KNOWN_AFTER = timedelta(days=28)  # a habit of each hour of the week is known then
SEEN_FIRST = timedelta(days=1)  # so long nothing is a leap: a day has its own shape
PEOPLE = 8  # in an hour: fewer are no incident of volume
TIMES = 5  # as many as in the median hour, until a habit is known
AT_LEAST_TIMES = 2.5  # as many as usual, however steady the habit is
WINDOWS = (timedelta(minutes=10), timedelta(minutes=30), HOUR)
AT_ONCE = 1.5  # of what counts stray by themselves (squared), however short the span: posts come in little groups
STRAYS = 5.2  # times as far as by itself
OVER_AT = 2.0  # below this it is no leap any more
QUIET = timedelta(hours=2)  # so long it must be no leap to be over
COOL_DOWN = timedelta(hours=3)  # after the end: so long only a far higher leap begins another
_WEEK = 168
_WEEKS = 4
_SMALLEST = 6  # hours that a median is made of
_OF_NORMAL = 1.4826  # a median deviation of a normal spread, as its standard deviation
_LEAST = 0.25  # posts that are usual at least: nothing at all is no habit
_FEW = 48  # hours that a spread is made of


@dataclass(frozen=True, slots=True)
class Habit:
    """What is usual in an hour. `strays` is how far counts go from it by themselves, 1 for pure chance.

    Without `known` it is the median hour of what was seen so far.
    """

    usual: float
    strays: float = 1.0
    known: bool = True


@dataclass(frozen=True, slots=True)
class Spread:
    """Hours of the last weeks: what was to be expected of each, and how far it strayed, on the even scale."""

    hours: tuple[tuple[float, float], ...]

    def near(self, usual: float) -> float:
        """How far hours stray that bring about as much, where there are enough of them: as a standard deviation."""
        alike = [strayed for expected, strayed in self.hours if usual / 2 <= expected <= usual * 2]
        chosen = alike if len(alike) >= _FEW else [strayed for _, strayed in self.hours]
        return max(1.0, _OF_NORMAL * median(chosen)) if chosen else 1.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What was written in the span before now: posts, and by how many people."""

    span: timedelta
    posts: int
    people: int


@dataclass(frozen=True, slots=True)
class Leap:
    """More than usual: `times` as many, `strays` times as far from it as by itself, in this span."""

    span: timedelta
    strays: float
    times: float


def number_of(moment: datetime) -> int:
    """The number of the hour (of UTC) that a moment is in."""
    return int(moment.timestamp()) // 3600


def habit_of(
    counts: Mapping[int, int],
    since: datetime,
    now: datetime,
    left_out: Set[int] = frozenset(),
    spread: Spread | None = None,
) -> Habit | None:
    """What is usual in the hour of `now`, by what each hour brought since reading began; None in the first day.

    An hour without a count brought nothing. `left_out` are hours in which could not be read. `spread` saves finding
    out again how far counts stray; it changes little in a day.
    """
    this = number_of(now)
    first = number_of(since - timedelta(microseconds=1)) + 1
    if now - since < SEEN_FIRST:
        return None
    if now - since >= KNOWN_AFTER:
        usual = _usual(counts, this, max(first, this - _WEEKS * _WEEK), this, left_out)
        if usual is not None:
            return Habit(usual, (spread or spread_of(counts, now, left_out)).near(usual))
    seen = [counts.get(hour, 0) for hour in range(max(first, this - _WEEKS * _WEEK), this) if hour not in left_out]
    return Habit(float(median(seen)), known=False) if len(seen) >= SEEN_FIRST / HOUR - 2 else None


def _usual(counts: Mapping[int, int], hour: int, first: int, before: int, left_out: Set[int]) -> float | None:
    """The median of an hour of the week and its neighbours; None where too few of them were read."""
    found = [
        counts.get(each, 0)
        for week in range(1, _WEEKS + 1)
        for each in (hour - week * _WEEK - 1, hour - week * _WEEK, hour - week * _WEEK + 1)
        if first <= each < before and each not in left_out
    ]
    return float(median(found)) if len(found) >= _SMALLEST else None


def spread_of(counts: Mapping[int, int], now: datetime, left_out: Set[int] = frozenset()) -> Spread:
    """How far the hours of four weeks were from what the others of their kind brought.

    Half of all leaps may be in them: a median does not mind.
    """
    this = number_of(now)
    of_week: dict[int, float] = {}
    for slot in range(this - _WEEK, this):
        found = [
            counts.get(each + shift, 0)
            for each in range(slot, slot - _WEEKS * _WEEK, -_WEEK)
            for shift in (-1, 0, 1)
            if each + shift < this and each + shift not in left_out
        ]
        of_week[slot % _WEEK] = float(median(found)) if found else 0.0
    return Spread(
        tuple(
            (expected, abs(_even(counts.get(hour, 0)) - _even(expected)))
            for hour in range(this - _WEEKS * _WEEK, this)
            if hour not in left_out
            for expected in (of_week[hour % _WEEK],)
        )
    )


def _even(count: float) -> float:
    """A count on the scale on which chance alone strays by 1 at any size."""
    return 2 * math.sqrt(count + 3 / 8)


def leap_in(heard: Heard, habit: Habit) -> Leap | None:
    """Whether this span leaps above its habit."""
    hours = heard.span / HOUR
    usual = habit.usual * hours
    times = heard.posts / usual if usual else math.inf
    if not habit.known:
        enough = heard.span == HOUR and heard.people >= PEOPLE and times >= TIMES
        return Leap(heard.span, math.inf, times) if enough else None
    strays = strays_of(heard, habit)
    if heard.people < PEOPLE or times < AT_LEAST_TIMES or strays < STRAYS:
        return None
    return Leap(heard.span, strays, times)


def strays_of(heard: Heard, habit: Habit) -> float:
    """How far a span is above its habit, in what it strays by itself: the root of the deviance of a Poisson count.

    (McCullagh and Nelder, Generalized Linear Models, 2.4. Of few posts it is nearer to the truth than the even scale.)
    """
    share = heard.span / HOUR
    usual, posts = max(habit.usual * share, _LEAST), heard.posts
    if posts <= usual:
        return 0.0
    by_itself = math.sqrt(AT_ONCE + max(habit.strays**2 - AT_ONCE, 0.0) * share)
    return math.sqrt(2 * (posts * math.log(posts / usual) - (posts - usual))) / by_itself


def still(heard: Heard, habit: Habit) -> bool:
    """Whether the last hour is above its habit still, once an incident has begun."""
    if not habit.known:
        return heard.people >= PEOPLE / 2 and heard.posts >= habit.usual * AT_LEAST_TIMES
    return heard.posts > habit.usual and strays_of(heard, habit) >= OVER_AT


State = Literal["quiet", "begins", "goes on", "over"]


def decide(
    spans: tuple[Heard, ...], habit: Habit | None, now: datetime, *, open_since: datetime | None,
    last_at: datetime | None, ended_at: datetime | None,
) -> tuple[State, Leap | None]:  # fmt: skip
    """What is to be said now of a volume. `last_at` is when an open incident was above its habit last."""
    if habit is None:
        return ("goes on" if open_since is not None else "quiet"), None
    hour = next(each for each in spans if each.span == HOUR)
    found = [leap for each in spans if (leap := leap_in(each, habit)) is not None]
    leap = max(found, key=lambda each: each.strays, default=None)
    if open_since is not None:
        if leap is not None or still(hour, habit):
            return "goes on", leap
        return ("over" if now - (last_at or open_since) >= QUIET else "quiet"), None
    if leap is None:
        return "quiet", None
    if ended_at is not None and now - ended_at < COOL_DOWN and leap.strays < 2 * STRAYS:
        return "quiet", None
    return "begins", leap
