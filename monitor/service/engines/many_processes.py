"""Many processes on one PostgreSQL: who has the lease of a role looks what is due, whoever has the role does it.

What each process does for itself runs by its own clockwork. So does what is due every few seconds, in the process that
holds the lease of the role: a row for each turn would be a row each quarter of a second. What is due less often is a
periodic job, and what is handed on is a job with a lock: those any process of the role may do.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from monitor.service.engines.one_process import OneProcess
from monitor.service.engines.queue import Pace, Queue
from monitor.service.heartbeat import Heartbeat
from monitor.service.unfinished import Unfinished
from monitor.service.work import Job, Role, Tick
from monitor.store.connect import Error
from monitor.store.leases import Lease, Leases
from monitor.store.postgresql import Postgresql

log = logging.getLogger("earful.engine")

SELDOM = 10.0  # seconds; what is due at least as seldom is a periodic job
LASTS = timedelta(seconds=20)  # the lease of a role; another process has it 25 seconds after its holder died
RENEW = 5.0  # seconds
STUCK = 60.0  # seconds after which a look that has not come back costs its process the lead


class ManyProcesses:
    """Runs ticks and jobs of its `roles` together with the other processes on this database."""

    def __init__(
        self,
        ticks: Sequence[Tick],
        jobs: Sequence[Job],
        roles: Sequence[Role],
        database: Postgresql,
        heartbeat: Heartbeat,
        begins: Callable[[], datetime],
        *,
        tell: Callable[[str], None] = lambda _job: None,
        leases: Leases | None = None,
        at_once: int = 64,
        seldom: float = SELDOM,
        pace: Pace | None = None,
        stuck: float = STUCK,
        unfinished: Unfinished | None = None,
    ) -> None:
        """`at_once` bounds its jobs, `leases` are this process's; ticks each `seldom` seconds or more are jobs.

        A tick that has not come back for `stuck` seconds leaves it to another process to look. `tell` is given the name
        of a job of which processes died, and which rests; of those that stay in this process `unfinished` knows.
        """
        self._leases = leases or Leases(database)
        self._jobs = {job.name: job for job in jobs}
        self._led: dict[str, Lease] = {}
        self._looks: dict[str, tuple[str, float]] = {}  # of those that run: the lease, and since when
        self._stuck = stuck
        ours = [tick for tick in ticks if tick.is_for(roles)]
        led = [tick for tick in ours if tick.lock and tick.seconds < seldom]
        periodic = [tick for tick in ours if tick.lock and tick.seconds >= seldom]
        self._wanted = [*dict.fromkeys(f"lead:{tick.role}" for tick in led), "lead:jobs"]
        local = [
            Tick("lead", RENEW, self._renew, "lead"),
            *(tick for tick in ours if not tick.lock),
            *(replace(tick, work=partial(self._if_led, tick)) for tick in led),
        ]
        self._here = OneProcess(local, jobs, heartbeat, begins, unfinished)
        self._queue = Queue(
            database, self._leases.holder, roles, periodic,
            [job for job in jobs if job.lock and job.role in roles], at_once, heartbeat, partial(self.leads, "jobs"),
            tell, pace or Pace(),
        )  # fmt: skip

    def start(self) -> None:
        """Begin to tick, and to take jobs."""
        self._here.start()
        self._queue.start()

    def leads(self, what: str) -> bool:
        """Whether this process is the one that looks what is due for a role."""
        lease = self._led.get(f"lead:{what}")
        return lease is not None and self._leases.holds(lease)

    def _if_led(self, tick: Tick) -> None:
        if not self.leads(str(tick.role)):
            return
        self._looks[tick.name] = f"lead:{tick.role}", time.monotonic()
        try:
            tick.work()
        finally:
            del self._looks[tick.name]

    def _renew(self) -> None:
        """Keep what leases this process has, and take those that nobody has; none under which it is stuck."""
        late = time.monotonic() - self._stuck
        stuck = {lease: tick for tick, (lease, since) in list(self._looks.items()) if since < late}
        for name in self._wanted:
            if name in stuck and name in self._led:
                log.warning("%s has not come back for %g s; another process may look", stuck[name], self._stuck)
            lease = self._leases.take(name, LASTS) if name not in stuck else None
            if lease is not None:
                self._led[name] = lease
            else:
                self._led.pop(name, None)

    def hand_on(self, job: str, *names: str) -> bool:
        """Put it into the queue of its role; what has no lock is done in this process."""
        wanted = self._jobs[job]
        return self._queue.put(wanted, names) if wanted.lock else self._here.hand_on(job, *names)

    def spawn(self, name: str, work: Callable[[], object]) -> bool:
        """Begin it in a thread of this process."""
        return self._here.spawn(name, work)

    def running(self) -> tuple[str, ...]:
        """The names of what this process does, as jobs and beside them."""
        return tuple(sorted({*self._here.running(), *self._queue.running()}))

    def stop_ticking(self, within_seconds: float) -> bool:
        """Take no more jobs, stop ticking, and let others lead at once."""
        self._queue.stop()
        ticked = self._here.stop_ticking(within_seconds)
        if ticked:
            for lease in self._led.values():
                with suppress(*Error):  # then it ends by itself; what is in flight is waited for all the same
                    self._leases.release(lease)
            self._led = {}
        return ticked

    def wait(self, within_seconds: float) -> bool:
        """Wait for what is in flight."""
        end = time.monotonic() + within_seconds
        ended = self._queue.wait(within_seconds)
        return self._here.wait(max(end - time.monotonic(), 0.0)) and ended
