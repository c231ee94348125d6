"""What root makes beside the daemon's files is the daemon's: `sudo earful ...` must not shut it out."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.store import forgotten
from monitor.store.backup import restore_to
from monitor.store.ownership import as_its_folder
from monitor.store.schema import migrate
from monitor.store.sqlite import Sqlite
from monitor.store.sqlite_roles import FileRole, InUse

NOW = datetime(2026, 11, 29, tzinfo=UTC)
SOMEBODY = 12345
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can give files to another user")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    os.chown(folder, SOMEBODY, SOMEBODY)
    return folder


def owners(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_uid for path in folder.iterdir()}


def test_a_database_its_locks_and_copies_belong_to_the_owner_of_the_folder(state: Path, tmp_path: Path) -> None:
    path = state / "earful.sqlite"
    database = Sqlite(path)
    with database.transaction():
        database.run("CREATE TABLE t (x)")
    database.backup_to(state / "copy.sqlite")
    database.backup_to(tmp_path / "outside.sqlite")
    FileRole(path.with_name("earful.sqlite.daemon"), NOW).release()
    InUse(path).release()
    assert {"earful.sqlite", "earful.sqlite-wal", "copy.sqlite", "copy.sqlite.sha256"} <= set(owners(state))
    assert set(owners(state).values()) == {SOMEBODY}
    database.close()
    assert (tmp_path / "outside.sqlite").stat().st_uid == 0, "a copy elsewhere is whoever's who asked for it"


def test_a_restored_copy_belongs_to_the_owner_of_the_folder(state: Path, tmp_path: Path) -> None:
    made = Sqlite(tmp_path / "made.sqlite")
    migrate(made, NOW)
    made.backup_to(tmp_path / "copy.sqlite")
    made.close()
    restore_to(tmp_path / "copy.sqlite", state / "earful.sqlite", NOW)
    restore_to(tmp_path / "copy.sqlite", state / "earful.sqlite", NOW)  # now beside what stood there
    assert set(owners(state).values()) == {SOMEBODY}


def test_the_key_and_the_list_of_erasures_belong_to_the_owner_of_the_folder(state: Path) -> None:
    database = Sqlite(state / "earful.sqlite")
    migrate(database, NOW)
    with database.transaction():
        entries = forgotten.note(database, "forum", ["1"], ["ana"], NOW)
    forgotten.write(database, entries)
    database.close()
    assert {"earful.sqlite.erasures", "earful.sqlite.erasures-key"} <= set(owners(state))
    assert set(owners(state).values()) == {SOMEBODY}


def test_nothing_is_given_away_that_root_did_not_make_or_that_a_link_names(state: Path, tmp_path: Path) -> None:
    other = state / "other"
    other.touch()
    os.chown(other, SOMEBODY + 1, SOMEBODY + 1)
    as_its_folder(other)
    assert other.stat().st_uid == SOMEBODY + 1
    secret = tmp_path / "secret"
    secret.touch(0o600)
    (state / "link").symlink_to(secret)
    as_its_folder(state / "link")
    assert secret.stat().st_uid == 0
