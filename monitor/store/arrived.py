"""What others brought to the door, as it came, until it is read; and for a day by which mark a repetition is known."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from connectors import Arrival
from connectors.text import bare_name, clean
from monitor.store.database import Database, Row, at, stamp

REMEMBERED = timedelta(days=1)  # a mark; a signature with a time is good for minutes, a service repeats within hours
_MOST_AT_ONCE = 500  # bodies
_BYTES_AT_ONCE = 1_000_000  # of these together; one that is larger comes alone


@dataclass(frozen=True, slots=True)
class Brought:
    """One body. `mark` is what makes it the one it is besides its bytes; "" for one that may well come twice."""

    source: str
    body: bytes
    mark: str


def add(database: Database, brought: Sequence[Brought], now: datetime) -> int:
    """Keep what came, and have its source read at once; how many were new. Inside a transaction."""
    new = 0
    for each in brought:
        kept = sha256(b"\0".join((each.source.encode(), each.mark.encode("utf-8", "replace"), each.body))).hexdigest()
        new += database.run(
            "INSERT INTO arrived (source, hash, at, body) VALUES (:source, :hash, :now, :body) ON CONFLICT DO NOTHING",
            {"source": each.source, "hash": kept if each.mark else None, "now": stamp(now), "body": each.body},
        )
    for source in {each.source for each in brought} if new else ():
        database.run("UPDATE sources SET next_due_at = :now WHERE name = :name", {"name": source, "now": stamp(now)})
    return new


def waiting(database: Database, source: str, after: int) -> list[Arrival]:
    """What waits to be read of a source behind that number, oldest first: a megabyte of it at most."""
    listed = database.rows(
        "SELECT n, length(body) AS size FROM arrived WHERE source = :source AND read_at = '' AND n > :after "
        "ORDER BY n LIMIT :most",
        {"source": source, "after": after, "most": _MOST_AT_ONCE},
    )
    chosen: list[int] = []
    size = 0
    for row in listed:
        size += row["size"] or 0
        if chosen and size > _BYTES_AT_ONCE:
            break
        chosen.append(row["n"])
    if not chosen:
        return []
    rows = database.rows(
        "SELECT n, at, body FROM arrived WHERE source = :source AND read_at = '' AND n > :after AND n <= :last "
        "ORDER BY n",
        {"source": source, "after": after, "last": chosen[-1]},
    )
    return [Arrival(row["n"], at(row["at"]), bytes(row["body"] or b"")) for row in rows]


def let_go(database: Database, source: str, upto: int, now: datetime) -> None:
    """Empty what was read; its mark stays for a while."""
    read = database.rows(
        "SELECT 1 AS one FROM arrived WHERE source = :source AND read_at = '' AND n <= :upto LIMIT 1",
        {"source": source, "upto": upto},
    )
    if read:
        with database.transaction():
            database.run(
                "UPDATE arrived SET body = NULL, read_at = :now WHERE source = :source AND read_at = '' AND n <= :upto",
                {"source": source, "upto": upto, "now": stamp(now)},
            )
            database.run("DELETE FROM arrived WHERE read_at <> '' AND hash IS NULL")


def backlog(database: Database, source: str) -> tuple[int, int]:
    """How many bodies of a source wait to be read, and their bytes."""
    row = database.row(
        "SELECT count(*) AS n, coalesce(sum(length(body)), 0) AS size FROM arrived "
        "WHERE source = :source AND read_at = ''",
        {"source": source},
    )
    return (int(row["n"]), int(row["size"])) if row else (0, 0)


def trim(database: Database, now: datetime) -> None:
    """Marks that no repetition comes for any more."""
    before = stamp(now - REMEMBERED)
    database.run("DELETE FROM arrived WHERE read_at <> '' AND at < :before", {"before": before})


def trim_unread(database: Database, source: str, before: datetime) -> None:
    """What nobody reads, because its source is paused or off, is kept as long as its posts would be."""
    database.run(
        "DELETE FROM arrived WHERE source = :source AND at < :before", {"source": source, "before": stamp(before)}
    )


def forget(database: Database, source: str, names: Sequence[str]) -> None:
    """Of what waits to be read, whatever bears one of these names goes; what others wrote beside it stays."""
    bare = {bare_name(name) for name in names}
    for row in _unread(database, source):
        documents = _documents(bytes(row["body"] or b""))
        if any(_bears(document, bare) for document in documents):
            kept = b"\n".join(filter(None, (_less(document, bare) for document in documents))) or b"[]"
            database.run("UPDATE arrived SET body = :body WHERE n = :n", {"n": row["n"], "body": kept})


def of_person(database: Database, source: str, names: Sequence[str]) -> Iterator[Row]:
    """What waits to be read and bears one of these names."""
    bare = {bare_name(name) for name in names}
    for row in _unread(database, source):
        if any(_bears(document, bare) for document in _documents(bytes(row["body"] or b""))):
            yield row


def _unread(database: Database, source: str) -> Iterator[Row]:
    """Every body that waits, one at a time: together they may be large."""
    rows = database.rows("SELECT n FROM arrived WHERE source = :source AND read_at = '' ORDER BY n", {"source": source})
    for each in rows:
        row = database.row("SELECT * FROM arrived WHERE n = :n", {"n": each["n"]})
        if row is not None:
            yield row


def _documents(body: bytes) -> list[Any]:
    """The JSON of a body, or that of each of its lines; what is neither is a text."""
    try:
        return [json.loads(body)]
    except (ValueError, RecursionError):
        pass
    found: list[Any] = []
    for line in body.split(b"\n"):
        try:
            found.append(json.loads(line))
        except (ValueError, RecursionError):
            found.append(line.decode("utf-8", "replace"))
    return found


def _bears(document: Any, bare: Collection[str]) -> bool:
    """Whether a value in it is one of these names; whoever only speaks of somebody is somebody else."""
    todo = [document]
    while todo:
        each = todo.pop()
        if isinstance(each, dict | list):
            todo += each.values() if isinstance(each, dict) else each
        elif isinstance(each, str) and bare_name(clean(each).strip()) in bare:
            return True
    return False


def _less(document: Any, bare: Collection[str]) -> bytes:
    """A document without the entries of its lists that bear one of the names; empty where it is one thing and does."""
    if _bears(document, bare):
        lists = document if isinstance(document, dict) else {"": document}
        lists = {
            name: [each for each in value if not _bears(each, bare)] if isinstance(value, list) else value
            for name, value in lists.items()
        }
        if _bears(lists, bare):
            return b""
        document = lists if isinstance(document, dict) else lists[""]
    text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
    return text.encode("utf-8", "replace")
