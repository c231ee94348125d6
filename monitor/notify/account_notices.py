"""Tells a person, by mail, that something about their own access changed: whoever did not do it learns of it there."""

from __future__ import annotations

from datetime import datetime

from monitor.settings.rules import Rules
from monitor.store import deliveries
from monitor.store.database import Database

REMEDY = "if you did not expect this, tell an Earful admin at once"


def tell(database: Database, rules: Rules, name: str, change: str, now: datetime, *, by: str, address: str) -> int:
    """Queue a notice to a person of settings, by mail where they have an address; at how many targets.

    `change` is a sentence without its end ("Your password was changed"). It does not wait for the end of quiet hours.
    Somebody who is not in [[people]] has no address here.
    """
    person = rules.people.get(name)
    if person is None:
        return 0
    mail = next((channel.name for channel in rules.settings.channels if channel.kind == "email"), "")
    targets = (f"{mail}:{person.email}",) if mail and person.email else rules.targets_of(person)
    when = f"{now.astimezone(rules.settings.zone):%a %d %b %Y at %H:%M %Z}"
    by_whom = f" by {by}" if by and by != name else ""
    from_where = f", from {address}" if address else ""
    key, title = f"account:{name}:{now.isoformat()}:{change}", f"{change}{by_whom} on {when}{from_where}"
    deliveries.queue(database, [deliveries.notice_row(key, target, title, REMEDY, now) for target in targets])
    return len(targets)
