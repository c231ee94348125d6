"""The one list of a day for one person: what still waits, what may need an answer, what they sent on, in one message.

A team gets an opening brief, lists in the morning and after lunch, one of normal cases, and a line to each owner. One
person would get all five, and be the reader of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from monitor.cases.own_lists import LATE, MOST
from monitor.settings.rules import Rules
from monitor.store import cases, deliveries, key_values, list_entries, notices
from monitor.store.database import Database, Row, listed_in
from monitor.text.need import MUST

EVENING = "list:evening:"


def evening_list(database: Database, rules: Rules, now: datetime) -> int:
    """Queue the list of the day if it is due; how many messages that makes."""
    today = now.astimezone(rules.settings.zone).date()
    queued = 0
    for day in (today - timedelta(days=1), today):
        moment, key = rules.opening_brief_of(day), f"{EVENING}{day.isoformat()}"
        if moment is None or not timedelta(0) <= now - moment <= LATE or key_values.has_period(database, key):
            continue
        with database.transaction():
            if key_values.take_period(database, key, now):
                queued += _queue(database, rules, key, moment, now)
    return queued


def _queue(database: Database, rules: Rules, key: str, moment: datetime, now: datetime) -> int:
    named: dict[str, dict[str, Any]] = {}

    def name(row: Row, part: str) -> None:
        for target in listed_in(row["targets"]) or rules.settings.alerts.notify:
            named.setdefault(target, {"cases": []}).setdefault(part, []).append(row["id"])

    for row in list_entries.overlooked(database, MUST, moment, now):
        name(row, "first")
        name(row, "cases")
    for row in _waiting(database, moment, now):
        name(row, "cases")
    listed = []
    for row in list_entries.to_list(database, now):
        listed.append(row["id"])
        name(row, "languages" if row["unread"] else "cases")
    list_entries.note_named(database, listed, now)
    for row in cases.sent_on(database, limit=MOST):
        name(row, "sent_on")
    for row in cases.past_resolution(database, now, limit=MOST):
        name(row, "late")
    notices.with_quiet(database, (*rules.settings.operator, *rules.settings.alerts.notify), named)
    rows_made = [
        deliveries.new_row(
            about=key, target=target, now=now, due_at=now, reason="the daily list", payload=payload, key=target
        )
        for target, payload in named.items()
    ]
    deliveries.queue(database, rows_made)
    return len(rows_made)


def _waiting(database: Database, moment: datetime, now: datetime) -> Iterator[Row]:
    """What people were called for and nobody has taken; what opened since is told by its own first message."""
    for row in cases.waiting(database, "ping"):
        try:
            case = cases.case_of(row)
            waits = case.state_at(now) == "open" and case.opened_at <= moment
        except (ValueError, KeyError, TypeError):
            waits = True  # one that cannot be understood is named rather than forgotten
        if waits:
            yield row
