"""Who is on, who is called next, and what nobody covers: people in two zones, at home and away."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerts import roster
from alerts.hours import OpeningHours
from alerts.roster import Absence, Gap, Member

BERLIN, SYDNEY = ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Sydney")
WEEK = frozenset({"mon", "tue", "wed", "thu", "fri"})
HOUR = timedelta(hours=1)


def hours(start: int, end: int, zone: ZoneInfo = BERLIN) -> OpeningHours:
    return OpeningHours(((WEEK, time(start), time(end)),), frozenset(), zone)


def berlin(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=BERLIN).astimezone(UTC)


DESK = hours(9, 17)
ANA = Member("Ana", hours(9, 13), own_hours=True, speaks=frozenset({"de", "pt-BR"}))
BEN = Member("Ben", hours(12, 17), own_hours=True, speaks=frozenset({"fr"}))
CLEO = Member("Cleo", hours(9, 17, SYDNEY), own_hours=True)
DAN = Member("Dan", DESK)
NOON = berlin("2026-11-17T12:30:00")


def names(members: list[Member]) -> list[str]:
    return [each.name for each in members]


def test_people_are_on_in_their_own_shifts_on_their_own_clocks_and_not_while_they_are_away() -> None:
    everybody = (ANA, BEN, CLEO, DAN)
    assert names(roster.on_at(everybody, (), NOON)) == ["Ana", "Ben", "Dan"]
    assert names(roster.on_at(everybody, (), berlin("2026-11-17T23:30:00"))) == ["Cleo"]
    away = (Absence("Ana", NOON, NOON + HOUR),)
    assert names(roster.on_at(everybody, away, NOON)) == ["Ben", "Dan"]
    assert names(roster.on_at((ANA, BEN), away, NOON - timedelta(seconds=1))) == ["Ana", "Ben"]


def test_a_shift_keeps_its_own_clock_over_the_night_when_the_other_zone_changes_its() -> None:
    """Sydney goes to summer time on 4 October 2026, Berlin to winter time on the 25th."""
    starts = []
    for day in ("2026-09-30", "2026-10-14", "2026-10-28"):
        (span,) = CLEO.hours.spans_of(datetime.fromisoformat(day).date())
        starts.append(f"{span[0].astimezone(BERLIN):%H}")
    assert starts == ["01", "00", "23"]


def test_next_speaks_the_language_if_anybody_does_and_is_not_told_twice() -> None:
    def next_(language: str, *told: str) -> str:
        return roster.next_of((ANA, BEN, DAN), told, language, {}, NOON)

    assert next_("fr") == "Ben"
    assert next_("pt") == "Ana"
    assert next_("PT-br") == "Ana"
    assert next_("nl") == "Ana"
    assert next_("fr", "Ben") == "Ana"
    assert next_("", "Ana", "Ben", "Dan") == ""


def test_next_was_called_least_in_a_day_and_of_equals_longest_ago() -> None:
    calls = {"Ana": [NOON - HOUR], "Ben": [NOON - 30 * HOUR], "Dan": [NOON - 29 * HOUR, NOON - 50 * HOUR]}
    told: list[str] = []
    for _ in range(3):
        told.append(roster.next_of((ANA, BEN, DAN), told, "", calls, NOON))
    assert told == ["Ben", "Dan", "Ana"]


def test_twelve_calls_are_shared_by_three_whoever_was_on_holiday() -> None:
    calls: dict[str, list[datetime]] = {"Ana": [NOON - HOUR * each for each in range(25, 90)]}
    for number in range(12):
        who = roster.next_of((ANA, BEN, DAN), (), "", calls, NOON + number * timedelta(minutes=1))
        calls.setdefault(who, []).append(NOON + number * timedelta(minutes=1))
    made = {name: sum(each >= NOON for each in found) for name, found in calls.items()}
    assert made == {"Ana": 4, "Ben": 4, "Dan": 4}


def test_a_gap_is_time_of_the_desk_with_nobody_on_and_says_whether_it_is_so_every_week() -> None:
    monday, friday = berlin("2026-11-16T00:00:00"), berlin("2026-11-20T23:00:00")
    assert roster.gaps(DESK, (ANA, BEN), (), monday, friday) == []
    (first, *others) = roster.gaps(DESK, (BEN,), (), monday, friday)
    assert first == Gap(berlin("2026-11-16T09:00:00"), berlin("2026-11-16T12:00:00"), usual=True)
    assert len(others) == 4
    away = (Absence("Ana", berlin("2026-11-17T10:00:00"), berlin("2026-11-18T00:00:00")),)
    assert roster.gaps(DESK, (ANA, BEN), away, monday, friday) == [
        Gap(berlin("2026-11-17T10:00:00"), berlin("2026-11-17T12:00:00"), usual=False)
    ]
    assert roster.gaps(DESK, (DAN,), (), monday, friday) == []


def test_a_shift_has_ended_once_nobody_is_on_it_and_the_desks_hours_are_no_shift() -> None:
    five = berlin("2026-11-17T17:00:00")
    assert roster.shift_ended(BEN, five - HOUR, five - timedelta(minutes=1)) is None
    assert roster.shift_ended(BEN, five - HOUR, five) == five
    assert roster.shift_ended(BEN, five - HOUR, five + 9 * HOUR) == five
    assert roster.shift_ended(BEN, five, five + HOUR) is None
    assert roster.shift_ended(DAN, five - HOUR, five + HOUR) is None
