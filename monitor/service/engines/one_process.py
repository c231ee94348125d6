"""One process by itself: APScheduler's ticks, in UTC and with intervals only, and threads for what they hand on.

The number of threads is bounded by the number of sources and channels: each is served by one thread at a time.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from monitor.service.engines.threads import Threads
from monitor.service.heartbeat import Heartbeat
from monitor.service.unfinished import Unfinished
from monitor.service.work import WATCHED, Job, Tick
from monitor.store.connect import reason
from monitor.timeouts import Overran, within

log = logging.getLogger("earful.engine")

_LOOK = 1.0  # seconds between two looks at the clock


class OneProcess:
    """Runs all ticks and jobs in this process. `begins` is when, by the clock of the machine: APScheduler's."""

    def __init__(
        self,
        ticks: Sequence[Tick],
        jobs: Sequence[Job],
        heartbeat: Heartbeat,
        begins: Callable[[], datetime],
        unfinished: Unfinished | None = None,
    ) -> None:
        """`unfinished` knows of which jobs processes died."""
        self._unfinished = unfinished
        self.heartbeat = heartbeat
        self._ticks = ticks
        self._jobs = {job.name: job for job in jobs}
        self._begins = begins
        self._threads = Threads()
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={name: ThreadPoolExecutor(1) for name in dict.fromkeys(tick.pool for tick in ticks)},
            # Its default of one second silently skips runs when a pool is busy.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._stopped = threading.Event()
        self._scheduler.add_listener(self._trouble, EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)

    def start(self) -> None:
        """Begin to tick; one moment for all: it wakes once for what falls together."""
        begins = self._begins()
        for tick in self._ticks:
            if tick.pool in WATCHED:
                self.heartbeat.beat(tick.pool)
            self._scheduler.add_job(
                partial(self._turn, tick),
                "interval",
                seconds=tick.seconds,
                id=tick.name,
                executor=tick.pool,
                next_run_time=begins + timedelta(seconds=tick.after),
            )
        self._scheduler.start()
        threading.Thread(target=self._mind_the_clock, args=(begins,), name="clock", daemon=True).start()

    def _mind_the_clock(self, last: datetime) -> None:
        """Have all ticks come at once where the clock is set back, an hour say: APScheduler, which goes by it alone,
        would do nothing until the old time has come again."""
        while not self._stopped.wait(_LOOK):
            now = self._begins()
            if now < last:
                log.warning("the clock of this machine was set back; what is due is looked for at once")
                for tick in self._ticks:
                    with suppress(JobLookupError):  # it is just being stopped
                        self._scheduler.modify_job(tick.name, next_run_time=now)
            last = now

    def _turn(self, tick: Tick) -> None:
        """One tick, and the word that its pool still turns, whatever became of it."""
        try:
            tick.work()
        finally:
            if tick.pool in WATCHED:
                self.heartbeat.beat(tick.pool)

    def hand_on(self, job: str, *names: str) -> bool:
        """Begin it in a thread of its own, unless it runs or rests."""
        wanted = self._jobs[job]
        name, work = wanted.named(names), partial(wanted.work, *names)
        if self._unfinished is None or wanted.works_off:
            return self.spawn(name, work)
        if self._unfinished.rests(name, self._begins()):
            return False
        return self.spawn(name, partial(self._noted, self._unfinished, name, work))

    def _noted(self, unfinished: Unfinished, name: str, work: Callable[[], object]) -> None:
        if unfinished.begin(name, self._begins()):
            try:
                work()
            finally:
                unfinished.end(name)

    def spawn(self, name: str, work: Callable[[], object]) -> bool:
        """Begin it in a thread of that name, unless one runs."""
        return self._threads.spawn(name, work)

    def running(self) -> tuple[str, ...]:
        """The names of the threads."""
        return self._threads.names()

    def stop_ticking(self, within_seconds: float) -> bool:
        """Stop ticking; a tick that runs is waited for: it may be in the middle of a transaction."""
        self._threads.end()
        self._stopped.set()
        if self._scheduler.running:
            try:
                within(within_seconds, self._scheduler.shutdown, "stop-ticks")
            except Overran:
                return False
        return True

    def wait(self, within_seconds: float) -> bool:
        """Wait for the threads."""
        ended = self._threads.wait(within_seconds)
        if self._unfinished is not None:
            self._unfinished.leave()
        return ended

    @staticmethod
    def _trouble(event: JobExecutionEvent) -> None:
        error = getattr(event, "exception", None)
        if error is not None:
            log.error("%s failed: %s; Earful will retry next time", event.job_id, reason(error))
            log.debug("%s failed", event.job_id, exc_info=error)
