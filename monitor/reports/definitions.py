"""What the words of our figures mean, once for page, letter, report, API and metrics. Pure.

*Waiting case*: one that needs an answer by its lane (people are called for it, unless it was found too late for that),
or that somebody took. An entry of the list that nobody took is not one, however old it is; nor is praise.
*Due*: a waiting case whose target has passed, or that was answered. What was closed as needing no answer never was due.
*Within target*: of all that were due, those answered in time; what nobody answered counts as late.
*Negative*: of the posts whose feeling could be judged, those judged negative. A language that nobody judges is in
neither number, so that a week in Japanese does not look content.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitor.reports.response_times import Turn


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole: `value` is None where there is no whole."""

    part: int
    base: int

    @property
    def value(self) -> float | None:
        """The share, 0 to 1."""
        return self.part / self.base if self.base else None


def is_waiting_case(case: Mapping[str, Any], turn: Turn) -> bool:
    """Whether this turn of a case is one that people are called for, or that somebody took."""
    return bool(case["lane"] == "ping") or turn.taken_at is not None


def negative_share(negative: int, judged: int) -> Share:
    """How many of the posts that could be judged are negative."""
    return Share(negative, judged)
