"""Until when somebody is away, as people write it; and an hour that nobody covers, as people read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from alerts.roster import Gap
from monitor.people import duty
from monitor.settings.rules import Rules
from tests.helpers import settings_from

BERLIN, SYDNEY, LONDON = ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Sydney"), ZoneInfo("Europe/London")
FRIDAY = datetime(2026, 10, 23, 14, 0, tzinfo=UTC)  # 16:00 in Berlin, Saturday in Sydney; the clocks change on Sunday


@pytest.mark.parametrize(
    ("words", "until"),
    [
        ("mon", "2026-10-26T00:00+01:00"),
        ("until Monday", "2026-10-26T00:00+01:00"),
        ("fri", "2026-10-30T00:00+01:00"),
        ("tomorrow", "2026-10-24T00:00+02:00"),
        ("2026-11-02", "2026-11-02T00:00+01:00"),
        ("2026-11-02 13:00", "2026-11-02T13:00+01:00"),
        ("2026-11-02T13:00+00:00", "2026-11-02T13:00+00:00"),
        ("18:30", "2026-10-23T18:30+02:00"),
        ("9:00", "2026-10-24T09:00+02:00"),
        ("3h", "2026-10-23T19:00+02:00"),
    ],
)
def test_until_when_is_read_on_ones_own_clock(words: str, until: str) -> None:
    assert duty.until_of(words, BERLIN, FRIDAY) == datetime.fromisoformat(until)


def test_monday_begins_where_somebody_lives() -> None:
    assert duty.until_of("mon", SYDNEY, FRIDAY) == datetime.fromisoformat("2026-10-26T00:00+11:00")


@pytest.mark.parametrize(
    "words", ["", "soon", "monsoon", "2026-10-22", "2028-01-01", "32:00", "999999999999w", "mon tue"]
)
def test_what_is_no_time_or_has_passed_is_refused_with_what_to_write(words: str) -> None:
    with pytest.raises(ValueError, match="write mon, tomorrow, 2026-12-07"):
        duty.until_of(words, BERLIN, FRIDAY)


def test_times_are_said_as_short_as_they_are_plain() -> None:
    def said(until: str) -> str:
        return duty.until_words(datetime.fromisoformat(until), BERLIN, FRIDAY)

    assert said("2026-10-26T00:00+01:00") == "Mon"
    assert said("2026-10-26T13:00+01:00") == "Mon 13:00"
    assert said("2026-11-09T00:00+01:00") == "Mon 9 Nov"
    assert said("2026-10-23T18:30+02:00") == "18:30"
    nine = datetime(2026, 10, 27, 8, 0, tzinfo=UTC)
    assert duty.gap_words(Gap(nine, nine + timedelta(hours=3), usual=True), BERLIN) == "Tue 9-12"
    assert duty.gap_words(Gap(nine, nine + timedelta(minutes=90), usual=True), BERLIN) == "Tue 9-10:30"
    assert duty.gap_words(Gap(nine, nine + timedelta(hours=15), usual=True), BERLIN) == "Tue 9-24"


def test_hours_that_begin_in_the_coming_week_are_told_whole(tmp_path: Path) -> None:
    """Asked on a Tuesday at 9:14, in an hour without anybody: next Tuesday's hours are those of every Tuesday."""
    tables = """
[[people]]
name = "ANA"
shifts = [{ days = ["mon", "wed", "thu", "fri"], start = "00:00", end = "00:00" }]
"""
    rules = Rules(settings_from(tmp_path, tables=tables))
    tuesday = datetime(2026, 12, 1, 9, 14, tzinfo=UTC)
    assert [duty.gap_words(gap, LONDON) for gap in duty.gaps_ahead(rules, tuesday)] == ["Tue 9:14-17", "Tue 9-17"]
    before = tuesday - timedelta(minutes=20)
    assert [duty.gap_words(gap, LONDON) for gap in duty.gaps_ahead(rules, before)] == ["Tue 9-17"]
