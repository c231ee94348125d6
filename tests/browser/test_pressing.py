"""What a press does is what stands on it: by Enter in a field, twice, after another one, and with news in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.store import absences, causes, web
from monitor.store.sqlite import Sqlite
from tests.browser.seat import Seat
from tests.browser.test_story import log_in
from tests.helpers import HOUR, case, lines
from tests.web.office import Office
from tests.web.test_duty import TABLES
from tests.web.test_triage import angry


@pytest.fixture
def shifts(tmp_path: Path, sqlite: Sqlite) -> Iterator[Office]:
    """An installation whose people have shifts."""
    made = Office(tmp_path, sqlite, tables=TABLES)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("field", "typed", "verb"),
    [
        ("#tag", "billing", "tag"),
        ("#wants", "the money back", "wants"),
        ("#on", "the warehouse", "wait"),
        ("input[name=until_at]", "2026-03-06T09:00", "snooze"),
    ],
)
def test_enter_in_a_field_of_a_case_presses_the_button_beside_it(
    chromium: Any, office: Office, seats: list[Seat], field: str, typed: str, verb: str
) -> None:
    (case_id,) = angry(office, 1)
    seats.append(seat := Seat(chromium, office))
    log_in(seat, office, "Nele")
    seat.page.goto(f"/cases/{case_id}")
    seat.page.locator("summary", has_text="More").click()
    seat.page.locator(field).fill(typed)
    with seat.page.expect_navigation():
        seat.page.locator(field).press("Enter")
    assert lines(office.database, case_id)[-1] == verb
    assert case(office.database, case_id).owner == "", "it was given to somebody"


def test_enter_in_the_name_of_a_split_merges_nothing(chromium: Any, office: Office, seats: list[Seat]) -> None:
    angry(office, 1)
    seats.append(seat := Seat(chromium, office))
    log_in(seat, office, "Lea")
    with office.database.transaction():
        web.set_role(office.database, "Lea", "lead")
    seat.page.goto("/causes")
    standing = causes.standing(office.database, "Acme")
    seat.page.goto(f"/causes/{standing[0]['id']}")
    seat.page.locator("#new_words").fill("broken spoke")
    seat.page.locator("#new_name").fill("Spokes")
    with seat.page.expect_navigation():
        seat.page.locator("#new_name").press("Enter")
    names = [row["name"] for row in causes.standing(office.database, "Acme")]
    assert {row["name"] for row in standing} <= set(names), "a cause was merged"


def test_enter_in_the_day_until_which_one_is_away_means_that_day(
    chromium: Any, shifts: Office, seats: list[Seat]
) -> None:
    seats.append(seat := Seat(chromium, shifts))
    log_in(seat, shifts, "Ana")
    page = seat.page
    page.goto("/")
    page.locator("summary[aria-label='Away until another day']").click()
    page.locator("#away-day").fill("2026-03-12")
    with page.expect_navigation():
        page.locator("#away-day").press("Enter")
    (row,) = absences.standing(shifts.database, shifts.clock() + HOUR)
    assert row["until_at"].startswith("2026-03-12"), row["until_at"]
