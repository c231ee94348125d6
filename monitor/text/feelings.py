"""How a post feels in a language that VADER does not know: words with weights, written for this project.

The words stand in `words/feelings.<language>.toml` by grade, from `awful` to `lovely`; a grade's weight is in log odds
of an unhappy post, as the weights of cues are. A word of joy behind a "not" is counted as its opposite, a word of
sorrow behind one as hardly anything. What is already heard as a cue of complaint or praise is not felt a second time.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from monitor.text.complaint import Cues, Found, Kind

LANGUAGES = ("de", "es", "fr", "it", "pt", "nl")
_WORDS = Path(__file__).parent / "words"
_NOT = "not"  # the table of words that turn others round
_LOWEST, _HIGHEST = -3.0, 3.5  # however long a post is, its feelings are worth no more than this
_BACK = 2  # a negation turns what follows within so many words
_TURNED_JOY, _TURNED_SORROW = -0.7, 0.3


@dataclass(frozen=True, slots=True)
class Felt:
    """What the feelings of a post add up to (log odds, above 0 is unhappy), and the words that say so, strongest first.

    `unhappy` says whether any word was unhappy at all, though happier ones may outweigh it.
    """

    odds: float
    words: tuple[str, ...]
    unhappy: bool = False


NOTHING = Felt(0.0, ())


@lru_cache(maxsize=len(LANGUAGES))
def feelings_for(language: str) -> tuple[Cues, frozenset[str]]:
    """Return the words of feeling of one of `LANGUAGES`, and its words that turn others round."""
    tables = tomllib.loads((_WORDS / f"feelings.{language}.toml").read_text(encoding="utf-8"))
    turning = frozenset(tables.pop(_NOT)["words"].split())
    pairs: list[tuple[str, Kind]] = []
    for name, table in tables.items():
        kind = Kind(name, name, table["weight"], calm=table["weight"] == 0)
        pairs.extend((word, kind) for word in (*table.get("words", "").split(), *table.get("phrases", ())))
    return Cues(pairs), turning


def feelings(tokens: Sequence[str], language: str, heard: Iterable[Found] = ()) -> Felt:
    """Return how a post of these words feels. `heard`: cues whose words are not felt again."""
    if language not in LANGUAGES:
        return NOTHING
    cues, turning = feelings_for(language)
    taken = {place for cue in heard for place in range(cue.start, cue.end)}
    said = list(tokens)
    odds = 0.0
    words: dict[str, float] = {}
    for found in cues.find(said):
        weight = found.kind.weight
        if not weight or not taken.isdisjoint(range(found.start, found.end)):
            continue
        if not turning.isdisjoint(said[max(0, found.start - _BACK) : found.start]):
            weight *= _TURNED_JOY if weight < 0 else _TURNED_SORROW
        odds += weight
        words.setdefault(found.words, weight)
    strongest = sorted(words, key=lambda word: -abs(words[word]))[:3]
    return Felt(max(_LOWEST, min(_HIGHEST, odds)), tuple(strongest), any(weight > 0 for weight in words.values()))
