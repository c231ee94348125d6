"""The forgotten do not come back: not by reading, not by a file, not out of an older copy, not on another machine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from typer.testing import CliRunner

from monitor.cli import app
from monitor.privacy import forgetting
from monitor.privacy.carrying_over import Carried, carry_over
from monitor.store import columns, forgotten
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import (
    ANGRY,
    BROKEN,
    HOUR,
    LATE,
    NOW,
    case,
    count,
    post,
    settings_on,
    take,
)

Base = Sqlite | Postgresql


def erase(acme: Assembly, author: str = "olga") -> forgetting.Known:
    return forgetting.erase(acme.database, acme.rules, "forum", author, who="Ana", way="page", now=NOW + HOUR)


def like_before(acme: Assembly) -> None:
    """The database as an older copy has it: nothing is known of the erasure, and the words stand."""
    with acme.database.transaction():
        for name in (
            "case_log",
            "mentions",
            "labels",
            "own_posts",
            "events",
            "deliveries",
            "cases",
            "stories",
            "posts",
        ):
            acme.database.run(f"DELETE FROM {name}")
        acme.database.run("DELETE FROM forgotten")
        acme.database.run("DELETE FROM facts WHERE key LIKE 'erasures:%'")


HERS = {"author_id": "id-7", "thread_id": "t"}


def test_neither_her_posts_nor_others_of_before_come_in_again(acme: Assembly) -> None:
    take(acme, post(ANGRY, native_id="a", **HERS), post(LATE, native_id="c", author="mira"))
    erase(acme)
    like_before(acme)
    forgotten_before = Carried(3, 0, 0, str(forgotten.key_file(acme.database)))
    assert carry_over(acme.database, NOW + 2 * HOUR) == forgotten_before
    read = acme.intake.take(
        [
            post(ANGRY, native_id="a", **HERS),
            post(BROKEN, native_id="older", **HERS),
            post(BROKEN, native_id="renamed", author="olga_new", **HERS),
            post(BROKEN, native_id="by name", author="@Olga"),
            post(LATE, native_id="c", author="mira"),
        ],
        NOW + 2 * HOUR,
    )
    assert (read.forgotten, read.new) == (4, 1)
    assert {row["author"] for row in acme.database.rows("SELECT author FROM posts")} == {"mira"}
    after = take(acme, post(BROKEN, native_id="b", at=NOW + 2 * HOUR, **HERS), now=NOW + 2 * HOUR)
    assert len(after) == 1, "what she writes from now on is heard like anybody's"


def test_what_a_network_deleted_stays_away_and_its_author_is_heard(acme: Assembly) -> None:
    take(acme, post(ANGRY, native_id="a", **HERS))
    with acme.database.transaction():
        forgetting.deleted(acme.database, "forum", ["a"], (), NOW)
    like_before(acme)
    carry_over(acme.database, NOW)
    read = acme.intake.take([post(ANGRY, native_id="a", **HERS), post(BROKEN, native_id="b", **HERS)], NOW)
    assert (read.forgotten, read.new) == (1, 1)


def test_an_older_copy_forgets_again_and_closes_what_is_open(acme: Assembly) -> None:
    (first,) = take(acme, post(ANGRY, native_id="a", **HERS))
    erase(acme)
    like_before(acme)
    acme.database.run("DELETE FROM forgotten")
    (again,) = take(acme, post(ANGRY, native_id="a", **HERS))
    (other,) = take(acme, post(LATE, native_id="c", author="mira"))
    carried = carry_over(acme.database, NOW + 2 * HOUR)
    assert (carried.entries, carried.posts, carried.without_key) == (3, 1, 0)
    assert carried.words == "Carried over 3 erasures made since then: 1 post erased again."
    found = case(acme.database, again)
    assert (found.author, found.outcome, found.closed_by) == ("", "deleted", "Earful")
    assert case(acme.database, other).author == "mira"
    assert carry_over(acme.database, NOW + 2 * HOUR).words == "", "once"
    assert first


def test_without_the_key_nobody_can_tell_and_it_is_said(acme: Assembly) -> None:
    take(acme, post(ANGRY, native_id="a", **HERS))
    erase(acme)
    key = forgotten.key_file(acme.database)
    assert key is not None
    assert key.stat().st_mode & 0o777 == 0o600
    secret = key.read_text()
    key.unlink()
    like_before(acme)
    take(acme, post(ANGRY, native_id="a", **HERS))
    carried = carry_over(acme.database, NOW)
    assert (carried.posts, carried.without_key) == (0, 3)
    assert "their key is missing" in carried.words
    assert str(key) in carried.words
    erase(acme, "nobody at all")
    take(acme, post(LATE, native_id="c", author="mira"))
    erase(acme, "mira")  # under a key of this machine's own
    key.write_text(key.read_text() + secret)
    assert carry_over(acme.database, NOW).posts == 1, "with the key of the other machine below it, it is told"
    assert forgotten.without_key(acme.database) == 0


def test_neither_names_nor_ids_nor_the_key_stand_in_database_and_list(acme: Assembly) -> None:
    take(acme, post(ANGRY, native_id="native-a", **HERS))
    erase(acme)
    key, listed = forgotten.key_file(acme.database), forgotten.list_file(acme.database)
    assert key is not None
    assert listed is not None
    rows = [str(dict(row)) for name in columns.TABLES for row in acme.database.rows(f"SELECT * FROM {name}")]
    for text in (listed.read_text(), "\n".join(rows)):
        assert not [each for each in ("olga", "id-7", "native-a", key.read_text().strip()) if each in text]
    assert listed.stat().st_mode & 0o777 == 0o600


def test_our_own_reply_to_somebody_forgotten_is_not_kept(acme: Assembly) -> None:
    take(acme, post(ANGRY, native_id="a", **HERS))
    erase(acme)
    reply = post("@olga sorry, Olga", author="acme_care", native_id="own", parent_id="a", at=NOW + HOUR)
    with acme.database.transaction():
        acme.answers.take([reply], NOW + HOUR)
    assert count(acme.database, "own_posts") == 0


def test_a_list_that_was_cut_or_lost_is_written_anew(acme: Assembly) -> None:
    take(acme, post(ANGRY, native_id="a", **HERS))
    erase(acme)
    listed = forgotten.list_file(acme.database)
    assert listed is not None
    whole = listed.read_text()
    carry_over(acme.database, NOW)
    for left in (None, whole[:-20] + "\n"):
        listed.unlink()
        if left is not None:
            listed.write_text(left)
        carry_over(acme.database, NOW)
        assert {line for line in listed.read_text().splitlines() if line.endswith("]")} == set(whole.splitlines())


def call(file: Path, *words: str) -> str:
    result = CliRunner().invoke(app, ["--settings", str(file), *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_import_and_restore_ask_and_say_how_many(sqlite: Sqlite, tmp_path: Path) -> None:
    file = settings_on(tmp_path, sqlite)
    rows = [{"id": "a", "text": ANGRY, "author": "olga", "at": "2026-03-01T10:00:00Z"},
            {"id": "b", "text": LATE, "author": "mira", "at": "2026-03-01T10:00:00Z"}]  # fmt: skip
    (tmp_path / "posts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    words = ("import", str(tmp_path / "posts.jsonl"), "--source", "forum", "--author", "author", "--posted-at", "at")
    call(file, *words)
    call(file, "backup", str(tmp_path / "copy"))
    call(file, "erase", "--source", "forum", "--author", "olga", "--yes")
    again = [{**row, "id": f"{row['id']}2"} for row in rows]
    (tmp_path / "posts.jsonl").write_text("\n".join(map(json.dumps, again)))
    assert "1 post skipped: erased here, or deleted on the network" in call(file, *words)
    sqlite.close()
    said = call(file, "restore", str(tmp_path / "copy"))
    assert "Carried over 2 erasures made since then: 1 post erased again." in said
    database = Sqlite(sqlite.path)
    assert [row["author"] for row in database.rows("SELECT author FROM posts ORDER BY author")] == ["", "mira"]
    database.close()
    assert b"wrong box" not in sqlite.path.read_bytes()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    call(file, "backup", str(tmp_path / "newer"))
    there = elsewhere / "settings.toml"
    shutil.copyfile(file, there)
    moved = call(there, "restore", str(tmp_path / "newer"))
    assert "2 erasures can't be read because their key is missing" in moved
    assert json.loads(call(there, "status", "--json").splitlines()[0])["erasures_without_key"] == 2
