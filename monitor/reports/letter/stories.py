"""What keeps going wrong, and what broke out: causes with their trend and incidents, as values without names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from monitor.notify.incident_messages import told_words
from monitor.reports.letter.quotes import masked
from monitor.store import causes, incidents
from monitor.store import problems as kept
from monitor.store.database import Database, Row, at, instant

FEWEST = 3  # people who write of a cause before it is a line
MOST_WORDS_OF_IT = 3

Growth = Literal["", "doubled", "tripled", "up"]


@dataclass(frozen=True, slots=True)
class Problem:
    """A cause of the week: people who wrote of it, and the week before (None: nothing to compare with).

    `fixed` with `untold` people says that a fix has not reached everybody. `since` is when it was first written of.
    """

    cause: str
    name: str
    people: int
    before: int | None
    since: datetime | None
    issue_url: str = ""
    open: bool = False
    fixed: bool = False
    untold: int = 0

    @property
    def growth(self) -> Growth:
        """How much more people than the week before, where it is so many that it says something."""
        if not self.before or self.people < FEWEST or self.people - self.before < FEWEST:
            return ""
        ratio = self.people / self.before
        return "up" if ratio < 1.8 or ratio >= 3.5 else "doubled" if ratio < 2.6 else "tripled"


@dataclass(frozen=True, slots=True)
class Outbreak:
    """An incident: what it was about, from when to when (None: still), how large, and what was said of it."""

    id: str
    words: str
    start: datetime
    end: datetime | None
    people: int
    peak: int  # posts in its busiest hour
    reach: int
    answered: int  # people
    said_publicly: datetime | None
    critical: bool = False  # harm to several, however loud
    brand: str = ""
    mentions: int = 0


def problems(
    database: Database, since: datetime, until: datetime, before: datetime | None, brand: str
) -> tuple[Problem, ...]:
    """The causes that at least FEWEST people wrote of, or with people to be told of a fix; the most people first."""
    earlier = None
    if before is not None:
        earlier = {row["cause_id"]: int(row["people"]) for row in causes.counted(database, before, since, brand)}
    standing: dict[str, Row] = {}
    for row in kept.known(database, brand):  # the newest first
        standing.setdefault(row["cause_id"], row)
    found = [
        _problem(row, standing.pop(row["cause_id"], None), earlier)
        for row in causes.counted(database, since, until, brand)
    ]
    left = [
        _problem({**row, "people": 0, "first_at": row["first_at"]}, row, earlier)
        for row in standing.values()
        if row["fixed_at"]
    ]
    return tuple(each for each in (*found, *left) if each.people >= FEWEST or each.untold)


def _problem(row: Row, problem: Row | None, earlier: dict[str, int] | None) -> Problem:
    first = problem["first_at"] if problem is not None else row["first_at"]
    return Problem(
        cause=row["cause_id"],
        name=row["name"],
        people=int(row["people"]),
        before=None if earlier is None else earlier.get(row["cause_id"], 0),
        since=instant(first),
        issue_url=problem["issue_url"] if problem is not None else "",
        open=problem is not None and not problem["fixed_at"],
        fixed=problem is not None and bool(problem["fixed_at"]),
        untold=int(problem["untold"]) if problem is not None else 0,
    )


def outbreaks(database: Database, since: datetime, until: datetime, brand: str) -> tuple[Outbreak, ...]:
    """The incidents under way in a span: those that did harm first, then those of the most people."""
    rows = incidents.between(database, since, until, brand)
    named = causes.names(database, [row["cause_id"] for row in rows if row["cause_id"]])
    found = []
    for row in rows:
        end = instant(row["ended_at"])
        words = told_words(database, row)[:MOST_WORDS_OF_IT]
        found.append(
            Outbreak(
                id=row["id"], words=named.get(row["cause_id"]) or masked(", ".join(map(str, words))),
                start=at(row["start_at"]), end=end if end is not None and end <= until else None,
                people=int(row["people"]), peak=int(row["peak"]), reach=int(row["reach"] or 0),
                answered=int(row["answered"] or 0), said_publicly=instant(row["said_publicly_at"]),
                critical=row["kind"] == "critical", brand=row["brand"], mentions=int(row["mentions"]),
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda each: (not each.critical, -each.people)))
