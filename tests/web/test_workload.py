"""Who sees how much somebody has to do: each person their own, leads everybody's load, and no report anybody's."""

from __future__ import annotations

import re
from pathlib import Path

from monitor.store.sqlite import Sqlite
from tests.helpers import ANGRY, MINUTE, NOW, post, take
from tests.web.office import Office

WORKLOAD = "Workload"


def words(text: str) -> str:
    """A page in one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_own_counts_are_ones_own_and_load_is_for_leads(tmp_path: Path, sqlite: Sqlite) -> None:
    office = Office(tmp_path, sqlite)
    for number in range(3):
        take(office.assembly, post(f"{ANGRY} {number}", author=f"a{number}", at=NOW - MINUTE), now=NOW)
    ana, ben = office.person("Ana", "lead"), office.person("Ben")
    for case in ("1", "2"):
        ben.post(f"/cases/{case}", {"verb": "take"})
    ben.post("/cases/1", {"verb": "answered"})
    office.clock.forward(MINUTE)
    assert "In the last 30 days you took 2, answered 1 and closed 0. You have 1 open now." in words(
        ben.get("/you").text
    )
    assert "None in the last 30 days." in words(ana.get("/you").text)
    desk = words(ana.get("/desk").text)
    assert WORKLOAD in desk
    assert "Ben 1 2" in desk
    assert WORKLOAD not in ben.get("/desk").text
    office.close()
