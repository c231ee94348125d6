"""In which order one target is told: never a reminder or a list of a case before its first message.

Asked with all that is due for a target, before anything is gathered. A first message that has not arrived holds back
what follows on that target only. What is overdue travels in the first message, or together; a list leaves out what it
would tell too early; and what waited for the end of quiet hours comes as one list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from monitor.settings.rules import Rules
from monitor.store import cases, deliveries
from monitor.store.database import Database
from monitor.store.deliveries import Delivery

WAITING = ("pending", "retry")  # not under way, and nothing of it can have arrived
UNDER_WAY = ("inflight", "unknown")
_NAMED_LATER = (
    "list:normal",
    "list:opening",
    "list:evening",
)  # a list that names the case again anyway, at its next moment
_BESIDE = ("languages", "sent_on", "late", "system")  # what else a list says: no later one says it again


def in_order(database: Database, rules: Rules, target: str, rows: Sequence[Delivery], now: datetime) -> list[Delivery]:
    """Those of the rows that are due for a target that may leave now. Inside the transaction of the claim."""
    found = [row for row in rows if not _of_a_past_night(database, rules, row, now)]
    found = [row for row in found if not _held_by_quiet_hours(database, rules, row, now)]
    found = _after_first_messages(database, target, found)
    found = [kept for row in found if (kept := _without_the_untold(database, row)) is not None]
    return _one_list_of_the_night(database, rules, target, found, now)


def _of_a_past_night(database: Database, rules: Rules, row: Delivery, now: datetime) -> bool:
    """A call of the night is dropped once the night is over, or somebody has all that it was to name."""
    if row.action != "post" or not row.about.startswith("list:night") or row.state not in WAITING:
        return False
    named = cases.rows_of(database, row.payload.get("cases", [])).values()
    if rules.quiet.is_quiet(now) and any(cases.case_of(each).state_at(now) == "open" for each in named):
        return False
    deliveries.drop(database, row.id, "quiet hours are over, or someone took it")
    return True


def _held_by_quiet_hours(database: Database, rules: Rules, row: Delivery, now: datetime) -> bool:
    """Whoever is not to be called at night is not mentioned in a channel either."""
    if not _rests(rules, row, now):
        return False
    deliveries.put_off(database, row.id, rules.quiet.quiet_until(now))
    return True


def _rests(rules: Rules, row: Delivery, now: datetime) -> bool:
    return row.action == "post" and not row.urgent and bool(row.payload.get("ping")) and rules.quiet.is_quiet(now)


def hold(database: Database, rules: Rules, row: Delivery, now: datetime) -> str:
    """Why a message that is owed about a case does not leave now, as it is decided here; empty where it may."""
    if row.state == "inflight":
        return "being sent"
    if row.state == "unknown":
        return "it may have arrived; checking first"
    if row.carrier:
        return "it goes out with another pending message"
    if _is_reminder(row):
        first = _before(database, _firsts(database, row.target, [row.story_id]).get(row.story_id))
        if first is not None and first.state in WAITING:
            return "it goes out with the first message, still pending"
        if first is not None and first.state in UNDER_WAY:
            return "the first message is being sent and comes first"
    asleep = rules.quiet_target(row.target) and not row.urgent and rules.quiet.is_quiet(now)
    return "waiting for the end of quiet hours" if asleep or _rests(rules, row, now) else ""


def _is_reminder(row: Delivery) -> bool:
    return row.action == "post" and row.step > 0 and row.about.startswith("case:") and row.story_id != ""


def _firsts(database: Database, target: str, stories: Sequence[str]) -> dict[str, Delivery]:
    """story id -> the row of its first message to a target."""
    return {
        row.story_id: row
        for row in deliveries.messages_of_stories(database, list(dict.fromkeys(stories)))
        if row.target == target and row.about == f"story:{row.story_id}"
    }


def _before(database: Database, first: Delivery | None) -> Delivery | None:
    """The first message itself, or what carries it."""
    if first is not None and first.state in WAITING and first.carrier:
        return deliveries.one(database, first.carrier)
    return first


def _after_first_messages(database: Database, target: str, rows: Sequence[Delivery]) -> list[Delivery]:
    """Reminders travel in a first message that is still to leave, wait for one that is under way, else come as one."""
    firsts = _firsts(database, target, [row.story_id for row in rows if _is_reminder(row)])
    newest: dict[str, Delivery] = {}
    for row in rows:
        if _is_reminder(row) and row.state in WAITING:
            before = newest.get(row.about)
            newest[row.about] = row if before is None else max(before, row, key=lambda one: (one.created_at, one.step))
    kept = []
    for row in rows:
        if not _is_reminder(row) or row.state not in WAITING:
            kept.append(row)
            continue
        first, last = _before(database, firsts.get(row.story_id)), newest[row.about]
        if first is not None and first.state in WAITING:
            deliveries.carry(database, first.id, [row.id])
        elif first is not None and first.state in UNDER_WAY:
            continue
        elif row.id == last.id:
            kept.append(row)
        else:
            deliveries.carry(database, last.id, [row.id])
    return _calls_of_a_story_as_one(database, kept)


def _calls_of_a_story_as_one(database: Database, rows: list[Delivery]) -> list[Delivery]:
    """Reminders of one story that went together and did not arrive leave with the newest, whoever that one is about."""
    of_story: dict[str, list[Delivery]] = {}
    for row in rows:
        if (row.about.startswith("calls:") or _is_reminder(row)) and row.state in WAITING and not row.plain:
            of_story.setdefault(row.story_id, []).append(row)
    carried: set[str] = set()
    for each in of_story.values():
        if len(each) > 1 and any(row.about.startswith("calls:") for row in each):
            newest = max(each, key=lambda row: (row.created_at, row.step, row.id))
            older = [row.id for row in each if row is not newest]
            deliveries.carry(database, newest.id, older)
            carried.update(older)
    return [row for row in rows if row.id not in carried]


def _without_the_untold(database: Database, row: Delivery) -> Delivery | None:
    """A list without the cases whose first message has not arrived there; None if it would say nothing else."""
    if row.action != "post" or not row.about.startswith(_NAMED_LATER) or row.state not in WAITING:
        return row
    named = row.payload.get("cases", [])
    stories = {key: each["story_id"] for key, each in cases.rows_of(database, named).items()}
    firsts = _firsts(database, row.target, list(stories.values()))
    untold = {key for key, story in stories.items() if story in firsts and firsts[story].state not in {"sent", "dead"}}
    if not untold:
        return row
    left = [each for each in named if each not in untold]
    if not left and not any(row.payload.get(part) for part in _BESIDE):
        deliveries.drop(database, row.id, "each case has its own first message still to come")
        return None
    coming = [*row.payload.get("coming", ()), *(each for each in named if each in untold)]
    payload = {**row.payload, "cases": left, "coming": list(dict.fromkeys(coming))}  # counted, and told by itself
    deliveries.set_payload(database, row.id, payload)
    return replace(row, payload=payload)


def _one_list_of_the_night(
    database: Database, rules: Rules, target: str, rows: list[Delivery], now: datetime
) -> list[Delivery]:
    """What was made in quiet hours and waited for their end is told in one list."""
    held = [
        row
        for row in rows
        if row.action == "post"
        and row.about.startswith(("story:", "case:"))
        and row.state == "pending"
        and not row.urgent
        and not row.plain
        and (rules.quiet_target(target) or row.payload.get("ping"))
        and rules.quiet.is_quiet(row.created_at)
    ]
    if len(held) < 2:
        return rows
    brief = deliveries.new_row(
        about=f"brief:{target}:{now.isoformat()}",
        target=target,
        now=now,
        due_at=now,
        reason="what waited for the end of quiet hours",
        priority=held[0].priority,
    )
    deliveries.queue(database, [brief])
    deliveries.carry(database, brief["id"], [row.id for row in held])
    made = deliveries.one(database, brief["id"])
    assert made is not None
    return [made, *(row for row in rows if row not in held)]
