"""Keeps telling people until somebody has it: reminders, claims that expire, the lists of the day, fallbacks.

Every step is one transaction that looks at the case as it stands, queues what follows and moves the case on, so that a
restart anywhere neither skips a step nor doubles one.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, time, timedelta
from typing import Any

from alerts import case_policy, hours
from alerts.case import Case
from monitor.cases import actions as verbs
from monitor.people.identity import NOBODY, Actor, Directory, settings_name
from monitor.people.reach import reached
from monitor.settings.rules import Rules
from monitor.store import cases, deliveries, key_values
from monitor.store.connect import Error
from monitor.store.database import Database, Row, stamp

log = logging.getLogger("earful.escalation")

BATCH = 500
LATE_LIST = timedelta(hours=12)  # a list that was missed by more than this is not worth sending


def escalate(database: Database, rules: Rules, now: datetime) -> int:
    """Do what is due about open cases; how many were moved on."""
    moved = 0
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

    def write(self) -> None:
        deliveries.queue(self.database, self.outbox)
        cases.move_on(self.database, self.changes)
        cases.add_log(self.database, self.log)

    def take_safely(self, row: Row) -> None:
        """Take one case; one that cannot be understood must not hold up the others."""
        before = len(self.outbox), len(self.changes), len(self.log)
        try:
            self.take(row)
        except Error:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with this one, the others go on
            for rows, length in zip((self.outbox, self.changes, self.log), before, strict=True):
                del rows[length:]
            log.error("case %s cannot be escalated (%s); it is tried again in an hour", row["id"], type(error).__name__)
            self._move(row, next_step_at=stamp(self.now + timedelta(hours=1)))

    def take(self, row: Row) -> None:
        """Decide what follows for one case."""
        case = cases.case_of(row)
        due = case_policy.due(case, self.now)
        if due is None:
            self._move(row, next_step_at=stamp(case_policy.next_step_at(case, self.now)))
        elif due.what == "claim_expired":
            self._claim_expired(row, case, due)
        elif due.what == "wake":
            claim = stamp(self.rules.claim_expiry(case.priority, self.now) if case.owner else None)
            again = claim or stamp(self.now)
            self._move(
                row, snoozed_until="", waiting_until="", waiting_on="", claim_expires_at=claim, next_step_at=again
            )
            self._tell_owner(row, due.reason, key=f"wake{row['snoozed_until']}{row['waiting_until']}")
            self._say(case, "wake")
        else:
            self._remind(row, case, due)

    def _remind(self, row: Row, case: Case, due: case_policy.Due) -> None:
        links = case_policy.chain_of(case.chain)
        following = links[due.step].at if due.step < len(links) else None
        later = max(following, self.now + timedelta(seconds=1)) if following else None
        self._move(row, step=due.step, next_step_at=stamp(later))
        chain = f"{row['reopened']}.{stamp(links[0].at)}"  # a chain that began anew has steps of its own
        told = self._told(case.id) if "next" in due.notify else set()
        people = [person.name for name in due.notify for person in self.rules.people_called(name, self.now, told)]
        self._tell(row, due.notify, due.reason, step=due.step, key=chain, told=told)
        self._say(case, "remind", step=due.step, reason=due.reason, notify=due.notify, people=people)

    def _told(self, case_id: str) -> set[str]:
        """The people of settings who were reminded of a case before, or had it and let it lie."""
        found: set[str] = set()
        for line in cases.log_of(self.database, case_id):
            found.update(line.detail.get("people", ()) if line.what == "remind" else ())
            found.update({settings_name(line.who_id)} if line.what == "claim_expired" else ())
        return found

    def _claim_expired(self, row: Row, case: Case, due: case_policy.Due) -> None:
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
        chain = self.rules.clock(case.priority, self.now).chain
        first = stamp(chain[0].at if chain else None)
        self._move(
            row, owner="", owner_id="", claim_expires_at="", step=0, chain=case_policy.chain_text(chain),
            next_step_at=first,
        )  # fmt: skip
        self._tell(row, ["channel"], f"{case.owner} had it, but there is no answer; open again", key=f"open{until}")
        self._say(case, "claim_expired", who=case.owner, who_id=case.owner_id)

    def _say(self, case: Case, what: str, **detail: Any) -> None:
        self.log.append(cases.log_row(case.id, self.now, what, way="escalation", **detail))

    def _move(self, row: Row, **changes: Any) -> None:
        kept = (
            "owner", "owner_id", "claim_expires_at", "step", "chain", "next_step_at", "snoozed_until", "waiting_until",
            "waiting_on",
        )  # fmt: skip
        self.changes.append(
            {"id": row["id"], "revision": row["revision"], **{key: row[key] for key in kept}, **changes}
        )

    def _tell(
        self,
        row: Row,
        notify: Iterable[str],
        reason: str,
        *,
        key: str,
        step: int = 1,
        told: Collection[str] = (),
    ) -> None:
        mention = row["priority"] in self.rules.settings.alerts.mention_people
        for each in self.rules.tell(notify, self._route(row), self.now, told):
            self._queue(row, each.target, {"ping": list(each.ping) if mention else []}, reason, key, step)

    def _tell_owner(self, row: Row, reason: str, *, key: str) -> None:
        """Tell whoever has it, wherever they are reached; the case's channel where that is nowhere else."""
        route = self._route(row)
        found = reached(self.rules, row["owner_id"], route, self.now) or self.rules.tell(["channel"], route, self.now)
        for each in found:
            self._queue(row, each.target, {"ping": list(each.ping), "owner": True}, reason, key, 1)

    def _route(self, row: Row) -> list[str]:
        return json.loads(row["targets"] or "[]") or list(self.rules.settings.alerts.notify)

    def _queue(self, row: Row, target: str, payload: Mapping[str, Any], reason: str, key: str, step: int) -> None:
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


def lists(database: Database, rules: Rules, now: datetime) -> int:
    """Queue the lists of the day that are due: what may need an answer, and what normal cases still wait."""
    queued = 0
    moments: list[tuple[str, time]] = [("sweep", at) for at in rules.settings.alerts.sweep_at]
    if rules.settings.alerts.normal_list_at is not None:
        moments.append(("normal", rules.settings.alerts.normal_list_at))
    for name, at in moments:
        period, moment = hours.daily_moment(now, at, rules.settings.zone)
        key = f"list:{name}:{period}"
        if now - moment > LATE_LIST or key_values.has_period(database, key):
            continue
        with database.transaction():
            if not key_values.take_period(database, key, now):
                continue
            if name == "normal" and not rules.opening.spans_of(moment.astimezone(rules.settings.zone).date()):
                continue  # a day on which the desk is closed
            queued += _queue_list(database, rules, key, name, now)
    return queued


def _queue_list(database: Database, rules: Rules, key: str, name: str, now: datetime) -> int:
    lane = "sweep" if name == "sweep" else "ping"
    by_target: dict[str, list[str]] = {}
    for row in cases.waiting(database, lane):
        if name == "normal" and row["priority"] not in {"normal", "gentle"} and row["next_step_at"]:
            continue  # its own reminders still come; once they have ended, the list goes on naming it
        if name == "sweep" and key_values.has_period(database, f"listed:{row['id']}:{row['answered_at']}"):
            continue
        for target in json.loads(row["targets"] or "[]") or rules.settings.alerts.notify:
            by_target.setdefault(target, []).append(row["id"])
        if name == "sweep":
            key_values.take_period(database, f"listed:{row['id']}:{row['answered_at']}", now)
    deliveries.queue(
        database,
        [
            deliveries.new_row(
                about=key,
                target=target,
                now=now,
                due_at=now,
                reason="the list of the day",
                payload={"cases": ids[:200]},
                key=target,
            )
            for target, ids in by_target.items()
        ],
    )
    return len(by_target)


def fall_back(database: Database, rules: Rules, now: datetime) -> int:
    """What a channel has owed for too long is told on the fallback; how many messages that makes."""
    alerts = rules.settings.alerts
    queued = 0
    for name, health in deliveries.channel_health(database).items():
        if health.failing_since is None or (not health.broken and now - health.failing_since < alerts.fallback_after):
            continue
        since = f"{health.failing_since:%d %b %H:%M}"
        others = [target for target in alerts.fallback if target.partition(":")[0] != name]
        waits = timedelta(0) if health.broken else alerts.fallback_after
        made: list[dict[str, Any]] = []
        for row in deliveries.overdue(database, name, now - waits + timedelta(microseconds=1)):
            rows = [
                deliveries.new_row(
                    about=row.about,
                    target=target,
                    now=now,
                    due_at=now,
                    reason=f"{name} is down",
                    story_id=row.story_id,
                    step=row.step,
                    priority=row.priority,
                    urgent=row.urgent,
                    payload={"footer": f"Told here because {name} is down since {since} UTC."},
                )
                for target in others
            ]
            made += rows
        if made:
            with database.transaction():
                deliveries.queue(database, made)
        queued += len(made)
    return queued


def channels_left(database: Database, rules: Rules, now: datetime) -> int:
    """What is owed on channels that are no longer in the settings is told where settings say now; how many rows."""
    known = {channel.name for channel in rules.settings.channels}
    moved = 0
    for name in deliveries.owing_channels(database):
        if name in known:
            continue
        with database.transaction():
            for row in deliveries.owed_by(database, name):
                targets = rules.settings.alerts.notify if row.story_id and row.action == "post" else ()
                deliveries.queue(
                    database,
                    [
                        deliveries.new_row(
                            about=row.about,
                            target=target,
                            now=now,
                            due_at=row.due_at,
                            reason=row.reason,
                            story_id=row.story_id,
                            step=row.step,
                            priority=row.priority,
                            urgent=row.urgent,
                            key=name,
                        )
                        for target in targets
                        if target.partition(":")[0] in known
                    ],
                )
                deliveries.drop(database, row.id, f"{name} is no longer in the settings")
                moved += 1
    return moved


def people_left(database: Database, rules: Rules, now: datetime) -> int:
    """Cases of people who were known and are gone are open again; how many.

    Whoever is known under another id by now (a page user who has come into settings, say) has the case under that one.
    """
    directory = Directory(database, rules.settings)
    released = 0
    for row in cases.owned(database):
        kept = Actor(row["owner_id"], row["owner"])
        owner = directory.resolve(kept)
        why = directory.gone(owner)
        if why:
            with database.transaction():
                verbs.say_within(
                    database, rules, row["id"], "release", who=NOBODY, way="settings", now=now, detail={"reason": why}
                )
            released += 1
        elif owner != kept:
            with database.transaction():
                cases.rename_owner(database, row["id"], kept.id, owner.id, owner.name)
    return released


def thread_growth(database: Database, rules: Rules, stories: Mapping[str, int], now: datetime) -> int:
    """A conversation that has doubled raises the priority of its open cases, once for each doubling."""
    raised = 0
    for story, size in stories.items():
        doubling = 1 << (size.bit_length() - 1)
        with database.transaction():
            if doubling >= 8 and cases.note_doubled(database, story, doubling):
                raised += _raise_story(database, rules, story, size, now)
    return raised


def _raise_story(database: Database, rules: Rules, story: str, size: int, now: datetime) -> int:
    """Make the open cases of a story urgent; how many."""
    raised = 0
    clock = rules.clock("urgent", now)
    for case in cases.of_story(database, story):
        if case.state_at(now) != "open" or case.lane != "ping" or case.quiet or case.priority in {"critical", "urgent"}:
            continue
        cases.change(
            database,
            case.id,
            priority="urgent",
            priority_reasons=json.dumps([*case.priority_reasons, f"{size} people write of this"]),
            due_at=min(case.due_at or clock.due_at, clock.due_at),
            chain=case_policy.chain_text(clock.chain),
            step=0,
            next_step_at=clock.chain[0].at if clock.chain else None,
        )
        cases.log(database, case.id, now, "priority", way="escalation", priority="urgent", size=size)
        raised += 1
    return raised
