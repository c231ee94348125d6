"""What an open incident holds back, until when, and what it never does."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.notify.holding import ASK_AGAIN, held_until, overtaken
from monitor.store import cases, deliveries, incidents, mentions
from monitor.store.database import stamp
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import (
    BROKEN,
    CHURN,
    INJURY,
    LATE,
    MINUTE,
    NOW,
    assembly_of,
    case,
    messages,
    post,
    settings_from,
    take,
)

Base = Sqlite | Postgresql


@pytest.fixture
def acme(database: Base, tmp_path: Path) -> Assembly:
    return assembly_of(database, settings_from(tmp_path))


def opened(acme: Assembly, *said: str) -> list[str]:
    """Cases of people who wrote this, all of one incident."""
    for number, words in enumerate(said):
        take(acme, post(words, author=f"c{number}", native_id=f"p{number}"))
    with acme.database.transaction():
        incident = incidents.begin(acme.database, NOW, brand="Acme", kind="volume", start_at=NOW)
        keys = [mentions.post_key(acme.database, "forum", f"p{number}") for number in range(len(said))]
        incidents.join(acme.database, incident, [mentions.mention_key(acme.database, "Acme", key) for key in keys], NOW)
    rows = acme.database.rows("SELECT id FROM cases WHERE author LIKE 'c%' ORDER BY author")
    return [row["id"] for row in rows]


def held(acme: Assembly) -> set[str]:
    """The cases whose first message is held."""
    rows = messages(acme.database)
    found = held_until(acme.database, rows, NOW + MINUTE)
    stories = {row.story_id for row in rows if row.id in found}
    return {row["id"] for row in cases.rows_of_stories(acme.database, sorted(stories))} if stories else set()


def test_routine_messages_are_held_until_their_target(acme: Assembly) -> None:
    late, broken = opened(acme, LATE, BROKEN)
    assert held(acme) == {late, broken}
    found = held_until(acme.database, messages(acme.database), NOW + MINUTE)
    assert set(found.values()) == {case(acme.database, late).due_at, case(acme.database, broken).due_at}


def test_whoever_is_hurt_or_speaks_of_the_law_is_never_held(acme: Assembly) -> None:
    law = "Acme lost my data and I want all of it under GDPR, my lawyer will see you in court, this is terrible"
    hurt, spoken, late = opened(acme, INJURY, law, LATE)
    assert held(acme) == {late}
    assert hurt != spoken


def test_whoever_has_waited_past_the_target_is_not_held(acme: Assembly) -> None:
    (late,) = opened(acme, LATE)
    cases.change(acme.database, late, due_at=NOW)
    assert held(acme) == set()


def test_what_is_an_owners_own_is_not_held(acme: Assembly) -> None:
    (late,) = opened(acme, LATE)
    own = deliveries.new_row(about=f"case:{late}", target="console", now=NOW, due_at=NOW, reason="", story_id=late,
                             step=1, payload={"owner": True})  # fmt: skip
    deliveries.queue(acme.database, [own])
    assert own["id"] not in held_until(acme.database, messages(acme.database), NOW + MINUTE)


def test_nothing_is_held_of_others_and_nothing_once_it_is_over(acme: Assembly) -> None:
    (late,) = opened(acme, LATE)
    (other,) = take(acme, post(CHURN, author="other"))
    assert held(acme) == {late}
    assert other not in held(acme)
    row = incidents.open_now(acme.database)[0]
    for message in messages(acme.database):
        deliveries.put_off(acme.database, message.id, NOW + 300 * MINUTE)
    with acme.database.transaction():
        incidents.change(acme.database, row["id"], ended_at=NOW, ended_by="Ana")
        assert incidents.release(acme.database, row["id"], NOW) == 1
    assert held(acme) == set()
    due = {each.story_id: each.due_at for each in messages(acme.database)}
    assert due[case(acme.database, late).story_id] == NOW


def test_what_is_told_of_a_problem_waits_while_its_people_are_those_of_the_incident(acme: Assembly) -> None:
    database = acme.database
    opened(acme, BROKEN, "Acme app crashes all day, useless, I cannot open it")
    found = database.rows("SELECT DISTINCT cause_id FROM caused")
    assert found
    database.run(
        "INSERT INTO problems (n, brand, cause_id, opened_at, first_at) VALUES (900, 'Acme', :cause, :now, :now)",
        {"cause": found[0]["cause_id"], "now": stamp(NOW)},
    )
    key = "problem:900:"
    first, second = (
        deliveries.notice_row(f"{key}{people}", "console", "doubled", "", NOW + later * MINUTE)
        for people, later in ((6, 0), (12, 5))
    )
    deliveries.queue(database, [first])
    incidents.change(database, "1", start_at=NOW - 2 * MINUTE)
    row = deliveries.one(database, first["id"])
    assert row is not None
    assert held_until(database, [row], NOW) == {row.id: NOW + ASK_AGAIN}
    deliveries.put_off(database, row.id, NOW + ASK_AGAIN)
    row = deliveries.one(database, row.id)
    assert row is not None
    assert not overtaken(database, row)
    deliveries.queue(database, [second])
    assert overtaken(database, row), "the later message says it"
    incidents.change(database, "1", start_at=NOW + MINUTE)
    assert held_until(database, [row], NOW) == {}, "nothing of it was written since the incident began"
