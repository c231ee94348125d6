"""What the auditor asks: rows that should not be there, each found by its index."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from monitor.store.database import Database, Row, marks, stamp

_CALLED = "closed_at = '' AND lane = 'ping' AND quiet = 0 AND (answered_at = '' OR answered_at < last_posted_at)"


def cases_without_next_step(database: Database, limit: int = 100) -> list[Row]:
    """Open cases that people were called for and nothing will ever remind of, though something should."""
    return database.rows(
        f"SELECT * FROM cases WHERE {_CALLED} AND next_step_at = '' AND (owner <> '' OR snoozed_until <> '' "
        "OR waiting_until <> '' OR (step = 0 AND chain <> '[]')) ORDER BY n LIMIT :limit",
        {"limit": limit},
    )


def cases_left_alone(database: Database, limit: int = 100) -> list[Row]:
    """Open cases that people were called for, that nobody has and that nothing will ever name again."""
    return database.rows(
        f"SELECT * FROM cases WHERE {_CALLED} AND priority <> 'gentle' AND owner = '' AND next_step_at = '' "
        "ORDER BY n LIMIT :limit",
        {"limit": limit},
    )


def steps_not_done(database: Database, before: datetime) -> int:
    """How many open cases have a step that was due before then."""
    row = database.row(
        f"SELECT count(*) AS n FROM cases WHERE {_CALLED} AND priority <> 'gentle' AND next_step_at <> '' "
        "AND next_step_at < :before",
        {"before": stamp(before)},
    )
    return int(row["n"]) if row else 0


def cases_never_told(database: Database, before: datetime, limit: int = 100) -> list[Row]:
    """Open cases that nobody has and that no message was ever queued for; those opened before then."""
    return database.rows(
        f"SELECT * FROM cases c WHERE {_CALLED} AND owner = '' AND opened_at < :before AND NOT EXISTS "
        "(SELECT 1 FROM deliveries d WHERE d.story_id = c.story_id AND d.action = 'post') ORDER BY n LIMIT :limit",
        {"before": stamp(before), "limit": limit},
    )


def left_in_flight(database: Database, before: datetime) -> int:
    """How many deliveries are in flight whose sender's time was over before then."""
    row = database.row(
        "SELECT count(*) AS n FROM deliveries WHERE state = 'inflight' AND lease_until < :before",
        {"before": stamp(before)},
    )
    return int(row["n"]) if row else 0


def end_without_channel(database: Database, channels: Collection[str]) -> dict[str, int]:
    """Make dead letters of what waits for channels that are no longer configured; channel -> how many."""
    clause, values = marks("c", list(channels))
    condition = f"state IN ('pending', 'retry', 'unknown') AND channel NOT IN {clause}" if values else "1 = 0"
    rows = database.rows(f"SELECT channel, count(*) AS n FROM deliveries WHERE {condition} GROUP BY channel", values)
    if rows:
        database.run(
            f"UPDATE deliveries SET state = 'dead', error = 'no channel of this name is in the settings any more' "
            f"WHERE {condition}",
            values,
        )
    return {row["channel"]: int(row["n"]) for row in rows}
