"""Sends what the outbox gives out, one channel at a time, and writes down how it ended.

Claim, send, finish. A row is marked in flight before the socket is touched; what may have arrived is looked up where
the channel can, and otherwise sent again under the same key.

Of several processes one at a time serves a channel, by a lease; the next waits for the time between two messages. What
is claimed leaves while the claim lasts, or not at all: a process that was frozen, or cut off, finds that its time is
over, and another looks first.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from alerts import Alert, Channel, ChannelError, Editor, LooksUp, Receipt
from alerts.wording import with_remedy
from monitor.notify import rendering, repeats
from monitor.notify.fallback import say_what_works
from monitor.notify.outbox import LOOK_UPS, Job, Outbox
from monitor.notify.system_notices import queue_notice
from monitor.settings.rules import Rules
from monitor.store import case_log, channel_health, deliveries
from monitor.store.database import Database, encode
from monitor.store.deliveries import Delivery
from monitor.store.leases import Lease, Leases
from monitor.timeouts import Overran, within
from monitor.types import SignedLink

log = logging.getLogger("earful.alerting")

Outcome = Literal["go on", "leave the target", "leave the channel"]
FAULTS = 3  # unexpected faults with one message before it becomes a dead letter
_UNSURE = (3, 5, 10, 20, 60, 300, 900, 1800)
LEASE = timedelta(seconds=15)  # of a channel, beyond the time that one message may take
_STEPS = (15, 30, 60, 120, 300, 600, 1800)


class Alerting:
    """Sends. One is made for a set of rules; each channel is served by one thread at a time."""

    def __init__(
        self,
        database: Database,
        rules: Rules,
        channels: Mapping[str, Channel],
        link: SignedLink = rendering.no_link,
        leases: Leases | None = None,
    ) -> None:
        self.database = database
        self.rules = rules
        self.channels = channels
        self.link = link
        self.leases = leases or Leases(database)
        self._outbox = Outbox(database, rules, channels, link, self.leases.steady)
        self._settings = {channel.name: channel for channel in rules.settings.channels}
        self._busy = {name: threading.Lock() for name in channels}
        self._last: dict[str, datetime] = {}

    def due(self, now: datetime) -> list[str]:
        """Channels that owe something now to a target that is not held back, and that no thread is serving."""
        owed = deliveries.due_targets(self.database, now)
        if not owed:  # four times a second, as a rule
            return []
        standing = channel_health.standing(self.database)
        names = dict.fromkeys(
            channel for channel, target in owed if channel in self.channels and not standing.held(target, now)
        )
        served = self.leases.others() if names else frozenset()
        return [name for name in names if not self._busy[name].locked() and lease_of(name) not in served]

    def serve(self, name: str, clock: Callable[[], datetime], most: int = 50) -> int:
        """Send what is due on one channel, at most `most` messages; how many were tried."""
        lock = self._busy[name]
        if not lock.acquire(blocking=False):
            return 0
        try:
            return self._serve(name, clock, most)
        finally:
            lock.release()

    def _serve(self, name: str, clock: Callable[[], datetime], most: int) -> int:
        held, tried = self._leased(name, None), 0
        if held is None:
            return 0
        try:
            for target in self._targets(name, clock()):
                while tried < most and (held := self._leased(name, held)) is not None:
                    job = self._outbox.claim(target, clock(), only_edits=not self._spaced(target, clock()))
                    if job is None:
                        break
                    tried += 1
                    outcome = self._attempt(job, clock)
                    if outcome == "leave the channel":
                        return tried
                    if outcome == "leave the target":
                        break
                if held is None:
                    break
        finally:
            if held is not None:
                self.leases.release(held, timedelta(seconds=self.channels[name].seconds_between if tried else 0))
        return tried

    def _leased(self, name: str, held: Lease | None) -> Lease | None:
        """The lease under which this process serves the channel: what begins now ends before another may begin."""
        longest = self._settings[name].deadline
        return self.leases.go_on(lease_of(name), held, longest + LEASE, longest)

    def _targets(self, name: str, now: datetime) -> list[str]:
        """The targets of a channel to which something is due; what fails comes last: it may take its whole deadline."""
        standing = channel_health.standing(self.database)
        found = [
            target
            for channel, target in deliveries.due_targets(self.database, now)
            if channel == name and not standing.held(target, now)
        ]
        return sorted(found, key=lambda target: (standing.failing(target), target))

    def _spaced(self, target: str, now: datetime) -> bool:
        last = self._last.get(target)
        wait = self.channels[target.partition(":")[0]].seconds_between
        return last is None or now < last or now - last >= timedelta(seconds=wait)

    def _attempt(self, job: Job, clock: Callable[[], datetime]) -> Outcome:
        """Send one claimed message and write down the end."""
        channel = self.channels[job.delivery.channel]
        deadline = self._settings[job.delivery.channel].deadline.total_seconds()
        started = clock()
        if not self._outbox.in_place(job.delivery):
            self._last[job.delivery.target] = started
        try:
            found = self._look_up(channel, job, deadline, clock())
        except ChannelError as error:
            return self._failed(job, error, clock(), sent=False)
        if found is None and self.leases.steady() >= job.leaves_by:
            return self._too_late(job, clock())
        try:
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
                remedy="please report this, with the log",
            )
            return self._failed(job, fault, clock(), ours=True)
        self._sent(job, receipt, clock(), looked_up=found is not None)
        return "go on"

    def _too_late(self, job: Job, now: datetime) -> Outcome:
        """It has not left, and must not any more: whoever claims it next may begin at any moment."""
        state = "unknown" if job.unsure else "retry"
        with self.database.transaction():
            deliveries.finish(self.database, job.delivery.id, job.fence, state, due_at=now)
        log.warning("%s: not sent: this process stood still for too long; it is sent anew", job.delivery.target)
        return "leave the channel"

    def _look_up(self, channel: Channel, job: Job, deadline: float, now: datetime) -> Receipt | None:
        """Whether a message whose fate is unknown has arrived; None when it is to be sent (again)."""
        if not job.unsure or job.delivery.claimed_at is None or not isinstance(channel, LooksUp):
            return None
        sent = repeats.sendings(job.payload)
        since = min([job.delivery.claimed_at, *sent]) - timedelta(minutes=1)
        below = job.below if isinstance(channel, Editor) else ""
        try:
            found = within(
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
            again = repeats.next_at(job.payload, now)
            if job.delivery.attempts >= LOOK_UPS and again is not None and again <= now:
                return None
            wait = error.retry_after if isinstance(error, ChannelError) else None
            raise ChannelError(
                f"can't tell whether the message arrived; looking it up failed: {error}",
                outcome_unknown=True,
                retry_after=wait,
            ) from error
        if found is None:
            job.payload["sends"] = []  # none of them arrived
        return found

    def _send(self, channel: Channel, job: Job) -> Receipt:
        target = _address(job.delivery)
        message = job.message
        if isinstance(message, Alert) and isinstance(channel, Editor):
            if job.delivery.action == "edit" and job.root.receipt:
                return channel.edit(message, target, Receipt(job.root.receipt))
            if job.below:
                return channel.follow_up(message, target, Receipt(job.below))
        return channel.send(message, target, plain=job.delivery.plain)

    def _sent(self, job: Job, receipt: Receipt, now: datetime, *, looked_up: bool) -> None:
        row = job.delivery
        carried = job.earlier if looked_up else job.carried
        with self.database.transaction():
            if not deliveries.finish(
                self.database, row.id, job.fence, "sent", sent_at=now, receipt=receipt.reference, error=""
            ):
                return  # the lease ran out, and another sender has it
            deliveries.finish_carried(self.database, carried, "sent", now)
            self._works(row.target, now)
            if looked_up:  # what has happened since it left is not in it
                deliveries.show_newer(self.database, job.root, now)
            case_log.add(
                self.database,
                [
                    case_log.new_row(
                        case, now, "told", way=row.target, step=row.step, reason=row.reason, action=row.action
                    )
                    for case in job.cases
                ],
            )
        log.info("%s: %s sent (%s)", row.target, row.about.partition(":")[0], row.reason)

    def _works(self, target: str, now: datetime) -> None:
        """A message has reached this target. If it failed before, that is over, and what waits for it is due now."""
        standing = channel_health.standing(self.database)
        if not standing.reachable(target):
            deliveries.release(self.database, target, now)
            say_what_works(self.database, self.rules, standing, target, now)
        channel_health.worked(self.database, target, now)

    def _failed(
        self, job: Job, error: ChannelError, now: datetime, *, ours: bool = False, sent: bool = True
    ) -> Outcome:
        """Decide what follows from a failure. The error says what it knows; waiting is decided here.

        What failed for a passing reason waits, however long: only what the far side refuses for good is given up, and
        that is told. A fault that is `ours` concerns one message: the target goes on with the others.
        """
        row = job.delivery
        for_good = error.permanent or (error.too_large and row.plain)
        concerns_message = for_good or error.too_large or ours
        state, plain = "retry", row.plain
        due_at = now + _wait(row.attempts, error.retry_after)
        if error.too_large and not row.plain:
            due_at, plain = now, True
            state = "unknown" if error.outcome_unknown else state
        elif for_good:
            state = "dead"
        elif error.outcome_unknown:
            state, due_at, error = self._unsure(job, error, now, sent=sent)
        # A message that grew as old as retention, and that its service does not let us change any more.
        too_old = row.reason == deliveries.FORGOTTEN and not row.urgent
        not_needed = state == "dead" and (too_old or (error.gone and row.action == "edit"))
        said = f"{deliveries.NOT_NEEDED}: {error.message}" if not_needed else error.message
        with self.database.transaction():
            if not deliveries.finish(
                self.database,
                row.id,
                job.fence,
                state,
                due_at=due_at,
                error=said[:500],
                plain=int(plain),
                payload=encode(job.payload),
            ):
                return "go on"
            if state == "dead" and not not_needed:
                deliveries.finish_carried(self.database, job.carried, "dead", now, error.message[:500])
                self._announce(row, error, now)
            if not concerns_message:
                self._hold_back(row, error, now)
        log.warning("%s: not sent: %s", row.target, with_remedy(error.message, error.remedy))
        if concerns_message:
            return "go on"
        return "leave the channel" if error.channel_broken else "leave the target"

    def _unsure(
        self, job: Job, error: ChannelError, now: datetime, *, sent: bool
    ) -> tuple[str, datetime, ChannelError]:
        """What becomes of a message that may have arrived: it is looked up, or sent again a few times, ever later."""
        if sent:
            job.payload.update(repeats.noted(job.payload, now))
        due_at = now + self._unsure_wait(job.delivery, error)
        if isinstance(self.channels[job.delivery.channel], LooksUp):
            return "unknown", due_at, error
        again = repeats.next_at(job.payload, now)
        if again is None:
            return "dead", now, ChannelError(f"{repeats.GIVEN_UP}: {error.message}", outcome_unknown=True)
        return "unknown", max(due_at, again), error

    @staticmethod
    def _unsure_wait(row: Delivery, error: ChannelError) -> timedelta:
        """Soon at first, to look it up; then ever later, since each further try may be a repeat."""
        if error.retry_after:
            return _wait(row.attempts, error.retry_after)
        return timedelta(seconds=_UNSURE[min(row.attempts, len(_UNSURE) - 1)])

    def _hold_back(self, row: Delivery, error: ChannelError, now: datetime) -> None:
        """What refuses or is down is not hammered with everything that waits for it: the target, or with a refused key
        the whole channel. The other targets of the channel are served as ever.
        """
        name = row.channel if error.channel_broken else row.target
        health = channel_health.standing(self.database).of(name)
        failures = health.failures if health is not None else 0
        if error.channel_broken or error.target_broken:
            next_try = now + min(timedelta(minutes=5) * 2 ** min(failures, 5), timedelta(minutes=30))
        elif error.retry_after:
            next_try = now + timedelta(seconds=min(error.retry_after, 3600))
        elif error.outcome_unknown:
            next_try = now + self._unsure_wait(row, error)
        else:
            next_try = now + _wait(failures, None)
        broken = error.channel_broken or error.target_broken
        channel_health.failed(self.database, name, now, error.message[:500], error.remedy, next_try, broken=broken)

    def _announce(self, row: Delivery, error: ChannelError, now: datetime) -> None:
        """A message that its target refused for good is told of elsewhere, once a day."""
        if row.about.startswith("notice:"):
            return
        queue_notice(
            self.database,
            self.rules,
            f"refused:{row.target}:{now:%Y-%m-%d}",
            f"{row.target} refused a message permanently: {error.message}",
            error.remedy or "see earful status; resend with: earful alert resend",
            now,
            not_on=row.target,
        )


def lease_of(channel: str) -> str:
    """The name of the lease by which one process serves a channel."""
    return f"channel:{channel}"


def _address(row: Delivery) -> str:
    return row.target.partition(":")[2]


def _wait(attempts: int, asked: float | None) -> timedelta:
    """How long to wait before the next attempt: what the channel asks, else growing steps with a little chance."""
    if asked is not None:
        return timedelta(seconds=min(max(asked, 1.0), 3600.0))
    step = _STEPS[min(attempts, len(_STEPS) - 1)]
    return timedelta(seconds=step * random.uniform(0.8, 1.2))  # noqa: S311 - so that many do not come back together
