"""How a post feels in a language that VADER does not know: words with weights, written for this project.

The words stand in `words/feelings.<language>.toml` by grade, from `awful` to `good`; a grade's weight is in log odds of
an unhappy post, as the weights of cues are. A word is heard in all its forms (`word_forms.py`). Behind a "not" a word
of joy is counted as its opposite, a word of sorrow as hardly anything. What is already heard as a cue of complaint or
praise is not felt a second time.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from monitor.text.complaint_signals import Cues, Found, Kind, stem_of
from monitor.text.language import ENGLISH_WORDS
from monitor.text.negation import BREAKS
from monitor.text.normalize import fold
from monitor.text.word_forms import WordForms, rules_of

_IN_LATIN = ("de", "es", "fr", "it", "pt", "nl", "hi")  # Hindi is written so as well
LANGUAGES = (*_IN_LATIN, "ar")
_arabic = re.compile("[\u0600-\u06ff]")
_WORDS = Path(__file__).parent / "words"
_NOT = "not"  # the table of words that turn others round
_TELLING = "telling"  # the table of small words that show a language
_LAUGHTER = "laughing"  # the table of what people laugh with
_FORMS = "forms"  # the table of how one word is written in many ways
_LOWEST, _HIGHEST = -3.0, 3.5  # however long a post is, its feelings are worth no more than this
_STRONG = 1.0  # the weight from which a word of feeling shows its language
_ENOUGH = 5  # a small word shows it by 2, one of feeling by 3
_FEW, _ENOUGH_FOR_FEW = 3, 3  # so many words are so few that one of feeling is enough
_BACK = 2  # a negation turns what follows within so many words, or what it stands behind
_TURNED_JOY, _TURNED_SORROW = -0.7, 0.3
_LAUGHED_AT = 0.4


@dataclass(frozen=True, slots=True)
class Felt:
    """What the feelings of a post add up to (log odds, above 0 is unhappy), and the words that say so.

    At most three words, the strongest first. Who laughs is hardly unhappy. `unhappy` says whether any word was unhappy
    at all, though happier ones may outweigh it.
    """

    odds: float
    words: tuple[str, ...]
    unhappy: bool = False
    uneasy: float = 0.0  # how much of it is only uneasy: "never", "without", "again"


NOTHING = Felt(0.0, ())


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of one language: those of feeling, those that turn them round, those that show the language.

    `behind` are the negations that may stand behind what they turn, as in "gefällt mir nicht".
    """

    cues: Cues
    forms: WordForms
    turning: frozenset[str]
    behind: frozenset[str]
    telling: frozenset[str]

    def find(self, tokens: Sequence[str]) -> list[Found]:
        """Return the words of feeling among these, in whatever form they are written."""
        return self.cues.find(list(map(self.forms.of.__getitem__, tokens)))


@cache
def _signs() -> dict[str, Any]:
    """Return the signs of feeling, which are the same in every language."""
    return tomllib.loads((_WORDS / "feeling_signs.toml").read_text(encoding="utf-8"))


@cache
def _laughing() -> frozenset[str]:
    return frozenset(_signs()[_LAUGHTER]["signs"].split())


@lru_cache(maxsize=len(LANGUAGES))
def words_of(language: str) -> _Words:
    """Return the words of one of `LANGUAGES`."""
    tables = tomllib.loads((_WORDS / f"feelings.{language}.toml").read_text(encoding="utf-8"))
    negations = tables.pop(_NOT)
    turning, behind, telling = (
        frozenset(map(fold, words.split()))
        for words in (negations["words"], negations.get("behind", ""), tables.pop(_TELLING)["words"])
    )
    rules = rules_of(tables.pop(_FORMS, {}))
    pairs: list[tuple[str, Kind]] = []
    for name, table in (*tables.items(), *((name, table) for name, table in _signs().items() if name != _LAUGHTER)):
        kind = Kind(name, name, table["weight"], calm=table["weight"] == 0)
        pairs.extend((word, kind) for word in (*table.get("words", "").split(), *table.get("phrases", ())))
    cues = Cues(pairs)
    whole = (stem_of(word) for word, _ in pairs if " " not in word and not word.endswith("~"))
    return _Words(cues, WordForms(rules, cues.begins_with, whole), turning, behind, telling)


def told_by_words(tokens: Sequence[str]) -> str:
    """Return the language that a post shows by its small words and its words of feeling, empty where none stands out.

    For short posts of which nobody else knows the language. English words speak against every other language, and so
    does a word of feeling that more than one has.
    """
    said = set(tokens)
    # Each word of the Arabic list has an Arabic letter: where none stands, that list need not be read.
    heard = LANGUAGES if _arabic.search(" ".join(tokens)) else _IN_LATIN
    strong = {language: _strong_words(tokens, language) for language in heard}
    shared = Counter(word for words in strong.values() for word in words)
    votes = sorted(
        (
            2 * len(said & words_of(language).telling) + 3 * sum(shared[word] == 1 for word in strong[language]),
            language,
        )
        for language in heard
    )
    (second, _), (most, language) = votes[-2:]
    enough = _ENOUGH if sum(map(str.isalpha, tokens)) > _FEW else _ENOUGH_FOR_FEW
    return language if most >= enough and most > second and most > 2 * len(said & ENGLISH_WORDS) else ""


def _strong_words(tokens: Sequence[str], language: str) -> set[str]:
    found = words_of(language).find(tokens)
    return {cue.words for cue in found if abs(cue.kind.weight) >= _STRONG}


def feelings(tokens: Sequence[str], language: str, heard: Iterable[Found] = ()) -> Felt:
    """Return how a post of these words feels. `heard`: cues whose words are not felt again."""
    if language not in LANGUAGES:
        return NOTHING
    words_in = words_of(language)
    taken = {place for cue in heard for place in range(cue.start, cue.end)}
    odds = uneasy = 0.0
    words: dict[str, float] = {}
    laughs = not _laughing().isdisjoint(tokens)
    every = words_in.find(tokens)
    starts = {found.start for found in every} if words_in.behind else set()
    for found in every:
        weight = found.kind.weight
        if not weight or not taken.isdisjoint(range(found.start, found.end)):
            continue
        if not words_in.turning.isdisjoint(tokens[max(0, found.start - _BACK) : found.start]) or (
            words_in.behind and _turned_behind(tokens, found.end, starts, words_in.behind)
        ):
            weight *= _TURNED_JOY if weight < 0 else _TURNED_SORROW
        if weight > 0:
            if laughs:
                weight *= _LAUGHED_AT
            if weight < _STRONG:
                uneasy += weight
        odds += weight
        words.setdefault(found.words, weight)
    deciding = [word for word, weight in words.items() if weight * odds > 0]
    strongest = sorted(deciding, key=lambda word: -abs(words[word]))[:3]
    unhappy = any(weight > 0 for weight in words.values())
    return Felt(max(_LOWEST, min(_HIGHEST, odds)), tuple(strongest), unhappy, uneasy)


def _turned_behind(tokens: Sequence[str], end: int, starts: set[int], behind: frozenset[str]) -> bool:
    """Whether a negation stands behind what ends here, and not right before another word of feeling."""
    for at in range(end, min(len(tokens), end + _BACK)):
        if tokens[at] in behind:
            return at + 1 not in starts
        if tokens[at] in BREAKS:
            return False
    return False
