"""What runs when: APScheduler ticks, in UTC and with intervals only; what is due stands in the database.

A tick asks what is due and hands each source and each channel to a thread of its own, so that a slow one delays nobody.
The number of threads is bounded by the number of sources and channels: each is served by one thread at a time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from monitor.cases import escalation, expiry, handing_over
from monitor.causes import acting as of_problems
from monitor.causes import problems
from monitor.incidents import acting as of_incidents
from monitor.incidents.watch import Watch
from monitor.ingest import asking
from monitor.ingest.by_hand import make_case
from monitor.learning import feedback
from monitor.notify import fallback, hold_notices
from monitor.notify.beside import Beside
from monitor.notify.interactions import Acts, Listening, Spool, spool_folder
from monitor.privacy import holds, retention
from monitor.replying import looking_up
from monitor.reports import digest, insights
from monitor.service import set_clock
from monitor.service.clock_check import ClockCheck
from monitor.service.heartbeat import Heartbeat
from monitor.service.watchdog import Audit
from monitor.store import audit, deliveries, key_values, wiping
from monitor.store.connect import reason
from monitor.store.sqlite import Sqlite
from monitor.store.stories import growing_stories
from monitor.timeouts import Overran, abandoned, within
from monitor.trackers import following
from monitor.wiring import Assembly

log = logging.getLogger("earful.engine")

# A pool has one thread. What may take long has one of its own: retention over a year of posts, and the audit, which
# has to come even while everything else is late.
POOLS = ("default", "collect", "deliver", "escalate", "press", "audit", "incidents", "keep")
WATCHED = ("default", "collect", "deliver", "escalate", "press")  # those without which the daemon does not live
# What a press does that is of no case but of what many of them share.
ACTS: dict[str, Acts] = {"incident": of_incidents.act_within, "problem": of_problems.act_within}
MOST_ABANDONED = 8  # calls that never end; beyond it the process is better started anew


def utc_now() -> datetime:
    """The clock of everything that runs by itself."""
    return set_clock.shown(datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Tick:
    """Something that the daemon does again and again: every so many seconds, in one of its pools of threads."""

    name: str
    seconds: float
    work: Callable[[], None]
    pool: str = "default"


class Engine:
    """Runs an assembly until it is stopped. `clock` is the only clock there is.

    With `beside` off, what a tick would hand to a thread is done before the tick returns, and what goes wrong in it is
    raised: for whoever lets time pass by calling the ticks.
    """

    def __init__(self, assembly: Assembly, clock: Callable[[], datetime] = utc_now, *, beside: bool = True) -> None:
        self.assembly = assembly
        self._beside = beside
        self.clock = clock
        self.audit = Audit(clock)
        self.heartbeat = Heartbeat()
        self.clock_check = ClockCheck.of_machine() if clock is utc_now else ClockCheck.of_clock(clock)
        self._waited = ""
        self._watch: Watch | None = None
        self._presses_beside = Beside(self._spawn)
        self.listening = self._listen(assembly)
        self.stopping = threading.Event()
        self.worn_out = threading.Event()
        self._threads: set[threading.Thread] = set()
        self._guard = threading.Lock()
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={name: ThreadPoolExecutor(1) for name in POOLS},
            # Its default of one second silently skips runs when a pool is busy.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._trouble, EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)

    def start(self) -> None:
        """Take up what a former process left in flight, and begin to tick."""
        with self.assembly.database.transaction():
            deliveries.recover(self.assembly.database, self.clock(), all_of_them=True)
        # By this machine's clock, which is APScheduler's; one moment for all: it wakes once for what falls together.
        begins = datetime.now(UTC)
        for tick in self.ticks():
            if tick.pool in WATCHED:
                self.heartbeat.beat(tick.pool)
            self._scheduler.add_job(
                partial(self._turn, tick),
                "interval",
                seconds=tick.seconds,
                id=tick.name,
                executor=tick.pool,
                next_run_time=begins + timedelta(seconds=5 if tick.name in {"audit", "keep", "refresh"} else 0),
            )
        self._scheduler.start()
        self.listening.start()

    def ticks(self) -> tuple[Tick, ...]:
        """All that the daemon does by itself."""
        return (
            Tick("press", 0.25, self.presses_due, "press"),
            Tick("collect", 0.5, self.collect_due, "collect"),
            Tick("judge", 1, self.judge_due),
            Tick("escalate", 2, self.escalate_due, "escalate"),
            Tick("growth", 20, self.growth_due),
            Tick("incidents", 20, self.incidents_due, "incidents"),
            Tick("digest", 20, self.digest_due),
            Tick("events", 5, self.events_due),
            Tick("staff", 60, self.staff_due),
            Tick("deliver", 0.25, self.deliver_due, "deliver"),
            Tick("audit", 30, self.audit_due, "audit"),
            Tick("learn", 5, self.learn_due),
            Tick("second-look", 1, self.second_look_due),
            Tick("replies", 15, self.replies_due),
            Tick("issues", 15, self.issues_due),
            Tick("problems", 3600, self.problems_due),
            Tick("refresh", 900, self.refresh_due),
            Tick("insights", 60, self.insights_due, "keep"),
            Tick("backlog", 60, self.backlog_due, "keep"),
            Tick("clock", 60, self.clock_due, "keep"),
            Tick("wipe", 30, self.wipe_due, "keep"),
            Tick("keep", 3600, self.keep_house, "keep"),
        )

    def _turn(self, tick: Tick) -> None:
        """One tick, and the word that its pool still turns, whatever became of it."""
        try:
            tick.work()
        finally:
            if tick.pool in WATCHED:
                self.heartbeat.beat(tick.pool)

    def replace(self, assembly: Assembly) -> None:
        """Go on under other settings (the database stays)."""
        before, self.listening = self.listening, self._listen(assembly)
        self.assembly = assembly
        before.stop()
        self.listening.start()

    def _listen(self, assembly: Assembly) -> Listening:
        spool = Spool(spool_folder(assembly.settings))
        return Listening(assembly.settings, assembly.alerting.channels, spool, self._presses_beside)

    def presses_due(self) -> None:
        """Work off what people pressed, and show it at once."""
        assembly = self.assembly
        makes = partial(make_case, assembly.intake)
        if self.listening.work_off(
            assembly.database, assembly.rules, self.clock(), assembly.replying, makes, ACTS, assembly.assistant
        ):
            self.deliver_due()

    def staff_due(self) -> None:
        """Ask Slack once an hour who may press there."""
        assembly, listening = self.assembly, self.listening
        self._spawn("slack-staff", partial(listening.ask_slack, assembly.database, self.clock()))

    def collect_due(self) -> None:
        """Start reading every source that is due."""
        assembly = self.assembly
        for source, what in assembly.collector.due(self.clock()):
            self._spawn(f"read-{source}-{what}", partial(assembly.collector.visit, source, what, self.clock))
        for source in assembly.collector.conversations_due(self.clock()):
            self._spawn(f"talk-{source}", partial(assembly.collector.visit_conversations, source, self.clock))

    def judge_due(self) -> None:
        """Judge what was read and waits: whoever read it has ended, or another machine reads."""
        judging = self.assembly.collector.judging
        if judging.due():
            self._spawn("judge", partial(judging.work_off, self.clock))

    def backlog_due(self) -> None:
        """Tell the operator where more is read than judged."""
        self.assembly.collector.judging.watch(self.clock())

    def deliver_due(self) -> None:
        """Start serving every channel that owes something."""
        assembly = self.assembly
        for channel in assembly.alerting.due(self.clock()):
            self._spawn(f"tell-{channel}", partial(assembly.alerting.serve, channel, self.clock))
        for program in assembly.events.due(self.clock()):
            self._spawn(f"events-{program}", partial(assembly.events.serve, program, self.clock))

    def events_due(self) -> None:
        """Note what is overdue, and keep what programs are owed within its bounds."""
        self.assembly.events.tick(self.clock())

    def escalate_due(self) -> None:
        """Remind, list, fall back."""
        database, rules, now = self.assembly.database, self.assembly.rules, self.clock()
        escalation.escalate(database, rules, now)
        feedback.offer_quiet(database, rules, self.assembly.intake, now)
        escalation.lists(database, rules, now)
        handing_over.hand_over(database, rules, now)
        handing_over.tell_of_the_week(database, rules, now)
        fallback.fall_back(database, rules, now)
        escalation.people_left(database, rules, now)
        fallback.channels_left(database, rules, now)
        with database.transaction():
            deliveries.recover(database, now, all_of_them=False)

    def learn_due(self) -> None:
        """Take in what staff answered, beside everything else."""
        if self.assembly.teaching.due():
            self._spawn("learn", partial(self.assembly.teaching.work, self.clock))

    def second_look_due(self) -> None:
        """Have the reader look at what has come into the list, beside everything else."""
        if self.assembly.second_look.due():
            self._spawn("second-look", partial(self.assembly.second_look.work, self.clock))

    def replies_due(self) -> None:
        """Find out what became of replies that nobody knows of. This only looks: nothing is ever sent by itself."""
        replying = self.assembly.replying
        if replying.writers or looking_up.anything(replying):
            self._spawn("replies", partial(looking_up.look, replying, self.clock()))

    def issues_due(self) -> None:
        """Ask trackers what became of issues. This only asks: nothing is ever created by itself."""
        tracking = self.assembly.tracking
        if tracking.trackers:
            self._spawn("issues", partial(following.look, tracking, self.clock()))

    def growth_due(self) -> None:
        """Raise what is said in conversations that have doubled."""
        database, rules, now = self.assembly.database, self.assembly.rules, self.clock()
        sizes = growing_stories(database, now - rules.settings.alerts.group_join)
        escalation.thread_growth(database, rules, sizes, now)

    def incidents_due(self) -> None:
        """Look whether anything leaps above its habit; keep what is open up to date."""
        if self._watch is None or self._watch.rules is not self.assembly.rules:
            self._watch = Watch(self.assembly.database, self.assembly.rules)
        self._watch.look(self.clock())

    def problems_due(self) -> None:
        """Tell again of problems that have not shrunk in a quarter of a year."""
        database = self.assembly.database
        with database.transaction():
            problems.tick(database, self.assembly.rules, self.clock())

    def digest_due(self) -> None:
        """Queue the managers' letter once its moment has come."""
        assembly = self.assembly
        quoted = digest.about_to_be_quoted(assembly.database, assembly.rules, self.clock())
        asking.show(assembly.database, assembly.settings, quoted, self.clock())
        digest.queue_due(assembly.database, assembly.rules, self.clock(), assembly.alerting.link)

    def insights_due(self) -> None:
        """Work out the figures of a long span that have grown old, so that nobody who looks at them waits."""
        insights.keep_due(self.assembly.database, self.assembly.rules, self.clock())

    def audit_due(self) -> None:
        """Prove that nothing is forgotten; only then say outside that all is well."""
        if abandoned() > MOST_ABANDONED:
            log.error("%d calls never ended; restart the process", abandoned())
            self.worn_out.set()
        self.audit.run(self.assembly)

    def refresh_due(self) -> None:
        """Ask each source that can say so what has been deleted or edited, as much as a turn holds."""
        for name in self.assembly.collector.connectors:
            self._spawn(f"refresh-{name}", partial(self.assembly.collector.refresh, name, self.clock))

    def clock_due(self) -> None:
        """Write the clocks down; what waited for a clock to be trusted is done once it is."""
        waited, self._waited = (
            self._waited,
            self.clock_check.look(self.assembly.database, self.assembly.rules, self.clock()),
        )
        if waited and not self._waited:
            self.keep_house()

    def wipe_due(self) -> None:
        """End holds whose time is over; overwrite what somebody erased, unless they have done so themselves."""
        told = holds.end_due(self.assembly.database, self.clock())
        hold_notices.tell(self.assembly.database, self.assembly.rules, told, self.clock())
        if wiping.owed(self.assembly.database) is not None:
            wiping.wipe(self.assembly.database, self.clock())

    def keep_house(self) -> None:
        """Retention in small batches, the log of the database; once a day its soundness, then what was emptied."""
        database, now = self.assembly.database, self.clock()
        earful = self.assembly.settings.earful
        self._waited = self.clock_check.look(database, self.assembly.rules, now)
        if not self._waited:
            expiry.close_over(database, earful, now)
            retention.retain(database, self.assembly.settings, now, self.stopping.is_set)
            while audit.purge(database, now - earful.audit_retention, now) and not self.stopping.is_set():
                pass
        database.checkpoint()
        if isinstance(database, Sqlite) and key_values.take_period(database, f"check:{now:%Y-%m-%d}", now):
            database.damage = database.damage or database.is_sound()  # the main loop tells it, and stops
            if database.damage:
                return  # a damaged file is not written anew
        if not self.stopping.is_set() and key_values.take_period(database, f"wipe:{now:%Y-%m-%d}", now):
            wiping.wipe(database, now)

    def stop(self, within_seconds: float = 20.0) -> bool:
        """Stop ticking, let what is in flight end; whether everything ended in time."""
        self.stopping.set()
        end = time.monotonic() + within_seconds
        ticked = True
        if self._scheduler.running:
            try:  # a tick that runs is waited for: it may be in the middle of a transaction
                within(within_seconds, self._scheduler.shutdown, "stop-ticks")
            except Overran:
                ticked = False
        self.listening.stop()
        with self._guard:
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(end - time.monotonic(), 0.0))
        return ticked and not any(thread.is_alive() for thread in threads)

    def _spawn(self, name: str, work: Callable[[], object]) -> bool:
        """Have it done; whether somebody does it."""
        if self.stopping.is_set():
            return False
        if not self._beside:
            work()
            return True

        def run() -> None:
            try:
                work()
            except Exception as error:
                log.error("%s failed: %s", name, reason(error))
                log.debug("%s failed", name, exc_info=error)
            finally:
                with self._guard:
                    self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=run, name=name, daemon=True)
        with self._guard:
            if any(each.name == name for each in self._threads):
                return False
            self._threads.add(thread)
        thread.start()
        return True

    @staticmethod
    def _trouble(event: JobExecutionEvent) -> None:
        error = getattr(event, "exception", None)
        if error is not None:
            log.error("%s failed: %s; Earful will retry next time", event.job_id, reason(error))
            log.debug("%s failed", event.job_id, exc_info=error)
