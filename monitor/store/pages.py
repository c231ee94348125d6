"""What the page asks for: rows in the order in which people want to see them, a page at a time."""

from __future__ import annotations

from datetime import datetime

from monitor.store.database import Database, instant


def last_audit(database: Database) -> tuple[datetime | None, str]:
    """When the auditor last came (None: never), and what it found."""
    row = database.row("SELECT value, at FROM facts WHERE key = 'audit'")
    return (instant(row["at"]), row["value"]) if row else (None, "")


def live_mark(database: Database) -> str:
    """Changes whenever something on a page of cases or mentions may have changed."""
    row = database.row(
        "SELECT (SELECT coalesce(max(n), 0) FROM case_log) AS log, (SELECT coalesce(max(n), 0) FROM posts) AS posts"
    )
    return f"{row['log']}-{row['posts']}" if row else ""
