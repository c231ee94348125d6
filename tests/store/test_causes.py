"""What is counted of causes and problems, on both databases."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from monitor.privacy import forgetting
from monitor.store import causes, key_values, renames
from monitor.store.database import stamp
from monitor.wiring import Assembly
from tests.helpers import ANGRY, DAY, HOUR, LATE, MINUTE, NOW, post, take

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
    causes.answer(database, "Acme", "1", ["slow"], [], "Ana", "page:Ana", "page", NOW)
    causes.answer(database, "Acme", "1", ["late"], ["slow"], "Ana", "page:Ana", "page", NOW)
    (row,) = causes.taught(database, "Acme")
    assert (json.loads(row["causes"]), row["text"]) == (["late"], LATE)
    before = causes.mark(database)
    last = causes.answer_of(database, "1")
    assert last is not None
    causes.undo_answer(database, last["n"], NOW)
    assert causes.mark(database) != before
    assert json.loads(causes.taught(database, "Acme")[0]["causes"]) == ["slow"]
    forgetting.erase(database, listed.rules, "forum", "olga", who="Ana", way="page", now=NOW)
    assert causes.taught(database, "Acme") == []


def test_a_renamed_brand_keeps_its_causes(listed: Assembly) -> None:
    put(listed, "late", "olga")
    with listed.database.transaction():
        renames.rename(listed.database, "brand", "Acme", "Megacorp")
    assert [each["id"] for each in causes.listed(listed.database, "Megacorp")] == ["late", "slow"]
    assert causes.counted(listed.database, NOW - WEEK, NOW, "Megacorp")[0]["people"] == 1
