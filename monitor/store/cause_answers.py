"""What staff said cases are about, and what is learned from it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from monitor.store.database import Database, Row, encode, marks, stamp


def add(
    database: Database, brand: str, case: str, causes: Sequence[str], before: Sequence[str],
    who: str, who_id: str, way: str, now: datetime,
) -> None:  # fmt: skip
    """Keep what somebody said a case is about (causes by id, none for "none of these"), and what stood there before."""
    database.run(
        "INSERT INTO cause_answers (brand, case_id, causes, before, who, who_id, way, at) "
        "VALUES (:brand, :case, :causes, :before, :who, :who_id, :way, :now)",
        {
            "brand": brand, "case": case, "causes": encode(list(causes)), "before": encode(list(before)), "who": who,
            "who_id": who_id, "way": way, "now": stamp(now),
        },
    )  # fmt: skip


def of_case(database: Database, case: str) -> Row | None:
    """What was said of a case last, and stands."""
    return database.row(
        "SELECT * FROM cause_answers WHERE case_id = :case AND undone_at = '' ORDER BY n DESC LIMIT 1", {"case": case}
    )


def undo(database: Database, n: int, now: datetime) -> None:
    """What was said of a case counts no more."""
    database.run("UPDATE cause_answers SET undone_at = :now WHERE n = :n", {"n": n, "now": stamp(now)})


def of_cases(database: Database, cases: Sequence[str]) -> dict[str, str]:
    """case id -> the causes (JSON) that staff said of it last."""
    found: dict[str, str] = {}
    for start in range(0, len(cases), 500):
        clause, values = marks("c", cases[start : start + 500])
        rows = database.rows(
            f"SELECT case_id, causes FROM cause_answers WHERE case_id IN {clause} AND undone_at = '' ORDER BY n", values
        )
        found.update((row["case_id"], row["causes"]) for row in rows)
    return found


def taught(database: Database, brand: str, limit: int = 1000) -> list[Row]:
    """The newest words that staff said the cause of: text, title, causes (JSON); nothing forgotten."""
    return database.rows(
        "SELECT a.n, a.causes, p.text, p.title FROM cause_answers a JOIN mentions m ON m.case_id = a.case_id "
        "AND m.case_id <> '' JOIN posts p ON p.id = m.post_id WHERE a.brand = :brand AND a.undone_at = '' "
        "AND m.lane <> 'none' AND p.text <> '' AND NOT EXISTS (SELECT 1 FROM cause_answers o "
        "WHERE o.case_id = a.case_id AND o.undone_at = '' AND o.n > a.n) ORDER BY a.n DESC, m.posted_at LIMIT :limit",
        {"brand": brand, "limit": limit},
    )
