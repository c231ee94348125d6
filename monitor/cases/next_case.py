"""Give me the next: one press takes the most urgent case that nobody has, in a language that its person speaks."""

from __future__ import annotations

from collections.abc import Set
from datetime import datetime
from zoneinfo import ZoneInfo

from monitor.cases.actions import Said, say_within
from monitor.people.identity import Actor
from monitor.settings.rules import Rules
from monitor.store import pages
from monitor.store.database import Database
from monitor.text.language import UNKNOWN


def take_next(
    database: Database, rules: Rules, who: Actor | str, way: str, now: datetime, speaks: Set[str] = frozenset(),
    zone: ZoneInfo | None = None,
) -> Said:  # fmt: skip
    """Take the next case for `who`; `Said.case` is None where nobody waits in a language they speak.

    `speaks` are codes such as "de"; whoever names none is given every language, and a post whose language is not known
    is for everybody. Finding and taking are one transaction, which begins with the lock for writing: two who press at
    the same moment are given two cases.
    """
    languages = (*sorted(speaks), UNKNOWN, "") if speaks else ()
    with database.transaction():
        found = pages.next_waiting(database, languages, now)
        if found is not None:
            return say_within(database, rules, found, "take", who=who, way=way, now=now, detail={}, zone=zone)
        others = pages.count(database, "waiting", pages.Inbox(), now)
    if others:
        return Said(None, False, f"Nobody is waiting in a language you speak; {others:,} in others")
    return Said(None, False, "Nobody is waiting")
