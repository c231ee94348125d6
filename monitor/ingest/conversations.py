"""The conversations of open cases: what is said in them is read on every network that can show it, name or no name.

A customer who answers us does not name the brand again. So the replies in the conversation of a case are read while it
waits, and for seven days after its answer. Kept of them: what the case's person says, what our own accounts say, what
names a brand, what tells of danger, and what says that it is the same trouble (as a mention of the story while that
is open). All else is judged in memory and dropped: it is never stored and never logged.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from connectors import Batch, ConnectorError, Conversation, Post, Request, room
from connectors.text import bare_name
from monitor.cases.brand_replies import Answers
from monitor.ingest.pipeline import Intake
from monitor.ingest.turns import Turn
from monitor.settings.models import Source
from monitor.settings.rules import Rules
from monitor.store import cases, failures, key_values, mentions, sources
from monitor.store.connect import is_of_all
from monitor.store.database import Database, Row, at
from monitor.store.leases import LeaseLostError
from monitor.timeouts import Overran

log = logging.getLogger("earful.conversations")

FOLLOWED = timedelta(days=7)  # after the answer
OVERLAP = timedelta(hours=1)  # posts appear late, and under their old time
EVERY = timedelta(minutes=1)  # no conversation more often, however often its source is read
LOOK_AGAIN = timedelta(seconds=10)  # whether a source without a case has one now: that goes through all its cases
LONGEST_BACK_OFF = timedelta(hours=1)
MOST = 500  # conversations of a source that are followed at a time; the others come when these are settled
LATEST = "talk:{source}"  # the fact that says how far each conversation was read
IN_VAIN = "talk-in-vain:{source}"  # and which could not be read since, and when that was tried
SPENT = "talk-spent:{source}:{month}"


@dataclass(frozen=True, slots=True)
class Followed:
    """One conversation, and whose cases are in it: author (folded) -> case row."""

    conversation: Conversation
    brand: str
    people: Mapping[str, Row]


@dataclass(slots=True)
class Heard:
    """What one reading kept, in numbers; what was dropped is not even counted by whom."""

    conversations: int = 0
    kept: int = 0
    ours: int = 0
    dropped: int = 0
    error: str = ""


class Conversations:
    """Reads the conversations of cases. One is made for a set of rules; a source is visited by one thread at a time."""

    def __init__(
        self, database: Database, rules: Rules, intake: Intake, answers: Answers, connectors: Mapping[str, Any]
    ) -> None:
        self.database = database
        self.rules = rules
        self.intake = intake
        self.answers = answers
        self.connectors = connectors
        self._talking = [name for name, each in connectors.items() if hasattr(each, "fetch_conversations")]
        self._nothing_until: dict[str, datetime] = {}

    def due(self, now: datetime) -> list[str]:
        """The sources whose conversations are due: those that can show them and have a case to follow."""
        found = []
        for name in sources.talk_due(self.database, now, self._talking):
            again = self._nothing_until.get(name)
            if again is not None and now < again <= now + LOOK_AGAIN:  # beyond that the clock has stepped back
                continue
            if cases.conversations(self.database, name, now - FOLLOWED, 1):
                found.append(name)
            else:
                self._nothing_until[name] = now + LOOK_AGAIN
        return found

    def visit(self, name: str, mine: Turn, clock: Callable[[], datetime]) -> Heard:
        """Read those conversations of a source whose turn it is. Never raises for a bad source."""
        source, connector = self.rules.sources[name], self.connectors[name]
        heard, now = Heard(), clock()
        turn: list[Followed] = []
        try:
            turn, read = self._turn(name, int(connector.most_conversations), now)
            if turn:
                with room.page():
                    batch = self._fetch(source, connector, turn, mine, now)
                    heard = self._keep(name, batch, turn, read, mine, now, clock())
                wait = batch.not_before
            else:
                wait = None
            failed, later = False, max(source.own_every, EVERY)
        except LeaseLostError:
            raise
        except Exception as error:  # a client library may raise anything; the others must not notice
            if is_of_all(error):
                raise
            said = str(error) if isinstance(error, ConnectorError | Overran) else f"unexpected {type(error).__name__}"
            log.warning("%s: can't read the conversations of cases: %s", name, said)
            heard, wait, failed = Heard(error=said), getattr(error, "retry_at", None), True
        with self.database.transaction():
            mine.prove()
            if failed:
                if not sources.is_under_way(self.database, name, "talk"):  # else its next page is of these
                    self._note_in_vain(name, {each.conversation.thread for each in turn}, now)
                count = failures.one_more(self.database, "talk", name, now)
                later = min(source.own_every * 2 ** min(count, 8), LONGEST_BACK_OFF)
            else:
                failures.over(self.database, "talk", name, now)
            sources.set_due(self.database, name, "talk", max(wait or now, now + later))
        return heard

    def _turn(self, source: str, most: int, now: datetime) -> tuple[list[Followed], dict[str, str]]:
        """Which conversations are read now: those of open cases first, among them whichever was read longest ago.

        One that could not be read counts as if it had been: those that always fail would else be all that is asked for.
        """
        rows = cases.conversations(self.database, source, now - FOLLOWED, MOST)
        kept: dict[str, str] = json.loads(key_values.fact(self.database, LATEST.format(source=source)) or "{}")
        tried = self._tried_in_vain(source)
        by_thread: dict[str, list[Row]] = {}
        for row in rows:
            by_thread.setdefault(row["thread"], []).append(row)

        def place(thread: str) -> tuple[bool, str, bool]:
            waits = any(row["waits"] for row in by_thread[thread])
            return not waits, max(kept.get(thread, ""), tried.get(thread, "")), thread not in tried

        order = sorted(by_thread, key=place)
        chosen = order[:most]
        natives = mentions.native_ids_of_cases(
            self.database, [row["id"] for thread in chosen for row in by_thread[thread]]
        )
        turn = [_followed(thread, by_thread[thread], natives, kept.get(thread, "")) for thread in chosen]
        return turn, {thread: moment for thread, moment in kept.items() if thread in by_thread}

    def _fetch(self, source: Source, connector: Any, turn: Sequence[Followed], mine: Turn, now: datetime) -> Batch:
        asked = tuple(each.conversation for each in turn)
        health = sources.all_health(self.database).get(source.name)
        request = Request(
            source=source.name,
            terms=(),
            cursor=sources.cursor(self.database, source.name, "talk"),
            now=now,
            since=min(each.since for each in asked),
            accounts=self.rules.accounts.ids(source.name),
            spent=health.spent_in(now) if health is not None else 0.0,
        )
        read: Callable[[], Batch] = partial(connector.fetch_conversations, asked, request)
        return mine.read(source.deadline.total_seconds(), read, f"talk-{source.name}")

    def _keep(
        self, name: str, batch: Batch, turn: Sequence[Followed], read: dict[str, str], mine: Turn,
        began: datetime, now: datetime,
    ) -> Heard:  # fmt: skip
        """Keep what is ours to keep, with how far each conversation was read; the rest is gone when this returns."""
        heard = Heard(conversations=len(turn))
        by_thread = {each.conversation.thread: each for each in turn}
        ours = [post for post in batch.posts if self.rules.is_own(post)]
        others = [post for post in batch.posts if not self.rules.is_own(post) and not self.rules.is_ignored(post)]
        theirs: dict[str, list[Post]] = {}
        strangers: list[Post] = []
        for post in others:
            followed = by_thread.get(post.thread_id)
            if followed is None:
                continue
            case = followed.people.get(bare_name(post.author))
            if case is not None:
                theirs.setdefault(case["brand"], []).append(replace(post, author=case["author"]))
            else:
                strangers.append(post)
        for brand, posts in theirs.items():
            heard.kept += self.intake.take(posts, now, brand=brand).new
        if strangers:  # what names a brand, and what says that it is the same trouble; the rest is forgotten there
            heard.kept += self.intake.take(strangers, now).new
        with self.database.transaction():
            mine.prove()
            if ours:
                self.answers.take(ours, now)
            asked = {each.conversation.thread for each in turn}
            whole = asked - set(batch.unread) if batch.complete else set()
            read |= dict.fromkeys(whole, now.isoformat())
            # From when it began: what there was no time for comes before what was read meanwhile.
            self._note_in_vain(name, asked - whole if batch.complete else set(), began, read=whole)
            fact = LATEST.format(source=name)
            key_values.remember(self.database, fact, json.dumps(read), now)
            sources.save_cursor(self.database, name, "talk", batch.cursor, now, complete=batch.complete)
            if batch.quota is not None:
                sources.note_quota(self.database, name, batch.quota, now)
                self._note_cost(name, batch.quota.cost, now)
        heard.ours = len(ours)
        heard.dropped = len(batch.posts) - len(ours) - heard.kept
        return heard

    def _tried_in_vain(self, source: str) -> dict[str, str]:
        found: dict[str, str] = json.loads(key_values.fact(self.database, IN_VAIN.format(source=source)) or "{}")
        return found

    def _note_in_vain(self, source: str, threads: set[str], now: datetime, *, read: Iterable[str] = ()) -> None:
        """Write down when these were tried; those `read` are forgotten, and whatever is followed no more."""
        before = self._tried_in_vain(source)
        since = (now - FOLLOWED).isoformat()
        left = {thread: moment for thread, moment in before.items() if thread not in set(read) and moment >= since}
        left |= dict.fromkeys(threads, now.isoformat())
        if left != before:
            key_values.remember(self.database, IN_VAIN.format(source=source), json.dumps(left), now)

    def _note_cost(self, name: str, cost: float, now: datetime) -> None:
        if cost:
            fact = SPENT.format(source=name, month=f"{now:%Y-%m}")
            spent = float(key_values.fact(self.database, fact) or 0.0) + cost
            key_values.remember(self.database, fact, f"{spent:.6f}", now)


def spent_on_conversations(database: Database, source: str, now: datetime) -> float:
    """What reading the conversations of cases cost this month, in US dollars."""
    return float(key_values.fact(database, SPENT.format(source=source, month=f"{now:%Y-%m}")) or 0.0)


def _followed(thread: str, rows: Sequence[Row], natives: Mapping[str, Sequence[str]], read_at: str) -> Followed:
    """One conversation with its people; read from where it was read last, at first from the first of their posts."""
    since = datetime.fromisoformat(read_at) if read_at else at(min(row["first_posted_at"] for row in rows))
    posts = dict.fromkeys(native for row in rows for native in natives.get(row["id"], ()))
    return Followed(
        Conversation(thread, tuple(reversed(posts)), since - OVERLAP),
        rows[0]["brand"],
        {bare_name(row["author"]): row for row in reversed(rows)},
    )
