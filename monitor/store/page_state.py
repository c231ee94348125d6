"""What several processes that serve the page have to know of each other: failed logins, and who has which case open.

Both are short-lived. On SQLite one process serves the page, and keeps them in its memory.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.store import key_values
from monitor.store.database import Database, at, stamp

COUNTED = timedelta(hours=1)  # a failed login, at most
MOST_FAILURES = 100_000  # rows
_SEALING = "page_sealing"


def sealing_key(database: Database, now: datetime) -> bytes:
    """The key under which the page seals what rides in a browser; made once. Outside a transaction."""
    kept = key_values.fact(database, _SEALING)
    if not kept:
        with database.transaction():
            kept = key_values.fact(database, _SEALING)  # another process may have been quicker
            if not kept:
                kept = base64.b64encode(secrets.token_bytes(32)).decode()
                key_values.remember(database, _SEALING, kept, now)
    return base64.b64decode(kept)


# -- failed logins ----------------------------------------------------------------------------------------------------


def failures(database: Database, mark: str, since: datetime, most: int) -> list[datetime]:
    """When this mark (a hash of a name or an address) failed since then: the last so many times, the oldest first."""
    rows = database.rows(
        "SELECT at FROM login_failures WHERE mark = :mark AND at > :since ORDER BY n DESC LIMIT :most",
        {"mark": mark, "since": stamp(since), "most": most},
    )
    return [at(row["at"]) for row in reversed(rows)]


def note_failure(database: Database, mark: str, now: datetime) -> None:
    """Count one; of very many the oldest go, as nobody can be let fill the database by guessing."""
    database.run("INSERT INTO login_failures (mark, at) VALUES (:mark, :now)", {"mark": mark, "now": stamp(now)})
    database.run(
        "DELETE FROM login_failures WHERE n <= (SELECT max(n) FROM login_failures) - :most", {"most": MOST_FAILURES}
    )


def trim(database: Database, now: datetime) -> None:
    """Failures that nobody counts any more."""
    database.run("DELETE FROM login_failures WHERE at < :before", {"before": stamp(now - COUNTED)})


def forget_failures(database: Database, mark: str) -> None:
    """It went well."""
    database.run("DELETE FROM login_failures WHERE mark = :mark", {"mark": mark})


# -- who has which case open ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who has a case open, until then unless they are heard of again."""

    name: str
    until: datetime


def come(database: Database, case_id: str, who: str, reader: Reader, now: datetime) -> None:
    """Somebody has this case open."""
    database.run("DELETE FROM case_readers WHERE until_at <= :now", {"now": stamp(now)})
    database.run(
        "INSERT INTO case_readers (case_id, who, name, until_at) VALUES (:case, :who, :name, :until) "
        "ON CONFLICT (case_id, who) DO UPDATE SET name = excluded.name, until_at = excluded.until_at",
        {"case": case_id, "who": who, "name": reader.name, "until": stamp(reader.until)},
    )


def go(database: Database, case_id: str, who: str) -> None:
    """Somebody has closed it again."""
    database.run("DELETE FROM case_readers WHERE case_id = :case AND who = :who", {"case": case_id, "who": who})


def readers(database: Database, now: datetime, most: int) -> Mapping[str, Mapping[str, Reader]]:
    """case -> id of a person -> they, of the cases that were opened last."""
    found: dict[str, dict[str, Reader]] = {}
    for row in database.rows(
        "SELECT * FROM case_readers WHERE until_at > :now ORDER BY until_at DESC LIMIT :most",
        {"now": stamp(now), "most": most},
    ):
        found.setdefault(row["case_id"], {})[row["who"]] = Reader(row["name"], at(row["until_at"]))
    return found
