"""Several who store at the same time on PostgreSQL make what one makes, and only who could do a thing twice waits."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.writers import WRITERS, outcome, rounds, settings_of, store
from connectors import Post
from monitor.cases.locks import MOST, locks_of, story_locks
from monitor.store import mentions
from monitor.store.database import Database, Locks
from monitor.store.pages import live_mark
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.store.stories import open_critical
from monitor.wiring import Assembly
from tests.cases.test_second_look import MILD, QUESTION, Judging, looking
from tests.helpers import (
    ANGRY,
    BROKEN,
    CALM,
    DAY,
    HOUR,
    INJURY,
    LATE,
    NOW,
    Clock,
    assembly_of,
    count,
    post,
    settings_from,
    take,
)

THREAD = {"thread_id": "thread-1"}
BURNED = "Burned by a kettle from Acme: my hand is burned, I have burns on three fingers"


@pytest.fixture
def office(new_postgresql: str, tmp_path: Path) -> Iterator[Assembly]:
    database = Postgresql(new_postgresql)
    yield assembly_of(database, settings_from(tmp_path))
    database.close()


def waits(database: Database) -> bool:
    return bool(database.rows("SELECT 1 AS one FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))


def meanwhile(office: Assembly, begun: Post, action: Callable[[], Any]) -> bool:
    """Do something while a post is stored and its transaction still open; whether that had to wait for its end."""
    thread = threading.Thread(target=action)
    waited = False

    def last() -> None:
        nonlocal waited
        thread.start()
        while thread.is_alive() and not (waited := waits(office.database)):
            time.sleep(0.005)

    office.intake.take([begun], NOW, last=last)
    thread.join()
    return waited


def at_once(office: Assembly, one: Post, other: Post) -> bool:
    return meanwhile(office, one, lambda: take(office, other))


def test_eight_writers_at_once_make_what_one_writer_makes(new_postgresql: str, sqlite: Sqlite, tmp_path: Path) -> None:
    settings, pages = settings_of(tmp_path), list(rounds(2_000, NOW))
    database = Postgresql(new_postgresql)
    stored = store(database, settings, pages, WRITERS, NOW)
    store(sqlite, settings, stored, 1, NOW)
    many, one = outcome(database), outcome(sqlite)
    database.close()
    assert set(many.mentions) == {post.native_id for listed in pages for page in listed for post in page}
    assert set(many.mentions.values()) == {1}
    assert many.cases == one.cases
    assert many.stories == one.stories
    assert many == one


def test_one_writer_makes_the_same_in_the_order_in_which_many_have_stored(
    new_postgresql: str, sqlite: Sqlite, tmp_path: Path
) -> None:
    """Whose words open a case decides which story it joins, so that in another order one writer makes others, too."""
    settings, rounds_of = settings_of(tmp_path), []
    for turn in range(20):
        chance = random.Random(turn)
        own, others = (" ".join("".join(chance.choices("aeioubdfgklm", k=7)) for _ in range(14)) for _ in range(2))
        told = f"Harbour Tea charged me twice and nobody answers, terrible service, {own}"
        other = f"Harbour Tea lost my parcel, never again, {others}"
        thread = {"author": f"mira{turn}", "source": "s1", "thread_id": f"t{turn}"}
        first = post(told, source="s0", author=f"olga{turn}")
        rounds_of += [[[first]], [[post(told, **thread)], [post(other, **thread)]]]
    database = Postgresql(new_postgresql)
    stored = store(database, settings, rounds_of, 2, NOW)
    store(sqlite, settings, stored, 1, NOW)
    many, one = outcome(database), outcome(sqlite)
    database.close()
    assert len(one.cases) == 40
    assert 20 <= len(one.stories) <= 40
    assert many == one


def test_what_has_nothing_in_common_is_stored_at_the_same_time(office: Assembly) -> None:
    assert not at_once(office, post(ANGRY), post(BROKEN, author="mira", source="chirp"))
    rows = office.database.rows("SELECT n, id, story_id FROM cases ORDER BY n")
    assert [(row["n"], row["id"], row["story_id"]) for row in rows] == [(1, "1", "1"), (2, "2", "2")]


def test_two_posts_of_one_person_in_one_conversation_are_one_case(office: Assembly) -> None:
    assert at_once(office, post(ANGRY, **THREAD), post(BROKEN, **THREAD))
    assert count(office.database, "cases") == 1
    assert count(office.database, "mentions", "case_id = '1'") == 2


def test_one_message_on_two_sources_is_one_story(office: Assembly) -> None:
    assert at_once(office, post(LATE), post(LATE, author="mira", source="chirp"))
    assert count(office.database, "cases") == 2
    assert count(office.database, "stories") == 1


def test_one_harm_in_other_words_on_two_sources_is_one_story(office: Assembly) -> None:
    assert at_once(office, post(INJURY), post(BURNED, author="mira", source="chirp"))
    assert count(office.database, "cases") == 2
    assert count(office.database, "stories") == 1


def test_the_third_person_of_a_cause_makes_a_problem_whoever_is_stored_last(office: Assembly) -> None:
    take(office, post(LATE, at=NOW - HOUR))
    other = "Another parcel from Acme that never arrived. Three weeks late now, hopeless"
    third = post("Acme delivery is ten days late and support says nothing, I am furious", author="joon", source="chirp")
    assert at_once(office, post(other, author="mira"), third)
    assert count(office.database, "problems") == 1


def test_whoever_names_no_locks_writes_alone(office: Assembly) -> None:
    def write() -> None:
        with office.database.transaction():
            office.database.run("INSERT INTO facts (key, value, at) VALUES ('a', '', '')")

    assert meanwhile(office, post(ANGRY), write)
    assert count(office.database, "facts", "key = 'a'") == 1


def test_a_reply_of_ours_that_was_read_before_its_post_is_stored_alone(office: Assembly) -> None:
    with office.database.transaction():
        ours = post("So sorry, we will look into it", author="acme_help", parent_id="n-late", thread_id="n-late")
        office.answers.take([ours], NOW)
    late = post(LATE, native_id="n-late", author="mira", source="forum", ago=HOUR)
    assert at_once(office, post(BROKEN, source="chirp"), late), "a reply may be a machine's, which turns others"
    assert count(office.database, "own_posts", "case_id <> ''") == 1


def test_numbers_go_on_behind_cases_that_brought_their_own(office: Assembly) -> None:
    take(office, post(ANGRY))
    office.database.run("UPDATE cases SET n = 5")
    office.database.run("UPDATE cases SET n = 3")
    opened = take(office, post(BROKEN, author="mira"), post(LATE, author="joon"))
    assert opened == ["2", "4"]


def test_a_page_with_too_many_locks_is_stored_alone_and_calm_posts_lock_their_source_alone(office: Assembly) -> None:
    judged = office.intake.judge_posts([post(ANGRY), post(CALM, author="mira")])
    assert locks_of(["forum"], judged[1:]) == Locks(frozenset({"source:forum"}))
    assert locks_of(["forum"], judged[:1]) == Locks(frozenset({"source:forum"}))
    angry = story_locks(judged)
    assert len(angry.alone) == 4
    assert angry.shared == {"harm:Acme"}
    assert locks_of((f"s{number}" for number in range(MOST - 4)), judged) is None
    assert locks_of((f"s{number}" for number in range(MOST - 5)), judged) is not None


def test_a_page_that_was_read_before_waits_for_nobody_who_has_words_in_common(office: Assembly) -> None:
    take(office, post(LATE, native_id="n-1"))
    again = post(LATE, native_id="n-1")
    assert not at_once(office, post(LATE, author="mira", source="chirp"), again)


def test_the_second_look_passes_over_nothing_that_is_stored_while_it_looks(office: Assembly) -> None:
    reader = Judging({})
    look, _ = looking(office, reader)

    def store_another_and_look() -> None:
        take(office, post(QUESTION, author="mira", source="chirp"))
        look.work(Clock())

    assert meanwhile(office, post(MILD), store_another_and_look)
    assert reader.asked == 2
    assert not look.due()


def test_an_open_page_notices_a_line_that_came_late(database: Sqlite | Postgresql, tmp_path: Path) -> None:
    acme = assembly_of(database, settings_from(tmp_path))
    take(acme, post(ANGRY), post(BROKEN, author="mira"))
    late = database.rows("SELECT * FROM case_log ORDER BY n")[0]
    database.run("DELETE FROM case_log WHERE n = :n", {"n": late["n"]})
    before = live_mark(database)
    database.run(
        "INSERT INTO case_log (n, case_id, at, what) VALUES (:n, :case_id, :at, :what)",
        {name: late[name] for name in ("n", "case_id", "at", "what")},
    )
    assert live_mark(database) != before


def test_what_is_asked_while_others_wait_goes_by_an_index(sqlite: Sqlite, tmp_path: Path) -> None:
    """The mentions of a case: without it each stored page read all of them, and its writer held its locks for that."""
    acme = assembly_of(sqlite, settings_from(tmp_path))
    take(acme, post(INJURY))
    asked: list[str] = []
    sqlite._connection().set_trace_callback(asked.append)
    assert len(open_critical(sqlite, ["Acme"], NOW - HOUR, NOW)) == 1
    assert len(open_critical(sqlite, ["Acme"], NOW - 30 * DAY, NOW)) == 1
    assert list(mentions.native_ids_of_cases(sqlite, ["1"])) == ["1"]
    sqlite._connection().set_trace_callback(None)
    plans = [" ".join(row["detail"] for row in sqlite.rows(f"EXPLAIN QUERY PLAN {each}")) for each in asked]
    assert ["USING INDEX mentions_by_case" in plan and "SCAN m" not in plan for plan in plans] == [True] * 3
    assert ["USING INDEX cases_critical" in plan for plan in plans] == [True, True, False]
    assert "SEARCH s USING INDEX stories_by_time" in plans[0]
