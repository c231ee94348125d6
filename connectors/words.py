"""Which of many words stand in a text: one pass over it, however many they are.

By the automaton of Aho and Corasick, in Rust: https://github.com/G-Research/ahocorasick_rs. Where no wheel of it fits
the machine, words are looked for one after the other: the same answers, and slow from some hundred words on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from connectors.text import clean

try:
    import ahocorasick_rs
except ImportError:  # a platform without a wheel
    ahocorasick_rs = None  # type: ignore[assignment, unused-ignore]

FEW = 5  # so many words are found sooner one by one than by calling the automaton


class Words:
    """Words that are looked for together, as they are written: whoever wants another case folds both before."""

    def __init__(self, words: Iterable[str]) -> None:
        """Empty words are left out."""
        self.words = tuple(dict.fromkeys(word for word in words if word))
        self._automaton = None
        if ahocorasick_rs is not None and len(self.words) > FEW:
            try:
                self._automaton = ahocorasick_rs.AhoCorasick(self.words)
            except UnicodeEncodeError:  # half of a surrogate pair is no text to Rust
                pass

    def numbers(self, text: str) -> set[int]:
        """The numbers (in `words`) of those that stand in the text, also inside each other."""
        if self._automaton is None:
            return {number for number, word in enumerate(self.words) if word in text}
        try:
            return {found[0] for found in self._automaton.find_matches_as_indexes(text, overlapping=True)}
        except UnicodeEncodeError:
            return {number for number, word in enumerate(self.words) if word in text}

    def any_in(self, text: str) -> bool:
        """Whether one of them stands in the text."""
        if self._automaton is None:
            return any(word in text for word in self.words)
        return bool(self.numbers(text))


def any_of_terms(terms: Iterable[str]) -> Callable[[str], bool]:
    """Whether a text may hold one of these terms, in any case: what a reader goes by to whom nobody gave more.

    Of each term the longest piece is looked for. Pieces end at spaces and at the signs that people write in more than
    one way.
    """
    looked = Words(_piece(term) for term in terms)
    return lambda text: looked.any_in(text.casefold())


def _piece(term: str) -> str:
    whole = clean(term).strip().lstrip("@#$")
    longest = max(re.split(r"[\s'’‘`&<>\"“”\\/]+", whole), key=len, default="")
    return (longest if len(longest) > 2 else whole).casefold()
