"""One person's list of the day: all that a team's five lists would say, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.cases import list_of_the_day
from monitor.cases.actions import say
from monitor.cases.own_lists import all_solved
from monitor.notify import rendering
from monitor.people.identity import of_settings
from monitor.store import cases
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.cases.test_list_of_the_day import JAPANESE, MUST, at
from tests.helpers import ANGRY, BROKEN, NOW, assembly_of, case, messages, post, settings_from, take

Base = Sqlite | Postgresql


@pytest.fixture
def acme(database: Base, tmp_path: Path) -> Assembly:
    return assembly_of(database, settings_from(tmp_path, tables='[[people]]\nname = "Ana"\n'))


def lists(acme: Assembly) -> list[str]:
    return [row.about for row in messages(acme.database) if row.about.startswith("list:")]


def test_a_day_has_one_list_and_it_says_everything(acme: Assembly) -> None:
    (waits,) = take(acme, post(ANGRY, author="waits", thread_id="a"))
    (asks,) = take(acme, post(MUST, author="asks", thread_id="b"))
    take(acme, post(JAPANESE, author="far", thread_id="c", lang="ja"))
    (private,) = take(acme, post(BROKEN, author="private", thread_id="d"))
    say(acme.database, acme.rules, private, "take", who="Ana", way="web", now=NOW)
    cases.change(acme.database, private, sent_on=1, answered_at=NOW)  # "please send us a private message"
    for hour in (11, 15, 16, 17, 20):
        list_of_the_day.queue_lists(acme.database, acme.rules, at(hour))
    assert lists(acme) == ["list:evening:2026-03-04"]
    row = next(row for row in messages(acme.database) if row.about.startswith("list:"))
    made = rendering.compose(acme.database, acme.rules, row, [row], at(16))
    assert made.alert.title == "1 case not taken yet, 1 post that may need an answer"
    assert [entry.case_id for entry in made.alert.entries] == [waits, asks, ""]
    assert made.alert.entries[2].headline == "1 you moved to private messages: solved, or still open?"
    (press,) = made.alert.entries[2].actions
    with acme.database.transaction():
        ana = of_settings("Ana")
        assert all_solved(acme.database, acme.rules, ana, "slack", at(16), owner_id=press.case_id) == 1
    assert [line.text for line in made.alert.also] == ["Japanese: 1 post"]
    assert {one.id for one in made.cases} >= {waits, asks, private}


def test_a_day_on_which_nothing_waits_and_a_day_off_have_none(acme: Assembly) -> None:
    list_of_the_day.queue_lists(acme.database, acme.rules, at(16))
    (waits,) = take(acme, post(ANGRY, author="waits", at=at(16, 6)), now=at(16, 6))
    for day in (7, 8):  # the desk is closed
        list_of_the_day.queue_lists(acme.database, acme.rules, at(16, day))
    assert lists(acme) == []
    assert case(acme.database, waits).next_step_at is not None
    list_of_the_day.queue_lists(acme.database, acme.rules, at(16, 9))
    assert lists(acme) == ["list:evening:2026-03-09"]
