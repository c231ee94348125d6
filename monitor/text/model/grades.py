"""What became of posts that people have graded must, look or no: alerted, in the list and how far down, or nowhere.

Staff read one queue: what they are alerted to, then the list. These are its figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.text.model.evaluation import roc_area
from monitor.types import Verdict

GRADES = ("must", "look", "no")
OPEN = 30  # entries of the list that stand open before "show more"
Graded = tuple[str, Verdict]


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the posts of one grade were found."""

    posts: int = 0
    ping: int = 0
    open: int = 0  # among the first of the list
    further: int = 0  # further down in it

    @property
    def nowhere(self) -> int:
        """How many are shown to nobody."""
        return self.posts - self.ping - self.open - self.further


@dataclass(frozen=True, slots=True)
class Queue:
    """The figures of graded posts. Praise stands in a lane of its own, and counts as not shown."""

    posts: int
    area: float  # must and look against no
    pings: tuple[str, ...]  # their grades, in the order in which people read them
    listed: tuple[str, ...]
    placed: dict[str, Placed]

    @property
    def shown(self) -> tuple[str, ...]:
        """The one queue: pings first, then the list."""
        return self.pings + self.listed

    @property
    def front(self) -> tuple[str, ...]:
        """The first quarter of the list."""
        return self.listed[: (len(self.listed) + 3) // 4]


def right(grades: Sequence[str]) -> int:
    """How many of these posts needed somebody: must or look."""
    return len(grades) - grades.count("no")


def is_listed(verdict: Verdict) -> bool:
    """Whether a post is in the list; praise has a lane of its own."""
    return verdict.lane == "sweep" and not verdict.praise


def list_order(verdict: Verdict) -> float:
    """What the list is ordered by, the first one smallest."""
    return -verdict.order


def queue_of(posts: Iterable[Graded]) -> Queue:
    """Put graded posts into the order in which people read them."""
    day = list(posts)
    pings = sorted((each for each in day if each[1].lane == "ping"), key=lambda each: list_order(each[1]))
    listed = sorted((each for each in day if is_listed(each[1])), key=lambda each: list_order(each[1]))
    called, below = tuple(grade for grade, _ in pings), tuple(grade for grade, _ in listed)
    return Queue(
        posts=len(day),
        area=roc_area([grade != "no" for grade, _ in day], [verdict.needs_answer for _, verdict in day]),
        pings=called,
        listed=below,
        placed={
            grade: Placed(
                posts=sum(each == grade for each, _ in day),
                ping=called.count(grade),
                open=below[:OPEN].count(grade),
                further=below[OPEN:].count(grade),
            )
            for grade in GRADES
        },
    )


def summary(queue: Queue, *, graded: bool = True) -> dict[str, Any]:
    """Return the figures as one JSON-ready object; shares of nothing are None.

    Without grades, what needs an answer was counted as "must", and is called "yes".
    """
    return {
        "n": queue.posts,
        "area": round(queue.area, 4),
        "ping": {"n": len(queue.pings), "precision": _share(right(queue.pings), len(queue.pings))},
        "list": {
            "n": len(queue.listed),
            "share": _share(len(queue.listed), queue.posts),
            "precision": _share(right(queue.listed), len(queue.listed)),
            "first_quarter": {"n": len(queue.front), "precision": _share(right(queue.front), len(queue.front))},
        },
        "grades": {
            (grade if graded or grade == "no" else "yes"): {
                "n": placed.posts,
                "ping": placed.ping,
                "list_open": placed.open,
                "list_further": placed.further,
                "nowhere": placed.nowhere,
            }
            for grade, placed in queue.placed.items()
            if graded or grade != "look"
        },
    }


def by_language(posts: Iterable[Graded], languages: Iterable[str], *, graded: bool = True) -> dict[str, dict[str, Any]]:
    """Return the figures per language, the largest first."""
    groups: dict[str, list[Graded]] = {}
    for language, post in zip(languages, posts, strict=True):
        groups.setdefault(language, []).append(post)
    ordered = sorted(groups.items(), key=lambda each: (-len(each[1]), each[0]))
    return {language: summary(queue_of(rows), graded=graded) for language, rows in ordered}


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
