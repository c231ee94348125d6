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
from tests.web.office import PASSWORD, Office
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


# How many times a form is sent whose button is pressed again before the first press was answered.
TWICE = """(button) => {
  let sent = 0;
  document.addEventListener("submit", (event) => { if (!event.defaultPrevented) sent += 1; event.preventDefault(); });
  button.click();
  button.click();
  return sent;
}"""


def test_a_double_click_takes_one_case_and_puts_no_tag_on_and_off_again(
    chromium: Any, office: Office, seats: list[Seat]
) -> None:
    (case_id,) = angry(office, 1)
    seats.append(seat := Seat(chromium, office))
    log_in(seat, office, "Nele")
    page = seat.page
    assert page.get_by_role("button", name="Give me the next").evaluate(TWICE) == 1
    page.goto(f"/cases/{case_id}")
    page.locator("summary", has_text="More").click()
    page.locator("#tag").fill("billing")
    assert page.get_by_role("button", name="Tag", exact=True).evaluate(TWICE) == 1


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


def on_a_case_with_an_ended_login(chromium: Any, office: Office, seats: list[Seat]) -> tuple[Seat, str]:
    """Nele has a case open, and the server does not know her any more."""
    (case_id,) = angry(office, 1)
    seats.append(seat := Seat(chromium, office))
    log_in(seat, office, "Nele")
    seat.page.goto(f"/cases/{case_id}")
    with office.database.transaction():
        web.end_sessions(office.database, "Nele")
    return seat, case_id


def test_what_was_written_outlives_a_login_that_ends_before_it_is_sent(
    chromium: Any, office: Office, seats: list[Seat]
) -> None:
    seat, case_id = on_a_case_with_an_ended_login(chromium, office, seats)
    page = seat.page
    page.fill("#note", "She called: the box is blue.")
    page.get_by_role("button", name="Save note").click()
    page.locator("h1", has_text="You are not logged in").wait_for()
    assert page.input_value("#written") == "She called: the box is blue."
    page.get_by_role("link", name="Log in").click()
    page.fill("#name", "Nele")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#note")
    assert page.input_value("#note") == "She called: the box is blue."
    page.get_by_role("button", name="Save note").click()
    page.wait_for_selector("text=note added by Nele")
    assert page.input_value("#note") == "", "it has arrived, and is not offered again"
    assert lines(office.database, case_id).count("note") == 1


def test_what_was_written_on_a_page_that_is_out_of_date_is_there_on_the_new_one(
    chromium: Any, office: Office, seats: list[Seat]
) -> None:
    seat, case_id = on_a_case_with_an_ended_login(chromium, office, seats)
    page = seat.page
    other = seat.context.new_page()
    other.goto(f"/login?next=/cases/{case_id}")
    other.fill("#name", "Nele")
    other.fill("#password", PASSWORD)
    other.keyboard.press("Enter")
    other.wait_for_selector("#reply")
    other.goto(f"/login?next=/cases/{case_id}")
    other.wait_for_selector("#reply")
    page.fill("#reply", "We are sorry about the box.")
    page.get_by_role("button", name="Check tone").click()
    page.locator("h1", has_text="This page is out of date").wait_for()
    page.get_by_role("link", name="Return to the page").click()
    page.wait_for_url(f"**/cases/{case_id}")
    assert page.input_value("#reply") == "We are sorry about the box."
    assert other.input_value("#reply") == ""


def test_what_was_written_is_there_again_after_a_press_without_a_connection(
    chromium: Any, office: Office, seats: list[Seat]
) -> None:
    (case_id,) = angry(office, 1)
    seats.append(seat := Seat(chromium, office))
    log_in(seat, office, "Nele")
    page = seat.page
    page.goto(f"/cases/{case_id}")
    page.fill("#note", "She called: the box is blue.")
    page.route(f"**/cases/{case_id}", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        page.get_by_role("button", name="Save note").click(no_wait_after=True)
    page.unroute(f"**/cases/{case_id}")
    page.goto(f"/cases/{case_id}")
    assert page.input_value("#note") == "She called: the box is blue."


def test_what_a_lead_wrote_on_the_desk_is_still_there_after_a_mistake_in_it(
    chromium: Any, office: Office, seats: list[Seat]
) -> None:
    seats.append(seat := Seat(chromium, office))
    log_in(seat, office, "Lea")
    with office.database.transaction():
        web.set_role(office.database, "Lea", "lead")
    page = seat.page
    page.goto("/desk")
    page.fill("textarea[id='desk.holidays']", "2026-12-25\n2026-13-26")
    page.locator("form", has=page.locator("textarea[id='desk.holidays']")).get_by_role("button", name="Save").click()
    page.locator("h1", has_text="That is not a valid date").wait_for()
    page.get_by_role("link", name="Return to the page").click()
    page.wait_for_url("**/desk")
    assert page.input_value("textarea[id='desk.holidays']") == "2026-12-25\n2026-13-26"
    assert page.input_value("textarea[id='desk.hours']") != "", "the others are as they were"
