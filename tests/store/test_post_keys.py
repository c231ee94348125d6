"""Who is erased stays known, and nobody can look it up by the network's id of a post without the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.people.identity import Actor
from monitor.privacy import forgetting, holds, retention
from monitor.privacy.carrying_over import carry_over
from monitor.store import case_log, causes, columns, forgotten, incidents, key_values, mentions, wiping
from monitor.store.database import encode, stamp
from monitor.wiring import Assembly
from tests.helpers import ANGRY, DAY, HOUR, LATE, NOW, case, count, post, take
from tests.privacy.test_what_is_left import dump, everything

HERS = {"native_id": "olga-1", "author": "olga", "author_id": "id-7"}
POST = mentions.post_id("forum", "olga-1")
MENTION = mentions.mention_id("Acme", POST)
OTHER = mentions.mention_id("Acme", mentions.post_id("forum", "mira-1"))


def plant(acme: Assembly) -> str:
    """Olga's post in every table that knows posts by their ids, and Mira's beside it; Olga's case."""
    (hers,) = take(acme, post(ANGRY, **HERS))
    take(acme, post(LATE, native_id="mira-1", author="mira"))
    database = acme.database
    with database.transaction():
        for each in (MENTION, OTHER):
            key_values.add_label(database, "Acme", each, "answer", "Ana", "page", NOW, who_id="settings:ana")
            causes.put(
                database, [{"mention_id": each, "cause_id": "c", "brand": "Acme", "posted_at": stamp(NOW), "place": 0,
                            "by_staff": 0}],
            )  # fmt: skip
            database.run(
                "INSERT INTO problem_told (problem, mention_id, who, who_id, at) VALUES (1, :mention, 'Ana', '', '')",
                {"mention": each},
            )
        incidents.join(database, "1", [MENTION, OTHER], NOW)
        database.run(
            "INSERT INTO competitor_mentions (post_id, competitor, source, author, posted_at, seen_at, label) "
            "SELECT id, 'Initech', source, author, posted_at, seen_at, 'negative' FROM posts"
        )
        database.run("INSERT INTO assistant_answers (mark, task, at) VALUES ('m', 'ask', '')")
        database.run(
            "INSERT INTO assistant_about (mark, what, id) SELECT 'm', 'post', id FROM posts WHERE author = 'olga'"
        )
    return hers


def rows_of(acme: Assembly, key: str) -> list[str]:
    """The tables and columns, classed as keys of posts, in which an id stands."""
    return [
        f"{name}.{column}"
        for name, table in columns.TABLES.items()
        for column in table.post_keys
        if acme.database.row(f"SELECT 1 AS one FROM {name} WHERE {column} = :key LIMIT 1", {"key": key})
    ]


def forget(acme: Assembly, how: str) -> None:
    database = acme.database
    if how == "erased":
        forgetting.erase(database, acme.rules, "forum", "olga", who="Ana", way="page", now=NOW + HOUR)
        return
    gone = (["olga-1"], []) if how == "deleted" else ([], ["id-7"])
    with database.transaction():
        forgetting.deleted(database, "forum", *gone, NOW + HOUR)


def test_every_column_that_names_posts_is_classed_so(acme: Assembly) -> None:
    plant(acme)
    named = {*rows_of(acme, POST), *rows_of(acme, MENTION)}
    assert named == {f"{name}.{each}" for name, table in columns.TABLES.items() for each in table.post_keys}
    text = [
        f"{name}.{column}"
        for name in columns.TABLES
        for column in acme.database.columns_of(name)
        for row in acme.database.rows(f"SELECT {column} AS one FROM {name}")
        if any(key in str(row["one"]) for key in (POST, MENTION))
    ]
    assert set(text) == named


@pytest.mark.parametrize("how", ["erased", "deleted", "of a gone account"])
def test_neither_id_is_left_in_table_file_copy_or_dump(acme: Assembly, tmp_path: Path, how: str) -> None:
    plant(acme)
    forget(acme, how)
    assert [each for each in (POST, MENTION, "olga-1") if each in everything(acme.database)] == []
    assert wiping.wipe(acme.database, NOW + HOUR)
    left = dump(acme.database, tmp_path)
    assert [each for each in (POST, MENTION, "olga-1") if each.encode() in left] == []
    assert OTHER.encode() in left, "whoever was not erased is known as before"


def test_what_hangs_on_the_mention_hangs_on_it_still(acme: Assembly) -> None:
    hers = plant(acme)
    database = acme.database
    kept = "SELECT posted_at, lane, label, case_id, seen_at FROM mentions ORDER BY case_id"
    before = [dict(row) for row in database.rows(kept)]
    hanging = {table: count(database, table) for table in ("labels", "caused", "problem_told")}
    forget(acme, "erased")
    assert [dict(row) for row in database.rows(kept)] == before
    for table, rows in hanging.items():
        assert count(database, f"{table} x JOIN mentions m ON m.id = x.mention_id") == rows
    assert count(database, "competitor_mentions c JOIN posts p ON p.id = c.post_id") == 2
    assert count(database, "mentions m JOIN posts p ON p.id = m.post_id", f"m.case_id = '{hers}'") == 1
    (heard,) = database.rows("SELECT sum(n) AS n FROM heard")
    assert heard["n"] == 2


def test_an_id_in_the_order_of_its_network_goes_too(acme: Assembly) -> None:
    (hers,) = take(acme, post(ANGRY, native_id="1110000000000000001", author="olga"))
    key = mentions.post_key(acme.database, "forum", "1110000000000000001")
    assert "posts.id" in rows_of(acme, key)
    forget(acme, "erased")
    order = key[:8]
    ids = [row["id"] for name in ("posts", "mentions") for row in acme.database.rows(f"SELECT id FROM {name}")]
    assert [each for each in ids if each.startswith(order)] == []
    assert case(acme.database, hers).author == ""
    assert acme.intake.take([post(ANGRY, native_id="1110000000000000001", author="olga")], NOW + HOUR).forgotten == 1


def test_read_again_it_is_known_and_does_not_come_back(acme: Assembly) -> None:
    plant(acme)
    forget(acme, "erased")
    for _ in range(2):
        read = acme.intake.take([post(ANGRY, **HERS), post(LATE, native_id="mira-1", author="mira")], NOW + 2 * HOUR)
        assert (read.forgotten, read.new, read.opened) == (1, 0, [])
    with acme.database.transaction():
        assert forgetting.deleted(acme.database, "forum", ["olga-1"], ["id-7"], NOW + 2 * HOUR) == []
    assert count(acme.database, "posts") == 2


def test_by_another_name_it_is_known_where_an_older_copy_forgot_it_again(acme: Assembly) -> None:
    """The list knew her as an author; she has another name by now, and her id was never told."""
    plant(acme)
    forget(acme, "erased")
    acme.database.run("DELETE FROM forgotten")
    acme.database.run("DELETE FROM facts WHERE key LIKE 'erasures:%'")
    take(acme, post(ANGRY, native_id="olga-2", author="olga", at=NOW - HOUR))
    assert carry_over(acme.database, NOW + 2 * HOUR).posts == 1
    read = acme.intake.take([post(ANGRY, native_id="olga-2", author="new name", at=NOW - HOUR)], NOW + 3 * HOUR)
    assert (read.forgotten, read.new) == (1, 0)
    assert mentions.post_id("forum", "olga-2") not in everything(acme.database)


def test_a_case_on_hold_is_hidden_when_the_hold_ends(acme: Assembly) -> None:
    hers, ana = plant(acme), Actor("settings:ana", "Ana")
    holds.hold(acme.database, hers, "a claim", 30, who=ana, way="page", now=NOW)
    forget(acme, "erased")
    assert case(acme.database, hers).author == "", "hidden, and not erased"
    assert POST in everything(acme.database), "under seal"
    holds.end(acme.database, hers, who=ana, way="page", now=NOW + DAY)
    assert [each for each in (POST, MENTION, "olga-1") if each in everything(acme.database)] == []
    read = acme.intake.take([post(ANGRY, **HERS)], NOW + DAY)
    assert (read.forgotten, read.new) == (1, 0)


def test_by_its_age_it_stays_known_by_its_id_whatever_becomes_of_the_key(acme: Assembly) -> None:
    hers = plant(acme)
    acme.database.run("UPDATE cases SET closed_at = :now WHERE id = :id", {"now": stamp(NOW), "id": hers})
    retention.retain(acme.database, acme.settings, NOW + 366 * DAY)
    assert {"posts.id", "mentions.post_id"} <= set(rows_of(acme, POST))


def test_where_no_key_can_be_kept_what_a_network_deleted_stays_known_by_its_id(acme: Assembly) -> None:
    plant(acme)
    acme.database.beside = None
    forget(acme, "deleted")
    assert "posts.id" in rows_of(acme, POST)
    assert count(acme.database, "forgotten") == 0
    assert acme.intake.take([post(ANGRY, **HERS)], NOW + 2 * HOUR).new == 0


def test_without_the_key_nothing_leads_to_it(acme: Assembly) -> None:
    plant(acme)
    forget(acme, "erased")
    path = forgotten.key_file(acme.database)
    assert path is not None
    mine = forgotten.row_id(bytes.fromhex(path.read_text().strip()), POST)
    assert "posts.id" in rows_of(acme, mine)
    assert rows_of(acme, forgotten.row_id(b"another", POST)) == []


def test_what_a_version_before_erased_is_found_by_when_it_was_and_hidden_once(acme: Assembly) -> None:
    hers, at = plant(acme), NOW + HOUR
    with acme.database.transaction():
        forgotten.note(acme.database, "forum", ["olga-1"], ["olga"], at)
        forgetting.forget(acme.database, [POST], [hers], at, "purged_at", names=["olga"])
    for better in (True, False):
        acme.database.run(
            "INSERT INTO case_log (case_id, at, what, detail) VALUES (:case, :at, 'next words', :detail)",
            {"case": hers, "at": stamp(NOW), "detail": encode({"better": better, "mention": MENTION})},
        )
    take(acme, post(ANGRY, native_id="old", author="nina", at=NOW - 400 * DAY))
    acme.database.run("UPDATE cases SET closed_at = :now", {"now": stamp(NOW)})
    for _ in range(2):
        retention.retain(acme.database, acme.settings, NOW + 2 * HOUR)
    assert [each for each in (POST, MENTION) if each in everything(acme.database)] == []
    assert [line.detail for line in case_log.of_case(acme.database, hers) if line.what == "next words"] == [
        {"better": True}, {"better": False},
    ]  # fmt: skip
    assert count(acme.database, "posts", "purged_at <> ''") == 2
    assert mentions.post_id("forum", "old") in everything(acme.database), "by its age: it is known by its id"
