"""What no cause of a list fits, gathered by the words that several people share: proposals, and never more.

One pass over the newest such posts: pairs of words and words by how many people use them, the most first. A proposal
that staff named or dismissed is not made again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from monitor.store import cause_changes
from monitor.store import causes as store
from monitor.store.database import Database, Row
from monitor.text.causes import tokens_of
from monitor.text.same_story import common_words

SPAN = timedelta(days=28)
LOOKED_AT = 2000  # posts, the newest
PEOPLE = 3
MOST = 5
_SHORTEST = 4  # letters of a word that may name something
_COMMON = 0.25  # of the people; what more of them use tells nothing apart


@dataclass(frozen=True, slots=True)
class Proposal:
    """Words that several people share whom no cause fits, with some of their cases."""

    words: str
    people: int
    cases: tuple[str, ...]


def proposals(database: Database, brand: str, now: datetime) -> list[Proposal]:
    """At most five, the most people first."""
    return propose(store.of_no_cause(database, brand, now - SPAN, LOOKED_AT), [brand, *_dismissed(database, brand)])


def _dismissed(database: Database, brand: str) -> list[str]:
    changes = cause_changes.newest(database, brand, 500)
    return [json.loads(row["after"])["words"] for row in changes if row["what"] == "dismiss" and not row["undone_at"]]


def _tells(word: str, nothing: Set[str]) -> bool:
    """Whether a word, written without its apostrophe, may name something."""
    return len(word) >= _SHORTEST and word not in nothing


def propose(rows: Sequence[Row], but: Sequence[str] = ()) -> list[Proposal]:
    """Proposals out of posts (person, case_id, text, title); `but` are words that name nothing new."""
    nothing = common_words() | {token for words in but for token in tokens_of(words)}
    users: dict[str, dict[str, int]] = {}  # words -> person -> the first post of theirs
    for number, row in enumerate(rows):
        tokens = tokens_of(f"{row['title']} {row['text']}")
        telling = [token if _tells(token.replace("'", ""), nothing) else "" for token in tokens]
        said = {token for token in telling if token}
        said |= {f"{one} {two}" for one, two in pairwise(telling) if one and two and one != two}
        for each in said:
            users.setdefault(each, {}).setdefault(row["person"], number)
    everybody = len({row["person"] for row in rows})
    most = max(PEOPLE, _COMMON * everybody)
    telling_apart = {
        words: people
        for words, people in users.items()
        if len(people) >= PEOPLE and (" " in words or len(people) <= most)
    }
    ranked = sorted(telling_apart.items(), key=lambda each: (-len(each[1]) * (2 if " " in each[0] else 1), each[0]))
    found: list[Proposal] = []
    taken: set[int] = set()
    for words, people in ranked:
        fresh = [number for number in people.values() if number not in taken]
        if len(fresh) < PEOPLE or len(found) == MOST:
            continue
        taken.update(people.values())
        cases = tuple(dict.fromkeys(rows[number]["case_id"] for number in fresh if rows[number]["case_id"]))
        found.append(Proposal(words, len(people), cases[:3]))
    return found
