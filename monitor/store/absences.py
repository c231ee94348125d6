"""Who is away, from when until when, and who said so. What ended a month ago is nobody's business any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from monitor.store.database import Database, Row, marks, stamp

KEPT = timedelta(days=30)


def add(database: Database, person: str, name: str, now: datetime, until: datetime, by: str) -> None:
    """Somebody is away from now until then; what they had said before is over."""
    end(database, person, now)
    database.run("DELETE FROM absences WHERE until_at < :old", {"old": stamp(now - KEPT)})
    database.run(
        "INSERT INTO absences (person, name, since_at, until_at, said_by) VALUES (:person, :name, :now, :until, :by)",
        {"person": person, "name": name, "now": stamp(now), "until": stamp(until), "by": by},
    )


def end(database: Database, person: str, now: datetime) -> bool:
    """Somebody is back before they said; False where they were not away."""
    return (
        database.run(
            "UPDATE absences SET until_at = :now WHERE person = :person AND until_at > :now",
            {"person": person, "now": stamp(now)},
        )
        > 0
    )


def standing(database: Database, now: datetime) -> list[Row]:
    """The absences that are not over, by name."""
    return database.rows("SELECT * FROM absences WHERE until_at > :now ORDER BY name, n", {"now": stamp(now)})


def of(database: Database, persons: Sequence[str], now: datetime) -> Row | None:
    """The absence of somebody who is known by these ids, None where they are here."""
    clause, values = marks("p", persons)
    return database.row(
        f"SELECT * FROM absences WHERE until_at > :now AND person IN {clause}", {**values, "now": stamp(now)}
    )
