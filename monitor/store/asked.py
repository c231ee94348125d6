"""When a network was last asked whether a post still stands: at first when it was read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from monitor.store.database import Database, Row, marks, stamp

_STANDS = "p.deleted_at = '' AND p.purged_at = '' AND p.native_id <> ''"


def of_open_cases(database: Database, source: str, before: datetime, limit: int) -> list[Row]:
    """(id, native_id) of posts of open cases that nobody asked after since then, the oldest question first."""
    return database.rows(
        "SELECT DISTINCT p.id, p.native_id, p.asked_at FROM cases c JOIN mentions m ON m.case_id = c.id "
        f"AND m.case_id <> '' JOIN posts p ON p.id = m.post_id WHERE c.closed_at = '' AND c.source = :source "
        f"AND p.asked_at < :before AND {_STANDS} ORDER BY p.asked_at, p.native_id LIMIT :limit",
        {"source": source, "before": stamp(before), "limit": limit},
    )


def wanted(database: Database, source: str, limit: int) -> list[Row]:
    """(id, native_id) of posts that somebody is shown, or is about to be, the longest wanted first."""
    return database.rows(
        f"SELECT p.id, p.native_id FROM posts p WHERE p.source = :source AND p.wanted_at <> '' AND {_STANDS} "
        "ORDER BY p.wanted_at, p.native_id LIMIT :limit",
        {"source": source, "limit": limit},
    )


def the_rest(database: Database, source: str, before: datetime, limit: int, *, once: bool) -> list[Row]:
    """(id, native_id) of any posts that nobody asked after since then, the oldest question first.

    `once`: only those that were never asked after since they were read.
    """
    never = "AND (p.asked_at = '' OR p.asked_at = p.seen_at) " if once else ""
    return database.rows(
        f"SELECT p.id, p.native_id FROM posts p WHERE p.source = :source AND p.asked_at < :before {never}AND {_STANDS} "
        "ORDER BY p.asked_at, p.native_id LIMIT :limit",
        {"source": source, "before": stamp(before), "limit": limit},
    )


def note(database: Database, posts: Sequence[str], now: datetime) -> None:
    """The network was asked after these."""
    clause, values = marks("p", posts)
    database.run(
        f"UPDATE posts SET asked_at = :now, wanted_at = '' WHERE id IN {clause}", {**values, "now": stamp(now)}
    )


def want(database: Database, mentions: Sequence[str], sources: Collection[str], before: datetime, now: datetime) -> int:
    """These mentions are shown, or exported, or about to be quoted: have their posts asked after soon; how many.

    Those of sources that can be asked, and that were not asked after since `before`.
    """
    named, values = marks("s", sorted(sources))
    count = 0
    for start in range(0, len(mentions), 500):
        clause, ids = marks("m", mentions[start : start + 500])
        rows = database.rows(
            f"SELECT DISTINCT p.id FROM mentions m JOIN posts p ON p.id = m.post_id WHERE m.id IN {clause} "
            f"AND p.source IN {named} AND p.asked_at < :before AND p.wanted_at = '' AND {_STANDS}",
            {**ids, **values, "before": stamp(before)},
        )
        if rows:
            chosen, posts = marks("p", [row["id"] for row in rows])
            count += database.run(
                f"UPDATE posts SET wanted_at = :now WHERE id IN {chosen}", {**posts, "now": stamp(now)}
            )
    return count


def shares(database: Database, since: datetime) -> Mapping[str, tuple[int, int]]:
    """source -> (posts that stand, those of them that were read or asked after since then)."""
    rows = database.rows(
        f"SELECT p.source, count(*) AS n, sum(CASE WHEN p.asked_at >= :since THEN 1 ELSE 0 END) AS asked FROM posts p "
        f"WHERE {_STANDS} GROUP BY p.source",
        {"since": stamp(since)},
    )
    return {row["source"]: (int(row["n"]), int(row["asked"])) for row in rows}
