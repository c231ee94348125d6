"""What Earful does by itself, and how often: what is due stands in the database.

A tick asks what is due and hands each source and each channel on, so that a slow one delays nobody.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial

from monitor.cases import escalation, expiry, growth, handing_over, list_of_the_day
from monitor.causes import acting as of_problems
from monitor.causes import problems
from monitor.incidents import acting as of_incidents
from monitor.incidents.watch import Watch
from monitor.ingest import asking
from monitor.ingest.by_hand import make_case
from monitor.learning import feedback
from monitor.notify import fallback, hold_notices
from monitor.notify.beside import Beside, Spawn
from monitor.notify.interactions import Acts
from monitor.notify.listening import Listening
from monitor.notify.spool import Spool, spool_folder
from monitor.privacy import holds, retention
from monitor.privacy.carrying_over import carry_over
from monitor.replying import looking_up
from monitor.reports import digest, insights
from monitor.service.clock_check import ClockCheck
from monitor.service.watchdog import Audit
from monitor.service.work import Job, Tick
from monitor.store import audit, deliveries, given_numbers, key_values, leases, page_state, wiping
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.store.stories import growing_stories
from monitor.timeouts import abandoned
from monitor.trackers import following
from monitor.wiring import Assembly

log = logging.getLogger("earful.engine")

# What a press does that is of no case but of what many of them share.
ACTS: dict[str, Acts] = {"incident": of_incidents.act_within, "problem": of_problems.act_within}
_TIDY_SECONDS = 2.0  # at a time
MOST_ABANDONED = 8  # calls that never end; beyond it the process is better started anew
HandOn = Callable[..., bool]  # (job, names ...): has it done, in a thread of its own or in another process


class Ticks:
    """All that is done by itself over an assembly. `clock` is the only clock there is."""

    def __init__(
        self,
        assembly: Assembly,
        clock: Callable[[], datetime],
        clock_check: ClockCheck,
        hand_on: HandOn,
        spawn: Spawn,
    ) -> None:
        self.assembly = assembly
        self.clock = clock
        self.audit = Audit(clock)
        self.clock_check = clock_check
        self.stopping = threading.Event()
        self.worn_out = threading.Event()
        self._hand_on = hand_on
        self._waited = ""
        self._watch: Watch | None = None
        self._presses_beside = Beside(spawn)
        self.listening = self._listen(assembly)

    def ticks(self) -> tuple[Tick, ...]:
        """All that is done again and again."""
        several = self.assembly.leases.needed
        return (
            Tick("press", 0.25, self.presses_due, "press"),  # whoever heard it keeps it on its own machine
            Tick("presses-aside", 3600, self.presses_aside_due, "keep", after=5),
            Tick("listen", 5, self.listen_due, "default", "notify"),  # one at a time, by a lease
            Tick("collect", 0.5, self.collect_due, "collect", "collect", "collect"),
            # What needs a file of this machine, and pages, which each claims for itself: who waits for one that others
            # read waits half a second at most. Alone there is neither.
            Tick("collect-here", 0.5 if several else 3600, self.collect_here_due, "collect", "collect"),
            Tick("judge", 0.5 if several else 60, self.judge_due, "default", "judge"),
            Tick("escalate", 2, self.escalate_due, "escalate", "notify", "escalate"),
            Tick("growth", 20, self.growth_due, "default", "notify", "growth"),
            Tick("incidents", 20, self.incidents_due, "incidents", "notify", "incidents"),
            Tick("habits", 60, self.habits_due, "keep", "judge", "habits"),
            Tick("digest", 20, self.digest_due, "default", "notify", "digest"),
            Tick("events", 5, self.events_due, "default", "notify", "events"),
            Tick("staff", 60, self.staff_due, "default", "notify", "staff"),
            Tick("deliver", 0.25, self.deliver_due, "deliver", "notify", "deliver"),
            Tick("audit", 30, self.audit_due, "audit", "notify", "audit", after=5),
            Tick("abandoned", 30, self.abandoned_due, "audit"),  # of this process
            Tick("learn", 5, self.learn_due, "default", "judge"),  # who learns has a lease for as long as it lives
            Tick("follow", 5 if several else 3600, self.follow_due),  # each process has a judge
            Tick("second-look", 1, self.second_look_due, "default", "judge"),  # one that gave it up leaves it to others
            Tick("replies", 15, self.replies_due, "default", "notify", "replies"),
            Tick("issues", 15, self.issues_due, "default", "notify", "issues"),
            Tick("problems", 3600, self.problems_due, "default", "notify", "problems"),
            Tick("refresh", 900, self.refresh_due, "default", "collect", "refresh", after=5),
            Tick("refresh-here", 900, self.refresh_here_due, "default", "collect", after=5),
            Tick("insights", 60, self.insights_due, "keep", "page", "insights"),
            Tick("backlog", 60, self.backlog_due, "keep", "judge", "backlog"),
            Tick("clock", 60, self.clock_due, "keep"),  # of this machine
            Tick("erasures", 900, self.erasures_due, "keep", after=5),  # the list is of this machine
            Tick("wipe", 30, self.wipe_due, "keep", "judge", "wipe"),
            # What waits grows with what is stored: a file is put in order soon, a server does that by itself.
            Tick("tidy", 3600 if several else 5, self.tidy_due, "keep", "judge", "tidy"),
            Tick("keep", 3600, self.keep_house, "keep", "judge", "keep", after=5),
        )

    def jobs(self) -> tuple[Job, ...]:
        """All that ticks hand on."""
        return (
            Job("read", self.read, "collect", "source:{0}"),
            Job("talk", self.talk, "collect", "source:{0}"),
            Job("refresh", self.refresh, "collect", "source:{0}"),
            Job("read-here", self.read, "collect"),
            Job("talk-here", self.talk, "collect"),
            Job("refresh-here", self.refresh, "collect"),
            Job("judge", self.judge, "judge", works_off=True),  # a page that ends whoever judges it is set aside
            Job("learn", self.learn, "judge"),
            Job("follow", self.follow, "judge"),
            Job("second-look", self.look_again, "judge"),
            Job("tell", self.tell, "notify", "channel:{0}"),
            Job("events", self.tell_program, "notify", "channel:{0}"),
            Job("replies", self.look_up_replies, "notify", "replies"),
            Job("issues", self.follow_issues, "notify", "issues"),
            Job("slack-staff", self.ask_slack, "notify", "staff"),
        )

    def replace(self, assembly: Assembly) -> None:
        """Go on under other settings (the database stays)."""
        before, self.listening = self.listening, self._listen(assembly)
        self.assembly = assembly
        listened = before.is_on
        before.stop()
        if listened:
            self.listening.start()

    def _listen(self, assembly: Assembly) -> Listening:
        spool = Spool(spool_folder(assembly.settings))
        return Listening(assembly.settings, assembly.alerting.channels, spool, self._presses_beside, assembly.leases)

    def listen_due(self) -> None:
        """Listen for presses where no other process does, and tell of a socket over which none come."""
        self.listening.start()
        self.listening.watch(self.assembly.database, self.assembly.rules, self.clock())

    def presses_aside_due(self) -> None:
        """Keep what could not be done for a while only."""
        self.listening.spool.trim(self.clock())

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
        self._hand_on("slack-staff")

    def ask_slack(self) -> None:
        """Ask each workspace where that was not done for an hour."""
        self.listening.ask_slack(self.assembly.database, self.clock())

    def collect_due(self) -> None:
        """Start reading every source that is due."""
        for source, what in self.assembly.collector.due(self.clock()):
            self._hand_on("read", source, what)
        for source in self.assembly.collector.conversations_due(self.clock()):
            self._hand_on("talk", source)

    def collect_here_due(self) -> None:
        """The same for sources that need a file of this machine: their sign-in, the folder that they watch."""
        collector = self.assembly.collector
        for source, what in collector.due(self.clock(), here=True):
            self._hand_on("read-here", source, what)
        for source in collector.conversations_due(self.clock(), here=True) if collector.names(here=True) else ():
            self._hand_on("talk-here", source)

    def read(self, source: str, what: str) -> None:
        """Read one source to the end of its walk, unless this process has not heard yet that there is one."""
        if source in self.assembly.collector.connectors:
            self.assembly.collector.visit(source, what, self.clock)

    def talk(self, source: str) -> None:
        """Read the conversations of a source's cases."""
        if source in self.assembly.collector.connectors:
            self.assembly.collector.visit_conversations(source, self.clock)

    def judge_due(self) -> None:
        """Judge what was read and waits: whoever read it has ended, or another machine reads."""
        if self.assembly.collector.judging.due():
            self._hand_on("judge")

    def judge(self) -> None:
        """Judge until nothing waits that nobody else works on."""
        self.assembly.collector.judging.work_off(self.clock)

    def backlog_due(self) -> None:
        """Tell the operator where more is read than judged."""
        self.assembly.collector.judging.watch(self.clock())

    def deliver_due(self) -> None:
        """Start serving every channel that owes something."""
        for channel in self.assembly.alerting.due(self.clock()):
            self._hand_on("tell", channel)
        for program in self.assembly.events.due(self.clock()):
            self._hand_on("events", program)

    def tell(self, channel: str) -> None:
        """Send what is due on one channel."""
        if channel in self.assembly.alerting.channels:
            self.assembly.alerting.serve(channel, self.clock)

    def tell_program(self, program: str) -> None:
        """Tell one program what it is owed."""
        if program in self.assembly.alerting.channels:
            self.assembly.events.serve(program, self.clock)

    def events_due(self) -> None:
        """Note what is overdue, and keep what programs are owed within its bounds."""
        self.assembly.events.tick(self.clock())

    def escalate_due(self) -> None:
        """Remind, list, fall back."""
        database, rules, now = self.assembly.database, self.assembly.rules, self.clock()
        escalation.escalate(database, rules, now)
        feedback.offer_quiet(database, rules, self.assembly.intake, now)
        list_of_the_day.queue_lists(database, rules, now)
        handing_over.hand_over(database, rules, now)
        handing_over.tell_of_the_week(database, rules, now)
        fallback.fall_back(database, rules, now)
        handing_over.people_left(database, rules, now)
        of_problems.owners_left(database, rules, now)
        of_incidents.owners_left(database, rules, now)
        fallback.channels_left(database, rules, now)
        with database.transaction():
            deliveries.recover(database, now, all_of_them=False)

    def learn_due(self) -> None:
        """Take in what staff answered, beside everything else."""
        if self.assembly.teaching.due():
            self._hand_on("learn")

    def learn(self) -> None:
        """Take it in."""
        self.assembly.teaching.work(self.clock)

    def follow_due(self) -> None:
        """Judge by what another process has learned."""
        if self.assembly.leases.needed and self.assembly.teaching.is_behind():
            self._hand_on("follow")

    def follow(self) -> None:
        """Load it."""
        self.assembly.teaching.follow()

    def second_look_due(self) -> None:
        """Have the reader look at what has come into the list, beside everything else."""
        if self.assembly.second_look.due():
            self._hand_on("second-look")

    def look_again(self) -> None:
        """Look."""
        self.assembly.second_look.work(self.clock)

    def replies_due(self) -> None:
        """Find out what became of replies that nobody knows of. This only looks: nothing is ever sent by itself."""
        replying = self.assembly.replying
        if replying.writers or looking_up.anything(replying):
            self._hand_on("replies")

    def look_up_replies(self) -> None:
        """Look them up."""
        looking_up.look(self.assembly.replying, self.clock())

    def issues_due(self) -> None:
        """Ask trackers what became of issues. This only asks: nothing is ever created by itself."""
        if self.assembly.tracking.trackers:
            self._hand_on("issues")

    def follow_issues(self) -> None:
        """Ask them."""
        following.look(self.assembly.tracking, self.clock())

    def growth_due(self) -> None:
        """Raise what is said in conversations that have doubled."""
        database, rules, now = self.assembly.database, self.assembly.rules, self.clock()
        sizes = growing_stories(database, now - rules.settings.alerts.group_join)
        growth.thread_growth(database, rules, sizes, now)

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

    def habits_due(self) -> None:
        """Count how many people usually write of each cause, so that no page of posts waits for that."""
        problems.count_habits(self.assembly.database, self.clock(), self.stopping.is_set)

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
        self.audit.run(self.assembly)

    def abandoned_due(self) -> None:
        """See that this process is started anew where too many of its calls never end."""
        if abandoned() > MOST_ABANDONED:
            log.error("%d calls never ended; restart the process", abandoned())
            self.worn_out.set()

    def refresh_due(self) -> None:
        """Ask each source that can say so what has been deleted or edited, as much as a turn holds."""
        for name in self.assembly.collector.names(here=False):
            self._hand_on("refresh", name)

    def refresh_here_due(self) -> None:
        """The same for sources that need a file of this machine."""
        for name in self.assembly.collector.names(here=True):
            self._hand_on("refresh-here", name)

    def refresh(self, source: str) -> None:
        """Ask one of them."""
        if source in self.assembly.collector.connectors:
            self.assembly.collector.refresh(source, self.clock)

    def clock_due(self) -> None:
        """Write the clocks down, and what numbers were given; what waited for a clock to be trusted is done then."""
        if isinstance(self.assembly.database, Postgresql):
            given_numbers.note(self.assembly.database)
        waited, self._waited = (
            self._waited,
            self.clock_check.look(self.assembly.database, self.assembly.rules, self.clock()),
        )
        if waited and not self._waited:
            self.keep_house()

    def erasures_due(self) -> None:
        """Bring the list of erasures of this machine up, which others add to; alone it is done at the start."""
        if self.assembly.leases.needed:
            carried = carry_over(self.assembly.database, self.clock())
            if carried.entries or carried.posts:
                log.warning("%s", carried.words)

    def wipe_due(self) -> None:
        """End holds whose time is over; overwrite what somebody erased, unless they have done so themselves."""
        told = holds.end_due(self.assembly.database, self.clock())
        hold_notices.tell(self.assembly.database, self.assembly.rules, told, self.clock())
        if wiping.owed(self.assembly.database) is not None:
            wiping.wipe(self.assembly.database, self.clock())

    def tidy_due(self) -> None:
        """Put in order what storing left for later."""
        self.assembly.database.tidy(_TIDY_SECONDS)

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
        leases.trim(database)
        page_state.trim(database, now)
        database.checkpoint()
        if isinstance(database, Sqlite) and key_values.take_period(database, f"check:{now:%Y-%m-%d}", now):
            database.damage = database.damage or database.is_sound()  # the main loop tells it, and stops
            if database.damage:
                return  # a damaged file is not written anew
        if not self.stopping.is_set() and key_values.take_period(database, f"wipe:{now:%Y-%m-%d}", now):
            wiping.wipe(database, now)
