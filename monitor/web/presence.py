"""Who has which case open at this moment, for a minute or two: nothing of it is kept or counted.

It lives in the memory of the page. Where several processes serve it, each writes it down for the others, who look once
a second while anybody has a page open.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from monitor.store import page_state
from monitor.store.database import Database, by_its_clock
from monitor.store.page_state import Reader

STAYS = timedelta(seconds=100)  # after the last beat; an open page gives one every forty seconds
MOST = 1_000  # cases that are open somewhere; of more, those that were opened longest ago are forgotten


class Presence:
    """For all threads of the page. A person is known by their id, and shown by their name."""

    def __init__(self, database_of: Callable[[], Database] | None = None) -> None:
        self._database_of = database_of
        self._readers: dict[str, dict[str, Reader]] = {}  # case -> id of a person -> they
        self._guard = threading.Lock()

    @property
    def _shared(self) -> Database | None:
        """The database by which processes hear of each other; None where one serves the page."""
        database = self._database_of() if self._database_of is not None else None
        return None if database is None or database.one_writer else database

    def look(self, now: datetime) -> None:
        """Hear of what other processes have seen. It asks the database: not in the loop of the page."""
        if (shared := self._shared) is not None:
            theirs = by_its_clock(shared, now)
            found = page_state.readers(shared, theirs, MOST)
            here = {
                case_id: {who: Reader(each.name, each.until - (theirs - now)) for who, each in readers.items()}
                for case_id, readers in found.items()
            }
            with self._guard:
                self._readers = here

    def come(self, case_id: str, who: str, name: str, now: datetime) -> None:
        """Somebody has this case open."""
        if (shared := self._shared) is not None:
            theirs = by_its_clock(shared, now)
            page_state.come(shared, case_id, who, Reader(name, theirs + STAYS), theirs)
        with self._guard:
            self._forget(now)
            of_case = self._readers.pop(case_id, {})
            self._readers[case_id] = {**of_case, who: Reader(name, now + STAYS)}
            while len(self._readers) > MOST:
                del self._readers[next(iter(self._readers))]

    def go(self, case_id: str, who: str) -> None:
        """Somebody has closed it again."""
        if (shared := self._shared) is not None:
            page_state.go(shared, case_id, who)
        with self._guard:
            of_case = self._readers.get(case_id, {})
            of_case.pop(who, None)
            if not of_case:
                self._readers.pop(case_id, None)

    def others(self, who: str, now: datetime) -> Mapping[str, tuple[str, ...]]:
        """case -> the names of those who have it open, without this person."""
        with self._guard:
            self._forget(now)
            found = {
                case_id: tuple(reader.name for each, reader in of_case.items() if each != who)
                for case_id, of_case in self._readers.items()
            }
        return {case_id: names for case_id, names in found.items() if names}

    def _forget(self, now: datetime) -> None:
        for case_id, of_case in list(self._readers.items()):
            for who in [each for each, reader in of_case.items() if reader.until <= now]:
                del of_case[who]
            if not of_case:
                del self._readers[case_id]


def words_of(names: tuple[str, ...]) -> str:
    """ "Olle has this open"; of many, the first two and how many more."""
    if not names:
        return ""
    if len(names) == 1:
        return f"{names[0]} has this open"
    rest = f" and {len(names) - 2} more" if len(names) > 2 else ""
    shown = f"{names[0]}, {names[1]}{rest}" if rest else f"{names[0]} and {names[1]}"
    return f"{shown} have this open"
