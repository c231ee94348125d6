"""What the outbox gives out: which message leaves next, claimed and written from the cases as they stand.

State is looked at again at this moment, so that an answer in between cancels what is no longer needed; quiet hours put
off, and `gathering` asks the measure what leaves in which message.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from alerts import Alert, Channel, Editor, Letter, LooksUp
from alerts.case import Case
from connectors import server_dates
from monitor.notify import holding, incident_messages, problem_messages, rendering, repeats
from monitor.notify.gathering import NOTHING_TOLD, SHARED, Gathering, StoryTold, told_of
from monitor.notify.order import in_order
from monitor.settings.rules import Rules
from monitor.store import cases, channel_health, deliveries, deliveries_owed
from monitor.store.database import Database, by_its_clock
from monitor.store.deliveries import Delivery
from monitor.types import SignedLink

log = logging.getLogger("earful.outbox")

# A claim lasts until its sender has begun, was answered or not, and has written that down; whoever is alone on their
# database hurries nobody.
LEASE = timedelta(minutes=5)
BEGINS, WRITES = timedelta(seconds=5), timedelta(seconds=10)
# What a list names, and whom it mentions; of several that become one, each part is that of all.
_PARTS = ("cases", "coming", "first", "languages", "sent_on", "late", "system", "ping")
LOOK_UPS = 5  # unsure answers before an unknown message is sent again, marked as possibly repeated


@dataclass(frozen=True, slots=True)
class Job:
    """One claimed message. `carried` are the rows that share its fate; `earlier` is what its last attempt spoke of."""

    delivery: Delivery
    fence: int
    message: Alert | Letter
    carried: tuple[str, ...]
    cases: tuple[str, ...]
    root: Delivery
    unsure: bool
    earlier: tuple[str, ...]
    below: str = ""  # the receipt of the message in whose thread it belongs
    payload: dict[str, Any] = field(default_factory=dict)  # as it was written down when this was claimed
    leaves_by: float = float("inf")  # by our steady clock; begun later, it might still be under way when another begins


class Outbox:
    """Gives out what is owed, for a set of rules. May serve several threads: a claim holds against all others."""

    def __init__(
        self,
        database: Database,
        rules: Rules,
        channels: Mapping[str, Channel],
        link: SignedLink,
        steady: Callable[[], float] = server_dates.steady,
    ) -> None:
        self.database = database
        self._steady = steady
        self._deadlines = {each.name: each.deadline for each in rules.settings.channels}
        self.rules = rules
        self.channels = channels
        self.link = link

    def in_place(self, row: Delivery) -> bool:
        """An edit that a person waits for. It does not count against new messages; one that only counts on does."""
        return row.action == "edit" and row.urgent and isinstance(self.channels[row.channel], Editor)

    def claim(self, target: str, now: datetime, *, only_edits: bool = False) -> Job | None:
        """Choose the next message for a target and mark it in flight; None when nothing has to leave now."""
        asked = self._steady()
        with self.database.transaction():
            # A target that was down is tried with all that it is owed, so that on its return one message says it.
            returns = channel_health.standing(self.database).failing(target)
            rows = [
                row
                for row in deliveries.due(self.database, target, now, with_retries=returns)
                if (self.in_place(row) or not only_edits) and self._still_needed(row, now)
            ]
            rows = self._not_held(rows, now)
            rows = problem_messages.together(self.database, rows, target, now)
            rows = in_order(self.database, self.rules, target, rows, now)
            rows = self._newest_lists(rows)
            if not rows:
                return None
            look = Gathering(self.database, self.rules, self.channels, target, rows, now)
            for row in look.leaving():
                job = self._prepare(row, now, look.stories, asked)
                if job is not None:
                    return job
        return None

    def _still_needed(self, row: Delivery, now: datetime) -> bool:
        """Drop what an answer has overtaken; put off what quiet hours or the hour's measure hold back."""
        kind = row.about.partition(":")[0]
        if row.action == "post" and (why := self._overtaken(row, now)):
            deliveries.drop(self.database, row.id, why)
            return False
        edits = row.action == "edit" and isinstance(self.channels[row.channel], Editor)
        if edits or kind in {"notice", "digest"} or (row.urgent and row.action == "post"):
            return True
        until = self._held_until(row, now)
        if until > now:
            deliveries.put_off(self.database, row.id, until)
            return False
        return True

    def _not_held(self, rows: list[Delivery], now: datetime) -> list[Delivery]:
        """Those that no open incident holds back; the others are put off."""
        old = {row.id for row in rows if holding.overtaken(self.database, row)}
        for each in old:
            deliveries.drop_alone(self.database, each, "a later message covers it")
        rows = [row for row in rows if row.id not in old]
        held = holding.held_until(self.database, rows, now)
        for row, until in held.items():
            deliveries.put_off(self.database, row, until)
        return [row for row in rows if row.id not in held]

    def _held_until(self, row: Delivery, now: datetime) -> datetime:
        """Until when a mail or a direct message waits: quiet hours; what is an owner's own, for their shift."""
        if not self.rules.quiet_target(row.target):
            return now
        until = self.rules.quiet.quiet_until(now)
        if row.payload.get("owner") or row.about.startswith("list:own:"):
            return max(until, self.rules.on_again(row.target, now))
        return until

    def _overtaken(self, row: Delivery, now: datetime) -> str:
        """Why a message is not needed any more; empty where it is."""
        kind, _, key = row.about.partition(":")
        if kind == "story":
            found = [each for each in cases.of_story(self.database, key) if each.lane == "ping" and not each.quiet]
            if all(case.state_at(now) in {"answered", "closed"} for case in found):
                return "answered or closed before it was sent"
        if kind in {"case", "join"}:
            case = cases.one(self.database, key)
            overtaken = {"answered", "closed"}
            if row.step > 0:  # a reminder; what is new of a case is told to whoever has it, too
                overtaken |= {"snoozed", "waiting"} | (set() if row.payload.get("owner") else {"taken"})
            if case is None or case.state_at(now) in overtaken:
                return "someone took it"
        if kind in SHARED and row.state != "unknown":  # what waited long says what is open now
            left = [each for each in deliveries.carried_by(self.database, row.id) if each.state in {"pending", "retry"}]
            for each in left:
                if why := self._overtaken(each, now):
                    deliveries.drop(self.database, each.id, why)
            if all(each.state == "dead" for each in deliveries.carried_by(self.database, row.id)):
                return "answered or closed before it was sent"
        return ""

    def _newest_lists(self, rows: list[Delivery]) -> list[Delivery]:
        """Of several lists of the day that wait for one target, the last says what all of them would have said."""
        lists: dict[tuple[str, str], list[Delivery]] = {}
        for row in rows:
            if row.about.startswith("list:") and row.state in {"pending", "retry"}:
                lists.setdefault(_list_of(row), []).append(row)
        overtaken: dict[str, Delivery] = {}
        for each in lists.values():
            if len(each) < 2:
                continue
            newest = max(each, key=lambda row: (row.created_at, row.id))
            older = [row for row in each if row is not newest]
            merged = dict(newest.payload)
            for part in _PARTS:
                if named := [one for row in (*older, newest) for one in row.payload.get(part, ())]:
                    merged[part] = list(dict.fromkeys(named))
            deliveries.rewrite(self.database, newest.id, merged)
            for row in older:
                deliveries.drop(self.database, row.id, "a later list covers it")
                overtaken[row.id] = row
        if not overtaken:
            return rows
        kept = [row for row in rows if row.id not in overtaken]
        return [deliveries.one(self.database, row.id) or row if row.about.startswith("list:") else row for row in kept]

    def _prepare(self, row: Delivery, now: datetime, stories: Mapping[str, StoryTold], asked: float) -> Job | None:
        channel = self.channels[row.channel]
        if row.state == "unknown" and not isinstance(channel, LooksUp):
            moment = repeats.next_at(row.payload, now)
            if moment is not None and moment > now:
                deliveries.put_off(self.database, row.id, moment)
                return None
        known = stories.get(row.story_id, NOTHING_TOLD)
        if row.action == "post" and row.story_id:
            row = replace(row, payload={**row.payload, "people": {row.story_id: known.people}})
        root = row
        if row.action == "edit":
            found = deliveries.one(self.database, row.thread_of)
            if found is None or found.state in {"pending", "retry", "dead"}:
                deliveries.drop(self.database, row.id, "the message itself is not sent yet")
                return None
            if found.state != "sent":
                deliveries.put_off(self.database, row.id, now + timedelta(seconds=2))
                return None
            root = found
            if not isinstance(channel, Editor) and row.reason != "grown":
                deliveries.drop(self.database, row.id, "this channel can't edit messages")
                return None
        message, carried, spoken_of = self._message(row, root, now)
        below = self._below(root, known)
        payload = (
            {**row.payload}
            if isinstance(message, Letter) or message.kind == "notice"
            else {**_kept(row), **self._spoken(row, spoken_of, stories), "carried": [each.id for each in carried]}
        )
        if row.action == "post":
            payload["in_thread"] = bool(below)
        lease, leaves_within = self._lease(row)
        fence = deliveries.claim(self.database, row, now, by_its_clock(self.database, now) + lease, payload)
        if fence is None:
            return None
        return Job(
            delivery=row,
            fence=fence,
            message=message,
            carried=tuple(each.id for each in carried if each.state in {"pending", "retry", "unknown"}),
            cases=tuple(case.id for case in spoken_of),
            root=root,
            unsure=row.state == "unknown",
            earlier=tuple(row.payload.get("carried", ())),
            below=below,
            payload=payload,
            leaves_by=asked + leaves_within.total_seconds(),
        )

    def _lease(self, row: Delivery) -> tuple[timedelta, timedelta]:
        """How long a claim lasts, and within which time of it the message has to leave, looking it up included."""
        deadline = self._deadlines[row.channel]
        leaves_within = BEGINS + (deadline if row.state == "unknown" else timedelta())
        lease = leaves_within + deadline + WRITES
        if self.database.one_writer:
            return max(lease, LEASE), max(lease, LEASE) - deadline - WRITES
        return lease, leaves_within

    def _below(self, root: Delivery, known: StoryTold) -> str:
        """The receipt under which a message belongs that speaks of a story told before; empty for one of its own.

        What the channel has to hear stands on its own: the first critical alert, and each newly hurt person.
        """
        kind, _, case = root.about.partition(":")
        if kind == "incident" and root.step > 0:
            return incident_messages.thread_of(self.database, root)
        if kind not in {"case", "join", "lines", "calls"} or not known.stands or known.root is None:
            return ""
        if root.payload.get("in_thread") is not None:  # it was sent before, or may have been: there it is looked up
            return known.root.receipt if root.payload["in_thread"] else ""
        if kind in {"lines", "calls"} or root.step > 0:
            return known.root.receipt
        hurt = case in known.hurt if kind == "join" else bool(root.payload.get("hurt"))
        loud = root.priority == "critical" and (hurt or not known.critical_told)
        return "" if loud else known.root.receipt

    def _spoken(self, row: Delivery, spoken_of: Sequence[Case], known: Mapping[str, StoryTold]) -> dict[str, Any]:
        """What the target knows once this has arrived: cases, which stories are critical, how many people each has."""
        stories = list(dict.fromkeys(case.story_id for case in spoken_of))
        others = told_of(self.database, self.rules, row.target, [story for story in stories if story not in known])
        known = {**known, **others}
        return {
            "told": [case.id for case in spoken_of],
            "critical": list(dict.fromkeys(case.story_id for case in spoken_of if case.priority == "critical")),
            "people": {story: known[story].people for story in stories},
        }

    def _message(
        self, row: Delivery, root: Delivery, now: datetime
    ) -> tuple[Alert | Letter, list[Delivery], tuple[Case, ...]]:
        kind = root.about.partition(":")[0]
        if kind == "digest":
            letter = row.payload
            return Letter(row.id, letter["subject"], letter["html"], letter["text"], letter.get("headers", {})), [], ()
        if root.about.startswith(holding.PROBLEM):
            carried = deliveries.carried_by(self.database, root.id)
            carried = [each for each in carried if not each.error.startswith(deliveries.NOT_NEEDED)]
            alert = problem_messages.problem_message(self.database, self.rules, root, carried, self.link, row.revision)
            return alert, carried, ()
        if kind == "notice":
            return rendering.notice(root, row.revision), [], ()
        alone = kind in {"story", "case", "join"}  # what was overdue beside it travels with it
        carried = deliveries.carried_by(self.database, root.id) if kind in SHARED or alone else []
        carried = [each for each in carried if not each.error.startswith(deliveries.NOT_NEEDED)]
        subjects = [root, *carried] if alone else carried or [root]
        try:
            made = rendering.compose(
                self.database, self.rules, root, subjects, now, link=self.link, revision=row.revision
            )
        except Exception as error:  # noqa: BLE001 - one case that cannot be shown must not hold up the others
            log.error("can't compose delivery %s (%s); sending a plain line instead", row.id, type(error).__name__)
            plain = Alert(
                key=root.id,
                reason=row.reason,
                title=f"Can't show a case here ({root.about}). See: earful cases",
                entries=(),
                thread=root.story_id or root.about,
                revision=row.revision,
            )
            return plain, carried, ()
        alert = made.alert
        looks_up = isinstance(self.channels[row.channel], LooksUp)
        if row.state == "unknown" and (row.attempts >= LOOK_UPS or not looks_up):
            alert = replace(alert, footer=repeats.MARK)
        return alert, carried, made.cases


def _list_of(row: Delivery) -> tuple[str, str]:
    """Which list a row is one of: an owner's line says nothing of another's, nor one leaver's offer of another's."""
    kind = row.about.split(":")[1]
    return kind, row.reason if kind == "offer" else str(row.payload.get("owner_id", ""))


def _kept(row: Delivery) -> dict[str, Any]:
    kept = {
        "ping",
        "cases",
        "first",
        "footer",
        "owner",
        "hurt",
        "sends",
        "sent_on",
        "late",
        "owner_id",
        "languages",
        "system",
        "held",
        "milestone",
        "end",
    }
    return {key: value for key, value in row.payload.items() if key in kept}


def resend_dead(database: Database, now: datetime) -> int:
    """Send dead letters once more; how many."""
    with database.transaction():
        channel_health.mended(database)
        return deliveries_owed.revive(database, now)
