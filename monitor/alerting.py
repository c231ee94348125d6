"""The second conductor: sends what the outbox owes, one channel at a time, and writes down how it ended.

Claim, send, finish. A row is marked in flight before the socket is touched; what may have arrived is looked up where
the channel can, and otherwise sent again under the same key. State is looked at again at the moment of sending, so
that an answer in between cancels what is no longer needed.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerts import Alert, Channel, ChannelError, Editor, Letter, LooksUp, Receipt
from monitor import compose
from monitor.deadline import Overran, within
from monitor.rules import Rules
from monitor.store import cases, deliveries
from monitor.store.database import Database
from monitor.store.deliveries import Delivery

log = logging.getLogger("earful.alerting")

LEASE = timedelta(minutes=5)
GIVE_UP = timedelta(hours=72)
FAULTS = 3  # unexpected faults with one message before it becomes a dead letter
LOOK_UPS = 5  # unsure answers before an unknown message is sent again, marked as a possible repeat
_UNSURE = (3, 5, 10, 20, 60, 300, 900, 1800)
_STEPS = (15, 30, 60, 120, 300, 600, 1800)


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


class Alerting:
    """Sends. One is made for a set of rules; each channel is served by one thread at a time."""

    def __init__(
        self,
        database: Database,
        rules: Rules,
        channels: Mapping[str, Channel],
        link: compose.SignedLink = compose.no_link,
    ) -> None:
        self.database = database
        self.rules = rules
        self.channels = channels
        self.link = link
        self._settings = {channel.name: channel for channel in rules.settings.channels}
        self._busy = {name: threading.Lock() for name in channels}
        self._last: dict[str, datetime] = {}

    def due(self, now: datetime) -> list[str]:
        """Channels that owe something now, are not held back, and that no thread is serving."""
        health = deliveries.channel_health(self.database)
        found = []
        for name in dict.fromkeys(channel for channel, _target in deliveries.due_targets(self.database, now)):
            state = health.get(name)
            held = state is not None and state.next_try_at is not None and state.next_try_at > now
            if name in self.channels and not held and not self._busy[name].locked():
                found.append(name)
        return found

    def serve(self, name: str, clock: Callable[[], datetime], most: int = 50) -> int:
        """Send what is due on one channel, at most `most` messages; how many were tried."""
        lock = self._busy[name]
        if not lock.acquire(blocking=False):
            return 0
        tried = 0
        try:
            for channel, target in deliveries.due_targets(self.database, clock()):
                while channel == name and tried < most:
                    job = self._claim(target, clock(), only_edits=not self._spaced(target, clock()))
                    if job is None:
                        break
                    tried += 1
                    if not self._attempt(job, clock):
                        return tried
        finally:
            lock.release()
        return tried

    def _spaced(self, target: str, now: datetime) -> bool:
        last = self._last.get(target)
        wait = self.channels[target.partition(":")[0]].seconds_between
        return last is None or now < last or now - last >= timedelta(seconds=wait)

    # -- choosing -----------------------------------------------------------------------------------------------

    def _in_place(self, row: Delivery) -> bool:
        """An edit that a person waits for. It does not count against new messages; one that only counts on does."""
        return row.action == "edit" and row.urgent and isinstance(self.channels[row.channel], Editor)

    def _claim(self, target: str, now: datetime, *, only_edits: bool = False) -> Job | None:
        """Choose the next message for a target and mark it in flight; None when nothing has to leave now."""
        with self.database.transaction():
            rows = [
                row
                for row in deliveries.due(self.database, target, now)
                if (self._in_place(row) or not only_edits) and self._still_needed(row, now)
            ]
            gathered = self._gather(rows, target, now)
            for row in gathered:
                job = self._prepare(row, now)
                if job is not None:
                    return job
        return None

    def _still_needed(self, row: Delivery, now: datetime) -> bool:
        """Drop what an answer has overtaken; put off what quiet hours or the hour's measure hold back."""
        kind, _, key = row.about.partition(":")
        if row.action == "post" and kind == "story":
            found = [each for each in cases.of_story(self.database, key) if each.lane == "ping" and not each.quiet]
            if all(case.state_at(now) in {"answered", "closed"} for case in found):
                deliveries.drop(self.database, row.id, "answered or closed before it was told")
                return False
        if row.action == "post" and kind == "case":
            case = cases.one(self.database, key)
            overtaken = {"answered", "closed"}
            if row.step > 0:  # a reminder; what is new of a case is told to whoever has it, too
                overtaken |= {"snoozed", "waiting"} | (set() if row.payload.get("owner") else {"taken"})
            if case is None or case.state_at(now) in overtaken:
                deliveries.drop(self.database, row.id, "somebody has it")
                return False
        edits = row.action == "edit" and isinstance(self.channels[row.channel], Editor)
        if edits or kind in {"notice", "digest"} or (row.urgent and row.action == "post"):
            return True
        if self.rules.quiet_target(row.target) and self.rules.quiet.is_quiet(now):
            deliveries.put_off(self.database, row.id, self.rules.quiet.quiet_until(now))
            return False
        return True

    def _gather(self, rows: list[Delivery], target: str, now: datetime) -> list[Delivery]:
        """Many at once become one brief; a brief that was sent a moment ago is edited instead of a second one."""
        firsts = [
            row
            for row in rows
            if row.action == "post"
            and row.about.startswith(("story:", "case:"))
            and row.state in {"pending", "retry"}  # what may have arrived is looked up under its own key
            and not row.plain
        ]
        settings = self.rules.settings.alerts
        if len(firsts) <= settings.brief_over:
            return [row for row in rows if not self._over_the_hour(row, target, now)]
        others = [row for row in rows if row not in firsts]
        urgent = [row for row in firsts if row.urgent][: settings.brief_over]
        gathered = [row for row in firsts if row not in urgent]
        recent = deliveries.last_brief(self.database, target, now - settings.edit_every)
        if recent is not None and recent.state in {"pending", "retry", "unknown"}:
            deliveries.carry(self.database, recent.id, [row.id for row in gathered])
            return [*urgent, *others] if recent in others else [*urgent, recent, *others]
        if recent is not None:
            if isinstance(self.channels[target.partition(":")[0]], Editor) and recent.receipt:
                deliveries.carry(self.database, recent.id, [row.id for row in gathered])
                deliveries.queue_edit(self.database, recent, now, now, "grown")
            return [*urgent, *others]  # without edits they wait for the next brief
        row = deliveries.new_row(
            about=f"brief:{target}:{now.isoformat()}",
            target=target,
            now=now,
            due_at=now,
            reason="several at once",
            priority=gathered[0].priority,
        )
        deliveries.queue(self.database, [row])
        deliveries.carry(self.database, row["id"], [each.id for each in gathered])
        brief = deliveries.one(self.database, row["id"])
        assert brief is not None
        return [*urgent, brief, *others]

    def _over_the_hour(self, row: Delivery, target: str, now: datetime) -> bool:
        """Reminders beyond the hour's measure are put off, and so gather into one brief."""
        told_anew = row.action == "edit" and not isinstance(self.channels[row.channel], Editor)
        if not told_anew and (row.urgent or row.step == 0 or row.action != "post"):
            return False
        most = self.rules.settings.alerts.messages_per_hour
        if deliveries.sent_since(self.database, target, now - timedelta(hours=1), edits=told_anew) < most:
            return False
        deliveries.put_off(self.database, row.id, now + timedelta(minutes=10))
        return True

    def _prepare(self, row: Delivery, now: datetime) -> Job | None:
        channel = self.channels[row.channel]
        root = row
        if row.action == "edit":
            found = deliveries.one(self.database, row.thread_of)
            if found is None or found.state in {"pending", "retry", "dead"}:
                deliveries.drop(self.database, row.id, "the message itself is still to be sent")
                return None
            if found.state != "sent":
                deliveries.put_off(self.database, row.id, now + timedelta(seconds=2))
                return None
            root = found
            if not isinstance(channel, Editor) and row.reason != "grown":
                deliveries.drop(self.database, row.id, "this channel cannot change what it has said")
                return None
        message, carried, about = self._message(row, root, now)
        payload = (
            {**row.payload}
            if isinstance(message, Letter) or message.kind == "notice"
            else {**_kept(row), "carried": [each.id for each in carried], "told": list(about)}
        )
        fence = deliveries.claim(self.database, row, now, now + LEASE, payload)
        if fence is None:
            return None
        return Job(
            delivery=row,
            fence=fence,
            message=message,
            carried=tuple(each.id for each in carried if each.state in {"pending", "retry", "unknown"}),
            cases=about,
            root=root,
            unsure=row.state == "unknown",
            earlier=tuple(row.payload.get("carried", ())),
        )

    def _message(
        self, row: Delivery, root: Delivery, now: datetime
    ) -> tuple[Alert | Letter, list[Delivery], tuple[str, ...]]:
        kind = root.about.partition(":")[0]
        if kind == "digest":
            letter = row.payload
            return Letter(row.id, letter["subject"], letter["html"], letter["text"], letter.get("headers", {})), [], ()
        if kind == "notice":
            return compose.notice(row), [], ()
        carried = deliveries.carried_by(self.database, root.id) if kind == "brief" else []
        try:
            made = compose.compose(
                self.database, self.rules, root, carried or [root], now, link=self.link, revision=row.revision
            )
        except Exception as error:  # noqa: BLE001 - one case that cannot be shown must not hold up the others
            log.error("delivery %s cannot be composed (%s); a plain line is sent instead", row.id, type(error).__name__)
            plain = Alert(
                key=root.id,
                reason=row.reason,
                title=f"A case could not be shown ({root.about}); look at it with: earful cases",
                entries=(),
                thread=root.story_id or root.about,
                revision=row.revision,
            )
            return plain, carried, ()
        alert = made.alert
        looks_up = isinstance(self.channels[row.channel], LooksUp)
        if row.state == "unknown" and (row.attempts >= LOOK_UPS or not looks_up):
            alert = replace(alert, footer="possible repeat: it is not known whether this arrived before")
        return alert, carried, tuple(case.id for case in made.cases)

    # -- sending ------------------------------------------------------------------------------------------------

    def _attempt(self, job: Job, clock: Callable[[], datetime]) -> bool:
        """Send one claimed message and write down the end. False when the channel should be left alone for now."""
        channel = self.channels[job.delivery.channel]
        deadline = self._settings[job.delivery.channel].deadline.total_seconds()
        started = clock()
        if not self._in_place(job.delivery):
            self._last[job.delivery.target] = started
        try:
            found = self._look_up(channel, job, deadline)
            receipt = found or within(deadline, lambda: self._send(channel, job), f"send-{job.delivery.channel}")
        except Overran as error:
            return self._failed(job, ChannelError(str(error), outcome_unknown=True), clock())
        except ChannelError as error:
            return self._failed(job, error, clock())
        except Exception as error:
            # A fault of ours or of a library, maybe in this one message: plainer at first, then it is given up.
            log.debug("%s failed", job.delivery.channel, exc_info=error)
            fault = ChannelError(
                f"unexpected {type(error).__name__} while sending",
                outcome_unknown=True,
                too_large=not job.delivery.plain,
                permanent=job.delivery.attempts + 1 >= FAULTS,
                remedy="please report this with the log",
            )
            return self._failed(job, fault, clock(), ours=True)
        self._sent(job, receipt, clock(), looked_up=found is not None)
        return True

    def _look_up(self, channel: Channel, job: Job, deadline: float) -> Receipt | None:
        """Whether a message whose fate is unknown has arrived; None when it is to be sent (again)."""
        if not job.unsure or job.delivery.claimed_at is None or not isinstance(channel, LooksUp):
            return None
        since = job.delivery.claimed_at - timedelta(minutes=1)
        below = self._below(job.delivery) if isinstance(channel, Editor) else ""
        try:
            return within(
                deadline,
                lambda: channel.look_up(
                    job.root.id,
                    job.delivery.revision,
                    _address(job.delivery),
                    since,
                    Receipt(below) if below else None,
                ),
                f"look-{job.delivery.channel}",
            )
        except (ChannelError, Overran) as error:
            if job.delivery.attempts >= LOOK_UPS:
                return None
            wait = error.retry_after if isinstance(error, ChannelError) else None
            raise ChannelError(
                f"it is not known whether the message arrived, and looking it up failed: {error}",
                outcome_unknown=True,
                retry_after=wait,
            ) from error

    def _send(self, channel: Channel, job: Job) -> Receipt:
        target = _address(job.delivery)
        message = job.message
        if isinstance(message, Alert) and isinstance(channel, Editor):
            if job.delivery.action == "edit" and job.root.receipt:
                return channel.edit(message, target, Receipt(job.root.receipt))
            below = self._below(job.delivery)
            if below:
                return channel.follow_up(message, target, Receipt(below))
        return channel.send(message, target, plain=job.delivery.plain)

    def _below(self, row: Delivery) -> str:
        """The receipt of the message under which a reminder of a single case belongs; empty if it has none."""
        if not row.about.startswith("case:") or not row.story_id:
            return ""
        for each in deliveries.messages_of_stories(self.database, [row.story_id]):
            if each.about.startswith("story:") and each.target == row.target and each.receipt:
                return each.receipt
        return ""

    def _sent(self, job: Job, receipt: Receipt, now: datetime, *, looked_up: bool) -> None:
        row = job.delivery
        carried = job.earlier if looked_up else job.carried
        with self.database.transaction():
            if not deliveries.finish(
                self.database, row.id, job.fence, "sent", sent_at=now, receipt=receipt.reference, error=""
            ):
                return  # the lease ran out, and another sender has it
            deliveries.finish_carried(self.database, carried, "sent", now)
            deliveries.channel_worked(self.database, row.channel, now)
            if looked_up:  # what has happened since it left is not in it
                deliveries.show_newer(self.database, job.root, now)
            cases.add_log(
                self.database,
                [
                    cases.log_row(
                        case, now, "told", way=row.target, step=row.step, reason=row.reason, action=row.action
                    )
                    for case in job.cases
                ],
            )
        log.info("%s: %s sent (%s)", row.target, row.about.partition(":")[0], row.reason)

    def _failed(self, job: Job, error: ChannelError, now: datetime, *, ours: bool = False) -> bool:
        """Decide what follows from a failure. The error says what it knows; waiting and giving up are decided here.

        A fault that is `ours` concerns one message: the channel goes on with the others.
        """
        row = job.delivery
        old = now - row.created_at > GIVE_UP
        state, due_at, plain = "retry", now + _wait(row.attempts, error.retry_after), row.plain
        if error.too_large and not row.plain:
            due_at, plain = now, True
            state = "unknown" if error.outcome_unknown else state
        elif error.permanent or (old and not error.channel_broken):
            state = "dead"
        elif error.outcome_unknown:
            state = "unknown"
            due_at = now + self._unsure_wait(row, error)
        with self.database.transaction():
            if not deliveries.finish(
                self.database, row.id, job.fence, state, due_at=due_at, error=error.message[:500], plain=int(plain)
            ):
                return True
            if state == "dead":
                deliveries.finish_carried(self.database, job.carried, "dead", now, error.message[:500])
                self._announce(row, error, now)
            concerns_channel = not (error.permanent or error.too_large or ours)
            if concerns_channel:
                self._hold_back(row, error, now)
        log.warning("%s: not sent (%s)%s", row.target, error.message, f"; {error.remedy}" if error.remedy else "")
        return not concerns_channel

    @staticmethod
    def _unsure_wait(row: Delivery, error: ChannelError) -> timedelta:
        """Soon at first, to look it up; then ever later, since each further try may be a repeat."""
        if error.retry_after:
            return _wait(row.attempts, error.retry_after)
        return timedelta(seconds=_UNSURE[min(row.attempts, len(_UNSURE) - 1)])

    def _hold_back(self, row: Delivery, error: ChannelError, now: datetime) -> None:
        """A channel that is down or refused is not hammered with everything that waits for it."""
        failures = health.failures if (health := deliveries.channel_health(self.database).get(row.channel)) else 0
        if error.channel_broken:
            next_try = now + min(timedelta(minutes=5) * 2**failures, timedelta(minutes=30))
        elif error.retry_after:
            next_try = now + timedelta(seconds=min(error.retry_after, 3600))
        elif error.outcome_unknown:
            next_try = now + self._unsure_wait(row, error)
        else:
            next_try = now + _wait(failures, None)
        deliveries.channel_failed(
            self.database, row.channel, now, error.message[:500], error.remedy, next_try, broken=error.channel_broken
        )
        if error.channel_broken:
            self._announce(row, error, now)

    def _announce(self, row: Delivery, error: ChannelError, now: datetime) -> None:
        """What could not be delivered is told on another channel, once."""
        if row.about.startswith("notice:"):
            return
        what = "refuses everything" if error.channel_broken else "refused one message for good"
        queue_notice(
            self.database,
            self.rules,
            f"channel:{row.channel}:{what}:{now:%Y-%m-%d}",
            f"{row.channel} {what}: {error.message}",
            error.remedy or "see earful status; earful alert resend sends it once more",
            now,
            not_on=row.channel,
        )


def queue_notice(
    database: Database, rules: Rules, key: str, title: str, remedy: str, now: datetime, *, not_on: str = ""
) -> None:
    """Tell the operator something, once for each key; on another channel where one is at fault itself."""
    everywhere = [*rules.settings.earful.operator, *rules.settings.alerts.fallback, *rules.settings.alerts.notify]
    targets = [target for target in rules.settings.earful.operator if target.partition(":")[0] != not_on]
    if not targets:
        targets = [target for target in everywhere if target.partition(":")[0] != not_on][:1] or everywhere[:1]
    deliveries.queue(
        database,
        [
            deliveries.new_row(
                about=f"notice:{key}",
                target=target,
                now=now,
                due_at=now,
                reason="notice",
                payload={"title": title, "remedy": remedy},
            )
            for target in targets
        ],
    )


def _kept(row: Delivery) -> dict[str, Any]:
    return {key: value for key, value in row.payload.items() if key in {"ping", "cases", "footer", "owner"}}


def _address(row: Delivery) -> str:
    return row.target.partition(":")[2]


def _wait(attempts: int, asked: float | None) -> timedelta:
    """How long to wait before the next attempt: what the channel asks, else growing steps with a little chance."""
    if asked is not None:
        return timedelta(seconds=min(max(asked, 1.0), 3600.0))
    step = _STEPS[min(attempts, len(_STEPS) - 1)]
    return timedelta(seconds=step * random.uniform(0.8, 1.2))  # noqa: S311 - so that many do not come back together


def resend_dead(database: Database, now: datetime) -> int:
    """Send dead letters once more; how many."""
    with database.transaction():
        for name in deliveries.channel_health(database):
            deliveries.channel_mended(database, name)
        return deliveries.revive(database, now)


__all__: Sequence[str] = ("Alerting", "Job", "queue_notice", "resend_dead")
