"""What the operator is told of Earful itself: a source that stays silent, a channel that refuses, a fault of ours."""

from __future__ import annotations

from datetime import datetime

from monitor.rules import Rules
from monitor.store import deliveries
from monitor.store.database import Database


def queue_notice(
    database: Database, rules: Rules, key: str, title: str, remedy: str, now: datetime, *, not_on: str = ""
) -> None:
    """Tell the operator something, once for each key; on another channel where one is at fault itself."""
    everywhere = [*rules.settings.earful.operator, *rules.settings.alerts.fallback, *rules.settings.alerts.notify]
    targets = [target for target in rules.settings.earful.operator if target.partition(":")[0] != not_on]
    if not targets:
        targets = [target for target in everywhere if target.partition(":")[0] != not_on][:1] or everywhere[:1]
    deliveries.queue(
        database,
        [
            deliveries.new_row(
                about=f"notice:{key}",
                target=target,
                now=now,
                due_at=now,
                reason="notice",
                payload={"title": title, "remedy": remedy},
            )
            for target in targets
        ],
    )
