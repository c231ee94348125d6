"""On which line each key of a TOML document stands: tomllib reads values but forgets where they were."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

from monitor.settings.errors import Key

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING = re.compile(
    r"""
    \"\"\"(?:[^\\]|\\.)*?\"\"\"(?:"{0,2})  # up to two quotes may stand before the closing three
    | '''.*?'''(?:'{0,2})
    | "(?:[^"\\\n]|\\.)*"
    | '[^'\n]*'
    """,
    re.DOTALL | re.VERBOSE,
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\n#]*")


def lines_of(text: str) -> dict[Key, int]:
    """Map the way to every key and list entry to its line, counted from 1. `text` must be sound TOML.

    Where this reading and tomllib's should ever differ, lines are missing; nothing is raised.
    """
    scanner = _Scanner(text)
    try:
        scanner.document()
    except (IndexError, ValueError, RecursionError, AttributeError):
        pass  # a line number is a comfort: a fault without one still names its key
    return scanner.lines


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Key, int] = {}
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self._counts: dict[Key, int] = {}

    def document(self) -> None:
        base: Key = ()
        while True:
            self._blank()
            if self.at >= len(self.text):
                return
            if self.text[self.at] == "[":
                base = self._header()
            else:
                self._pair(base)

    def _header(self) -> Key:
        line = self._line()
        many = self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        words = self._dotted()
        self.at = self.text.index("]", self.at) + (2 if many else 1)
        key = self._resolve(words, many=many)
        for length in range(1, len(key) + 1):
            self.lines.setdefault(key[:length], line)
        return key

    def _resolve(self, words: list[str], *, many: bool) -> Key:
        key: Key = ()
        for position, word in enumerate(words):
            key = (*key, word)
            last = position == len(words) - 1
            if last and many:
                self._counts[key] = self._counts.get(key, -1) + 1
            if key in self._counts:
                key = (*key, self._counts[key])
        return key

    def _pair(self, base: Key) -> None:
        line = self._line()
        key = base
        for word in self._dotted():
            key = (*key, word)
            self.lines.setdefault(key, line)
        self.at = self.text.index("=", self.at) + 1
        self._value(key)

    def _dotted(self) -> list[str]:
        words = []
        while True:
            self._blank()
            words.append(self._word())
            self._blank()
            if self.text[self.at] != ".":
                return words
            self.at += 1

    def _word(self) -> str:
        if self.text[self.at] in "\"'":
            return str(tomllib.loads(f"key = {self._take(_STRING)}")["key"])
        return self._take(_BARE)

    def _value(self, key: Key) -> None:
        self._blank()
        self.lines.setdefault(key, self._line())
        first = self.text[self.at]
        if first in "\"'":
            self._take(_STRING)
        elif first == "[":
            self._list(key)
        elif first == "{":
            self._inline(key)
        else:
            self._take(_SCALAR)

    def _list(self, key: Key) -> None:
        self.at += 1
        entry = 0
        while self._next() != "]":
            if self.text[self.at] == ",":
                self.at += 1
                continue
            self._value((*key, entry))
            entry += 1
        self.at += 1

    def _inline(self, key: Key) -> None:
        self.at += 1
        while self._next() != "}":
            if self.text[self.at] == ",":
                self.at += 1
                continue
            self._pair(key)
        self.at += 1

    def _next(self) -> str:
        self._blank()
        return self.text[self.at]

    def _blank(self) -> None:
        self._take(_BLANK)

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise ValueError("not TOML")
        self.at = found.end()
        return found[0]

    def _line(self) -> int:
        return bisect_right(self._starts, self.at)
