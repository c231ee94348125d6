"""Who is on now stands on the inbox, with one press to be away and one to be back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store import absences
from monitor.store.sqlite import Sqlite
from tests.helpers import CHURN, HOUR, case, post
from tests.web.office import Office

TABLES = """
[[people]]
name = "Ana"
[[people]]
name = "Ben"
shifts = [{ start = "09:00", end = "12:00" }]
"""


@pytest.fixture
def desk(tmp_path: Path, sqlite: Sqlite) -> Iterator[Office]:
    made = Office(tmp_path, sqlite, tables=TABLES)
    yield made
    made.close()


def test_one_press_and_ana_is_away_until_monday_and_one_and_she_is_back(desk: Office) -> None:
    (number,) = desk.take(post(CHURN))
    ana = desk.person("Ana")
    assert "Ana, Ben" in ana.get("/").text
    ana.post(f"/cases/{number}", {"verb": "take"})
    ana.get("/")
    answer = ana.post("/duty", {"until": "mon"}, follow_redirects=True)
    assert "Ana is away until Mon; 1 open case offered to Ben." in answer.text
    assert "You are away until Mon" in answer.text
    assert "Thu 12-17, Fri 12-17: nobody" in answer.text
    assert case(desk.database, number).offered_at is not None
    back = ana.post("/duty", {"verb": "back", "person": "settings:Ana"}, follow_redirects=True)
    assert "Ana is back." in back.text
    assert absences.standing(desk.database, desk.clock() + HOUR) == []


def test_a_colleague_may_not_say_it_of_others_and_a_lead_may(desk: Office) -> None:
    ben, lea = desk.person("Ben"), desk.person("Lea", "lead")
    ben.get("/")
    assert ben.post("/duty", {"until": "mon", "person": "settings:Ana"}).status_code == 403
    assert ben.post("/duty", {"until": "", "day": "2020-01-01"}).status_code == 409
    lea.get("/")
    assert lea.post("/duty", {"until": "tomorrow", "person": "settings:Ana"}).status_code == 303
    assert "Ana is away until Thu" in lea.get("/").text
    assert "Back</button>" in lea.get("/").text
    assert "Back</button>" not in ben.get("/").text
    viewer = desk.person("Vic", "viewer")
    assert "On now:" in viewer.get("/").text
    assert viewer.post("/duty", {"until": "mon"}).status_code == 403
