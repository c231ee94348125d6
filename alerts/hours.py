"""When a clock runs, when people are called, and the moments of wall-clock work. Pure functions over zoneinfo.

Everything asks with an aware `datetime` and gets UTC back. Two rules hold throughout for wall-clock times on the nights
when clocks change: a time that does not exist is the first instant after the gap, a time that comes twice is its first.
So a weekly letter at 02:30 is due once in every week, and a block that ends at 02:30 ends once.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_DAY = timedelta(days=1)
_NOTHING = timedelta(0)
_DAYS_KEPT = 4000  # about eleven years of days at some 200 bytes each; then the memory of them starts afresh

Weekday = int | str  # 0 or "mon" is Monday
Block = tuple[Set[Weekday], time, time]
Span = tuple[datetime, datetime]


def weekday_number(day: Weekday) -> int:
    """Return 0 for Monday ("mon") to 6 for Sunday ("sun"); ValueError for anything else."""
    number = WEEKDAYS.index(day.lower()) if isinstance(day, str) and day.lower() in WEEKDAYS else day
    if not isinstance(number, int) or not 0 <= number <= 6:
        raise ValueError(f"a weekday is one of {', '.join(WEEKDAYS)}, not {day!r}")
    return number


@dataclass(frozen=True)
class OpeningHours:
    """When the desk is open: blocks of (weekdays, start, end), less the holidays, on the clocks of `zone`.

    A block belongs to the day on which it starts. One whose end is not after its start runs over midnight; with both
    equal it is the whole day. Blocks may overlap. ValueError if it would never be open.
    """

    blocks: tuple[Block, ...]
    holidays: frozenset[date]
    zone: ZoneInfo
    _spans: dict[date, tuple[Span, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        blocks = tuple((frozenset(map(weekday_number, days)), start, end) for days, start, end in self.blocks)
        if not any(days for days, _, _ in blocks):
            raise ValueError("opening hours need at least one weekday")
        for _, start, end in blocks:
            _refuse_zone(start)
            _refuse_zone(end)
        object.__setattr__(self, "blocks", blocks)

    @cached_property
    def always_open(self) -> bool:
        """Whether one block is every whole day and no holiday interrupts it."""
        return not self.holidays and any(len(days) == 7 and start == end for days, start, end in self.blocks)

    def spans_of(self, day: date) -> tuple[Span, ...]:
        """Return the open spans that start on this local day, in UTC, in order; they may overlap.

        Remembered by day, since a report asks for the same days thousands of times. Two threads may compute the same
        day at once; they store the same value.
        """
        found = self._spans.get(day)
        if found is None:
            if len(self._spans) >= _DAYS_KEPT:
                self._spans.clear()
            found = self._spans[day] = tuple(sorted(self._compute(day)))
        return found

    def _compute(self, day: date) -> Iterator[Span]:
        if day in self.holidays:
            return
        for days, start, end in self.blocks:
            if day.weekday() in days:
                opens = moment_of(day, start, self.zone)
                closes = moment_of(day if end > start else day + _DAY, end, self.zone)
                if closes > opens:  # a block inside the hour that a spring night skips has no length
                    yield opens, closes


def around_the_clock(zone: ZoneInfo) -> OpeningHours:
    """Return hours that never close."""
    return every_day(time(0), time(0), zone)


def add(start: datetime, amount: timedelta, hours: OpeningHours) -> datetime:
    """Return the first moment, in UTC, by which `amount` of opening time has passed since `start`.

    No amount at all outside the hours gives the next opening. Friday 16:45 and 30 minutes, open 9 to 17: Monday 09:15.
    """
    if amount < _NOTHING:
        raise ValueError(f"opening time cannot be added backwards ({amount})")
    start = _utc(start)
    if hours.always_open:
        return start + amount
    left = amount
    for opens, closes in _open_from(start, hours):
        if left <= closes - opens:
            return opens + left
        left -= closes - opens
    raise AssertionError("spans of opening hours never end")  # pragma: no cover


def elapsed(start: datetime, end: datetime, hours: OpeningHours) -> timedelta:
    """Return how much opening time lies between the two moments; nothing if `end` is not after `start`."""
    start, end = _utc(start), _utc(end)
    if end <= start:
        return _NOTHING
    if hours.always_open:
        return end - start
    total = _NOTHING
    for opens, closes in _open_from(start, hours):
        if opens >= end:
            break
        total += min(closes, end) - opens
    return total


def is_open(at: datetime, hours: OpeningHours) -> bool:
    """Say whether the desk is open at this moment. The moment of opening is open, that of closing is not."""
    # Compared in UTC: Python calls a moment of a repeated hour unequal to every moment in another zone.
    return next_opening(at, hours) == _utc(at)


def next_opening(at: datetime, hours: OpeningHours) -> datetime:
    """Return the first moment, in UTC, from `at` on at which the desk is open: `at` itself if it is."""
    return next(_open_from(_utc(at), hours))[0]


def opens_after(at: datetime, hours: OpeningHours) -> datetime:
    """Return the next moment, in UTC, after `at` at which a block begins: never the one that is open now."""
    moment = _utc(at)
    day = moment.astimezone(hours.zone).date() - _DAY
    while True:
        for opens, _ in hours.spans_of(day):
            if opens > moment:
                return opens
        day += _DAY


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The hours in which only what is critical calls people: outside all of `called`, the desk's hours and the shifts.

    A stretch that lasts longer than a night (a weekend) is parted at each `dawn` by the clocks of `zone`: nobody is
    left alone with something critical for days because they have said once that it can wait until morning.
    """

    called: tuple[OpeningHours, ...]
    zone: ZoneInfo
    dawn: time = time(8)

    def is_quiet(self, at: datetime) -> bool:
        """Say whether this moment lies in the quiet hours. Their first moment does, their last does not."""
        return not any(is_open(at, each) for each in self.called)

    def quiet_until(self, at: datetime) -> datetime:
        """Return the first moment, in UTC, from `at` on that is not quiet: `at` itself if it is not."""
        return min(next_opening(at, each) for each in self.called)

    def morning(self, at: datetime) -> datetime:
        """Return the next morning, in UTC: the end of the quiet hours or a `dawn` before; `at` if it is not quiet."""
        until = self.quiet_until(at)
        if until == _utc(at):
            return until
        day = _utc(at).astimezone(self.zone).date()
        while (dawn := moment_of(day, self.dawn, self.zone)) <= _utc(at):
            day += _DAY
        return min(until, dawn)


def every_day(start: time, end: time, zone: ZoneInfo) -> OpeningHours:
    """Return the hours of every day from `start` to `end`, over midnight where they are in that order."""
    return OpeningHours(((frozenset(range(7)), start, end),), frozenset(), zone)


def due_period(now: datetime, weekday: Weekday, at: time, zone: ZoneInfo) -> tuple[str, datetime]:
    """Return the last weekly moment that has passed, as the key of its ISO week ("2026-W48") and in UTC.

    Over any stretch of time each week has one key and one moment, whatever the clocks do: a letter filed under its key
    goes out once, late if nothing ran at the moment itself.
    """
    number, now = weekday_number(weekday), _utc(now)
    day = now.astimezone(zone).date() + _DAY
    day -= timedelta(days=(day.weekday() - number) % 7)
    while (moment := moment_of(day, at, zone)) > now:
        day -= 7 * _DAY
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}", moment


def daily_moment(now: datetime, at: time, zone: ZoneInfo) -> tuple[str, datetime]:
    """Return the last daily moment that has passed, as the key of its day ("2026-11-22T09:00") and in UTC."""
    now = _utc(now)
    day = now.astimezone(zone).date() + _DAY
    while (moment := moment_of(day, at, zone)) > now:
        day -= _DAY
    return f"{day.isoformat()}T{at:%H:%M}", moment


def moment_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the moment, in UTC, at which the clocks of `zone` first show this time on this day.

    Where they never do, the first instant after the gap.
    """
    _refuse_zone(at)
    local = datetime.combine(day, at.replace(fold=0), tzinfo=zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return moment
    # In a gap the two folds are read with the offsets before and after it, so the jump lies between their moments.
    before, after = local.replace(fold=1).astimezone(UTC), moment
    offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=1) // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


def _open_from(start: datetime, hours: OpeningHours) -> Iterator[Span]:
    """Yield the open spans from `start` (UTC) on, cut to it, none overlapping another. It never ends."""
    day = start.astimezone(hours.zone).date() - 2 * _DAY
    reached = start
    while True:
        for opens, closes in hours.spans_of(day):
            if closes > reached:
                yield max(opens, reached), closes
                reached = closes
        day += _DAY


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone cannot be placed: give an aware datetime")
    return moment.astimezone(UTC)


def _refuse_zone(at: time) -> None:
    if at.tzinfo is not None:
        raise ValueError(f"write the time of day without a zone of its own, not {at!r}")
