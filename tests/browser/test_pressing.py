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


def twice(seat: Seat, address: str, button: Any) -> None:
    """Press a button again while its first press has reached the server and is not answered yet."""
    reached: list[tuple[Any, Any]] = []
    seat.page.route(address, lambda route: reached.append((route, route.fetch(max_redirects=0))))
    button.focus()
    with seat.page.expect_request(address):
        seat.page.keyboard.press("Enter")
    seat.page.keyboard.press("Enter")
    for route, answer in reached:
        route.fulfill(response=answer)


def test_a_double_click_on_give_me_the_next_takes_one_case(chromium: Any, office: Office, seats: list[Seat]) -> None:
    ids = angry(office, 3)
    seats.append(seat := Seat(chromium, office))
    log_in(seat, office, "Nele")
    twice(seat, "**/next", seat.page.get_by_role("button", name="Give me the next"))
    seat.page.wait_for_url("**/cases/*")
    assert [case(office.database, each).owner for each in ids] == ["Nele", "", ""], "one is owned and was never shown"


def test_a_double_click_on_a_tag_puts_it_on_and_not_off_again(chromium: Any, office: Office, seats: list[Seat]) -> None:
    (case_id,) = angry(office, 1)
    seats.append(seat := Seat(chromium, office))
    log_in(seat, office, "Nele")
    seat.page.goto(f"/cases/{case_id}")
    seat.page.locator("summary", has_text="More").click()
    seat.page.locator("#tag").fill("billing")
    twice(seat, f"**/cases/{case_id}", seat.page.get_by_role("button", name="Tag", exact=True))
    seat.page.wait_for_selector("a.tag.own")
    assert case(office.database, case_id).own_tags == ("billing",)
    assert lines(office.database, case_id).count("tag") == 1


def test_a_press_in_another_row_waits_for_the_one_before_and_a_double_one_is_one(
    chromium: Any, office: Office, seats: list[Seat]
) -> None:
    first, second, third = angry(office, 3)
    seats.append(seat := Seat(chromium, office))
    log_in(seat, office, "Nele")
    page = seat.page
    held: list[Any] = []
    page.route("**/cases", lambda route: held.append(route) if not held else route.continue_())
    with page.expect_request("**/cases"):
        page.locator(f"li[data-case='{first}'] .take").dblclick()
    page.locator(f"li[data-case='{second}'] .take").click()
    page.locator(f"input[value='{third}'][name=case]").check()
    held[0].continue_()
    page.wait_for_function(
        "(words) => document.getElementById('said').textContent.includes(words)", arg=f"Case {second}"
    )
    assert [case(office.database, each).owner for each in (first, second, third)] == ["Nele", "Nele", ""]
    assert [lines(office.database, each).count("take") for each in (first, second)] == [1, 1]
    assert page.locator(f"input[value='{third}'][name=case]").is_checked(), "what was selected meanwhile stays so"


def test_a_press_that_was_not_carried_out_says_so_where_everybody_sees_it(
    chromium: Any, office: Office, seats: list[Seat]
) -> None:
    first, second = angry(office, 2)
    seats.append(seat := Seat(chromium, office))
    log_in(seat, office, "Nele")
    page = seat.page
    page.locator(f"input[value='{second}'][name=case]").check()
    seat.context.set_offline(True)
    page.locator(f"li[data-case='{first}'] .take").click()
    page.locator("#said", has_text="The page could not be reached").wait_for()
    seat.context.set_offline(False)
    with office.database.transaction():
        web.end_sessions(office.database, "Nele")
    page.locator(f"li[data-case='{first}'] .take").click()
    page.locator("#said", has_text="You are not logged in").wait_for()
    assert page.locator("input[name=case]:checked").count() == 1, "what was selected is not lost with it"
    page.get_by_role("link", name="Reload the page").click()
    page.wait_for_url("**/login**")
    assert case(office.database, first).owner == ""


def test_whom_somebody_chose_to_assign_to_stays_chosen_when_news_come(
    chromium: Any, office: Office, seats: list[Seat]
) -> None:
    first, second = angry(office, 2)
    office.person("Olle")
    seats.append(seat := Seat(chromium, office))
    log_in(seat, office, "Nele")
    page = seat.page
    page.goto("/")
    page.wait_for_selector("[data-live-sign].on")
    page.select_option("#many-owner", label="Olle")
    page.select_option("#many-why", "spam")
    page.locator(f"input[value='{first}'][name=case]").check()
    colleague = office.person("Pia")
    colleague.get(f"/cases/{second}")
    colleague.post(f"/cases/{second}", {"verb": "take"})
    page.wait_for_selector("text=taken by Pia")
    assert page.input_value("#many-why") == "spam"
    page.locator(".act button[value=assign]").click()
    page.wait_for_selector("text=assigned to their new owner")
    assert case(office.database, first).owner == "Olle"
