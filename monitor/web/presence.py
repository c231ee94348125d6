"""Who has which case open at this moment. It lives in memory, for a minute or two: nothing of it is kept or counted."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

STAYS = timedelta(seconds=100)  # after the last beat; an open page gives one every forty seconds
MOST = 1_000  # cases that are open somewhere; of more, those that were opened longest ago are forgotten


@dataclass(frozen=True, slots=True)
class _Reader:
    name: str
    until: datetime


class Presence:
    """For all threads of the page. A person is known by their id, and shown by their name."""

    def __init__(self) -> None:
        self._readers: dict[str, dict[str, _Reader]] = {}  # case -> id of a person -> they
        self._guard = threading.Lock()

    def come(self, case_id: str, who: str, name: str, now: datetime) -> None:
        """Somebody has this case open."""
        with self._guard:
            self._forget(now)
            of_case = self._readers.pop(case_id, {})
            self._readers[case_id] = {**of_case, who: _Reader(name, now + STAYS)}
            while len(self._readers) > MOST:
                del self._readers[next(iter(self._readers))]

    def go(self, case_id: str, who: str) -> None:
        """Somebody has closed it again."""
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
