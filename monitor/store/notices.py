"""What Earful says of itself, among the deliveries: what was told of a fault, and what waits for the list of a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from alerts.wording import with_remedy
from monitor.store import deliveries
from monitor.store.database import Database, Row, instant, stamp

_QUIET = (
    f"about LIKE 'notice:%' AND reason = '{deliveries.QUIET}' AND action = 'post' AND state IN ('pending', 'retry')"
)


def of(database: Database, key: str) -> list[deliveries.Delivery]:
    """The messages of one notice: one for each target that it was queued for."""
    return [row for row in deliveries.about(database, f"notice:{key}") if row.action == "post"]


def told_since(database: Database, begins: str, since: datetime) -> int:
    """How many notices whose key begins so have been sent since then."""
    row = database.row(
        "SELECT count(DISTINCT about) AS n FROM deliveries WHERE about LIKE :about ESCAPE '!' AND state = 'sent' "
        "AND action = 'post' AND sent_at >= :since",
        {"about": f"notice:{_literal(begins)}%", "since": stamp(since)},
    )
    return int(row["n"]) if row else 0


def _waiting(database: Database) -> str:
    """What waits, by the index that holds nothing else: what was ever sent is very much more."""
    return (
        f"deliveries{database.by_index('deliveries_due')} WHERE state IN ('pending', 'retry', 'unknown') "
        "AND state <> 'unknown'"
    )


def unsent(database: Database, begins: str) -> list[Row]:
    """The notices whose key begins so that have not left yet: id, reason, due_at; the oldest first."""
    return database.rows(
        f"SELECT id, reason, due_at FROM {_waiting(database)} AND about LIKE :about ESCAPE '!' AND action = 'post' "
        "ORDER BY created_at, id",
        {"about": f"notice:{_literal(begins)}%"},
    )


def waiting_for(database: Database, about: str, target: str) -> list[deliveries.Delivery]:
    """The notices to one target whose subject begins so, that have not left yet and travel in no other message."""
    return [
        deliveries.of_row(row)
        for row in database.rows(
            f"SELECT * FROM {_waiting(database)} AND about LIKE :about ESCAPE '!' AND target = :target "
            "AND action = 'post' AND carrier = '' ORDER BY created_at, id",
            {"about": f"{_literal(about)}%", "target": target},
        )
    ]


def messages_of(database: Database, key: str, since: datetime) -> list[deliveries.Delivery]:
    """The messages made since then that told the notices whose key begins so: their own, or what carried them."""
    rows = database.rows(
        "SELECT * FROM deliveries WHERE about LIKE :about ESCAPE '!' AND action = 'post' "
        "AND created_at >= :since ORDER BY created_at, id",
        {"about": f"notice:{_literal(key)}%", "since": stamp(since)},
    )
    found = [deliveries.of_row(row) for row in rows]
    carriers = deliveries.by_ids(database, [each.carrier for each in found if each.carrier])
    return list({one.id: one for each in found for one in (carriers.get(each.carrier, each),)}.values())


def oldest_quiet(database: Database, target: str) -> datetime | None:
    """Since when the longest waiting of a target's quiet notices waits for a list."""
    row = database.row(
        f"SELECT min(created_at) AS at FROM deliveries WHERE {_QUIET} AND target = :target", {"target": target}
    )
    return instant(row["at"] or "") if row else None


def take_quiet(database: Database, target: str, most: int = 12) -> list[str]:
    """What waits for a target's list, the oldest first, as lines of it; from now on it waits no more.

    Inside the transaction that queues the list. Beyond `most` there is one line that says how many more.
    """
    rows = database.rows(
        f"SELECT * FROM deliveries WHERE {_QUIET} AND target = :target ORDER BY created_at, id", {"target": target}
    )
    lines = []
    for each in map(deliveries.of_row, rows):
        deliveries.drop(database, each.id, "it is in the daily list")
        remedy = str(each.payload.get("remedy", ""))
        lines.append(with_remedy(str(each.payload.get("title", "")), remedy))
    return [*lines[:most], *([f"{len(lines) - most} more: see earful status"] if len(lines) > most else [])]


def with_quiet(database: Database, targets: Iterable[str], payloads: dict[str, dict[str, Any]]) -> None:
    """Give the lists of these targets what waits for them; where there is no list, it goes on waiting."""
    for target in targets:
        if target in payloads and (lines := take_quiet(database, target)):
            payloads[target]["system"] = lines


def _literal(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
