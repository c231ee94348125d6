"""Which cases each of the staff has opened since something came to them: what is new to whom, and nothing more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from monitor.store.database import Database, marks, stamp


def note(database: Database, who: str, case_ids: Iterable[str], now: datetime) -> None:
    """Somebody (by id) has opened these cases, or acted on them."""
    database.run_many(
        "INSERT INTO read_marks (who, case_id, at) VALUES (:who, :id, :now) "
        "ON CONFLICT (who, case_id) DO UPDATE SET at = excluded.at",
        ({"who": who, "id": each, "now": stamp(now)} for each in case_ids),
    )


def new_to(database: Database, who: str, case_ids: Sequence[str]) -> frozenset[str]:
    """Those of these cases that have something in them which this person has not opened."""
    new = set(case_ids)
    for start in range(0, len(case_ids), 500):
        clause, values = marks("c", case_ids[start : start + 500])
        new -= {
            row["id"]
            for row in database.rows(
                "SELECT c.id FROM cases c JOIN read_marks r ON r.case_id = c.id AND r.who = :who "
                f"WHERE c.id IN {clause} AND r.at >= c.last_posted_at",
                {**values, "who": who},
            )
        }
    return frozenset(new)


def drop_closed(database: Database) -> int:
    """Nothing is new of what is closed: its marks go."""
    return database.run("DELETE FROM read_marks WHERE case_id IN (SELECT id FROM cases WHERE closed_at <> '')")
