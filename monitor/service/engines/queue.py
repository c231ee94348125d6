"""Jobs of many processes, by procrastinate: a loop in a thread of its own takes them, threads of ours do them.

What is due stands in the database, so a job that fails is not tried again by itself: it is logged, and handed on at its
next turn. One whose process died is taken up; one of which three died in a row rests for an hour. The library does not
heal by itself: whoever leads looks for jobs whose worker is silent.
https://procrastinate.readthedocs.io/en/stable/howto/production/retry_stalled_jobs.html
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import psycopg_pool
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import DeleteJobCondition, Status
from procrastinate.jobs import Job as Queued
from procrastinate.worker import Worker

from monitor.service.engines.threads import Threads
from monitor.service.heartbeat import Heartbeat
from monitor.service.work import WATCHED, Job, Role, Tick
from monitor.store import job_tables
from monitor.store.connect import reason
from monitor.store.postgresql import Postgresql
from monitor.store.postgresql_connections import NOTICE, AsyncConnection

log = logging.getLogger("earful.engine")

POOL = "jobs"
_WITHIN = 10.0  # seconds that opening and closing connections may take
_GRACE = 5.0  # seconds that jobs may take to end where the worker begins anew
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # "at once", whatever the clocks of two machines show
DEATHS = 3  # processes in a row that a job may leave unfinished: it may be what they die of
REST = timedelta(hours=1)
_TURN = 0.6  # of its period, after which a tick may come again: one that was late is no reason to leave out the next
_LATE = 3700  # seconds: an hourly tick that nobody has done yet is done at the start


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds after which a worker says that it lives, is taken for dead, and looks whether all is well with its jobs.

    It looks for jobs each `poll` seconds beside: those that are new wake it, those that had to wait for a lock do not.
    After a lost connection it waits for `again` seconds.
    """

    beat: float = 5.0
    silent: float = 20.0
    look: float = 5.0
    poll: float = 5.0
    again: float = 2.0


class Queue:
    """Puts jobs into the database, and does those of its roles until it is stopped."""

    def __init__(
        self,
        database: Postgresql,
        name: str,
        roles: Sequence[Role],
        periodic: Sequence[Tick],
        jobs: Sequence[Job],
        at_once: int,
        heartbeat: Heartbeat,
        leads: Callable[[], bool],
        tell: Callable[[str], None],
        pace: Pace,
    ) -> None:
        """`name` is of this process alone, which does `at_once` jobs at most.

        `leads` says whether it is to heal, `tell` people of a job that rests.
        """
        self._database = database
        self._name = name
        self._roles = roles
        self._periodic = periodic
        self._jobs = jobs
        self._at_once = at_once
        self._heartbeat = heartbeat
        self._leads = leads
        self._tell = tell
        self._pace = pace
        self._threads = Threads()
        self._held = threading.local()
        self._doing: set[int] = set()  # the numbers of the jobs that this process does; used in the loop only
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._ended.set()  # it has not begun
        self._loop: asyncio.AbstractEventLoop | None = None
        self._worker: Any = None
        self._life: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to take jobs."""
        self._ended.clear()
        threading.Thread(target=self._live, name="jobs", daemon=True).start()

    def put(self, job: Job, names: Sequence[str]) -> bool:
        """Have it done by whoever has its role; whether it was put, and does not wait or run already."""
        lock, once = job.locked(names), job.named(names)
        if getattr(self._held, "lock", "") == lock:
            job.work(*names)  # this thread holds it already
            return True
        if job_tables.stands(self._database, once):
            return False
        return job_tables.defer(self._database, job.name, job.role, lock, once, {"names": list(names)})

    def running(self) -> tuple[str, ...]:
        """The names of the jobs that this process does."""
        return self._threads.names()

    def stop(self) -> None:
        """Take no more jobs."""
        self._stopping.set()
        if (loop := self._loop) is not None:
            try:
                loop.call_soon_threadsafe(self._end_in_order)
            except RuntimeError:
                pass  # it has just ended

    def wait(self, within_seconds: float) -> bool:
        """Wait for the jobs that this process does; whether they ended in time, and are written down as such."""
        end = time.monotonic() + within_seconds
        self._ended.wait(within_seconds)
        self._threads.end()
        return self._threads.wait(max(end - time.monotonic(), 0.0)) and self._ended.is_set()

    def _end_in_order(self) -> None:
        if self._worker is not None:
            self._worker.shutdown_graceful_timeout = None
            self._worker.stop()
        elif self._life is not None:
            self._life.cancel()  # it has not begun

    def _live(self) -> None:
        """The thread of the loop. While the server is away it waits, and says so once."""
        lost = False

        def again() -> None:
            nonlocal lost
            if lost:
                log.info("jobs are taken again")
            lost = False

        try:
            while not self._stopping.is_set():
                self._heartbeat.beat(POOL)
                said = "the connection was lost"
                try:
                    asyncio.run(self._session(again))
                except (Exception, asyncio.CancelledError) as error:  # ours comes once it is to stop
                    said = reason(error.__cause__ or error)
                    log.debug("the queue of jobs failed", exc_info=error)
                if self._stopping.is_set():
                    return
                if not lost:
                    log.warning("no jobs can be taken at the moment (%s); Earful will retry", said)
                lost = True
                self._stopping.wait(self._pace.again)
        finally:
            self._ended.set()

    async def _session(self, began: Callable[[], None]) -> None:
        """One life of a worker, with connections of its own."""
        self._life = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(lambda _loop, context: log.debug("in the loop: %s", context["message"]))
        self._doing.clear()
        pool: Any = psycopg_pool.AsyncConnectionPool(
            self._database.address, min_size=1, max_size=4, open=False, name=self._name, configure=_configure,
            connection_class=AsyncConnection,
            kwargs={"connect_timeout": 10, "application_name": "earful jobs", **NOTICE},
            check=psycopg_pool.AsyncConnectionPool.check_connection,
            timeout=self._pace.silent / 2,  # a worker that cannot say that it lives begins anew before it is given up
        )  # fmt: skip
        try:
            await pool.open(wait=True, timeout=_WITHIN)
            app = self._app()
            await app.open_async(pool)
            worker: Any = Worker(
                app, list(self._roles), self._name, self._at_once, fetch_job_polling_interval=self._pace.poll,
                shutdown_graceful_timeout=_GRACE, delete_jobs=DeleteJobCondition.ALWAYS, install_signal_handlers=False,
                update_heartbeat_interval=self._pace.beat, stalled_worker_timeout=self._pace.silent,
            )  # fmt: skip
            looks = asyncio.create_task(self._looks(app, worker, began))
            try:
                if not self._stopping.is_set():
                    self._worker = worker
                    await worker.run()
            finally:
                self._worker = None
                looks.cancel()
        finally:
            await pool.close(timeout=_WITHIN)

    def _app(self) -> App:
        app = App(connector=PsycopgConnector(), periodic_defaults={"max_delay": _LATE})
        for tick in self._periodic:
            assert tick.role is not None
            once = f"tick-{tick.name}"
            task = app.task(name=once, queue=tick.role, lock=tick.lock, queueing_lock=once, pass_context=True)(
                self._ticking(tick)
            )
            app.periodic(cron=cron(tick.seconds), periodic_id=tick.name)(task)
        if not self._periodic:  # without any the library no longer looks whether the worker's sign of life fails
            app.periodic(cron="0 0 1 1 *")(app.task(name="nothing", queue=self._roles[0])(_nothing))
        for job in self._jobs:
            app.task(name=job.name, queue=job.role, pass_context=True)(self._working(job))
        return app

    def _ticking(self, tick: Tick) -> Callable[..., Coroutine[Any, Any, None]]:
        async def ticking(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - which of its turns it is
            name = f"tick-{tick.name}"
            if tick.pool in WATCHED:
                self._heartbeat.begins(name, tick.pool)
            try:
                await self._in_thread(context, name, partial(self._in_turn, name, tick, str(context.job.id)))
            finally:
                self._heartbeat.ends(name)

        return ticking

    def _in_turn(self, name: str, tick: Tick, job: str) -> None:
        """The library has each process put it in by its own clock: two that differ would have it done twice as often.

        Whoever takes up the job of a process that died in it goes on in that one's turn. What is handed on, on the
        other hand, is not even put while it rests.
        """
        if job_tables.take_turn(self._database, name, timedelta(seconds=tick.seconds * _TURN), job):
            tick.work()

    def _working(self, job: Job) -> Callable[..., Coroutine[Any, Any, None]]:
        async def working(context: JobContext, names: list[str]) -> None:
            await self._in_thread(context, job.named(names), partial(job.work, *names))

        return working

    async def _in_thread(self, context: JobContext, name: str, work: Callable[[], object]) -> None:
        """Do it in a thread of ours, unless that of an earlier worker of this process is still at it."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def run() -> None:
            self._held.lock = context.job.lock
            try:
                work()
            finally:
                try:
                    loop.call_soon_threadsafe(done.set)
                except RuntimeError:
                    pass  # the loop is over: its worker has begun anew

        assert context.job.id is not None
        self._doing.add(context.job.id)
        try:
            if self._threads.spawn(name, run):
                await done.wait()
        finally:
            self._doing.discard(context.job.id)

    async def _looks(self, app: App, worker: Any, began: Callable[[], None]) -> None:
        """Now and then: that the loop lives, that nothing stands as ours that nobody does, what the dead have left."""
        before: set[int] = set()
        while True:
            await asyncio.sleep(self._pace.look)
            self._heartbeat.beat(POOL)
            try:
                left = await self._left(app, worker)
                if self._leads():
                    await heal(app, self._pace.silent, self._have_rest)
                began()
            except ConnectorException as error:
                log.debug("looking after jobs failed", exc_info=error)
                continue
            except Exception as error:  # noqa: BLE001 - whatever it was, what the dead leave must be taken up
                log.error("looking after jobs failed: %s; Earful will look again", reason(error))
                continue
            if before & left:
                log.debug("the end of a job could not be written down")
                worker.stop()  # it begins anew, and what it held is given back
            before = left

    def _have_rest(self, once: str) -> None:
        job_tables.rest(self._database, once, REST)
        self._tell(once)

    async def _left(self, app: App, worker: Any) -> set[int]:
        """Jobs that stand as ours although we do not do them: one whose end could not be written down."""
        if worker.worker_id is None:
            return set()
        found = await app.job_manager.list_jobs_async(status=Status.DOING.value, worker_id=worker.worker_id)
        return {each.id for each in found if each.id is not None} - self._doing


async def heal(app: App, silent: float, have_rest: Callable[[str], None]) -> None:
    """Give back what those held who have been silent for so many seconds; they may have died, or be cut off."""
    manager = app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=silent):
        try:
            await _give_back(app, job, have_rest)
        except ConnectorException as error:
            log.debug("it was ended or given back by somebody else", exc_info=error)
    await manager.prune_stalled_workers(silent)


async def _give_back(app: App, job: Queued, have_rest: Callable[[str], None]) -> None:
    name = job.queueing_lock or job.task_name
    if job.attempts + 1 >= DEATHS:
        log.error("%s was left by %d processes in a row, and rests for an hour; please report it", name, DEATHS)
        await asyncio.to_thread(have_rest, name)
        await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
        return
    log.warning("%s was left by a process that is gone, and is taken up", name)
    try:
        await app.job_manager.retry_job(job, retry_at=_LONG_AGO)
    except UniqueViolation:  # the same waits already
        await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)


async def _nothing(timestamp: int) -> None:
    """What is done once a year."""


async def _configure(connection: Any) -> None:
    await connection.set_autocommit(True)


def cron(seconds: float) -> str:
    """A period as cron writes it, with seconds: one that divides a minute, an hour or a day."""
    whole = int(seconds)
    if whole < 60:
        return f"* * * * * */{whole}"
    if whole < 3600:
        return f"*/{whole // 60} * * * *"
    return f"0 */{whole // 3600} * * *"
