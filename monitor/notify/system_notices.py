"""What operator and staff are told of Earful itself: a silent source, a channel that refuses, a fault of ours.

A fault is one notice. It makes a noise only where customers go unheard or staff untold, and where that lasts; once it
is over, the message is edited to say so. All else is a line in the list of the day.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from alerts.wording import TITLE, excerpt
from monitor.settings.rules import Rules
from monitor.store import channel_health, deliveries, notices
from monitor.store.database import Database

# How long a fault lasts before it makes a noise: the first of a week, the second, and any other. What comes and goes
# all day is not worth a push each time, and what stays away is.
PATIENCE = (timedelta(minutes=30), timedelta(hours=6), timedelta(days=2))
WEEK = timedelta(days=7)
NO_LIST = timedelta(days=2)  # quiet lines wait so long for a list; where there is none, they are one notice
_NEVER = timedelta(days=3650)  # a quiet notice does not leave by itself


def patience(database: Database, begins: str, now: datetime) -> timedelta:
    """How long a fault whose key begins so may last before it is pushed: longer, where it was pushed this week."""
    return PATIENCE[min(notices.told_since(database, begins, now - WEEK), len(PATIENCE) - 1)]


def queue_notice(
    database: Database,
    rules: Rules,
    key: str,
    title: str,
    remedy: str,
    now: datetime,
    *,
    not_on: str = "",
    due_at: datetime | None = None,
    quiet: bool = False,
) -> None:
    """Tell the operator something, once for each key, where it can be reached; from `due_at` on, if it still holds.

    One that is `quiet` is a line in the next list that the operator gets: see `settle`, and `tell_what_has_no_list`.

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
    _queue(database, dict.fromkeys(targets, max(due_at or now, now)), key, title, remedy, now, quiet=quiet)


def tell_staff(
    database: Database,
    rules: Rules,
    key: str,
    line: str,
    now: datetime,
    *,
    due_at: datetime | None = None,
    quiet: bool = False,
) -> None:
    """One line to whoever is alerted, once for each key, unless they are the operator and know already."""
    at = max(due_at or now, now)
    targets = [target for target in rules.settings.alerts.notify if target not in rules.settings.operator]
    due = {target: rules.quiet.quiet_until(at) if rules.quiet_target(target) else at for target in targets}
    _queue(database, due, key, line, "", now, quiet=quiet)


def settle(database: Database, key: str, words: str, now: datetime) -> bool:
    """A fault is over: what was told of it says so, and what waits is not sent; whether anybody had been told."""
    told = False
    for row in notices.of(database, key):
        if row.state in {"pending", "retry"}:
            deliveries.drop(database, row.id, "it was over before anybody was told")
        elif row.state in {"sent", "inflight", "unknown"}:
            told = True
            said = excerpt(str(row.payload.get("title", "")), TITLE - len(words) - len(" · "))
            deliveries.set_payload(database, row.id, {"title": f"{said} · {words}"})
            deliveries.queue_edit(database, row, now, now, "well again")
    return told


def tell_what_has_no_list(database: Database, rules: Rules, now: datetime) -> None:
    """Quiet lines for somebody who gets no list are one notice, two days after the first of them."""
    for target in dict.fromkeys((*rules.settings.operator, *rules.settings.alerts.notify)):
        since = notices.oldest_quiet(database, target)
        if since is not None and now - since >= NO_LIST:
            said = "; ".join(notices.take_quiet(database, target))
            _queue(database, {target: now}, f"lines:{since.isoformat()}", f"Not urgent: {said}", "", now)


def _queue(
    database: Database,
    due: Mapping[str, datetime],
    key: str,
    title: str,
    remedy: str,
    now: datetime,
    *,
    quiet: bool = False,
) -> None:
    """Queue a notice for each target, at its own moment; asking again for the same key queues nothing."""
    reason = deliveries.QUIET if quiet else "notice"
    rows = [
        deliveries.notice_row(key, target, title, remedy, now, now + _NEVER if quiet else due_at, reason)
        for target, due_at in due.items()
    ]
    deliveries.queue(database, rows)
