"""The terminal that alerts and the daemon's own lines are printed on, one beneath the other."""

from __future__ import annotations

from typing import Any, TextIO
from weakref import WeakKeyDictionary

_ENDS: WeakKeyDictionary[TextIO, str] = WeakKeyDictionary()  # the last two characters that were written to a stream


class TrackedStream:
    """A stream that knows whether it ends with a blank line, whoever wrote to it through one of these."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, and remember the end."""
        written = self._stream.write(text)
        _ENDS[self._stream] = (_ENDS.get(self._stream, "") + text)[-2:]
        return written

    @property
    def is_blank(self) -> bool:
        """Whether the last line that was written is empty."""
        return _ENDS.get(self._stream) == "\n\n"
