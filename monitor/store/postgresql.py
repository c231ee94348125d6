"""PostgreSQL, by psycopg: the same statements as on SQLite, for whoever has outgrown one file."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, cast

try:
    import psycopg
    import psycopg.rows
except ImportError:  # the extra [postgres] is for those who have outgrown one file
    psycopg = None  # type: ignore[assignment]

from monitor.store.database import (
    NAMED,
    NOTHING,
    DatabaseBusy,
    DatabaseUnusable,
    Locks,
    PerThread,
    Role,
    Row,
    Step,
    Values,
    sought,
)
from monitor.store.postgresql_connections import Connection, at_leisure, connect
from monitor.store.postgresql_roles import SessionRole, end_silent, held, need_driver, number_of


class _NoDriverError(Exception):
    """Nothing raises it: without the driver nothing of PostgreSQL can go wrong."""


Error: type[Exception] = psycopg.Error if psycopg else _NoDriverError
log = logging.getLogger("earful.store")
_LOCK = 0x0EA2F01  # any constant: alone it is the twin of SQLite's one writer; who names locks of theirs shares it
# Of a transaction whose machine is gone, or stands still: its locks hold up everybody. So would, one after the other,
# those of its other sessions that wait for a lock: who has waited for so long gives up, as on SQLite, and tries again.
SILENT, WAITS = timedelta(seconds=15), timedelta(seconds=30)
_KEPT = 4  # connections without a thread: a server has a hundred for all processes, and opening one takes milliseconds
_PLANNED_FOR = 256  # transactions, at most; planning all of it anew takes some milliseconds
# A search keeps which rows it has found: where they have no room (the server's default is 4 MB), it keeps pages of rows
# only, and reads every row on them again. Nor does a question get parallel workers: starting them takes longer than
# most of ours run.
_WORK_MEMORY = "32MB"
_MILLISECOND = timedelta(milliseconds=1)
_NEAR = timedelta(milliseconds=100)  # by which clocks that are kept right may differ
_AT_ONCE = 100  # rows, of which one may hold some hundred kilobytes
# Of the newest posts so many are looked at to learn how common words are: from so many matches on, walking back is
# quicker than the index, and from so many on they tell how far back the wanted number reaches, give or take a third.
_SAMPLE, _COMMON, _TELLING, _REACH = 20_000, 400, 30, 1.33
_FITS = "search @@ websearch_to_tsquery('simple', :search)"


@lru_cache(maxsize=1024)
def _for_postgresql(statement: str) -> str:
    return NAMED.sub(r"%(\1)s", statement.replace("%", "%%"))


def _newest() -> str:
    """A question for how many of the newest posts match a search (`hits`), and for the number of the `last` of all."""
    return (
        f"SELECT max(n) AS last, count(*) FILTER (WHERE {_FITS}) AS hits "
        f"FROM (SELECT n, search FROM posts ORDER BY n DESC LIMIT {_SAMPLE}) AS newest"
    )


def _take(connection: Connection, wanted: Sequence[tuple[int, bool]], before: str = "") -> None:
    """Take locks in this order, each alone or shared, for the transaction that is open: one question for all.

    What is to be said `before` goes along: each answer that is waited for has a judge and the server take turns.
    """
    keys, alone = (",".join(map(str, each)) for each in zip(*wanted, strict=True))
    connection.execute(
        f"{before}SELECT CASE WHEN alone THEN pg_advisory_xact_lock(key) ELSE pg_advisory_xact_lock_shared(key) END "
        f"FROM unnest('{{{keys}}}'::bigint[], '{{{alone}}}'::boolean[]) AS wanted (key, alone)".encode()
    )


def _wait_for_locks(longest: timedelta) -> str:
    return f"SET lock_timeout = {longest // _MILLISECOND}"


def _where(address: str, named: str) -> str:
    """Which database an address means, in words and without its password."""
    try:
        said = psycopg.conninfo.conninfo_to_dict(address)
    except psycopg.Error:
        raise DatabaseUnusable(f"{named}: can't be read; write postgresql://USER:PASSWORD@HOST/NAME") from None
    return f"PostgreSQL at {said.get('host', 'the local socket')}, database {said.get('dbname', '')}"


def _machine() -> datetime:
    return datetime.now(UTC)


class Postgresql:
    """PostgreSQL through psycopg, one connection a thread; a broken connection is replaced at its next use."""

    dialect = "postgresql"
    one_writer = False
    # How long a change of tables waits for one at a time, how often it is tried, and how long others go on meanwhile.
    change_waits, change_tries, change_pause = timedelta(seconds=2), 6, timedelta(seconds=4)

    def __init__(
        self, address: str, *, named: str = "[database] url", machine: Callable[[], datetime] = _machine
    ) -> None:
        """Connect to `address` (postgresql://...); raise DatabaseBusy, without the password, if that cannot be.

        `named` says where a person wrote it; `machine` is this machine's clock. Raises DatabaseUnusable where psycopg
        is not installed.
        """
        self._machine = machine
        need_driver()
        self._address = address
        self.where = _where(address, named)
        self.beside: Path | None = None
        self.id_names: dict[str, str] = {}
        self.ids_in_order = False
        self._authors_in_parts: bool | None = None
        self._connections: PerThread[Connection] = PerThread()
        try:
            self._connection()
        except psycopg.Error as error:
            # A server that is still starting and a wrong password look alike here: another try costs nothing.
            raise DatabaseBusy(
                f"{self.where}: {type(error).__name__}. Is the server running, and are the name and password in "
                f"{named} right?"
            ) from None

    def _connection(self) -> Connection:
        connection: Connection | None = self._connections.mine()
        if connection is None or connection.closed or connection.broken:
            connection = self._idle() or self._open()
            self._connections.take(connection)
            for spare in self._connections.spare(_KEPT):
                spare.close()
        return connection

    def _open(self) -> Connection:
        connection = connect(self._address)
        # Compiling a statement anew takes longer than any of ours runs.
        # What a statement reads after a lock must be what others committed before it was given: each looks anew.
        connection.execute(
            f"SET idle_in_transaction_session_timeout = {SILENT // _MILLISECOND}; {_wait_for_locks(WAITS)}; "
            "SET TIME ZONE 'UTC'; SET jit = off; SET default_transaction_isolation = 'read committed'; "
            f"SET work_mem = '{_WORK_MEMORY}'; SET max_parallel_workers_per_gather = 0".encode()
        )
        return connection

    def _idle(self) -> Connection | None:
        """A connection that a thread has left behind sound."""
        while (found := self._connections.left_behind()) is not None:
            if not found.closed and found.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
                return found
            found.close()
        return None

    @property
    def address(self) -> str:
        """Where it is, with the password: for a library that connects by itself. Never to be shown."""
        return self._address

    def connection(self) -> Connection:
        """The connection of this thread: for a library that is handed one."""
        return self._connection()

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
        """Run one statement for many rows, without waiting for each answer; how many rows that changed.

        https://www.psycopg.org/psycopg3/docs/advanced/pipeline.html
        """
        many = list(values)
        if len(many) < 2:  # together would be three turns
            return self.run(statement, many[0]) if many else 0
        with self._connection().cursor() as cursor:
            cursor.executemany(_for_postgresql(statement).encode(), many)
            return max(cursor.rowcount, 0)

    def among(self, name: str, texts: Sequence[str]) -> tuple[str, dict[str, Any]]:
        """An array."""
        return f"(SELECT unnest(CAST(:{name} AS text[])))", {name: list(texts)}

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Values], *, new: bool = False) -> int:
        """Up to so many in one statement, as one document of which the server makes rows: each alone cost much more.

        https://www.postgresql.org/docs/current/functions-json.html#FUNCTIONS-JSON-PROCESSING-TABLE
        """
        listed = ", ".join(columns)
        statement = (
            f"INSERT INTO {table} ({listed}) SELECT {listed} FROM json_populate_recordset(NULL::{table}, "
            f"CAST(:rows AS json)){'' if new else ' ON CONFLICT DO NOTHING'}"
        )
        waiting, count = iter(rows), 0
        while some := [{column: row[column] for column in columns} for row in islice(waiting, _AT_ONCE)]:
            count += self.run(statement, {"rows": json.dumps(some, ensure_ascii=False)})
        return count

    def _run(self, statement: str, values: Values) -> psycopg.Cursor[Any]:
        # A plan that is kept for any value reads a million rows for a rare one: questions are planned each time.
        prepare = False if statement.startswith("SELECT") else None
        return self._connection().execute(_for_postgresql(statement).encode(), values, prepare=prepare)

    def script(self, statements: Iterable[str]) -> None:
        """Run statements of the schema, inside the transaction that is open.

        Whoever wants to read a table has to wait behind one that waits to change it: it soon gives up.
        """
        connection = self._connection()
        with at_leisure(connection):
            connection.execute(f"SET LOCAL lock_timeout = {self.change_waits // _MILLISECOND}".encode())
            for statement in statements:
                connection.execute(statement.encode())

    def change(self, work: Callable[[], None]) -> None:
        """Do what changes tables, in a transaction that it begins; again after a pause while somebody reads them.

        Raises DatabaseBusy, with who that is, where they do not end: a copy of everything may take hours.
        """
        for tried in range(1, self.change_tries + 1):
            try:
                return work()
            except psycopg.errors.LockNotAvailable:
                said = f"{self.where}: its tables are to be brought up to this version, but {self._reader()}"
                if tried == self.change_tries:
                    raise DatabaseBusy(f"{said}. Wait until that is done, or stop it, and try again") from None
                if tried == 1:
                    log.warning("%s; waiting for that to end", said)
            self.row("SELECT pg_sleep(:seconds)", {"seconds": self.change_pause.total_seconds()})
        return None

    def _reader(self) -> str:
        """Who has held a table for the longest, in words."""
        row = self.row(
            "SELECT a.application_name AS name, a.pid, a.xact_start AS since FROM pg_locks l "
            "JOIN pg_stat_activity a USING (pid) JOIN pg_class c ON c.oid = l.relation WHERE l.granted "
            "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
            "AND c.relnamespace = current_schema()::regnamespace AND l.pid <> pg_backend_pid() "
            "ORDER BY a.xact_start LIMIT 1"
        )
        if row is None:
            return "somebody was using them"
        since = f", since {row['since']:%H:%M:%S} UTC" if row["since"] else ""
        return f"{row['name'] or 'a program without a name'} (process {row['pid']} of the server{since}) is using them"

    @contextmanager
    def transaction(self, locks: Locks | None = None, *, durable: bool = True, long: bool = False) -> Iterator[None]:
        """All or nothing; without `locks` one writer at a time (as on SQLite, so that both behave alike)."""
        connection = self._connection()
        self._plan_anew(connection)
        with connection.transaction(), at_leisure(connection) if long else nullcontext():
            # https://www.postgresql.org/docs/current/wal-async-commit.html
            before = "" if durable else "SET LOCAL synchronous_commit = off; "
            try:
                self._enter(connection, locks, before)
            except psycopg.errors.LockNotAvailable:
                end_silent(self._address, _LOCK, SILENT)
                raise
            yield

    @staticmethod
    def _plan_anew(connection: Connection) -> None:
        """Forget the server's plans as tables grow: the more seldom, the more transactions there were.

        What a session repeats is planned for tables as they are then. One that was nearly empty when the server looked
        through it is read from end to end, also to check that a row is there which another refers to: a post came to
        cost what all posts before it did, until the server looked again.
        https://www.postgresql.org/docs/current/sql-discard.html
        """
        connection.transactions += 1
        so_far = connection.transactions
        if so_far & (so_far - 1) == 0 or so_far % _PLANNED_FOR == 0:
            connection.execute("DISCARD PLANS")

    def _enter(self, connection: Connection, locks: Locks | None, before: str) -> None:
        if locks is None:
            _take(connection, [(_LOCK, True)], before)
            return
        wanted = {number_of(name): False for name in locks.shared} | {number_of(name): True for name in locks.alone}
        _take(connection, [(_LOCK, False), *sorted(wanted.items())], before)

    def lock(self, names: Iterable[str], shared: Iterable[str] = ()) -> None:
        """By advisory locks, too."""
        wanted = {number_of(name): False for name in shared} | {number_of(name): True for name in names}
        if wanted:
            _take(self._connection(), sorted(wanted.items()))

    def skip_locked(self, table: str) -> str:
        """https://www.postgresql.org/docs/current/sql-select.html#SQL-FOR-UPDATE-SHARE"""
        return f" FOR UPDATE OF {table} SKIP LOCKED"

    def time(self) -> datetime:
        """The server's, at this moment and not at the beginning of a transaction."""
        row = self.row("SELECT clock_timestamp() AS at")
        assert row is not None
        return cast("datetime", row["at"])

    def skew(self) -> timedelta:
        """Asked each time: a clock may be set. What lies within the time that the answer took is no difference."""
        before = self._machine()
        shown = self.time()
        after = self._machine()
        ahead = shown - (before + (after - before) / 2)
        return ahead if abs(ahead) > max(_NEAR, after - before) else timedelta()

    def numbers(self, table: str, surely: int = 1) -> Iterator[int]:
        """From the sequence of the column: of what is rolled back a number is left out."""
        given = f"nextval(pg_get_serial_sequence('{table}', 'n'))"
        while True:
            rows = self.rows(
                f"WITH given AS MATERIALIZED (SELECT {given} AS n FROM generate_series(1, :surely)) "
                f"SELECT n, EXISTS (SELECT 1 FROM {table} t WHERE t.n = given.n) AS stands FROM given ORDER BY n",
                {"surely": max(1, surely)},
            )
            yield from (int(row["n"]) for row in rows if not row["stands"])
            if rows[-1]["stands"]:  # rows that brought numbers of their own: those are passed over, each once
                self.row(
                    f"SELECT count({given}) AS n FROM generate_series(:n + 1, (SELECT max(n) FROM {table}))",
                    {"n": rows[-1]["n"]},
                )
            surely = 1

    def copy_in(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Write many rows at once, inside the transaction that is open.

        https://www.psycopg.org/psycopg3/docs/basic/copy.html
        """
        into = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        connection = self._connection()
        with at_leisure(connection), connection.cursor() as cursor, cursor.copy(into.encode()) as copy:
            for row in rows:
                copy.write_row(row)

    def batches(self, statement: str, size: int) -> Iterator[list[tuple[Any, ...]]]:
        """All rows of a question, so many at a time: the server keeps the others."""
        connection = self._connection()
        with (
            connection.transaction(),
            at_leisure(connection),
            connection.cursor("batches", row_factory=psycopg.rows.tuple_row) as cursor,
        ):
            # It holds no lock that others wait for, and whoever reads on may be somebody at a terminal.
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute(statement.encode())
            while rows := cursor.fetchmany(size):
                yield rows

    def count_on(self, given: Mapping[str, int]) -> None:
        """Have each column that numbers its rows go on after the highest of them, and after what was `given` before."""
        for row in self.rows(
            "SELECT table_name AS name, column_name AS number FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND is_identity = 'YES'"
        ):
            table, number = row["name"], row["number"]
            highest = self.row(f"SELECT max({number}) AS n FROM {table}")
            last = max(given.get(table, 0), (highest and highest["n"]) or 0)
            if last > 0:
                self.row(
                    "SELECT setval(pg_get_serial_sequence(:name, :number), :last)",
                    {"name": table, "number": number, "last": last},
                )

    def has_table(self, name: str) -> bool:
        """Whether a table stands."""
        return (
            self.row(
                "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = :name", {"name": name}
            )
            is not None
        )

    @property
    def authors_in_parts(self) -> bool:
        """As the database was made: none changes while somebody works on it."""
        if self._authors_in_parts is None:
            self._authors_in_parts = (
                self.row(
                    "SELECT 1 AS one FROM pg_indexes WHERE schemaname = current_schema() "
                    "AND indexname = 'mentions_by_author'"
                )
                is not None
            )
        return self._authors_in_parts

    def columns_of(self, table: str) -> frozenset[str]:
        """The names of a table's columns."""
        rows = self.rows(
            "SELECT column_name AS name FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND table_name = :name",
            {"name": table},
        )
        return frozenset(row["name"] for row in rows)

    def hold_role(self, role: str, now: datetime, *, worker: str = "", alone: bool = True) -> Role:
        """Hold `role` by an advisory lock on a connection of its own."""
        return SessionRole(self._address, role, now, worker=worker, alone=alone)

    def held(self, names: Iterable[str]) -> frozenset[str]:
        """By the server's list of locks."""
        return held(self._connection(), names)

    def begins(self, column: str, prefix: str) -> str:
        """By LIKE, in whatever order the server keeps texts.

        https://www.postgresql.org/docs/current/indexes-opclass.html
        """
        return f"{column} LIKE '{prefix}%'"

    def search_matches(self, most: int = 0) -> str:
        """Full-text search by tsvector; never mixed with what stands around it (OFFSET 0 keeps it apart).

        The server cannot guess how often words stand together, nor that the newest are wanted. So the newest posts are
        looked at first. What is common among them is found soon by walking back; what is not, by the index, as far back
        as it takes; and only where that brought too few, among all that is older.
        """
        if not most:
            return f"SELECT s.id FROM posts s WHERE s.{_FITS} OFFSET 0"
        back = f"CASE WHEN hits < {_TELLING} THEN 0 ELSE last - {int(most * _SAMPLE * _REACH)} / hits END"
        # The order is written so that the index of the search is used, and not that of the numbers.
        by_index = (
            f"SELECT s.id FROM posts s, sample WHERE s.{_FITS} AND hits < {_COMMON} AND {{}} "
            "ORDER BY s.n + 0 DESC LIMIT {}"
        )
        near = by_index.format("s.n > since", int(most))
        far = by_index.format("s.n <= since AND since > 0", f"(SELECT {int(most)} - count(*) FROM near)")
        # The last number says nothing new to us; the server plans by it what becomes of the posts.
        return (
            f"WITH counted AS MATERIALIZED ({_newest()}), "
            f"sample AS MATERIALIZED (SELECT hits, {back} AS since FROM counted), "
            f"near AS MATERIALIZED ({near}) SELECT id FROM ("
            f"(SELECT id FROM (SELECT id, search FROM posts ORDER BY n DESC OFFSET 0) AS walked WHERE {_FITS} "
            f"AND (SELECT hits FROM sample) >= {_COMMON} LIMIT {int(most)}) UNION ALL SELECT id FROM near "
            f"UNION ALL ({far})) AS found LIMIT {int(most)}"
        )

    def search_count(self, most: int, *, newest: bool = False) -> str:
        """In whatever order they are found; where the newest are wanted, what is common among them is not counted."""
        counted = f"SELECT count(*) AS n FROM (SELECT 1 FROM posts s WHERE s.{_FITS} LIMIT {int(most)}) AS found"
        if not newest:
            return counted
        return (
            f"SELECT CASE WHEN hits * (last / {_SAMPLE}) > {2 * int(most)} THEN {int(most)} ELSE ({counted}) END AS n "
            f"FROM ({_newest()}) AS counted"
        )

    def search_among(self, numbers: Sequence[int], words: str) -> set[int]:
        """Each by the column that the index is made of: by the index of the search, all posts that match would be read
        for these few (OFFSET 0 keeps it out)."""
        rows = self.rows(
            f"SELECT n FROM (SELECT n, search FROM posts WHERE n = ANY(:numbers) OFFSET 0) AS looked_at WHERE {_FITS}",
            {"numbers": list(numbers), "search": self.search_words(words)},
        )
        return {int(row["n"]) for row in rows}

    searched_column = "p.search"

    def search_step(self, question: str, values: Values, words: str) -> Step:
        """All in the server: of two thousand rows a few are sent, and the last one."""
        rows = self.rows(
            f"WITH looked_at AS MATERIALIZED ({question}), placed AS (SELECT id, posted_at, "
            "row_number() OVER (ORDER BY posted_at DESC, id) AS place, "
            f"{_FITS} AS fits FROM looked_at) "
            "SELECT id, posted_at, place, fits FROM placed "
            "WHERE fits OR place = (SELECT count(*) FROM looked_at) ORDER BY place",
            {**values, "search": self.search_words(words)},
        )
        ids = [row["id"] for row in rows if row["fits"]]
        return Step(ids, rows[-1]["place"], rows[-1]) if rows else Step([], 0, None)

    def by_index(self, _name: str) -> str:
        """PostgreSQL chooses by its statistics."""
        return ""

    def search_words(self, words: str) -> str:
        """Each word quoted: nothing that people type is syntax, and what it is cut into stands side by side."""
        return " ".join('"' + word.replace('"', " ") + '"' for word in sought(words))

    def checkpoint(self) -> None:
        """PostgreSQL looks after its own log."""

    def keep_little(self) -> None:
        """The server keeps the pages."""

    def tidy(self, seconds: float) -> bool:  # noqa: ARG002 - nothing is left
        """The server does that by itself."""
        return True

    def overwrite(self, tables: Sequence[str], seconds: float) -> bool:
        """Vacuum: the emptied versions of rows go, and with them their words in the index of the search.

        They stay as long as somebody looks at the database as it was before: a copy by pg_dump, say.
        """
        connection, began, patience = self._connection(), self.time(), timedelta(seconds=seconds)
        while self._seen_before(began):
            if self.time() - began > patience:
                return False
            connection.execute("SELECT pg_sleep(0.1)")
        with at_leisure(connection):
            connection.execute(_wait_for_locks(patience).encode())
            try:
                for table in tables:
                    connection.execute(f"VACUUM {table}".encode())
            except psycopg.errors.LockNotAvailable:
                return False
            finally:
                connection.execute(_wait_for_locks(WAITS).encode())
        return True

    def _seen_before(self, moment: datetime) -> bool:
        """Whether a transaction is open that sees what was before; those of other users only where that is allowed.

        https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW
        """
        return bool(
            self.row(
                "SELECT 1 AS one FROM pg_stat_activity WHERE datname = current_database() AND backend_xmin IS NOT NULL "
                "AND pid <> pg_backend_pid() AND xact_start < :moment AND backend_type <> 'autovacuum worker' LIMIT 1",
                {"moment": moment},
            )
        )

    def overwrite_all(self, tables: Sequence[str]) -> None:
        """Vacuum does not care when a row was emptied."""

    def copies(self) -> Mapping[str, datetime]:
        """PostgreSQL's copies are made and kept by whoever runs it."""
        return {}

    def delete_copies(self, names: Iterable[str]) -> list[str]:  # noqa: ARG002 - there are none
        """Nothing to do."""
        return []

    def is_sound(self) -> str:
        """PostgreSQL answers, or says why not."""
        try:
            self.row("SELECT 1 AS one")
        except psycopg.Error as error:
            return type(error).__name__
        return ""

    def close(self) -> None:
        """Close every connection of every thread."""
        self._connections.close()


def is_away(error: BaseException) -> bool:
    """Whether the server cannot be reached, or ends its sessions: nothing else can be done there either.

    What has no code is the client's own word on its connection.
    https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    if psycopg is None or not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))


# Rights, tables and columns that are missing, and damaged files: whoever looks after the server has to act.
_OF_ALL = ("0A", "25", "28", "3D", "3F", "40", "42501", "42P01", "42703", "53", "55", "57P", "58", "XX001", "XX002")


def is_of_all(error: BaseException) -> bool:
    """Whether it is the server's trouble, or that of others who write, whatever it was given to store.

    https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    if psycopg is None or not isinstance(error, psycopg.Error):
        return False
    return is_away(error) or (error.sqlstate or "").startswith(_OF_ALL)


def why_refused(error: BaseException) -> str:
    """What of the server's side made a statement fail: "rights", "room", "line" or "row"; "" for anything else.

    https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    kinds: list[tuple[str, tuple[type[BaseException], ...]]] = (
        [
            ("rights", (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidSchemaName)),
            ("room", (psycopg.errors.InsufficientResources, psycopg.errors.DiskFull, psycopg.errors.OutOfMemory)),
            ("row", (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)),
            ("line", (psycopg.OperationalError, psycopg.InterfaceError)),
        ]
        if psycopg
        else []
    )
    return next((kind for kind, those in kinds if isinstance(error, those)), "")
