"""Programs are told of every case, by the webhooks of the settings: each event once under its id, in order for a case.

Outside the measure of noise, briefs and quiet times: a program does not sleep. What a program does not take is kept for
14 days and up to 100,000 events; what goes beyond is told as one `events.lost` as soon as it answers again.

Of several processes one tells a program, under a lease that outlasts what it sends: so their order holds.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from hashlib import blake2b
from typing import Any

from alerts import CaseEvent, Channel, ChannelError, TellsPrograms
from alerts.wording import with_remedy
from monitor.notify import case_words
from monitor.notify.system_notices import queue_notice
from monitor.settings.rules import Rules
from monitor.store import case_log, cases, deliveries, events, mentions
from monitor.store.database import Database, Row
from monitor.store.events import Owed, Reader
from monitor.store.leases import Lease, Leases
from monitor.timeouts import Overran, within

log = logging.getLogger("earful.events")

KEPT = timedelta(days=14)
MOST = 100_000  # events kept for one program
TELL_AT = 10  # the operator is told when a tenth of either bound is reached
LEASE = timedelta(seconds=15)  # beyond the time that one event may take
_STEPS = (5, 15, 60, 300, 900, 1800)  # seconds before a program is asked again
_HELD = (60, 300, 1800, 7200, 21600)  # seconds that a case waits whose event was refused


class EventSender:
    """Tells programs. One is made for a set of rules; each program is told by one thread at a time."""

    def __init__(
        self,
        database: Database,
        rules: Rules,
        channels: Mapping[str, Channel],
        most: int = MOST,
        leases: Leases | None = None,
    ) -> None:
        self.database = database
        self.leases = leases or Leases(database)
        self._telling: dict[str, Lease] = {}
        self.rules = rules
        self.most = most
        self._programs = {name: channel for name, channel in channels.items() if isinstance(channel, TellsPrograms)}
        self._deadlines = {each.name: each.deadline.total_seconds() for each in rules.settings.channels}
        self._busy = {name: threading.Lock() for name in self._programs}

    def due(self, now: datetime) -> list[str]:
        """Programs that are owed something now, and that no thread and no other process is telling."""
        found = []
        for reader in events.readers(self.database) if self._programs else ():
            held = reader.next_try_at is not None and reader.next_try_at > now
            if reader.name not in self._programs or held or self._busy[reader.name].locked():
                continue
            if reader.lost[2] or events.owed(self.database, reader.name, now, 1):
                found.append(reader.name)
        told = self.leases.others() if found else frozenset()
        return [name for name in found if lease_of(name) not in told]

    def serve(self, name: str, clock: Callable[[], datetime], most: int = 500) -> int:
        """Tell one program what it is owed, at most so many events; how many it took."""
        lock = self._busy[name]
        if not lock.acquire(blocking=False):
            return 0
        try:
            return self._serve(name, clock, most)
        finally:
            try:
                if (held := self._telling.pop(name, None)) is not None:
                    self.leases.release(held)
            finally:  # also where that can't be written down: else this process would never tell the program again
                lock.release()

    def _held(self, name: str) -> int | None:
        """The fence under which this process tells the program, None where it does not.

        What is begun now has ended before another may begin. With another fence than before somebody else may have told
        it something meanwhile.
        """
        longest = timedelta(seconds=self._deadlines[name])
        held = self.leases.go_on(lease_of(name), self._telling.get(name), LEASE + longest, longest)
        if held is None:
            self._telling.pop(name, None)
            return None
        self._telling[name] = held
        return held.fence

    def _serve(self, name: str, clock: Callable[[], datetime], most: int) -> int:
        fence = self._held(name)
        reader = next((each for each in events.readers(self.database) if each.name == name), None)
        if fence is None or reader is None or (reader.lost[2] and not self._tell_loss(reader, clock)):
            return 0
        taken = 0
        while taken < most and self._held(name) == fence:
            batch = events.owed(self.database, name, clock())
            if not batch:
                break
            for each in batch:
                if not self._tell(name, each, fence, clock):
                    return taken
                taken += 1
        return taken

    def _tell(self, name: str, owed: Owed, fence: int, clock: Callable[[], datetime]) -> bool:
        """Tell one event. False when the program should be left alone for now."""
        row = cases.row_of(self.database, owed.case_id)
        if self._programs[name].only_called and not (row is not None and self._called(name, row)):
            with self.database.transaction():
                events.taken(self.database, name, owed.n)
            return True
        event = CaseEvent(
            id=owed.id,
            name=owed.name,
            sequence=owed.n,
            at=owed.at,
            who=owed.who,
            why=owed.why,
            case=self._case(row, clock()) if row is not None else {},
        )
        if self._held(name) != fence:
            return False
        error = self._send(name, event)
        with self.database.transaction():
            if error is None:
                events.taken(self.database, name, owed.n)
                return True
            if error.permanent or error.too_large:
                wait = _HELD[min(owed.tries, len(_HELD) - 1)]
                events.hold(self.database, owed.n, clock() + timedelta(seconds=wait))
                if not owed.tries:
                    self._announce(
                        f"refused:{owed.id}",
                        f"{name} refuses the event {owed.name} of case {owed.case_id}",
                        error,
                        clock(),
                    )
                log.warning("%s: refused %s of case %s (%s)", name, owed.name, owed.case_id, error.message)
                return True
            self._failed(name, error, clock())
        return False

    def _called(self, name: str, row: Row) -> bool:
        """Whether a channel called people about this case, or about others of its story in one message."""
        told = deliveries.messages_of_stories(self.database, [row["story_id"]])
        return any(each.channel == name and each.state in {"sent", "inflight", "unknown"} for each in told)

    def _tell_loss(self, reader: Reader, clock: Callable[[], datetime]) -> bool:
        first, last, count = reader.lost
        made_of = f"{reader.name}|{first}|{last}|{count}"
        event = CaseEvent(
            id=blake2b(made_of.encode(), digest_size=12).hexdigest(),
            name="events.lost",
            sequence=last,
            at=clock(),
            lost={"from": first, "to": last, "count": count},
        )
        error = self._send(reader.name, event)
        with self.database.transaction():
            if error is None:
                events.told_of_loss(self.database, reader.name, reader.lost)
                return True
            self._failed(reader.name, error, clock())
        return False

    def _send(self, name: str, event: CaseEvent) -> ChannelError | None:
        program = self._programs[name]
        try:
            within(self._deadlines[name], partial(program.tell, event), f"event-{name}")
        except ChannelError as error:
            return error
        except Overran as error:
            return ChannelError(str(error), outcome_unknown=True)
        return None

    def _failed(self, name: str, error: ChannelError, now: datetime) -> None:
        reader = next(each for each in events.readers(self.database) if each.name == name)
        wait = error.retry_after or _STEPS[min(reader.failures, len(_STEPS) - 1)]
        events.failed(self.database, name, error.message[:500], now + timedelta(seconds=min(wait, 3600)))
        log.warning("%s: not accepting events: %s", name, with_remedy(error.message, error.remedy))

    def tick(self, now: datetime) -> None:
        """Note what has become overdue, give up what is beyond the bounds, and tell the operator at a tenth of them."""
        while True:
            with self.database.transaction():
                late = events.newly_overdue(self.database, now)
                case_log.add(self.database, [case_log.new_row(case, now, "overdue", way="clock") for case in late])
            if not late:
                break
        for reader in events.readers(self.database) if self._programs else ():
            with self.database.transaction():
                lost = events.trim(self.database, reader.name, now - KEPT, self.most)
                if lost:
                    log.error("%s: %d events were not accepted in time and are dropped", reader.name, lost)
                self._warn(reader, now)

    def _warn(self, reader: Reader, now: datetime) -> None:
        owed, oldest = events.waiting(self.database, reader.name)
        if oldest is None or (owed < self.most / TELL_AT and now - oldest < KEPT / TELL_AT):
            return
        error = ChannelError(reader.error or "it accepts events more slowly than they happen")
        what = f"{reader.name} is behind by {owed:,} events, the oldest from {oldest:%d %b %H:%M} UTC"
        self._announce(f"{reader.name}:{now:%Y-%m-%d}", what, error, now)

    def _announce(self, key: str, what: str, error: ChannelError, now: datetime) -> None:
        remedy = error.remedy or "check the receiver; events are kept for 14 days, 100,000 at most"
        queue_notice(self.database, self.rules, f"events:{key}", f"{what}: {error.message}", remedy, now)

    def _case(self, row: Row, now: datetime) -> Mapping[str, Any]:
        """The case as it stands now, for programs: stable keys, times in UTC, empty text where nothing is known."""
        case = cases.case_of(row)
        worst = case_words.worst_of(mentions.of_case(self.database, case.id))
        base = self.rules.settings.earful.page_url.rstrip("/")

        def moment(value: datetime | None) -> str:
            return value.isoformat() if value is not None else ""

        return {
            "id": case.id,
            "brand": case.brand,
            "source": case.source,
            "author": case.author,
            "words": (worst.post.text or worst.post.title) if worst else "",
            "post_url": worst.post.url if worst else "",
            "page_url": f"{base}/cases/{case.id}",
            "priority": case.priority,
            "needs_answer": case.lane == "ping",
            "state": case.state_at(now),
            "owner": case.owner,
            "posted_at": moment(case.first_posted_at),
            "opened_at": moment(case.opened_at),
            "due_at": moment(case.due_at),
            "answered_at": moment(case.answered_at),
            "answered_by": case.answered_by,
            "answer_url": row["answer_url"],
            "closed_at": moment(case.closed_at),
            "outcome": case.outcome,
        }


def lease_of(program: str) -> str:
    """The name of the lease by which one process tells a program."""
    return f"events:{program}"
