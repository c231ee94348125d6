"""What is taken for a leap, and what is not: fresh installs, moved clocks, gaps, busy hours of the week, steps."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.incidents import A_DAY, MONDAY, ours, quiet, stepped
from monitor.incidents import detection
from monitor.incidents.detection import HOUR, Habit, Heard, decide, habit_of, leap_in, number_of

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MONTH = timedelta(days=28)
STEADY = Habit(usual=10.0)


def hour(posts: int, people: int | None = None) -> Heard:
    return Heard(HOUR, posts, posts if people is None else people)


def daily(hours_back: int, now: datetime = NOW) -> dict[int, int]:
    """Six posts an hour by day, none at night, to the hour before now."""
    this = number_of(now)
    return {each: 6 if 8 <= each % 24 < 20 else 0 for each in range(this - hours_back, this)}


def test_four_times_as_much_from_enough_people_is_a_leap_and_twice_as_much_is_none() -> None:
    leap = leap_in(hour(40), STEADY)
    assert leap is not None
    assert math.isclose(leap.times, 4.0)
    assert leap_in(hour(20), STEADY) is None
    assert leap_in(hour(40, people=7), STEADY) is None, "one person who writes thirty times is no incident"


def test_counts_that_stray_by_themselves_need_a_higher_leap() -> None:
    assert leap_in(hour(40), Habit(usual=10.0, strays=2.0)) is None
    assert leap_in(hour(90), Habit(usual=10.0, strays=2.0)) is not None


def test_until_a_habit_is_known_it_takes_eight_people_and_five_times_the_median_hour() -> None:
    young = Habit(usual=2.0, known=False)
    assert leap_in(hour(10, people=8), young) is not None
    assert leap_in(hour(10, people=7), young) is None
    assert leap_in(hour(9, people=9), young) is None
    assert leap_in(Heard(timedelta(minutes=10), 30, 30), young) is None, "it is asked of an hour"
    assert leap_in(hour(8), Habit(usual=0.0, known=False)) is not None


def test_a_fresh_installation_has_no_incident_of_volume_in_its_first_day() -> None:
    this = number_of(NOW)
    assert habit_of({this - 1: 400}, NOW - HOUR, NOW) is None
    habit = habit_of({this - 1: 400}, NOW - timedelta(days=2), NOW)
    assert habit == Habit(usual=0.0, known=False)
    state, _ = decide((hour(400),), None, NOW, open_since=None, last_at=None, ended_at=None)
    assert state == "quiet"


def test_the_habit_is_that_of_the_hour_of_the_week() -> None:
    counts = daily(30 * 24)
    for week in (1, 2, 3, 4):
        for shift in (-1, 0, 1):
            counts[number_of(NOW) - week * 168 + shift] = 50
    day = habit_of(counts, NOW - MONTH, NOW)
    night = habit_of(counts, NOW - MONTH - DAY, NOW - timedelta(hours=8))
    assert day is not None
    assert day.known
    assert day.usual == 50
    assert night is not None
    assert night.usual == 0


@pytest.mark.parametrize("shift", [-1, 1])
def test_a_clock_that_is_put_forward_or_back_is_no_incident(shift: int) -> None:
    this = number_of(NOW)
    shape = [0, 0, 0, 0, 0, 1, 3, 9, 18, 24, 24, 24, 24, 24, 24, 24, 18, 12, 9, 6, 3, 2, 1, 0]
    counts = {each: shape[each % 24] for each in range(this - 28 * 24, this)}
    for later in range(24):
        now = NOW + later * HOUR
        habit = habit_of(counts, NOW - MONTH, now)
        assert habit is not None
        assert leap_in(hour(shape[(number_of(now) + shift) % 24]), habit) is None


def test_hours_that_could_not_be_read_do_not_make_a_habit() -> None:
    counts = daily(28 * 24)
    this = number_of(NOW)
    gap = frozenset(range(this - 24 * 18, this))
    for each in gap:
        counts[each] = 0
    told, untold = habit_of(counts, NOW - MONTH, NOW, gap), habit_of(counts, NOW - MONTH, NOW)
    assert untold is not None
    assert untold.usual == 0
    assert told is not None
    assert told.usual == 6 or not told.known


def test_an_incident_goes_on_while_it_is_above_its_habit_ends_after_quiet_and_cools_down() -> None:
    opened = NOW - 3 * HOUR

    def state(posts: int, last: datetime | None, ended: datetime | None = None) -> str:
        since = None if last is None else opened
        return decide((hour(posts),), STEADY, NOW, open_since=since, last_at=last, ended_at=ended)[0]

    assert state(40, None) == "begins"
    assert state(20, NOW - HOUR) == "goes on"
    assert state(11, NOW - HOUR) == "quiet"
    assert state(11, NOW - 2 * HOUR) == "over"
    assert state(40, None, NOW - HOUR) == "quiet", "it has only just ended"
    assert state(400, None, NOW - HOUR) == "begins", "and yet this is another"
    assert state(40, None, NOW - detection.COOL_DOWN) == "begins"


def test_the_highest_leap_of_the_spans_counts() -> None:
    spans = (Heard(timedelta(minutes=10), 25, 25), hour(30))
    _, leap = decide(spans, STEADY, NOW, open_since=None, last_at=None, ended_at=None)
    assert leap is not None
    assert leap.span == timedelta(minutes=10)


@pytest.mark.parametrize(("per_hour", "seed"), [(60, 0)])
def test_28_quiet_days_have_at_most_one_false_alarm_a_week(per_hour: int, seed: int) -> None:
    counts = quiet(per_hour, 56, seed)
    assert len(ours(MONDAY, counts, 28 * A_DAY)) <= 4
    assert ours(MONDAY, counts[: 8 * A_DAY]) == [], "nor does the first week have any"


def test_three_times_as_much_is_seen_within_two_reads() -> None:
    at = 28 * A_DAY + 136
    rows = [row for row in ours(MONDAY, stepped(240, 29, 51, at), at - 1) if row >= at]
    assert rows
    assert rows[0] - at < 2
