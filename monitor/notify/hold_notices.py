"""Tells whoever asked for an erasure that it is done, now that the hold which it waited for has ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from monitor.notify import account_notices
from monitor.notify.system_notices import queue_notice
from monitor.privacy.holds import Told
from monitor.settings.rules import Rules
from monitor.store.database import Database


def tell(database: Database, rules: Rules, told: Iterable[Told], now: datetime) -> None:
    """Each of them by mail or as they are reached; the operator where settings know nobody of that name."""
    for each in told:
        with database.transaction():
            if not account_notices.tell(database, rules, each.who, each.text, now, by="", address=""):
                key = f"hold:{each.who}:{each.text}:{now.isoformat()}"
                queue_notice(database, rules, key, f"{each.text} ({each.who})", "", now)
