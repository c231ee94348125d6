"""The rows of a file that somebody has exported: CSV with whatever signs and head lines, JSON in whatever wrapping."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from monitor.text.normalize import safe_line

LONGEST = 4_000_000  # characters of one field
MOST_NAMED = 30  # columns that an error names
HEAD_LINES = 50  # so many lines may stand above the columns
_DELIMITERS = ",;\t|"
_DEEPEST = 4  # objects within objects in which a list of rows is looked for
_PACKED = (
    (b"PK\x03\x04", "a ZIP archive or a workbook"),
    (b"\xd0\xcf\x11\xe0", "a workbook"),
    (b"\x1f\x8b", "compressed (gzip)"),
    (b"BZh", "compressed (bzip2)"),
    (b"\xfd7zXZ", "compressed (xz)"),
    (b"\x28\xb5\x2f\xfd", "compressed (zstd)"),
    (b"SQLite format 3", "a database"),
)
_JSON = re.compile(r"\s*(?:\{|\[\s*[{\[])")

Rows = Iterator[tuple[int, Mapping[str, Any]]]


class FileUnreadable(Exception):
    """The file cannot be taken in as it is; the message says why and what to write."""


@dataclass(frozen=True, slots=True)
class Table:
    """A file as columns and rows. `rows` begins anew at each call; a row that cannot be read holds its fault as "".

    Rows come with their number: of its line, or of its entry where `unit` says so.
    """

    columns: Sequence[str]
    rows: Callable[[], Rows]
    size: int
    unit: str = "line"

    def column(self, wanted: str) -> str | None:
        """The column that is meant: capitals and blanks around a name make no difference if they need not."""
        if wanted in self.columns:
            return wanted
        alike = [name for name in self.columns if name.strip().casefold() == wanted.strip().casefold()]
        return alike[0] if len(alike) == 1 else None


def table_of(path: Path, wanted: Mapping[str, str], *, by_option: bool = True) -> Table:
    """Read a file that has these columns; raises FileUnreadable where it has not.

    `wanted` holds a column for each of its own names; `by_option` says that these are options of a command.
    """
    raw = path.read_bytes()
    for sign, what in _PACKED:
        if raw.startswith(sign):
            raise FileUnreadable(f"{path.name} is {what}: unpack it or save it as CSV first")
    text = _decoded(raw).removeprefix("\ufeff")
    names = [name for name in wanted.values() if name]
    if path.suffix.lower() in {".jsonl", ".ndjson", ".json"} or _JSON.match(text):
        table = _json_table(path.name, text, wanted.get("text", ""))
    else:
        table = _csv_table(text, names)
    missing = {option: name for option, name in wanted.items() if name and table.column(name) is None}
    if missing:
        named = ", ".join(f"--{option} {name}" if by_option else name for option, name in missing.items())
        has = ", ".join(safe_line(name)[:40] for name in table.columns[:MOST_NAMED]) or "none"
        more = f" and {len(table.columns) - MOST_NAMED:,} more" if len(table.columns) > MOST_NAMED else ""
        raise FileUnreadable(f"{path.name} has no such column: {named}. It has: {has}{more}")
    return table


# ── CSV ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _csv_table(text: str, wanted: list[str]) -> Table:
    csv.field_size_limit(LONGEST)
    if "\n" not in text:
        text = text.replace("\r", "\n")
    start, above, delimiter = _heading(text, wanted)
    reader = csv.reader(io.StringIO(text[start:], newline=""), delimiter=delimiter)
    columns = [name.strip() for name in next(reader, [])]
    first_line = reader.line_num

    def rows() -> Rows:
        again = csv.DictReader(io.StringIO(text[start:], newline=""), columns, delimiter=delimiter)
        while True:
            try:
                row = next(again)
            except StopIteration:
                return
            except csv.Error as error:
                yield above + again.line_num, {"": str(error)}
                continue
            if again.line_num > first_line:
                yield above + again.line_num, row

    return Table(columns, rows, max(text.count("\n"), 1))


def _heading(text: str, wanted: list[str]) -> tuple[int, int, str]:
    """Where the line of the columns begins, how many lines stand above it, and what parts the columns."""
    start, best, most = 0, (0, 0, ","), 0
    for number, line in enumerate(text.split("\n", HEAD_LINES)[:HEAD_LINES]):
        for delimiter in _DELIMITERS:
            cells = _cells(line, delimiter)
            if len(cells) > most:
                best, most = (start, number, delimiter), len(cells)
            if wanted and {name.strip().casefold() for name in wanted} <= {cell.strip().casefold() for cell in cells}:
                return start, number, delimiter
        start += len(line) + 1
    return best


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


# ── JSON ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _json_table(name: str, text: str, wanted: str) -> Table:
    """Objects one a line, one list of them, a list inside an object, or objects one after the other."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    size = max(text.count("\n"), 1)
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        one_a_line = isinstance(_parsed(first), dict) or not re.match(r"\s*[\[{]", first)
        read = _line_rows if one_a_line else _object_rows
        return Table(_columns(read(text)), partial(read, text), size)
    listed = _listed(whole, wanted)
    if listed is None:
        raise FileUnreadable(
            f"{name} is a single JSON object without a list of objects that have {wanted or 'these columns'}: "
            "write one object per line (jq -c '.path.to.list[]' does)"
        )

    def entries() -> Rows:
        for number, row in enumerate(listed, 1):
            yield number, row if isinstance(row, dict) else {"": "not an object", "raw": row}

    return Table(_columns(entries()), entries, len(listed), "entry")


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _columns(rows: Rows) -> list[str]:
    columns: dict[str, None] = {}
    for _, row in (pair for _, pair in zip(range(HEAD_LINES), rows, strict=False)):
        columns.update(dict.fromkeys(row if "" not in row else ()))
    return list(columns)


def _listed(value: Any, wanted: str, depth: int = 0) -> list[Any] | None:
    """The list of rows in a document: itself, what lies deeper, or the one object that is a row."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict) or depth > _DEEPEST:
        return None
    if wanted in value:
        return [value]
    inside = [found for each in value.values() if (found := _listed(each, wanted, depth + 1))]
    fitting = [found for found in inside if any(isinstance(row, dict) and wanted in row for row in found[:HEAD_LINES])]
    return max(fitting, key=len) if fitting else None


def _line_rows(text: str) -> Rows:
    for number, line in enumerate(io.StringIO(text), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, {"": f"not JSON ({type(error).__name__})", "raw": line}
            continue
        yield number, row if isinstance(row, dict) else {"": "not an object", "raw": line}


def _object_rows(text: str) -> Rows:
    """Objects that stretch over lines, one after the other or in a list whose end is missing."""
    decoder, between = json.JSONDecoder(), re.compile(r"[\s,\[\]]*")
    position, line = 0, 1
    while True:
        begin = between.match(text, position)
        after = begin.end() if begin else position
        line += text.count("\n", position, after)
        if after >= len(text):
            return
        try:
            row, position = decoder.raw_decode(text, after)
        except (ValueError, RecursionError):
            yield line, {"": "not JSON from here on", "raw": text[after : after + 1_000]}
            return
        yield line, row if isinstance(row, dict) else {"": "not an object", "raw": text[after:position]}
        line += text.count("\n", after, position)


# ── bytes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def in_utf_8(raw: bytes) -> bytes:
    """What a file holds, in UTF-8, whatever it is written in."""
    return _decoded(raw).removeprefix("\ufeff").encode("utf-8", "replace")


def _decoded(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    for encoding, zeros, letters in (
        ("utf-16-le", raw[1:400:2], raw[0:400:2]),
        ("utf-16-be", raw[0:400:2], raw[1:400:2]),
    ):
        if zeros.count(0) > len(zeros) * 0.8 and not letters.count(0):
            return raw.decode(encoding, "replace")  # UTF-16 that does not say so
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    for encoding in (_older_encoding(raw), "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8-sig", "replace")


# What the text must mostly consist of (beside ASCII) for an encoding to be the one. The order matters.
_OLDER = (
    ("cp932", r"[\u3040-\u30ff]", 0.2),
    ("euc_jp", r"[\u3040-\u30ff]", 0.2),
    ("cp949", r"[\uac00-\ud7a3]", 0.9),
    ("cp1251", r"[\u0410-\u044f\u0401\u0451]", 0.9),
    ("gb18030", r"[\u3001-\u303f\u4e00-\u9fff\uff00-\uffef]", 0.95),
    ("big5", r"[\u3001-\u303f\u4e00-\u9fff\uff00-\uffef]", 0.95),
)


def _older_encoding(raw: bytes) -> str:
    """Tell the encodings of East Asia and of Cyrillic: in those, letters beyond ASCII stand in runs."""
    runs = re.findall(rb"[\x80-\xff]+", raw[:200_000])
    beyond = sum(map(len, runs))
    if sum(len(run) for run in runs if len(run) > 2) < beyond / 2:
        return "cp1252"
    for encoding, letters, share in _OLDER:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        strange = re.sub(r"[\x00-\x7f]", "", text[:100_000])
        if strange and len(re.findall(letters, strange)) >= share * len(strange):
            return encoding
    return "cp1252"
