"""An acknowledgement at the pager: who it was, what it changes, and when it comes too late, on both databases."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from alerts.pager_webhook import Acknowledged
from monitor.cases.actions import say
from monitor.notify import pager
from monitor.people.identity import Actor
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import ANGRY, HOUR, MINUTE, NOW, assembly_of, case, lines, post, settings_from, take

PEOPLE = """
[[people]]
name = "Ana"
email = "ana@example.org"

[[people]]
name = "Vic"
role = "viewer"
email = "vic@example.org"
"""


@pytest.fixture
def acme(database: Sqlite | Postgresql, tmp_path: Path) -> Assembly:
    return assembly_of(database, settings_from(tmp_path, tables=PEOPLE))


def told(number: str, at: datetime = NOW, key: str = "01ABC", name: str = "Earline") -> Acknowledged:
    return Acknowledged(key, number, "PGR0VU2", "PLH1HKV", name, at)


def who(acme: Assembly, address: str, name: str = "Earline") -> Actor:
    return pager.person_of(acme.database, acme.rules, "duty", told("1", name=name), lambda _user: address)


def heard(acme: Assembly, found: Acknowledged, address: str = "ana@example.org", now: datetime = NOW) -> str:
    return pager.acknowledge(acme.database, acme.rules, found, who(acme, address), now)


def test_a_person_is_known_by_address_and_everybody_else_by_what_they_are_called_there(acme: Assembly) -> None:
    assert who(acme, "ANA@example.org").id == "settings:Ana"
    assert who(acme, "else@example.org") == Actor("pager:duty/PLH1HKV", "Earline (pager)")
    assert who(acme, "", "Ana").name == "Ana (pager)", "a name there never looks like one of ours"
    assert who(acme, "", "").name == "somebody at the pager"


def test_it_takes_the_case_once_and_played_again_it_changes_nothing(acme: Assembly) -> None:
    (number,) = take(acme, post(ANGRY))
    assert heard(acme, told(number)).startswith("taken by Ana")
    say(acme.database, acme.rules, number, "release", who="Ana", way="page", now=NOW + MINUTE)
    assert heard(acme, told(number), now=NOW + HOUR) == "known already"
    assert case(acme.database, number).owner == ""
    assert lines(acme.database, number).count("take") == 1


def test_somebody_at_the_pager_takes_it_and_teaches_nothing(acme: Assembly) -> None:
    (number,) = take(acme, post(ANGRY))
    heard(acme, told(number), "")
    assert case(acme.database, number).owner == "Earline (pager)"
    assert acme.database.rows("SELECT * FROM labels") == []
    say(acme.database, acme.rules, number, "close", who="Ana", way="page", now=NOW, detail={"outcome": "solved"})


def test_a_viewer_takes_nothing_there_either(acme: Assembly) -> None:
    (number,) = take(acme, post(ANGRY))
    assert "viewer" in heard(acme, told(number), "vic@example.org")
    assert case(acme.database, number).owner == ""


def test_one_from_before_the_case_was_opened_again_is_not_meant(acme: Assembly) -> None:
    (number,) = take(acme, post(ANGRY))
    say(acme.database, acme.rules, number, "take", who="Ana", way="page", now=NOW + MINUTE)
    say(acme.database, acme.rules, number, "release", who="Ana", way="page", now=NOW + 2 * MINUTE)
    assert heard(acme, told(number), now=NOW + HOUR) == "it is open again since then"
    assert case(acme.database, number).owner == ""
    heard(acme, told(number, NOW + HOUR, "01NEW"), now=NOW + HOUR)
    assert case(acme.database, number).owner == "Ana"


def test_what_is_closed_or_unknown_stays_as_it_is(acme: Assembly) -> None:
    (number,) = take(acme, post(ANGRY))
    say(acme.database, acme.rules, number, "close", who="Ana", way="page", now=NOW, detail={"outcome": "solved"})
    assert "closed" in heard(acme, told(number))
    assert "no case 999" in heard(acme, told("999", key="01OTHER"))
    assert "take" not in lines(acme.database, number)


def test_whoever_has_it_keeps_it(acme: Assembly) -> None:
    (number,) = take(acme, post(ANGRY))
    say(acme.database, acme.rules, number, "take", who="Ana", way="page", now=NOW)
    assert heard(acme, told(number), "").startswith("Ana already took it")
    assert case(acme.database, number).owner == "Ana"


def test_only_what_the_service_would_still_repeat_is_heard() -> None:
    assert not pager.stale(told("1"), NOW + 48 * HOUR)
    assert pager.stale(told("1"), NOW + 50 * HOUR)
    assert not pager.stale(told("1", NOW + MINUTE), NOW)
    assert pager.stale(told("1", NOW + HOUR), NOW)
