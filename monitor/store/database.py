"""Two faces of one database: SQLite by sqlite-utils, PostgreSQL by psycopg. The same statements run on both.

Statements are written once with `:name` parameters. Every thread has its own connection. A transaction takes the write
lock at its start (BEGIN IMMEDIATE; on PostgreSQL an advisory lock is its twin), because a deferred one that reads and
then writes fails at once under two writers, whatever the time-out says.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar, cast

import psycopg
import psycopg.rows
import sqlite_utils

# The one SQLite of this process: pysqlite3 where it is installed (two copies would break each other's file locks).
from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]

Row = Mapping[str, Any]
Values = Mapping[str, Any]
NOTHING: Values = {}

C = TypeVar("C")

Error = (sqlite3.Error, psycopg.Error)
_LOCK = 0x0EA2F01  # any constant: the twin of SQLite's one writer
_DAEMON = 0x0EA2F02
NEVER = ""  # a time that is not set
_LONGEST_SEARCH = 1000  # characters
_MOST_WORDS = 30  # FTS5 refuses an expression that is too deep
_SAMPLE, _COMMON = 20_000, 200  # posts, and how many of them must match for walking back to be quicker


class DatabaseUnusable(Exception):
    """The database cannot be used; the message names the path and what to do. Nothing was written."""


class RoleTaken(Exception):
    """Another daemon works on this database; the message names its host and process."""


@lru_cache(maxsize=1024)
def stamp(moment: datetime | None) -> str:
    """UTC text of fixed width, so that text order is time order. None becomes ""."""
    if moment is None:
        return NEVER
    # Not strftime: its %Y writes the year 900 with three digits.
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def instant(text: str) -> datetime | None:
    """The moment that `stamp` wrote; None for ""."""
    return datetime.fromisoformat(text) if text else None


def at(text: str) -> datetime:
    """As `instant`, where the column is never empty."""
    return datetime.fromisoformat(text)


encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


def listed(values: Sequence[str]) -> str:
    """A list as the JSON text of its column."""
    return encode(values) if values else "[]"


def marks(name: str, values: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """`IN (...)` for a list: the placeholders and their values. An empty list matches nothing."""
    if not values:
        return "(NULL)", {}
    names = [f"{name}{index}" for index in range(len(values))]
    return "(" + ", ".join(f":{each}" for each in names) + ")", dict(zip(names, values, strict=True))


def sought(words: str) -> list[str]:
    """What people typed into a search, as words that both databases take: few, short, no NUL, no lone surrogate."""
    text = words[:_LONGEST_SEARCH].encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    return text.split()[:_MOST_WORDS]


def wal_is_safe(version: str) -> bool:
    """Whether this SQLite is free of the WAL-reset bug (3.7.0 to 3.51.2; fixed in 3.51.3, 3.50.7 and 3.44.6).

    https://sqlite.org/wal.html
    """
    numbers = tuple(int(part) for part in version.split(".")[:3])
    if numbers >= (3, 51, 3):
        return True
    return (numbers[:2] == (3, 50) and numbers >= (3, 50, 7)) or (numbers[:2] == (3, 44) and numbers >= (3, 44, 6))


class Database(Protocol):
    """What both faces can do. Rows read like dictionaries."""

    face: str

    def rows(self, statement: str, values: Values = NOTHING) -> list[Row]:
        """All rows of a question."""
        ...

    def row(self, statement: str, values: Values = NOTHING) -> Row | None:
        """The first row, or None."""
        ...

    def run(self, statement: str, values: Values = NOTHING) -> int:
        """Run a statement; how many rows it changed."""
        ...

    def run_many(self, statement: str, values: Iterable[Values]) -> int:
        """Run one statement for many rows; how many rows that changed."""
        ...

    def script(self, statements: Iterable[str]) -> None:
        """Run statements of the schema, inside the transaction that is open."""
        ...

    def transaction(self) -> Any:
        """`with database.transaction():` all or nothing, holding the write lock from the start."""
        ...

    def has_table(self, name: str) -> bool:
        """Whether a table stands."""
        ...

    def hold_role(self, role: str, now: datetime) -> Role:
        """Become the only holder of `role` ("daemon") on this database, or raise RoleTaken."""
        ...

    def search_matches(self, most: int = 0) -> str:
        """A question for the ids of the posts that full-text search finds, with the parameter `:search`.

        With `most`, only so many of them, those that came last: quick for any word.
        """
        ...

    def search_count(self, most: int) -> str:
        """A question for how many posts (`n`) the search finds, counting to `most` and no further."""
        ...

    def search_test(self, listed: int) -> str:
        """The condition that a post `p` is found, for statements that walk back through posts.

        Where it helps, the newest `listed` that match are looked up once for all.
        """
        ...

    def by_index(self, name: str) -> str:
        """Words after a table that name the index to go by, where the database keeps no statistics to choose by."""
        ...

    def search_words(self, words: str) -> str:
        """What people typed, made safe as the value of `:search`."""
        ...

    def close(self) -> None:
        """Close every connection of every thread."""
        ...


class Role(Protocol):
    """A role that is held until it is let go (or the process ends)."""

    def keep(self, now: datetime, /) -> str:
        """Look whether the role is still ours, and take it again if it was lost: what happened, "" for nothing.

        Raises RoleTaken where somebody else has it by now.
        """
        ...

    def release(self) -> None:
        """Let the role go."""
        ...


class Sqlite:
    """SQLite through sqlite-utils, in WAL mode where this SQLite is safe in it, else with a rollback journal."""

    face = "sqlite"

    def __init__(self, path: Path, *, timeout: float = 30.0) -> None:
        """Open (or create, with mode 0600) the file at `path`; raise DatabaseUnusable if that cannot be."""
        self.path = path
        self._timeout = timeout
        self._local = threading.local()
        self._held: dict[threading.Thread, Any] = {}
        self._guard = threading.Lock()
        self.version = str(sqlite3.sqlite_version)
        self.wal = wal_is_safe(self.version)
        self._prepare_file()
        try:
            self._connection().execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.DatabaseError as error:
            raise DatabaseUnusable(
                f"{path}: {error}. If this is not an Earful database, write another path under [database] url; "
                f"if it is, restore the last backup: earful restore FILE"
            ) from error

    def _prepare_file(self) -> None:
        folder = self.path.parent
        if self.path.is_dir():
            raise DatabaseUnusable(f"{self.path} is a folder; write the path of a file under [database] url")
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            if self.path.stat().st_uid == os.getuid():
                self.path.chmod(0o600)
        except OSError as error:
            raise DatabaseUnusable(
                f"{self.path}: {error.strerror} (as user {os.getuid()}). Give this user the file and its folder: "
                f"chown -R {os.getuid()} {folder}"
            ) from error

    def _connection(self) -> Any:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = _left_behind(self._held, self._guard) or self._open()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._local.connection = connection
            with self._guard:
                self._held[threading.current_thread()] = connection
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
            "journal_size_limit=67108864",
            "wal_autocheckpoint=4000",  # 16 MB: a burst writes the same index pages many times; each goes over once
            "trusted_schema=OFF",
            "cell_size_check=ON",
            "cache_size=-16000",
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def utils(self) -> sqlite_utils.Database:
        """This thread's connection as sqlite-utils sees it (schema, search, backup); no plug-ins from outside."""
        return sqlite_utils.Database(self._connection(), execute_plugins=False)

    def rows(self, statement: str, values: Values = NOTHING) -> list[Row]:
        """All rows of a question."""
        return cast(list[Row], self._connection().execute(statement, values).fetchall())

    def row(self, statement: str, values: Values = NOTHING) -> Row | None:
        """The first row, or None."""
        return cast("Row | None", self._connection().execute(statement, values).fetchone())

    def run(self, statement: str, values: Values = NOTHING) -> int:
        """Run a statement; how many rows it changed."""
        return cast(int, self._connection().execute(statement, values).rowcount)

    def run_many(self, statement: str, values: Iterable[Values]) -> int:
        """Run one statement for many rows; how many rows that changed."""
        return max(cast(int, self._connection().executemany(statement, values).rowcount), 0)

    def script(self, statements: Iterable[str]) -> None:
        """Run statements of the schema, inside the transaction that is open."""
        for statement in statements:
            self._connection().execute(statement)

    @contextmanager
    def transaction(self) -> Iterator[None]:
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

    def has_table(self, name: str) -> bool:
        """Whether a table stands."""
        return self.row("SELECT 1 FROM sqlite_master WHERE name = :name", {"name": name}) is not None

    def hold_role(self, role: str, now: datetime) -> Role:
        """Become the only holder of `role`, by a lock on a file beside the database."""
        return FileRole(self.path.with_name(f"{self.path.name}.{role}"), now)

    def search_matches(self, most: int = 0) -> str:
        """Full-text search by FTS5."""
        return f"SELECT q.id FROM posts q WHERE q.n IN ({self._numbers(most)})"

    def search_count(self, most: int) -> str:
        """FTS5 alone knows."""
        return f"SELECT count(*) AS n FROM ({self._numbers(most)})"

    @staticmethod
    def _numbers(most: int) -> str:
        least = f" ORDER BY rowid DESC LIMIT {int(most)}" if most else ""
        return f"SELECT rowid AS n FROM posts_fts WHERE posts_fts MATCH :search{least}"

    def search_test(self, listed: int) -> str:
        """Among the newest that match, by a list of them; further back by a look into FTS5 for each post."""
        newest = self._numbers(listed)
        return (
            f"CASE WHEN p.n >= (SELECT min(n) FROM ({newest})) THEN p.n IN ({newest}) "
            "ELSE EXISTS (SELECT 1 FROM posts_fts WHERE posts_fts MATCH :search AND rowid = p.n) END"
        )

    def by_index(self, name: str) -> str:
        """SQLite guesses without statistics: it is told."""
        return f" INDEXED BY {name}"

    def search_words(self, words: str) -> str:
        """Each word quoted: nothing that people type is FTS5 syntax."""
        return " ".join('"' + word.replace('"', '""') + '"' for word in sought(words)) or '""'

    def checkpoint(self) -> None:
        """Empty the write-ahead log into the file; only the writer should."""
        if self.wal:
            self._connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def is_sound(self) -> str:
        """An empty text, or what SQLite found wrong with the file."""
        try:
            found = [str(row[0]) for row in self._connection().execute("PRAGMA quick_check(5)").fetchall()]
        except sqlite3.DatabaseError as error:
            return str(error)
        return "" if found == ["ok"] else "; ".join(found)

    def backup_to(self, target: Path) -> None:
        """A consistent copy while others write, checked and then moved into place; mode 0600."""
        partial = target.with_name(target.name + ".partial")
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_RDWR | os.O_CREAT, 0o600))
        copy = sqlite3.connect(str(partial))
        try:
            self._connection().backup(copy, pages=2000)
            copy.execute("PRAGMA journal_mode=DELETE")
            found = copy.execute("PRAGMA integrity_check").fetchone()[0]
            if found != "ok":
                raise DatabaseUnusable(f"{self.path}: the copy is not sound ({found}); the old backup stays")
        finally:
            copy.close()
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(target)

    def close(self) -> None:
        """Close every connection of every thread."""
        with self._guard:
            for connection in self._held.values():
                connection.close()
            self._held.clear()
        self._local = threading.local()


def _left_behind(held: dict[threading.Thread, C], guard: threading.Lock) -> C | None:
    """The connection of a thread that has ended: used again, so that there are never more than threads at one time."""
    with guard:
        ended = next((thread for thread in held if not thread.is_alive()), None)
        return held.pop(ended) if ended is not None else None


class FileRole:
    """A role on SQLite: a lock on a file, which the system takes away when the process ends, however it ends."""

    def __init__(self, path: Path, now: datetime) -> None:
        self._path = path
        self._file: IO[str] = path.open("a+", encoding="utf-8")
        path.chmod(0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "another process"
            self._file.close()
            raise RoleTaken(
                f"{path.name.rpartition('.')[0]} is already served by {holder}; stop that one first"
            ) from error
        self._file.truncate(0)
        self._file.write(f"{socket.gethostname()}, process {os.getpid()}, since {now:%Y-%m-%d %H:%M} UTC")
        self._file.flush()

    def keep(self, _now: datetime, /) -> str:
        """Nothing to do: only the end of this process takes the lock away."""
        return ""

    def release(self) -> None:
        """Let the role go."""
        self._file.close()


_NAMED = re.compile(r"(?<![:\w]):([a-z_]\w*)")


@lru_cache(maxsize=1024)
def _for_postgresql(statement: str) -> str:
    return _NAMED.sub(r"%(\1)s", statement.replace("%", "%%"))


class Postgresql:
    """PostgreSQL through psycopg, one connection a thread; a broken connection is replaced at its next use."""

    face = "postgresql"

    def __init__(self, address: str) -> None:
        """Connect to `address` (postgresql://...); raise DatabaseUnusable, without the password, if that cannot be."""
        self._address = address
        self._local = threading.local()
        self._held: dict[threading.Thread, psycopg.Connection[Any]] = {}
        self._guard = threading.Lock()
        try:
            self._connection()
        except psycopg.Error as error:
            where = psycopg.conninfo.conninfo_to_dict(address)
            raise DatabaseUnusable(
                f"PostgreSQL at {where.get('host', 'the local socket')}, database {where.get('dbname', '')}: "
                f"{type(error).__name__}. Is the server up, and are the name and password under [database] url right?"
            ) from None

    def _connection(self) -> psycopg.Connection[Any]:
        connection: psycopg.Connection[Any] | None = getattr(self._local, "connection", None)
        if connection is None or connection.closed or connection.broken:
            connection = self._idle() or self._open()
            self._local.connection = connection
            with self._guard:
                self._held[threading.current_thread()] = connection
        return connection

    def _open(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(
            self._address, autocommit=True, row_factory=psycopg.rows.dict_row, connect_timeout=10
        )
        # Compiling a statement anew takes longer than any of ours runs.
        connection.execute("SET TIME ZONE 'UTC'; SET jit = off")
        return connection

    def _idle(self) -> psycopg.Connection[Any] | None:
        """A connection that a thread has left behind sound."""
        while (found := _left_behind(self._held, self._guard)) is not None:
            if not found.closed and found.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
                return found
            found.close()
        return None

    def rows(self, statement: str, values: Values = NOTHING) -> list[Row]:
        """All rows of a question."""
        return self._run(statement, values).fetchall()

    def row(self, statement: str, values: Values = NOTHING) -> Row | None:
        """The first row, or None."""
        return cast("Row | None", self._run(statement, values).fetchone())

    def run(self, statement: str, values: Values = NOTHING) -> int:
        """Run a statement; how many rows it changed."""
        return self._run(statement, values).rowcount

    def run_many(self, statement: str, values: Iterable[Values]) -> int:
        """Run one statement for many rows; how many rows that changed."""
        with self._connection().cursor() as cursor:
            cursor.executemany(_for_postgresql(statement).encode(), values)
            return max(cursor.rowcount, 0)

    def _run(self, statement: str, values: Values) -> psycopg.Cursor[Any]:
        # A plan that is kept for any value reads a million rows for a rare one: questions are planned each time.
        prepare = False if statement.startswith("SELECT") else None
        return self._connection().execute(_for_postgresql(statement).encode(), values, prepare=prepare)

    def script(self, statements: Iterable[str]) -> None:
        """Run statements of the schema, inside the transaction that is open."""
        for statement in statements:
            self._connection().execute(statement.encode())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, one writer at a time (as on SQLite, so that both behave alike)."""
        connection = self._connection()
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            yield

    def has_table(self, name: str) -> bool:
        """Whether a table stands."""
        return (
            self.row(
                "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = :name", {"name": name}
            )
            is not None
        )

    def hold_role(self, role: str, now: datetime) -> Role:
        """Become the only holder of `role`, by an advisory lock on a connection of its own."""
        return _SessionRole(self._address, role, now)

    def search_matches(self, most: int = 0) -> str:
        """Full-text search by tsvector; never mixed with what stands around it (OFFSET 0 keeps it apart).

        The server cannot guess how often several words stand together. So the newest posts are looked at first: what is
        common among them is found soon by walking back, what is rare among them by the index.
        """
        fits = "search @@ plainto_tsquery('simple', :search)"
        if not most:
            return f"SELECT s.id FROM posts s WHERE s.{fits} OFFSET 0"
        newest = f"SELECT search FROM posts ORDER BY n DESC LIMIT {_SAMPLE}"
        return (
            f"WITH sample AS MATERIALIZED (SELECT count(*) AS n FROM ({newest}) AS newest WHERE {fits}) "
            f"(SELECT id FROM (SELECT id, search FROM posts ORDER BY n DESC OFFSET 0) AS walked WHERE {fits} "
            f"AND (SELECT n FROM sample) >= {_COMMON} LIMIT {int(most)}) UNION ALL "
            f"(SELECT s.id FROM posts s WHERE s.{fits} AND (SELECT n FROM sample) < {_COMMON} "
            f"ORDER BY s.n DESC LIMIT {int(most)})"
        )

    def search_count(self, most: int) -> str:
        """In whatever order they are found."""
        matches = "SELECT 1 FROM posts s WHERE s.search @@ plainto_tsquery('simple', :search)"
        return f"SELECT count(*) AS n FROM ({matches} LIMIT {int(most)}) AS found"

    def search_test(self, _listed: int) -> str:
        """The column that the index is made of."""
        return "p.search @@ plainto_tsquery('simple', :search)"

    def by_index(self, _name: str) -> str:
        """PostgreSQL chooses by its statistics."""
        return ""

    def search_words(self, words: str) -> str:
        """`plainto_tsquery` takes any text."""
        return " ".join(sought(words))

    def checkpoint(self) -> None:
        """PostgreSQL looks after its own log."""

    def is_sound(self) -> str:
        """PostgreSQL answers, or says why not."""
        try:
            self.row("SELECT 1 AS one")
        except psycopg.Error as error:
            return type(error).__name__
        return ""

    def close(self) -> None:
        """Close every connection of every thread."""
        with self._guard:
            for connection in self._held.values():
                connection.close()
            self._held.clear()
        self._local = threading.local()


# A session over a network that is cut in silence is given up after some seconds, not after hours (TCP only).
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-KEEPALIVES
_NOTICE: dict[str, Any] = {
    "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000,
}  # fmt: skip


class _SessionRole:
    """A role on PostgreSQL: a lock that lives as long as one session, which may end long before the process does."""

    def __init__(self, address: str, role: str, now: datetime) -> None:
        self._address = address
        self._role = role
        self._lost = False
        self._connection = self._take(now)

    def _take(self, now: datetime) -> psycopg.Connection[Any]:
        connection = psycopg.connect(
            self._address, autocommit=True, row_factory=psycopg.rows.dict_row, connect_timeout=10, **_NOTICE
        )
        key = f"role:{self._role}"
        got = connection.execute("SELECT pg_try_advisory_lock(%s) AS got", (_DAEMON,)).fetchone()
        if got is None or not got["got"]:
            other = connection.execute("SELECT value FROM facts WHERE key = %s", (key,)).fetchone()
            connection.close()
            raise RoleTaken(
                f"this database is already served by {other['value'] if other else 'another process'}; "
                "stop that one first"
            )
        holder = f"{socket.gethostname()}, process {os.getpid()}, since {now:%Y-%m-%d %H:%M} UTC"
        connection.execute(
            "INSERT INTO facts (key, value, at) VALUES (%s, %s, %s) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value, at = excluded.at",
            (key, holder, stamp(now)),
        )
        return connection

    def keep(self, now: datetime, /) -> str:
        """Ask in the session that holds the lock; where it has ended, take the lock in a new one.

        While the server cannot be reached nobody else can take it either, so that is no reason to stop.
        """
        try:
            self._connection.execute("SELECT 1")
            return ""
        except psycopg.Error as error:
            self._connection.close()
            said, lost = type(error).__name__, not self._lost
            self._lost = True
        try:
            self._connection = self._take(now)
        except psycopg.Error:
            return f"the session that holds the role of the {self._role} has ended ({said})" if lost else ""
        self._lost = False
        return f"the session that holds the role of the {self._role} had ended ({said}); a new one holds it again"

    def release(self) -> None:
        """Let the role go, at once: the server notices that a connection has ended only a moment later."""
        try:
            self._connection.execute("SELECT pg_advisory_unlock(%s)", (_DAEMON,))
        except psycopg.Error:
            pass  # the connection is gone, and the lock with it
        self._connection.close()


def open_database(url: str) -> Sqlite | Postgresql:
    """Open "sqlite:PATH" or "postgresql://..."; raise DatabaseUnusable with what to do."""
    if url.startswith(("postgresql:", "postgres:")):
        return Postgresql(url)
    if url.startswith("sqlite:"):
        return Sqlite(Path(url.removeprefix("sqlite:")))
    raise DatabaseUnusable('[database] url: write "sqlite:FILE" or "postgresql://USER@HOST/NAME"')


def holder_of(url: str) -> int | None:
    """The process on this machine that serves this database as its daemon; None if there is none."""
    if url.startswith("sqlite:"):
        path = Path(url.removeprefix("sqlite:"))
        lock = path.with_name(f"{path.name}.daemon")
        if not lock.exists():
            return None
        with lock.open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.seek(0)
                return _process_in(file.read())
        return None
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT value FROM facts WHERE key = 'role:daemon'").fetchone()
        # For this statement's own transaction, so that the question itself never stands in a daemon's way.
        got = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (_DAEMON,)).fetchone()
    return _process_in(row[0]) if row and got and not got[0] else None


def _process_in(holder: str) -> int | None:
    host, _, rest = holder.partition(", process ")
    number = rest.partition(",")[0]
    return int(number) if host == socket.gethostname() and number.isdigit() else None
