"""Cases by their ids with what happened to them, for who left and who stayed; only counts of that are kept."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.store.database import Database, Row, marks
from monitor.store.report_queries import OF_A_CASE

BATCH = 500


def cases_of(database: Database, ids: Sequence[str]) -> list[Row]:
    """These cases, at most BATCH, as report_queries.cases_between gives them, each with its brand."""
    clause, values = marks("c", ids)
    return database.rows(
        "SELECT c.id, c.brand, c.source, c.lane, c.priority, c.opened_at, c.first_posted_at, c.closed_at, c.quiet, "
        f"c.praise, c.targets FROM cases c WHERE c.id IN {clause}",
        values,
    )


def log_of(database: Database, ids: Sequence[str]) -> list[Row]:
    """What happened to these cases, at most BATCH, oldest first, without what was taken back."""
    clause, values = marks("c", ids)
    return database.rows(
        f"SELECT l.case_id, l.at, l.what, l.who, l.way, l.detail FROM case_log l WHERE l.case_id IN {clause} "
        f"AND l.what IN {OF_A_CASE} AND l.undone_at = '' ORDER BY l.n",
        values,
    )
