"""Cases, and the log of everything that happened to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.case import Case
from monitor.store.database import Database, Row, at, instant, listed_in, marks, stamp
from monitor.store.mentions import SAME_TROUBLE

COLUMNS = (
    "id", "n", "brand", "source", "thread", "author", "lane", "priority", "priority_reasons", "opened_at",
    "first_posted_at", "last_posted_at", "story_id", "fingerprint", "due_at", "asked_at", "resolve_due_at", "owner",
    "owner_id", "acknowledged_at", "acknowledged_by", "answered_at", "answered_by", "answer_url", "sent_on",
    "closed_at", "closed_by", "outcome", "why", "snoozed_until", "waiting_on", "waiting_until", "wants", "step",
    "next_step_at", "claim_expires_at", "chain", "quiet", "praise", "targets", "route", "tags", "worst", "reach",
    "rating", "language", "reopened", "backdated", "mentions", "revision", "held", "first_word_at", "need", "named",
    "named_at", "unread", "offered_at", "own_tags",
)  # fmt: skip
_DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(COLUMNS, ""),
    **dict.fromkeys(("fingerprint", "sent_on", "step", "quiet", "praise", "reopened", "backdated", "revision"), 0),
    **dict.fromkeys(("held", "named", "unread"), 0),
    "mentions": 1,
    "worst": 0.0,
    "need": 0.0,
    "reach": None,
    "rating": None,
    "priority_reasons": "[]",
    "chain": "[]",
    "targets": "[]",
    "tags": "[]",
}


def new_row(**values: Any) -> dict[str, Any]:
    """A row of `cases` with every column, from those that are known."""
    unknown = values.keys() - _DEFAULTS.keys()
    if unknown:
        raise KeyError(f"cases has no column {sorted(unknown)}")
    return {**_DEFAULTS, **values}


def case_of(row: Row) -> Case:
    """A row of `cases` as a case."""
    return Case(
        id=row["id"],
        brand=row["brand"],
        source=row["source"],
        thread=row["thread"],
        author=row["author"],
        lane=row["lane"],
        priority=row["priority"],
        priority_reasons=listed_in(row["priority_reasons"]),
        opened_at=at(row["opened_at"]),
        first_posted_at=at(row["first_posted_at"]),
        last_posted_at=at(row["last_posted_at"]),
        asked_at=instant(row["asked_at"]),
        story_id=row["story_id"],
        fingerprint=row["fingerprint"],
        due_at=instant(row["due_at"]),
        owner=row["owner"],
        owner_id=row["owner_id"],
        acknowledged_at=instant(row["acknowledged_at"]),
        acknowledged_by=row["acknowledged_by"],
        answered_at=instant(row["answered_at"]),
        answered_by=row["answered_by"],
        sent_on=bool(row["sent_on"]),
        held=bool(row["held"]),
        first_word_at=instant(row["first_word_at"]),
        closed_at=instant(row["closed_at"]),
        closed_by=row["closed_by"],
        outcome=row["outcome"],
        why=row["why"],
        snoozed_until=instant(row["snoozed_until"]),
        waiting_on=row["waiting_on"],
        waiting_until=instant(row["waiting_until"]),
        wants=row["wants"],
        tags=listed_in(row["tags"]),
        own_tags=tuple(row["own_tags"].split()),
        step=row["step"],
        next_step_at=instant(row["next_step_at"]),
        claim_expires_at=instant(row["claim_expires_at"]),
        offered_at=instant(row["offered_at"]),
        chain=row["chain"],
        quiet=bool(row["quiet"]),
        resolve_due_at=instant(row["resolve_due_at"]),
    )


def add(database: Database, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert new cases."""
    database.insert("cases", COLUMNS, rows, new=True)


def next_number(database: Database) -> int:
    """One more than the highest number of a case."""
    row = database.row("SELECT coalesce(max(n), 0) + 1 AS n FROM cases")
    assert row is not None
    return int(row["n"])


def numbers(database: Database, surely: int = 1) -> Iterator[int]:
    """The numbers of the next cases, of which so many are `surely` needed; inside the transaction that uses them."""
    return database.numbers("cases", surely)


def change(database: Database, case: str, **values: Any) -> None:
    """Set columns of a case (times are given as moments) and count its revision."""
    unknown = values.keys() - set(COLUMNS)
    if unknown:
        raise KeyError(f"cases has no column {sorted(unknown)}")
    ready = {
        key: stamp(value)
        if isinstance(value, datetime) or (value is None and key.endswith(("_at", "_until")))
        else value
        for key, value in values.items()
    }
    assignments = ", ".join(f"{key} = :{key}" for key in ready)
    database.run(
        f"UPDATE cases SET {assignments}, revision = revision + 1 WHERE id = :case_id", {**ready, "case_id": case}
    )


def one(database: Database, case: str) -> Case | None:
    """One case by its id."""
    row = row_of(database, case)
    return case_of(row) if row else None


def row_of(database: Database, case: str) -> Row | None:
    """One case with every column."""
    return database.row("SELECT * FROM cases WHERE id = :id", {"id": case})


def rows_of(database: Database, ids: Sequence[str]) -> dict[str, Row]:
    """Several cases with every column."""
    found: dict[str, Row] = {}
    for start in range(0, len(ids), 500):
        clause, values = marks("id", ids[start : start + 500])
        found.update((row["id"], row) for row in database.rows(f"SELECT * FROM cases WHERE id IN {clause}", values))
    return found


def of_authors(database: Database, authors: Sequence[tuple[str, str]], since: datetime) -> list[Row]:
    """Cases of these (source, author) pairs that are open or were opened after `since`: candidates and history."""
    found: list[Row] = []
    by_source: dict[str, list[str]] = {}
    for source, author in dict.fromkeys(authors):
        by_source.setdefault(source, []).append(author)
    for source, names in by_source.items():
        clause, values = marks("a", names)
        found += database.rows(
            f"SELECT * FROM cases WHERE source = :source AND author IN {clause} "
            "AND (closed_at = '' OR opened_at >= :since) ORDER BY opened_at",
            {**values, "source": source, "since": stamp(since)},
        )
    return found


def of_story(database: Database, story: str) -> list[Case]:
    """The cases of a story, oldest first."""
    return [case_of(row) for row in rows_of_stories(database, [story])]


def rows_of_stories(database: Database, stories: Sequence[str]) -> list[Row]:
    """The cases of several stories with every column, oldest first."""
    found: list[Row] = []
    for start in range(0, len(stories), 500):
        clause, values = marks("s", stories[start : start + 500])
        found += database.rows(f"SELECT * FROM cases WHERE story_id IN {clause} ORDER BY n", values)
    return found


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases to list. Empty fields do not filter; `owner` is an id, or a name that nobody in the list bears."""

    brand: str = ""
    source: str = ""
    lane: str = ""
    owner: str = ""
    language: str = ""
    only_open: bool = False
    since: datetime | None = None
    limit: int = 50
    offset: int = 0


def find(database: Database, wanted: Filter) -> list[Row]:
    """Cases with every column: open ones first, then the most urgent, then the longest waiting.

    What only may need an answer has no clock: it comes by how much it needs us.
    """
    conditions, values = _conditions(wanted)
    return database.rows(
        f"SELECT * FROM cases WHERE {conditions} ORDER BY CASE WHEN closed_at = '' THEN 0 ELSE 1 END, "
        "CASE WHEN answered_at = '' THEN 0 ELSE 1 END, CASE lane WHEN 'ping' THEN 0 ELSE 1 END, "
        "CASE WHEN lane <> 'ping' THEN 4 WHEN priority = 'critical' THEN 0 WHEN priority = 'urgent' THEN 1 "
        "WHEN priority = 'normal' THEN 2 ELSE 3 END, CASE WHEN lane = 'ping' THEN 0 ELSE unread END, "
        "CASE WHEN lane = 'ping' THEN 0 ELSE need END DESC, CASE WHEN due_at = '' THEN 1 ELSE 0 END, due_at, n "
        "LIMIT :limit OFFSET :offset",
        {**values, "limit": wanted.limit, "offset": wanted.offset},
    )


def _conditions(wanted: Filter) -> tuple[str, dict[str, Any]]:
    conditions = ["1 = 1"]
    values: dict[str, Any] = {}
    for column in ("brand", "source", "lane", "owner", "language"):
        if value := getattr(wanted, column):
            conditions.append("(owner_id = :owner OR owner = :owner)" if column == "owner" else f"{column} = :{column}")
            values[column] = value
    if wanted.only_open:
        conditions.append("closed_at = ''")
    if wanted.since is not None:
        conditions.append("opened_at >= :since")
        values["since"] = stamp(wanted.since)
    return " AND ".join(conditions), values


def count(database: Database, wanted: Filter) -> int:
    """How many cases `find` would list without a limit."""
    conditions, values = _conditions(wanted)
    row = database.row(f"SELECT count(*) AS n FROM cases WHERE {conditions}", values)
    return int(row["n"]) if row else 0


def due(database: Database, now: datetime, limit: int = 1000) -> list[Row]:
    """Open cases whose next step has come, the longest due first."""
    return database.rows(  # numbers are sorted, not whole rows: ten thousand can be due at one moment
        "SELECT * FROM cases WHERE n IN (SELECT n FROM cases WHERE closed_at = '' AND next_step_at <> '' "
        "AND next_step_at <= :now ORDER BY next_step_at, n LIMIT :limit) ORDER BY next_step_at, n",
        {"now": stamp(now), "limit": limit},
    )


def in_threads(database: Database, brands: Sequence[str], source: str, threads: Sequence[str]) -> list[Row]:
    """(id, brand, thread, author, story_id, first_posted_at, closed_at) of these conversations, open cases first."""
    found: list[Row] = []
    named, values = marks("b", brands)
    for start in range(0, len(threads), 500):
        clause, more = marks("t", threads[start : start + 500])
        found += database.rows(
            "SELECT id, brand, thread, author, story_id, first_posted_at, closed_at FROM cases "
            f"WHERE brand IN {named} AND source = :source AND thread IN {clause} ORDER BY closed_at, n",
            {**values, **more, "source": source},
        )
    return found


def of_posts(database: Database, posts: Sequence[str]) -> dict[str, list[str]]:
    """post id -> the cases which that post belongs to; who only has the same trouble has none of their own."""
    found: dict[str, list[str]] = {}
    clause, values = marks("p", posts)
    for row in database.rows(
        f"SELECT post_id, case_id FROM mentions WHERE post_id IN {clause} AND case_id <> '' "
        "AND suppressed <> :stranger",
        {**values, "stranger": SAME_TROUBLE},
    ):
        found.setdefault(row["post_id"], []).append(row["case_id"])
    return found


def count_open(database: Database) -> dict[str, int]:
    """How many cases are open, by lane."""
    return {
        row["lane"]: int(row["n"])
        for row in database.rows("SELECT lane, count(*) AS n FROM cases WHERE closed_at = '' GROUP BY lane")
    }


def move_on(database: Database, rows: Iterable[Mapping[str, Any]]) -> None:
    """Move cases on after an escalation step, each only if nobody has touched it since it was read."""
    database.run_many(
        "UPDATE cases SET owner = :owner, owner_id = :owner_id, claim_expires_at = :claim_expires_at, step = :step, "
        "chain = :chain, next_step_at = :next_step_at, snoozed_until = :snoozed_until, "
        "waiting_until = :waiting_until, waiting_on = :waiting_on, revision = revision + 1 "
        "WHERE id = :id AND revision = :revision",
        rows,
    )


def waiting(database: Database, lane: str, size: int = 500) -> Iterator[Row]:
    """Open, unanswered cases of a lane that nobody has, the longest waiting first: all of them, page by page."""
    found = database.rows(
        "SELECT id FROM cases WHERE closed_at = '' AND lane = :lane AND owner = '' AND quiet = 0 "
        "AND (answered_at = '' OR answered_at < last_posted_at) ORDER BY first_posted_at, id",
        {"lane": lane},
    )
    for start in range(0, len(found), size):
        clause, values = marks("c", [row["id"] for row in found[start : start + size]])
        yield from database.rows(f"SELECT * FROM cases WHERE id IN {clause} ORDER BY first_posted_at, id", values)


def waiting_critical(database: Database) -> list[Row]:
    """Open, unanswered critical cases that people are called for and nobody has, the longest waiting first."""
    return database.rows(
        "SELECT * FROM cases WHERE closed_at = '' AND priority = 'critical' AND lane = 'ping' AND owner = '' "
        "AND quiet = 0 AND (answered_at = '' OR answered_at < last_posted_at) ORDER BY first_posted_at, n"
    )


def sent_on(database: Database, before: datetime | None = None, limit: int = 500) -> list[Row]:
    """Open cases that went on in private, the longest first; with `before`, those sent on before that moment."""
    return database.rows(
        "SELECT * FROM cases WHERE closed_at = '' AND sent_on = 1 AND answered_at <> '' "
        "AND answered_at >= last_posted_at AND answered_at <= :before ORDER BY answered_at, n LIMIT :limit",
        {"before": stamp(before) if before is not None else "9", "limit": limit},
    )


def past_resolution(database: Database, now: datetime, limit: int = 500) -> list[Row]:
    """Open cases that somebody has and that should have been settled by now, the longest overdue first."""
    return database.rows(
        "SELECT * FROM cases WHERE closed_at = '' AND lane = 'ping' AND quiet = 0 AND sent_on = 0 AND owner <> '' "
        "AND resolve_due_at <> '' AND resolve_due_at <= :now ORDER BY resolve_due_at, n LIMIT :limit",
        {"now": stamp(now), "limit": limit},
    )


def of_person_in_thread(database: Database, source: str, author: str, thread: str) -> list[Row]:
    """The open cases of somebody in one conversation: by the case's own thread, or by that of a post of theirs."""
    return database.rows(
        "SELECT c.* FROM cases c WHERE c.source = :source AND c.closed_at = '' "  # SQLite lowers A to Z only
        "AND (ltrim(lower(c.author), '@') = :low OR ltrim(c.author, '@') = :author) "
        "AND (c.thread = :thread OR EXISTS (SELECT 1 FROM mentions m JOIN posts p ON p.id = m.post_id "
        "WHERE m.case_id = c.id AND m.case_id <> '' AND (p.thread_id = :thread OR p.native_id = :thread))) "
        "ORDER BY c.n",
        {"source": source, "author": author, "low": author.lower(), "thread": thread},
    )


def conversations(database: Database, source: str, answered_since: datetime, limit: int) -> list[Row]:
    """(id, brand, thread, author, open) of cases of a source whose conversation is read: open ones first, then those
    answered or closed since then, the newest first."""
    return database.rows(
        "SELECT id, brand, thread, author, first_posted_at, "
        "CASE WHEN closed_at = '' AND (answered_at = '' OR answered_at < last_posted_at) THEN 1 ELSE 0 END AS waits "
        "FROM cases WHERE source = :source AND quiet = 0 AND author <> '' AND ((closed_at = '' AND (answered_at = '' "
        "OR answered_at < last_posted_at)) OR answered_at >= :since OR closed_at >= :since) "
        "ORDER BY waits DESC, last_posted_at DESC, n DESC LIMIT :limit",
        {"source": source, "since": stamp(answered_since), "limit": limit},
    )


def owned(database: Database) -> list[Row]:
    """Open cases that somebody has and has not answered, the oldest first."""
    return database.rows(
        "SELECT id, owner, owner_id, targets, offered_at FROM cases WHERE closed_at = '' AND owner <> '' "
        "AND (answered_at = '' OR answered_at < last_posted_at) ORDER BY opened_at, n"
    )


def open_without(database: Database, sources: Sequence[str], brands: Sequence[str]) -> list[Row]:
    """(what, name, n) of open cases whose brand is none of these, or whose source was read once and is none of these.

    What a file brought has no source that anybody reads, and belongs to its brand.
    """
    kept = "c.closed_at = ''"
    (listed, values), (named, more) = marks("s", sources), marks("b", brands)
    return database.rows(
        f"SELECT 'source' AS what, c.source AS name, count(*) AS n FROM cases c JOIN sources s ON s.name = c.source "
        f"WHERE {kept} AND c.source NOT IN {listed} GROUP BY c.source UNION ALL "
        f"SELECT 'brand' AS what, c.brand AS name, count(*) AS n FROM cases c WHERE {kept} AND c.brand NOT IN {named} "
        "GROUP BY c.brand ORDER BY what DESC, name",
        {**values, **more},
    )


def answered_before(database: Database, before: datetime, limit: int) -> list[Row]:
    """Open cases whose author has had the last answer since before then, and wrote nothing after it."""
    return database.rows(
        "SELECT id FROM cases WHERE closed_at = '' AND answered_at <> '' AND answered_at >= last_posted_at "
        "AND answered_at < :before ORDER BY answered_at LIMIT :limit",
        {"before": stamp(before), "limit": limit},
    )


def rename_owner(database: Database, case: str, before: str, owner_id: str, owner: str) -> None:
    """Whoever has a case is known under another id now; unless somebody else took it meanwhile."""
    database.run(
        "UPDATE cases SET owner_id = :id, owner = :owner, revision = revision + 1 "
        "WHERE id = :case_id AND owner_id = :before",
        {"id": owner_id, "owner": owner, "case_id": case, "before": before},
    )
