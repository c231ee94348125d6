"""What closes by itself, so that retention reaches it: answered cases after a while, list entries once looked at.

Nobody said how these ended, so nothing is learned from it and no figure counts it as solved.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from alerts.case import Outcome
from monitor.settings.models import Earful
from monitor.store import case_log, cases, list_entries, read_marks
from monitor.store.database import Database, Row

LOOKED = timedelta(days=1)  # an entry that somebody saw stays so long: whoever saw it may take it yet
_BATCH = 500


def looked_at(database: Database, case_ids: list[str], now: datetime) -> None:
    """Somebody of the staff saw these entries of the list: they are named in no further one."""
    with database.transaction():
        list_entries.note_looked(database, case_ids, now)


def close_over(database: Database, earful: Earful, now: datetime) -> int:
    """Close what is over by its time; how many cases."""
    answered, listed = now - earful.close_answered_after, now - earful.close_listed_after
    looked = now - LOOKED
    with database.transaction():
        read_marks.drop_closed(database)
    return (
        _close(database, now, "answered", "answered, with no follow-up", lambda: cases.answered_before(
            database, answered, _BATCH
        ))
        + _close(database, now, "listed", "listed and seen, but nobody took it", lambda: list_entries.looked_at_before(
            database, looked, _BATCH
        ))
        + _close(database, now, "listed", "listed, but nobody took it", lambda: list_entries.listed_before(
            database, listed, _BATCH
        ))
    )  # fmt: skip


def _close(database: Database, now: datetime, outcome: Outcome, reason: str, following: Callable[[], list[Row]]) -> int:
    """Close batch after batch, each in a transaction with the lines of its log."""
    closed = 0
    while True:
        with database.transaction():
            rows = following()
            for row in rows:
                cases.change(
                    database, row["id"], closed_at=now, closed_by="Earful", outcome=outcome, next_step_at=None,
                    claim_expires_at=None,
                )  # fmt: skip
            case_log.add(
                database,
                [
                    case_log.new_row(row["id"], now, "expired", way="retention", outcome=outcome, reason=reason)
                    for row in rows
                ],
            )
        closed += len(rows)
        if len(rows) < _BATCH:
            return closed
