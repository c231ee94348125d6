"""The good side of a span: who deserves thanks and got them or not, and who came back from anger. Counts and cases.

Thanks are deserved by praise that took somebody time (`is_praise` of the judge), which stands in a case of its own.
Somebody came back from anger if we answered a complaint of theirs and they wrote kind words later: praise, or positive
words that ask for nothing. A person counts once, by the source they are known on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from monitor.store import goodwill
from monitor.store.database import Database, at

MOST = 20


@dataclass(frozen=True, slots=True)
class Owed:
    """Praise that nobody has thanked for: its case, and why the judge took it for praise. No name, no words."""

    case: str
    brand: str
    source: str
    posted_at: datetime
    language: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CameBack:
    """Kind words (a mention) of somebody whose complaint (a case) we had answered. No name, no words."""

    mention: str
    case: str
    brand: str
    source: str
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class Goodwill:
    """Of the praise of a span `thanked` of `deserved` got thanks by its end; `open` still may.

    `owed` lists the newest of these, at most MOST; `came_back` one for each person, the oldest first.
    """

    deserved: int = 0
    thanked: int = 0
    open: int = 0
    owed: tuple[Owed, ...] = ()
    came_back: tuple[CameBack, ...] = ()


def of_span(database: Database, since: datetime, until: datetime, brand: str = "", most: int = MOST) -> Goodwill:
    """The good side of a span, of one brand or of all."""
    return Goodwill(
        **goodwill.count_praise(database, since, until, brand),
        owed=tuple(
            Owed(row["id"], row["brand"], row["source"], at(row["first_posted_at"]), row["language"],
                 tuple(json.loads(row["reasons"])))
            for row in goodwill.praise(database, since, until, brand, most)
        ),
        came_back=_came_back(database, since, until, brand),
    )  # fmt: skip


def _came_back(database: Database, since: datetime, until: datetime, brand: str) -> tuple[CameBack, ...]:
    """Everybody once, by the first kind words of the span."""
    found: dict[tuple[str, str, str], CameBack] = {}
    for row in goodwill.came_back(database, since, until, brand):
        person = (row["brand"], row["source"], row["author"])
        words = CameBack(row["mention"], row["case_id"], row["brand"], row["source"], at(row["posted_at"]))
        found.setdefault(person, words)
    return tuple(found.values())
