"""What is wrong with a settings file, in words for the person who wrote it."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from connectors.durations import span_text

Key = tuple[str | int, ...]

_SHOWN = 60
_LIKE_A_TOKEN = re.compile(r"(?=[^ ]*[0-9])(?=[^ ]*[A-Za-z])[A-Za-z0-9_\-+/=.]{24,}|xox[a-z]-\S+|xapp-\S+")


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault before its file and line are known. `key` is the way to the value."""

    key: Key
    found: str
    write: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to change: where it stands, what was found there, and what to write instead."""

    file: str
    line: int | None
    key: str
    found: str
    write: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        words = f"{place}: {self.key + ': ' if self.key else ''}found {self.found}; {self.write}"
        return words if words.isprintable() else "".join(map(_visible, words))


def _visible(letter: str) -> str:
    """A terminal acts on control characters, and people do not see the others: show what they are."""
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode()


class SettingsError(Exception):
    """The settings are not sound. `faults` holds every fault at once, in the order of the file."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


def dotted(key: Key) -> str:
    """Write a way as people do: ("sources", 2, "every") is `sources[2].every`."""
    words = ""
    for part in key:
        if isinstance(part, int):
            words += f"[{part}]"
        else:
            plain = part if re.fullmatch(r"[\w.-]+", part) else json.dumps(part[:_SHOWN], ensure_ascii=False)
            words += f".{plain}" if words else plain
    return words


def shown(value: object) -> str:
    """Show a value in a fault: short, on one line, and never what may be a secret."""
    if isinstance(value, SecretStr):
        return "a secret"
    if isinstance(value, str):
        return _text_shown(value)
    if isinstance(value, dict | list | tuple):
        return "a table" if isinstance(value, dict) else "a list" if value else "an empty list"
    if isinstance(value, timedelta):
        return span_text(value)
    words = str(value).lower() if isinstance(value, bool) else str(value)
    return words if len(words) <= _SHOWN else words[:_SHOWN] + "…"


def _text_shown(text: str) -> str:
    if "://" in text:
        try:
            parts = urlsplit(text)
            return f'"{parts.scheme[:10]}://{(parts.hostname or "")[:_SHOWN]}/…"'
        except ValueError:
            return "an address that can't be read"
    if _LIKE_A_TOKEN.search(text):
        return f"a text of {len(text)} characters"
    return json.dumps(text if len(text) <= _SHOWN else text[:_SHOWN] + "…", ensure_ascii=False)


def one_of(words: Iterable[str]) -> str:
    """Write choices as a sentence does: "a", "b" or "c"."""
    quoted = [f'"{word}"' for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}" if quoted else "nothing"


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """The names that `word` was probably meant to be, best first: often one, never more than three."""
    lowered = {choice.casefold(): choice for choice in sorted(set(known), reverse=True)}
    word = word[:200].casefold()
    near = difflib.get_close_matches(word, lowered, n=3, cutoff=0.6)
    likeness = [difflib.SequenceMatcher(None, name, word).ratio() for name in near]
    return [lowered[name] for name, alike in zip(near, likeness, strict=True) if alike > likeness[0] - 0.1]


def meant(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Say what was probably meant: `did you mean "every"?`, or else all that is known."""
    choices = sorted(set(known))
    near = nearest(word, choices)
    if near:
        return f"did you mean {one_of(near)}?"
    return otherwise or (f"write one of {one_of(choices)}" if choices else "leave it out")


def placed(problems: Iterable[Problem], file: Path, lines: dict[Key, int]) -> tuple[Fault, ...]:
    """Give every problem its line, one fault a key, in the order of the file."""
    first: dict[Key, Problem] = {}
    for problem in problems:
        first.setdefault(problem.key, problem)
    faults = [
        Fault(str(file), _line(problem.key, lines), dotted(problem.key), problem.found, problem.write)
        for problem in first.values()
    ]
    return tuple(sorted(faults, key=lambda fault: (fault.line is None, fault.line or 0)))


def _line(key: Key, lines: dict[Key, int]) -> int | None:
    for length in range(len(key), 0, -1):
        if key[:length] in lines:
            return lines[key[:length]]
    return None


_WRITE = {
    "string_type": "write text in quotes",
    "bool_type": "write true or false, without quotes",
    "bool_parsing": "write true or false, without quotes",
    "int_type": "write a whole number, without quotes",
    "int_parsing": "write a whole number, without quotes",
    "int_from_float": "write a whole number",
    "float_type": "write a number, without quotes",
    "float_parsing": "write a number, without quotes",
    "finite_number": "write a finite number",
    "tuple_type": 'write a list such as ["one", "two"]',
    "list_type": 'write a list such as ["one", "two"]',
    "set_type": 'write a list such as ["one", "two"]',
    "frozen_set_type": 'write a list such as ["one", "two"]',
    "dict_type": "write a table",
    "model_type": "write a table",
    "model_attributes_type": "write a table",
    "path_type": "write a path in quotes",
    "greater_than_equal": "write {ge} or more",
    "greater_than": "write more than {gt}",
    "less_than_equal": "write {le} or less",
    "less_than": "write less than {lt}",
    "too_short": "write at least {min_length}",
    "too_long": "write at most {max_length}",
    "string_too_short": "write at least {min_length} characters",
    "string_too_long": "write at most {max_length} characters",
}
_PATTERNS = {
    "name": "write 1 to 64 characters that hold no colon and do not begin with a space",
    "page_url": 'write an address such as "https://earful.example.org"',
    "page_listen": 'write an address and a port such as "127.0.0.1:8321"',
}


def problems_of(error: ValidationError, base: Key, table: object) -> list[Problem]:
    """Put what the models say of `table`, which stands at `base`, into words for people."""
    entries = error.errors(include_url=False)
    places = [entry["loc"] for entry in entries]
    return [
        _problem(entry, base, table)
        for entry in entries
        # A list whose every part is wrong counts as empty; what is wrong is said of the parts.
        if entry["type"] != "too_short" or not any(at[:-1][: len(entry["loc"])] == entry["loc"] for at in places)
    ]


def _problem(entry: ErrorDetails, base: Key, table: object) -> Problem:
    key, missing = _way(entry, base, table)
    context = {name: _bound(value) for name, value in entry.get("ctx", {}).items()}
    name = str(key[-1]) if key else ""
    kind = entry["type"]
    if missing:
        return Problem(key, "nothing", f"write {name} = ...")
    if kind == "value_error":
        write = str(entry["ctx"]["error"])
    elif kind in ("literal_error", "enum"):
        write = "write one of " + str(entry["ctx"]["expected"]).replace("'", '"')
    elif kind == "string_pattern_mismatch":
        write = _PATTERNS.get(name, _like(str(entry["ctx"]["pattern"])))
    elif kind in _WRITE:
        write = _WRITE[kind].format(**context)
    else:
        write = entry["msg"][:1].lower() + entry["msg"][1:]
    return Problem(key, shown(entry["input"]), write)


def _like(pattern: str) -> str:
    if "://" in pattern:
        return f'write an address such as "{"wss" if "ws" in pattern else "https"}://example.org"'
    return f"write text of the form {json.dumps(pattern)}"


def _bound(value: object) -> str:
    """Show a bound; pydantic gives that of a span as Python's own words."""
    words = re.findall(r"(days|seconds)=(-?[0-9]+)", value) if isinstance(value, str) else []
    return span_text(timedelta(**{unit: int(number) for unit, number in words})) if words else shown(value)


def _way(entry: ErrorDetails, base: Key, table: object) -> tuple[Key, bool]:
    """Follow an error's way as far as the file goes: the rest of it names arms of unions, which nobody wrote."""
    key, current = base, table
    for part in entry["loc"]:
        inside = isinstance(current, list) and isinstance(part, int) and part < len(current)
        if inside or (isinstance(current, dict) and part in current):
            current = current[part]  # type: ignore[index]
        elif entry["type"] == "missing" and part == entry["loc"][-1]:
            return (*key, part), True
        else:
            continue
        key = (*key, part)
    return key, False
