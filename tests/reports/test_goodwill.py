"""The good side: thanks that are owed and given, and people who came back from anger."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from monitor.cases import actions
from monitor.reports import goodwill
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import ANGRY, CALM, DAY, HOUR, MINUTE, NOW, THANKS, assembly_of, post, settings_from, take

WARM = "I love my Acme kettle, thank you so much for making it! Best purchase I ever made, wonderful people."


@pytest.fixture
def acme(database: Sqlite | Postgresql, tmp_path: Path) -> Assembly:
    """Acme's desk; NOW is a Wednesday at 10."""
    return assembly_of(database, settings_from(tmp_path))


def write(acme: Assembly, words: str, *, author: str, at: datetime, native_id: str = "") -> None:
    take(acme, post(words, author=author, at=at, native_id=native_id or f"{author}{at:%d%H%M}"), now=at + MINUTE)


def answer(acme: Assembly, to: str, *, at: datetime, words: str = "Sorry! The refund is on its way to you.") -> None:
    with acme.database.transaction():
        acme.answers.take([post(words, author="acme_care", parent_id=to, at=at)], at + MINUTE)


def of_week(acme: Assembly, brand: str = "") -> goodwill.Goodwill:
    return goodwill.of_span(acme.database, NOW - 7 * DAY, NOW + DAY, brand)


def test_praise_deserves_thanks_and_who_got_none_is_named_with_the_reason(acme: Assembly) -> None:
    write(acme, WARM, author="mira", at=NOW, native_id="m1")
    write(acme, WARM.replace("kettle", "toaster"), author="joon", at=NOW + HOUR, native_id="j1")
    write(acme, ANGRY, author="olga", at=NOW)
    write(acme, CALM, author="tom", at=NOW)
    answer(acme, "m1", at=NOW + HOUR, words="Thank you so much, Mira! You made our day.")
    found = of_week(acme)
    assert (found.deserved, found.thanked, found.open) == (2, 1, 1)
    (owed,) = found.owed
    assert (owed.brand, owed.source, owed.posted_at) == ("Acme", "forum", NOW + HOUR)
    assert owed.reasons
    assert of_week(acme, "Globex") == goodwill.Goodwill()


def test_praise_that_staff_found_to_be_none_deserved_no_thanks(acme: Assembly) -> None:
    write(acme, WARM, author="mira", at=NOW)
    detail = {"outcome": "no_answer_needed", "why": "spam"}
    actions.say(acme.database, acme.rules, "1", "close", who="Ana", way="test", now=NOW + HOUR, detail=detail)
    assert of_week(acme) == goodwill.Goodwill()


def test_the_list_of_thanks_has_a_bound_and_the_count_has_none(acme: Assembly) -> None:
    for number in range(3):
        write(acme, f"{WARM} {number}", author=f"person{number}", at=NOW + number * HOUR)
    found = goodwill.of_span(acme.database, NOW - DAY, NOW + DAY, most=2)
    assert (found.deserved, [each.posted_at for each in found.owed]) == (3, [NOW + 2 * HOUR, NOW + HOUR])


def test_who_writes_kindly_after_our_answer_came_back_and_counts_once(acme: Assembly) -> None:
    write(acme, ANGRY, author="olga", at=NOW, native_id="o1")
    answer(acme, "o1", at=NOW + HOUR)
    write(acme, THANKS, author="olga", at=NOW + 2 * HOUR, native_id="o2")
    write(acme, WARM, author="olga", at=NOW + 3 * HOUR, native_id="o3")
    (back,) = of_week(acme).came_back
    assert (back.case, back.brand, back.source, back.posted_at) == ("1", "Acme", "forum", NOW + 2 * HOUR)


def test_kind_words_before_our_answer_or_of_somebody_else_are_no_coming_back(acme: Assembly) -> None:
    write(acme, ANGRY, author="olga", at=NOW, native_id="o1")
    write(acme, THANKS, author="olga", at=NOW + HOUR, native_id="o2")
    write(acme, THANKS, author="mira", at=NOW + 3 * HOUR)
    answer(acme, "o1", at=NOW + 2 * HOUR)
    assert of_week(acme).came_back == ()


def test_who_came_back_is_asked_by_their_own_cases(sqlite: Sqlite, tmp_path: Path) -> None:
    """With 50,000 cases of a brand, reading these for each kind word takes minutes."""
    acme = assembly_of(sqlite, settings_from(tmp_path))
    write(acme, WARM, author="mira", at=NOW)
    asked: list[str] = []
    sqlite._connection().set_trace_callback(asked.append)
    of_week(acme)
    sqlite._connection().set_trace_callback(None)
    (plan,) = (sqlite.rows(f"EXPLAIN QUERY PLAN {each}") for each in asked if "AS kind" in each)
    found = {row["detail"] for row in plan if row["detail"].startswith("SEARCH c ")}
    assert found == {"SEARCH c USING INDEX cases_by_author (source=? AND author=?)"}
