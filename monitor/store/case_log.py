"""The log of a case: everything that happened to it, by whom and by which way."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.store import events
from monitor.store.database import Database, Row, at, encode, instant, stamp

_COLUMNS = ("case_id", "at", "who", "who_id", "way", "what", "detail")


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happened to a case: who, what, when, by which way."""

    n: int
    case_id: str
    at: datetime
    who: str
    way: str
    what: str
    detail: dict[str, Any]
    undone_at: datetime | None
    who_id: str = ""


def note(
    database: Database,
    case: str,
    now: datetime,
    what: str,
    *,
    who: str = "",
    who_id: str = "",
    way: str = "",
    **detail: Any,
) -> None:
    """Add a line to the log of a case."""
    add(database, [new_row(case, now, what, who=who, who_id=who_id, way=way, **detail)])


def new_row(
    case: str, now: datetime, what: str, *, who: str = "", who_id: str = "", way: str = "", **detail: Any
) -> dict[str, Any]:
    """A line of the log as its row: who is shown by name, and compared by id."""
    return {
        "case_id": case,
        "at": stamp(now),
        "who": who,
        "who_id": who_id,
        "way": way,
        "what": what,
        "detail": encode(detail),
    }


def add(database: Database, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add lines to logs, and the events that programs are told of them."""
    lines = list(rows)
    database.insert("case_log", _COLUMNS, lines, new=True)
    events.record(database, lines)


def calls_since(database: Database, since: datetime) -> dict[str, list[datetime]]:
    """Name -> the moments since then at which they were called, about whatever case."""
    found: dict[str, list[datetime]] = {}
    for row in database.rows(
        "SELECT at, detail FROM case_log WHERE at >= :since AND what IN ('remind', 'wake')", {"since": stamp(since)}
    ):
        for name in json.loads(row["detail"] or "{}").get("people", ()):
            found.setdefault(name, []).append(at(row["at"]))
    return found


def of_case(database: Database, case: str) -> list[Line]:
    """The log of a case, oldest first."""
    return [
        _line(row) for row in database.rows("SELECT * FROM case_log WHERE case_id = :case ORDER BY n", {"case": case})
    ]


def _line(row: Row) -> Line:
    return Line(
        row["n"],
        row["case_id"],
        at(row["at"]),
        row["who"],
        row["way"],
        row["what"],
        json.loads(row["detail"] or "{}"),
        instant(row["undone_at"]),
        row["who_id"],
    )


def mark_undone(database: Database, line: int, now: datetime) -> None:
    """This line of a log was taken back."""
    database.run("UPDATE case_log SET undone_at = :now WHERE n = :n", {"n": line, "now": stamp(now)})
