"""What is stored of one person of a source: under their names, by the same accounts, and under the seal of holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.text import clean
from monitor.store import holds, to_forget
from monitor.store.database import Database


@dataclass(frozen=True, slots=True)
class Stored:
    """One person. `names` are the spellings of the name that was asked for, outside of cases on hold.

    `held` is as `holds.of_person` gives it; `accounts` are the network's own ids of them, also from under a seal.
    """

    names: tuple[str, ...]
    accounts: tuple[str, ...]
    posts: tuple[str, ...]
    cases: tuple[str, ...]
    held: Mapping[str, tuple[list[str], list[str], list[str]]]

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is stored of anybody of that name."""
        return not self.names and not self.held


def stored_of(database: Database, source: str, author: str) -> Stored:
    """Whatever is stored of somebody of this name. What the same account wrote is theirs, on hold or not."""
    names = tuple(to_forget.names_of(database, source, clean(author)))
    posts = to_forget.posts_of_person(database, source, names) if names else []
    held = holds.of_person(database, source, clean(author), to_forget.author_ids(database, posts))
    sealed = [each for _, _, ids in held.values() for each in ids]
    if sealed:
        posts = to_forget.posts_of_person(database, source, names, sealed)
    accounts = dict.fromkeys((*to_forget.author_ids(database, posts), *sealed))
    theirs = to_forget.cases_of_person(database, source, names, posts) if names or posts else []
    return Stored(names, tuple(accounts), tuple(posts), tuple(theirs), held)
