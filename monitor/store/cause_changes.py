"""Changes of a brand's list of causes, each with what undoing it needs."""

from __future__ import annotations

from datetime import datetime

from monitor.store.database import Database, Row, encode, stamp


def add(
    database: Database, brand: str, cause: str, what: str, before: object, after: object,
    who: str, who_id: str, now: datetime,
) -> None:  # fmt: skip
    """Keep a change of the list with what undoing it needs."""
    database.run(
        "INSERT INTO cause_changes (brand, cause_id, what, before, after, who, who_id, at) "
        "VALUES (:brand, :cause, :what, :before, :after, :who, :who_id, :now)",
        {
            "brand": brand, "cause": cause, "what": what, "before": encode(before), "after": encode(after), "who": who,
            "who_id": who_id, "now": stamp(now),
        },
    )  # fmt: skip


def newest(database: Database, brand: str, limit: int = 20) -> list[Row]:
    """The latest changes of a brand's list, undone ones too."""
    return database.rows(
        "SELECT * FROM cause_changes WHERE brand = :brand ORDER BY n DESC LIMIT :limit",
        {"brand": brand, "limit": limit},
    )


def last(database: Database, brand: str) -> Row | None:
    """The latest change that was not undone."""
    return database.row(
        "SELECT * FROM cause_changes WHERE brand = :brand AND undone_at = '' ORDER BY n DESC LIMIT 1", {"brand": brand}
    )


def amend(database: Database, n: int, what: str, before: object, after: object) -> None:
    """Say of a change that was just kept what it is a part of."""
    database.run(
        "UPDATE cause_changes SET what = :what, before = :before, after = :after WHERE n = :n",
        {"n": n, "what": what, "before": encode(before), "after": encode(after)},
    )


def undo(database: Database, n: int, now: datetime) -> None:
    """Mark a change as undone."""
    database.run("UPDATE cause_changes SET undone_at = :now WHERE n = :n", {"n": n, "now": stamp(now)})
