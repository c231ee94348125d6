"""A hold on a case: an admin keeps its words from being forgotten, on a ground, for 90 days at most at a time.

Meanwhile the words lie under seal: nobody but admins sees them, on no way. What is asked for meanwhile (an erasure, a
deletion on the network) is done when the hold ends, and whoever asked is told.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.text import clean
from monitor.people import audit
from monitor.people.identity import Actor
from monitor.privacy.forgetting import close_what_is_left, delete_copies, forget
from monitor.store import case_log, cases, deliveries, forgotten, holds, to_forget, wiping
from monitor.store.database import Database, at

LONGEST = timedelta(days=90)
_LETTERS = 200  # of a ground


class NotHeld(Exception):
    """This cannot be held so; the message tells the person why and what to do instead."""


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody who asked for something that is done now, and a sentence for them."""

    who: str
    text: str


def hold(
    database: Database, case_id: str, ground: str, days: int, *, who: Actor, way: str, now: datetime, address: str = ""
) -> datetime:
    """Put a case on hold, or keep it there from now on for so many days; until when. Raises NotHeld."""
    ground = " ".join(clean(ground).split())[:_LETTERS]
    if not ground:
        raise NotHeld("a hold needs a ground, such as the claim or court order it is kept for")
    if not 0 < days <= LONGEST.days:
        raise NotHeld(f"a hold lasts 1 to {LONGEST.days} days; you can renew it before it ends")
    until = now + timedelta(days=days)
    with database.transaction():
        row = cases.row_of(database, clean(case_id))
        if row is None:
            raise NotHeld(f"there is no case {clean(case_id)[:40]}; earful cases lists them")
        if holds.of_case(database, row["id"]) is None and not to_forget.standing_posts(database, row["id"]):
            raise NotHeld(f"case {row['id']} has nothing left to hold")
        holds.begin(database, row["id"], ground, who.name, who.id, until, now)
        case_log.note(database, row["id"], now, "hold", who=who.name, who_id=who.id, way=way, until=until.isoformat())
        audit.note(
            database, audit.Event.HOLD, now, who=who, way=way, address=address, about=f"case {row['id']}", days=days
        )
        _show_again(database, row["id"], row["story_id"], now)
        wiping.owe(database, now)
    return until


def end(database: Database, case_id: str, *, who: Actor, way: str, now: datetime, address: str = "") -> list[Told]:
    """End a hold and do what was asked for meanwhile; who is to be told. Raises NotHeld."""
    with database.transaction():
        standing = holds.of_case(database, clean(case_id))
        if standing is None:
            raise NotHeld(f"case {clean(case_id)[:40]} is not on hold")
        told = _end(database, standing["case_id"], who, way, now, address)
    if told:
        delete_copies(database)
    return told


def end_due(database: Database, now: datetime) -> list[Told]:
    """End every hold whose time is over; who is to be told."""
    told: list[Told] = []
    for row in holds.standing(database):
        if at(row["until"]) > now:
            break
        with database.transaction():
            if holds.of_case(database, row["case_id"]) is not None:
                told += _end(database, row["case_id"], Actor("", "Earful"), "retention", now, "")
    if told:
        delete_copies(database)
    return told


def _end(database: Database, case_id: str, who: Actor, way: str, now: datetime, address: str) -> list[Told]:
    asked = holds.asked_of(database, case_id)
    posts = list(holds.sealed(database, case_id).get("posts", {}))
    holds.end(database, case_id, who.name, now)
    case_log.note(database, case_id, now, "hold ended", who=who.name, who_id=who.id, way=way)
    audit.note(database, audit.Event.HOLD, now, who=who, way=way, address=address, about=f"case {case_id}", ended=1)
    told = []
    entries: list[forgotten.Entry] = []
    for row in asked:
        names: list[str] = json.loads(row["names"])
        if row["why"] == "deleted_at":
            gone: Sequence[str] = [each for each in json.loads(row["posts"]) if each in posts]
            entries += forget(database, gone, (), now, "deleted_at", for_good=True)
        else:
            theirs = to_forget.own_posts_of(database, case_id, posts)
            entries += forget(database, theirs, [case_id], now, "purged_at", names=names, for_good=True)
            told.append(
                Told(row["who"], f"The hold on case {case_id} has ended, and its author was erased as you asked")
            )
    # What was forgotten elsewhere meanwhile, as an older copy was put back.
    for batch in forgotten.standing(database, posts):
        entries += forget(database, batch, (), now, "purged_at", for_good=True)
    forgotten.write(database, entries)
    close_what_is_left(database, [case_id], now, "Earful")
    holds.done(database, case_id, now)
    row_now = cases.row_of(database, case_id)
    if row_now is not None:
        _show_again(database, case_id, row_now["story_id"], now)
    wiping.owe(database, now)
    return told


def _show_again(database: Database, case_id: str, story: str, now: datetime) -> None:
    for message in deliveries.that_show(database, [story], [case_id]):
        deliveries.queue_edit(database, message, now, now, "hold", urgent=True)


def words_of(database: Database, case_id: str, *, who: Actor, way: str, now: datetime, address: str = "") -> list[str]:
    """What lies under seal, as lines of JSON, for an admin; that somebody looked is logged. Raises NotHeld."""
    with database.transaction():
        standing = holds.of_case(database, clean(case_id))
        if standing is None:
            raise NotHeld(f"case {clean(case_id)[:40]} is not on hold")
        about = f"case {standing['case_id']}"
        audit.note(database, audit.Event.HOLD, now, who=who, way=way, address=address, about=about, looked=1)
    return [
        json.dumps({"table": table, "key": key, **columns}, ensure_ascii=False)
        for table, rows in holds.sealed(database, standing["case_id"]).items()
        for key, columns in rows.items()
    ]
