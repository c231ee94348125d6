"""Asking about what was found, on the page: the answer with its posts, and nothing of it without an assistant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store.sqlite import Sqlite
from tests.fakes.language_model import FakeModel
from tests.fakes.server import FakeServer
from tests.helpers import post
from tests.web.office import PEOPLE, Office

LOST = "Acme's new checkout lost my basket <b>twice</b>, I gave up"
CLAIM = {"text": "The checkout loses baskets.", "posts": [1], "quote": "lost my basket"}
WRONG = {"text": "The checkout explodes.", "posts": [9], "quote": "lost my basket"}


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


@pytest.fixture
def office(tmp_path: Path, sqlite: Sqlite, server: FakeServer) -> Iterator[Office]:
    model = FakeModel(server, {"enough": True, "claims": [CLAIM, WRONG]})
    made = Office(tmp_path, sqlite, tables=PEOPLE + model.settings())
    made.take(post(LOST, author="olga", url="https://forum.example/lost"))
    yield made
    made.close()


def test_the_answer_stands_below_the_question_with_its_posts(office: Office, server: FakeServer) -> None:
    ana = office.person("Ana")
    assert 'href="/mentions/ask"' in ana.get("/mentions").text
    assert server.ledger == [], "looking asks nothing"
    assert ana.get("/mentions/ask").status_code == 200
    assert server.ledger == []
    page = ana.post("/mentions/ask", {"question": "What about the new checkout?", "days": "30"}).text
    assert "The checkout loses baskets." in page
    assert "“lost my basket”" in page
    assert "https://forum.example/lost" in page
    assert "explodes" not in page
    assert "1 sentence was left out because no post supports it" in page
    assert "<b>twice" not in page
    assert 'value="What about the new checkout?"' in page


def test_where_there_is_not_enough_it_says_so(office: Office) -> None:
    page = office.person("Ana").post("/mentions/ask", {"question": "bicycles?"}).text
    assert "Not enough: no posts of the last 90 days mention bicycles" in page


def test_a_dead_model_is_said_and_the_page_works(office: Office, server: FakeServer) -> None:
    server.mode = "500"
    answer = office.person("Ana").post("/mentions/ask", {"question": "What about the checkout?"})
    assert answer.status_code == 200
    assert "The assistant&#39;s server refused the question: it answered 500" in answer.text


def test_a_viewer_does_not_ask(office: Office, server: FakeServer) -> None:
    vic = office.person("Vic", "viewer")
    assert "Viewers can&#39;t ask" in vic.get("/mentions/ask").text.replace("'", "&#39;")
    assert vic.post("/mentions/ask", {"question": "What about the checkout?"}).status_code == 403
    assert server.ledger == []


def test_without_an_assistant_there_is_no_such_page(tmp_path: Path, sqlite: Sqlite) -> None:
    office = Office(tmp_path, sqlite)
    try:
        ana = office.person("Ana")
        assert "/mentions/ask" not in ana.get("/mentions").text
        assert ana.get("/mentions/ask").status_code == 404
    finally:
        office.close()
