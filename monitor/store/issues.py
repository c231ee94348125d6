"""Issues in trackers: what was created there of a case or a problem, and how it stands.

States: "inflight" (the socket may have been touched), "unsure" (perhaps it is there, perhaps not), "open", "fixed",
"declined" (closed there, and not fixed), "refused" (by the tracker; nothing is there), "missing" (looked for and not
found), "dropped" (nobody follows it any more). Of one case or problem at most one row is in the first three: the
database sees to that. The text of an issue is not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from monitor.store.database import Database, Row, at, instant, marks, stamp

State = Literal["inflight", "unsure", "open", "fixed", "declined", "refused", "missing", "dropped"]
UNKNOWN: tuple[State, ...] = ("inflight", "unsure")
THERE: tuple[State, ...] = ("open", "fixed", "declined")
IN_THE_WAY: tuple[State, ...] = (*UNKNOWN, "open")
MOST = 50  # rows of one case or problem; of more, the newest are shown


@dataclass(frozen=True, slots=True)
class IssueRow:
    """One issue. `send_key` is what its mark is made of, `native_id` its name in the tracker.

    Either `case_id` or `problem` says of what it is.
    """

    id: str
    case_id: str
    problem: int
    tracker: str
    title: str
    who: str
    who_id: str
    way: str
    state: State
    send_key: str
    native_id: str
    url: str
    said: str
    note: str
    created_at: datetime
    changed_at: datetime
    next_look_at: datetime | None
    closed_at: datetime | None


_SAME = (
    "id", "case_id", "problem", "tracker", "title", "who", "who_id", "way", "state", "send_key", "native_id", "url",
    "said", "note",
)  # fmt: skip


def _row(row: Row) -> IssueRow:
    found: dict[str, Any] = {name: row[name] for name in _SAME}
    found |= {name: instant(row[name]) for name in ("next_look_at", "closed_at")}
    return IssueRow(created_at=at(row["created_at"]), changed_at=at(row["changed_at"]), **found)


def add(database: Database, now: datetime, next_look_at: datetime, **values: Any) -> bool:
    """Keep one that is about to be sent; False where this id is there, or another of the same thing is in the way."""
    row = {"native_id": "", "url": "", "state": "inflight", **values, "now": stamp(now), "look": stamp(next_look_at)}
    return (
        database.run(
            "INSERT INTO issues (id, case_id, problem, tracker, title, who, who_id, way, state, send_key, native_id, "
            "url, created_at, changed_at, next_look_at) VALUES (:id, :case_id, :problem, :tracker, :title, :who, "
            ":who_id, :way, :state, :send_key, :native_id, :url, :now, :now, :look) ON CONFLICT DO NOTHING",
            row,
        )
        == 1
    )


def one(database: Database, issue: str) -> IssueRow | None:
    """An issue by its id."""
    row = database.row("SELECT * FROM issues WHERE id = :id", {"id": issue})
    return _row(row) if row is not None else None


def about(database: Database, case_id: str = "", problem: int = 0) -> list[IssueRow]:
    """The issues of a case, or of a problem: oldest first."""
    where = "case_id = :case" if case_id else "problem = :problem"
    rows = database.rows(
        f"SELECT * FROM issues WHERE {where} ORDER BY n DESC LIMIT :most",
        {"case": case_id, "problem": problem, "most": MOST} if case_id else {"problem": problem, "most": MOST},
    )
    return [_row(row) for row in rows[::-1]]


def change(database: Database, issue: str, was: Sequence[State], now: datetime, **values: Any) -> bool:
    """Change one that is in one of these states; False where it is in none of them any more."""
    given = {
        f"new_{name}": stamp(value) if value is None or isinstance(value, datetime) else value
        for name, value in values.items()
    }
    assignments = ", ".join(f"{name} = :new_{name}" for name in values)
    clause, states = marks("s", was)
    return (
        database.run(
            f"UPDATE issues SET {assignments}, changed_at = :now WHERE id = :id AND state IN {clause}",
            {**given, **states, "id": issue, "now": stamp(now)},
        )
        == 1
    )


def to_look_at(database: Database, trackers: Sequence[str], now: datetime, limit: int = 20) -> list[IssueRow]:
    """What is due to be looked up or asked after, in these trackers."""
    clause, values = marks("t", trackers)
    rows = database.rows(
        "SELECT * FROM issues WHERE next_look_at <> '' AND next_look_at <= :now "
        f"AND tracker IN {clause} ORDER BY next_look_at, n LIMIT :limit",
        {**values, "now": stamp(now), "limit": limit},
    )
    return [_row(row) for row in rows]


def look_soon(database: Database, tracker: str, native_id: str, now: datetime) -> int:
    """A tracker told something of this issue: it is asked after at once. How many rows that are."""
    clause, states = marks("s", THERE)
    return database.run(
        "UPDATE issues SET next_look_at = :now WHERE tracker = :tracker AND lower(native_id) = :native "
        f"AND state IN {clause}",
        {**states, "now": stamp(now), "tracker": tracker, "native": native_id.lower()},
    )
