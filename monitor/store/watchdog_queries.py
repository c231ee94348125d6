"""What the auditor asks: rows that should not be there, each found by its index."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from monitor.store.database import Database, Row, instant, marks, stamp

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


def owed_alerts(database: Database, before: datetime, unwatched: Collection[str] = ()) -> tuple[int, datetime | None]:
    """How many alerts have been owed since before then, and since when the oldest; those that reached nobody at all.

    Owed from the moment it was due, or was first tried, whatever is known of its channel. Quiet hours put an alert off,
    and it is owed from their end. One that was told elsewhere counts no more once it has arrived there; on an
    `unwatched` channel it has reached nobody.
    """
    clause, values = marks("u", list(unwatched))
    watched = f"AND s.channel NOT IN {clause}" if unwatched else ""
    # What travels in a message that was put off, and was not tried since, is put off with it.
    row = database.row(
        "SELECT count(*) AS n, min(CASE WHEN d.first_tried_at <> '' THEN d.first_tried_at ELSE d.due_at END) AS since "
        "FROM deliveries d LEFT JOIN deliveries c ON c.id = d.carrier "
        "WHERE d.state IN ('pending', 'retry', 'unknown') AND d.action = 'post' AND d.story_id <> '' "
        "AND ((d.first_tried_at <> '' AND d.first_tried_at < :before) "
        "OR (d.first_tried_at = '' AND d.due_at < :before)) "
        "AND (c.id IS NULL OR c.first_tried_at <> '' OR c.due_at < :before) "
        "AND NOT EXISTS (SELECT 1 FROM deliveries s WHERE s.about = d.about AND s.action = 'post' "
        f"AND s.state = 'sent' AND s.step >= d.step {watched})",
        {**values, "before": stamp(before)},
    )
    return (int(row["n"]), instant(row["since"] or "")) if row else (0, None)


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
