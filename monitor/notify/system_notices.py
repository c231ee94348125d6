"""What operator and staff are told of Earful itself: a silent source, a channel that refuses, a fault of ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from monitor.settings.rules import Rules
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
    _queue(database, dict.fromkeys(targets, now), key, title, remedy, now)


def tell_staff(database: Database, rules: Rules, key: str, line: str, now: datetime) -> None:
    """One line to whoever is alerted, once for each key, unless they are the operator and know already."""
    targets = [target for target in rules.settings.alerts.notify if target not in rules.settings.earful.operator]
    due = {target: rules.quiet.quiet_until(now) if rules.quiet_target(target) else now for target in targets}
    _queue(database, due, key, line, "", now)


def _queue(database: Database, due: Mapping[str, datetime], key: str, title: str, remedy: str, now: datetime) -> None:
    """Queue a notice for each target, at its own moment; asking again for the same key queues nothing."""
    deliveries.queue(
        database,
        [
            deliveries.new_row(
                about=f"notice:{key}",
                target=target,
                now=now,
                due_at=due_at,
                reason="notice",
                payload={"title": title, "remedy": remedy},
            )
            for target, due_at in due.items()
        ],
    )
