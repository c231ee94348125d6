"""The lists of the day: the opening brief, what may need an answer, and what still waits; each once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from alerts import hours, ladder
from monitor.cases.evening_list import evening_list
from monitor.cases.own_lists import own_lists
from monitor.settings.rules import Rules
from monitor.store import cases, deliveries, key_values, list_entries, notices
from monitor.store.database import Database, Row, listed_in
from monitor.text.need import MUST

LATE_LIST = timedelta(hours=12)  # a list that was missed by more than this is not worth sending


def queue_lists(database: Database, rules: Rules, now: datetime) -> int:
    """Queue the lists of the day that are due; how many messages that makes.

    They are the opening brief (what needs us and two lists named in vain, what nobody has although its ladder has
    ended, and whatever else waits), the list of what may need an answer, and the list of normal cases that still wait.
    One person has a single list, in the evening.
    """
    queued = evening_list(database, rules, now) if rules.one_list else 0
    for name, key, moment in () if rules.one_list else _moments(rules, now):
        if not timedelta(0) <= now - moment <= LATE_LIST or key_values.has_period(database, key):
            continue
        with database.transaction():
            if key_values.take_period(database, key, now):
                queued += _queue_list(database, rules, key, name, moment, now)
    return queued + own_lists(database, rules, now)


def _moments(rules: Rules, now: datetime) -> Iterator[tuple[str, str, datetime]]:
    """(kind, key of its day, moment) of the lists that may be due."""
    zone = rules.settings.zone
    for at in rules.settings.alerts.sweep_at:
        period, moment = hours.daily_moment(now, at, zone)
        if rules.anybody_on(moment.astimezone(zone).date()):  # it would name in vain what it names only twice
            yield "sweep", f"list:sweep:{period}", moment
    today = now.astimezone(zone).date()
    for day in (today - timedelta(days=1), today):
        if (opening := rules.opening_brief_of(day)) is not None:
            yield "opening", f"list:opening:{day.isoformat()}", opening
        if (normal := rules.list_of(day)) is not None:
            yield "normal", f"list:normal:{day.isoformat()}T{rules.settings.alerts.normal_list_at:%H:%M}", normal


def _queue_list(database: Database, rules: Rules, key: str, name: str, moment: datetime, now: datetime) -> int:
    payloads = (
        _named_by_the_list(database, rules, now)
        if name == "sweep"
        else {"": _named_by_a_brief(database, rules, name, moment, now)}
    )
    for by_target in payloads.values():
        notices.with_quiet(database, (*rules.settings.operator, *rules.settings.alerts.notify), by_target)
    rows = [
        deliveries.new_row(
            about=key.replace("list:sweep", f"list:{kind}") if kind else key,
            target=target,
            now=now,
            due_at=now,
            reason="the opening brief" if name == "opening" else "the daily list",
            payload=payload,
            key=target,
        )
        for kind, by_target in payloads.items()
        for target, payload in by_target.items()
    ]
    deliveries.queue(database, rows)
    return len(rows)


Payloads = dict[str, dict[str, Any]]  # target -> what its message is made of


def _named_by_the_list(database: Database, rules: Rules, now: datetime) -> dict[str, Payloads]:
    """What may need an answer, what needs us most first; and apart from it what is in languages that nobody reads."""
    found: dict[str, Payloads] = {"sweep": {}, "languages": {}}
    named = []
    for row in list_entries.to_list(database, now):
        named.append(row["id"])
        by_target = found["languages" if row["unread"] else "sweep"]
        for target in listed_in(row["targets"]) or rules.settings.alerts.notify:
            by_target.setdefault(target, {"cases": []})["cases"].append(row["id"])
    list_entries.note_named(database, named, now)
    return found


def _named_by_a_brief(database: Database, rules: Rules, name: str, moment: datetime, now: datetime) -> Payloads:
    """What still waits; an opening brief begins with what two lists named in vain and what nobody took."""
    by_target: dict[str, list[str]] = {}
    heads: dict[str, list[str]] = {}  # what has come to the end of its ladder
    first: dict[str, list[str]] = {}
    for row in list_entries.overlooked(database, MUST, moment, now) if name == "opening" else ():
        for target in listed_in(row["targets"]) or rules.settings.alerts.notify:
            first.setdefault(target, []).append(row["id"])
    for row in cases.waiting(database, "ping"):
        named, is_head = _named(rules, row, name, moment, now)
        if not named:
            continue
        for target in listed_in(row["targets"]) or rules.settings.alerts.notify:
            (heads if is_head else by_target).setdefault(target, []).append(row["id"])
    if name != "opening":
        return {target: {"cases": ids} for target, ids in by_target.items()}
    return {
        target: {
            "cases": [*first.get(target, ()), *heads.get(target, ()), *by_target.get(target, ())],
            "first": first.get(target, []),
        }
        for target in dict.fromkeys([*first, *heads])
    }


def _named(rules: Rules, row: Row, name: str, moment: datetime, now: datetime) -> tuple[bool, bool]:
    """Whether a list names a called case, and at its head; one that cannot be understood heads the opening brief."""
    try:
        case = cases.case_of(row)
        waits = case.state_at(now) == "open"
        if name == "normal":  # what opened since is told by its own first message
            return waits and rules.in_list(case) and case.opened_at <= moment, False
        return waits, not rules.in_list(case) and ladder.next_step_at(case, now) is None
    except (ValueError, KeyError, TypeError):
        return name == "opening", True
