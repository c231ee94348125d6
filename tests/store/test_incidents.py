"""Incidents in the store: opened, joined, counted, listed; forgotten with their posts and renamed with their brand."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.cases.actions import say
from monitor.privacy import forgetting
from monitor.store import incidents, mentions, renames
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import BROKEN, DAY, HOUR, LATE, MINUTE, NOW, assembly_of, post, settings_from, take

Base = Sqlite | Postgresql
PEOPLE = ("ana", "bo", "cy", "dee")


@pytest.fixture
def acme(database: Base, tmp_path: Path) -> Assembly:
    return assembly_of(database, settings_from(tmp_path))


def opened(acme: Assembly, *people: str) -> tuple[str, list[str]]:
    """An incident of these people's posts, and their cases."""
    cases = take(acme, *(post(BROKEN, author=each, native_id=each, reach=100) for each in people))
    with acme.database.transaction():
        incident = incidents.begin(
            acme.database, NOW, brand="Acme", kind="volume", start_at=NOW - HOUR, words=("app", "crashes")
        )
        ids = [of(acme, each) for each in people]
        assert incidents.join(acme.database, incident, ids, NOW) == len(people)
    return incident, cases


def of(acme: Assembly, person: str) -> str:
    return mentions.mention_key(acme.database, "Acme", mentions.post_key(acme.database, "forum", person))


def test_an_incident_counts_its_people_and_who_was_answered(acme: Assembly) -> None:
    incident, cases = opened(acme, *PEOPLE)
    again = take(acme, post(BROKEN + " Still.", author="ana", native_id="ana2", reach=5))
    assert again == []
    with acme.database.transaction():
        assert incidents.join(acme.database, incident, [of(acme, "ana2"), of(acme, "ana")], NOW) == 1
    say(acme.database, acme.rules, cases[0], "answered", who="Ana", way="page", now=NOW, detail={})
    found = incidents.counted(acme.database, incident)
    assert found == {"people": 4, "mentions": 5, "reach": 405, "answered": 1}
    assert incidents.cases_of(acme.database, incident) == cases
    assert incidents.of_cases(acme.database, [*cases, "99"]) == dict.fromkeys(cases, incident)


def test_a_mention_is_of_one_incident_only(acme: Assembly) -> None:
    first, _ = opened(acme, "ana")
    with acme.database.transaction():
        second = incidents.begin(acme.database, NOW, brand="Acme", kind="critical", start_at=NOW)
        assert incidents.join(acme.database, second, [of(acme, "ana")], NOW) == 0
    assert incidents.counted(acme.database, first)["people"] == 1
    assert incidents.counted(acme.database, second)["people"] == 0


def test_what_was_under_way_in_a_span_is_found_by_it(acme: Assembly) -> None:
    incident, _ = opened(acme, "ana")
    database = acme.database

    def found(since: int, until: int) -> list[str]:
        return [row["id"] for row in incidents.between(database, NOW + since * HOUR, NOW + until * HOUR)]

    assert found(-3, -2) == []
    assert found(-3, 0) == [incident]
    assert found(24, 48) == [incident], "it has no end yet"
    assert [row["id"] for row in incidents.open_now(database, "Acme")] == [incident]
    incidents.change(database, incident, ended_at=NOW + 2 * HOUR, ended_by="Earful")
    assert found(24, 48) == []
    assert found(1, 48) == [incident]
    assert incidents.open_now(database) == []
    assert incidents.between(database, NOW - DAY, NOW + DAY, "Globex") == []
    assert incidents.last_end(database, "Acme", "") > ""
    assert incidents.of_cases(database, ["1"]) == {}, "what is over holds nothing back"


def test_its_words_go_when_fewer_than_three_of_its_posts_stand_and_its_figures_stay(acme: Assembly) -> None:
    incident, _ = opened(acme, *PEOPLE)
    database = acme.database
    incidents.change(database, incident, people=4, summary="4 people in an hour.")

    def erase(person: str) -> tuple[str, int]:
        forgetting.erase(database, acme.rules, "forum", person, who="Ana", way="page", now=NOW)
        row = incidents.one(database, incident)
        assert row is not None
        return row["words"], incidents.counted(database, incident)["people"]

    assert erase("ana") == ('["app", "crashes"]', 3)
    assert erase("bo") == ("[]", 2)
    row = incidents.one(database, incident)
    assert row is not None
    assert (row["people"], row["summary"]) == (4, "")


def test_an_incident_goes_along_with_its_brands_new_name(acme: Assembly) -> None:
    incident, _ = opened(acme, "ana")
    with acme.database.transaction():
        renames.rename(acme.database, "brand", "Acme", "Megacorp")
    assert [row["id"] for row in incidents.open_now(acme.database, "Megacorp")] == [incident]


def test_its_posts_are_listed_without_those_that_are_gone(acme: Assembly) -> None:
    incident, _ = opened(acme, "ana", "bo")
    take(acme, post(LATE, author="cy", ago=2 * MINUTE))
    with acme.database.transaction():
        forgetting.deleted(acme.database, "forum", ["bo"], (), NOW)
    assert [row["author"] for row in incidents.posts_of(acme.database, incident)] == ["ana"]
