"""Posts from a file: which column holds what, how its times are to be read, and which rows are one post.

A file is read twice. The first reading finds out in what order a column's dates are written, and which ids more than
one post bears (a spreadsheet rounds long numbers: "5.70306E+17"); the second makes the posts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from connectors import Aside, Post, dates
from connectors.text import clean, number_of, parse_time
from connectors.values import value_class
from monitor.ingest.file_rows import FileUnreadable, Table, table_of
from monitor.text.model.grades import GRADES

__all__ = ["Columns", "FileUnreadable", "Reading", "groups_of", "labelled", "moment_of"]

ORDERS: Mapping[str, dates.Order] = {"dmy": "dmy", "mdy": "mdy", "ymd": "ymd"}
_ORDER_WORDS = {"dmy": "day first", "mdy": "month first", "ymd": "year first"}
_BATCH = 500
_MOST_DATES = 100_000  # different dates that are looked at to find out their order
_CERTAIN = {"ymd"}  # the only order of a date that names its own, as nearly all do; it tells nothing of others
# A spreadsheet keeps 15 digits of a number and shows the rest as zeros, or all of it as a power of ten.
_ROUNDED = re.compile(r"\d(?:[.,]\d+)?[eE]\+?\d{2}|[1-9]\d{14}0{3,}")
_NO_ID = re.compile(r"#+|#(?:N/A|NAME\?|REF!|VALUE!|NUM!)|nan|null|none|n/?a|-+", re.IGNORECASE)
_FORMULA = re.compile(r'=\s*"(.*)"', re.DOTALL)
_SERIAL = re.compile(r"[345]\d{4}(?:[.,]\d{1,12})?")
_SERIAL_ZERO = datetime(1899, 12, 30, tzinfo=UTC)

Known = Callable[[Sequence[str]], Mapping[str, tuple[str, datetime]]]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what; "" where there is none."""

    id: str
    text: str
    author: str = ""
    posted_at: str = ""
    rating: str = ""
    url: str = ""
    thread: str = ""
    reply: str = ""
    replied_at: str = ""


def moment_of(value: str, order: dates.Order | None = None) -> datetime | None:
    """A time in any of the usual spellings, a spreadsheet's count of days among them; without a zone it is UTC."""
    found = _moments(value)
    return next(iter(found.values())) if len(found) == 1 else found.get(order) if order else None


def _moments(value: str) -> Mapping[dates.Order, datetime]:
    """Every moment that a cell may mean, by the order of its numbers."""
    text = value.strip()
    if not text:
        return {}
    if text[4:5] == "-":  # "2026-11-30 ...", as nearly always: no number
        return dates.readings(text)
    if _SERIAL.fullmatch(text):
        return {"ymd": _SERIAL_ZERO + timedelta(seconds=round(float(text.replace(",", ".")) * 86_400))}
    if number_of(text) is not None:
        counted = parse_time(text)
        return {"ymd": counted} if counted else {}
    return dates.readings(text)


class Reading:
    """One file being read. `aside` holds the rows that could not be read, with their bytes; `read` counts lines.

    `known` says of native ids what the store has under them: the author and the time; None where it has nothing of
    this source. `notes` says, once all is read, what was decided on the way.
    """

    def __init__(
        self,
        path: Path,
        source: str,
        columns: Columns,
        now: datetime,
        *,
        order: dates.Order | None = None,
        known: Known | None = None,
    ) -> None:
        """Raises FileUnreadable when a column that was named is not there."""
        self._path = path
        self._source = source
        self._now = now
        self._known = known
        self._table = table_of(path, _wanted(columns))
        self._columns = _resolved(columns, self._table)
        self.size = self._table.size
        self.aside: list[Aside] = []
        self.read = 0
        self.repeated = 0
        self._orders: dict[str, dates.Order | None] = {}
        self._doubtful: dict[str, str] = {}  # column -> an example of a date that can be read in two ways
        self._undecided = 0
        self._kept_apart = 0
        self._example = ""
        self._shared: set[str] = set()
        self._superseded: set[int] = set()  # places of rows whose post comes again further down
        self._survey(order)

    def posts(self) -> Iterator[Post]:
        """Every row that can be read, as a post; the others are set aside."""
        rows = enumerate(self._table.rows())
        while batch := list(islice(rows, _BATCH)):
            made: list[_Row] = []
            for place, (number, row) in batch:
                self.read = number
                try:
                    native = self._native(row)
                    made.append(_Row(native, place not in self._superseded, self._post(row, native)))
                except ValueError as error:
                    raw = json.dumps(row, ensure_ascii=False, default=str).encode("utf-8", "replace")
                    self.aside.append(Aside(raw, f"{self._path.name}, {self._table.unit} {number}: {error}"))
            yield from self._told_apart(made)

    def notes(self) -> list[str]:
        """What a person should know of how the file was read."""
        notes = []
        for column, example in self._doubtful.items():
            order = self._orders.get(column)
            if order:
                notes.append(
                    f"column {column}: dates such as {example} are read {_ORDER_WORDS[order]} (--dates {order})"
                )
        if self._undecided:
            notes.append(
                f"{self._undecided:,} dates could be day first or month first: "
                "import the file again with --dates dmy or --dates mdy"
            )
        if self._kept_apart:
            why = " (a spreadsheet has rounded them)" if _ROUNDED.fullmatch(self._example) else ""
            notes.append(
                f"{self._kept_apart:,} rows share an id with other posts, such as {self._example[:60]}{why}: "
                "each got a new id made from its author, time and text"
            )
        if self.repeated:
            notes.append(f"{self.repeated:,} rows repeat a post in this file; the last row was used")
        return notes

    @property
    def order(self) -> dates.Order | None:
        """The order in which the dates of the posts were read, where it made a difference."""
        column = self._columns.posted_at
        return self._orders.get(column) if column in self._doubtful else None

    def _survey(self, order: dates.Order | None) -> None:
        """Read the file once: find the order of its dates, and the ids that stand for more than one post."""
        names = self._columns
        columns = [name for name in (names.posted_at, names.replied_at) if name]
        seen: dict[str, dict[str, None]] = {name: {} for name in columns}
        first: dict[str, bytes] = {}
        last: dict[bytes, int] = {}
        for place, (_number, row) in enumerate(self._table.rows()):
            if "" in row:
                continue
            for name in columns:
                if len(seen[name]) < _MOST_DATES:
                    seen[name][self._cell(row, name).strip()] = None
            native = self._native(row)
            who = self._print(row, native)
            key = _key(who, native)
            if key in last:
                self._superseded.add(last[key])
            last[key] = place
            if native and first.setdefault(native, who) != who:
                self._shared.add(native)
        for name in columns:
            read = ((text, _moments(text)) for text in seen[name])
            telling = {text: found for text, found in read if found.keys() != _CERTAIN}
            self._orders[name] = order or dates.order_of(telling.values(), self._now)
            doubtful = (text for text, found in telling.items() if len(dates.without_future(found, self._now)) > 1)
            example = next(doubtful, "")
            if example:
                self._doubtful[name] = example[:40]

    def _native(self, row: Mapping[str, Any]) -> str:
        native = self._cell(row, self._columns.id).strip()
        return "" if _NO_ID.fullmatch(native) else native

    def _print(self, row: Mapping[str, Any], native: str) -> bytes:
        """What tells two posts with one id apart: author and time; the words, where these say nothing."""
        names = self._columns
        parts = [self._cell(row, names.author), self._cell(row, names.posted_at)]
        if not all(parts) or not native:
            parts.append(self._cell(row, names.text))
        return sha256("\0".join(parts).encode("utf-8", "replace")).digest()[:10]

    def _told_apart(self, made: list[_Row]) -> Iterator[Post]:
        """Give each post an id that is its own, whatever the file and the store have under that id."""
        known: Mapping[str, tuple[str, datetime]] = {}
        if self._known is not None:
            known = self._known([id_ for each in made if each.native for id_ in (each.native, _own_id(each.post))])
        for each in made:
            if not each.is_last:
                self.repeated += 1
                continue
            held = known.get(each.native)
            same = held is not None and not _another(each.post, held, dated=bool(self._columns.posted_at))
            trusted = each.native not in self._shared and not _ROUNDED.fullmatch(each.native)
            if trusted and known:
                trusted = _own_id(each.post) not in known
            if not each.native or same or (trusted and held is None):
                yield each.post
                continue
            self._kept_apart += 1
            self._example = self._example or each.native
            yield replace(each.post, native_id=_own_id(each.post))

    def _cell(self, row: Mapping[str, Any], column: str) -> str:
        found = row.get(column) if column else None
        if found is None:
            return ""
        text = found if isinstance(found, str) else str(found)
        formula = _FORMULA.fullmatch(text) if text.startswith("=") else None
        return formula[1] if formula else text

    def _post(self, row: Mapping[str, Any], native: str) -> Post:
        if "" in row:
            raise ValueError(row[""])
        names = self._columns
        author, text, posted = (self._cell(row, name) for name in (names.author, names.text, names.posted_at))
        rating = _rating(self._cell(row, names.rating))
        if not text.strip() and rating is None:
            raise ValueError(f"nothing in column {names.text}")
        moment = self._moment(posted, names.posted_at) if names.posted_at else self._now
        native = native or sha256(f"{author}\0{posted}\0{text}".encode("utf-8", "replace")).hexdigest()[:32]
        reply, replied = self._cell(row, names.reply), self._cell(row, names.replied_at)
        replied_at = self._moment(replied, names.replied_at) if replied.strip() else None
        return Post(
            source=self._source,
            native_id=native,
            url=self._cell(row, names.url),
            author=author,
            text=text,
            posted_at=moment,
            rating=rating,
            thread_id=self._cell(row, names.thread),
            reply_text=reply if replied_at else "",
            replied_at=replied_at if reply.strip() or not names.reply else None,
        )

    def _moment(self, written: str, column: str) -> datetime:
        """The time in a cell; without one a post would count as new, and with half of one as another day's."""
        if not written.strip():
            raise ValueError(f"column {column} is empty; without a time, an old post would be alerted as new")
        found = dates.without_future(_moments(written), self._now)
        order = self._orders.get(column)
        moment = next(iter(found.values())) if len(found) == 1 else found.get(order) if order else None
        if moment is None and found:
            self._undecided += 1
            raise ValueError(f"column {column}: day first or month first? Add --dates dmy or --dates mdy")
        if moment is None:
            raise ValueError(f"column {column}: a time was expected, such as 2026-11-20 14:02:00 +0100")
        if moment > self._now + dates.AHEAD:
            raise ValueError(
                f"column {column}: the time is in the future; set the order with --dates dmy or --dates mdy"
            )
        return moment


@value_class(frozen=True, slots=True)
class _Row:
    """A row that could be read: the id in it (or ""), whether it is the last one of its post, and that post."""

    native: str
    is_last: bool
    post: Post


def _wanted(columns: Columns) -> dict[str, str]:
    """The columns that have to be there, by the option that names them."""
    return {
        "text": columns.text, "author": columns.author, "posted-at": columns.posted_at, "rating": columns.rating,
        "url": columns.url, "thread": columns.thread, "reply": columns.reply, "replied-at": columns.replied_at,
        "id": columns.id if columns.id != "id" else "",
    }  # fmt: skip


def _resolved(columns: Columns, table: Table) -> Columns:
    """The same, as the file itself writes the names."""
    return Columns(*((name and table.column(name)) or "" for name in astuple(columns)))


def _key(who: bytes, native: str) -> bytes:
    """What rows that stand for one post have in common."""
    return who + sha256(native.encode("utf-8", "replace")).digest()[:10]


def _own_id(post: Post) -> str:
    """An id that is this post's alone, where the one in the file is not."""
    words = "\0".join((post.author, post.posted_at.isoformat(), post.text))
    return f"{post.native_id[:200]}~{sha256(words.encode('utf-8', 'replace')).hexdigest()[:20]}"


def _another(post: Post, held: tuple[str, datetime], *, dated: bool) -> bool:
    author, posted_at = held
    someone_else = bool(author and post.author) and author != clean(post.author)[: len(author)]
    return someone_else or (dated and abs(posted_at - post.posted_at) > timedelta(seconds=1))


def _rating(value: str) -> float | None:
    if not value.strip():
        return None
    try:
        rating = float(value.replace(",", "."))
    except ValueError:
        raise ValueError("the stars are not a number") from None
    return rating if 0 <= rating <= 5 else None


def labelled(path: Path, text: str, label: str, negative: str) -> tuple[list[str], list[bool]]:
    """The words of a labelled file, and whether each is labelled as needing an answer."""
    table = table_of(path, {"text": text, "label": label})
    texts, labels = [], []
    for row in _labelled_rows(table, text, label):
        texts.append(str(row[table.column(text) or ""]))
        labels.append(str(row[table.column(label) or ""]).strip().casefold() == negative.strip().casefold())
    return texts, labels


def grades_of(path: Path, text: str, label: str) -> list[str]:
    """The grades of the rows that `labelled` returns, empty where the labels are not must, look and no."""
    table = table_of(path, {"text": text, "label": label})
    grades = [str(row[table.column(label) or ""]).strip().casefold() for row in _labelled_rows(table, text, label)]
    return grades if set(grades) <= set(GRADES) else []


def groups_of(path: Path, text: str, label: str, columns: Mapping[str, str]) -> dict[str, list[str]]:
    """Of the rows that `labelled` returns: what each of these columns holds, by the option that names it."""
    table = table_of(path, {"text": text, "label": label, **columns})
    wanted = {option: table.column(name) or "" for option, name in columns.items() if name}
    found: dict[str, list[str]] = {option: [] for option in wanted}
    for row in _labelled_rows(table, text, label):
        for option, name in wanted.items():
            found[option].append(str(row.get(name) or "").strip() or "-")
    return found


def _labelled_rows(table: Table, text: str, label: str) -> Iterator[Mapping[str, Any]]:
    words_in, label_in = table.column(text) or "", table.column(label) or ""
    for _number, row in table.rows():
        words = row.get(words_in)
        if "" not in row and words is not None and str(words).strip() and row.get(label_in) is not None:
            yield row
