"""Keeps the log from eating the disk: a fault that repeats is said once a minute, and little while there is no room.

A database that cannot be written makes every tick fail, ten times a second; the log often lies on the same disk. One
that cannot be reached makes everything fail for the same reason: that is said once, and once more when it answers.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from monitor.store.connect import Away

log = logging.getLogger("earful.daemon")
_ANSWERS = "the database answers again"

EVERY = 60.0  # seconds between two lines of the same words
EVERY_FULL = 600.0  # while the disk is full
LATE = 15.0  # seconds after the database has answered, in which what waited for it before may still fail
KNOWN = 500  # different lines that are remembered


@dataclass(slots=True)
class _Line:
    said_at: float
    swallowed: int = 0


class Sparing(logging.Filter):
    """On the handler: lets a line through once a minute, with how often it came; `full` keeps all but faults back."""

    def __init__(self) -> None:
        super().__init__()
        self.full = False
        self.away = False
        self.answered = float("-inf")  # when the database did so, after it had been away
        self._lines: dict[tuple[str, int, str], _Line] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this record is written. It says how many of its kind were not."""
        if record.levelno < logging.WARNING:
            return not self.full
        if said := next((each for each in record.args or () if isinstance(each, Away)), ""):
            if self.away or 0 <= record.created - self.answered < LATE:
                return False
            self.away = True
            record.msg = "the database does not answer (%s); Earful waits for it and says so only once"
            record.args = (said.rpartition(" ")[2].strip("()"),)
            return True
        message = record.getMessage()
        if message == _ANSWERS:
            self.answered = record.created
        key = (record.name, record.levelno, message)
        line = self._lines.get(key)
        every = EVERY_FULL if self.full else EVERY
        if line is not None and 0 <= record.created - line.said_at < every:
            line.swallowed += 1
            return False
        if line is not None and line.swallowed:
            record.msg = f"{message} ({line.swallowed} more times in the last {_words(record.created - line.said_at)})"
            record.args = ()
        if len(self._lines) >= KNOWN:
            del self._lines[next(iter(self._lines))]
        self._lines.pop(key, None)
        self._lines[key] = _Line(record.created)
        return True


def _words(seconds: float) -> str:
    minutes = round(seconds / 60)
    return "minute" if minutes <= 1 else f"{minutes} minutes"


def spare(full: bool) -> None:
    """Say to whatever writes the log whether its disk is full."""
    for each in _all():
        each.full = full


def answers() -> None:
    """The database has answered: if it was away, that is over, and is said."""
    were = [each for each in _all() if each.away]
    for each in were:
        each.away = False
    if were:
        log.warning(_ANSWERS)


def _all() -> list[Sparing]:
    return [each for handler in logging.getLogger().handlers for each in handler.filters if isinstance(each, Sparing)]
