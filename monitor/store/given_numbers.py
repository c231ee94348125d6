"""The highest numbers that PostgreSQL gave to cases, incidents, problems and events, in a file of this machine.

Numbers stand in messages, tickets and links. A copy that `pg_restore` puts back knows nothing of those given since it
was made: a press in a message of that time would act on somebody else's case. So each process writes down how far they
are, and whoever opens a database that is behind what was written has it go on far ahead. Of an SQLite file
`earful restore` does the same (monitor/store/backup.py).
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from monitor.store import key_values
from monitor.store.backup import COUNTED, FAR_AHEAD
from monitor.store.ownership import replace_whole
from monitor.store.postgresql import Postgresql

log = logging.getLogger("earful.store")

_FILE = ".numbers"
_BY_SEQUENCE = ("cases", *COUNTED)  # each has given its last number, whether or not a row of it stands
_INCIDENTS = "incidents"  # go on behind the highest


def file_of(database: Postgresql) -> Path | None:
    """Where they are written down: beside the key of erasures."""
    return database.beside.with_name(database.beside.name + _FILE) if database.beside else None


def note(database: Postgresql) -> None:
    """Write down how far they are, if that is further than what stands written."""
    path = file_of(database)
    if path is None:
        return
    known = _written(path)
    found = {table: max(number, known.get(table, 0)) for table, number in _highest(database).items()}
    if found == known:
        return
    try:
        replace_whole(path, json.dumps(found), f".{os.getpid()}")
    except OSError as error:
        log.warning("%s: %s; if an older copy is put back, numbers of cases may be given again", path, error.strerror)


def go_on(database: Postgresql, now: datetime) -> str:
    """Where a database is behind what was written, have no number given again; what was done, in words, or ""."""
    path = file_of(database)
    known = _written(path) if path is not None else {}
    if not _behind(known, _highest(database)):
        return ""
    with database.transaction():
        behind = _behind(known, _highest(database))  # another process may have been quicker
        for table, number in behind.items():
            if table == _INCIDENTS:
                key_values.note_given(database, table, number, now)
            else:
                sequence = "pg_get_serial_sequence(:table, 'n')"
                database.row(f"SELECT setval({sequence}, :n)", {"table": table, "n": number})
    if not behind:
        return ""
    first = ", ".join(f"{table} at {number + 1}" for table, number in sorted(behind.items()))
    return f"This database is a copy older than numbers that messages bear ({path}); new ones begin: {first}"


def _behind(known: Mapping[str, int], own: Mapping[str, int]) -> dict[str, int]:
    """Those of a database that are below what is known, with the number up to which none is given any more.

    What was given in the last minute may not have been written down.
    """
    return {table: known[table] + FAR_AHEAD for table, number in own.items() if number < known.get(table, 0)}


def _highest(database: Postgresql) -> dict[str, int]:
    found = {}
    for table in _BY_SEQUENCE:
        row = database.row(
            "SELECT coalesce(pg_sequence_last_value(CAST(pg_get_serial_sequence(:table, 'n') AS regclass)), 0) AS n",
            {"table": table},
        )
        found[table] = int(row["n"]) if row else 0
    row = database.row(f"SELECT coalesce(max(n), 0) AS n FROM {_INCIDENTS}")
    found[_INCIDENTS] = max(int(row["n"]) if row else 0, key_values.given(database, _INCIDENTS))
    return found


def _written(path: Path) -> dict[str, int]:
    try:
        return {str(table): int(number) for table, number in json.loads(path.read_text("ascii")).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        log.warning("%s can't be read (%s), and is written anew", path, type(error).__name__)
        return {}
