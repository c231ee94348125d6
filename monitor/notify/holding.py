"""What an open incident holds back: the routine messages about its cases, which its one message speaks for.

Never held: what is critical or of somebody who is hurt, who asks for their data or speaks of the law, whoever has
waited past the target, and what is an owner's own. Each case keeps its clock. What is held is put off to the target and
leaves then, or at the end of the incident. What is told of a problem waits while its people are those of the incident.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from alerts import case_policy
from monitor.store import cases, incidents
from monitor.store.database import Database, Row, at
from monitor.store.deliveries import Delivery

PROBLEM = "notice:problem:"  # begins what is told of a problem: its number follows
ASK_AGAIN = timedelta(minutes=30)  # a case without a target
_HELD = frozenset({"story", "join", "case"})


def held_until(database: Database, rows: Sequence[Delivery], now: datetime) -> dict[str, datetime]:
    """id -> until when it is held, for those of these rows that an open incident holds back."""
    wanted = [row for row in rows if row.action == "post" and _may_wait(row)]
    problems = [row for row in rows if row.about.startswith(PROBLEM) and row.state == "pending"]
    if not (wanted or problems) or not incidents.open_now(database):
        return {}
    spoken_of = _cases_of(database, wanted)
    every = {row["id"]: row for each in spoken_of.values() for row in each}
    members = incidents.of_cases(database, list(every))
    found = {
        row.id: now + ASK_AGAIN for row in problems if incidents.speaks_for(database, int(row.about.split(":")[2]))
    }
    for row in wanted:
        about = [each for each in spoken_of[row.id] if not each["closed_at"]]
        if about and all(each["id"] in members and _is_routine(each, now) for each in about):
            found[row.id] = min((at(each["due_at"]) for each in about if each["due_at"]), default=now + ASK_AGAIN)
    return found


def overtaken(database: Database, row: Delivery) -> bool:
    """Whether what was held of a problem is told by a later message that waits as well."""
    was_held = row.state == "pending" and row.due_at - row.created_at >= ASK_AGAIN
    if not row.about.startswith(PROBLEM) or not was_held:
        return False
    number = row.about.removeprefix(PROBLEM).partition(":")[0]
    return incidents.newer_waits(database, f"{PROBLEM}{number}:", row.target, row.created_at)


def _may_wait(row: Delivery) -> bool:
    kind = row.about.partition(":")[0]
    own = row.payload.get("owner") or row.payload.get("hurt")
    return kind in _HELD and row.state in {"pending", "retry"} and not own and row.priority != "critical"


def _cases_of(database: Database, rows: Sequence[Delivery]) -> dict[str, list[Row]]:
    """The cases that each row speaks of."""
    stories = [row.about.partition(":")[2] for row in rows if row.about.startswith("story:")]
    by_story: dict[str, list[Row]] = {}
    for case in cases.rows_of_stories(database, list(dict.fromkeys(stories))):
        if case["lane"] == "ping" and not case["quiet"]:
            by_story.setdefault(case["story_id"], []).append(case)
    alone = cases.rows_of(database, [row.about.partition(":")[2] for row in rows if not row.about.startswith("story:")])
    return {
        row.id: by_story.get(key, []) if row.about.startswith("story:") else [alone[key]] if key in alone else []
        for row in rows
        for key in (row.about.partition(":")[2],)
    }


def _is_routine(case: Mapping[str, object], now: datetime) -> bool:
    """Whether a case can wait for the incident: nobody is hurt, no law is spoken of, and its target is not past."""
    tags = json.loads(str(case["tags"] or "[]"))
    past = bool(case["due_at"]) and at(str(case["due_at"])) <= now
    return case["priority"] != "critical" and "hurt" not in tags and not case_policy.for_leads(tags) and not past
