"""`earful move` as a person calls it: what it says, what it takes along, and that no daemon starts on both."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from pathlib import Path

import psycopg
import pytest

from monitor.privacy import forgetting
from monitor.settings.loading import load
from monitor.store import audit, moving
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.store.sqlite_roles import FileRole, InUse
from monitor.wiring import open_store
from tests.cli.program import earful
from tests.helpers import DAY, LATE, NOW, assembly_of, count, post, settings_from, settings_on, take

BY_NAME = 'url = { env = "EARFUL_DATABASE_URL" }'


def on_postgresql(folder: Path, state: Path) -> Path:
    """The settings as they should be afterwards."""
    folder.mkdir(exist_ok=True)
    file = settings_from(folder, earful=f'state_folder = "{state}"').file
    file.write_text(file.read_text("utf-8").replace('url = "sqlite:unused.sqlite"', BY_NAME), "utf-8")
    return file


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_everything_goes_over_and_no_daemon_starts_on_the_file(
    tmp_path: Path, sqlite: Sqlite, new_postgresql: str
) -> None:
    acme = assembly_of(sqlite, settings_from(tmp_path))
    settings, copy = settings_on(tmp_path, sqlite), tmp_path / "copy.sqlite"
    take(acme, *(post(author=f"c{number}") for number in range(30)), post(LATE, author="gone", native_id="erased"))
    forgetting.erase(sqlite, acme.rules, "forum", "gone", who="Ana", way="command line", now=NOW)
    sqlite.close()
    (tmp_path / "earful.sqlite.presses").mkdir()
    (tmp_path / "earful.sqlite.presses" / "one.json").write_text("{}", "utf-8")
    assert earful(settings, "backup", str(copy)).returncode == 0
    shown, before = earful(settings, "cases", "--json").stdout, sha(sqlite.path)
    assert shown.count("\n") == 31

    moved = earful(settings, "move", EARFUL_DATABASE_URL=new_postgresql)
    assert moved.returncode == 0, moved.stderr
    assert "all of them were read back and agree" in moved.stdout
    assert f'state_folder = "{tmp_path}"' in moved.stdout
    assert sha(sqlite.path) == before
    for words in (
        ["status"], ["run"], ["check"], ["db", "vacuum"], ["db", "tables"], ["restore", str(copy)],
        ["move", "--to", new_postgresql],
    ):  # fmt: skip
        refused = earful(settings, *words)
        assert refused.returncode == 78, words
        assert "was moved to PostgreSQL at" in refused.stderr
        assert "set [database] url to it" in refused.stderr
    assert earful(settings, "restore", "--verify", str(copy)).returncode == 0

    now = on_postgresql(tmp_path / "new", tmp_path)
    assert earful(now, "cases", "--json", EARFUL_DATABASE_URL=new_postgresql).stdout == shown
    assert (tmp_path / "presses" / "one.json").exists()
    read = load(now, {"EARFUL_DATABASE_URL": new_postgresql})
    database = open_store(read, NOW)
    late = (post(LATE, author=author, at=NOW - DAY, native_id=author) for author in ("gone", "stays"))
    take(assembly_of(database, read), *late)
    assert count(database, "posts", "author = 'gone'") == 0, "whoever was erased stays so"
    assert count(database, "posts", "author = 'stays'") == 1
    told = [line.about for line in audit.lines(database, audit.Filter(), 99) if line.event == "export"]
    assert "the whole database, moved to PostgreSQL" in told
    database.close()


def test_erasures_that_only_the_list_knows_are_done_there(tmp_path: Path, sqlite: Sqlite, new_postgresql: str) -> None:
    acme = assembly_of(sqlite, settings_from(tmp_path))
    settings, copy = settings_on(tmp_path, sqlite), tmp_path / "copy.sqlite"
    take(acme, post(author="stays"), post(LATE, author="gone"))
    sqlite.backup_to(copy)
    forgetting.erase(sqlite, acme.rules, "forum", "gone", who="Ana", way="command line", now=NOW)
    sqlite.close()
    shutil.copyfile(copy, sqlite.path)  # by hand: the copy knows nothing of the erasure, the list beside it does
    elsewhere = tmp_path / "elsewhere"
    named = settings.read_text("utf-8").replace("[earful]", f'[earful]\nstate_folder = "{elsewhere}"')
    settings.write_text(named, "utf-8")
    moved = earful(settings, "move", "--to", new_postgresql, "--json")
    assert moved.returncode == 0, moved.stderr
    assert json.loads(moved.stdout)["erased_again"] == 1
    database = Postgresql(new_postgresql)
    assert [row["author"] for row in database.rows("SELECT author FROM posts ORDER BY author")] == ["", "stays"]
    database.close()
    assert (elsewhere / "earful.erasures-key").read_bytes() == (tmp_path / "earful.sqlite.erasures-key").read_bytes()
    assert (elsewhere / "earful.erasures-key").stat().st_mode & 0o777 == 0o600


def test_it_refuses_while_somebody_works_on_the_file(tmp_path: Path, sqlite: Sqlite, new_postgresql: str) -> None:
    settings = settings_on(tmp_path, sqlite)
    role = FileRole(tmp_path / "earful.sqlite.daemon", NOW)
    refused = earful(settings, "move", "--to", new_postgresql)
    assert (refused.returncode, "is already in use by" in refused.stderr) == (75, True)
    role.release()
    page = InUse(sqlite.path)
    refused = earful(settings, "move", "--to", new_postgresql)
    assert (refused.returncode, "stop that first" in refused.stderr) == (75, True)
    page.release()
    database = Postgresql(new_postgresql)
    held = database.hold_role("daemon", NOW)
    refused = earful(settings, "move", "--to", new_postgresql)
    assert (refused.returncode, "is already in use by" in refused.stderr) == (75, True)
    held.release()
    database.close()
    assert not moving.mark_of(sqlite.path).exists()


def test_a_move_that_is_not_finished_keeps_the_daemon_away_and_says_how_to_go_on(
    tmp_path: Path, sqlite: Sqlite, new_postgresql: str
) -> None:
    file, database = moving.MovedFile(sqlite.path), Postgresql(new_postgresql)
    moving.begin(file, database)
    file.close()
    database.close()
    now = on_postgresql(tmp_path / "new", tmp_path)
    for command in ("status", "run"):
        refused = earful(now, command, EARFUL_DATABASE_URL=new_postgresql)
        assert refused.returncode == 78
        assert f"earful move --from {sqlite.path} --to URL" in refused.stderr
    assert earful(now, "move", EARFUL_DATABASE_URL=new_postgresql).returncode == 1, "which file?"
    went_on = earful(now, "move", "--from", str(sqlite.path), "--json", EARFUL_DATABASE_URL=new_postgresql)
    assert json.loads(went_on.stdout)["run"] == "goes on"
    assert went_on.stderr == "Going on where the last run stopped.\n"
    assert earful(now, "status", "--json", EARFUL_DATABASE_URL=new_postgresql).returncode == 0


def test_an_address_that_does_not_work_is_told_without_its_password(
    tmp_path: Path, sqlite: Sqlite, postgresql_server: str, new_postgresql: str
) -> None:
    settings = settings_on(tmp_path, sqlite)
    for address, code, said in (
        ("sqlite:other.sqlite", 1, "--to: write postgresql://USER:PASSWORD@HOST/NAME"),
        ("postgresql://me:s3cret@127.0.0.1:1/none", 75, "PostgreSQL at 127.0.0.1, database none"),
        ("postgresql://me:s3cret@[/", 78, "--to: can't be read"),
    ):
        refused = earful(settings, "move", "--to", address)
        assert (refused.returncode, said in refused.stderr) == (code, True), refused.stderr
        assert "s3cret" not in refused.stderr
    with psycopg.connect(new_postgresql, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
        connection.execute("CREATE ROLE nobody_there LOGIN")
    try:
        head, _, rest = new_postgresql.partition("postgres:")
        refused = earful(settings, "move", "--to", f"{head}nobody_there:{rest}")
        assert refused.returncode == 78
        assert "its user may not create tables there" in refused.stderr
    finally:
        with psycopg.connect(postgresql_server, autocommit=True) as connection:
            connection.execute("DROP ROLE nobody_there")
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE narrow ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        narrow = new_postgresql.replace(new_postgresql.partition("?")[0].rpartition("/")[2], "narrow")
        refused = earful(settings, "move", "--to", narrow)
        assert (refused.returncode, "its encoding is LATIN1" in refused.stderr) == (78, True)
    finally:
        with psycopg.connect(postgresql_server, autocommit=True) as connection:
            connection.execute("DROP DATABASE narrow WITH (FORCE)")
    assert not moving.mark_of(sqlite.path).exists()


def test_the_address_can_come_by_standard_input(
    tmp_path: Path, sqlite: Sqlite, new_postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_on(tmp_path, sqlite)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{new_postgresql}\n"))
    assert earful(settings, "move", "--to", "-").returncode == 0
    assert moving.mark_of(sqlite.path).exists()
