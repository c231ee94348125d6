"""Reads each source page by page, hands the posts to the intake, and keeps the source's health.

A page's last chunk and its cursor are one transaction. The walk goes on until it is whole; a walk that was cut is
resumed. A source that fails delays nobody: each is read in a thread of its own, under a total deadline.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from alerts.wording import with_remedy
from connectors import Batch, Closed, Connector, Request, room
from connectors.text import clean
from monitor.cases.assignment import IngestResult
from monitor.cases.brand_replies import Answers
from monitor.ingest import asking, failing_sources, notices
from monitor.ingest.conversations import Conversations, Heard
from monitor.ingest.identities import Identities
from monitor.ingest.judging import Judging
from monitor.ingest.own_files import OwnFiles
from monitor.ingest.pipeline import Intake
from monitor.ingest.turns import Turn, lease_of
from monitor.privacy import forgetting
from monitor.settings.competitors import reads
from monitor.settings.models import Source
from monitor.settings.rules import Rules
from monitor.store import disk, failures, key_values, sources, unjudged
from monitor.store.connect import Error, is_of_all
from monitor.store.database import Database, Locks
from monitor.store.leases import LeaseLostError, Leases
from monitor.store.unjudged import Page
from monitor.text.query.matching import Query, wanted_by

log = logging.getLogger("earful.collect")

MOST_PAGES = 200  # of one visit, as is SHARE: a walk that is longer goes on at its next turn, and is told
SHARE = timedelta(seconds=60)
SOON = 10  # pages of a visit that are read one after the other; then the others' turn comes between two of them
LONGEST_REST = 2.0  # seconds
ENDLESS = (
    "reading did not finish: there was always one more page. It continues next time; if this keeps happening, the "
    "source is endless, or more is posted than its limits let Earful read"
)
LONGEST_BACK_OFF = timedelta(minutes=30)
NOT_STORED_WAIT = timedelta(seconds=30)
CLOSED_AGAIN = timedelta(days=1)  # a place that is closed may open again; keys that are refused wait for a person


@dataclass(frozen=True, slots=True)
class Visit:
    """What one visit to a source brought."""

    source: str
    taken: IngestResult
    pages: int
    aside: int
    error: str = ""
    remedy: str = ""


class Collector:
    """Reads sources. One is made for a set of rules; each source is visited by one thread at a time."""

    def __init__(
        self,
        database: Database,
        rules: Rules,
        intake: Intake,
        answers: Answers,
        connectors: Mapping[str, Connector],
        queries: Mapping[str, Query],
        tell_operator: Callable[[str, str, str, datetime], None],
        leases: Leases | None = None,
        files: Mapping[str, Path] = MappingProxyType({}),
    ) -> None:
        """`tell_operator(key, title, remedy, now)` queues a notice, once for each key.

        `files` are those that a source needs on the machine that reads it.
        """
        self.database = database
        self.leases = leases or Leases(database)
        self.own_files = OwnFiles(self.leases, files)
        self.rules = rules
        self.intake = intake
        self.answers = answers
        self.connectors = connectors
        receiving = [name for name, each in connectors.items() if hasattr(each, "receive_from")]
        self.identities = Identities(database, rules)
        self.judging = Judging(database, rules, intake, answers, receiving, tell_operator, self.identities.take_over)
        others = [*queries.values(), *intake.competitors.queries.values()]
        # What is asked for, and how a text is known that may be about it; for sources that hear of competitors, too.
        self._asked = _terms(queries.values()), wanted_by(queries.values())
        self._asked_with_competitors = _terms(others), wanted_by(others)
        self.tell_operator = tell_operator
        self.conversations = Conversations(database, rules, intake, answers, connectors)
        self._busy: dict[str, threading.Lock] = {name: threading.Lock() for name in connectors}
        self._rest = threading.Event()  # never set: waited for
        self._wait_until: dict[str, datetime] = {}  # of sources whose posts could not be stored

    def names(self, *, here: bool) -> list[str]:
        """The sources that any process may read; or, `here`, those that only this one is to read, for their files."""
        ours = self.own_files.ours() if here else frozenset()
        return [name for name in self.connectors if (name in ours if here else not self.own_files.needed(name))]

    def due(self, now: datetime, *, here: bool = False) -> list[tuple[str, str]]:
        """(source, what) pairs of these that are due now and that nobody is reading: what is "posts" or "own"."""
        names = frozenset(self.names(here=here))
        if not names:
            return []
        own = [name for name in self.connectors if self.reads_own(name)]
        found = []
        for name, posts in sources.due(self.database, now, own, now - CLOSED_AGAIN):
            source = self.rules.sources.get(name)
            if source is None or not source.enabled or name not in names or self._busy[name].locked():
                continue
            wait = self._wait_until.get(name)
            if wait is not None and now < wait <= now + NOT_STORED_WAIT:  # beyond that the clock has stepped back
                continue
            found.append((name, "posts" if posts else "own"))
        read = self.leases.others() if found else frozenset()
        return [(name, what) for name, what in found if lease_of(name) not in read]

    def reads_own(self, source: str) -> bool:
        """Whether this source can show the brand's own replies, and settings name accounts to look at."""
        return bool(self._accounts(source)) and hasattr(self.connectors[source], "fetch_own")

    def _accounts(self, source: str) -> tuple[str, ...]:
        return self.rules.accounts.own(source)

    def visit(self, name: str, what: str, clock: Callable[[], datetime]) -> Visit | None:
        """Read one source to the end of its walk. None if somebody else is at it. Never raises for a bad source."""
        source, turn = self.rules.sources[name], self._turn(name)
        try:
            if self.own_files.are_elsewhere(name) or not turn.begin():
                return None
        except Error as error:
            return self._not_stored(source, what, error, Visit(name, IngestResult(), 0, 0), clock())
        try:
            return self._visit(source, what, turn, clock)
        except LeaseLostError:
            log.warning("%s: not stored: this process stood still for too long, and another reads it now", name)
            return None
        finally:
            turn.end()

    def _turn(self, source: str) -> Turn:
        return Turn(self.leases, source, self._busy[source])

    def conversations_due(self, now: datetime, *, here: bool = False) -> list[str]:
        """The sources whose cases' conversations are to be read now, and that nobody is reading."""
        enabled = {name for name in self.names(here=here) if self.rules.sources[name].enabled}
        due = [name for name in self.conversations.due(now) if name in enabled and not self._busy[name].locked()]
        read = self.leases.others() if due else frozenset()
        return [name for name in due if lease_of(name) not in read]

    def visit_conversations(self, name: str, clock: Callable[[], datetime]) -> Heard | None:
        """Read the conversations of a source's cases. None if somebody else is at this source."""
        turn = self._turn(name)
        if not turn.begin():
            return None
        try:
            return self.conversations.visit(name, turn, clock)
        except LeaseLostError:
            return None
        finally:
            turn.end()

    def refresh(self, name: str, clock: Callable[[], datetime]) -> int:
        """Ask whether posts still stand: what is gone is forgotten, what was edited is judged again.

        For networks that tell of deletions only when asked. Returns how many posts were asked after.
        """
        connector, source, turn = self.connectors[name], self.rules.sources[name], self._turn(name)
        if not hasattr(connector, "refresh") or not turn.begin():
            return 0
        try:
            request = partial(self._request, source, "posts", clock())
            return asking.take_turn(self.database, self.intake, source, connector, request, clock, turn).asked
        except LeaseLostError:
            return 0
        finally:
            turn.end()

    def _visit(self, source: Source, what: str, turn: Turn, clock: Callable[[], datetime]) -> Visit | None:
        total, pages, aside = IngestResult(), 0, 0
        try:
            began = clock()
            self.own_files.look(source.name)
            self._look_up(source, what, turn, began)
            every = source.every if what == "posts" else source.own_every
            share = max(SHARE, every / 2)
            while True:
                now = clock()
                if not turn.goes_on():
                    return None
                batch, put_aside = self._page(source, what, turn, now, total, clock)
                pages += 1
                aside += put_aside
                if batch.complete or batch.not_before is not None or self.judging.is_full(source.name):
                    break
                if pages >= MOST_PAGES or clock() - began >= share:
                    self._tell_endless(source.name, what, clock())
                    break
                if pages >= SOON:  # what it takes from the others it gives back
                    self._rest.wait(min((clock() - now).total_seconds(), LONGEST_REST))
        except LeaseLostError:
            raise
        except Exception as error:  # noqa: BLE001 - a client library may raise anything; the others must not notice
            so_far = Visit(source.name, total, pages, aside)
            if is_of_all(error):
                return self._not_stored(source, what, error, so_far, clock())
            return self._failed(source, what, error, turn, so_far, clock())
        now = clock()
        later = batch.not_before or now + every
        with self.database.transaction(Locks(alone=frozenset({f"read:{source.name}"}))):
            turn.prove()
            if key_values.fact(self.database, disk.NOT_STORED):
                key_values.remember(self.database, disk.NOT_STORED, "", now)
            sources.set_due(self.database, source.name, what, max(later, now))
            mended = what == "posts" and sources.succeeded(self.database, source.name, now, new=total.new > 0)
            if what == "own":  # says nothing of whether posts can be read
                failures.over(self.database, "own", source.name, now)
        if mended:
            failing_sources.mended(self.database, self.rules, source.name, now)
        if total.seen or aside:
            self._say(source.name, total, aside)
        return Visit(source.name, total, pages, aside)

    def _say(self, source: str, total: IngestResult, aside: int) -> None:
        """A line for the log, without a post's words."""
        judged = (
            f"{total.matched} about a brand, {total.new} new, {total.flagged} flagged, {len(total.opened)} cases opened"
        )
        what = "to be judged by others" if self.judging.elsewhere else judged
        log.info("%s: %d read, %s, %d set aside", source, total.seen, what, aside)

    def _page(
        self, source: Source, what: str, turn: Turn, now: datetime, total: IngestResult, clock: Callable[[], datetime]
    ) -> tuple[Batch, int]:
        """Read one page and store it. What comes back holds no posts any more, and with it how many were set aside."""
        with room.page() as page:
            batch = self._fetch(source, what, turn, now)
            total.add(self._keep(source, what, batch, turn, clock))
            if page.large:  # so many of its pages lie in this connection's memory
                self.database.keep_little()
            return replace(batch, posts=(), aside=()), len(batch.aside)

    def _fetch(self, source: Source, what: str, turn: Turn, now: datetime) -> Batch:
        request = self._request(source, what, now)
        connector: Any = self.connectors[source.name]
        if what == "own":
            accounts = self._accounts(source.name)
            own: Callable[[], Batch] = partial(connector.fetch_own, accounts, request)
            return turn.read(source.deadline.total_seconds(), own, f"own-{source.name}")
        read: Callable[[], Batch] = partial(connector.fetch, request)
        return turn.read(source.deadline.total_seconds(), read, f"fetch-{source.name}")

    def _request(self, source: Source, what: str, now: datetime) -> Request:
        health = sources.health(self.database, source.name)
        terms, wants = self._asked_with_competitors if reads(self.rules.settings, source) else self._asked
        return Request(
            source=source.name,
            terms=terms,
            cursor=sources.cursor(self.database, source.name, what),
            now=now,
            since=now - self.rules.settings.earful.first_look_back,
            accounts=self.rules.accounts.ids(source.name),
            spent=health.spent_in(now) if health is not None else 0.0,
            wants=wants,
        )

    def _look_up(self, source: Source, what: str, turn: Turn, now: datetime) -> None:
        """Find out once what the handles in the settings stand for, before the first post is taken in."""
        request = self._request(source, what, now)
        seconds = source.deadline.total_seconds()
        self.identities.look_up(source.name, self.connectors[source.name], request, turn, seconds)

    def _keep(self, source: Source, what: str, batch: Batch, turn: Turn, clock: Callable[[], datetime]) -> IngestResult:
        """Store one page: its posts, and in the transaction of the last of them everything else that it brought."""
        now = clock()

        def last() -> None:
            turn.prove()
            sources.save_cursor(self.database, source.name, what, batch.cursor, now, complete=batch.complete)
            if batch.aside:
                sources.set_aside(self.database, source.name, batch.aside, now)
            if batch.gaps:
                sources.add_gaps(self.database, source.name, batch.gaps, now)
            if batch.quota is not None:
                sources.note_quota(self.database, source.name, batch.quota, now)
            notices.tell(self.database, self.tell_operator, source.name, what, batch.notices, batch.complete, now)

        if what == "own":
            with self.database.transaction():
                self.answers.take(batch.posts, now)
                last()
                self._delete(source.name, batch, now)
            taken = IngestResult(seen=len(batch.posts))
        else:
            taken = self._keep_posts(source.name, batch, now, last, clock)
        for each in batch.aside:
            log.warning("%s: one item set aside: %s", source.name, each.reason)
        for gap in batch.gaps:
            self.tell_operator(
                f"gap:{source.name}:{gap.start.isoformat()}",
                f"{source.name} was not read from {gap.start:%d %b %H:%M} to {gap.end:%d %b %H:%M} UTC: {gap.reason}",
                "",
                now,
            )
        return taken

    def _keep_posts(
        self, source: str, batch: Batch, now: datetime, last: Callable[[], None], clock: Callable[[], datetime]
    ) -> IngestResult:
        """Judge a page at once, or keep it as it came and judge what waits of its source, unless others do."""
        page = Page(batch.posts, batch.deleted, batch.gone, batch.complete)
        judging = self.judging
        if not judging.apart:
            return judging.judge(source, page, now, last, alone=bool(batch.notices))
        with self.database.transaction(None if batch.notices else Locks(alone=frozenset({f"read:{source}"}))):
            last()
            if judging.matters(source, page, now):
                unjudged.add(self.database, source, page, now)
        return IngestResult(seen=len(page.posts)) if judging.elsewhere else judging.work_off(clock, source)

    def _tell_endless(self, source: str, what: str, now: datetime) -> None:
        with self.database.transaction():
            notices.tell(self.database, self.tell_operator, source, what, (ENDLESS,), False, now)

    def _delete(self, source: str, batch: Batch, now: datetime) -> None:
        """What the network says is deleted is forgotten here; a case with nothing left to answer is closed as such."""
        if batch.deleted or batch.gone:
            forgetting.deleted(self.database, source, batch.deleted, batch.gone, now)

    def _failed(self, source: Source, what: str, error: Exception, turn: Turn, visit: Visit, now: datetime) -> Visit:
        message, remedy, retry_at, refused = failing_sources.reading(error, source, now)
        message, remedy = clean(message)[:500], clean(remedy)[:500]
        if what == "own":
            self._own_failed(source, message, remedy, retry_at, refused, turn, now)
            return replace(visit, error=message, remedy=remedy)
        with self.database.transaction():
            turn.prove()
            closed = isinstance(error, Closed)
            health = sources.failed(self.database, source.name, now, message, remedy, refused=refused, closed=closed)
            back_off = min(source.every * 2 ** min(health.failures - 1, 10), max(LONGEST_BACK_OFF, source.every))
            sources.set_due(self.database, source.name, what, retry_at or now + back_off)
        log.warning("%s: %s", source.name, with_remedy(message, remedy))
        failing_sources.announce(self.database, self.rules, source.name, now)
        return replace(visit, error=message, remedy=remedy)

    def _not_stored(self, source: Source, what: str, error: Exception, visit: Visit, now: datetime) -> Visit:
        """The database's trouble, not the source's: the cursor did not move, so nothing is lost.

        It is read again in half a minute and no sooner, even where that cannot be written down: reads cost, too.
        """
        said = disk.why(error)
        log.error("%s: not stored (%s); Earful will read it again", source.name, said)
        later = now + NOT_STORED_WAIT
        self._wait_until[source.name] = later
        try:
            with self.database.transaction():
                key_values.remember(self.database, disk.NOT_STORED, said, now)
                sources.set_due(self.database, source.name, what, later)
        except Error:
            pass  # then it stays due, and this process remembers
        return replace(visit, error=f"not stored: {said}", remedy="check the database's disk")

    def _own_failed(
        self, source: Source, message: str, remedy: str, retry_at: datetime | None, refused: bool, turn: Turn,
        now: datetime,
    ) -> None:  # fmt: skip
        """The brand's own replies cannot be read: posts are read all the same, and it is announced once a day."""
        with self.database.transaction():
            turn.prove()
            count = failures.one_more(self.database, "own", source.name, now)
            back_off = min(source.own_every * 2 ** min(count, 10), max(LONGEST_BACK_OFF, source.own_every))
            later = retry_at or now + (timedelta(hours=6) if refused else back_off)
            sources.set_due(self.database, source.name, "own", later)
        log.warning("%s: own replies: %s", source.name, with_remedy(message, remedy))
        if count >= failing_sources.ANNOUNCE_AFTER or refused:
            title = f"{source.name}: can't see your own replies, so clocks don't stop by themselves: {message}"
            self.tell_operator(f"own:{source.name}:{now:%Y-%m-%d}", title, remedy, now)


def _terms(queries: Iterable[Query]) -> tuple[str, ...]:
    """What sources are asked for, each once."""
    return tuple(dict.fromkeys(term for query in queries for term in query.terms()))
