"""From one SQLite file to PostgreSQL: every row of every table, after any death, and never two databases at work."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg
import pytest

from monitor.store import mentions, moving
from monitor.store.database import DatabaseBusy, DatabaseUnusable, stamp
from monitor.store.moving import MovedFile, MoveRefusedError, NotTheSameError, tables
from monitor.store.postgresql import Postgresql
from monitor.store.renames import know_names
from monitor.store.schema import FIRST, migrate
from monitor.store.sqlite import Sqlite
from tests.helpers import NOW, count, post

# What is written into each text, by number; "\0" and what is no UTF-8 can stand in a file of SQLite only.
WORDS = (
    "plain", "tab\tand\nline\\N\\.", 'quote " and \' and \\', "e\u0301 \U0001f525 \u0e01\u0e33 日本語", "\ufffd\u2028",
    "{\"a\": \"\\u0000\"}", "nul\0inside", "",
)  # fmt: skip
BATCH = 40
ROWS = BATCH * 3 + 5  # posts
NUMBERS = (0, 1, -1, 2**53 + 1, 2**62, 7, 3, 5)
REALS = (0.0, 0.1, -2.5, 1e300, 5e-324, 1 / 3, None, 4.0)


def fill(database: Sqlite) -> None:
    """Eight rows in every table, with hostile words; and posts for four batches. The last event's row has gone."""
    with database.transaction():
        for table in tables():
            types = database.rows("SELECT name, type, pk FROM pragma_table_info(:table)", {"table": table})
            names = [row["name"] for row in types]
            into = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"
            database.run_many(into, (row_of(types, number) for number in range(len(WORDS))))
        names = [each for each in tables()["posts"] if each not in ("n", "id", "raw")]
        database.run(
            f"WITH RECURSIVE more (k) AS (SELECT 100 UNION ALL SELECT k + 1 FROM more WHERE k < {ROWS - 9 + 100}) "
            f"INSERT INTO posts (n, id, raw, {', '.join(names)}) SELECT k, 'p' || k, hex(zeroblob(k % 40)), "
            f"{', '.join(names)} FROM more, posts WHERE n = 1"
        )
        database.run("UPDATE posts SET raw = :raw WHERE n = 3", {"raw": json.dumps({"deep": ["\U0001f525" * 9] * 900})})
        database.run("UPDATE periods SET detail = CAST(x'ff61c0' AS TEXT) WHERE key LIKE 'plain%'")
        database.run("DELETE FROM events WHERE n = 8")


def row_of(types: list[Any], number: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, kind, key in ((row["name"], row["type"], row["pk"]) for row in types):
        if kind == "INTEGER":
            values[name] = number + 1 if key or name == "n" else NUMBERS[number]
        elif kind == "REAL":
            values[name] = REALS[number]
        elif kind == "BLOB":
            values[name] = bytes(range(256)) if number else None
        else:  # the same in all tables, so that what refers to a row finds it
            values[name] = f"{WORDS[number]}{number}"
    return values


@pytest.fixture(scope="module")
def filled_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with rows in every table, to be copied."""
    path = tmp_path_factory.mktemp("filled") / "filled.sqlite"
    shutil.copyfile(sqlite_template, path)
    opened = Sqlite(path)
    fill(opened)
    opened.close()
    return path


@pytest.fixture
def filled(filled_template: Path, tmp_path: Path) -> Path:
    """A file with rows in every table."""
    path = tmp_path / "earful.sqlite"
    shutil.copyfile(filled_template, path)
    return path


@pytest.fixture
def target(new_postgresql: str) -> Iterator[Postgresql]:
    """A PostgreSQL with every table and no row."""
    opened = Postgresql(new_postgresql)
    yield opened
    opened.close()


def whole(path: Path, target: Postgresql, told: moving.Told = lambda _table, _count: None) -> str:
    """All of a move that is of the store; how it began."""
    file = MovedFile(path, batch=BATCH)
    try:
        moving.refuse_others(file, target)
        how = moving.begin(file, target)
        moving.copy(file, target, told)
        moving.compare(target, told)
        moving.finish(file, target, NOW)
        return how
    finally:
        file.close()


def storable(value: Any) -> Any:
    if isinstance(value, bytes):
        return value
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def contents(database: Sqlite | Postgresql, table: str) -> list[tuple[Any, ...]]:
    columns = tables()[table]
    shown = [f"CAST({each} AS BLOB) AS {each}" if (table, each) == ("periods", "detail") else each for each in columns]
    names = shown if isinstance(database, Sqlite) else columns
    rows = [tuple(row[each] for each in columns) for row in database.rows(f"SELECT {', '.join(names)} FROM {table}")]
    if isinstance(database, Sqlite) and table == "periods":
        at = columns.index("detail")
        rows = [(*row[:at], row[at].decode("utf-8", "replace"), *row[at + 1 :]) for row in rows]
    return sorted([tuple(map(storable, row)) for row in rows], key=repr)


def assert_same(path: Path, target: Postgresql) -> None:
    source = Sqlite(path)
    for table in tables():
        wanted = contents(source, table)
        assert len(wanted) >= 7, table
        found = [row for row in contents(target, table) if "moved from" not in row]
        assert found == wanted, table
    source.close()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_row_of_every_table_is_moved_and_the_file_stays_as_it_is(filled: Path, target: Postgresql) -> None:
    before = digest(filled)
    heard: dict[str, int] = {}

    def told(table: str, rows: int) -> None:
        heard[table] = heard.get(table, 0) + rows

    assert whole(filled, target, told) == "first"
    assert digest(filled) == before
    assert heard["posts"] == 2 * ROWS, "copied, and read back"
    assert_same(filled, target)
    row = target.row("INSERT INTO events (id, reader, case_id, name, at) SELECT 'new', 'r', id, 'x', '' FROM cases "
                     "LIMIT 1 RETURNING n")  # fmt: skip
    assert row is not None
    assert row["n"] == 9, "a number that was given once is never given again"
    row = target.row("INSERT INTO gaps (source, start_at, end_at, reason, noted_at) VALUES ('', '', '', '', '') "
                     "RETURNING n")  # fmt: skip
    assert row is not None
    assert row["n"] == 9


def test_texts_that_postgresql_cannot_store_are_counted(filled: Path, target: Postgresql) -> None:
    file = MovedFile(filled, batch=BATCH)
    moving.begin(file, target)
    moving.copy(file, target, lambda _table, _count: None)
    found = moving.altered(target)
    file.close()
    assert found["walks"] == 5, "one row with NUL in each of its texts"
    assert found["periods"] == 3 + 1, "and one that is not UTF-8"


class Dead(BaseException):
    """The child has come to its end alive."""


def killed(work: Callable[[], object], at: int, name: str = "") -> bool:
    """Do `work` in a process of its own that is killed before the `at`-th call of a function of a move (of a name)."""
    child = os.fork()
    if child == 0:
        seen = [0]

        def count_calls(frame: FrameType, event: str, _argument: object) -> None:
            code = frame.f_code
            if event == "call" and code.co_filename.endswith(("store/moving.py", "store/postgresql.py")):
                seen[0] += name in ("", code.co_name)
                if seen[0] == at:
                    os.kill(os.getpid(), signal.SIGKILL)

        code = 1
        try:
            sys.setprofile(count_calls)
            work()
            code = 0
        finally:
            os._exit(code)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def usable(path: Path, address: str) -> list[str]:
    """On which of the two a daemon would start now."""
    found = []
    for name, opened in (("file", Sqlite(path)), ("server", Postgresql(address))):
        try:
            moving.refuse_half(opened)
            found.append(name)
        except DatabaseUnusable:
            pass
        opened.close()
    return found


# Where a write is half of what belongs together: a batch without its progress, the mark without the end.
SEAMS = (("begin", 1), ("_keep", 1), ("copy_in", 2), ("_keep", 4), ("_keep", 9), ("count_on", 1), ("compare", 1))


def test_killed_anywhere_it_goes_on_and_never_would_two_daemons_start(filled: Path, new_postgresql: str) -> None:
    before, copied = digest(filled), 0

    def once() -> None:
        opened = Postgresql(new_postgresql)
        whole(filled, opened)

    def look() -> bool:
        nonlocal copied
        looked = Postgresql(new_postgresql)
        begun = looked.has_table(moving.PROGRESS)
        rows = sum(moving.progress_of(looked, table).rows for table in tables()) if begun else 0
        looked.close()
        marked = moving.mark_of(filled).exists()
        assert rows >= copied or (marked and not begun), "what was copied is not copied again"
        free = {
            (False, False): ["file", "server"],
            (True, False): ["file"],
            (True, True): [],
            (False, True): ["server"],
        }
        assert usable(filled, new_postgresql) == free[begun, marked], "both are free only before anything was begun"
        copied = max(copied, rows)
        return marked and not begun

    for name, number in SEAMS:
        assert killed(once, number, name), name
        assert not look()
    at = 150
    while killed(once, at) and not look():
        at += 75
    assert at > 150
    assert usable(filled, new_postgresql) == ["server"]
    target = Postgresql(new_postgresql)
    assert_same(filled, target)
    target.close()
    assert digest(filled) == before


def test_between_the_mark_and_the_end_neither_starts_and_the_next_run_ends_it(
    filled: Path, new_postgresql: str, target: Postgresql
) -> None:
    with psycopg.connect(new_postgresql, autocommit=True) as other:  # holds up the very last step
        file = MovedFile(filled, batch=BATCH)
        moving.begin(file, target)
        moving.copy(file, target, lambda _table, _count: None)
        other.execute("BEGIN")
        other.execute(f"SELECT * FROM {moving.PROGRESS}")
        target.run("SET lock_timeout = '50ms'")
        with pytest.raises(DatabaseBusy, match="the connection was lost"), moving.explained(target):
            moving.finish(file, target, NOW)
        file.close()
        assert usable(filled, new_postgresql) == []
        other.execute("ROLLBACK")
    assert whole(filled, target) == "goes on"
    assert usable(filled, new_postgresql) == ["server"]


def stopped_after(path: Path, target: Postgresql, table: str) -> None:
    """A move that is interrupted once the first batch of a table stands."""

    def told(name: str, _rows: int) -> None:
        if name == table:
            raise Dead

    with pytest.raises(Dead):
        whole(path, target, told)


def test_a_file_that_was_changed_meanwhile_is_copied_again_from_the_start(filled: Path, target: Postgresql) -> None:
    stopped_after(filled, target, "cases")
    source = Sqlite(filled)
    source.run("UPDATE posts SET text = 'changed' WHERE n = 2")
    source.run("DELETE FROM posts WHERE n = 150")
    source.close()
    assert whole(filled, target) == "again"
    assert_same(filled, target)


def test_a_file_that_is_written_to_while_it_is_moved_is_not_called_moved(filled: Path, target: Postgresql) -> None:
    source = Sqlite(filled)

    def told(table: str, _rows: int) -> None:
        if table == "replies":
            source.run("UPDATE posts SET text = 'changed' WHERE n = 2")

    with pytest.raises(NotTheSameError, match="was changed while it was moved"):
        whole(filled, target, told)
    source.close()
    assert not moving.mark_of(filled).exists()
    assert whole(filled, target) == "again"
    assert_same(filled, target)


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE cases SET need = need + 1e-12 WHERE n = 2",
        "DELETE FROM gaps WHERE n = 3",
        "UPDATE aside SET raw = raw || '\\x00'::bytea WHERE n = 2",
    ],
)
def test_what_is_not_the_same_there_is_found_and_copied_again(filled: Path, target: Postgresql, spoil: str) -> None:
    stopped_after(filled, target, "replies")
    target.run(spoil)
    with pytest.raises(NotTheSameError, match="is not what the file holds"):
        whole(filled, target)
    assert not moving.mark_of(filled).exists()
    assert whole(filled, target) == "again"
    assert_same(filled, target)


def test_it_refuses_where_other_data_is(filled: Path, target: Postgresql, tmp_path: Path) -> None:
    target.run("INSERT INTO gaps (source, start_at, end_at, reason, noted_at) VALUES ('', '', '', '', '')")
    with pytest.raises(MoveRefusedError, match="already holds data \\(in gaps\\)"):
        whole(filled, target)
    target.run("DELETE FROM gaps")
    other = Sqlite(tmp_path / "other.sqlite")
    migrate(other, NOW - timedelta(days=1))
    other.close()
    stopped_after(filled, target, "cases")
    with pytest.raises(MoveRefusedError, match=r"a move of another database .*earful.sqlite.* was begun here"):
        whole(other.path, target)
    assert whole(filled, target) == "goes on"
    with pytest.raises(DatabaseUnusable, match=r"was moved to PostgreSQL at .* on 2026-03-04"):
        whole(filled, target)
    moving.mark_of(filled).unlink()
    with pytest.raises(MoveRefusedError, match=r"was moved to .* before; set"):
        whole(filled, target)


@pytest.mark.parametrize("in_order", [True, False], ids=["in order", "as an older version began"])
def test_ids_go_on_as_in_the_file_where_somebody_looked_at_the_new_database_before(
    target: Postgresql, tmp_path: Path, in_order: bool
) -> None:
    """`earful check` with its address says of a new database that its ids come in order."""
    know_names(target)
    assert target.ids_in_order
    file = Sqlite(tmp_path / "earful.sqlite")
    migrate(file, NOW)
    if in_order:
        know_names(file)
    with file.transaction():
        mentions.add_posts(file, [mentions.post_row(post(native_id="41000000"), stamp(NOW))])
    file.close()
    assert whole(file.path, target) == "first"
    know_names(target)
    assert target.ids_in_order == in_order


def test_it_refuses_a_file_of_another_schema_and_what_is_none(tmp_path: Path) -> None:
    older = Sqlite(tmp_path / "older.sqlite")
    migrate(older, NOW, (FIRST,))
    older.close()
    with pytest.raises(MoveRefusedError, match="not written by this version"):
        MovedFile(older.path)
    empty = Sqlite(tmp_path / "empty.sqlite")
    empty.close()
    with pytest.raises(MoveRefusedError, match="not a database of Earful"):
        MovedFile(empty.path)
    (tmp_path / "text").write_text("no database at all, but longer than a header of SQLite would be, which is 100 bytes"
                                   " long", "utf-8")  # fmt: skip
    with pytest.raises(DatabaseUnusable, match="file is not a database"):
        MovedFile(tmp_path / "text")


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("53100", DatabaseBusy, "the server has no room left \\(DiskFull\\).*run the same command again"),
        ("42501", MoveRefusedError, "may not create tables there"),
        ("54000", MoveRefusedError, "refuses a row of cases after row 0 of the file \\(ProgramLimitExceeded\\)"),
        ("57P01", DatabaseBusy, "the connection was lost \\(AdminShutdown\\)"),
    ],
)
def test_a_fault_of_the_server_says_what_to_do_and_the_next_run_goes_on(
    filled: Path, target: Postgresql, code: str, kind: type[Exception], said: str
) -> None:
    target.script(
        [
            "CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION 'secret words' USING ERRCODE = '{code}'; END $$",
            "CREATE TRIGGER fails BEFORE INSERT ON cases FOR EACH ROW EXECUTE FUNCTION fails()",
        ]
    )
    with pytest.raises(kind, match=said) as fault, moving.explained(target):
        whole(filled, target)
    assert "secret" not in str(fault.value)
    target.script(["DROP TRIGGER fails ON cases"])
    assert whole(filled, target) == "goes on"
    assert count(target, "posts") == ROWS
