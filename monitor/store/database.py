"""What a database is asked, whichever it is, and how values stand in it. Its faces: sqlite.py and postgresql.py.

Statements are written once with `:name` parameters and run on both. Every thread has its own connection. A transaction
takes its locks at its start (BEGIN IMMEDIATE; on PostgreSQL an advisory lock is its twin, and whoever names `Locks` of
their own shares it), because a deferred one that reads and then writes fails at once under two writers, whatever the
time-out says.
"""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from connectors.text import SPACELESS

Row = Mapping[str, Any]
Values = Mapping[str, Any]
NOTHING: Values = {}


class _Closes(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=_Closes)
NEVER = ""  # a time that is not set
_LONGEST_SEARCH = 1000  # characters
# Characters of a time: "2026-11-2" are the days from the 20th to the 29th. Indexes on SQLite are made by it.
THIRD_OF_MONTH = 9
_MOST_WORDS = 30  # FTS5 refuses an expression that is too deep
_spaceless = re.compile(f"[{SPACELESS}]")
_to_part = re.compile(f"[{SPACELESS}\uff01-\uff5e]")


class DatabaseUnusable(Exception):
    """The database cannot be used; the message names the path and what to do. Nothing was written."""


class DatabaseBusy(DatabaseUnusable):
    """The database cannot be used now, and may be in a minute, without anybody's hand: it is worth another try."""


class DatabaseDamaged(DatabaseUnusable):
    """The file is broken, or no database at all: only a copy helps."""


class RoleTaken(Exception):
    """Another daemon works on this database; the message names its host and process."""


NAMED = re.compile(r"(?<![:\w]):([a-z_]\w*)")  # a parameter of a statement


@lru_cache(maxsize=4096)  # the moments of all posts of a chunk are asked for twice
def stamp(moment: datetime | None) -> str:
    """UTC text of fixed width, so that text order is time order. None becomes ""."""
    if moment is None:
        return NEVER
    # Not strftime: its %Y writes the year 900 with three digits.
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def instant(text: str) -> datetime | None:
    """The moment that `stamp` wrote; None for ""."""
    return datetime.fromisoformat(text) if text else None


def at(text: str) -> datetime:
    """As `instant`, where the column is never empty."""
    return datetime.fromisoformat(text)


encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


def listed(values: Sequence[str]) -> str:
    """A list as the JSON text of its column."""
    return _listed_before(tuple(values)) if values else "[]"


_listed_before = lru_cache(maxsize=1024)(encode)  # most posts have the same few reasons and words


@lru_cache(maxsize=1024)
def listed_in(text: str) -> tuple[str, ...]:
    """The list that `listed` wrote. Kept for a while: most cases have the same few."""
    return tuple(json.loads(text or "[]"))


def marks(name: str, values: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """`IN (...)` for a list: the placeholders and their values. An empty list matches nothing."""
    if not values:
        return "(NULL)", {}
    names = [f"{name}{index}" for index in range(len(values))]
    return "(" + ", ".join(f":{each}" for each in names) + ")", dict(zip(names, values, strict=True))


def parted(text: str) -> str:
    """A text with each letter of a script without spaces as a word of its own, "" where it holds none.

    So a part of such a text is found, as letters that stand side by side, and a Latin name that is glued to them. Wide
    and narrow forms, as an input method writes them, become the plain ones.
    """
    if text.isascii() or _to_part.search(text) is None:
        return ""
    return _spaceless.sub(r" \g<0> ", unicodedata.normalize("NFKC", text))


def sought(words: str) -> list[str]:
    """What people typed into a search, as words that both databases take: few, short, no NUL, no lone surrogate."""
    text = words[:_LONGEST_SEARCH].encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    return [" ".join((parted(word) or word).split()) for word in text.split()[:_MOST_WORDS]]


def runs(numbers: Iterable[int], gap: int) -> list[tuple[int, int]]:
    """Numbers as (first, last) of spans that hold them all, none of which passes over more than `gap` others."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and number - found[-1][1] <= gap:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


@dataclass(frozen=True, slots=True)
class Locks:
    """Names by which writers at the same time keep out of each other's way, from the start of a transaction to its end.

    Who holds a name `alone` is the only one who holds it; one that is `shared` many hold at a time.
    """

    alone: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Step:
    """What was found in one step of going back: ids that match, how many rows it looked at, and the last of these."""

    ids: list[str]
    looked_at: int
    last: Row | None

    @staticmethod
    def of(rows: Sequence[Row], fits: Collection[int]) -> Step:
        """The step that brought these rows, of which those match whose posts have one of these numbers (`n`)."""
        return Step([row["id"] for row in rows if row["n"] in fits], len(rows), rows[-1] if rows else None)


class Database(Protocol):
    """What both faces can do. Rows read like dictionaries."""

    dialect: str
    one_writer: bool  # whether a transaction keeps all other writers out, whatever it locks
    beside: Path | None  # the file of the state folder beside which the key and the list of erasures lie
    id_names: dict[str, str]  # "source:NAME", "brand:NAME" -> the name that its ids are made of, where it is another
    ids_in_order: bool  # whether the ids of posts begin with what grows in those of their network

    @property
    def authors_in_parts(self) -> bool:
        """Whether the index of mentions by author is made in parts of months (`authorship`)."""
        ...

    def rows(self, statement: str, values: Values = NOTHING) -> list[Row]:
        """All rows of a question."""
        ...

    def row(self, statement: str, values: Values = NOTHING) -> Row | None:
        """The first row, or None."""
        ...

    def run(self, statement: str, values: Values = NOTHING) -> int:
        """Run a statement; how many rows it changed."""
        ...

    def run_many(self, statement: str, values: Iterable[Values]) -> int:
        """Run one statement for many rows; how many rows that changed."""
        ...

    def among(self, name: str, texts: Sequence[str]) -> tuple[str, dict[str, Any]]:
        """As `marks`, for many texts: they are one value, where a thousand names take longer than the answer."""
        ...

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Values], *, new: bool = False) -> int:
        """Insert rows, of which those that stand already stay as they are; how many were new.

        Of rows that are all `new` one that stands is an error.
        """
        ...

    def script(self, statements: Iterable[str]) -> None:
        """Run statements of the schema, inside the transaction that is open."""
        ...

    def transaction(self, locks: Locks | None = None, *, durable: bool = True, long: bool = False) -> Any:
        """`with database.transaction():` all or nothing, as the only writer from the start.

        With `locks` others may write at the same time, as long as they have named theirs too and none is of these;
        whoever names none still has the database alone. Where there is `one_writer`, locks change nothing. What is not
        `durable` waits for no disk: all of it may be lost if the server fails within the next second. No statement of a
        `long` one is given up for the time that it takes: it changes most rows of a table.
        """
        ...

    def lock(self, names: Iterable[str], shared: Iterable[str] = ()) -> None:
        """Hold these names alone as well, and those `shared`, to the end of the open transaction.

        After those that it began with, and only kinds of names with which no transaction begins. Every transaction
        that takes several kinds so takes them in the same order, each kind at once: stories (`band`, `harm`), then
        causes. Whoever takes one after the other in an order of their own waits for somebody who waits for them.
        """
        ...

    def skip_locked(self, table: str) -> str:
        """Words at the end of a question that lock what it finds, and pass over what others have locked."""
        ...

    def numbers(self, table: str, surely: int = 1) -> Iterator[int]:
        """The numbers `n` of rows to come, none of which anybody else gets. Inside a transaction.

        So many are `surely` needed, and asked for at once; of those that are not used none is given again.
        """
        ...

    def time(self) -> datetime:
        """What the database's clock shows now; where it has none, this machine's."""
        ...

    def skew(self) -> timedelta:
        """How far the database's clock is ahead of this machine's, where the two are of different machines."""
        ...

    def has_table(self, name: str) -> bool:
        """Whether a table stands."""
        ...

    def columns_of(self, table: str) -> frozenset[str]:
        """The names of a table's columns; none where there is no such table."""
        ...

    def hold_role(self, role: str, now: datetime, *, worker: str = "", alone: bool = True) -> Role:
        """Become the only holder of `role` ("daemon") on this database, or raise RoleTaken.

        Not `alone`, others may hold it as well who do not want it alone; a file's is always held alone. As long as it
        is held, "worker:" and the name of the `worker` are among what is `held`.
        """
        ...

    def held(self, names: Iterable[str]) -> frozenset[str]:
        """Which of these names the process of somebody holds that is alive; a file knows of none."""
        ...

    def begins(self, column: str, prefix: str) -> str:
        """The condition that a column begins with letters of ours, by an index where that can be.

        A range does not say that everywhere: where texts are in a language's order, a semicolon is before a colon.
        """
        ...

    def search_matches(self, most: int = 0) -> str:
        """A question for the ids of the posts that full-text search finds, with the parameter `:search`.

        With `most`, only so many of them, those that came last: quick for any word.
        """
        ...

    def search_count(self, most: int, *, newest: bool = False) -> str:
        """A question for how many posts (`n`) the search finds, counting to `most` and no further.

        For whoever wants the `newest`, it may say `most` without counting, where so many of the newest match.
        """
        ...

    searched_column: str  # of posts `p`: what `search_step` asks by

    def search_step(self, question: str, values: Values, words: str) -> Step:
        """Which of the mentions that a question brings match what people typed, newest first, and the last of all.

        The question brings `id`, `posted_at` and the `searched_column`, newest first.
        """
        ...

    def search_among(self, numbers: Sequence[int], words: str) -> set[int]:
        """Which posts of these numbers (`n`) match what people typed; numbers that lie together cost little."""
        ...

    def by_index(self, name: str) -> str:
        """Words after a table that name the index to go by, where the database keeps no statistics to choose by."""
        ...

    def search_words(self, words: str) -> str:
        """What people typed, made safe as the value of `:search`."""
        ...

    def checkpoint(self) -> None:
        """Bring what the log beside the file holds into it, where there is one."""
        ...

    def keep_little(self) -> None:
        """Give back the memory in which this thread's connection keeps pages and what it stored. In no transaction."""
        ...

    def tidy(self, seconds: float) -> bool:
        """Put in order what storing leaves for later; False where `seconds` were too few for all of it."""
        ...

    def overwrite(self, tables: Sequence[str], seconds: float) -> bool:
        """Overwrite what was emptied in these tables; False where others held it up for `seconds`."""
        ...

    def overwrite_all(self, tables: Sequence[str]) -> None:
        """The same for whatever was ever emptied, also before this version: slow, once."""
        ...

    def copies(self) -> Mapping[str, datetime]:
        """The copies of the whole database that Earful made beside it by itself: their names, and when."""
        ...

    def delete_copies(self, names: Iterable[str]) -> list[str]:
        """Delete these of `copies`, with what stands beside each; those that could not be deleted."""
        ...

    def close(self) -> None:
        """Close every connection of every thread."""
        ...


def by_its_clock(database: Database, now: datetime) -> datetime:
    """What the clock of the database shows at our `now`: where machines wait for one another they go by that one."""
    return now + database.skew()


class Role(Protocol):
    """A role that is held until it is let go (or the process ends)."""

    def keep(self, now: datetime, /) -> str:
        """Look whether the role is still ours, and take it again if it was lost: what happened, "" for nothing.

        Raises RoleTaken where somebody else has it by now.
        """
        ...

    def release(self) -> None:
        """Let the role go."""
        ...


class PerThread(Generic[C]):
    """A connection for each thread. One that a thread left behind is used again: never more than threads at a time."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._held: dict[threading.Thread, C] = {}
        self._guard = threading.Lock()

    def mine(self) -> C | None:
        """The connection of the thread that asks."""
        return getattr(self._local, "connection", None)

    def take(self, connection: C) -> None:
        """Keep this one for the thread that asks."""
        self._local.connection = connection
        with self._guard:
            self._held[threading.current_thread()] = connection

    def give_up(self) -> C | None:
        """The connection of the thread that asks, which has none any more."""
        connection = self.mine()
        self._local.connection = None
        with self._guard:
            self._held.pop(threading.current_thread(), None)
        return connection

    def left_behind(self) -> C | None:
        """The connection of a thread that has ended, if there is one."""
        with self._guard:
            ended = next((thread for thread in self._held if not thread.is_alive()), None)
            return self._held.pop(ended) if ended is not None else None

    def spare(self, kept: int) -> list[C]:
        """What threads have left behind beyond so many, to be closed by whoever asks."""
        with self._guard:
            ended = [thread for thread in self._held if not thread.is_alive()]
            return [self._held.pop(thread) for thread in ended[kept:]]

    def close(self) -> None:
        """Close them all."""
        with self._guard:
            for connection in self._held.values():
                connection.close()
            self._held.clear()
        self._local = threading.local()


def this_process(now: datetime) -> str:
    """Who holds a role, as it is written down for others: "host, process 12, since 2026-03-04 08:00 UTC"."""
    return f"{socket.gethostname()}, process {os.getpid()}, since {now:%Y-%m-%d %H:%M} UTC"
