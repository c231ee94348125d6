"""Posts and mentions on both databases: added once, refreshed, emptied with their keys kept, and found again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.assembly import Assembly
from monitor.store import cases, mentions
from monitor.store.database import Postgresql, Sqlite, stamp
from tests.hall import (
    ANGRY,
    BROKEN,
    CALM,
    DAY,
    HOUR,
    LATE,
    MINUTE,
    NOW,
    assembly_of,
    case,
    count,
    post,
    settings_from,
    take,
)

Base = Sqlite | Postgresql


@pytest.fixture
def acme(database: Base, tmp_path: Path) -> Assembly:
    return assembly_of(database, settings_from(tmp_path))


def found(acme: Assembly, **wanted: object) -> list[str]:
    return [each.post.native_id for each in mentions.find(acme.database, mentions.Filter(**wanted))]  # type: ignore[arg-type]


def test_a_post_comes_back_as_it_went_in(acme: Assembly) -> None:
    full = post(
        ANGRY,
        native_id="full",
        author_name="Olga",
        title="A title",
        lang="en",
        reach=12,
        rating=2.5,
        parent_id="p",
        thread_id="t",
        edited_at=NOW,
        raw='{"a": 1}',
        reply_text="Sorry",
        replied_at=NOW,
    )
    take(acme, full)
    (one,) = mentions.find(acme.database, mentions.Filter())
    assert one.post == full
    assert mentions.one(acme.database, one.id) == one
    assert mentions.one(acme.database, "unknown") is None


def test_rows_that_stand_already_stay_as_they_are(acme: Assembly) -> None:
    row = mentions.post_row(post(ANGRY, native_id="a"), stamp(NOW))
    with acme.database.transaction():
        mentions.add_posts(acme.database, [row, {**row, "text": "other"}, {**row, "id": "x", "text": "other"}])
        mentions.add_posts(acme.database, [row])
        mentions.add_posts(acme.database, [])
    assert [each["text"] for each in acme.database.rows("SELECT text FROM posts")] == [ANGRY]


def test_mentions_are_found_by_what_they_are(acme: Assembly) -> None:
    take(
        acme,
        post(ANGRY, native_id="a", author="olga", ago=3 * MINUTE),
        post("Globex lights are lovely, love them", native_id="b", author="paul", source="chirp", ago=2 * MINUTE),
        post(CALM, native_id="c", author="mira", ago=MINUTE),
    )
    assert found(acme) == ["c", "b", "a"]
    assert found(acme, limit=1) == ["c"]
    assert found(acme, brand="Globex") == ["b"]
    assert found(acme, source="forum") == ["c", "a"]
    assert found(acme, author="olga") == ["a"]
    assert found(acme, since=NOW - 2 * MINUTE) == ["c", "b"]
    assert found(acme, until=NOW - 2 * MINUTE) == ["a"]
    assert found(acme, before=stamp(NOW - MINUTE)) == ["b", "a"]
    assert found(acme, search="CHARGED twice") == ["a"]
    assert found(acme, search="twice unheard-of") == []


@pytest.mark.parametrize(
    "words",
    ['"', "*", "NEAR(", "a AND", "^x", "title:x", "'; DROP TABLE posts; --", "\x00", "\ud800", "%", "\\", "()", "-",
     "a" * 100_000, "word " * 20_000, "\u202e\u2028", ":name", "%(name)s", "{0}", "🙂", "!!!"],
    ids=lambda words: ascii(words[:12]),
)  # fmt: skip
def test_whatever_people_type_into_a_search_is_only_words(acme: Assembly, words: str) -> None:
    take(acme, post(ANGRY, native_id="a"))
    assert found(acme, search=words) in ([], ["a"])
    assert count(acme.database, "posts") == 1


def test_an_edited_post_is_found_by_its_new_words_only(acme: Assembly) -> None:
    first = post(ANGRY, native_id="a")
    take(acme, first)
    take(acme, replace(first, text=LATE))
    assert (found(acme, search="charged"), found(acme, search="arrived")) == ([], ["a"])


def test_deleting_empties_the_words_and_keeps_the_key(acme: Assembly) -> None:
    take(acme, post(ANGRY, native_id="a", author_name="Olga"), post(BROKEN, native_id="b", author="mira"))
    with acme.database.transaction():
        assert len(mentions.delete_posts(acme.database, "forum", ["a", "unknown"], NOW)) == 1
    assert found(acme) == ["b"]
    assert found(acme, search="charged") == []
    (gone,) = acme.database.rows("SELECT * FROM posts WHERE deleted_at <> ''")
    kept = (gone["text"], gone["author"], gone["author_name"], gone["url"], gone["raw"], gone["native_id"])
    assert kept == ("", "", "", "", "", "a")
    with acme.database.transaction():
        assert mentions.delete_posts(acme.database, "forum", ["a"], NOW) == []


def test_retention_empties_old_posts_keeps_their_keys_and_leaves_open_cases_alone(acme: Assembly) -> None:
    old = NOW - 400 * DAY
    done, waiting, calm, young = (
        post(ANGRY, native_id="done", author="a", at=old),
        post(BROKEN, native_id="waiting", author="b", at=old),
        post(CALM, native_id="calm", author="c", at=old),
        post(LATE, native_id="young", author="d"),
    )
    take(acme, done, waiting, calm, young)
    closed = next(each.case_id for each in mentions.find(acme.database, mentions.Filter(author="a")))
    cases.change(acme.database, closed, closed_at=NOW, outcome="solved")
    emptied = 0
    while step := mentions.purge(acme.database, NOW - 365 * DAY, NOW, limit=1):
        emptied += step
    states = {row["native_id"]: bool(row["text"]) for row in acme.database.rows("SELECT native_id, text FROM posts")}
    assert states["done"] is False
    assert (states["waiting"], states["young"]) == (True, True)
    assert emptied == sum(not words for words in states.values())
    assert take(acme, done, calm, now=NOW + HOUR) == []  # they do not come in again
    assert count(acme.database, "posts") == 4
    assert found(acme, search="charged") == []


def test_what_one_author_wrote_can_be_removed(acme: Assembly) -> None:
    take(acme, post(ANGRY, native_id="a"), post(CALM, native_id="b"), post(BROKEN, native_id="c", author="mira"))
    assert mentions.erase_author(acme.database, "forum", "olga", NOW) == 2
    assert mentions.erase_author(acme.database, "forum", "olga", NOW) == 0
    assert count(acme.database, "posts", "author = 'olga' OR text LIKE '%charged%'") == 0
    assert count(acme.database, "posts") == 3


def test_open_cases_come_first_then_the_most_urgent_then_the_longest_waiting(acme: Assembly) -> None:
    take(acme, *(post(f"{LATE} {n} {n * 37}", author=f"c{n}", at=NOW - timedelta(minutes=9 - n)) for n in range(5)))
    by_author = {row["author"]: row["id"] for row in acme.database.rows("SELECT id, author FROM cases")}
    cases.change(acme.database, by_author["c0"], closed_at=NOW, outcome="solved")
    cases.change(acme.database, by_author["c1"], answered_at=NOW)
    cases.change(acme.database, by_author["c4"], priority="critical")
    order = [row["author"] for row in cases.find(acme.database, cases.Filter())]
    assert order == ["c4", "c2", "c3", "c1", "c0"]
    assert len(cases.find(acme.database, cases.Filter(only_open=True))) == 4
    assert len(cases.find(acme.database, cases.Filter(limit=2, offset=4))) == 1
    assert cases.find(acme.database, cases.Filter(brand="'; DROP TABLE cases; --")) == []


def test_an_unknown_column_is_refused_before_sql(acme: Assembly) -> None:
    with pytest.raises(KeyError):
        cases.change(acme.database, "1", **{"owner = '' --": "x"})
    with pytest.raises(KeyError):
        cases.new_row(nonsense=1)


def test_case_numbers_go_on_where_they_stopped(acme: Assembly) -> None:
    assert take(acme, post(ANGRY)) == ["1"]
    assert take(acme, post(BROKEN, author="mira")) == ["2"]
    assert case(acme.database, "2").author == "mira"
