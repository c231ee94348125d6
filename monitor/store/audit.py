"""The audit log: who did what to access and data, when, and from where. Lines are added; only age takes them away.

It serves security: nothing reads it to say anything about how a person works.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.store import key_values
from monitor.store.database import Database, Row, at, encode, marks, stamp

KEPT_FROM = "audit_kept_from"  # the schema's triggers look at it: what is not older than this cannot be deleted


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the audit log. `about` is whom or what it was done to; `detail` holds a few facts, no words of posts.

    `who` is empty where nobody is known: a login that was refused.
    """

    n: int
    at: datetime
    event: str
    who: str
    who_id: str
    way: str
    address: str
    about: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines to list. Empty fields do not filter; `before` is the number of the last line of the page before."""

    event: str = ""
    who: str = ""
    about: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int = 0


def add(
    database: Database,
    event: str,
    now: datetime,
    *,
    who: str,
    who_id: str,
    way: str,
    address: str,
    about: str,
    detail: Mapping[str, Any],
) -> None:
    """Write one line, inside the transaction of what it tells of where there is one."""
    database.run(
        "INSERT INTO audit (at, event, who, who_id, way, address, about, detail) "
        "VALUES (:now, :event, :who, :who_id, :way, :address, :about, :detail)",
        {
            "now": stamp(now), "event": event, "who": who, "who_id": who_id, "way": way, "address": address,
            "about": about, "detail": encode(detail) if detail else "",
        },
    )  # fmt: skip


def _line(row: Row) -> Line:
    return Line(
        row["n"], at(row["at"]), row["event"], row["who"], row["who_id"], row["way"], row["address"], row["about"],
        json.loads(row["detail"] or "{}"),
    )  # fmt: skip


def lines(database: Database, wanted: Filter, limit: int) -> list[Line]:
    """What the filter lets through, the newest first."""
    conditions, values = ["1 = 1"], dict[str, Any](limit=limit)
    for column in ("event", "about"):
        if value := getattr(wanted, column):
            conditions.append(f"{column} = :{column}")
            values[column] = value
    if wanted.who:
        conditions.append("(who = :who OR who_id = :who)")
        values["who"] = wanted.who
    if wanted.since is not None:
        conditions.append("at >= :since")
        values["since"] = stamp(wanted.since)
    if wanted.until is not None:
        conditions.append("at < :until")
        values["until"] = stamp(wanted.until)
    if wanted.before:
        conditions.append("n < :before")
        values["before"] = wanted.before
    found = database.rows(f"SELECT * FROM audit WHERE {' AND '.join(conditions)} ORDER BY n DESC LIMIT :limit", values)
    return [_line(row) for row in found]


def count_since(database: Database, events: Sequence[str], since: datetime, most: int) -> int:
    """How many lines of these events there are since then, counting to `most` and no further."""
    clause, values = marks("e", events)
    row = database.row(
        f"SELECT count(*) AS n FROM (SELECT 1 AS one FROM audit WHERE at >= :since AND event IN {clause} "
        "LIMIT :most) AS counted",
        {**values, "since": stamp(since), "most": most},
    )
    return int(row["n"]) if row else 0


def names(database: Database) -> list[str]:
    """Everybody who stands in the log, by name."""
    return [row["who"] for row in database.rows("SELECT DISTINCT who FROM audit WHERE who <> '' ORDER BY who")]


def purge(database: Database, before: datetime, now: datetime, limit: int = 5000) -> int:
    """Delete lines from before a moment, so many at a time; how many. The moment only ever moves on."""
    with database.transaction():
        if stamp(before) > key_values.fact(database, KEPT_FROM):
            key_values.remember(database, KEPT_FROM, stamp(before), now)
        return database.run(
            "DELETE FROM audit WHERE n IN (SELECT n FROM audit WHERE at < :before ORDER BY at LIMIT :limit)",
            {"before": min(stamp(before), key_values.fact(database, KEPT_FROM)), "limit": limit},
        )
