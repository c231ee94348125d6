"""A copy that is taken while others write, and a copy that is put back: checked before anything is touched."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import tracemalloc
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.people import audit as log
from monitor.store import audit, forgetting, incidents, key_values, problems, sums
from monitor.store import sqlite as file_store
from monitor.store.backup import restore_to
from monitor.store.database import DatabaseUnusable
from monitor.store.schema import STEPS, migrate
from monitor.store.sqlite import Error, Sqlite
from tests.helpers import NOW, assembly_of, count, post, settings_from, take

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def filled(sqlite: Sqlite, tmp_path: Path) -> Sqlite:
    """A database with something in it."""
    take(assembly_of(sqlite, settings_from(tmp_path)), *(post(author=f"c{n}") for n in range(20)))
    return sqlite


def test_a_copy_taken_while_others_write_is_sound_and_whole(filled: Sqlite, tmp_path: Path) -> None:
    stop = threading.Event()
    written: list[int] = []

    def write() -> None:
        while not stop.is_set():
            with filled.transaction():
                key_values.remember(filled, "left", str(len(written)), NOW)
                key_values.remember(filled, "right", str(len(written)), NOW)
            written.append(1)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(3):
            target = tmp_path / f"copy{number}.sqlite"
            filled.backup_to(target)
            copy = Sqlite(target)
            assert copy.is_sound() == ""
            assert key_values.fact(copy, "left") == key_values.fact(copy, "right")
            assert count(copy, "mentions") == 20
            copy.close()
    finally:
        stop.set()
        thread.join(30)
    assert written


def test_a_copy_is_of_one_moment_and_does_not_begin_anew_with_each_write(filled: Sqlite, tmp_path: Path) -> None:
    """SQLite begins a copy anew when it sees a change between two steps: while posts came in, one never ended."""
    filled.run("INSERT INTO presses (id, at, body) VALUES ('large', '', :body)", {"body": "x" * 4_000_000})
    filled.pages_a_step = 1
    target = tmp_path / "copy.sqlite"
    partial, done = tmp_path / "copy.sqlite.partial", threading.Event()

    def write() -> None:
        while not done.is_set() and not partial.exists():
            pass
        for number in range(200):
            if not done.is_set():
                key_values.remember(filled, "late", str(number), NOW)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        filled.backup_to(target)
    finally:
        done.set()
        thread.join(30)
    copy = Sqlite(target)
    assert key_values.fact(copy, "late") == ""
    assert count(copy, "mentions") == 20
    copy.close()
    key_values.remember(filled, "after", "1", NOW)  # the connection that copied writes again
    filled.checkpoint()


def test_a_copy_can_be_put_back_and_what_stood_there_is_kept(filled: Sqlite, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    filled.backup_to(copy)
    key_values.remember(filled, "later", "1", NOW)
    path = filled.path
    filled.close()
    words = restore_to(copy, path, NOW)
    assert "20 mentions" in words
    restored, kept = Sqlite(path), Sqlite(path.with_name("earful.sqlite.before-restore-20260304T100000"))
    assert (key_values.fact(restored, "later"), key_values.fact(kept, "later")) == ("", "1")
    assert count(restored, "mentions") == 20
    assert (path.stat().st_mode & 0o777) == 0o600
    restored.close()
    kept.close()


def noted(database: Sqlite) -> list[tuple[str, str]]:
    return [(line.at.isoformat(), line.about) for line in audit.lines(database, audit.Filter(), 100)]


def note(database: Sqlite, minute: int, about: str) -> None:
    log.note(database, log.Event.EXPORT, NOW + timedelta(minutes=minute), way="command line", about=about)


def test_what_the_audit_log_says_since_the_copy_outlives_it(filled: Sqlite, tmp_path: Path) -> None:
    copy, path = tmp_path / "copy.sqlite", filled.path
    note(filled, 0, "before")
    filled.backup_to(copy)
    note(filled, 1, "since")
    note(filled, 2, "since")  # the same, a minute later: a line of its own
    forgetting.note(filled, "forum", "Ana", "page", 3, 1, NOW)
    told = noted(filled)
    filled.close()
    for day in range(2):  # what a restore brought along outlives the next one
        words = restore_to(copy, path, NOW + timedelta(days=day))
        assert "Carried over 3 lines of the audit log and of erasures." in words
    restored = Sqlite(path)
    assert noted(restored) == told, "in their order, each once"
    assert [row["who"] for row in forgetting.noted(restored)] == ["Ana"]
    with pytest.raises(Error, match="kept until they are old"):
        restored.run("DELETE FROM audit")
    assert restored.is_sound(every_page=True) == ""
    restored.close()


def test_a_copy_from_before_the_audit_log_says_where_its_lines_are(filled: Sqlite, tmp_path: Path) -> None:
    older = Sqlite(tmp_path / "older.sqlite")
    migrate(older, NOW, STEPS[:2])
    older.close()
    note(filled, 1, "since")
    path = filled.path
    filled.close()
    assert "older than the tables audit: their lines stay there alone" in restore_to(older.path, path, NOW)
    kept = Sqlite(path.with_name("earful.sqlite.before-restore-20260304T100000"))
    assert len(noted(kept)) == 1
    kept.close()


def test_a_copy_restores_an_installation_of_which_nothing_is_left(filled: Sqlite, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    filled.backup_to(copy)
    restore_to(copy, tmp_path / "empty" / "earful.sqlite", NOW)
    restored = Sqlite(tmp_path / "empty" / "earful.sqlite")
    assert count(restored, "cases") == count(filled, "cases")
    restored.close()


def killed_while_writing(path: Path) -> None:
    """A process that wrote something else into this file, and was killed before its log was emptied."""
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom monitor.store.sqlite import Sqlite\n"
        "file = Sqlite(Path(sys.argv[1]))\nfile.run('DELETE FROM mentions')\nos.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, check=False)
    assert path.with_name(f"{path.name}-wal").stat().st_size > 0


@pytest.mark.parametrize("name", ["earful.sqlite", "earful.sqlite.restoring"])
def test_a_log_whose_file_is_gone_is_not_written_into_the_copy(filled: Sqlite, tmp_path: Path, name: str) -> None:
    """The file was moved away after a crash, and its log stayed; or an earlier restore was killed."""
    copy, path = tmp_path / "copy.sqlite", tmp_path / "gone" / "earful.sqlite"
    filled.backup_to(copy)
    path.parent.mkdir()
    lost = path.with_name(name)
    shutil.copyfile(copy, lost)
    killed_while_writing(lost)
    lost.rename(tmp_path / "moved away")
    restore_to(copy, path, NOW)
    restored = Sqlite(path)
    assert count(restored, "mentions") == 20
    assert list(restored.copies()) == ["earful.sqlite.before-restore-20260304T100000"] * (lost == path)
    assert restored.delete_copies(restored.copies()) == []
    assert list(path.parent.glob("*before*")) == [], "what is in the log goes as any copy does"
    restored.close()


def test_a_folder_in_place_of_a_file_is_refused(filled: Sqlite, tmp_path: Path) -> None:
    folder, copy = tmp_path / "backups", tmp_path / "copy.sqlite"
    folder.mkdir()
    filled.backup_to(copy)
    with pytest.raises(DatabaseUnusable, match=f"{folder} is a folder; name a copy in it"):
        restore_to(folder, filled.path, NOW)
    with pytest.raises(DatabaseUnusable, match=re.escape(f"{folder} is a folder; set [database] url to a file")):
        restore_to(copy, folder, NOW)
    assert sorted(each.name for each in tmp_path.glob("backups*")) == ["backups"]


def test_a_copy_that_finds_no_room_says_so_and_leaves_nothing_behind(filled: Sqlite, tmp_path: Path) -> None:
    """In a process that may write 40 kB a file, as if the disk were full; what was begun used to stay there."""
    target = tmp_path / "copies" / "copy.sqlite"
    target.parent.mkdir()
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from monitor.store.database import DatabaseBusy\nfrom monitor.store.sqlite import Sqlite\n"
        "database = Sqlite(Path(sys.argv[1]))\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))\n"
        "try: database.backup_to(Path(sys.argv[2]))\n"
        "except DatabaseBusy as error: print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(filled.path), str(target)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "copy.sqlite.partial: " in ran.stdout
    assert "the old backup is kept" in ran.stdout
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("proven", [True, False])
@pytest.mark.parametrize("how", ["torn", "garbage", "another file", "missing", "newer"])
def test_a_copy_that_is_not_sound_is_refused_and_nothing_is_changed(
    filled: Sqlite, tmp_path: Path, how: str, proven: bool
) -> None:
    """With its sum beside it or without."""
    copy = tmp_path / "copy.sqlite"
    filled.backup_to(copy)
    body = copy.read_bytes()
    if how == "torn":
        copy.write_bytes(body[: len(body) // 2])
    elif how == "garbage":
        copy.write_bytes(body[:4096] + b"\xff" * 40960 + body[45056:])
    elif how == "another file":
        copy.write_bytes(b"PK\x03\x04" + body)
    elif how == "missing":
        copy.unlink()
    else:
        newer = Sqlite(copy)
        newer.run("INSERT INTO schema_steps (n, at) VALUES (99, '')")
        newer.close()
    if not proven:
        sums.beside(copy).unlink()
    before = {each.name for each in tmp_path.iterdir()}
    with pytest.raises(DatabaseUnusable, match=r"copy\.sqlite"):
        restore_to(copy, filled.path, NOW)
    assert count(filled, "mentions") == 20
    assert {each.name for each in tmp_path.iterdir()} == before


def test_a_database_that_is_damaged_itself_can_be_restored(filled: Sqlite, tmp_path: Path) -> None:
    """That is when people need it."""
    copy = tmp_path / "copy.sqlite"
    filled.backup_to(copy)
    path = filled.path
    filled.hold_role("daemon", NOW).release()
    filled.close()
    path.write_bytes(b"\xff" * 100_000)
    assert "Its audit log could not be read" in restore_to(copy, path, NOW)
    restored = Sqlite(path)
    assert restored.is_sound() == ""
    assert count(restored, "mentions") == 20
    restored.close()
    assert path.with_name("earful.sqlite.before-restore-20260304T100000").read_bytes() == b"\xff" * 100_000


@pytest.mark.parametrize("what", ["a text", "another program's database", "another program's database with a log"])
def test_a_file_that_was_never_of_earful_is_not_replaced(filled: Sqlite, tmp_path: Path, what: str) -> None:
    """A slip in the url put the copy in the place of whatever file it named."""
    copy, path = tmp_path / "copy.sqlite", tmp_path / "elsewhere" / "holiday"
    filled.backup_to(copy)
    path.parent.mkdir()
    other = sqlite3.connect(path)
    if what == "a text":
        path.write_text("Dear Ana,\n")
    else:
        other.execute(f"PRAGMA journal_mode={'WAL' if 'log' in what else 'DELETE'}")
        other.execute("CREATE TABLE photos (name TEXT)")
        other.commit()
    before = {each.name: each.read_bytes() for each in path.parent.iterdir() if not each.name.endswith("-shm")}
    with pytest.raises(DatabaseUnusable, match=r"holiday does not look like .* nothing was changed.* move it away and"):
        restore_to(copy, path, NOW)
    after = {each.name: each.read_bytes() for each in path.parent.iterdir() if not each.name.endswith("-shm")}
    assert after == before
    other.close()


def test_an_empty_file_and_an_empty_database_are_no_hindrance(filled: Sqlite, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    filled.backup_to(copy)
    for name in ("empty", "without tables"):
        path = tmp_path / name
        path.touch()
        if name != "empty":
            Sqlite(path).close()
        assert "20 mentions" in restore_to(copy, path, NOW)


def opened(path: Path, folder: Path, author: str) -> int:
    """The number of the case that a new post opens in the database at a path."""
    database = Sqlite(path)
    migrate(database, NOW)
    (case,) = take(assembly_of(database, settings_from(folder)), post(author=author))
    database.close()
    return int(case)


def test_numbers_that_messages_may_bear_since_the_copy_are_not_given_again(filled: Sqlite, tmp_path: Path) -> None:
    """A press in a message from before the restore would act on the case of somebody else."""
    copy, path = tmp_path / "copy.sqlite", filled.path
    filled.backup_to(copy)
    filled.close()
    last = 0
    for time in range(2):  # the numbers of what was put back first are known the second time
        since = [opened(path, tmp_path, f"since{time}-{n}") for n in range(3)]
        assert min(since) > last
        words = restore_to(copy, path, NOW + timedelta(days=time))
        assert f"New cases begin at number {max(since) + 1}: messages since the copy was made name those" in words
        last = opened(path, tmp_path, "else")
        assert last == max(since) + 1


@pytest.mark.parametrize("lost", ["the file", "what it holds"])
def test_where_nothing_says_which_numbers_were_given_they_go_on_far_ahead(
    filled: Sqlite, tmp_path: Path, lost: str
) -> None:
    copy, path = tmp_path / "copy.sqlite", filled.path
    filled.backup_to(copy)
    highest = count(filled, "cases")
    filled.hold_role("daemon", NOW).release()
    filled.close()
    if lost == "the file":
        path.unlink()
    else:
        path.write_bytes(b"\xff" * 100_000)
    restore_to(copy, path, NOW)
    assert opened(path, tmp_path, "new") == highest + 1_001


def test_problems_and_incidents_go_on_too(filled: Sqlite, tmp_path: Path) -> None:
    copy, path = tmp_path / "copy.sqlite", filled.path
    filled.backup_to(copy)
    with filled.transaction():
        earlier = incidents.begin(filled, NOW, brand="Acme", kind="volume", start_at=NOW)
        problem = problems.open_(filled, "Acme", "late", "", 0, NOW)
    filled.close()
    restore_to(copy, path, NOW)
    restored = Sqlite(path)
    with restored.transaction():
        assert int(incidents.begin(restored, NOW, brand="Acme", kind="volume", start_at=NOW)) == int(earlier) + 1
        again = problems.open_(restored, "Acme", "late", "", 0, NOW)
    assert problem is not None
    assert again is not None
    assert again["n"] == problem["n"] + 1
    restored.close()


def test_a_copy_that_is_as_new_as_what_it_replaces_says_nothing_of_numbers(filled: Sqlite, tmp_path: Path) -> None:
    copy, path = tmp_path / "copy.sqlite", filled.path
    filled.backup_to(copy)
    highest = count(filled, "cases")
    filled.close()
    assert "New cases" not in restore_to(copy, path, NOW)
    assert opened(path, tmp_path, "new") == highest + 1


def test_nothing_is_put_back_under_a_running_daemon(filled: Sqlite, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    filled.backup_to(copy)
    role = filled.hold_role("daemon", NOW)
    with pytest.raises(DatabaseUnusable, match=r"already in use by.*nothing was changed"):
        restore_to(copy, filled.path, NOW)
    role.release()
    assert count(filled, "mentions") == 20


def test_checking_a_copy_changes_nothing(filled: Sqlite, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    filled.backup_to(copy)
    before = {each.name for each in tmp_path.iterdir()}
    assert "fine: 20 mentions" in restore_to(copy, filled.path, NOW, only_check=True)
    assert {each.name for each in tmp_path.iterdir()} == before


class _Torn(Sqlite):
    """A disk that loses a page in the middle of each copy."""

    def _copy_to(self, partial: Path) -> None:
        super()._copy_to(partial)
        with partial.open("r+b") as file:
            file.seek(partial.stat().st_size // 2 // 4096 * 4096)
            file.write(b"\xff" * 4096)


@pytest.mark.parametrize("large", [0, 2**40], ids=["large", "small"])
def test_a_copy_with_a_damaged_page_is_refused_however_large(
    filled: Sqlite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: int
) -> None:
    """Of a large one indexes are not compared with their tables, which takes hours; each page is read all the same."""
    monkeypatch.setattr(file_store, "_LARGE", large)
    kept = tmp_path / "copy.sqlite"
    filled.backup_to(kept)
    torn = _Torn(filled.path)
    with pytest.raises(DatabaseUnusable, match="the copy is damaged"):
        torn.backup_to(kept)
    torn.close()
    assert not kept.with_name("copy.sqlite.partial").exists()
    sound = Sqlite(kept)
    assert sound.is_sound(every_page=True) == ""
    sound.close()


def test_a_damaged_page_is_found(filled: Sqlite) -> None:
    filled.checkpoint()
    path = filled.path
    root = filled.row("SELECT rootpage FROM sqlite_master WHERE name = 'mentions'")
    assert root is not None
    filled.close()
    body = bytearray(path.read_bytes())
    at = (root["rootpage"] - 1) * 4096
    body[at : at + 512] = b"\xa5" * 512
    path.write_bytes(bytes(body))
    damaged = Sqlite(path)
    assert damaged.is_sound() != ""
    damaged.close()


def test_a_copy_of_many_gigabytes_is_not_held_in_memory(filled: Sqlite, tmp_path: Path) -> None:
    filled.script(["CREATE TABLE ballast (content)", "INSERT INTO ballast VALUES (zeroblob(60000000))"])
    copy = tmp_path / "copy.sqlite"
    filled.backup_to(copy)
    filled.close()
    tracemalloc.start()
    try:
        restore_to(copy, tmp_path / "restored.sqlite", NOW)
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 20_000_000


def test_a_restored_database_is_migrated_as_any_other(filled: Sqlite, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    filled.backup_to(copy)
    restore_to(copy, tmp_path / "new.sqlite", NOW)
    restored = Sqlite(tmp_path / "new.sqlite")
    migrate(restored, NOW)
    assert count(restored, "mentions") == 20
    restored.close()
