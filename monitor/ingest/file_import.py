"""Posts from a file: CSV or JSON lines, in any encoding that can be told, with several ways to write a time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from connectors import Aside, Post
from connectors.text import parse_time
from monitor.text.normalize import safe_line

LONGEST = 4_000_000  # characters of one field
MOST_NAMED = 30  # columns that an error names
_PACKED = (
    (b"PK\x03\x04", "a ZIP archive or a workbook"),
    (b"\xd0\xcf\x11\xe0", "a workbook"),
    (b"\x1f\x8b", "compressed (gzip)"),
    (b"BZh", "compressed (bzip2)"),
    (b"\xfd7zXZ", "compressed (xz)"),
    (b"\x28\xb5\x2f\xfd", "compressed (zstd)"),
    (b"SQLite format 3", "a database"),
)
_FORMATS = (
    "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M",
    "%d/%m/%Y", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%a %b %d %H:%M:%S %z %Y", "%b %d, %Y", "%d %b %Y",
)  # fmt: skip


class FileUnreadable(Exception):
    """The file cannot be taken in as it is; the message says why and what to write."""


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


def moment_of(value: str) -> datetime | None:
    """A time in any of the usual spellings, "2015-02-24 11:35:52 -0800" among them; without a zone it is UTC."""
    text = value.strip()
    if not text:
        return None
    try:
        return _utc(datetime.fromisoformat(text))  # much the commonest, and fifty times as quick as trying the others
    except ValueError:
        pass
    for form in _FORMATS:
        try:
            moment = datetime.strptime(text, form)  # noqa: DTZ007 - the zone is set below
        except ValueError:
            continue
        return _utc(moment)
    return parse_time(text)


def _utc(moment: datetime) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def rows_of(path: Path) -> tuple[list[str], Iterator[tuple[int, Mapping[str, Any]]], int]:
    """The columns of a file, its rows with their line numbers, and about how many there are."""
    raw = path.read_bytes()
    for sign, what in _PACKED:
        if raw.startswith(sign):
            raise FileUnreadable(f"{path.name} is {what}: unpack it, or save it as CSV, first")
    text = _decoded(raw)
    if text.lstrip()[:2] in {"[{", "[\n", "[\r"}:
        raise FileUnreadable(f"{path.name} is one JSON list: write one object a line (jq -c '.[]' does)")
    size = max(text.count("\n"), 1)
    if path.suffix.lower() in {".jsonl", ".ndjson", ".json"} or text.lstrip()[:1] == "{":
        return _json_rows(text, size)
    csv.field_size_limit(LONGEST)
    sample = text[:20000]
    try:
        dialect: Any = csv.Sniffer().sniff(sample.splitlines()[0] if sample else "", delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=dialect.delimiter)
    columns = list(reader.fieldnames or [])

    def rows() -> Iterator[tuple[int, Mapping[str, Any]]]:
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield reader.line_num, {"": str(error)}
                continue
            yield reader.line_num, row

    return columns, rows(), size


def _json_rows(text: str, size: int) -> tuple[list[str], Iterator[tuple[int, Mapping[str, Any]]], int]:
    columns: dict[str, None] = {}
    for line in text.splitlines()[:50]:
        try:
            first = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(first, dict):
            columns.update(dict.fromkeys(first))

    def rows() -> Iterator[tuple[int, Mapping[str, Any]]]:
        for number, line in enumerate(io.StringIO(text), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield number, {"": f"not JSON ({type(error).__name__})", "raw": line}
                continue
            yield number, row if isinstance(row, dict) else {"": "not an object", "raw": line}

    return list(columns), rows(), size


def _decoded(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    for encoding, zeros, letters in (
        ("utf-16-le", raw[1:400:2], raw[0:400:2]),
        ("utf-16-be", raw[0:400:2], raw[1:400:2]),
    ):
        if zeros.count(0) > len(zeros) * 0.8 and not letters.count(0):
            return raw.decode(encoding, "replace")  # UTF-16 that does not say so
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8-sig", "replace")


def _check(path: Path, columns: list[str], wanted: Mapping[str, str]) -> None:
    missing = {option: name for option, name in wanted.items() if name and name not in columns}
    if missing:
        named = ", ".join(f"--{option} {name}" for option, name in missing.items())
        has = ", ".join(safe_line(name)[:40] for name in columns[:MOST_NAMED]) or "none"
        more = f" and {len(columns) - MOST_NAMED:,} more" if len(columns) > MOST_NAMED else ""
        raise FileUnreadable(f"{path.name} has no such column: {named}. It has: {has}{more}")


class Reading:
    """One file being read. `aside` holds the rows that could not be read, with their bytes; `read` counts lines."""

    def __init__(self, path: Path, source: str, columns: Columns, now: datetime) -> None:
        """Raises FileUnreadable when a column that was named is not there."""
        self._path = path
        self._source = source
        self._columns = columns
        self._now = now
        names, self._rows, self.size = rows_of(path)
        _check(
            path,
            names,
            {
                "text": columns.text, "author": columns.author, "posted-at": columns.posted_at,
                "rating": columns.rating,
                "url": columns.url, "thread": columns.thread, "reply": columns.reply, "replied-at": columns.replied_at,
                "id": columns.id if columns.id != "id" else "",
            },
        )  # fmt: skip
        self.aside: list[Aside] = []
        self.read = 0

    def posts(self) -> Iterator[Post]:
        """Every row that can be read, as a post; the others are set aside."""
        for number, row in self._rows:
            self.read = number
            try:
                yield self._post(row)
            except ValueError as error:
                raw = json.dumps(row, ensure_ascii=False, default=str).encode("utf-8", "replace")
                self.aside.append(Aside(raw, f"{self._path.name}, line {number}: {error}"))

    def _post(self, row: Mapping[str, Any]) -> Post:
        if "" in row:
            raise ValueError(row[""])
        names = self._columns

        def value(column: str) -> str:
            found = row.get(column) if column else None
            return "" if found is None else str(found)

        text = value(names.text)
        rating = _rating(value(names.rating))
        if not text.strip() and rating is None:
            raise ValueError(f"nothing in column {names.text}")
        posted = value(names.posted_at)
        moment = moment_of(posted) if posted else self._now
        if moment is None:
            raise ValueError(f"column {names.posted_at}: a time was expected, such as 2026-11-20 14:02:00 +0100")
        native = (
            value(names.id)
            or sha256(f"{value(names.author)}\0{posted}\0{text}".encode("utf-8", "replace")).hexdigest()[:32]
        )
        replied = moment_of(value(names.replied_at))
        return Post(
            source=self._source,
            native_id=native,
            url=value(names.url),
            author=value(names.author),
            text=text,
            posted_at=moment,
            rating=rating,
            thread_id=value(names.thread),
            reply_text=value(names.reply) if replied else "",
            replied_at=replied if value(names.reply).strip() or not names.reply else None,
        )


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
    columns, rows, _size = rows_of(path)
    _check(path, columns, {"text": text, "label": label})
    texts, labels = [], []
    for row in _labelled_rows(rows, text, label):
        texts.append(str(row[text]))
        labels.append(str(row[label]).strip().casefold() == negative.strip().casefold())
    return texts, labels


def groups_of(path: Path, text: str, label: str, columns: Mapping[str, str]) -> dict[str, list[str]]:
    """Of the rows that `labelled` returns: what each of these columns holds, by the option that names it."""
    names, rows, _size = rows_of(path)
    _check(path, names, columns)
    wanted = {option: name for option, name in columns.items() if name}
    found: dict[str, list[str]] = {option: [] for option in wanted}
    for row in _labelled_rows(rows, text, label):
        for option, name in wanted.items():
            found[option].append(str(row.get(name) or "").strip() or "-")
    return found


def _labelled_rows(rows: Iterator[tuple[int, Mapping[str, Any]]], text: str, label: str) -> Iterator[Mapping[str, Any]]:
    for _number, row in rows:
        words = row.get(text)
        if words is not None and str(words).strip() and row.get(label) is not None:
            yield row
