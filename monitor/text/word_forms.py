"""One word in its many forms: what is written onto it, its endings, other spellings of it, letters held long.

A lexicon says a word once. "l'arnaque" is cut as "larnaque", Arabic writes "and", "the" and "their" onto a word, Hindi
in Latin letters has no one spelling ("bakwas", "bakwaas", "bakvas"), and everybody writes "schifooo". What a form is
stands in the file of the language; a word that the lexicon knows as it is written is never taken for a form of another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from monitor.text.complaint_signals import stem_of
from monitor.text.remembered import Remembered

_VOWELS = frozenset("aeiouh")
_SHORTEST = 3  # letters that must be left of a word
_twice = re.compile(r"(.)\1+")


@dataclass(frozen=True, slots=True)
class FormRules:
    """How a language writes one word in many ways; each is empty where it does not."""

    elided: tuple[str, ...] = ()  # written onto a vowel
    glued: tuple[str, ...] = ()  # written onto any word
    endings: tuple[str, ...] = ()  # written behind any word
    held: str = ""  # letters that stand twice only where they are held long
    alike: tuple[tuple[str, str], ...] = ()  # letters that are written for others
    dropped: str = ""  # signs that say nothing at the end of a word


def rules_of(table: dict[str, str]) -> FormRules:
    """Read the table `forms` of a lexicon."""
    elided, glued, endings = (
        tuple(sorted(map(stem_of, table.get(name, "").split()), key=len, reverse=True))
        for name in ("elided", "glued", "endings")
    )
    alike = table.get("alike", "").split()
    return FormRules(
        elided,
        glued,
        endings,
        held=table.get("held", ""),
        alike=tuple(zip(map(stem_of, alike[::2]), map(stem_of, alike[1::2]), strict=True)),
        dropped=table.get("dropped", ""),
    )


class WordForms:
    """Finds for a word of a post the one of a lexicon that it is a form of; what it finds is remembered."""

    def __init__(self, rules: FormRules, known: Callable[[str], bool], words: Iterable[str]) -> None:
        """`known` says whether the lexicon has a word as it is written, `words` are those that may be spelled anew."""
        self._rules, self._known = rules, known
        self._spelled: dict[str, str] = {}
        if rules.alike or rules.dropped:
            for word in words:
                if len(key := self._key(word)) >= _SHORTEST:
                    self._spelled.setdefault(key, word)
        self.of = Remembered(self._form)

    def _form(self, word: str) -> str:
        """Return the word of the lexicon that this is a form of; the word itself where it is none."""
        if len(word) <= _SHORTEST or not word[0].isalpha() or self._known(word):
            return word
        for form in self._forms(word):
            if self._known(form):
                return form
            if self._spelled and (spelled := self._spelled.get(self._key(form))) is not None:
                return spelled
        return word

    def _forms(self, word: str) -> Iterator[str]:
        rules = self._rules
        yield word
        if rules.held and (short := _twice.sub(self._held_once, word)) != word:
            yield short
        for before in rules.elided:
            if word.startswith(before) and word[len(before) : len(before) + 1] in _VOWELS:
                yield word[len(before) :]
        yield from self._without_endings(word)
        for before in rules.glued:
            if word.startswith(before) and len(rest := word[len(before) :]) >= _SHORTEST:
                yield rest
                yield from self._without_endings(rest)

    def _without_endings(self, word: str) -> Iterator[str]:
        for ending in self._rules.endings:
            if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
                yield word[: -len(ending)]

    def _held_once(self, found: re.Match[str]) -> str:
        return found[1] if found[1] in self._rules.held else found[0]

    def _key(self, word: str) -> str:
        """Return one spelling for all that are alike."""
        for written, stands_for in self._rules.alike:
            word = word.replace(written, stands_for)
        return _twice.sub(r"\1", word).rstrip(self._rules.dropped)
