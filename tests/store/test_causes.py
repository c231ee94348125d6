"""What is counted of causes and problems, on both databases."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.privacy import forgetting
from monitor.store import cause_answers, causes, key_values, problems, renames
from monitor.store.database import stamp
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import ANGRY, DAY, HOUR, LATE, MINUTE, NOW, assembly_of, post, settings_from, take

WEEK = timedelta(days=7)


def put(acme: Assembly, cause: str, *authors: str, ago: timedelta = HOUR) -> list[str]:
    """Each of them writes once, of this cause; the ids of their mentions."""
    database = acme.database
    before = {row["id"] for row in database.rows("SELECT id FROM mentions")}
    take(acme, *(post(ANGRY, author=author, ago=ago - number * MINUTE) for number, author in enumerate(authors)))
    rows = [
        row for row in database.rows("SELECT id, posted_at FROM mentions ORDER BY posted_at") if row["id"] not in before
    ]
    made = [row["id"] for row in rows]
    causes.clear(database, made)
    causes.put(
        database,
        [
            {"mention_id": row["id"], "cause_id": cause, "brand": "Acme", "posted_at": row["posted_at"], "place": 0,
             "by_staff": 0}
            for row in rows
        ],
    )  # fmt: skip
    return made


@pytest.fixture
def listed(acme: Assembly) -> Assembly:
    for brand in ("Acme", "Globex"):
        key_values.remember(acme.database, f"causes:{brand}", "general", NOW)
    causes.add(
        acme.database,
        [
            {"id": "late", "brand": "Acme", "name": "Late delivery", "words": ["late"], "examples": []},
            {"id": "slow", "brand": "Acme", "name": "Slow parcel", "words": ["slow"], "examples": []},
        ],
        NOW,
    )
    return acme


def test_mentions_and_people_of_a_cause_are_counted(listed: Assembly) -> None:
    put(listed, "late", "olga", "mira", "olga")
    put(listed, "late", "old", ago=8 * DAY)
    (row,) = causes.counted(listed.database, NOW - WEEK, NOW, "Acme")
    assert (row["cause_id"], row["name"], row["mentions"], row["people"]) == ("late", "Late delivery", 3, 2)
    assert row["first_at"] == stamp(NOW - HOUR)
    assert causes.counted(listed.database, NOW - WEEK, NOW, "Globex") == []
    hours = causes.by_hour(listed.database, NOW - WEEK, NOW)
    assert sum(each["n"] for each in hours) == 3
    known = {each["id"]: each["known_since"] for each in causes.listed(listed.database, "Acme")}
    assert known == {"late": stamp(NOW - 8 * DAY), "slow": ""}


def test_a_merged_cause_counts_in_the_other_and_comes_out_again(listed: Assembly) -> None:
    put(listed, "late", "olga")
    put(listed, "slow", "mira")
    causes.change(listed.database, "slow", merged_into="late")
    (row,) = causes.counted(listed.database, NOW - WEEK, NOW)
    assert (row["cause_id"], row["people"]) == ("late", 2)
    assert [each["id"] for each in causes.listed(listed.database, "Acme")] == ["late"]
    causes.change(listed.database, "slow", merged_into="")
    assert len(causes.counted(listed.database, NOW - WEEK, NOW)) == 2


def test_causes_have_the_name_of_the_one_that_stands(listed: Assembly) -> None:
    (mention,) = put(listed, "slow", "mira")
    late = {"mention_id": mention, "cause_id": "late", "brand": "Acme", "posted_at": stamp(NOW), "place": 1}
    causes.put(listed.database, [{**late, "by_staff": 0}])
    assert causes.names_of(listed.database, [mention]) == {mention: ["Slow parcel", "Late delivery"]}
    assert causes.names(listed.database, ["late", "slow", "gone"]) == {"late": "Late delivery", "slow": "Slow parcel"}
    causes.change(listed.database, "slow", merged_into="late")
    assert causes.names(listed.database, ["slow"]) == {"slow": "Late delivery"}
    assert causes.names_of(listed.database, [mention, "another"]) == {mention: ["Late delivery"]}
    causes.change(listed.database, "late", gone_at=stamp(NOW))
    assert not causes.names(listed.database, ["late", "slow"])
    assert not causes.names_of(listed.database, [mention])


def test_problems_count_what_was_written_from_their_first_post_to_their_fix(listed: Assembly) -> None:
    """Also of what was merged into their cause; a report that does not count posts knows the same of each."""
    database = listed.database
    put(listed, "late", "before", ago=3 * DAY)
    put(listed, "late", "olga", "mira", "olga", ago=2 * DAY)
    put(listed, "slow", "kay", ago=2 * DAY)
    put(listed, "late", "after", ago=HOUR)
    causes.change(database, "slow", merged_into="late")
    database.run("DELETE FROM problems")
    for fixed in ("", stamp(NOW - DAY)):
        database.run(
            "INSERT INTO problems (cause_id, brand, opened_at, first_at, fixed_at) "
            "VALUES ('late', 'Acme', :at, :at, :fixed)", {"at": stamp(NOW - 2 * DAY), "fixed": fixed},
        )  # fmt: skip
    fixed_one, open_one = problems.counted(database, "Acme")
    assert (open_one["people"], open_one["untold"], open_one["last_at"]) == (4, 0, stamp(NOW - HOUR))
    assert (fixed_one["people"], fixed_one["untold"], fixed_one["heard_before"]) == (3, 3, fixed_one["unanswered"])
    known = [(row["cause_id"], row["fixed_at"], row["untold"]) for row in problems.known(database, "Acme")]
    assert known == [("late", fixed_one["fixed_at"], 3), ("late", "", 0)]
    assert problems.counted(database, "Globex") == problems.known(database, "Globex") == []


def test_no_question_reads_all_that_was_ever_found(sqlite: Sqlite, tmp_path: Path) -> None:
    """A year of a million posts has 200,000 rows in `caused`: whatever a page or a post asks goes by an index."""
    acme = assembly_of(sqlite, settings_from(tmp_path))
    take(acme, post(LATE))
    asked: list[str] = []
    sqlite._connection().set_trace_callback(asked.append)
    for brand in ("", "Acme"):
        causes.counted(sqlite, NOW - WEEK, NOW, brand)
        causes.by_hour(sqlite, NOW - WEEK, NOW, brand)
        problems.counted(sqlite, brand)
        problems.known(sqlite, brand)
    causes.listed(sqlite, "Acme")
    sqlite._connection().set_trace_callback(None)
    plans = {each: [row["detail"] for row in sqlite.rows(f"EXPLAIN QUERY PLAN {each}")] for each in asked}
    assert sum(detail.startswith("SEARCH x ") for plan in plans.values() for detail in plan) >= 9
    assert [each for each, plan in plans.items() if any(detail.startswith("SCAN x") for detail in plan)] == []


def test_a_case_has_two_causes_at_most(listed: Assembly) -> None:
    database = listed.database
    causes.add(database, [{"id": "rude", "brand": "Acme", "name": "Rude staff", "words": [], "examples": []}], NOW)
    (mention,) = put(listed, "late", "olga")
    row = {"mention_id": mention, "brand": "Acme", "posted_at": stamp(NOW), "by_staff": 0}
    causes.put(database, [{**row, "cause_id": "slow", "place": 1}, {**row, "cause_id": "rude", "place": 2}])
    assert [each["name"] for each in causes.of_cases(database, ["1"])["1"]] == ["Late delivery", "Slow parcel"]


def test_what_staff_said_teaches_until_it_is_undone_or_forgotten(listed: Assembly) -> None:
    database = listed.database
    take(listed, post(LATE, author="olga"))
    cause_answers.add(database, "Acme", "1", ["slow"], [], "Ana", "page:Ana", "page", NOW)
    cause_answers.add(database, "Acme", "1", ["late"], ["slow"], "Ana", "page:Ana", "page", NOW)
    (row,) = cause_answers.taught(database, "Acme")
    assert (json.loads(row["causes"]), row["text"]) == (["late"], LATE)
    before = causes.mark(database)
    last = cause_answers.of_case(database, "1")
    assert last is not None
    cause_answers.undo(database, last["n"], NOW)
    assert causes.mark(database) != before
    assert json.loads(cause_answers.taught(database, "Acme")[0]["causes"]) == ["slow"]
    forgetting.erase(database, listed.rules, "forum", "olga", who="Ana", way="page", now=NOW)
    assert cause_answers.taught(database, "Acme") == []


def test_a_renamed_brand_keeps_its_causes(listed: Assembly) -> None:
    put(listed, "late", "olga")
    with listed.database.transaction():
        renames.rename(listed.database, "brand", "Acme", "Megacorp")
    assert [each["id"] for each in causes.listed(listed.database, "Megacorp")] == ["late", "slow"]
    assert causes.counted(listed.database, NOW - WEEK, NOW, "Megacorp")[0]["people"] == 1
