"""Thanks and competitors on the page: what it lists, who may press, and that nothing of it is shown where it is off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store.sqlite import Sqlite
from tests.helpers import ANGRY, DAY, HOUR, THANKS, post
from tests.web.office import PEOPLE, Office

NAMED = '[[competitors]]\nname = "Initech"\nquery = "initech"\n'
WARM = "I love my Acme kettle, thank you so much for making it! Best purchase I ever made, wonderful people."
SEEKING = "Looking for an alternative to Initech, any ideas?"


@pytest.fixture
def office(tmp_path: Path, sqlite: Sqlite) -> Iterator[Office]:
    """A page whose settings name a competitor."""
    made = Office(tmp_path, sqlite, tables=PEOPLE + NAMED)
    try:
        yield made
    finally:
        made.close()


def words_of(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_thanks_lists_who_deserves_them_who_came_back_and_what_was_rated(office: Office) -> None:
    now = office.clock()
    office.take(post(WARM, author="mira", at=now - HOUR))
    (complaint,) = office.take(post(ANGRY, author="olga", native_id="o1", at=now - 3 * HOUR))
    with office.database.transaction():
        reply = post("Sorry! The refund is on its way to you.", author="acme_care", parent_id="o1", at=now - 2 * HOUR)
        office.assembly.answers.take([reply], now)
    office.take(post(THANKS, author="olga", at=now - HOUR, rating=5))
    text = words_of(office.person("Ana", "viewer").get("/mentions/thanks").text)
    assert "1 person wrote praise worth a thank-you; nobody got one." in text
    assert "I love my Acme kettle" in text
    assert f"their complaint: case {complaint}" in text
    assert "forum mean of the stars 5.0 of 5 1 few" in text


def test_a_lead_is_shown_taken_off_the_list_and_put_back(office: Office) -> None:
    office.take(
        post(SEEKING, author="kim", at=office.clock() - HOUR), post("Initech is awful", at=office.clock() - DAY)
    )
    ana = office.person("Ana", "staff")
    text = ana.get("/mentions/competitors").text
    assert "Looking for an alternative to Initech" in text
    assert "Initech read for less than these 28 days 2 100%" in words_of(text)
    assert "Initech is awful" in ana.get("/mentions/competitors?kind=cursed").text
    lead = re.search(r'name="lead" value="(\w+)"', text)
    assert lead is not None
    answer = ana.post("/mentions/competitors", {"lead": lead[1], "verb": "done"})
    done = ana.get(answer.headers["location"]).text
    assert "Looking for an alternative" not in done
    assert "Done: it left the list." in done
    ana.post("/mentions/competitors", {"lead": lead[1], "verb": "undo"})
    assert "Looking for an alternative to Initech" in ana.get("/mentions/competitors").text
    assert ana.post("/mentions/competitors", {"lead": lead[1], "verb": "sell"}).status_code == 400
    viewer = office.person("Vic", "viewer")
    assert 'value="done"' not in viewer.get("/mentions/competitors").text
    assert viewer.post("/mentions/competitors", {"lead": lead[1], "verb": "done"}).status_code == 403


def test_what_is_said_of_a_competitor_is_turned_page_by_page(office: Office) -> None:
    now = office.clock()
    office.take(*(post(f"Initech number {n:02} is awful", author=f"p{n}", at=now - n * HOUR) for n in range(45)))
    ana = office.person("Ana", "viewer")
    first = ana.get("/mentions/competitors?kind=all").text
    (older,) = re.findall(r'href="([^"]+)" rel="next"', first)
    second = ana.get(older.replace("&amp;", "&")).text
    shown = [re.findall(r"Initech number (\d\d)", text) for text in (first, second)]
    assert [len(each) for each in shown] == [40, 5]
    assert len({*shown[0], *shown[1]}) == 45


def test_without_a_competitor_there_is_no_such_view(tmp_path: Path, sqlite: Sqlite) -> None:
    office = Office(tmp_path, sqlite)
    try:
        ana = office.person("Ana", "lead")
        assert ana.get("/mentions/competitors").status_code == 404
        assert "/mentions/competitors" not in ana.get("/mentions").text
        assert "Nobody wrote praise" in ana.get("/mentions/thanks").text
    finally:
        office.close()
