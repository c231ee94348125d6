"""Connections to PostgreSQL on which nobody waits for ever: for the network, for the server, for one statement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

try:
    import psycopg
    import psycopg.rows
except ImportError:  # the extra [postgres] is for those who have outgrown one file
    psycopg = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from psycopg.abc import RV, PQGen

    _Connection = psycopg.Connection[dict[str, Any]]
    _AsyncConnection = psycopg.AsyncConnection[Any]
else:
    _Connection, _AsyncConnection = (psycopg.Connection, psycopg.AsyncConnection) if psycopg else (object, object)

# A session over a network that is cut in silence is given up after some seconds, not after hours (TCP only).
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-KEEPALIVES
NOTICE: dict[str, Any] = {
    "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000,
}  # fmt: skip
# The server gives up a machine that is gone as soon as we give up the server.
# https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-TCP-KEEPALIVES-IDLE
NOTICES_TOO = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
# What stands between us and the server (a proxy, a tunnel) may take what we say and bring no answer: no network is cut
# then. No statement of ours takes minutes, but for those `at_leisure`; the server ends one before we give it up.
DEADLINE = 300.0  # seconds
_MORE = 15.0  # seconds
JOBS_DEADLINE = 60.0  # seconds: the library of jobs asks small things, and listens for half a minute at a time


class Connection(_Connection):
    """One that is closed where an answer does not come for so many seconds (`deadline`; None: however long it takes).

    `wait` is what every question of psycopg goes through.
    https://www.psycopg.org/psycopg3/docs/api/connections.html#psycopg.Connection.wait
    """

    deadline: float | None = None
    transactions = 0  # that were begun with it

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Raises ConnectionTimeout where it takes too long."""
        try:
            return super().wait(gen, interval, self.deadline if timeout is None else timeout)
        except psycopg.OperationalError:
            if not _waits(self):
                raise
            self.close()  # what it would answer next is not what it is asked next
            raise psycopg.errors.ConnectionTimeout("no answer in time") from None


class AsyncConnection(_AsyncConnection):
    """The same for the loop of jobs, by JOBS_DEADLINE.

    psycopg looks ten times a second whether somebody has pressed Ctrl-C, also while it listens for new jobs all day. A
    loop is told of that otherwise.
    """

    async def wait(self, gen: PQGen[RV], interval: float = 5.0, timeout: float | None = None) -> RV:
        """Raises ConnectionTimeout where it takes too long."""
        try:
            return await super().wait(gen, interval, JOBS_DEADLINE if timeout is None else timeout)
        except psycopg.OperationalError:
            if not _waits(self):
                raise
            await self.close()
            raise psycopg.errors.ConnectionTimeout("no answer in time") from None


def _waits(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> bool:
    """Whether the answer is still to come."""
    return connection.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE


def connect(address: str, deadline: float | None = None) -> Connection:
    """Open one, whose rows read like dictionaries and each of whose statements is a transaction of its own.

    No statement may take longer than `deadline` seconds, by default DEADLINE. Raises psycopg.Error.
    """
    deadline = DEADLINE if deadline is None else deadline
    connection = Connection.connect(
        address, autocommit=True, row_factory=psycopg.rows.dict_row, connect_timeout=10, **NOTICE
    )
    connection.deadline = deadline + _MORE
    try:
        connection.execute(f"{NOTICES_TOO}; {_limit(deadline)}".encode())
    except BaseException:
        connection.close()
        raise
    return connection


def _limit(seconds: float) -> str:
    return f"SET statement_timeout = {int(seconds * 1000)}"


@contextmanager
def at_leisure(connection: Connection) -> Iterator[None]:
    """What may take hours: the schema, a copy of everything, vacuum. In a transaction, until its end."""
    in_one = connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
    before = connection.deadline
    connection.execute("SET LOCAL statement_timeout = 0" if in_one else "SET statement_timeout = 0")
    connection.deadline = None
    try:
        yield
    finally:
        connection.deadline = before
        if not in_one and before is not None:
            connection.execute(_limit(before - _MORE).encode())
