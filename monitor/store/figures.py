"""Counts and rows that reports are made of; percentiles are worked out in Python, not in SQL."""

from __future__ import annotations

from datetime import datetime

from monitor.store.database import Database, Row, stamp


def by_source(database: Database, since: datetime, until: datetime, brand: str = "") -> list[Row]:
    """(source, mentions, negative) of posts written in a span."""
    clause = "AND m.brand = :brand " if brand else ""
    return database.rows(
        "SELECT m.source, count(*) AS mentions, sum(CASE WHEN m.label = 'negative' THEN 1 ELSE 0 END) AS negative "
        f"FROM mentions m WHERE m.posted_at >= :since AND m.posted_at < :until {clause}"
        "GROUP BY m.source ORDER BY mentions DESC, m.source",
        {"since": stamp(since), "until": stamp(until), **({"brand": brand} if brand else {})},
    )


def first_mention_at(database: Database) -> str:
    """When the first mention was seen, "" before any."""
    row = database.row("SELECT min(seen_at) AS at FROM mentions")
    return (row["at"] or "") if row else ""


def unanswered(database: Database, until: datetime) -> list[Row]:
    """Open cases that nobody has answered, the longest waiting first (those that only may need an answer last)."""
    return database.rows(
        "SELECT * FROM cases WHERE closed_at = '' AND quiet = 0 AND (answered_at = '' OR answered_at < last_posted_at) "
        "AND opened_at < :until ORDER BY CASE lane WHEN 'ping' THEN 0 ELSE 1 END, first_posted_at, n",
        {"until": stamp(until)},
    )


def cases_between(database: Database, since: datetime, until: datetime) -> list[Row]:
    """Cases whose first post was written in a span, every column."""
    return database.rows(
        "SELECT * FROM cases WHERE first_posted_at >= :since AND first_posted_at < :until ORDER BY n",
        {"since": stamp(since), "until": stamp(until)},
    )


def first_sent(database: Database, since: datetime) -> dict[str, str]:
    """story id -> when it was first told of, for stories told since then."""
    rows = database.rows(
        "SELECT story_id, min(sent_at) AS at FROM deliveries WHERE story_id <> '' AND sent_at >= :since "
        "AND action = 'post' GROUP BY story_id",
        {"since": stamp(since)},
    )
    return {row["story_id"]: row["at"] for row in rows}


def closed_between(database: Database, since: datetime, until: datetime) -> list[Row]:
    """(outcome, why, cases) of what was closed in a span, of cases that people were called for."""
    return database.rows(
        "SELECT outcome, why, count(*) AS n FROM cases WHERE closed_at >= :since AND closed_at < :until "
        "AND lane = 'ping' GROUP BY outcome, why",
        {"since": stamp(since), "until": stamp(until)},
    )


def told_between(database: Database, since: datetime, until: datetime) -> int:
    """How many cases people were called for in a span."""
    row = database.row(
        "SELECT count(*) AS n FROM cases WHERE opened_at >= :since AND opened_at < :until "
        "AND lane = 'ping' AND quiet = 0",
        {"since": stamp(since), "until": stamp(until)},
    )
    return int(row["n"]) if row else 0


def voices(database: Database, since: datetime, until: datetime, *, praise: bool, limit: int) -> list[Row]:
    """People's own words of a span: the loudest complaints, or the warmest praise."""
    condition = "m.praise = 1 OR m.sentiment >= 0.6" if praise else "m.flagged = 1"
    order = "m.sentiment DESC" if praise else "m.needs_answer DESC"
    return database.rows(
        f"SELECT p.text, p.title, p.author, p.source, p.url, m.id FROM mentions m JOIN posts p ON p.id = m.post_id "
        f"WHERE m.posted_at >= :since AND m.posted_at < :until AND p.deleted_at = '' AND ({condition}) "
        f"ORDER BY {order}, m.id LIMIT :limit",
        {"since": stamp(since), "until": stamp(until), "limit": limit},
    )
