"""The calls of the night: one names all that is critical, rings only where somebody can be woken, and has a measure.

In quiet hours (the desk is closed, nobody is on shift) a person is called at most four times, on channels that settings
say wake people; every other channel gets one line for the whole night, which is edited and mentions at its first
writing whoever has no such channel. What nobody has taken by the morning is called for as by day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts import ladder
from alerts.case import Case
from monitor.settings.rules import Rules
from monitor.store import cases, deliveries
from monitor.store.database import Database, Row

NAMED = 200  # cases that one call names
CALL = "called tonight: "  # begins the reason of a call, before the name of whom it is to wake
LINE = "at night"
NIGHT = "list:night:"
SOON = timedelta(hours=1)  # a case whose next call is this near is called for with the one that is made


@dataclass(frozen=True, slots=True)
class Called:
    """One case whose step has come at night: the people to call, and where its messages go."""

    case: Case
    people: tuple[str, ...]
    route: tuple[str, ...]


def night_of(rules: Rules, now: datetime) -> str:
    """What the messages of the night are about that `now` lies in: the day on which it ends."""
    return f"{NIGHT}{rules.quiet.morning(now).astimezone(rules.settings.zone):%Y-%m-%d}"


def tired(database: Database, rules: Rules, now: datetime) -> set[str]:
    """Who was called as often this night as anybody is."""
    moments: dict[str, set[datetime]] = {}
    for row in deliveries.about(database, night_of(rules, now)):
        if row.reason.startswith(CALL):
            moments.setdefault(row.reason.removeprefix(CALL), set()).add(row.created_at)
    return {who for who, made in moments.items() if len(made) >= ladder.AT_NIGHT}


def critical_waiting(database: Database, now: datetime) -> list[Row]:
    """The critical cases that nobody has and that are not to wait, the longest waiting first."""
    return [row for row in cases.waiting_critical(database) if cases.case_of(row).state_at(now) == "open"]


def call(database: Database, rules: Rules, calls: Sequence[Called], named: Sequence[str], now: datetime) -> None:
    """Call the people of these cases, each once, and name all that is critical. Inside a transaction."""
    night, rung = night_of(rules, now), {}
    told: dict[str, list[str]] = {}
    exhausted = tired(database, rules, now)
    for each in calls:
        for who in each.people or each.route:
            if who in exhausted or who in rung:
                continue
            reached = rules.tell([who], each.route, now)
            waking = [one for one in reached if rules.wakes(one.target)]
            waking = waking or [one for one in rules.tell(["channel"], each.route, now) if rules.wakes(one.target)]
            rung[who] = waking
            for one in reached:
                if not rules.wakes(one.target):  # whoever has no telephone is mentioned, once a night
                    told.setdefault(one.target, []).extend(() if waking else one.ping)
    payload: dict[str, Any] = {"cases": list(named)[:NAMED]}
    rows = [
        _row(
            night, one.target, f"{CALL}{who}", {**payload, "ping": list(one.ping)}, now, key=f"{who} {now.isoformat()}"
        )
        for who, waking in rung.items()
        for one in waking
    ]
    deliveries.queue(database, rows)
    people = ", ".join(who for who in rung if who in rules.people)
    clock = f"{now.astimezone(rules.settings.zone):%H:%M}"
    footer = f"Alerted at {clock}: {people}." if people else f"Not taken by {clock}."
    for target, mentioned in told.items():
        _line(database, night, target, {**payload, "footer": footer}, mentioned, now)


def _row(
    about: str, target: str, reason: str, payload: Mapping[str, Any], now: datetime, key: str = ""
) -> dict[str, Any]:
    return deliveries.new_row(
        about=about,
        target=target,
        now=now,
        due_at=now,
        reason=reason,
        payload=payload,
        priority="critical",
        urgent=True,
        key=key,
    )


def _line(
    database: Database, about: str, target: str, payload: dict[str, Any], mentioned: Sequence[str], now: datetime
) -> None:
    """The one line of a night for a channel that wakes nobody: written at its first call, edited at every other."""
    line = _row(about, target, LINE, {**payload, "ping": list(mentioned)}, now)
    before = deliveries.one(database, line["id"])
    if before is None:
        deliveries.queue(database, [line])
        return
    named = list(dict.fromkeys([*before.payload.get("cases", ()), *payload["cases"]]))[:NAMED]
    deliveries.set_payload(database, before.id, {**before.payload, **payload, "cases": named})
    if before.state in {"sent", "inflight", "unknown"}:
        deliveries.queue_edit(database, before, now, now, "called again", urgent=True)


def named_with(database: Database, case_id: str, rules: Rules, now: datetime) -> list[str]:
    """The cases that the last call of this night named beside this one: who says that it can wait says it of all."""
    if not rules.quiet.is_quiet(now):
        return []
    made = [row for row in deliveries.about(database, night_of(rules, now)) if case_id in row.payload.get("cases", ())]
    last = max(made, key=lambda row: (row.created_at, len(row.payload["cases"])), default=None)
    return [each for each in last.payload["cases"] if each != case_id] if last else []


def lines_with(database: Database, case: Case, now: datetime) -> list[deliveries.Delivery]:
    """The lines of this night that name a case, to be edited when it changes."""
    if case.priority != "critical":
        return []
    nights = {f"{NIGHT}{(now + ahead * timedelta(days=1)).date()}" for ahead in (-1, 0, 1)}  # whatever the zone
    rows = [row for night in sorted(nights) for row in deliveries.about(database, night)]
    return [row for row in rows if row.reason == LINE and case.id in row.payload.get("cases", ())]
