"""Writes the audit log: one line in the database, and the same in the daemon's own log.

Whoever changes access or data calls `note` inside the transaction of the change, so that neither is kept alone. What
somebody typed and nobody knows is never written: people type passwords where a name belongs.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.people.identity import NOBODY, Actor
from monitor.store import audit
from monitor.store.database import Database
from monitor.text.normalize import safe_line

log = logging.getLogger("earful.audit")

LONGEST = 200  # letters of one value
MOST_REFUSED = 500  # lines an hour that somebody without access can cause: nobody fills the disk from outside


class Event(StrEnum):
    """What the audit log tells of."""

    LOGIN = "login"
    LOGIN_REFUSED = "login refused"
    LOCKED_OUT = "locked out"
    LOGOUT_EVERYWHERE = "logged out everywhere"
    PASSWORD = "password changed"  # noqa: S105 - a name
    FACTOR = "second factor changed"
    USER_ADDED = "user added"
    LINK_MADE = "login link made"
    ROLE = "role changed"
    ACCESS_REVOKED = "access revoked"
    ACCESS_RESTORED = "access restored"
    TOKEN_MADE = "token made"  # noqa: S105
    TOKEN_REVOKED = "token revoked"  # noqa: S105
    TOKEN_REFUSED = "token refused"  # noqa: S105
    LINK_REFUSED = "login link refused"
    EXPORT = "export"
    ERASURE = "erasure"
    HOLD = "hold"
    RESTORED = "backup restored"
    SETTINGS = "settings changed"
    ISSUE = "issue created"
    ISSUE_LINKED = "issue linked"
    ISSUE_UNLINKED = "issue unlinked"
    ISSUE_NOT_THERE = "issue not there"


# What somebody without access can cause, again and again.
REFUSED = (Event.LOGIN_REFUSED, Event.LOCKED_OUT, Event.TOKEN_REFUSED, Event.LINK_REFUSED)

_REFUSED = tuple(event.value for event in REFUSED)


def note(
    database: Database,
    event: Event,
    now: datetime,
    *,
    who: Actor = NOBODY,
    way: str,
    address: str = "",
    about: str = "",
    **detail: str | int,
) -> None:
    """Write that `who` did something to `about`, and from where. `detail` holds a few facts, never words of posts."""
    if event in REFUSED:
        before = audit.count_since(database, _REFUSED, now - timedelta(hours=1), MOST_REFUSED)
        if before >= MOST_REFUSED:
            return
        if before == MOST_REFUSED - 1:
            detail = {**detail, "note": "more refusals this hour than are logged"}
    kept = {
        key: value if isinstance(value, int) else safe_line(value)[:LONGEST]
        for key, value in detail.items()
        if value != ""
    }
    name, about, address = (safe_line(text)[:LONGEST] for text in (who.name, about, address))
    audit.add(database, event.value, now, who=name, who_id=who.id, way=way, address=address, about=about, detail=kept)
    facts = [f"by {name}" if name else "", f"on {about}" if about else "", f"from {address}" if address else ""]
    facts += [f"{key}: {value}" for key, value in kept.items()]
    level = logging.WARNING if event in REFUSED else logging.INFO
    log.log(level, "%s (%s) %s", event, way, " ".join(fact for fact in facts if fact))
