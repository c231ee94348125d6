"""The words that an incident is about: said by several people now, and rarely on other days. Pure.

A word of one person alone never stands out, so that nothing of a single person is kept with an incident.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from monitor.text.complaint_signals import tokens_of
from monitor.text.same_story import common_words

FEWEST = 3  # people who say it
MOST = 6  # words
_SHARE = 0.15  # of the people
_TIMES = 3.0  # as often as on other days
_SHORTEST = 4
_LONGEST_TEXT = 1_000


def standing_out(now: Iterable[tuple[str, str]], before: Sequence[str], names: Iterable[str] = ()) -> tuple[str, ...]:
    """The words that most people of `now` (person, text) say, and few of the texts `before`; the strongest first."""
    people: dict[str, set[str]] = {}
    for person, text in now:
        people.setdefault(person, set()).update(words_of(text))
    ours = {part for name in names for part in tokens_of(name)}
    said = Counter(word for words in people.values() for word in words if word not in ours)
    usual = Counter(word for text in before for word in words_of(text))
    least = max(FEWEST, _SHARE * len(people))
    strong = {
        word: (count / len(people)) / ((usual[word] + 0.5) / (len(before) + 1))
        for word, count in said.items()
        if count >= least
    }
    found = [word for word, times in strong.items() if times >= _TIMES]
    return tuple(sorted(found, key=lambda word: (-said[word], -strong[word], word))[:MOST])


def says(text: str, words: Sequence[str]) -> bool:
    """Whether a text is of what these words are about: two of them, or one where there are no more than two."""
    wanted = set(words)
    return len(wanted & words_of(text)) >= min(2, max(len(wanted) - 1, 1)) if wanted else False


@lru_cache(maxsize=4096)
def words_of(text: str) -> frozenset[str]:
    """The words of a text that may be about something."""
    common = common_words()
    return frozenset(
        token
        for token in tokens_of(text[:_LONGEST_TEXT])
        if len(token) >= _SHORTEST and token.isalpha() and token not in common
    )
