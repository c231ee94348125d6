"""What programs are told of cases: one row an event and reader, written with the log line that it comes from.

A row is there until its reader has taken it. Readers are the webhooks and pagers of the settings; without one
nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from monitor.store.database import Database, Row, at, instant, stamp

# What a line of a case's log is to programs: the event, and why.
_NAMES = {
    "open": ("case.opened", ""),
    "take": ("case.taken", ""),
    "assign": ("case.taken", ""),
    "answered": ("case.answered", ""),
    "reopen": ("case.reopened", "reopened"),
    "again": ("case.reopened", "wrote_again"),
    "reply withdrawn": ("case.reopened", "reply_taken_back"),
    "release": ("case.reopened", "released"),
    "claim_expired": ("case.reopened", "claim_expired"),
    "close": ("case.closed", ""),
    "dismiss": ("case.closed", ""),
    "overdue": ("case.overdue", ""),
}
_UNDONE = {
    **dict.fromkeys(("take", "assign", "answered", "close", "dismiss"), ("case.reopened", "undone")),
    "release": ("case.taken", "undone"),
    "reopen": ("case.closed", "undone"),
}


@dataclass(frozen=True, slots=True)
class Owed:
    """One event that a reader has not taken yet. `n` grows with every event."""

    n: int
    id: str
    case_id: str
    name: str
    at: datetime
    who: str
    why: str
    tries: int


@dataclass(frozen=True, slots=True)
class Reader:
    """One program that is told. `lost` is (from, to, count) of what was too old or too much to be kept."""

    name: str
    next_try_at: datetime | None
    failures: int
    error: str
    lost: tuple[int, int, int]


def know_readers(database: Database, names: Sequence[str]) -> None:
    """These are told from now on, and what is owed to others is forgotten."""
    for row in database.rows("SELECT name FROM event_readers"):
        if row["name"] not in names:
            database.run("DELETE FROM events WHERE reader = :name", {"name": row["name"]})
            database.run("DELETE FROM event_readers WHERE name = :name", {"name": row["name"]})
    database.run_many(
        "INSERT INTO event_readers (name) VALUES (:name) ON CONFLICT (name) DO NOTHING",
        [{"name": name} for name in names],
    )


def readers(database: Database) -> list[Reader]:
    """Everyone who is told."""
    return [
        Reader(
            row["name"],
            instant(row["next_try_at"]),
            row["failures"],
            row["error"],
            (row["lost_from"], row["lost_to"], row["lost_count"]),
        )
        for row in database.rows("SELECT * FROM event_readers ORDER BY name")
    ]


def record(database: Database, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write the events of these lines of logs, for every reader. What opens quietly, an old post, is no event."""
    rows = []
    for line in lines:
        name, why = _NAMES.get(line["what"], ("", ""))
        if line["what"] == "undo":
            name, why = _UNDONE.get(json.loads(line["detail"] or "{}").get("undone", ""), ("", ""))
        if name:
            made_of = "|".join((line["case_id"], line["at"], line["what"], line["who"], line["detail"]))
            rows.append(
                {
                    "id": blake2b(made_of.encode(), digest_size=12).hexdigest(),
                    "case": line["case_id"],
                    "name": name,
                    "at": line["at"],
                    "who": line["who"],
                    "why": why,
                }
            )
    if not rows or database.row("SELECT 1 AS one FROM event_readers LIMIT 1") is None:
        return
    database.run_many(
        "INSERT INTO events (id, reader, case_id, name, at, who, why) "
        "SELECT :id, r.name, c.id, :name, :at, :who, :why FROM event_readers r, cases c "
        "WHERE c.id = :case AND (c.quiet = 0 OR :name <> 'case.opened') ON CONFLICT DO NOTHING",
        rows,
    )


def owed(database: Database, reader: str, now: datetime, limit: int = 100) -> list[Owed]:
    """What a reader is to be told next: of each case its oldest event, none that is held back, the oldest first."""
    rows = database.rows(
        "SELECT * FROM events e WHERE reader = :reader AND next_try_at <= :now AND NOT EXISTS (SELECT 1 FROM events b "
        "WHERE b.reader = e.reader AND b.case_id = e.case_id AND b.n < e.n) ORDER BY n LIMIT :limit",
        {"reader": reader, "now": stamp(now), "limit": limit},
    )
    return [_owed(row) for row in rows]


def _owed(row: Row) -> Owed:
    return Owed(row["n"], row["id"], row["case_id"], row["name"], at(row["at"]), row["who"], row["why"], row["tries"])


def taken(database: Database, reader: str, n: int) -> None:
    """A reader has taken an event: whatever was wrong with it is over."""
    database.run("DELETE FROM events WHERE n = :n", {"n": n})
    works(database, reader)


def works(database: Database, reader: str) -> None:
    """A reader has answered well."""
    database.run(
        "UPDATE event_readers SET failures = 0, error = '', next_try_at = '' WHERE name = :name AND failures > 0",
        {"name": reader},
    )


def hold(database: Database, n: int, until: datetime) -> None:
    """A reader refused this one event: it and what follows of its case wait, and nothing else does."""
    database.run(
        "UPDATE events SET tries = tries + 1, next_try_at = :until WHERE n = :n", {"n": n, "until": stamp(until)}
    )


def failed(database: Database, reader: str, error: str, next_try_at: datetime) -> None:
    """A reader could not be told anything."""
    database.run(
        "UPDATE event_readers SET failures = failures + 1, error = :error, next_try_at = :next WHERE name = :name",
        {"name": reader, "error": error, "next": stamp(next_try_at)},
    )


def waiting(database: Database, reader: str) -> tuple[int, datetime | None]:
    """How many events are owed to a reader, and when the oldest happened."""
    row = database.row("SELECT count(*) AS n, min(at) AS at FROM events WHERE reader = :reader", {"reader": reader})
    return (int(row["n"]), instant(row["at"] or "")) if row else (0, None)


def trim(database: Database, reader: str, before: datetime, most: int) -> int:
    """Give up what happened before that moment, and the oldest beyond so many; how many. The reader will be told."""
    beyond = database.row(
        "SELECT n FROM events WHERE reader = :reader ORDER BY n DESC LIMIT 1 OFFSET :most",
        {"reader": reader, "most": most},
    )
    values = {"reader": reader, "before": stamp(before), "beyond": int(beyond["n"]) if beyond else -1}
    gone = "reader = :reader AND (at < :before OR n <= :beyond)"
    row = database.row(f"SELECT count(*) AS n, min(n) AS first, max(n) AS last FROM events WHERE {gone}", values)
    count = int(row["n"]) if row else 0
    if not row or not count:
        return 0
    database.run(f"DELETE FROM events WHERE {gone}", values)
    database.run(
        "UPDATE event_readers SET lost_from = CASE WHEN lost_count = 0 THEN :first ELSE lost_from END, "
        "lost_to = :last, lost_count = lost_count + :count WHERE name = :reader",
        {"reader": reader, "first": row["first"], "last": row["last"], "count": count},
    )
    return count


def told_of_loss(database: Database, reader: str, lost: tuple[int, int, int]) -> None:
    """A reader knows what it has lost; what was lost meanwhile is told the next time."""
    database.run(
        "UPDATE event_readers SET lost_count = lost_count - :count, lost_from = CASE WHEN lost_to > :last "
        "THEN :last + 1 ELSE 0 END WHERE name = :reader",
        {"reader": reader, "last": lost[1], "count": lost[2]},
    )
    works(database, reader)


def newly_overdue(database: Database, now: datetime, limit: int = 500) -> list[str]:
    """Cases that people are called for whose time has come without an answer, each once for each such time."""
    rows = database.rows(
        "SELECT id FROM cases WHERE closed_at = '' AND lane = 'ping' AND quiet = 0 AND due_at <> '' "
        "AND due_at <= :now AND overdue_for <> due_at AND (answered_at = '' OR answered_at < last_posted_at) "
        "ORDER BY due_at LIMIT :limit",
        {"now": stamp(now), "limit": limit},
    )
    database.run_many("UPDATE cases SET overdue_for = due_at WHERE id = :id", [{"id": row["id"]} for row in rows])
    return [row["id"] for row in rows]
