"""From the address in the settings to an open database: which database it is, and who serves it."""

from __future__ import annotations

import socket
from pathlib import Path

from monitor.store import postgresql, postgresql_roles, sqlite, sqlite_roles
from monitor.store.database import DatabaseUnusable
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite

Error = (sqlite.Error, postgresql.Error)  # whatever goes wrong with a database


class Away(str):
    """A reason that is one for everything at once: the database cannot be reached."""

    __slots__ = ()


def reason(error: BaseException) -> str:
    """Why something failed, for a log: SQLite's and the system's own words, of anything else only its kind.

    PostgreSQL and libraries may quote values, and with them what people wrote. `Away` where its server is.
    """
    if isinstance(error, sqlite.Error):
        return f"the database said: {error}"
    if isinstance(error, postgresql.Error):
        said = f"the database said {type(error).__name__}"
        return Away(said) if postgresql.is_away(error) else said
    return error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__


def is_of_all(error: BaseException) -> bool:
    """Whether it is the whole database's trouble, and not that of what it was given: it could store nothing else."""
    return isinstance(error, sqlite.Error) or postgresql.is_of_all(error)


def open_database(url: str) -> Sqlite | Postgresql:
    """Open "sqlite:PATH" or "postgresql://..."; raise DatabaseUnusable with what to do."""
    if url.startswith(("postgresql:", "postgres:")):
        return Postgresql(url)
    if url.startswith("sqlite:"):
        return Sqlite(Path(url.removeprefix("sqlite:")))
    raise DatabaseUnusable('[database] url: write "sqlite:FILE" or "postgresql://USER@HOST/NAME"')


def holder_of(url: str) -> int | None:
    """The process on this machine that serves this database as its daemon; None if there is none."""
    return _process_in(served_by(url))


def served_by(url: str) -> str:
    """Who serves this database as its daemon, on whichever machine, as it wrote it; "" if nobody does."""
    on_file = url.startswith("sqlite:")
    return sqlite_roles.holder(Path(url.removeprefix("sqlite:"))) if on_file else postgresql_roles.holder(url)


def _process_in(holder: str) -> int | None:
    host, _, rest = holder.partition(", process ")
    number = rest.partition(",")[0]
    return int(number) if host == socket.gethostname() and number.isdigit() else None
