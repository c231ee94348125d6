"""Replies that are written here: each is a row before anything of it leaves, and says what became of it.

States: "draft" (kept, or proposed by a program), "waiting" (a lead has to approve it), "inflight" (the socket may have
been touched), "unsure" (perhaps it stands, perhaps not), "sent", "refused" (by the network; nothing stands),
"withdrawing" and "withdrawn" (deleted on the network), "dropped". Only a person's press leads from the first two to
"inflight".
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from connectors import Post
from monitor.store.database import Database, Row, at, instant, marks, stamp
from monitor.store.mentions import post_key, post_of

State = Literal["draft", "waiting", "inflight", "unsure", "sent", "refused", "withdrawing", "withdrawn", "dropped"]
MOST_OF_A_CASE = 200  # rows; of more, the newest are shown


def mark_of(text: str) -> str:
    """The hash by which exactly this text is known."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class ReplyRow:
    """One reply as it stands. `parent_id` and `parent_url` are the post that it answers, `key` what makes it one."""

    id: str
    case_id: str
    source: str
    parent_id: str
    parent_url: str
    text: str
    mark: str
    writer: str
    writer_id: str
    way: str
    approver: str
    approver_id: str
    note: str  # what a lead or the network said about it
    state: State
    account: str
    key: str
    native_id: str
    url: str
    created_at: datetime
    changed_at: datetime
    pressed_at: datetime | None
    tries: int
    posted_at: datetime | None
    next_look_at: datetime | None
    taken_back_at: datetime | None
    drafted: str = ""  # the hash of what a model wrote, where it began as that

    @property
    def is_unchanged(self) -> bool:
        """Whether it is what a model wrote, letter for letter."""
        return self.drafted != "" and self.drafted == self.mark


_SAME = (
    "id", "case_id", "source", "parent_id", "parent_url", "text", "mark", "writer", "writer_id", "way", "approver",
    "approver_id", "note", "state", "account", "native_id", "url", "tries", "drafted",
)  # fmt: skip
_MOMENTS = ("pressed_at", "posted_at", "next_look_at", "taken_back_at")


def _row(row: Row) -> ReplyRow:
    found: dict[str, Any] = {name: row[name] for name in _SAME}
    found |= {name: instant(row[name]) for name in _MOMENTS}
    return ReplyRow(key=row["send_key"], created_at=at(row["created_at"]), changed_at=at(row["changed_at"]), **found)


def add(database: Database, reply_id: str, now: datetime, **values: Any) -> bool:
    """Keep a new reply; False where one of this id stands already."""
    row = {
        "id": reply_id, "case_id": "", "source": "", "parent_id": "", "parent_url": "", "text": "", "writer": "",
        "writer_id": "", "way": "", "state": "draft", "drafted": "", **values, "now": stamp(now),
    }  # fmt: skip
    return (
        database.run(
            "INSERT INTO replies (id, case_id, source, parent_id, parent_url, text, mark, writer, writer_id, way, "
            "state, drafted, created_at, changed_at) VALUES (:id, :case_id, :source, :parent_id, :parent_url, :text, "
            ":mark, :writer, :writer_id, :way, :state, :drafted, :now, :now) ON CONFLICT DO NOTHING",
            {**row, "mark": mark_of(row["text"])},
        )
        == 1
    )


def one(database: Database, reply_id: str) -> ReplyRow | None:
    """A reply by its id."""
    row = database.row("SELECT * FROM replies WHERE id = :id", {"id": reply_id})
    return _row(row) if row is not None else None


def of_case(database: Database, case_id: str) -> list[ReplyRow]:
    """Every reply of a case, oldest first."""
    rows = database.rows(
        "SELECT * FROM replies WHERE case_id = :case ORDER BY n DESC LIMIT :most",
        {"case": case_id, "most": MOST_OF_A_CASE},
    )
    return [_row(row) for row in rows[::-1]]


def parent_of(database: Database, reply: ReplyRow) -> Post | None:
    """The post that a reply answers, where it stands here with its words."""
    if not reply.parent_id:
        return None
    key = post_key(database, reply.source, reply.parent_id)
    row = database.row("SELECT * FROM posts WHERE id = :id AND native_id <> ''", {"id": key})
    return post_of(row) if row is not None else None


def change(database: Database, reply_id: str, was: Sequence[State], now: datetime, **values: Any) -> bool:
    """Change a reply that is in one of these states; False where it is in none of them any more."""
    columns = {"send_key" if name == "key" else name: value for name, value in values.items()}
    if "text" in columns:
        columns["mark"] = mark_of(columns["text"])
    given = {
        f"new_{name}": stamp(value) if value is None or isinstance(value, datetime) else value
        for name, value in columns.items()
    }
    assignments = ", ".join(f"{name} = :new_{name}" for name in columns)
    states = {f"was{number}": state for number, state in enumerate(was)}
    listed = ", ".join(f":{name}" for name in states)
    return (
        database.run(
            f"UPDATE replies SET {assignments}, changed_at = :now WHERE id = :id AND state IN ({listed})",
            {**given, **states, "id": reply_id, "now": stamp(now)},
        )
        == 1
    )


def pressed_since(database: Database, since: datetime) -> list[ReplyRow]:
    """Replies of any case that stand, or may stand, since a press after `since`, the oldest first."""
    rows = database.rows(
        "SELECT * FROM replies WHERE pressed_at <> '' AND pressed_at > :since "
        "AND state IN ('inflight', 'unsure', 'sent') ORDER BY pressed_at",
        {"since": stamp(since)},
    )
    return [_row(row) for row in rows]


def from_drafts(database: Database, since: datetime, until: datetime) -> tuple[int, int]:
    """How many replies that a model drafted were posted in a span, and how many of these as they were drafted."""
    row = database.row(
        "SELECT count(*) AS posted, coalesce(sum(CASE WHEN drafted = mark THEN 1 ELSE 0 END), 0) AS unchanged "
        "FROM replies WHERE state = 'sent' AND drafted <> '' AND posted_at >= :since AND posted_at < :until",
        {"since": stamp(since), "until": stamp(until)},
    )
    return (int(row["posted"]), int(row["unchanged"])) if row is not None else (0, 0)


def posted(database: Database, source: str, native_ids: Sequence[str]) -> set[str]:
    """Which of these posts of a network are replies that were sent from here."""
    found: set[str] = set()
    for start in range(0, len(native_ids), 500):
        clause, values = marks("n", native_ids[start : start + 500])
        rows = database.rows(
            f"SELECT native_id FROM replies WHERE source = :source AND native_id <> '' AND native_id IN {clause}",
            {**values, "source": source},
        )
        found.update(row["native_id"] for row in rows)
    return found


def any_unsettled(database: Database) -> bool:
    """Whether any reply is one of which nobody knows what became of it."""
    return database.row("SELECT 1 AS one FROM replies WHERE next_look_at <> '' LIMIT 1") is not None


def to_look_up(database: Database, now: datetime, limit: int = 20) -> list[ReplyRow]:
    """Replies of which nobody knows what became of them, and that are due to be looked up."""
    rows = database.rows(
        "SELECT * FROM replies WHERE state IN ('inflight', 'unsure', 'withdrawing') AND next_look_at <> '' "
        "AND next_look_at <= :now ORDER BY next_look_at LIMIT :limit",
        {"now": stamp(now), "limit": limit},
    )
    return [_row(row) for row in rows]
