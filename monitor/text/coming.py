"""Who says that they switch comes to us or leaves us: "thinking of switching to Acme" is no farewell to Acme.

The words of each language stand in `words/coming.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from monitor.text.negation import BREAKS, C, Cue

_FILE = Path(__file__).parent / "words" / "coming.toml"
_BRAND = "thisbrand"  # as in complaint_signals: what stands in place of the brand's own name
_BEHIND, _BEFORE = 6, 3  # words between a cue and our name


@dataclass(frozen=True, slots=True)
class _Words:
    switching: tuple[str, ...]  # beginnings of words for going from one to another
    towards: frozenset[str]  # before whom one goes to
    articles: frozenset[str]
    away: frozenset[str]  # before one of those, it is the other way: "de chez"
    verb_last: bool  # the verb may stand behind whom one goes to


@lru_cache(maxsize=16)
def _words_of(language: str) -> _Words | None:
    table = tomllib.loads(_FILE.read_text(encoding="utf-8")).get(language)
    if table is None:
        return None
    return _Words(
        tuple(table["switching"].split()),
        frozenset(table["towards"].split()),
        frozenset(table["articles"].split()),
        frozenset(table.get("away", "").split()),
        table["verb_last"],
    )


def less_coming(found: list[C], tokens: Sequence[str], language: str) -> list[C]:
    """Return the cues without those of leaving by which somebody says that they come to us."""
    if _BRAND not in tokens or not any(cue.kind.churn for cue in found):
        return found
    words = _words_of(language)
    if words is None:
        return found
    return [cue for cue in found if not (cue.kind.churn and _comes(cue, tokens, words))]


def _comes(cue: Cue, tokens: Sequence[str], words: _Words) -> bool:
    if not any(token.startswith(words.switching) for token in tokens[cue.start : cue.end]):
        return False
    if words.verb_last and any(
        _is_towards_us(place, tokens, words) for place in range(max(0, cue.start - _BEFORE), cue.start)
    ):
        return True
    for place in range(cue.start, min(len(tokens), cue.end + _BEHIND)):
        if tokens[place] in BREAKS:
            return False
        if tokens[place] == _BRAND:
            return _is_towards_us(place, tokens, words)  # whoever is named as left is left
    return False


def _is_towards_us(place: int, tokens: Sequence[str], words: _Words) -> bool:
    """Whether our name stands here behind a "to", with an article between or none."""
    if tokens[place] != _BRAND or not place:
        return False
    at = place - 1
    if tokens[at] in words.articles and at and tokens[at] not in words.towards:
        at -= 1
    return tokens[at] in words.towards and not (at and tokens[at - 1] in words.away)
