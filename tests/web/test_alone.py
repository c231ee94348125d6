"""One person on a page that only this machine reaches: signs in once, until anybody else could be there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.store import key_values, web
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.web import alone
from monitor.web.server import WebServer
from tests.helpers import DAY, MINUTE, NOW, notices, post, settings_from
from tests.web.office import PASSWORD, Browser, Office


@pytest.fixture
def office(tmp_path: Path, database: Sqlite | Postgresql) -> Iterator[Office]:
    made = Office(tmp_path, database, tables="")
    yield made
    made.close()


def test_one_person_on_this_machine_signs_in_once_and_nothing_asks_again(office: Office) -> None:
    (case_id,) = office.take(post())
    assert office.browser().get("/").status_code == 303, "there is a login all the same"
    ida = office.person("Ida", "admin")
    for days in (0, 13, 40, 400):
        office.clock.forward(timedelta(days=days))
        assert ida.get("/people").status_code == 200, days
        assert ida.get(f"/cases/{case_id}/erase").status_code == 200, days
    office.clock.forward(MINUTE * 11)
    assert "Max-Age=34560000" in ida.get("/").headers["set-cookie"], "as long as browsers keep one"
    assert ida.post("/people/tokens", {"name": "x", "role": "viewer"}).status_code == 200
    assert notices(office.database) == []


def forwarded(ida: Browser, _office: Office) -> None:
    assert ida.get("/", headers={"x-forwarded-for": "10.1.2.3"}).status_code == 303


def another_host(ida: Browser, _office: Office) -> None:
    assert ida.get("/", headers={"host": "earful.example"}).status_code == 400


def second_person(ida: Browser, _office: Office) -> None:
    assert ida.post("/people", {"verb": "add", "name": "Ben", "role": "staff"}).status_code == 200


@pytest.mark.parametrize(
    ("what", "why"),
    [(forwarded, "x-forwarded-for"), (another_host, "another host"), (second_person, "second person")],
)
def test_the_first_sign_of_anybody_else_ends_it_at_once_and_is_told(
    office: Office, what: Callable[[Browser, Office], None], why: str
) -> None:
    ida = office.person("Ida", "admin")
    office.clock.forward(20 * DAY)
    assert ida.get("/people").status_code == 200
    what(ida, office)
    assert ida.get("/people").status_code == 303
    (told,) = notices(office.database)
    assert told.startswith("The page is no longer for one person on this machine: ")
    assert why in told
    ida.get("/login")
    assert ida.post("/login", {"name": "Ida", "password": PASSWORD}).status_code == 303
    assert ida.get("/people").status_code == 200
    office.clock.forward(16 * MINUTE)
    assert ida.post("/people/tokens", {"name": "x", "role": "viewer"}).status_code == 303
    assert len(notices(office.database)) == 1, "told once"


def test_what_came_from_elsewhere_is_known_after_a_start(tmp_path: Path, sqlite: Sqlite) -> None:
    office = Office(tmp_path, sqlite, tables="")
    try:
        ida = office.person("Ida", "admin")
        ida.get("/", headers={"via": "1.1 proxy"})
        ida.get("/login")
        office.server.stop()
        office.server = WebServer(lambda: office.assembly, office.clock)
        assert office.server.start()
        assert key_values.fact(sqlite, alone.ELSEWHERE)
        again = office.browser()
        again.get("/login")
        again.post("/login", {"name": "Ida", "password": PASSWORD})
        office.clock.forward(16 * MINUTE)
        again.get("/people")
        assert again.post("/people/tokens", {"name": "x", "role": "viewer"}).status_code == 303
    finally:
        office.close()


@pytest.mark.parametrize(
    ("earful", "tables"),
    [
        ('page_url = "https://earful.example"', ""), ('page_url = "http://10.0.0.7:8321"', ""),
        ('page_listen = "0.0.0.0:8321"\npage_url = "http://127.0.0.1:8321"', ""),
        ('trusted_proxies = ["127.0.0.1"]', ""), ("", '[[people]]\nname = "Ben"\n'),
    ],
)  # fmt: skip
def test_where_anybody_else_could_be_there_it_never_holds(
    tmp_path: Path, sqlite: Sqlite, earful: str, tables: str
) -> None:
    web.add_user(sqlite, "Ida", "admin", NOW)
    settings = settings_from(tmp_path, earful=earful, tables=tables)
    assert not alone.is_alone(sqlite, settings, NOW)
    assert alone.is_alone(sqlite, settings_from(tmp_path), NOW)
