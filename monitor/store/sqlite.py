"""SQLite: one file, through the driver that sqlite-utils chooses; the only module that does."""

from __future__ import annotations

import errno
import glob
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain, count
from operator import itemgetter
from pathlib import Path
from typing import Any, cast

import sqlite_utils

# The one SQLite of this process: pysqlite3 where it is installed (two copies would break each other's file locks).
from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]

from monitor.store import sums
from monitor.store.database import (
    NAMED,
    NOTHING,
    DatabaseBusy,
    DatabaseDamaged,
    DatabaseUnusable,
    Locks,
    PerThread,
    Role,
    Row,
    Step,
    Values,
    at,
    encode,
    runs,
    sought,
)
from monitor.store.key_values import given
from monitor.store.ownership import as_its_folder
from monitor.store.sqlite_roles import FileRole

Error = sqlite3.Error
log = logging.getLogger("earful.store")
_ROOM = 100 * 2**20
# Of a larger copy indexes are not compared with their tables, but each page is still read: for 15 GB that takes minutes
# instead of hours, and a copy takes indexes over as they are.
_LARGE = 2 * 2**30
_BESIDE = ("-wal", "-shm", "-journal", ".sha256")  # what may stand beside a file of SQLite, or one of our copies
_NEAR = 1000  # numbers of posts: passing over so many takes as long as looking one up
_MERGED_PAGES = 500  # of an index, in one step: some milliseconds
_AT_ONCE = 64  # rows that one statement inserts: a power of two
MOST_KEPT = 16_000_000  # bytes of pages that all connections keep in memory
# BUSY and LOCKED, IOERR and FULL, CORRUPT and NOTADB: https://sqlite.org/rescode.html
_HELD, _NO_DISK, _DAMAGED = {5, 6}, {10, 13}, {11, 26}


def wal_is_safe(version: str) -> bool:
    """Whether this SQLite is free of the WAL-reset bug (3.7.0 to 3.51.2; fixed in 3.51.3, 3.50.7 and 3.44.6).

    https://sqlite.org/wal.html
    """
    numbers = tuple(int(part) for part in version.split(".")[:3])
    if numbers >= (3, 51, 3):
        return True
    return (numbers[:2] == (3, 50) and numbers >= (3, 50, 7)) or (numbers[:2] == (3, 44) and numbers >= (3, 44, 6))


def unreadable(path: Path, error: Exception, waited: float = 5.0) -> DatabaseUnusable:
    """Say why a file cannot be opened. Only what is damaged needs a backup: not what is held, nor a full disk."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _HELD:
        return DatabaseBusy(f"{path}: another program has locked it for {waited:g} seconds. Try again once it is done")
    if code in _NO_DISK:
        return DatabaseBusy(f"{path}: {error}. Free space on its disk, check that it is writable, and try again")
    kind = DatabaseDamaged if is_damage(error) else DatabaseUnusable
    return kind(
        f"{path}: {error}. If this is not an Earful database, set [database] url to another file; "
        "if it is, restore the last backup: earful restore FILE"
    )


def read_only(path: Path, *, as_it_is: bool = False) -> sqlite_utils.Database:
    """The file as sqlite-utils sees it, on a connection that cannot write; raises Error if it is no database.

    `as_it_is` is for a file without a log that nobody works on: not even SQLite's own files are made beside it.
    """
    how = "mode=ro&immutable=1" if as_it_is else "mode=ro"
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=5, isolation_level=None)
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA trusted_schema=OFF")
    return sqlite_utils.Database(connection, execute_plugins=False)


class Sqlite:
    """SQLite in WAL mode where this SQLite is safe in it, else with a rollback journal."""

    dialect = "sqlite"
    one_writer = True
    pages_a_step = 2000  # of a copy: some milliseconds

    def __init__(self, path: Path, *, timeout: float = 30.0) -> None:
        """Open (or create, with mode 0600) the file at `path`; raise DatabaseUnusable if that cannot be."""
        self.path = path
        self.beside: Path | None = path
        self.id_names: dict[str, str] = {}
        self.ids_in_order = False
        self._authors_in_parts: bool | None = None
        self._timeout = timeout
        self._connections: PerThread[Any] = PerThread()
        self.version = str(sqlite3.sqlite_version)
        self.wal = wal_is_safe(self.version)
        self._prepare_file()
        self._opened = _identity(path)
        self.damage = ""  # what SQLite said of the file when it could not be read
        self._log_opened: tuple[int, int] | None = None
        try:
            self._connection().execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.DatabaseError as error:
            raise unreadable(path, error, timeout) from error

    def _prepare_file(self) -> None:
        folder, user = self.path.parent, os.getuid()
        try:
            if self.path.is_dir():  # raises where this user may not look into the folder
                raise DatabaseUnusable(f"{self.path} is a folder; set [database] url to a file")
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            if self.path.stat().st_uid == user:
                self.path.chmod(0o600)
            as_its_folder(self.path)
        except OSError as error:
            # On a disk that is read-only or full, or below a file, no other user helps.
            remedy = "Make it writable, or set [database] url to a file elsewhere"
            if error.errno in {errno.EACCES, errno.EPERM}:
                remedy = (
                    "Run this as the user that Earful runs as, or with sudo. If that is this user, make it their "
                    f"owner: chown -R {user} {folder}"
                )
            raise DatabaseUnusable(f"{self.path}: {error.strerror} (as user {user}). {remedy}") from error

    def _connection(self) -> Any:
        connection = self._connections.mine()
        if connection is None:
            connection = self._connections.left_behind() or self._open()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._connections.take(connection)
        return connection

    def _open(self) -> Any:
        # isolation_level=None: transactions are ours. check_same_thread=False: only so that close() may close them all.
        connection = sqlite3.connect(
            str(self.path), timeout=self._timeout, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        connection.row_factory = sqlite3.Row
        mode, synchronous = ("WAL", "FULL") if self.wal else ("TRUNCATE", "EXTRA")
        for pragma in (
            f"busy_timeout={int(self._timeout * 1000)}",
            f"journal_mode={mode}",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            "secure_delete=ON",  # what is emptied is overwritten with zeros, and a freed page as well
            "journal_size_limit=67108864",
            "wal_autocheckpoint=4000",  # 16 MB: a burst writes the same index pages many times; each goes over once
            "trusted_schema=OFF",
            "cell_size_check=ON",
            "cache_size=-16000",
            # Of all connections together: thirty threads that each keep 16 MB of pages would fill the machine.
            f"soft_heap_limit={MOST_KEPT}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    @property
    def authors_in_parts(self) -> bool:
        """As the file was made: none changes while somebody works on it."""
        if self._authors_in_parts is None:
            self._authors_in_parts = self.has_table("mentions_by_author")
        return self._authors_in_parts

    def rows(self, statement: str, values: Values = NOTHING) -> list[Row]:
        """All rows of a question."""
        try:
            return cast(list[Row], self._connection().execute(statement, values).fetchall())
        except sqlite3.DatabaseError as error:
            raise self._noted(error) from None

    def row(self, statement: str, values: Values = NOTHING) -> Row | None:
        """The first row, or None."""
        try:
            return cast("Row | None", self._connection().execute(statement, values).fetchone())
        except sqlite3.DatabaseError as error:
            raise self._noted(error) from None

    def run(self, statement: str, values: Values = NOTHING) -> int:
        """Run a statement; how many rows it changed."""
        return self._changed(statement, values)

    def _changed(self, statement: str, values: Values | Sequence[Any]) -> int:
        try:
            return cast(int, self._connection().execute(statement, values).rowcount)
        except sqlite3.DatabaseError as error:
            raise self._noted(error) from None

    def run_many(self, statement: str, values: Iterable[Values]) -> int:
        """Run one statement for many rows; how many rows that changed."""
        positional, of_row = _by_place(statement)
        try:
            return max(cast(int, self._connection().executemany(positional, map(of_row, values)).rowcount), 0)
        except sqlite3.DatabaseError as error:
            raise self._noted(error) from None

    def among(self, name: str, texts: Sequence[str]) -> tuple[str, dict[str, Any]]:
        """A list in JSON."""
        return f"(SELECT value FROM json_each(:{name}))", {name: encode(texts)}

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Values], *, new: bool = False) -> int:
        """Up to 64 rows in one statement.

        FTS5 writes what it has gathered before each statement that may fail halfway, as one with a trigger may: of
        posts that came one by one each became a part of its own, to be merged with all others. And a thread that
        begins a statement has to wait for Python's other threads. Powers of two are few statements to keep compiled.
        https://sqlite.org/vtab.html#the_xsavepoint_xrelease_and_xrollbackto_methods
        """
        waiting = list(map(_in_order(columns), rows))
        count = start = 0
        while left := len(waiting) - start:
            size = min(_AT_ONCE, 1 << left.bit_length() - 1)
            some = waiting[start : start + size]
            statement = _insertion(table, tuple(columns), size, new=new)
            count += self._changed(statement, tuple(chain.from_iterable(some)))
            start += size
        return count

    def _noted(self, error: Exception) -> Exception:
        """Remember that the file is broken: whoever asked may go on without the answer, the daemon may not."""
        if is_damage(error):
            self.damage = str(error)
        return error

    def script(self, statements: Iterable[str]) -> None:
        """Run statements of the schema, inside the transaction that is open."""
        for statement in statements:
            self._connection().execute(statement)

    @contextmanager
    def transaction(
        self,
        locks: Locks | None = None,  # noqa: ARG002 - one writer
        *,
        durable: bool = True,  # noqa: ARG002
        long: bool = False,  # noqa: ARG002
    ) -> Iterator[None]:
        """All or nothing, holding the write lock from the start."""
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def lock(self, names: Iterable[str], shared: Iterable[str] = ()) -> None:
        """Whoever is in a transaction is the only writer."""

    def skip_locked(self, table: str) -> str:  # noqa: ARG002 - there is one writer
        """Nobody else can have locked anything."""
        return ""

    def time(self) -> datetime:
        """This machine's, as SQLite reads it."""
        row = self.row("SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS at")
        assert row is not None
        return at(row["at"])

    def skew(self) -> timedelta:
        """A file has no clock of its own."""
        return timedelta()

    def numbers(self, table: str, surely: int = 1) -> Iterator[int]:  # noqa: ARG002
        """Behind the highest, and behind what was given before a copy was put back (`key_values.given`)."""
        row = self.row(f"SELECT coalesce(max(n), 0) AS n FROM {table}")
        return count(max(row["n"] if row else 0, given(self, table)) + 1)

    def has_table(self, name: str) -> bool:
        """Whether a table stands, or anything else of that name."""
        return self.row("SELECT 1 FROM sqlite_master WHERE name = :name", {"name": name}) is not None

    def columns_of(self, table: str) -> frozenset[str]:
        """The names of a table's columns."""
        return frozenset(row["name"] for row in self.rows("SELECT name FROM pragma_table_info(:name)", {"name": table}))

    def hold_role(self, role: str, now: datetime, *, worker: str = "", alone: bool = True) -> Role:  # noqa: ARG002
        """Become the only holder of `role`, by a lock on a file beside the database."""
        return FileRole(self.path.with_name(f"{self.path.name}.{role}"), now)

    def held(self, names: Iterable[str]) -> frozenset[str]:  # noqa: ARG002
        """Nobody works on a file but its daemon."""
        return frozenset()

    def begins(self, column: str, prefix: str) -> str:
        """A range: texts are in the order of their bytes."""
        return f"{column} >= '{prefix}' AND {column} < '{prefix[:-1]}{chr(ord(prefix[-1]) + 1)}'"

    def search_matches(self, most: int = 0) -> str:
        """Full-text search by FTS5."""
        return f"SELECT q.id FROM posts q WHERE q.n IN ({self._numbers(most)})"

    def search_count(self, most: int, *, newest: bool = False) -> str:  # noqa: ARG002 - counting takes no time
        """FTS5 alone knows."""
        return f"SELECT count(*) AS n FROM ({self._numbers(most)})"

    @staticmethod
    def _numbers(most: int) -> str:
        """Of texts as they stand, and of those whose letters were parted."""
        least = " ORDER BY {} DESC LIMIT " + str(int(most)) if most else ""
        found = " UNION ".join(
            f"SELECT n FROM (SELECT rowid AS n FROM {table} WHERE {table} MATCH :search{least.format('rowid')})"
            for table in ("posts_fts", "posts_parted")
        )
        return f"SELECT n FROM ({found}){least.format('n')}"

    def search_among(self, numbers: Sequence[int], words: str) -> set[int]:
        """FTS5 reads a span of numbers as quickly as one: what lies near each other is asked for at once."""
        matches = " UNION ALL ".join(
            f"SELECT rowid AS n FROM {table} WHERE {table} MATCH :search AND rowid BETWEEN :first AND :last"
            for table in ("posts_fts", "posts_parted")
        )
        search, found = self.search_words(words), set()
        for first, last in runs(numbers, _NEAR):
            found |= {row["n"] for row in self.rows(matches, {"search": search, "first": first, "last": last})}
        return found.intersection(numbers)

    searched_column = "p.n"

    def search_step(self, question: str, values: Values, words: str) -> Step:
        """The rows, and then the index of the search."""
        rows = self.rows(question, values)
        return Step.of(rows, self.search_among([row["n"] for row in rows], words))

    def by_index(self, name: str) -> str:
        """SQLite guesses without statistics: it is told."""
        return f" INDEXED BY {name}"

    def search_words(self, words: str) -> str:
        """Each word quoted: nothing that people type is FTS5 syntax."""
        return " ".join('"' + word.replace('"', '""') + '"' for word in sought(words)) or '""'

    def keep_little(self) -> None:
        """Close this thread's connection; the next question opens another one.

        Its pages could be given back alone, but each of its prepared statements keeps what it was last given:
        all posts of a page, and as often as there are statements that hold them.
        """
        if (connection := self._connections.give_up()) is not None:
            connection.close()

    def checkpoint(self) -> None:
        """Empty the write-ahead log into the file; only the writer should."""
        self._emptied_log()

    def _emptied_log(self) -> bool:
        """Empty the write-ahead log; False while a reader or another writer stands in the way."""
        if not self.wal:
            return True
        (busy, *_rest) = self._connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def tidy(self, seconds: float) -> bool:
        """Merge parts of the index of the search where many have come together, in steps that hold up nobody."""
        end = time.monotonic() + seconds
        for name in ("posts_fts", "posts_parted"):
            while self._merged(name, _MERGED_PAGES):
                if time.monotonic() >= end:
                    return False
        return True

    def overwrite(self, tables: Sequence[str], seconds: float) -> bool:  # noqa: ARG002 - the file is one
        """Merge the index of the search, which keeps the words of emptied rows until then, and empty the log.

        FTS5's own secure-delete would make a file that SQLite before 3.42 calls damaged. The merge goes in small steps,
        so that nobody waits for it.
        """
        for name in ("posts_fts", "posts_parted"):
            if self.has_table(name):
                self._merge(name)
        connection, end = self._connection(), time.monotonic() + seconds
        connection.execute("PRAGMA busy_timeout=250")  # else each try would wait for a reader by itself
        try:
            while not self._emptied_log():
                if time.monotonic() >= end:
                    return False
        finally:
            connection.execute(f"PRAGMA busy_timeout={int(self._timeout * 1000)}")
        return True

    def _merge(self, name: str) -> None:
        """What FTS5 calls optimize, step by step. https://sqlite.org/fts5.html#the_merge_command"""
        pages = -_MERGED_PAGES
        while self._merged(name, pages):
            pages = _MERGED_PAGES

    def _merged(self, name: str, pages: int) -> bool:
        """Merge so many pages of an index at most; False where nothing was left to do."""
        connection = self._connection()
        before = connection.total_changes
        connection.execute(f"INSERT INTO {name} ({name}, rank) VALUES ('merge', ?)", (pages,))
        return bool(connection.total_changes - before >= 2)

    def overwrite_all(self, tables: Sequence[str]) -> None:  # noqa: ARG002 - the file is one
        """Write the whole file anew; DatabaseBusy where its disk has no room for that."""
        size, free = self.path.stat().st_size, shutil.disk_usage(self.path.parent).free
        if free < 3 * size + _ROOM:
            raise DatabaseBusy(f"{self.path}: not enough disk space to rewrite it ({free // 2**20:,} MB are free)")
        self._connection().execute("VACUUM")

    def copies(self) -> Mapping[str, datetime]:
        """Those made before another schema, and what stood there before a restore: perhaps a log alone."""
        found: dict[str, datetime] = {}
        for each in sorted(self.path.parent.glob(f"{glob.escape(self.path.name)}.before-*")):
            name = next((each.name.removesuffix(end) for end in _BESIDE if each.name.endswith(end)), each.name)
            if not name.endswith(".partial"):
                # ctime: what stood there before a restore was written long ago, perhaps, and got its name then.
                found.setdefault(name, datetime.fromtimestamp(each.stat().st_ctime, UTC))
        return found

    def delete_copies(self, names: Iterable[str]) -> list[str]:
        """The copy, then its log and its sum; a reason stands in the log."""
        left = []
        for name in names:
            try:
                for suffix in ("", *_BESIDE):
                    self.path.with_name(name + suffix).unlink(missing_ok=True)
            except OSError as error:
                log.error("%s could not be deleted: %s", self.path.with_name(name), error.strerror)
                left.append(name)
        return left

    def lost(self) -> str:
        """What became of the open file: empty while it is the one at its path, else what was done to it, in words.

        What is written to a file that was deleted or replaced is gone with this process, and no write says so.
        """
        now = _identity(self.path)
        if now != self._opened:
            return "was deleted" if now is None else "was replaced by another file"
        if not self.wal:
            return ""
        log = _identity(self.path.with_name(f"{self.path.name}-wal"))
        if self._log_opened is None:
            self._log_opened = log  # it is made with the first question
        elif log != self._log_opened:
            return "has lost its write-ahead log (the file -wal was removed or replaced)"
        return ""

    def is_sound(self, *, every_page: bool = False) -> str:
        """An empty text, or what SQLite found wrong with the file.

        With `every_page` indexes are compared as well, unless the file is large.
        """
        check = f"{_check_of(self.path) if every_page else 'quick_check'}(5)"
        try:
            found = [str(next(iter(dict(row).values()))) for row in self.rows(f"PRAGMA {check}")]
        except sqlite3.DatabaseError as error:
            return str(error)
        return "" if found == ["ok"] else "; ".join(found)

    def backup_to(self, target: Path) -> None:
        """A consistent copy while others write, checked, with its sum beside it, then moved into place; mode 0600."""
        partial = target.with_name(target.name + ".partial")
        partial.unlink(missing_ok=True)
        try:
            with self._one_moment():
                os.close(os.open(partial, os.O_RDWR | os.O_CREAT, 0o600))
                self._copy_to(partial)
            _check_copy(partial, self.path)
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            sums.write(partial, target)  # first: a copy that has its name has its sum
            partial.replace(target)
            if target.parent == self.path.parent:
                as_its_folder(target)
                as_its_folder(sums.beside(target))
            sums.sync_folder(target.parent)
        finally:
            partial.unlink(missing_ok=True)  # what was begun on a full disk must not keep it full

    @contextmanager
    def _one_moment(self) -> Iterator[None]:
        """Read the file as it is now, whoever writes meanwhile; their log grows until then.

        A copy that sees a change between two steps begins anew, and would never end while posts come in. Without a
        write-ahead log, who reads keeps writers out: there it is taken step by step.
        https://sqlite.org/c3ref/backup_finish.html
        """
        connection = self._connection()
        if self.wal:
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        try:
            yield
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _copy_to(self, partial: Path) -> None:
        copy = sqlite3.connect(str(partial))
        try:
            self._connection().backup(copy, pages=self.pages_a_step)
            copy.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as error:
            raise DatabaseBusy(f"{partial}: {error}; the old backup is kept") from error
        finally:
            copy.close()

    def close(self) -> None:
        """Close every connection of every thread."""
        self._connections.close()


@lru_cache
def _insertion(table: str, columns: tuple[str, ...], size: int, *, new: bool) -> str:
    row, stays = f"({', '.join('?' * len(columns))})", "" if new else " ON CONFLICT DO NOTHING"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * size)}{stays}"


@lru_cache(maxsize=256)
def _by_place(statement: str) -> tuple[str, Callable[[Values], tuple[Any, ...]]]:
    """A statement with parameters by place, and what puts a row's values in their order: found by name at each row,
    they take longer than SQLite does."""
    return NAMED.sub("?", statement), _in_order(NAMED.findall(statement))


def _in_order(names: Sequence[str]) -> Callable[[Values], tuple[Any, ...]]:
    """What gives these values of a row."""
    if len(names) == 1:
        return lambda row: (row[names[0]],)
    return itemgetter(*names)


def _check_of(path: Path) -> str:
    return "quick_check" if path.stat().st_size > _LARGE else "integrity_check"


def _check_copy(partial: Path, path: Path) -> None:
    copy = sqlite3.connect(str(partial))
    try:
        found = copy.execute(f"PRAGMA {_check_of(partial)}(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        raise DatabaseBusy(f"{partial}: {error}; the old backup is kept") from error
    except sqlite3.DatabaseError as error:  # damage of which SQLite does not even get to speak
        found = str(error)
    finally:
        copy.close()
    if found != "ok":
        raise DatabaseUnusable(f"{path}: the copy is damaged ({found}); the old backup is kept")


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file stands at a path; None for none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def is_damage(error: BaseException) -> bool:
    """Whether SQLite says that the file itself is broken: CORRUPT or NOTADB, which no second try mends."""
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED
