"""What people do about an incident: take it, say that it was said publicly, end it."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Required, TypedDict, Unpack
from urllib.parse import urlsplit

from alerts.wording import count_words
from monitor.cases.actions import Said
from monitor.incidents import statements, telling
from monitor.people.actors import NotPossible, require
from monitor.people.identity import NOBODY, Actor, Directory
from monitor.settings.rules import Rules
from monitor.store import cases, incidents
from monitor.store.database import Database, Row

VERBS = ("take", "release", "said", "end")


class Told(TypedDict, total=False):
    """Who does it, by which way, and when; for `said`, our post at `url` on the network of `source`."""

    who: Required[Actor | str]
    way: Required[str]
    now: Required[datetime]
    url: str
    source: str


def act(database: Database, rules: Rules, incident: str, verb: str, **told: Unpack[Told]) -> str:
    """Do it, in one transaction; what was done, in words. Raises NotPossible."""
    with database.transaction():
        return act_within(database, rules, incident, verb, **told).text


def act_within(database: Database, rules: Rules, incident: str, verb: str, **told: Unpack[Told]) -> Said:
    """As `act`, inside a transaction that is open already."""
    now = told["now"]
    if verb not in VERBS:
        raise NotPossible(f"unknown action {verb!r}; write one of: {', '.join(VERBS)}")
    directory = Directory(database, rules.settings)
    actor = require(directory, told["who"], told["way"], verb)
    row = incidents.one(database, incident)
    if row is None:
        raise NotPossible(f"there is no incident {incident}; earful incidents lists all")
    if row["ended_at"]:
        raise NotPossible(f"incident {incident} is over")
    had = directory.resolve(Actor(row["owner_id"], row["owner"]))
    if verb == "take" and had.id == actor.id:
        return Said(None, False, f"{actor.name} already has it")
    if verb == "take" and had.id:
        raise NotPossible(f"{row['owner']} already took it")
    text = _do(database, rules, row, verb, actor, now, told.get("url", ""), told.get("source", ""))
    after = incidents.one(database, incident)
    assert after is not None
    if not after["ended_at"]:
        telling.shown_again(database, after, now)
    return Said(None, True, text)


def _do(
    database: Database, rules: Rules, row: Row, verb: str, actor: Actor, now: datetime, url: str, source: str
) -> str:
    if verb == "take":
        incidents.change(database, row["id"], owner=actor.name, owner_id=actor.id)
        return f"taken by {actor.name}"
    if verb == "release":
        incidents.change(database, row["id"], owner="", owner_id="")
        return "released: nobody has taken it"
    if verb == "end":
        telling.end(database, rules, row, now, by=actor.name)
        return "ended"
    if not url.startswith(("https://", "http://")):
        raise NotPossible("write the address of our post; it begins with https://")
    known = sources_of(database, row["id"])
    chosen = source or next((each for each in known if len(known) == 1), "") or _source_at(database, row["id"], url)
    if chosen not in known:
        raise NotPossible(f"say on which source we said so; write one of: {', '.join(known) or 'none has a case'}")
    held = statements.said(database, rules, row, source=chosen, url=url[:2000], at_=now, now=now)
    return f"said publicly on {chosen}: the first word for {count_words(held, 'case')}"


def owners_left(database: Database, rules: Rules, now: datetime) -> int:
    """Open incidents of people who were known and are gone have nobody again, as their cases; how many."""
    directory = Directory(database, rules.settings)
    released = 0
    for row in incidents.open_now(database):
        if row["owner_id"] and directory.gone(Actor(row["owner_id"], row["owner"]), rules.opening, now):
            with suppress(NotPossible):  # somebody may have ended it at this very moment
                act(database, rules, row["id"], "release", who=NOBODY, way="settings", now=now)
                released += 1
    return released


def _source_at(database: Database, incident: str, url: str) -> str:
    """The one source whose posts of the incident stand at the same host as an address; "" for none or several."""
    host = _host(url)
    if not host:
        return ""
    found = {row["source"] for row in incidents.posts_of(database, incident, 200) if _host(row["url"]) == host}
    return found.pop() if len(found) == 1 else ""


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def sources_of(database: Database, incident: str) -> list[str]:
    """The sources on which its people wrote."""
    rows = cases.rows_of(database, incidents.cases_of(database, incident)).values()
    return sorted({row["source"] for row in rows})
