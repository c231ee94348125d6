"""What people do about a problem where they are told of it, in Slack or by the link in a mail: take it, give it back.

The messages that show the problem are shown anew, so that everybody there sees whose it is.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from monitor.cases.actions import Said
from monitor.causes.problems import shown_again
from monitor.people.actors import NotPossible, require
from monitor.people.identity import NOBODY, Actor, Directory
from monitor.settings.rules import Rules
from monitor.store import problems
from monitor.store.database import Database

VERBS = ("take", "release")


def act_within(
    database: Database,
    rules: Rules,
    problem: str,
    verb: str,
    *,
    who: Actor | str,
    way: str,
    now: datetime,
    **_beside: str,
) -> Said:
    """Do it, inside a transaction that is open already; nothing is said beside these verbs. Raises NotPossible."""
    if verb not in VERBS:
        raise NotPossible(f"unknown action {verb!r}; write one of: {', '.join(VERBS)}")
    directory = Directory(database, rules.settings)
    actor = require(directory, who, way, verb)
    row = problems.one(database, int(problem)) if problem.isascii() and problem.isdecimal() else None
    if row is None or row["joined"]:
        raise NotPossible("there is no such problem any more; its cause may have been merged or removed")
    if row["fixed_at"]:
        raise NotPossible(f"problem {problem} is marked as fixed")
    had = directory.resolve(Actor(row["owner_id"], row["owner"]))
    if verb == "take" and had.id and had.id != actor.id:
        raise NotPossible(f"{row['owner']} already took it")
    owner = actor if verb == "take" else NOBODY
    if had.id == owner.id:
        return Said(None, False, f"{actor.name} already has it" if verb == "take" else "nobody has taken it")
    problems.change(database, row["n"], owner=owner.name, owner_id=owner.id)
    shown_again(database, row["n"], now)
    return Said(None, True, f"taken by {actor.name}" if verb == "take" else "released: nobody has taken it")


def owners_left(database: Database, rules: Rules, now: datetime) -> int:
    """Problems of people who were known and are gone have nobody again, as their cases; how many."""
    directory = Directory(database, rules.settings)
    released = 0
    for row in problems.standing(database):
        if row["owner_id"] and directory.gone(Actor(row["owner_id"], row["owner"]), rules.opening, now):
            # Somebody may have marked it as fixed at this very moment.
            with suppress(NotPossible), database.transaction():
                released += act_within(
                    database, rules, str(row["n"]), "release", who=NOBODY, way="settings", now=now
                ).changed
    return released
