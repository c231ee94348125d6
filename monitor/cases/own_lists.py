"""What an owner has to look at once a day, without being called: what went on in private, and what takes too long.

Nobody can see here how a matter ended that went on in private: whoever has it is asked in one line, answers all of it
with one press, and after five days it is closed as unknown.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

from alerts import hours
from monitor.cases import actions
from monitor.cases.recording import close_sent_on
from monitor.people import duty
from monitor.people.identity import Actor, Directory
from monitor.people.reach import reached
from monitor.settings.rules import Rules
from monitor.store import cases, deliveries, key_values
from monitor.store.database import Database, Row

PRIVATE_ENDS = timedelta(days=5)
AT = time(9)  # where settings name no list of the morning
LATE = timedelta(hours=12)
MOST = 10_000  # cases that one line speaks of: it counts them, and names eight
NOBODYS = "nobody"  # whose it is, in a press: what was sent on and has no owner
EVERYBODYS = "everybody"  # the same, of all that was sent on: one person's evening list names what anybody has


def own_lists(database: Database, rules: Rules, now: datetime) -> int:
    """Close what went private five days ago, and queue each owner's line of the day; how many lines.

    One person has it in their evening list.
    """
    close_sent_on(database, now - PRIVATE_ENDS, now)
    if rules.one_list:
        return 0
    at = min(rules.settings.alerts.sweep_at, default=AT)
    period, moment = hours.daily_moment(now, at, rules.settings.zone)
    key = f"list:own:{period}"
    if now - moment > LATE or key_values.has_period(database, key):
        return 0
    if not rules.opening.spans_of(moment.astimezone(rules.settings.zone).date()):
        return 0  # a day on which the desk is closed
    with database.transaction():
        if not key_values.take_period(database, key, now):
            return 0
        rules = duty.aware(database, rules, now)
        directory = Directory(database, rules.settings)
        owners: dict[Actor, dict[str, list[Row]]] = {}
        found = (
            ("sent_on", cases.sent_on(database, limit=MOST)),
            ("late", cases.past_resolution(database, now, limit=MOST)),
        )
        for name, rows in found:
            for row in rows:
                owner = directory.resolve(Actor(row["owner_id"], row["owner"]))
                owners.setdefault(owner, {}).setdefault(name, []).append(row)
        queued = [each for owner, theirs in owners.items() for each in _lines(rules, key, owner, theirs, now)]
        deliveries.queue(database, queued)
    return len(queued)


def _lines(rules: Rules, key: str, owner: Actor, theirs: dict[str, list[Row]], now: datetime) -> list[dict[str, Any]]:
    """One message to each place where an owner is reached; what nobody has goes to the leads, else the channel.

    That of an owner who is away goes to the channel: their colleagues read it there, and nobody is called.
    """
    first = next(iter(theirs.values()))[0]
    route = json.loads(first["targets"] or "[]") or list(rules.settings.alerts.notify)
    found = reached(rules, owner.id, route, now) or rules.tell(["leads"], route, now)
    payload = {name: [row["id"] for row in rows][:MOST] for name, rows in theirs.items()}
    return [
        deliveries.new_row(
            about=f"{key}:{owner.id}",
            target=each.target,
            now=now,
            due_at=now,
            reason="your daily list",
            payload={**payload, "owner_id": owner.id},
            key=each.target,
        )
        for each in found
    ]


def asked(whose: str, at: datetime) -> str:
    """What the one press of a line is about: whose cases, of those that were sent on when it was written."""
    return f"{whose} upto {math.ceil(at.timestamp())}"


def _asked(press: str) -> tuple[str, datetime | None]:
    """Whose, and until when; messages of before said no more than whose."""
    found = re.fullmatch(r"(.+) upto ([0-9]{9,11})", press)
    return (found[1], datetime.fromtimestamp(int(found[2]), UTC)) if found else (press, None)


def sent_on_by(database: Database, rules: Rules, owner_id: str, before: datetime | None = None) -> list[Row]:
    """What somebody sent on and nobody has closed; of `NOBODYS` what has no owner, of `EVERYBODYS` all."""
    directory = Directory(database, rules.settings)
    if owner_id == EVERYBODYS:
        return cases.sent_on(database, before, limit=MOST)
    theirs = "" if owner_id == NOBODYS else directory.resolve(Actor(owner_id, "")).id
    return [
        row
        for row in cases.sent_on(database, before, limit=MOST)
        if directory.resolve(Actor(row["owner_id"], row["owner"])).id == theirs
    ]


def all_solved(database: Database, rules: Rules, who: Actor, way: str, now: datetime, *, owner_id: str = "") -> int:
    """Close as solved all that somebody sent on: the one press of their line; how many. Inside a transaction.

    `owner_id` says whose, where that is not whoever presses; as `asked` gives it, what was sent on later stays open.
    """
    closed = 0
    whose, before = _asked(owner_id or who.id)
    while rows := sent_on_by(database, rules, whose, before):
        for row in rows:
            said = actions.say_within(
                database, rules, row["id"], "close", who=who, way=way, now=now, detail={"outcome": "solved"}
            )
            closed += said.changed
    return closed
