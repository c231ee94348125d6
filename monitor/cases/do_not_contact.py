"""Somebody who is not to be contacted: a person of the team has set it, and a lead ends it with one press.

It is an entry in the list of mutes, of a kind of its own: stored, listed, named to whoever erases or exports, and ended
as those are. What it stops is decided where posts come in (`monitor/ingest/wishes.py`) and on the page of a case.
"""

from __future__ import annotations

from datetime import datetime

from alerts.case import Case
from monitor.people import audit
from monitor.people.identity import Actor
from monitor.store import case_log, key_values
from monitor.store.database import Database, Row

CONTACT = "contact"
NOT_CONTACTED = "not to be contacted"


def key_of(source: str, author: str) -> str:
    """How an author is named in the list."""
    return f"{source}/{author}"


def everybody(database: Database) -> frozenset[str]:
    """All who are not to be contacted, by their key."""
    return frozenset(row["value"] for row in key_values.mutes(database) if row["kind"] == CONTACT)


def standing(database: Database, source: str, author: str) -> Row | None:
    """The entry that says so, None where there is none."""
    wanted = key_of(source, author)
    return next((row for row in key_values.mutes(database) if (row["kind"], row["value"]) == (CONTACT, wanted)), None)


def set_for(database: Database, case: Case, who: Actor, way: str, now: datetime) -> bool:
    """The author of a case is not to be contacted from now on; False where that is so already, or nobody is named.

    Inside a transaction. The case stays open, for whoever has it to close.
    """
    if not case.author or standing(database, case.source, case.author) is not None:
        return False
    key_values.add_mute(database, "", CONTACT, key_of(case.source, case.author), who.name, now)
    case_log.note(database, case.id, now, "do_not_contact", who=who.name, who_id=who.id, way=way)
    # Not whom: people ask to be forgotten.
    audit.note(database, audit.Event.SETTINGS, now, who=who, way=way, about="do not contact", change="set")
    return True


def end_for(database: Database, case: Case, who: Actor, way: str, now: datetime) -> bool:
    """It has ended; False where there was nothing. Inside a transaction."""
    row = standing(database, case.source, case.author)
    if row is None or not key_values.undo_mute(database, row["n"], now):
        return False
    case_log.note(database, case.id, now, "may_contact", who=who.name, who_id=who.id, way=way)
    audit.note(database, audit.Event.SETTINGS, now, who=who, way=way, about="do not contact", change="ended")
    return True
