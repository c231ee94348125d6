"""An acknowledgement at the pager takes the case here: once, by whoever it was, unless it comes too late to mean that.

The service tells it again for two days until it is answered, so nothing is kept before it is said, and what was said is
known by its id for a month. https://github.com/PagerDuty/developer-docs, docs/webhooks/02-Behavior.md
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from alerts.pager_webhook import Acknowledged
from monitor.cases import actions
from monitor.people.actors import NotPossible
from monitor.people.identity import Actor, Directory, of_pager, of_settings
from monitor.settings.rules import Rules
from monitor.store import case_log, key_values
from monitor.store.database import Database

WAY = "pager"
OLDEST = timedelta(hours=49)  # the service repeats for 48 hours
AHEAD = timedelta(minutes=5)  # that a clock may be off
# After these somebody who acknowledged before has the case no longer.
_OPENED_AGAIN = frozenset({"release", "claim_expired", "reopen", "again", "not_answered", "undo"})


def stale(told: Acknowledged, now: datetime) -> bool:
    """Whether this is older than the service would repeat it, or from the future: somebody else plays it again."""
    return not now - OLDEST <= told.at <= now + AHEAD


def person_of(
    database: Database, rules: Rules, channel: str, told: Acknowledged, email_of: Callable[[str], str]
) -> Actor:
    """Whoever acknowledged: the person in settings with that address, else somebody at the pager by their name there.

    `email_of` may ask the service: call this outside a transaction.
    """
    address = email_of(told.user_id)
    name = Directory(database, rules.settings).recipient(f"email:{address}") if address else ""
    return of_settings(name) if name else of_pager(channel, told.user_id, told.user_name)


def acknowledge(database: Database, rules: Rules, told: Acknowledged, who: Actor, now: datetime) -> str:
    """Take the case for whoever acknowledged; what came of it, in words for the log. Said twice it is said once."""
    with database.transaction():
        if not key_values.first_press(database, f"pager:{told.id}", now):
            return "known already"
        if any(line.at > told.at and line.what in _OPENED_AGAIN for line in case_log.of_case(database, told.case_id)):
            return "it is open again since then"
        try:
            said = actions.say_within(database, rules, told.case_id, "take", who=who, way=WAY, now=now, detail={})
        except NotPossible as error:
            return str(error)
        return said.text
