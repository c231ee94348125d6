"""The inbox by key and by thumb, counted: every key and every tap is one press."""

from __future__ import annotations

from typing import Any

from alerts.case import Case
from monitor.store import cases
from tests.browser.seat import PHONE, Seat
from tests.browser.test_everybody import axe, load_axe
from tests.browser.test_story import log_in
from tests.helpers import case, lines
from tests.web.office import Office
from tests.web.test_triage import angry

# What a thumb presses and what is smaller than 44 pixels; links inside a sentence are as large as its words.
PRESSED = "main button, main summary, main select, main input:not([type=hidden]), main nav a, main a.says, header a"
SMALL = (
    f"""() => [...document.querySelectorAll("{PRESSED}")]"""
    """
  .filter((each) => each.checkVisibility() && each.getBoundingClientRect().width)
  .map((each) => [each, (each.closest("label.pick") || each).getBoundingClientRect()])
  .filter(([each, box]) => box.width < 44 || box.height < 43.99)
  .map(([each, box]) => `${each.outerHTML.slice(0, 90)} ${Math.round(box.width)} x ${Math.round(box.height)}`)"""
)
SAID = "(words) => document.getElementById('spoken').textContent.includes(words)"


class Worker:
    """Somebody at the inbox whose presses are counted."""

    def __init__(self, seat: Seat) -> None:
        self.page = seat.page
        self.presses = 0

    def key(self, key: str) -> None:
        self.presses += 1
        self.page.keyboard.press(key)

    def tap(self, locator: Any) -> None:
        self.presses += 1
        locator.tap()


def of(office: Office, ids: list[str]) -> list[Case]:
    return [case(office.database, each) for each in ids]


def test_twenty_cases_each_take_at_most_forty_presses_and_none_is_taken_twice(
    chromium: Any, office: Office, seats: list[Seat]
) -> None:
    """One works by keys, up from the last row; another meanwhile by thumb, who is given the next again and again."""
    ids = angry(office, 42)
    seats += [Seat(chromium, office), Seat(chromium, office, viewport=PHONE, has_touch=True, is_mobile=True)]
    for seat, name in zip(seats, ("Nele", "Olle"), strict=True):
        log_in(seat, office, name)
    keys, thumb = Worker(seats[0]), Worker(seats[1])
    keys.page.wait_for_selector("[data-live-sign].on")
    keys.page.evaluate("window.sameDocument = true")
    keys.key("k")
    done = 0
    for turn in range(20):
        with thumb.page.expect_navigation(url="**/cases/*"):
            thumb.tap(thumb.page.get_by_role("button", name="Give me the next"))
        while done <= turn:
            keys.page.evaluate("document.getElementById('spoken').textContent = ''")
            if turn % 3 == 2:
                keys.key("n")
                keys.key("3")
            else:
                keys.key("t")
            keys.page.wait_for_function(SAID, arg=" ")
            done = sum(found.owner == "Nele" or found.why == "spam" for found in of(office, ids))
    assert keys.page.evaluate("window.sameDocument"), "the page was loaded again"
    assert (keys.presses <= 40, thumb.presses) == (True, 20), keys.presses
    assert sum(lines(office.database, each).count("take") for each in ids) == 34, "one was taken twice"
    owners = [found.owner or found.why for found in of(office, ids)]
    assert (owners.count("Nele"), owners.count("spam"), owners.count("Olle")) == (14, 6, 20)
    # What was asked of the page before the last press may come after it: the next look puts it right.
    keys.page.wait_for_function("document.title === '(2) Inbox · Earful'")
    assert seats[0].complaints + seats[1].complaints == []


def test_keys_and_boxes_do_what_they_are_known_for_elsewhere(chromium: Any, office: Office, seats: list[Seat]) -> None:
    first, second, third, *_ = ids = angry(office, 6)
    seats.append(seat := Seat(chromium, office))
    log_in(seat, office, "Nele")
    page = seat.page

    def chosen() -> int:
        return int(page.locator("input[name=case]:checked").count())

    page.wait_for_selector("[data-live-sign].on")
    assert page.locator("a.says[data-new]").count() == 6
    page.keyboard.press("/")
    page.keyboard.type("jtn?xz")
    assert page.input_value("input[name=q]") == "jtn?xz", "a shortcut fired in a field"
    assert case(office.database, first).owner == ""
    page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.fill("input[name=q]", "")
    page.locator("h1").click()

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.getAttribute('href')") == f"/cases/{second}"
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    assert chosen() == 3
    page.locator("input[name=case]").first.click(modifiers=["Shift"])
    assert chosen() == 4
    page.locator("[data-all]").click()
    assert chosen() == 6
    page.locator("[data-all]").click()
    assert chosen() == 0

    page.locator(f"input[value='{second}'][name=case]").check()
    page.locator(f"input[value='{third}'][name=case]").check()
    page.locator(".act button[value=dismiss]").click()
    page.wait_for_function(SAID, arg="Choose a reason first")
    assert chosen() == 2, "a fault cost somebody their selection"
    page.locator(f"li[data-case='{first}'] button[value$=' take']").click()
    page.wait_for_function(SAID, arg=f"Case {first}: taken by Nele")
    assert chosen() == 2
    page.keyboard.press("z")
    page.wait_for_function(SAID, arg="1 case: undone")
    assert case(office.database, first).owner == ""

    page.locator("h1").click()
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    load_axe(page)
    assert axe(page) == []
    page.locator("[data-shortcuts-on]").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    page.locator("h1").click()
    for key in "tjnx?":
        page.keyboard.press(key)
    assert page.locator("dialog[open]").count() == 0, "they were switched off"
    assert page.evaluate("document.activeElement.tagName") != "A"
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.locator("[data-shortcuts-on]").check()
    page.get_by_role("button", name="Done").click()

    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/cases/{first}**")
    page.keyboard.press("t")
    page.wait_for_selector("text=taken by Nele")
    page.keyboard.press("a")
    page.wait_for_selector("text=answered by Nele")
    page.keyboard.press("e")
    page.keyboard.press("2")
    page.wait_for_selector("text=closed by Nele: could not be solved")
    page.keyboard.press("u")
    page.wait_for_url("**/")
    assert page.locator("a.says[data-new]").count() == 5
    page.keyboard.press("g")
    page.wait_for_url(f"**/cases/{second}**")
    assert case(office.database, second).owner == "Nele"

    seats.append(other := Seat(chromium, office, viewport=PHONE, has_touch=True, is_mobile=True))
    log_in(other, office, "Olle")
    other.page.wait_for_selector("text=Nele has this open")
    other.page.locator("details.ask summary").first.tap()
    assert other.page.evaluate(SMALL) == []
    other.page.locator("details.ask[open] button", has_text="spam").tap()
    other.page.wait_for_function(SAID, arg=": spam")
    page.goto("/")
    other.page.wait_for_selector("text=Nele has this open", state="hidden")
    other.page.goto(f"/cases/{ids[-1]}")
    assert other.page.evaluate(SMALL) == []
    assert cases.count_open(office.database) == {"ping": 4}
    assert seat.complaints + other.complaints == []
