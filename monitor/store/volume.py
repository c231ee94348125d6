"""How much is written of a brand, hour by hour and just now: what leaps of volume are seen in."""

from __future__ import annotations

from datetime import datetime

from monitor.store import key_values
from monitor.store.database import Database, Row, at, marks, stamp
from monitor.store.persons import voice
from monitor.store.to_forget import BATCH

_SINCE = "read since:"  # and a source
_MOST = 20_000  # posts of an hour that are looked at
_OF_CAUSE = "CASE WHEN k.merged_into <> '' THEN k.merged_into ELSE k.id END"


def by_hour(database: Database, brand: str, since: datetime) -> list[Row]:
    """(hour, source, n, negative) of what was written of a brand, by hours of UTC ("2026-03-04T09")."""
    return database.rows(
        "SELECT hour, source, n, negative FROM heard WHERE brand = :brand AND hour >= :hour ORDER BY hour",
        {"brand": brand, "hour": stamp(since)[:13]},
    )


def lately(database: Database, brand: str, since: datetime, until: datetime) -> list[Row]:
    """(id, source, person, label, praise, posted_at) of what was written of a brand in a span, the newest first.

    The person is None of what only repeats somebody.
    """
    return database.rows(
        f"SELECT m.id, m.source, {voice()} AS person, m.label, m.praise, m.posted_at FROM mentions m "
        "JOIN posts p ON p.id = m.post_id WHERE m.brand = :brand AND m.posted_at > :since AND m.posted_at <= :until "
        "ORDER BY m.posted_at DESC LIMIT :most",
        {"brand": brand, "since": stamp(since), "until": stamp(until), "most": _MOST},
    )


def causes_of(database: Database, brand: str, since: datetime) -> dict[str, set[str]]:
    """mention id -> the causes that it is of, for what was written of a brand since then."""
    found: dict[str, set[str]] = {}
    for row in database.rows(
        f"SELECT c.mention_id, {_OF_CAUSE} AS cause_id FROM caused c JOIN causes k ON k.id = c.cause_id "
        "WHERE c.brand = :brand AND c.posted_at >= :since AND k.gone_at = ''",
        {"brand": brand, "since": stamp(since)},
    ):
        found.setdefault(row["mention_id"], set()).add(row["cause_id"])
    return found


def texts_of(database: Database, mentions: list[str], most: int = 500) -> list[Row]:
    """(id, person, text, title) of these mentions, as far as they stand; no person of what only repeats somebody."""
    clause, values = marks("m", mentions[:most])
    return database.rows(
        f"SELECT m.id, {voice()} AS person, p.text, p.title FROM mentions m JOIN posts p ON p.id = m.post_id "
        f"WHERE m.id IN {clause} AND p.deleted_at = '' AND p.purged_at = ''",
        values,
    )


def times_of(database: Database, mentions: list[str]) -> list[datetime]:
    """When these mentions were written."""
    found: list[datetime] = []
    for start in range(0, len(mentions), BATCH):
        clause, values = marks("m", mentions[start : start + BATCH])
        rows = database.rows(f"SELECT posted_at FROM mentions WHERE id IN {clause}", values)
        found += [at(row["posted_at"]) for row in rows]
    return found


def texts_before(database: Database, brand: str, before: datetime, most: int = 500) -> list[Row]:
    """(text, title) of what was written of a brand before then, the newest first: what is said on other days."""
    return database.rows(
        "SELECT p.text, p.title FROM mentions m JOIN posts p ON p.id = m.post_id WHERE m.brand = :brand "
        "AND m.posted_at < :before AND p.deleted_at = '' AND p.purged_at = '' ORDER BY m.posted_at DESC LIMIT :most",
        {"brand": brand, "before": stamp(before), "most": most},
    )


def unjoined(database: Database, brand: str, since: datetime, seen: datetime, most: int = 2000) -> list[Row]:
    """What was written of a brand since then and is of no incident, with its label, rating, story and texts.

    Only what was seen since `seen`, the latest first: what has just come is among it however much else is said.
    """
    return database.rows(
        "SELECT m.id, m.label, m.praise, p.rating, p.text, p.title, "
        "coalesce(c.story_id, '') AS story_id FROM mentions m JOIN posts p ON p.id = m.post_id "
        "LEFT JOIN cases c ON c.id = m.case_id WHERE m.seen_at >= :seen AND m.brand = :brand AND m.posted_at >= :since "
        "AND NOT EXISTS (SELECT 1 FROM incident_mentions i WHERE i.mention_id = m.id) "
        "ORDER BY m.seen_at DESC, m.id LIMIT :most",
        {"seen": stamp(seen), "brand": brand, "since": stamp(since), "most": most},
    )


def stars_by_day(database: Database, brand: str, since: datetime) -> list[Row]:
    """(day, n, low, stars) of the reviews of a brand: how many, how many with one or two stars, and all stars."""
    return database.rows(
        "SELECT substr(m.posted_at, 1, 10) AS day, count(*) AS n, sum(CASE WHEN p.rating <= 2 THEN 1 ELSE 0 END) "
        "AS low, sum(p.rating) AS stars FROM mentions m JOIN posts p ON p.id = m.post_id WHERE m.brand = :brand "
        "AND m.posted_at >= :since AND p.rating IS NOT NULL GROUP BY 1 ORDER BY 1",
        {"brand": brand, "since": stamp(since)},
    )


def low_stars(database: Database, brand: str, since: datetime) -> list[str]:
    """The mentions that are reviews with one or two stars, written since then."""
    rows = database.rows(
        "SELECT m.id FROM mentions m JOIN posts p ON p.id = m.post_id WHERE m.brand = :brand "
        "AND m.posted_at >= :since AND p.rating IS NOT NULL AND p.rating <= 2 ORDER BY m.posted_at LIMIT 2000",
        {"brand": brand, "since": stamp(since)},
    )
    return [row["id"] for row in rows]


def critical_stories(database: Database, since: datetime) -> list[Row]:
    """(story_id, brand, people, hurt, first_at) of stories with critical cases that are open and unanswered."""
    return database.rows(
        f"SELECT c.story_id, c.brand, count(DISTINCT {voice()}) AS people, "
        "max(CASE WHEN c.tags LIKE '%\"hurt\"%' THEN 1 ELSE 0 END) AS hurt, "
        "min(c.first_posted_at) AS first_at FROM cases c JOIN mentions m ON m.case_id = c.id AND m.case_id <> '' "
        "AND m.suppressed = '' JOIN posts p ON p.id = m.post_id "
        "WHERE c.closed_at = '' AND c.lane = 'ping' AND c.quiet = 0 "
        "AND c.opened_at >= :since AND c.story_id IN (SELECT s.story_id FROM cases s WHERE s.closed_at = '' "
        "AND s.priority = 'critical' AND s.quiet = 0 AND s.lane = 'ping' AND s.opened_at >= :since "
        "AND (s.answered_at = '' OR s.answered_at < s.last_posted_at)) GROUP BY c.story_id, c.brand",
        {"since": stamp(since)},
    )


def of_story(database: Database, story: str) -> list[str]:
    """The mentions of a story's cases."""
    rows = database.rows(
        "SELECT m.id FROM mentions m JOIN cases c ON c.id = m.case_id WHERE c.story_id = :story AND m.case_id <> '' "
        "ORDER BY m.posted_at",
        {"story": story},
    )
    return [row["id"] for row in rows]


def read_since(database: Database, source: str, now: datetime) -> str:
    """When a source was read first: when the oldest of its posts was seen. Found once, and remembered."""
    known = key_values.fact(database, _SINCE + source)
    if known:
        return known
    row = database.row(
        "SELECT seen_at FROM mentions WHERE source = :source ORDER BY posted_at, id DESC LIMIT 1", {"source": source}
    )
    if row is None:
        return ""
    key_values.remember(database, _SINCE + source, row["seen_at"], now)
    return str(row["seen_at"])


def our_statements(database: Database, brand: str, since: datetime) -> list[Row]:
    """Our own posts of a brand since then that answer nobody, the oldest first."""
    return database.rows(
        "SELECT source, native_id, url, text, author, posted_at FROM own_posts WHERE brand = :brand "
        "AND parent_id = '' AND posted_at >= :since ORDER BY posted_at LIMIT 100",
        {"brand": brand, "since": stamp(since)},
    )
