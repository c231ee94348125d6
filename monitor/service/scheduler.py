"""Runs what Earful does by itself until it is stopped: the ticks, by the engine that fits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from monitor.notify.system_notices import queue_notice
from monitor.service import set_clock
from monitor.service.clock_check import ClockCheck
from monitor.service.engines.by_hand import ByHand
from monitor.service.engines.interface import Scheduler
from monitor.service.engines.one_process import OneProcess
from monitor.service.heartbeat import Heartbeat
from monitor.service.ticks import Ticks
from monitor.service.unfinished import Unfinished, folder_of
from monitor.service.work import ROLES, Role
from monitor.store import deliveries, job_tables
from monitor.store.connect import Error
from monitor.store.postgresql import Postgresql
from monitor.wiring import Assembly

_BESIDE_THEM = 24  # jobs at a time beside one for each source and channel: those that are ticks


def utc_now() -> datetime:
    """The clock of everything that runs by itself."""
    return set_clock.shown(datetime.now(UTC))


def _by_this_machine() -> datetime:
    return datetime.now(UTC)


class Engine(Ticks):
    """Runs an assembly until it is stopped. `clock` is the only clock there is.

    With `beside` off, what a tick would hand on is done before the tick returns, and what goes wrong in it is raised:
    for whoever lets time pass by calling the ticks. Raises DatabaseUnusable where the library of jobs is missing.
    """

    def __init__(
        self,
        assembly: Assembly,
        clock: Callable[[], datetime] = utc_now,
        *,
        beside: bool = True,
        roles: Sequence[Role] = ROLES,
    ) -> None:
        clock_check = ClockCheck.of_machine() if clock is utc_now else ClockCheck.of_clock(clock)
        super().__init__(assembly, clock, clock_check, self._have_done, self._have_done_here)
        self.heartbeat = Heartbeat()
        self.roles = tuple(roles)
        self._take_role(assembly)
        if beside and isinstance(assembly.database, Postgresql):
            job_tables.need()
        self._beside = beside
        self._made: Scheduler | None = None

    def replace(self, assembly: Assembly) -> None:
        """Go on under other settings (the database stays)."""
        self._take_role(assembly)
        super().replace(assembly)

    def _take_role(self, assembly: Assembly) -> None:
        assembly.collector.judging.elsewhere = "judge" not in self.roles

    @property
    def _scheduler(self) -> Scheduler:
        """Made when it is first needed: with the ticks as they are then."""
        if self._made is None:
            self._made = self._fitting()
        return self._made

    def _fitting(self) -> Scheduler:
        """On PostgreSQL always the engine of many processes: nobody knows whether another one is started."""
        if not self._beside:
            return ByHand(self.jobs())
        settings, database = self.assembly.settings, self.assembly.database
        unfinished = Unfinished(folder_of(settings), self._tell_of_deaths)
        if not isinstance(database, Postgresql):
            return OneProcess(self.ticks(), self.jobs(), self.heartbeat, _by_this_machine, unfinished)
        from monitor.service.engines.many_processes import ManyProcesses

        at_once = len(settings.sources) + len(settings.channels) + _BESIDE_THEM
        return ManyProcesses(
            self.ticks(), self.jobs(), self.roles, database, self.heartbeat, _by_this_machine,
            tell=self._tell_of_deaths, leases=self.assembly.leases, at_once=at_once, unfinished=unfinished,
        )  # fmt: skip

    def _tell_of_deaths(self, job: str) -> None:
        """Processes that did this job died, one after the other."""
        now = self.clock()
        with self.assembly.database.transaction():
            queue_notice(
                self.assembly.database, self.assembly.rules, f"deaths:{job}:{now.isoformat()}",
                f"{job} was left unfinished by three processes in a row; it rests for an hour",
                "everything else goes on; please report it, with the logs of these processes and of the system",
                now,
            )  # fmt: skip

    def _have_done(self, job: str, *names: str) -> bool:
        return not self.stopping.is_set() and self._scheduler.hand_on(job, *names)

    def _have_done_here(self, name: str, work: Callable[[], object]) -> bool:
        return not self.stopping.is_set() and self._scheduler.spawn(name, work)

    def start(self) -> None:
        """Take up what a former process left in flight, and begin to tick."""
        with self.assembly.database.transaction():
            alone = self.assembly.database.one_writer
            deliveries.recover(self.assembly.database, self.clock(), all_of_them=alone)
        self._scheduler.start()

    def running(self) -> tuple[str, ...]:
        """The names of what this process is doing beside its ticks."""
        return self._scheduler.running()

    def stop(self, within_seconds: float = 20.0) -> bool:
        """Stop ticking, let what is in flight end; whether everything ended in time."""
        self.stopping.set()
        end = time.monotonic() + within_seconds
        ticked = self._scheduler.stop_ticking(within_seconds)
        self.listening.stop()
        whole = self._scheduler.wait(max(end - time.monotonic(), 0.0)) and ticked
        if whole:
            with suppress(*Error):  # then they end by themselves
                self.assembly.leases.release_all()
        return whole
