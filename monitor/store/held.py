"""Everything that is held of one person, table by table: for who asks what is kept of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from monitor.store import arrived, assistant, unjudged
from monitor.store.columns import TABLES
from monitor.store.database import Database, Row, marks
from monitor.store.to_forget import BATCH, in_bytes

# Of no use to a person: keys that only count, what the search is made of, and times of our own bookkeeping.
_LEFT_OUT = {"n", "parted", "search", "dedupe_key", "fence", "lease_until", "revision"}


def of_person(
    database: Database, source: str, names: Sequence[str], posts: Sequence[str], cases: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Each row that holds anything of them, as plain values with the name of its table."""
    yield from _by(database, "posts", "id", posts)
    yield from _by(database, "mentions", "post_id", posts)
    yield from _by(database, "competitor_mentions", "post_id", posts)
    mentions = [row["id"] for row in _rows(database, "mentions", "post_id", posts)]
    yield from _by(database, "labels", "mention_id", mentions)
    yield from _by(database, "cases", "id", cases)
    yield from _by(database, "case_log", "case_id", cases)
    natives = [row["native_id"] for row in _rows(database, "posts", "id", posts) if row["native_id"]]
    replies = {
        (row["source"], row["native_id"]): row
        for column, values in (("parent_id", natives), ("case_id", cases))
        for row in _rows(database, "own_posts", column, values)
        if row["source"] == source
    }
    for row in replies.values():
        yield _line("own_posts", row)
    yield from _by(database, "replies", "case_id", cases)
    yield from _by(database, "assistant_answers", "mark", assistant.of_nobody_else(database, posts, cases))
    yield from _by(database, "issues", "case_id", cases)
    yield from _by(database, "deliveries", "about", [f"{kind}:{case}" for case in cases for kind in ("case", "join")])
    yield from _by(database, "events", "case_id", cases)
    yield from _by(database, "mutes", "value", [f"{source}/{name}" for name in names])
    told = [f"{name} on {source}" for name in names]
    for row in database.rows("SELECT * FROM deliveries WHERE about LIKE 'digest:%' ORDER BY created_at, id"):
        if any(each in str(json.loads(row["payload"] or "{}").get("text", "")) for each in told):
            yield _line("deliveries", row)
    marked = in_bytes((*names, *natives))
    for row in database.rows("SELECT * FROM aside WHERE source = :source ORDER BY n", {"source": source}):
        raw = bytes(row["raw"] or b"")
        if any(each in raw for each in marked):
            yield {**_line("aside", row), "raw": raw.decode("utf-8", "replace")}
    for row in arrived.of_person(database, source, names):
        yield _line("arrived", row)
    for waiting in unjudged.of_person(database, source, names):
        yield _line("unjudged", waiting)


def _rows(database: Database, table: str, column: str, values: Sequence[str]) -> Iterator[Row]:
    for start in range(0, len(values), BATCH):
        clause, given = marks("v", values[start : start + BATCH])
        yield from database.rows(f"SELECT * FROM {table} WHERE {column} IN {clause} ORDER BY 1", given)


def _by(database: Database, table: str, column: str, values: Sequence[str]) -> Iterator[dict[str, Any]]:
    for row in _rows(database, table, column, values):
        yield _line(table, row)


def _line(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {
        column: _plain(row[column])
        for column in TABLES[table].columns
        if column not in _LEFT_OUT and column in row.keys()  # noqa: SIM118 - a row of SQLite is no dictionary
    }
    return {"table": table, **{column: value for column, value in kept.items() if value not in ("", None)}}


def _plain(value: Any) -> Any:
    """Lists and objects that a column holds as JSON, as what they are."""
    if isinstance(value, str) and value[:1] in "[{" and value[-1:] in "]}":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value if not isinstance(value, bytes) else value.decode("utf-8", "replace")
