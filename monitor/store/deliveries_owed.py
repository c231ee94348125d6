"""What targets and channels are owed, what they refused for good, and what was said elsewhere instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from monitor.store.database import Database, instant, marks, stamp
from monitor.store.deliveries import QUIET, REFUSED, WAITING, Delivery, of_row

_UNTOLD = "action = 'post' AND story_id <> '' AND told_elsewhere_at = ''"


def waiting(database: Database) -> dict[str, int]:
    """How many rows there are by state; dead letters only those that nobody overtook."""
    return {
        row["state"]: int(row["n"])
        for row in database.rows(
            f"SELECT state, count(*) AS n FROM deliveries WHERE (state <> 'dead' OR {REFUSED}) "
            "AND NOT (state = 'pending' AND reason = :quiet) GROUP BY state",
            {"quiet": QUIET},
        )
    }


def on_their_way(counts: Mapping[str, int]) -> int:
    """How many of `waiting` are yet to be sent."""
    return sum(counts.get(state, 0) for state in ("pending", "inflight", "retry", "unknown"))


def oldest_waiting(database: Database) -> datetime | None:
    """Since when the longest waiting delivery has been due."""
    row = database.row(f"SELECT min(due_at) AS at FROM deliveries WHERE {WAITING} AND carrier = ''")
    return instant(row["at"] or "") if row else None


def dead(database: Database, limit: int = 100) -> list[Delivery]:
    """What could not be delivered, newest first."""
    return [
        of_row(row)
        for row in database.rows(
            f"SELECT * FROM deliveries WHERE {REFUSED} ORDER BY created_at DESC LIMIT :limit",
            {"limit": limit},
        )
    ]


def revive(database: Database, now: datetime) -> int:
    """Send what is dead once more; what was revived before and died again is revived again, never sent twice."""
    return database.run(
        f"UPDATE deliveries SET state = 'retry', due_at = :now, attempts = 0, error = '' WHERE {REFUSED}",
        {"now": stamp(now)},
    )


def owing_targets(database: Database, since: datetime) -> list[str]:
    """Targets that owe an alert nobody was told of elsewhere, or that refused one for good (made after `since`)."""
    return [
        row["target"]
        for row in database.rows(
            f"SELECT target FROM deliveries WHERE {WAITING} AND {_UNTOLD} UNION "
            f"SELECT target FROM deliveries WHERE {REFUSED} AND created_at >= :since AND {_UNTOLD} ORDER BY target",
            {"since": stamp(since)},
        )
    ]


def overdue(
    database: Database, target: str, before: datetime | None, since: datetime, limit: int = 500
) -> list[Delivery]:
    """Alerts that a target has owed since `before`, or refused for good after `since`, and nobody was told elsewhere.

    A row that was tried is due later, and yet owed since it was made. Whoever is told of it is noted by
    `told_elsewhere`, so that the next question goes on behind these.
    """
    order = f"AND target = :target AND {_UNTOLD} ORDER BY created_at, id LIMIT :limit"
    values = {"target": target, "before": stamp(before), "since": stamp(since), "limit": limit}
    owed = f"{WAITING} AND created_at < :before AND (due_at < :before OR attempts > 0)"
    rows = database.rows(f"SELECT * FROM deliveries WHERE {owed} {order}", values)
    if len(rows) < limit:
        rows += database.rows(f"SELECT * FROM deliveries WHERE {REFUSED} AND created_at >= :since {order}", values)
    return [of_row(row) for row in rows]


def count(database: Database, name: str) -> int:
    """How many messages wait for a target, or for all targets of a channel."""
    row = database.row(
        f"SELECT count(*) AS n FROM deliveries WHERE {WAITING} AND action = 'post' AND about NOT LIKE 'brief:%' "
        "AND (target = :name OR channel = :name)",
        {"name": name},
    )
    return int(row["n"]) if row else 0


def told_elsewhere(database: Database, deliveries: Sequence[str], now: datetime) -> None:
    """What these would have said is said on another channel."""
    for start in range(0, len(deliveries), 500):
        clause, values = marks("d", deliveries[start : start + 500])
        database.run(
            f"UPDATE deliveries SET told_elsewhere_at = :now WHERE id IN {clause}", {**values, "now": stamp(now)}
        )


def reached(database: Database, about: str, since: datetime, *, or_will_be: bool = False) -> set[str]:
    """The targets that have had a message about this that was made since then: with what it told, or after it.

    What was told of a former wait of the same case counts no more. With `or_will_be` those too that are owed one.
    """
    states = f"(state = 'sent' OR state = 'inflight' OR {WAITING})" if or_will_be else "state = 'sent'"
    rows = database.rows(
        f"SELECT DISTINCT target FROM deliveries WHERE about = :about AND action = 'post' AND {states} "
        "AND created_at >= :since",
        {"about": about, "since": stamp(since)},
    )
    return {row["target"] for row in rows}


def owing_channels(database: Database) -> list[str]:
    """Channels that owe something, now or later."""
    return [row["channel"] for row in database.rows(f"SELECT DISTINCT channel FROM deliveries WHERE {WAITING}")]


def owed_by(database: Database, channel: str, limit: int = 500) -> list[Delivery]:
    """What a channel owes, now or later."""
    return [
        of_row(row)
        for row in database.rows(
            f"SELECT * FROM deliveries WHERE channel = :channel AND {WAITING} ORDER BY due_at LIMIT :limit",
            {"channel": channel, "limit": limit},
        )
    ]
