"""Somebody who has never seen the page works on the sample day: on a phone, by keyboard alone, with a colleague."""

from __future__ import annotations

from typing import Any

from monitor.store import cases, pages
from tests.browser.days import SampleDay
from tests.browser.seat import PHONE, Seat
from tests.helpers import case, count


def reach(seat: Seat, selector: str, most: int = 200) -> None:
    """Press Tab until what `selector` names has the focus; wherever the focus is, it can be seen."""
    for _ in range(most):
        seat.page.keyboard.press("Tab")
        hidden, there = seat.page.evaluate(
            "(wanted) => { const at = document.activeElement, line = getComputedStyle(at);"
            " return [line.outlineStyle === 'none' && line.boxShadow === 'none', at.matches(wanted)]; }",
            selector,
        )
        assert not hidden, "the focus cannot be seen"
        if there:
            return
    raise AssertionError(f"{selector} is not reached by the keyboard")


def test_a_newcomer_answers_the_most_urgent_case_of_the_day(chromium: Any, day: SampleDay) -> None:
    """Find it, understand it, see who it is, take it, go to answer, close it: all by keyboard, 390 pixels wide."""
    waiting = pages.inbox(day.database, "waiting", pages.Inbox(), day.clock())
    assert len(waiting) > 5, "the day has too few complaints to choose from"
    most_urgent = waiting[0]["id"]
    one = Seat(chromium, day, viewport=PHONE)
    two = Seat(chromium, day)
    page, colleague = one.page, two.page
    try:
        page.goto("/")
        colleague.goto("/")
        colleague.wait_for_selector("[data-live-sign].on")
        colleague.evaluate("window.sameDocument = true")
        first = page.locator("ol.cases > li").first
        assert first.locator("a.says").get_attribute("href").startswith(f"/cases/{most_urgent}")
        why = first.locator(".why").inner_text()
        assert len(why.strip()) > 5, "nothing says why it is there"
        assert first.bounding_box()["y"] < PHONE["height"], "the most urgent case is below the first screen"
        assert one.wide() <= 0

        reach(one, "ol.cases a.says")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/cases/{most_urgent}**")
        text = page.inner_text("main")
        found = case(day.database, most_urgent)
        assert found.author.lstrip("@") in text
        told = day.database.row("SELECT p.text FROM posts p JOIN mentions m ON m.post_id = p.id WHERE m.case_id = :id",
                                {"id": most_urgent})  # fmt: skip
        assert told is not None
        assert " ".join(told["text"].split())[:40] in " ".join(text.split())
        assert one.wide() <= 0

        reach(one, "button[value=take]")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=taken by You")
        assert case(day.database, most_urgent).owner == "You"
        colleague.wait_for_selector("text=taken by You")

        answer = page.locator("a[rel~=noopener][href^=http]").first
        assert answer.get_attribute("href").startswith("https://")
        assert answer.is_visible()

        reach(one, "button[value=answered]")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=answered by You")
        reach(one, "details:has(button[value=solved]) > summary")
        page.keyboard.press("Enter")
        reach(one, "button[name=outcome][value=solved]")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=closed by You")
        assert case(day.database, most_urgent).outcome == "solved"
        assert colleague.evaluate("window.sameDocument"), "the colleague's page was loaded again"
        assert one.complaints + two.complaints == []
    finally:
        one.context.close()
        two.context.close()


def test_who_wrote_before_is_shown_with_their_history(chromium: Any, day: SampleDay) -> None:
    """An author with several posts on one network: their card tells of them, and of that network only."""
    row = day.database.row(
        "SELECT c.id, c.source, c.author, (SELECT count(*) FROM mentions m WHERE m.source = c.source AND "
        "m.author = c.author) AS n FROM cases c WHERE c.author <> '' ORDER BY n DESC, c.id LIMIT 1"
    )
    assert row is not None
    assert row["n"] > 1, "nobody of the sample day wrote twice"
    seat = Seat(chromium, day)
    try:
        seat.page.goto(f"/cases/{row['id']}")
        card = seat.page.text_content("main")  # what is folded away too
        for found in pages.by_author(day.database, row["source"], row["author"], limit=3):
            words = " ".join((found.post.text or found.post.title).split())[:30]
            assert words in " ".join(card.split()), "a post of theirs is missing"
        assert seat.complaints == []
    finally:
        seat.context.close()


def test_the_day_was_heard_by_the_real_collector(day: SampleDay) -> None:
    assert count(day.database, "mentions") > 40
    assert sum(cases.count_open(day.database).values()) > 10
