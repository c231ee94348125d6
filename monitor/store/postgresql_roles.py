"""Roles on PostgreSQL: locks that live as long as a session of their own, by which others know who is alive."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

try:
    import psycopg
except ImportError:
    psycopg = None  # type: ignore[assignment]

from monitor.extras import how_to_install
from monitor.store.database import DatabaseUnusable, RoleTaken, stamp, this_process
from monitor.store.postgresql_connections import connect

DAEMON = 0x0EA2F02
_PATIENCE = 20.0  # seconds: what is asked here is no work


def need_driver() -> None:
    """Raise DatabaseUnusable where psycopg is not installed."""
    if psycopg is None:
        raise DatabaseUnusable(
            f"[database] url is PostgreSQL, but its driver is not installed; run: {how_to_install('postgres')}"
        )


def number_of(name: str) -> int:
    """The number by which PostgreSQL knows a lock. https://www.postgresql.org/docs/current/explicit-locking.html"""
    return int.from_bytes(blake2b(name.encode("utf-8", "replace"), digest_size=8).digest(), "big", signed=True)


def end_silent(address: str, number: int, silent: timedelta) -> None:
    """End the sessions that hold this lock and have said nothing for so long: their machine is gone or stands still.

    The server does so by itself, unless what it heard last was half a request. Whoever copies is left alone.
    """
    with connect(address, _PATIENCE) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(a.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
            "WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = %s AND l.objsubid = 1 "
            "AND a.datname = current_database() AND a.usename = current_user AND a.wait_event = 'ClientRead' "
            "AND greatest(a.query_start, a.state_change) < clock_timestamp() - %s AND a.query NOT LIKE 'COPY%%'",
            (number, silent),
        )


# https://www.postgresql.org/docs/current/view-pg-locks.html: a number of 64 bits stands there in two halves
_HELD = (
    "SELECT (classid::bigint << 32) | objid::bigint AS number FROM pg_locks WHERE locktype = 'advisory' "
    "AND objsubid = 1 AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)

# As `this_process` writes it.
_WORKERS = (
    "SELECT name, host || ', process ' || pid || ', since ' || replace(left(since, 16), 'T', ' ') || ' UTC' AS words "
    "FROM workers ORDER BY since, name"
)


def held(connection: psycopg.Connection[Any], names: Iterable[str]) -> frozenset[str]:
    """Which of these names somebody's session holds as a lock."""
    wanted = {number_of(name): name for name in names}
    if not wanted:
        return frozenset()
    rows = connection.execute(f"SELECT number FROM ({_HELD}) AS l WHERE number = ANY(%s)".encode(), (list(wanted),))
    return frozenset(wanted[row["number"]] for row in rows.fetchall())


class SessionRole:
    """A role on PostgreSQL: a lock that lives as long as one session, which may end long before the process does.

    The session also holds a lock of its `worker`'s name: as long as it does, that one is alive.
    """

    def __init__(self, address: str, role: str, now: datetime, *, worker: str = "", alone: bool = True) -> None:
        self._address = address
        self._role = role
        self._worker = worker
        self._alone = alone
        self._shown = False  # whether the lock of the worker's name is ours
        self._lost = False
        self._connection = self._take(now)

    def _take(self, now: datetime) -> psycopg.Connection[Any]:
        connection = connect(self._address, _PATIENCE)  # else a machine without power would be alive for hours
        try:
            return self._held(connection, now)
        except BaseException:
            connection.close()
            raise

    def _held(self, connection: psycopg.Connection[Any], now: datetime) -> psycopg.Connection[Any]:
        key = f"role:{self._role}"
        how = "" if self._alone else "_shared"
        got = connection.execute(f"SELECT pg_try_advisory_lock{how}(%s) AS got".encode(), (DAEMON,)).fetchone()
        if got is None or not got["got"]:
            other = connection.execute("SELECT value FROM facts WHERE key = %s", (key,)).fetchone()
            raise RoleTaken(
                f"this database is already in use by {other['value'] if other else 'another process'}; "
                "stop that one first"
            )
        self._show(connection)
        holder = this_process(now)
        connection.execute(
            "INSERT INTO facts (key, value, at) VALUES (%s, %s, %s) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value, at = excluded.at",
            (key, holder, stamp(now)),
        )
        return connection

    def _show(self, connection: psycopg.Connection[Any]) -> None:
        """Take the lock of the worker's name; a session of ours that is cut off may have it for some seconds more."""
        key = number_of(f"worker:{self._worker}")
        got = connection.execute("SELECT pg_try_advisory_lock(%s) AS got", (key,)).fetchone() if self._worker else None
        self._shown = got is None or bool(got["got"])

    def keep(self, now: datetime, /) -> str:
        """Ask in the session that holds the lock; where it has ended, take the lock in a new one.

        While the server cannot be reached nobody else can take it either, so that is no reason to stop.
        """
        try:
            self._connection.execute("SELECT 1")
            if not self._shown:
                self._show(self._connection)
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
            self._connection.execute("SELECT pg_advisory_unlock_all()")
        except psycopg.Error:
            pass  # the connection is gone, and the locks with it
        self._connection.close()


def holder(address: str) -> str:
    """Who serves this database, as they wrote it: of several, who has done so the longest; "" for nobody.

    Raises DatabaseUnusable without the driver.
    """
    need_driver()
    with connect(address, _PATIENCE) as connection:
        # For this statement's own transaction, so that the question itself never stands in a daemon's way.
        free = connection.execute("SELECT pg_try_advisory_xact_lock(%s) AS free", (DAEMON,)).fetchone()
        if free is None or free["free"]:
            return ""
        written = connection.execute("SELECT value FROM facts WHERE key = 'role:daemon'").fetchone()
        table = connection.execute("SELECT to_regclass('workers') IS NOT NULL AS stands").fetchone()
        rows = connection.execute(_WORKERS.encode()).fetchall() if table and table["stands"] else []
        alive = held(connection, (f"worker:{row['name']}" for row in rows))
    said = [row["words"] for row in rows if f"worker:{row['name']}" in alive]  # an older version wrote no row
    return str(said[0] if said else written["value"] if written else "")
