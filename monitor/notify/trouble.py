"""What keeps people from being told, in sentences: for the page's banner and for `earful status`."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from alerts.wording import count_words, with_remedy
from monitor.notify import deaf_sockets
from monitor.settings.rules import Rules
from monitor.store import channel_health, deliveries_owed
from monitor.store.channel_health import Health
from monitor.store.database import Database


def lines(database: Database, rules: Rules, now: datetime, zone: ZoneInfo | None = None) -> list[str]:
    """One sentence for each channel and target that takes nothing, with what waits for it and who is told instead.

    And one for each channel whose buttons do nothing. Times are in the desk's zone or in that of a reader.
    """
    return [*_down(database, rules, now, zone), *deaf_sockets.lines(database, rules)]


def _down(database: Database, rules: Rules, now: datetime, zone: ZoneInfo | None) -> list[str]:
    standing = channel_health.standing(database)
    patience = rules.settings.alerts.fallback_after
    found = [*standing.down_channels(), *standing.failing_targets()]
    named = set(rules.targets) | {channel_health.channel(target) for target in rules.targets}
    long = [each for each in found if each.name in named and standing.out_of_reach(each.name, now, patience)]
    if not long:
        return []
    instead = [
        target
        for target in (*rules.settings.alerts.fallback, *rules.targets)
        if standing.reachable(target) and channel_health.channel(target) not in rules.unwatched
    ]
    said = [_sentence(database, rules, each, zone) for each in long]
    if instead:
        return [f"{line}. New alerts go to {instead[0]} meanwhile." for line in said]
    return [*[f"{line}." for line in said], "Nobody is being alerted: no other channel works. Watch the inbox."]


def _sentence(database: Database, rules: Rules, health: Health, zone: ZoneInfo | None) -> str:
    assert health.failing_since is not None
    since = health.failing_since.astimezone(zone or rules.settings.zone)
    owed = deliveries_owed.count(database, health.name)
    waiting = f"; {count_words(owed, 'message')} waiting" if owed else ""
    down = f"{health.name} has been down since {since.day} {since:%b %H:%M} ({health.error.rstrip('.')}){waiting}"
    return with_remedy(down, health.remedy.rstrip("."))
