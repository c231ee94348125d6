"""A copy and its sum: `sha256sum -c` reads it, no damaged copy passes, and what is not proven is said."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from monitor.store import sums
from monitor.store.backup import restore_to
from monitor.store.database import DatabaseUnusable, RoleTaken
from monitor.store.schema import migrate
from monitor.store.sqlite import Sqlite
from monitor.store.sqlite_roles import InUse
from tests.helpers import NOW, count


@pytest.fixture
def copy(sqlite: Sqlite, tmp_path: Path) -> Path:
    """A copy of a small database."""
    migrate(sqlite, NOW)
    made = tmp_path / "copies" / "copy.sqlite"
    made.parent.mkdir()
    sqlite.backup_to(made)
    return made


@pytest.mark.parametrize("name", ["copy.sqlite", "a copy of mine.sqlite", "back\\slash\n.sqlite", "größe.sqlite"])
def test_sha256sum_reads_what_stands_beside_a_copy(sqlite: Sqlite, tmp_path: Path, name: str) -> None:
    if shutil.which("sha256sum") is None:
        pytest.skip("NOT TESTED: no sha256sum here")
    sqlite.backup_to(tmp_path / name)
    ran = subprocess.run(
        ["sha256sum", "-c", f"{name}.sha256"], cwd=tmp_path, capture_output=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert restore_to(tmp_path / name, sqlite.path, NOW, only_check=True).endswith("identical to what was written.")


def test_no_copy_with_one_wrong_byte_passes(copy: Path, sqlite: Sqlite) -> None:
    """SQLite's own check passed 18 of 25 of these: a wrong letter in a text breaks no page."""
    body = copy.read_bytes()
    for number in range(25):
        at = (len(body) - 1) * number // 24
        copy.write_bytes(body[:at] + bytes([body[at] ^ 0x01]) + body[at + 1 :])
        with pytest.raises(DatabaseUnusable, match=r"copy\.sqlite"):
            restore_to(copy, sqlite.path, NOW, only_check=True)


def test_a_copy_without_its_sum_is_read_whole_and_called_not_proven(copy: Path, sqlite: Sqlite) -> None:
    sums.beside(copy).unlink()
    assert "Not verified: copy.sqlite.sha256 is missing" in restore_to(copy, sqlite.path, NOW, only_check=True)
    body = copy.read_bytes()
    copy.write_bytes(body[: 3 * 4096] + b"\xff" * 4096 + body[4 * 4096 :])
    with pytest.raises(DatabaseUnusable, match="is damaged"):
        restore_to(copy, sqlite.path, NOW, only_check=True)


@pytest.mark.parametrize("said", [b"", b"\xff\xfe\x00", b"d41d8cd98f00b204e9800998ecf8427e  copy.sqlite\n"])
def test_a_sum_that_is_none_is_no_proof(copy: Path, sqlite: Sqlite, said: bytes) -> None:
    sums.beside(copy).write_bytes(said)
    with pytest.raises(DatabaseUnusable, match="contains no SHA-256 sum"):
        restore_to(copy, sqlite.path, NOW, only_check=True)


def test_nothing_but_the_copy_and_its_sum_is_left(copy: Path, sqlite: Sqlite, tmp_path: Path) -> None:
    before = {each.name for each in sqlite.path.parent.iterdir()}
    assert {each.name for each in copy.parent.iterdir()} == {"copy.sqlite", "copy.sqlite.sha256"}
    restore_to(copy, sqlite.path, NOW, only_check=True)
    assert {each.name for each in sqlite.path.parent.iterdir()} == before
    assert tmp_path.exists()


def test_nothing_is_put_back_under_a_running_page(copy: Path, sqlite: Sqlite) -> None:
    first, second = InUse(sqlite.path), InUse(sqlite.path)  # two pages beside each other are no fault
    first.release()
    with pytest.raises(DatabaseUnusable, match=r"in use by a running `earful web`.*nothing was changed"):
        restore_to(copy, sqlite.path, NOW)
    second.release()
    assert "Restored" in restore_to(copy, sqlite.path, NOW)


def test_no_page_begins_while_a_copy_is_put_back(sqlite: Sqlite) -> None:
    alone = InUse(sqlite.path, alone=True)
    with pytest.raises(RoleTaken, match="is being restored"):
        InUse(sqlite.path)
    alone.release()
    InUse(sqlite.path).release()


# The open file and its path


def test_an_open_file_that_was_deleted_or_replaced_is_known(sqlite: Sqlite, tmp_path: Path) -> None:
    migrate(sqlite, NOW)
    assert sqlite.lost() == ""
    kept = tmp_path / "kept"
    sqlite.path.rename(kept)
    assert sqlite.lost() == "was deleted"
    shutil.copyfile(kept, sqlite.path)
    assert sqlite.lost() == "was replaced by another file"
    kept.rename(sqlite.path)
    assert sqlite.lost() == ""


def test_a_write_ahead_log_that_was_removed_is_known(tmp_path: Path) -> None:
    database = Sqlite(tmp_path / "earful.sqlite")
    database.run("PRAGMA journal_mode=WAL")  # also where this SQLite is too old to be trusted with it
    database.wal = True
    migrate(database, NOW)
    assert (database.lost(), database.wal) == ("", True)
    database.checkpoint()
    assert database.lost() == ""
    (tmp_path / "earful.sqlite-wal").unlink()
    assert "has lost its write-ahead log" in database.lost()
    database.close()


def test_a_page_that_cannot_be_read_is_remembered(sqlite: Sqlite) -> None:
    migrate(sqlite, NOW)
    sqlite.checkpoint()
    root = sqlite.row("SELECT rootpage FROM sqlite_master WHERE name = 'facts'")
    assert root is not None
    sqlite.close()
    at = (root["rootpage"] - 1) * 4096
    body = bytearray(sqlite.path.read_bytes())
    body[at : at + 4096] = b"\xa5" * 4096
    sqlite.path.write_bytes(bytes(body))
    again = Sqlite(sqlite.path)
    assert again.damage == ""
    with pytest.raises(Exception, match="malformed"):
        count(again, "facts", "value <> 'x'")
    assert "malformed" in again.damage
    again.close()
