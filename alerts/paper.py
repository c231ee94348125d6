"""The terminal that alerts and the daemon's own lines are printed on, one beneath the other."""

from __future__ import annotations

from typing import Any, TextIO
from weakref import WeakKeyDictionary


class Paper:
    """A stream that knows whether it ends with a blank line: what the daemon prints by itself goes there, too."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._end = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, and remember the end."""
        written = self._stream.write(text)
        self._end = (self._end + text)[-2:]
        return written

    @property
    def is_blank(self) -> bool:
        """Whether the last line that was written is empty."""
        return self._end == "\n\n"


_PAPERS: WeakKeyDictionary[TextIO, Paper] = WeakKeyDictionary()


def paper_of(stream: TextIO) -> Paper:
    """The one paper of a stream."""
    return _PAPERS.setdefault(stream, Paper(stream))
