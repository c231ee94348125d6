"""Whether anything can be stored: room on the database's disk, and a write that is really tried."""

from __future__ import annotations

import shutil
from datetime import datetime

from monitor.store import key_values
from monitor.store.connect import Error
from monitor.store.database import Database
from monitor.store.sqlite import Sqlite

NO_ROOM = 1_000_000  # bytes: what is left is eaten by the next page of posts
NOT_STORED = "not stored"  # the fact under which the collector notes why posts could not be stored


def free(database: Database) -> int | None:
    """Bytes that are free on the disk of this database; None where that is another machine's matter."""
    if not isinstance(database, Sqlite):
        return None
    try:
        return shutil.disk_usage(database.path.parent).free
    except OSError:
        return None


def why(error: Exception) -> str:
    """What kept a write from being done, in words for people."""
    said = str(error)
    if "disk is full" in said or "disk full" in said or "No space left" in said:
        return "the disk is full"
    return "the disk cannot be written to" if "disk I/O" in said or "readonly" in said else type(error).__name__


def in_words(error: Exception) -> str:
    """What the database said, for whoever ran a command, and where it is the disk, what to do."""
    said = why(error)
    if said.startswith("the disk "):
        return f"{said}. Free space where [database] url points, check that it is writable, and try again"
    return f"the database said {type(error).__name__}: {error}"


def fault(database: Database, now: datetime) -> str:
    """Why nothing can be stored at the moment; empty while it can. Tries a write of its own."""
    try:
        with database.transaction():
            key_values.remember(database, "written", now.isoformat(), now)
        noted = key_values.fact(database, NOT_STORED)
    except Error as error:
        return why(error)
    room = free(database)
    if room is not None and room < NO_ROOM:
        return "the disk is full"
    return noted
