"""Erasing one person of one network, as they may ask for: their words, name and links go, and what staff noted of them.

Counts and times stay, so that past figures still add up. Their open cases are closed, and messages that can still be
changed lose their words. It is kept that somebody was erased, by whom and when; not who it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alerts.wording import count_words
from monitor.cases import actions as verbs
from monitor.settings.rules import Rules
from monitor.store import cases, erasures
from monitor.store.database import Database
from monitor.text.normalize import clean

STAYS = (
    "Mails that were sent, and copies made by earful backup before now, still hold what they held.",
    "What others wrote about them stays, and what they write from now on is heard like anybody's.",
)


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of a person. `names` are the spellings; none, and the source knows nobody of that name."""

    source: str
    names: tuple[str, ...]
    posts: int
    cases: int
    open_cases: int
    mutes: tuple[int, ...]
    ignored: tuple[str, ...]  # brands whose settings name them

    @property
    def words(self) -> str:
        """ "3 posts, 2 cases (1 of them open)"."""
        still = f" ({self.open_cases} of them open)" if self.open_cases else ""
        return f"{count_words(self.posts, 'post')}, {count_words(self.cases, 'case')}{still}"

    @property
    def stays(self) -> tuple[str, ...]:
        """What goes on naming them, and what to do about it, in sentences."""
        mutes = (f"Mute {number} names them still: earful mute undo {number}" for number in self.mutes)
        brands = (f"The ignored authors of {name} name them still: settings, or the desk." for name in self.ignored)
        return (*mutes, *brands, *STAYS)


def known(database: Database, rules: Rules, source: str, author: str) -> Known:
    """What would be erased. Nothing is changed."""
    author = clean(author)
    names = erasures.names_of(database, source, author)
    posts, theirs, still_open = erasures.counts(database, source, names)
    ignored = [
        brand.name
        for brand in rules.settings.brands
        if {each.lstrip("@").casefold() for each in brand.ignore_authors} & {n.lstrip("@").casefold() for n in names}
    ]
    mutes = erasures.mutes_naming(database, source, names)
    return Known(source, tuple(names), posts, theirs, still_open, tuple(mutes), tuple(ignored))


def erase(database: Database, rules: Rules, source: str, author: str, *, who: str, way: str, now: datetime) -> Known:
    """Erase a person of a source, whole or not at all; what was known of them. Nobody of that name: nothing is done."""
    with database.transaction():
        found = known(database, rules, source, author)
        if not found.names:
            return found
        theirs = erasures.cases_of(database, source, found.names)
        erasures.erase(database, source, found.names, theirs, now)
        for case_id in theirs:
            case = cases.one(database, case_id)
            if case is None:
                continue
            if case.closed_at is None:
                cases.change(database, case_id, closed_at=now, closed_by=who, outcome="deleted", next_step_at=None)
            cases.log(database, case_id, now, "erased", who=who, way=way)
            after = cases.one(database, case_id)
            assert after is not None
            verbs.show_again(database, after, now, "erased")
        erasures.note(database, source, who, way, found.posts, found.cases, now)
    return found
