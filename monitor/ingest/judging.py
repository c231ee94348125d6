"""What was read is judged: at once by whoever read it, or, on PostgreSQL, page by page by whoever has time.

There a page is kept as it came with the cursor that it moves, so that reading waits for no judge. The pages of one
source are judged one after the other, in the order in which they came: whoever writes twice in a conversation, and what
the network deletes later, is seen in that order. Those of many sources are judged by as many as there are.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from alerts.wording import count_words
from monitor.cases.assignment import IngestResult
from monitor.cases.brand_replies import Answers
from monitor.ingest import first_read
from monitor.ingest.pipeline import Intake
from monitor.privacy import forgetting
from monitor.settings.rules import Rules
from monitor.store import key_values, sources, unjudged
from monitor.store.connect import Error, is_of_all
from monitor.store.database import Database, Locks, at, stamp
from monitor.store.unjudged import Claimed, Page

log = logging.getLogger("earful.judging")

LEASE = timedelta(seconds=40)  # a judge that was killed is known by it within a minute; a page takes seconds
RENEW = 10.0  # seconds
LONGEST = timedelta(minutes=10)  # no page takes so long; whoever hangs keeps it no longer
REST = timedelta(seconds=5)  # of a page that the database could not store; the others come first
TRIES = 3
CLAIMS = 3  # a page that ends whoever judges it never comes to count a try
BROUGHT_EVERY = timedelta(seconds=10)
MOST_WAITING = 100  # pages of a source: then it is not read on
MANY = 20  # pages, below which a growing queue is worth no notice
SPAN = timedelta(minutes=10)
_SAMPLES = "judging:samples"
_VERSION = "judging:version"


class NotOursError(Exception):
    """The page was judged, or claimed, by somebody else meanwhile: nothing of it is stored here."""


class Judging:
    """Judges pages. One is made for a set of rules, and may be used by several threads."""

    def __init__(
        self,
        database: Database,
        rules: Rules,
        intake: Intake,
        answers: Answers,
        receiving: Collection[str],
        tell_operator: Callable[[str, str, str, datetime], None],
        take_over: Callable[[], None] = lambda: None,
    ) -> None:
        """`receiving` are the sources to which others bring posts, ours among them.

        `take_over` learns what other processes have found out, before pages are judged by it.
        """
        self._take_over = take_over
        self.elsewhere = False  # whether this process leaves what it reads to others, which have the role
        self.database = database
        self.rules = rules
        self.intake = intake
        self.answers = answers
        self._receiving = frozenset(receiving)
        self._tell_operator = tell_operator
        self._keeper = _Keeper(database)
        self._brought: dict[str, datetime] = {}  # source -> when that was last written down
        self._owed: list[Claimed] = []  # pages that the database could not store, and that are not let go yet

    @property
    def apart(self) -> bool:
        """Whether pages wait in the database for whoever judges them."""
        return not self.database.one_writer

    def judge(
        self,
        source: str,
        page: Page,
        now: datetime,
        last: Callable[[], None],
        before_last: Callable[[], None] | None = None,
        *,
        alone: bool = False,
    ) -> IngestResult:
        """Judge a page and store what comes of it; `last` and `before_last` are those of `Intake.take`."""
        own = [post for post in page.posts if self.rules.is_own(post)] if source in self._receiving else []
        due_at = first_read.brief_due(self.database, source, now, complete=page.complete)

        def ends() -> None:
            # Where others bring us posts, the brand's own replies are among them: nobody else would show us those.
            self.answers.take(own, now)
            first_read.note(self.database, source, now, complete=page.complete, under_way=bool(due_at))
            last()
            if page.deleted or page.gone:
                # What the network says is deleted is forgotten; a case with nothing left to answer is closed as such.
                forgetting.deleted(self.database, source, page.deleted, page.gone, now)

        # What is deleted closes cases, and our own replies and a first read's brief are matters of all sources.
        alone = alone or bool(own or page.deleted or page.gone) or first_read.goes_on(self.database, source)
        return self.intake.take(page.posts, now, last=ends, before_last=before_last, first_reads=due_at, alone=alone)

    def matters(self, source: str, page: Page, now: datetime) -> bool:
        """Whether anything comes of a page: an empty one may still end a first read."""
        return bool(
            page.posts
            or page.deleted
            or page.gone
            or first_read.goes_on(self.database, source)
            or first_read.brief_due(self.database, source, now, complete=page.complete)
        )

    def is_full(self, source: str) -> bool:
        """Whether so much of a source waits that it is not to be read on."""
        return self.apart and unjudged.backlog(self.database, source).pages >= MOST_WAITING

    def due(self) -> bool:
        """Whether a page waits: one small question to the store."""
        return self.apart and unjudged.any_waits(self.database)

    def work_off(self, clock: Callable[[], datetime], source: str = "") -> IngestResult:
        """Judge what waits, of one source or of all, until nothing is left that nobody else works on."""
        total = IngestResult()
        self._take_over()
        self._let_go(clock())
        while (claimed := unjudged.claim(self.database, clock(), LEASE, source)) is not None:
            with self._keeper.keeping(claimed, clock):
                taken = self._one(claimed, clock)
            if taken is None:
                break
            total.add(taken)
            if not source and taken.seen:  # who has read it says it otherwise
                log.info(
                    "%s: %d judged, %d about a brand, %d new, %d flagged, %d cases opened",
                    claimed.source, taken.seen, taken.matched, taken.new, taken.flagged, len(taken.opened),
                )  # fmt: skip
        return total

    def _one(self, claimed: Claimed, clock: Callable[[], datetime]) -> IngestResult | None:
        """Judge one page; None where it is to be tried again later."""

        def last() -> None:
            if not unjudged.done(self.database, claimed):
                raise NotOursError

        def before_last() -> None:
            if not unjudged.is_ours(self.database, claimed):
                raise NotOursError

        if claimed.claims > CLAIMS:
            self._set_aside(claimed, "whoever judged it ended", CLAIMS, clock())
            return IngestResult()
        try:
            taken = self.judge(claimed.source, claimed.page(), clock(), last, before_last)
        except NotOursError:
            return IngestResult()
        except Exception as error:  # whatever is wrong with one page, the others go on
            if is_of_all(error):
                self._owed.append(claimed)
                self._let_go(clock())
                raise
            name = type(error).__name__
            # Its text could hold a post's: what kind of error it is must do.
            log.error("%s: a page of %d posts could not be judged (%s)", claimed.source, claimed.posts, name)
            if claimed.tries + 1 >= TRIES:
                self._set_aside(claimed, name, TRIES, clock())
                return IngestResult()
            with self.database.transaction():
                unjudged.give_back(self.database, claimed)
            return None
        if taken.new:
            self._note_brought(claimed.source, clock())
        return taken

    def _note_brought(self, source: str, now: datetime) -> None:
        """Write down that something new came: of many pages in a row with the first, and every ten seconds."""
        last = self._brought.get(source)
        if last is None or not last <= now < last + BROUGHT_EVERY:
            with self.database.transaction(Locks(), durable=False):  # one row, which nobody reads to decide by it
                sources.brought(self.database, source, now)
            self._brought[source] = now

    def _let_go(self, now: datetime) -> None:
        """It was the database's trouble and not the pages': it counts for nothing, once that can be written down."""
        try:
            while self._owed:
                unjudged.let_go(self.database, self._owed[-1], now + REST)
                self._owed.pop()
        except Error:
            pass  # before the next page is claimed it is tried again

    def _set_aside(self, claimed: Claimed, error: str, tries: int, now: datetime) -> None:
        what = count_words(claimed.posts, "post", "posts")
        with self.database.transaction():
            if unjudged.set_aside(self.database, claimed, error, now):
                self._tell_operator(
                    f"unjudged:{claimed.n}",
                    f"{claimed.source}: {what} could not be judged after {tries} tries ({error}); set aside",
                    f"everything else goes on; please report it. To try again: earful collect {claimed.source}",
                    now,
                )

    def try_again(self, source: str = "") -> int:
        """Have what was set aside judged once more, of one source or of all; how many pages that are."""
        if not self.apart:
            return 0
        with self.database.transaction():
            return unjudged.try_again(self.database, source)

    def try_again_with(self, version: str, now: datetime) -> None:
        """Once for each version of the program: it may judge what the one before could not."""
        if not self.apart or key_values.fact(self.database, _VERSION) == version:
            return
        with self.database.transaction():
            key_values.remember(self.database, _VERSION, version, now)
        if pages := self.try_again():
            log.info("%s that an older version could not judge are tried again", count_words(pages, "page"))

    def watch(self, now: datetime) -> None:
        """Tell the operator once an hour while more is read than judged, by how much; asked every minute."""
        if not self.apart:
            return
        found = unjudged.backlog(self.database)
        kept = [each for each in json.loads(key_values.fact(self.database, _SAMPLES) or "[]") if at(each[0]) <= now]
        kept = [each for each in kept if at(each[0]) >= now - SPAN - timedelta(minutes=1)]
        if not kept and not found.pages:
            return
        samples = [*kept, [stamp(now), found.pages]]
        with self.database.transaction():
            key_values.remember(self.database, _SAMPLES, json.dumps(samples if any(n for _, n in samples) else []), now)
            began, before = at(samples[0][0]), int(samples[0][1])
            minutes = (now - began) / timedelta(minutes=1)
            if found.pages >= MANY and now - began >= SPAN and found.pages > before:
                more = (found.pages - before) / minutes
                self._tell_operator(
                    f"judging:{now:%Y-%m-%dT%H}",
                    f"posts are read faster than they are judged: {found.pages:,} pages wait, {more:.1f} more each "
                    f"minute, the oldest since {found.since:%H:%M} UTC",
                    "give the judges more processors, or read fewer sources",
                    now,
                )


class _Keeper:
    """Keeps the pages that are being judged ours, however long that takes, by one thread, which ends when none is."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._judged: dict[Claimed, tuple[Callable[[], datetime], datetime]] = {}
        self._guard = threading.Lock()
        self._looks = False

    @contextmanager
    def keeping(self, claimed: Claimed, clock: Callable[[], datetime]) -> Iterator[None]:
        """While this one is being judged."""
        with self._guard:
            if not self._looks:
                with suppress(RuntimeError):  # the system gives no more threads: most pages need none
                    threading.Thread(target=self._look, name="keep-pages", daemon=True).start()
                    self._looks = True
            self._judged[claimed] = clock, clock()
        try:
            yield
        finally:
            with self._guard:
                del self._judged[claimed]

    def _look(self) -> None:
        rest = threading.Event()  # never set: waited for
        while not rest.wait(RENEW):
            with self._guard:
                judged = list(self._judged.items())
                if not judged:
                    self._looks = False
                    return
            for claimed, (clock, since) in judged:
                now = clock()
                if now - since < LONGEST:
                    with suppress(*Error):  # it may have been in time all the same: storing will tell
                        unjudged.keep(self._database, claimed, now, LEASE)
