"""What operator and staff are told of Earful itself: a silent source, a channel that refuses, a fault of ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from monitor.settings.rules import Rules
from monitor.store import channel_health, deliveries
from monitor.store.database import Database


def queue_notice(
    database: Database, rules: Rules, key: str, title: str, remedy: str, now: datetime, *, not_on: str = ""
) -> None:
    """Tell the operator something, once for each key, where it can be reached.

    Not on the channel or target `not_on`, which is at fault itself, nor on one that takes nothing: where the operator
    has no other, whoever else can be reached is told. Only where nobody can, it waits for the operator's own.
    """
    standing = channel_health.standing(database)

    patience = rules.settings.alerts.fallback_after

    def usable(target: str) -> bool:
        at_fault = not_on in (target, channel_health.channel(target))
        return not at_fault and not standing.out_of_reach(target, now, patience)

    operator = list(rules.settings.operator)
    targets = [target for target in operator if usable(target)]
    targets = targets or [target for target in rules.targets if usable(target)][:1] or operator or [*rules.targets[:1]]
    _queue(database, dict.fromkeys(targets, now), key, title, remedy, now)


def tell_staff(database: Database, rules: Rules, key: str, line: str, now: datetime) -> None:
    """One line to whoever is alerted, once for each key, unless they are the operator and know already."""
    targets = [target for target in rules.settings.alerts.notify if target not in rules.settings.operator]
    due = {target: rules.quiet.quiet_until(now) if rules.quiet_target(target) else now for target in targets}
    _queue(database, due, key, line, "", now)


def _queue(database: Database, due: Mapping[str, datetime], key: str, title: str, remedy: str, now: datetime) -> None:
    """Queue a notice for each target, at its own moment; asking again for the same key queues nothing."""
    rows = [deliveries.notice_row(key, target, title, remedy, now, due_at) for target, due_at in due.items()]
    deliveries.queue(database, rows)
