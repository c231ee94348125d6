"""Keeps telling people until somebody has it: reminders, claims that expire, calls at night.

Every step is one transaction that looks at the case as it stands, queues what follows and moves the case on, so that a
restart anywhere neither skips a step nor doubles one.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from alerts import ladder, roster
from alerts.case import Case
from monitor.cases import night_calls
from monitor.people import duty
from monitor.people.identity import settings_name
from monitor.people.reach import reached
from monitor.settings.rules import Rules
from monitor.store import case_log, cases, deliveries, key_values
from monitor.store.connect import Error
from monitor.store.database import Database, Row, listed_in, stamp

log = logging.getLogger("earful.escalation")

BATCH = 500


def escalate(database: Database, rules: Rules, now: datetime) -> int:
    """Do what is due about open cases; how many were moved on."""
    moved = 0
    rules = duty.aware(database, rules, now)
    while True:
        with database.transaction():
            rows = cases.due(database, now, BATCH)
            step = _Round(database, rules, now)
            for row in rows:
                step.take_safely(row)
            step.write()
        moved += len(rows)
        if len(rows) < BATCH:
            return moved


class _Round:
    """One batch of cases whose next step has come: decided in memory, written at once."""

    def __init__(self, database: Database, rules: Rules, now: datetime) -> None:
        self.database = database
        self.rules = rules
        self.now = now
        self.outbox: list[dict[str, Any]] = []
        self.changes: list[dict[str, Any]] = []
        self.log: list[dict[str, Any]] = []
        self.night: list[night_calls.Called] = []

    def write(self) -> None:
        if self.night:
            self._call_at_night()
        deliveries.queue(self.database, self.outbox)
        cases.move_on(self.database, self.changes)
        case_log.add(self.database, self.log)

    def take_safely(self, row: Row) -> None:
        """Take one case; one that cannot be understood must not hold up the others."""
        before = [(rows, len(rows)) for rows in (self.outbox, self.changes, self.log)]
        calls = len(self.night)
        try:
            self.take(row)
        except Error:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with this one, the others go on
            for rows, length in before:
                del rows[length:]
            del self.night[calls:]
            log.error("case %s can't be escalated (%s); Earful will retry in an hour", row["id"], type(error).__name__)
            self._move(row, next_step_at=stamp(self.now + timedelta(hours=1)))

    def take(self, row: Row) -> None:
        """Decide what follows for one case."""
        case = cases.case_of(row)
        due = ladder.due(case, self.now)
        if due is None:
            self._move(row, next_step_at=stamp(self.rules.next_step_at(case, self.now)))
        elif due.what == "claim_expired":
            self._claim_expired(row, case, due)
        elif due.what == "wake" and case.owner:
            claim = stamp(self.rules.claim_expiry(case.priority, self.now))
            self._move(
                row, snoozed_until="", waiting_until="", waiting_on="", claim_expires_at=claim, next_step_at=claim
            )
            self._tell_owner(row, due.reason, key=_pause(row))
            self._say(case, "wake")
        elif due.what == "wake":
            row = {**row, "snoozed_until": "", "waiting_until": "", "waiting_on": "", "woke": _pause(row)}
            awake = replace(case, snoozed_until=None, waiting_until=None, waiting_on="")
            self._remind(row, awake, replace(due, notify=("channel", *due.notify)))
        else:
            self._remind(row, case, due)

    def _remind(self, row: Mapping[str, Any], case: Case, due: ladder.Due) -> None:
        """Call whom the steps name that are due, and move the case on to its next step."""
        at_night = case.priority == "critical" and self.rules.quiet.is_quiet(self.now)
        called = self._called(case.id) if at_night or {"next", ladder.ANYBODY} & set(due.notify) else []
        tired = self._tired if at_night else frozenset()
        names, people = self._whom(row, due.notify, called, tired, at_night=at_night)
        if at_night and not names:  # everybody who can be called was called often enough: the morning is next
            self._move(row, next_step_at=stamp(self.rules.quiet.morning(self.now)))
            return
        following = self.rules.next_step_at(case, self.now, due.step)
        if at_night and following is not None:
            following = min(following, self.rules.quiet.morning(self.now))
        self._move(row, step=due.step, next_step_at=stamp(following))
        for each in people:
            self._calls.setdefault(each, []).append(self.now)
        if at_night:
            self.night.append(night_calls.Called(case, tuple(names), self._route(row)))
        else:
            self._tell(row, names, due.reason, step=max(due.step, 1), key=self._key(row, case))
        self._say(case, due.what, step=due.step, reason=due.reason, notify=due.notify, people=people)

    def _whom(
        self,
        row: Mapping[str, Any],
        notify: Iterable[str],
        called: list[str],
        tired: Collection[str],
        *,
        at_night: bool,
    ) -> tuple[list[str], list[str]]:
        """The names to tell, people in place of words such as "next", and the people among them who are called.

        Whoever two steps mean that are due together is called once, and "next" is somebody else.
        """
        found: dict[str, list[str]] = {}
        for name in sorted(notify, key=lambda each: each in {"next", ladder.ANYBODY}):
            told = [*called, *(one for each in found.values() for one in each)]
            if name == ladder.ANYBODY:
                who = self._anybody(told, tired, at_night=at_night)
            elif name == "next" or self._off_shift(row, name):
                who = self._next(row, [*told, *tired])
            else:
                reached = [one.name for one in self.rules.people_called(name, self.now) if one.name not in tired]
                place = name == "channel" or ":" in name
                found[name] = reached or ([name] if place and name not in tired else [])
                continue
            found[name] = [who] if who else []
        names = [each for name in notify for each in found[name]]
        people = [each for each in names if each in self.rules.people]
        if not names and at_night and (who := self._anybody(called, tired, at_night=True)):
            names, people = [who], [who]  # whom the step means was called often enough, or is not there
        if not names and not tired:  # there is nobody to call: the channel hears it
            names = ["channel"]
        return list(dict.fromkeys(names)), list(dict.fromkeys(people))

    def _off_shift(self, row: Mapping[str, Any], name: str) -> bool:
        """Whether a step names somebody who is not on: only what is critical reaches beyond a person's own hours."""
        on = {person.name for person in self.rules.on_duty(self.now)}
        return name in self.rules.people and name not in on and row["priority"] != "critical"

    def _next(self, row: Mapping[str, Any], told: Collection[str]) -> str:
        """Who is next: on shift and not away, reading the language if anybody does, called least."""
        reach = {person.name for person in self.rules.within_reach(self.now)}
        candidates = [member for member in self.rules.members if member.name in reach]
        return roster.next_of(candidates, told, row["language"], self._calls, self.now)

    @cached_property
    def _calls(self) -> dict[str, list[datetime]]:
        """When each person was called of late, about whatever case; those of this round among them."""
        return case_log.calls_since(self.database, self.now - roster.REMEMBERED)

    @cached_property
    def _tired(self) -> frozenset[str]:
        """Who was called this night as often as anybody is."""
        return frozenset(night_calls.tired(self.database, self.rules, self.now))

    def _anybody(self, called: list[str], tired: Collection[str], *, at_night: bool) -> str:
        """Whoever was not called yet comes first. Who is off duty is called last, and not at night."""
        staff = [member.name for member in self.rules.members if not self.rules.is_away(member.name, self.now)]
        on_duty = [person.name for person in self.rules.within_reach(self.now)]
        leads = [person.name for person in self.rules.people_called("leads", self.now)]
        others = [] if at_night and (on_duty or leads) else [name for name in staff if name not in {*on_duty, *leads}]
        return ladder.whom(on_duty, leads, others, called, tired)

    def _call_at_night(self) -> None:
        """One call for all that is critical; what would have been called for soon is called for with it."""
        taken_up = {each.case.id for each in self.night}
        people = list(dict.fromkeys(who for each in self.night for who in each.people if who in self.rules.people))
        waiting = night_calls.critical_waiting(self.database, self.now)
        for row in waiting:
            case = cases.case_of(row)
            due_soon = case.next_step_at is not None and case.next_step_at - self.now <= night_calls.SOON
            if case.id in taken_up or not due_soon or not _calls_on(case):
                continue
            early = ladder.due(replace(case, next_step_at=self.now), self.now)
            step = early.step if early else case.step
            following = self.rules.next_step_at(case, self.now, step)
            morning = self.rules.quiet.morning(self.now)
            self._move(row, step=step, next_step_at=stamp(min(following or morning, morning)))
            self._say(case, "remind", step=step, reason="alerted with others", people=people)
        named = [row["id"] for row in waiting]
        night_calls.call(self.database, self.rules, self.night, named, self.now)

    def _key(self, row: Mapping[str, Any], case: Case) -> str:
        """What tells one reminder from another of the same step: a chain that began anew has steps of its own."""
        if "woke" in row:
            return str(row["woke"])
        links = ladder.chain_of(case.chain)
        again = stamp(self.now) if ladder.calls_on(case) else ""
        return f"{row['reopened']}.{stamp(links[0].at)}{again}"

    def _called(self, case_id: str) -> list[str]:
        """Who was called about a case, in that order, or had it and let it lie."""
        found: list[str] = []
        for line in case_log.of_case(self.database, case_id):
            found += line.detail.get("people", ()) if line.what in {"remind", "wake"} else ()
            found += [settings_name(line.who_id)] if line.what == "claim_expired" else []
        return found

    def _claim_expired(self, row: Row, case: Case, due: ladder.Due) -> None:
        """First a reminder to whoever has it; when that too brings no answer, the case is open again for everybody."""
        until = stamp(case.claim_expires_at)
        if not key_values.has_period(self.database, f"claim:{case.id}:{until}"):
            again = stamp(self.rules.claim_expiry(case.priority, self.now))
            key_values.take_period(
                self.database, f"claim:{case.id}:{again}", self.now
            )  # the next time it is open again
            self._move(row, claim_expires_at=again, next_step_at=again)
            self._tell_owner(row, due.reason, key=f"claim{until}")
            name = settings_name(case.owner_id)
            self._say(case, "remind", reason=due.reason, people=[name] if name else [])
            return
        chain = self.rules.clock_of(case, self.now).chain
        text = ladder.chain_text(chain)
        first = self.rules.next_step_at(replace(case, owner="", owner_id="", step=0, chain=text), self.now)
        self._move(row, owner="", owner_id="", claim_expires_at="", step=0, chain=text, next_step_at=stamp(first))
        self._tell(row, ["channel"], f"{case.owner} took it but did not answer; open again", key=f"open{until}")
        self._say(case, "claim_expired", who=case.owner, who_id=case.owner_id)

    def _say(self, case: Case, what: str, **detail: Any) -> None:
        self.log.append(case_log.new_row(case.id, self.now, what, way="escalation", **detail))

    def _move(self, row: Mapping[str, Any], **changes: Any) -> None:
        kept = (
            "owner", "owner_id", "claim_expires_at", "step", "chain", "next_step_at", "snoozed_until", "waiting_until",
            "waiting_on",
        )  # fmt: skip
        self.changes.append(
            {"id": row["id"], "revision": row["revision"], **{key: row[key] for key in kept}, **changes}
        )

    def _tell(
        self,
        row: Mapping[str, Any],
        notify: Iterable[str],
        reason: str,
        *,
        key: str,
        step: int = 1,
    ) -> None:
        mention = row["priority"] in self.rules.settings.alerts.mention_people
        for each in self.rules.tell(notify, self._route(row), self.now):
            self._queue(row, each.target, {"ping": list(each.ping) if mention else []}, reason, key, step)

    def _tell_owner(self, row: Mapping[str, Any], reason: str, *, key: str) -> None:
        """Tell whoever has it, wherever they are reached; the case's channel where that is nowhere else."""
        route = self._route(row)
        found = reached(self.rules, row["owner_id"], route, self.now) or self.rules.tell(["channel"], route, self.now)
        name = settings_name(row["owner_id"])
        on = name not in self.rules.people or name in {person.name for person in self.rules.on_duty(self.now)}
        mention = on or row["priority"] == "critical"  # whoever is off shift reads it when they come on
        for each in found:
            payload = {"ping": list(each.ping) if mention else [], "owner": True}
            self._queue(row, each.target, payload, reason, key, 1)

    def _route(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        return listed_in(row["targets"]) or self.rules.settings.alerts.notify

    def _queue(
        self, row: Mapping[str, Any], target: str, payload: Mapping[str, Any], reason: str, key: str, step: int
    ) -> None:
        self.outbox.append(
            deliveries.new_row(
                about=f"case:{row['id']}",
                target=target,
                now=self.now,
                due_at=self.now,
                reason=reason,
                story_id=row["story_id"],
                step=step,
                priority=row["priority"],
                urgent=row["priority"] == "critical",
                payload=payload,
                key=key,
            )
        )


def _calls_on(case: Case) -> bool:
    """As `ladder.calls_on`; not for a case that cannot be understood."""
    try:
        return ladder.calls_on(case)
    except (ValueError, KeyError, TypeError):
        return False


def _pause(row: Mapping[str, Any]) -> str:
    """What tells the end of one pause from that of another."""
    return f"wake{row['snoozed_until']}{row['waiting_until']}"
