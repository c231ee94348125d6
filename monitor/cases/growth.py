"""A conversation that grows makes its cases more urgent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from alerts import ladder
from monitor.settings.rules import Rules
from monitor.store import case_log, cases
from monitor.store.database import Database
from monitor.store.stories import note_doubled


def thread_growth(database: Database, rules: Rules, stories: Mapping[str, int], now: datetime) -> int:
    """A conversation that has doubled raises the priority of its open cases, once for each doubling."""
    raised = 0
    for story, size in stories.items():
        doubling = 1 << (size.bit_length() - 1)
        with database.transaction():
            if doubling >= 8 and note_doubled(database, story, doubling):
                raised += _raise_story(database, rules, story, size, now)
    return raised


def _raise_story(database: Database, rules: Rules, story: str, size: int, now: datetime) -> int:
    """Make the open cases of a story urgent; how many."""
    raised = 0
    for case in cases.of_story(database, story):
        if case.state_at(now) != "open" or case.lane != "ping" or case.quiet or case.priority in {"critical", "urgent"}:
            continue
        clock = rules.clock_of(replace(case, priority="urgent"), now)
        cases.change(
            database,
            case.id,
            priority="urgent",
            priority_reasons=json.dumps([*case.priority_reasons, f"{size} people write about this"]),
            due_at=min(case.due_at or clock.due_at, clock.due_at),
            chain=ladder.chain_text(clock.chain),
            step=0,
        )
        cases.change(database, case.id, next_step_at=_next_step(database, rules, case.id, now))
        case_log.note(database, case.id, now, "priority", way="escalation", priority="urgent", size=size)
        raised += 1
    return raised


def _next_step(database: Database, rules: Rules, case_id: str, now: datetime) -> datetime | None:
    case = cases.one(database, case_id)
    return rules.next_step_at(case, now) if case is not None else None
