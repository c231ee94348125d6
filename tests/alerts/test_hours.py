"""Opening hours, quiet hours and the moments of wall-clock work, through every night on which clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.hours import (
    OpeningHours,
    QuietHours,
    add,
    around_the_clock,
    daily_moment,
    due_period,
    elapsed,
    every_day,
    is_open,
    moment_of,
    next_opening,
)

WEEK = ("mon", "tue", "wed", "thu", "fri")
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
ZONES = tuple(
    map(
        ZoneInfo,
        (
            "America/New_York",
            "Europe/Berlin",
            "Europe/London",
            "America/Santiago",
            "Asia/Beirut",
            "America/Havana",
            "Australia/Lord_Howe",
            "Africa/Casablanca",
            "UTC",
        ),
    )
)
QUARTER = timedelta(minutes=15)


def minutes(count: float) -> timedelta:
    """Return that many minutes."""
    return timedelta(minutes=count)


def local(text: str, zone: ZoneInfo, fold: int = 0) -> datetime:
    """Read "2026-11-20 16:45" on the clocks of `zone`; `fold=1` is the second time that a repeated hour comes."""
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def nine_to_five(zone: ZoneInfo, *holidays: date) -> OpeningHours:
    """Monday to Friday, 9 to 17."""
    return OpeningHours(((set(WEEK), time(9), time(17)),), frozenset(holidays), zone)


def with_lunch(zone: ZoneInfo) -> OpeningHours:
    """Two blocks a day, and a short Saturday."""
    return OpeningHours(
        ((set(WEEK), time(9), time(12, 30)), (set(WEEK), time(13, 30), time(18)), ({"sat"}, time(10), time(13))),
        frozenset(),
        zone,
    )


def at_night(zone: ZoneInfo) -> OpeningHours:
    """Every day from 22 to 6: the block runs over midnight and over the hour in which clocks change."""
    return OpeningHours(((set(range(7)), time(22), time(6)),), frozenset(), zone)


@pytest.mark.parametrize(
    ("hours", "start", "amount", "expected"),
    [
        (nine_to_five(BERLIN), "2026-11-20 16:45", minutes(30), "2026-11-23 09:15"),
        (nine_to_five(BERLIN), "2026-11-20 16:45", minutes(15), "2026-11-20 17:00"),
        (nine_to_five(BERLIN), "2026-11-20 08:00", minutes(60), "2026-11-20 10:00"),
        (nine_to_five(BERLIN), "2026-11-20 17:00", minutes(1), "2026-11-23 09:01"),
        (nine_to_five(BERLIN), "2026-11-21 03:00", minutes(0), "2026-11-23 09:00"),
        (nine_to_five(BERLIN), "2026-11-20 17:00", minutes(0), "2026-11-23 09:00"),
        (nine_to_five(BERLIN), "2026-11-20 11:11", minutes(0), "2026-11-20 11:11"),
        (nine_to_five(BERLIN), "2026-11-20 16:00", minutes(24 * 60), "2026-11-25 16:00"),
        (nine_to_five(BERLIN), "2026-11-20 16:00", minutes(40 * 60), "2026-11-27 16:00"),
        (with_lunch(BERLIN), "2026-11-18 12:15", minutes(30), "2026-11-18 13:45"),
        (with_lunch(BERLIN), "2026-11-18 12:30", minutes(0), "2026-11-18 13:30"),
        (with_lunch(BERLIN), "2026-11-18 13:00", minutes(5), "2026-11-18 13:35"),
        (with_lunch(BERLIN), "2026-11-20 17:30", minutes(60), "2026-11-21 10:30"),
        (with_lunch(BERLIN), "2026-11-20 17:30", minutes(4 * 60), "2026-11-23 09:30"),
        (nine_to_five(BERLIN, date(2026, 12, 25)), "2026-12-24 16:30", minutes(60), "2026-12-28 09:30"),
        (
            nine_to_five(BERLIN, date(2026, 12, 25), date(2026, 12, 28)),
            "2026-12-24 17:30",
            minutes(0),
            "2026-12-29 09:00",
        ),
        # The clocks change on Sunday between a Friday and its Monday: the desk does not notice.
        (nine_to_five(BERLIN), "2026-10-23 16:45", minutes(30), "2026-10-26 09:15"),
        (nine_to_five(NEW_YORK), "2026-03-06 16:45", minutes(30), "2026-03-09 09:15"),
        # Through the night itself: 22:00 to 03:30 is four and a half hours in spring, six and a half in autumn.
        (at_night(BERLIN), "2026-03-28 22:00", minutes(270), "2026-03-29 03:30"),
        (at_night(BERLIN), "2026-10-24 22:00", minutes(390), "2026-10-25 03:30"),
        (around_the_clock(BERLIN), "2026-03-29 01:45", minutes(30), "2026-03-29 03:15"),
        (around_the_clock(BERLIN), "2026-11-21 23:50", minutes(30), "2026-11-22 00:20"),
    ],
)
def test_opening_time_is_added(hours: OpeningHours, start: str, amount: timedelta, expected: str) -> None:
    """What a person would say when asked by when."""
    reached = add(local(start, hours.zone), amount, hours)
    assert reached.tzinfo is UTC
    assert reached == local(expected, hours.zone).astimezone(UTC)


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_friday_afternoon_is_due_on_monday_in_every_zone_and_week(zone: ZoneInfo) -> None:
    """Two years of Fridays: whichever weekend the clocks change on, Monday 09:15 is Monday 09:15."""
    friday = date(2025, 1, 3)
    for week in range(104):
        start = moment_of(friday + timedelta(weeks=week), time(16, 45), zone)
        due = moment_of(friday + timedelta(weeks=week, days=3), time(9, 15), zone)
        assert add(start, minutes(30), nine_to_five(zone)) == due


@pytest.mark.parametrize(
    ("zone", "night", "length"),
    [
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Europe/London", date(2026, 3, 29), 23),
        ("Europe/London", date(2026, 10, 25), 25),
        ("America/Santiago", date(2026, 9, 6), 23),  # midnight itself does not exist
        ("America/Santiago", date(2026, 4, 4), 25),  # 23:00 to 24:00 comes twice
        ("Asia/Beirut", date(2026, 3, 29), 23),
        ("Asia/Beirut", date(2026, 10, 24), 25),
        ("America/Havana", date(2026, 3, 8), 23),
        ("America/Havana", date(2026, 11, 1), 25),  # midnight comes twice: the day begins at the first
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Africa/Casablanca", date(2026, 2, 15), 25),
        ("Africa/Casablanca", date(2026, 3, 22), 23),
        ("UTC", date(2026, 3, 29), 24),
    ],
)
def test_a_whole_day_is_as_long_as_the_clocks_make_it(zone: str, night: date, length: float) -> None:
    """A desk open all day works the hours that there are, and its days join without a hole."""
    place = ZoneInfo(zone)
    hours = OpeningHours((({night.weekday()}, time(0), time(0)),), frozenset(), place)
    begins = moment_of(night, time(0), place)
    ends = moment_of(night + timedelta(days=1), time(0), place)
    assert ends - begins == timedelta(hours=length)
    assert elapsed(begins - timedelta(days=2), ends + timedelta(days=2), hours) == timedelta(hours=length)
    assert add(begins - timedelta(hours=5), timedelta(hours=length), hours) == ends


def test_a_time_that_does_not_exist_is_the_first_instant_after_the_gap() -> None:
    """Berlin skips 02:00 to 03:00; Lord Howe half an hour; Santiago and Havana skip midnight."""
    assert moment_of(date(2026, 3, 29), time(2, 30), BERLIN) == local("2026-03-29 03:00", BERLIN)
    howe = ZoneInfo("Australia/Lord_Howe")
    assert moment_of(date(2026, 10, 4), time(2, 10), howe) == local("2026-10-04 02:30", howe)
    santiago = ZoneInfo("America/Santiago")
    assert moment_of(date(2026, 9, 6), time(0, 0), santiago) == local("2026-09-06 01:00", santiago)
    assert moment_of(date(2026, 9, 6), time(0, 59, 59, 999999), santiago) == local("2026-09-06 01:00", santiago)
    apia = ZoneInfo("Pacific/Apia")
    assert moment_of(date(2011, 12, 30), time(12), apia) == local("2011-12-31 00:00", apia)  # a whole day was left out


def test_a_time_that_comes_twice_is_its_first() -> None:
    """In every zone of the list whose clocks go back by an hour at this time."""
    assert moment_of(date(2026, 10, 25), time(2, 30), BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert moment_of(date(2026, 11, 1), time(0, 30), ZoneInfo("America/Havana")) == datetime(
        2026, 11, 1, 4, 30, tzinfo=UTC
    )


def test_a_case_opened_in_the_repeated_hour_has_its_full_time() -> None:
    """02:30 comes twice in Berlin on 25 October: half an hour later is 02:00 again, or 03:00."""
    first, second = local("2026-10-25 02:30", BERLIN), local("2026-10-25 02:30", BERLIN, fold=1)
    hours = at_night(BERLIN)
    assert add(first, minutes(30), hours) == datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
    assert add(second, minutes(30), hours) == datetime(2026, 10, 25, 2, 0, tzinfo=UTC)
    assert elapsed(first, second, hours) == timedelta(hours=1)
    assert is_open(first, hours)
    assert is_open(second, hours)
    assert next_opening(second, hours) == second.astimezone(UTC)


def test_a_block_inside_the_skipped_hour_has_no_length() -> None:
    """02:00 to 02:45 does not happen on that Sunday; the next one counts."""
    hours = OpeningHours((({"sun"}, time(2), time(2, 45)),), frozenset(), BERLIN)
    assert add(local("2026-03-28 12:00", BERLIN), minutes(1), hours) == local("2026-04-05 02:01", BERLIN)


def test_a_holiday_on_the_night_of_the_change_takes_the_whole_day() -> None:
    """A holiday on the Sunday of 25 hours; the shift of Saturday still runs into it, as it began on Saturday."""
    sunday = date(2026, 10, 25)
    hours = OpeningHours(((set(range(7)), time(22), time(6)),), frozenset({sunday}), BERLIN)
    assert elapsed(local("2026-10-25 00:00", BERLIN), local("2026-10-26 12:00", BERLIN), hours) == timedelta(hours=7)
    assert add(local("2026-10-25 06:00", BERLIN), minutes(1), hours) == local("2026-10-26 22:01", BERLIN)
    whole = OpeningHours(((set(range(7)), time(0), time(0)),), frozenset({sunday}), BERLIN)
    assert elapsed(local("2026-10-24 00:00", BERLIN), local("2026-10-27 00:00", BERLIN), whole) == timedelta(hours=48)
    assert add(local("2026-10-24 23:59", BERLIN), minutes(2), whole) == local("2026-10-26 00:01", BERLIN)


def test_a_holiday_on_a_day_that_is_closed_anyway_changes_nothing() -> None:
    """A holiday on a Saturday is not counted against anybody."""
    start = local("2026-11-20 16:45", BERLIN)
    assert add(start, minutes(30), nine_to_five(BERLIN, date(2026, 11, 21))) == add(
        start, minutes(30), nine_to_five(BERLIN)
    )


def test_blocks_that_overlap_count_once() -> None:
    """Two teams whose shifts cross are one open desk."""
    hours = OpeningHours(
        (({"mon"}, time(9), time(13)), ({"mon"}, time(11), time(17)), ({"mon"}, time(12), time(12, 30))),
        frozenset(),
        BERLIN,
    )
    monday = local("2026-11-23 00:00", BERLIN)
    assert elapsed(monday, monday + timedelta(days=1), hours) == timedelta(hours=8)
    assert add(monday, timedelta(hours=8), hours) == local("2026-11-23 17:00", BERLIN)


def test_opening_is_open_and_closing_is_not() -> None:
    """A desk of 9 to 17 answers at 09:00 and not at 17:00."""
    hours = nine_to_five(BERLIN)
    assert is_open(local("2026-11-20 09:00", BERLIN), hours)
    assert is_open(local("2026-11-20 16:59", BERLIN), hours)
    assert not is_open(local("2026-11-20 17:00", BERLIN), hours)
    assert not is_open(local("2026-11-21 12:00", BERLIN), hours)
    assert next_opening(local("2026-11-20 17:00", BERLIN), hours) == local("2026-11-23 09:00", BERLIN)


def test_nothing_has_elapsed_when_the_end_is_before_the_start() -> None:
    """A reply dated before its post counts as no time, never as a negative one."""
    hours = nine_to_five(BERLIN)
    assert elapsed(local("2026-11-20 12:00", BERLIN), local("2026-11-20 11:00", BERLIN), hours) == timedelta(0)
    assert elapsed(local("2026-11-20 12:00", BERLIN), local("2026-11-20 12:00", BERLIN), hours) == timedelta(0)
    assert elapsed(local("2026-11-20 16:45", BERLIN), local("2026-11-23 09:24", BERLIN), hours) == minutes(39)


@pytest.mark.parametrize("blocks", [(), ((set(), time(9), time(17)),)])
def test_hours_that_are_never_open_are_refused(blocks: tuple[object, ...]) -> None:
    """Else a clock over them would never come to an end."""
    with pytest.raises(ValueError, match="at least one weekday"):
        OpeningHours(blocks, frozenset(), BERLIN)  # type: ignore[arg-type]


def test_what_cannot_be_placed_in_time_is_refused() -> None:
    """Naive moments, times with a zone of their own, unknown weekdays, time backwards."""
    with pytest.raises(ValueError, match="aware"):
        add(datetime(2026, 11, 20, 9), minutes(1), nine_to_five(BERLIN))
    with pytest.raises(ValueError, match="aware"):
        night(BERLIN).is_quiet(datetime(2026, 11, 20, 9))
    with pytest.raises(ValueError, match="backwards"):
        add(local("2026-11-20 09:00", BERLIN), minutes(-1), nine_to_five(BERLIN))
    with pytest.raises(ValueError, match="without a zone"):
        OpeningHours((({"mon"}, time(9, tzinfo=UTC), time(17)),), frozenset(), BERLIN)
    with pytest.raises(ValueError, match="weekday"):
        OpeningHours((({"someday"}, time(9), time(17)),), frozenset(), BERLIN)
    with pytest.raises(ValueError, match="weekday"):
        due_period(local("2026-11-20 09:00", BERLIN), 7, time(8), BERLIN)


def night(zone: ZoneInfo) -> QuietHours:
    """Quiet from 20 to 8."""
    return QuietHours((every_day(time(8), time(20), zone),), zone)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-20 19:59", "2026-11-20 19:59"),
        ("2026-11-20 20:00", "2026-11-21 08:00"),
        ("2026-11-20 23:59", "2026-11-21 08:00"),
        ("2026-11-21 00:00", "2026-11-21 08:00"),
        ("2026-11-21 07:59", "2026-11-21 08:00"),
        ("2026-11-21 08:00", "2026-11-21 08:00"),
        ("2026-03-28 21:00", "2026-03-29 08:00"),
        ("2026-10-24 21:00", "2026-10-25 08:00"),
    ],
)
def test_quiet_hours_run_over_midnight(at: str, expected: str) -> None:
    """From 20 to 8, on ordinary nights and on those when clocks change."""
    quiet = night(BERLIN)
    assert quiet.quiet_until(local(at, BERLIN)) == local(expected, BERLIN).astimezone(UTC)
    assert quiet.is_quiet(local(at, BERLIN)) == (at != expected)


def test_quiet_hours_may_lie_within_a_day_or_be_none() -> None:
    """A quiet lunch; and two equal times for no quiet at all."""
    lunch = QuietHours((every_day(time(13), time(12), BERLIN),), BERLIN)
    assert [lunch.is_quiet(local(f"2026-11-20 {hour}:30", BERLIN)) for hour in (11, 12, 13)] == [False, True, False]
    assert not QuietHours((every_day(time(8), time(8), BERLIN),), BERLIN).is_quiet(local("2026-11-20 08:00", BERLIN))


def test_quiet_windows_that_touch_on_a_spring_night_are_one() -> None:
    """03:00 to 02:30 leaves half an hour of noise a day, and none in the night that skips it."""
    quiet = QuietHours((every_day(time(2, 30), time(3), BERLIN),), BERLIN)
    assert quiet.quiet_until(local("2026-03-28 12:00", BERLIN)) == local("2026-03-30 02:30", BERLIN)


def test_quiet_hours_are_outside_the_desks_and_everybodys_own_and_a_weekend_has_its_mornings() -> None:
    """A desk from nine to five in Berlin, and somebody in Sydney from nine to five there: 23:00 to 07:00 in Berlin."""
    quiet = QuietHours((nine_to_five(BERLIN), nine_to_five(ZoneInfo("Australia/Sydney"))), BERLIN, time(9))
    on = [hour for hour in range(24) if not quiet.is_quiet(local(f"2026-11-18 {hour:02}:00", BERLIN))]
    assert on == [0, 1, 2, 3, 4, 5, 6, *range(9, 17), 23]
    friday = local("2026-11-20 17:30", BERLIN)
    assert quiet.quiet_until(friday) == local("2026-11-22 23:00", BERLIN)
    assert quiet.morning(friday) == local("2026-11-21 09:00", BERLIN)
    assert quiet.morning(quiet.morning(friday)) == local("2026-11-22 09:00", BERLIN)
    assert quiet.morning(local("2026-11-22 09:30", BERLIN)) == local("2026-11-22 23:00", BERLIN)
    monday = local("2026-11-23 10:00", BERLIN)
    assert quiet.morning(monday) == monday


@cache
def changes_of(zone: ZoneInfo) -> list[datetime]:
    """Every hour of 2025 and 2026 in which the clocks of a zone change, or the first of each year."""
    hours = [datetime(2025, 1, 1, tzinfo=UTC) + n * timedelta(hours=1) for n in range(2 * 365 * 24)]
    offsets = [at.astimezone(zone).utcoffset() for at in hours]
    return [at for at, was, now in zip(hours[1:], offsets, offsets[1:], strict=False) if was != now] or [
        hours[0],
        hours[365 * 24],
    ]


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_quiet_hours_agree_with_the_clocks_on_the_wall(zone: ZoneInfo) -> None:
    """Two years: quiet exactly when the wall says 20:00 to 08:00; every quarter of an hour when the clocks change."""
    quiet = night(zone)
    looks = {datetime(2025, 1, 1, tzinfo=UTC) + n * 53 * QUARTER for n in range(2 * 365 * 96 // 53)}
    for change in changes_of(zone):
        looks |= {change + n * QUARTER for n in range(-150, 150)}
    for at in sorted(looks):
        wall = at.astimezone(zone)
        inside = wall.time() >= time(20) or wall.time() < time(8)
        assert quiet.is_quiet(at) == inside, at
        until = quiet.quiet_until(at)
        assert (until > at) == inside
        assert until - at <= timedelta(hours=13)
        assert not quiet.is_quiet(until)


def test_the_digest_is_filed_under_the_week_of_its_moment() -> None:
    """Before Monday 08:00 the last letter is that of the week before."""
    assert due_period(local("2026-11-23 07:59", BERLIN), "mon", time(8), BERLIN) == (
        "2026-W47",
        local("2026-11-16 08:00", BERLIN),
    )
    assert due_period(local("2026-11-23 08:00", BERLIN), "mon", time(8), BERLIN) == (
        "2026-W48",
        local("2026-11-23 08:00", BERLIN),
    )
    assert due_period(local("2026-11-29 23:00", BERLIN), "mon", time(8), BERLIN)[0] == "2026-W48"


def test_the_weeks_around_new_year_have_keys_of_their_own() -> None:
    """2026 has a week 53, which reaches into January 2027."""
    keys = [
        due_period(local(f"{day} 12:00", BERLIN), "mon", time(8), BERLIN)[0]
        for day in ("2026-12-21", "2026-12-28", "2027-01-01", "2027-01-04", "2027-01-11")
    ]
    assert keys == ["2026-W52", "2026-W53", "2026-W53", "2027-W01", "2027-W02"]
    assert due_period(local("2026-12-28 12:00", BERLIN), "fri", time(8), BERLIN)[0] == "2026-W52"
    assert due_period(local("2027-01-01 12:00", BERLIN), "fri", time(8), BERLIN)[0] == "2026-W53"


def test_the_daily_list_is_filed_under_its_day_and_time() -> None:
    """At 08:59 the list of yesterday is the last one."""
    assert daily_moment(local("2026-11-22 09:00", BERLIN), time(9), BERLIN) == (
        "2026-11-22T09:00",
        local("2026-11-22 09:00", BERLIN),
    )
    assert daily_moment(local("2026-11-22 08:59", BERLIN), time(9), BERLIN)[0] == "2026-11-21T09:00"
    assert daily_moment(local("2026-03-29 03:00", BERLIN), time(2, 30), BERLIN)[0] == "2026-03-29T02:30"
    assert daily_moment(local("2026-03-29 01:59", BERLIN), time(2, 30), BERLIN)[0] == "2026-03-28T02:30"


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_the_digest_is_due_exactly_once_a_week_for_every_quarter_hour(zone: ZoneInfo) -> None:
    """Two years, all 96 quarter hours, on the weekday whose nights change: never none, never two, keys never repeat.

    Between two neighbouring moments the key must stand still, so it is looked at just before, at, and in between.
    """
    weekday = 6 if zone.key != "Asia/Beirut" else 5
    for quarter in range(96):
        at = time(quarter // 4, quarter % 4 * 15)
        now = datetime(2025, 1, 8, tzinfo=UTC)
        key, moment = due_period(now, weekday, at, zone)
        seen = {key}
        for _ in range(104):
            expected = moment_of(moment.astimezone(zone).date() + timedelta(days=7), at, zone)
            assert due_period(expected - timedelta(seconds=1), weekday, at, zone) == (key, moment)
            following, then = due_period(expected, weekday, at, zone)
            assert then == expected
            assert following not in seen
            assert abs(then - moment - timedelta(days=7)) <= timedelta(hours=1)
            seen.add(following)
            key, moment = following, then


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_a_daemon_that_looks_every_half_hour_sends_each_daily_list_once(zone: ZoneInfo) -> None:
    """At the hours that nights skip and repeat, through the days around each change: one list for every day."""
    for begins in (change - timedelta(days=4) for change in changes_of(zone)):
        for half in (0, 1, 4, 5, 6, 46, 47):
            at = time(half // 2, half % 2 * 30)
            sent: dict[str, datetime] = {}
            first, _ = daily_moment(begins, at, zone)
            for look in range(8 * 48):
                now = begins + look * timedelta(minutes=30)
                key, moment = daily_moment(now, at, zone)
                assert sent.setdefault(key, moment) == moment
                assert moment <= now
            days = [date.fromisoformat(key[:10]) for key in sent]
            assert days == [date.fromisoformat(first[:10]) + timedelta(days=n) for n in range(len(days))]
            assert abs(days[-1] - now.astimezone(zone).date()) <= timedelta(days=1)


moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
spans = st.timedeltas(timedelta(0), timedelta(days=40))
desks = st.builds(
    lambda make, zone: make(zone),
    st.sampled_from([nine_to_five, with_lunch, at_night, around_the_clock]),
    st.sampled_from(ZONES),
)


@settings(deadline=None)
@given(start=moments, amount=spans, hours=desks)
def test_adding_and_measuring_are_inverse(start: datetime, amount: timedelta, hours: OpeningHours) -> None:
    """What was added is what has elapsed, and not a microsecond sooner."""
    reached = add(start, amount, hours)
    assert reached >= start
    assert elapsed(start, reached, hours) == amount
    if amount:
        assert elapsed(start, reached - timedelta(microseconds=1), hours) < amount


@settings(deadline=None)
@given(start=moments, later=spans, amount=spans, more=spans, hours=desks)
def test_opening_time_never_runs_backwards(
    start: datetime, later: timedelta, amount: timedelta, more: timedelta, hours: OpeningHours
) -> None:
    """A later start or a larger amount is never due sooner; time adds up over any split."""
    assert add(start, amount, hours) <= add(start + later, amount, hours)
    assert add(start, amount, hours) <= add(start, amount + more, hours)
    middle, end = start + later, start + later + more
    assert elapsed(start, middle, hours) + elapsed(middle, end, hours) == elapsed(start, end, hours)
    assert elapsed(start, end, hours) <= end - start


@settings(deadline=None)
@given(at=moments, hours=desks)
def test_the_next_opening_is_open(at: datetime, hours: OpeningHours) -> None:
    """And until it comes no opening time passes."""
    opening = next_opening(at, hours)
    assert is_open(opening, hours)
    assert elapsed(at, opening, hours) == timedelta(0)
    assert is_open(at, hours) == (opening == at)


@settings(deadline=None)
@given(
    at=moments,
    start=st.times(),
    end=st.times(),
    zone=st.sampled_from(ZONES),
)
def test_quiet_ends_when_it_says(at: datetime, start: time, end: time, zone: ZoneInfo) -> None:
    """The moment that quiet hours name is not quiet, and all before it are."""
    quiet = QuietHours((every_day(end, start, zone),), zone)
    until = quiet.quiet_until(at)
    assert not quiet.is_quiet(until)
    assert quiet.is_quiet(at) == (until > at)
    if until > at:
        assert quiet.is_quiet(until - timedelta(microseconds=1))
        assert quiet.is_quiet(at + (until - at) / 2)


@settings(deadline=None)
@given(now=moments, later=spans, weekday=st.integers(0, 6), at=st.times(), zone=st.sampled_from(ZONES))
def test_the_weekly_moment_has_passed_and_moves_only_forward(
    now: datetime, later: timedelta, weekday: int, at: time, zone: ZoneInfo
) -> None:
    """It lies at most a week and an hour back; one key is one moment."""
    key, moment = due_period(now, weekday, at, zone)
    after, then = due_period(now + later, weekday, at, zone)
    assert moment <= now < moment + timedelta(days=7, hours=2)
    assert then >= moment
    assert (key == after) == (moment == then)
