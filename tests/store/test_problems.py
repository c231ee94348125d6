"""Whom a problem hit, who of them was told, and what was heard of a cause before, on both databases."""

from __future__ import annotations

from monitor.privacy import forgetting
from monitor.store import problems
from monitor.store.database import stamp
from monitor.wiring import Assembly
from tests.helpers import HOUR, MINUTE, NOW
from tests.store.test_causes import listed, put

__all__ = ["listed"]  # a fixture


def test_a_problem_says_whom_it_hit_and_who_was_told(listed: Assembly) -> None:
    database = listed.database
    first, *_ = put(listed, "late", "olga", "mira", "olga")
    opened = problems.open_(database, "Acme", "late", stamp(NOW - HOUR), 0, NOW)
    assert opened is not None
    assert problems.open_(database, "Acme", "late", stamp(NOW), 0, NOW)["n"] == opened["n"]  # type: ignore[index]
    (row,) = problems.counted(database)
    assert (row["name"], row["people"], row["heard_before"], row["unanswered"], row["untold"]) == (
        "Late delivery", 2, 2, 2, 0,
    )  # fmt: skip
    problems.change(database, opened["n"], fixed_at=NOW, fixed_by="Ana")
    assert problems.counted(database)[0]["untold"] == 2
    assert [each["author"] for each in problems.affected(database, opened["n"])] == ["olga", "mira"]
    problems.tell(database, opened["n"], first, "Ana", "page:Ana", NOW)
    told = {each["author"]: each["told_by"] for each in problems.affected(database, opened["n"])}
    assert told == {"mira": "", "olga": "Ana"}
    assert problems.counted(database)[0]["untold"] == 1
    problems.untell(database, opened["n"], [first])
    assert problems.counted(database)[0]["untold"] == 2


def test_whoever_is_erased_is_still_counted_and_nobody_need_tell_them(listed: Assembly) -> None:
    database = listed.database
    put(listed, "late", "olga", "mira")
    opened = problems.open_(database, "Acme", "late", stamp(NOW - HOUR), 0, NOW)
    assert opened is not None
    problems.change(database, opened["n"], fixed_at=NOW)
    forgetting.erase(database, listed.rules, "forum", "olga", who="Ana", way="page", now=NOW)
    (row,) = problems.counted(database)
    assert (row["people"], row["untold"]) == (2, 1)
    assert [each["author"] for each in problems.affected(database, opened["n"])] == ["mira"]


def test_what_was_heard_before_a_case(listed: Assembly) -> None:
    put(listed, "late", "olga", "mira")
    put(listed, "late", "kay", ago=MINUTE)
    row = problems.heard(listed.database, "late", "3")
    assert (row["n"], row["unanswered"], row["first_at"]) == (2, 2, stamp(NOW - HOUR))
    assert problems.heard(listed.database, "late", "1")["n"] == 0
