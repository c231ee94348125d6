"""A second look at the list: the reader says of each new entry how much it needs us, and the order follows.

It comes after storing, a second or two after first sight, so that nothing is added to what calls people; an alert is
never touched, and none comes of it: of what it puts highest not nine in ten need an answer at once. An English entry
of which both judges say that nothing in it needs an answer closes as left in the list; its post stays a mention.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from monitor.store import case_log, cases, key_values, list_entries
from monitor.store.database import Database, Row
from monitor.store.leases import Leases
from monitor.text.explanations import ASKS, ASKS_TO_ACT, NEGATIVE
from monitor.text.judge import MODELLED
from monitor.text.local_models.folder import LocalModelRefused
from monitor.text.local_models.reader import LANGUAGES
from monitor.text.need import moved_by
from monitor.timeouts import Overran, within

log = logging.getLogger("earful.reader")

AT_ONCE = 32  # entries between two writes: a tenth of a second of one processor
DEADLINE = 10.0  # seconds that a batch may take; a hundred times what it does
MOST_SLOW = 3  # batches that overran; then it is left alone until the next start
NOTHING = 0.2  # an entry that needs us less is none: of 20 such on six labelled days not one must be answered
LOOKS, SPARE = "second-look", timedelta(seconds=15)
TROUBLE = "reader:trouble"
_UPTO = "reader:upto"  # the number of the last case that was looked at
_LEFT = "a second look found nothing that needs an answer"


class ReaderLike(Protocol):
    """What a second look asks of the reader."""

    name: str

    def odds(self, texts: Sequence[str]) -> list[float]: ...  # noqa: D102


class SecondLook:
    """Reads the list's new entries, batch after batch. One thread at a time works in it."""

    def __init__(
        self,
        database: Database,
        load: Callable[[], ReaderLike] | None,
        tell: Callable[[str, str, str, datetime], None],
        deadline: float = DEADLINE,
        leases: Leases | None = None,
    ) -> None:
        """`load` loads the reader, at the first look; None where settings want none. `tell` tells the operator."""
        self.database = database
        self.leases = leases or Leases(database)
        self.deadline = deadline
        self._load = load
        self._reader: ReaderLike | None = None
        self._tell = tell
        self._slow = 0

    def due(self) -> bool:
        """Whether the reader is to be loaded, or entries wait for it: one small question to the store."""
        return self._load is not None and (self._reader is None or bool(self._next(1)))

    def work(self, clock: Callable[[], datetime]) -> int:
        """Look at all that waits, unless another process does; how many entries."""
        read = 0
        if self._load is not None and self._reader is None:
            try:
                self._reader = self._load()
            except LocalModelRefused as refusal:
                self._give_up(str(refusal), clock())
        lasts = timedelta(seconds=self.deadline) + SPARE
        while self._reader is not None and (held := self.leases.take(LOOKS, lasts)) is not None:
            rows = self._all_so_far(AT_ONCE)
            if not rows:
                self.leases.release(held)
                break
            self._batch(self._reader, rows, clock())
            read += len(rows)
        return read

    def _give_up(self, what: str, now: datetime) -> None:
        """Go on without a reader until the next start."""
        self._load = self._reader = None
        self._in_trouble(what, now)

    def _next(self, most: int) -> list[Row]:
        return list_entries.listed_after(self.database, self._upto(), most)

    def _upto(self) -> int:
        return int(key_values.fact(self.database, _UPTO, "-1"))

    def _all_so_far(self, most: int) -> list[Row]:
        """What waits, read while nobody else writes: of several who store, one with a lower number may end later."""
        with self.database.transaction():
            return self._next(most)

    def _batch(self, reader: ReaderLike, rows: Sequence[Row], now: datetime) -> None:
        known = [row for row in rows if row["language"] in LANGUAGES]
        texts = [f"{row['title']} {row['text']}".strip() for row in known]
        try:
            found = within(self.deadline, lambda: reader.odds(texts), "second-look") if texts else []
        except Overran:
            self._slow += 1
            found, slow = [], f"{reader.name} took more than {self.deadline:g} s for {len(texts)} texts"
            if self._slow < MOST_SLOW:
                self._in_trouble(slow, now)
            else:
                self._give_up(slow, now)
        except LocalModelRefused as refusal:
            self._give_up(str(refusal), now)
            found = []
        with self.database.transaction():
            for row, odds in zip(known, found, strict=False):
                self._judge(row, odds, now)
            if int(rows[-1]["n"]) > self._upto():  # else another process was quicker, and has gone on since
                key_values.remember(self.database, _UPTO, str(rows[-1]["n"]), now)
            if found and key_values.fact(self.database, TROUBLE):
                key_values.remember(self.database, TROUBLE, "", now)

    def _judge(self, row: Row, odds: float, now: datetime) -> None:
        """Move one entry, unless somebody has it by now, or it is told of already and would be closed."""
        need = moved(row["need"], odds)
        standing = cases.row_of(self.database, row["id"])
        if standing is None or standing["closed_at"] or standing["lane"] != "sweep" or standing["need"] != row["need"]:
            return
        if is_nothing(need, row["language"], _words(row)) and _may_close(standing):
            cases.change(
                self.database, row["id"], need=need, closed_at=now, closed_by="Earful", outcome="listed",
                next_step_at=None, claim_expires_at=None,
            )  # fmt: skip
            line = case_log.new_row(row["id"], now, "expired", way="reader", outcome="listed", reason=_LEFT)
            case_log.add(self.database, [line])
        else:
            cases.change(self.database, row["id"], need=need)

    def _in_trouble(self, what: str, now: datetime) -> None:
        """Say it once by name: in the log, to the operator, and in `earful status`."""
        if key_values.fact(self.database, TROUBLE) == what:
            return
        log.warning("the second look at the list is skipped: %s", what)
        with self.database.transaction():
            key_values.remember(self.database, TROUBLE, what, now)
            self._tell("reader", f"The second look at the list is skipped: {what}", "the rest still works", now)


def is_nothing(need: float, language: str, words: Collection[str]) -> bool:
    """Whether both judges find nothing that needs an answer in an entry; `words` are its reasons and tags."""
    speaks = not {ASKS, "offered"}.isdisjoint(words) or any(word.startswith((NEGATIVE, ASKS_TO_ACT)) for word in words)
    judged = language in MODELLED  # elsewhere nobody else has judged: of 31 that would close 20 were a look
    return need < NOTHING and judged and not speaks


def _may_close(standing: Row) -> bool:
    untouched = not (standing["owner"] or standing["named"]) and standing["mentions"] == 1
    return bool(untouched and standing["rating"] is None)


def _words(row: Row) -> set[str]:
    return {*json.loads(row["reasons"]), *json.loads(row["tags"])}


def _held(share: float) -> float:
    """A share that is stored to four places: 0 and 1 are none that a figure could be moved from."""
    return min(max(share, 1e-4), 1 - 1e-4)


def moved(need: float, odds: float) -> float:
    """Return a need from 0 to 1 moved by so many log odds."""
    return moved_by(_held(need), odds)
