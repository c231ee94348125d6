"""`earful db`: a look into the database that changes nothing, shows no secret, and takes what it prints for data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cli import app
from monitor.settings.loading import load
from monitor.store import web
from monitor.store.inspection import CannotAnswer, opened
from monitor.store.sqlite import Sqlite
from tests.helpers import NOW, assembly_of, post, settings_on, take


@pytest.fixture
def file(tmp_path: Path, sqlite: Sqlite) -> Path:
    """Settings on a database with one complaint in hostile words, and one user."""
    settings = settings_on(tmp_path, sqlite)
    acme = assembly_of(sqlite, load(settings, {}))
    take(acme, post("Acme charged me for the wrong box [/x] [red]\x1b[2J and nobody answers", author="olga"), now=NOW)
    web.add_user(sqlite, "Ana", "admin", NOW)
    sqlite.run("UPDATE users SET password = 'argon2-of-a-password'")
    return settings


def call(file: Path, *words: str, code: int = 0) -> str:
    ran = CliRunner().invoke(app, ["--settings", str(file), "db", *words], env={"COLUMNS": "80"})
    assert (1 if ran.exception else 0) == code, ran.output
    return ran.output + (str(ran.exception) if ran.exception else "")


def test_tables_are_listed_with_their_rows_and_without_the_insides_of_the_index(file: Path) -> None:
    listed = {each["table"]: each["rows"] for each in map(json.loads, call(file, "tables", "--json").splitlines())}
    assert (listed["posts"], listed["cases"], listed["users"]) == (1, 1, 1)
    assert not [name for name in listed if name.startswith("posts_fts_")]
    assert "posts" in call(file, "tables")


def test_rows_are_data_whatever_they_hold_and_no_secret_is_shown(file: Path) -> None:
    shown = call(file, "rows", "posts")
    assert "olga" in call(file, "rows", "posts", "--json")
    assert "\x1b" not in shown
    assert all(len(line) <= 80 for line in shown.splitlines()), shown
    [user] = map(json.loads, call(file, "rows", "users", "--json").splitlines())
    assert (user["name"], user["password"]) == ("Ana", "(secret)")
    assert "argon2-of-a-password" not in call(file, "analyze", "users")
    assert call(file, "rows", "posts", "--offset", "1") == "No rows.\n"


def test_a_question_is_answered_and_nothing_can_be_changed(file: Path, sqlite: Sqlite) -> None:
    asked = "SELECT author, count(*) AS n FROM posts GROUP BY author"
    assert json.loads(call(file, "query", asked, "--json")) == {"author": "olga", "n": 1}
    for statement in ("DELETE FROM posts", "PRAGMA user_version = 7", "DELETE FROM posts RETURNING id", "nonsense"):
        call(file, "query", statement, code=1)
    assert sqlite.row("SELECT count(*) AS n FROM posts") is not None
    assert json.loads(call(file, "query", "SELECT count(*) AS n FROM posts", "--json")) == {"n": 1}


def test_a_question_without_end_is_given_up(file: Path, sqlite: Sqlite) -> None:
    endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) AS n FROM c"
    with pytest.raises(CannotAnswer, match="took longer than 0 seconds"), opened(sqlite.path, seconds=0) as look:
        list(look.query(endless))


def test_columns_are_summed_up(file: Path) -> None:
    columns = {each["column"]: each for each in map(json.loads, call(file, "analyze", "posts", "--json").splitlines())}
    assert columns["author"]["most common"] == {"olga": 1}
    assert columns["deleted_at"]["empty"] == 1
    assert "olga 1" in call(file, "analyze", "posts")


def test_a_table_that_is_not_there_is_refused_with_the_nearest(file: Path) -> None:
    assert "write one of: posts" in call(file, "rows", "post", code=1)


def test_a_sound_file_is_called_sound_and_a_damaged_one_by_name(file: Path, sqlite: Sqlite) -> None:
    assert "No damage found" in call(file, "integrity")
    sqlite.checkpoint()
    pages = bytearray(sqlite.path.read_bytes())
    pages[4096 * 3 : 4096 * 6] = b"\xee" * 4096 * 3
    sqlite.path.write_bytes(bytes(pages))
    assert "restore the last backup" in call(file, "integrity", code=1) or "malformed" in call(
        file, "integrity", code=1
    )


def test_the_file_is_made_small_again_unless_a_daemon_works_on_it(file: Path, sqlite: Sqlite) -> None:
    sqlite.run_many(
        "INSERT INTO facts (key, value) VALUES (:key, :value)",
        ({"key": f"k{n}", "value": "x" * 9000} for n in range(300)),
    )
    sqlite.checkpoint()
    sqlite.run("DELETE FROM facts WHERE key LIKE 'k%'")
    sqlite.checkpoint()
    role = sqlite.hold_role("daemon", NOW)
    assert "stop it first" in call(file, "vacuum", code=1)
    role.release()
    before = sqlite.path.stat().st_size
    assert "MB now" in call(file, "vacuum")
    assert sqlite.path.stat().st_size < before - 2_000_000


def test_postgresql_has_a_program_of_its_own(tmp_path: Path, file: Path) -> None:
    text = file.read_text("utf-8")
    other = tmp_path / "other.toml"
    other.write_text(text.replace(f'"sqlite:{tmp_path.name}', '"sqlite:'), "utf-8")
    lines = ['url = "postgresql://a@127.0.0.1/b"' if line.startswith("url") else line for line in text.splitlines()]
    other.write_text("\n".join(lines), "utf-8")
    assert "psql" in call(other, "tables", code=1)
