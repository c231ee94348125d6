"""In what manner a post is told: it calls us by our name, reports what happened to others, or tells a joke.

All of it is told by the shape of the text, whatever it says. The words stand in `words/manner.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from monitor.text.complaint_signals import BRAND, OF_THEMSELVES, tokens_of

_TABLE: dict[str, str] = tomllib.loads(
    (Path(__file__).parent / "words" / "manner.toml").read_text(encoding="utf-8"),
)
_REPORTED = frozenset(tokens_of(_TABLE["reported"]))
_BEFORE = "|".join(re.escape(words.strip()) for words in _TABLE["before_our_name"].split("|"))
_SPEAKERS = "|".join(re.escape(words.strip()) for words in _TABLE["speakers"].split("|"))
_LONGEST = 400  # characters at either end in which our name is looked for
# Our name stands by itself: behind a break at the end, or before one at the beginning.
_at_the_end = re.compile(
    rf"[.,;:!?…—–\"”)]\s*(?:(?:{_BEFORE})[\s,]+){{0,3}}{BRAND}[\s.!?…]*$|^(?:{_BEFORE})[\s,]+{BRAND}[.!…]",
    re.IGNORECASE,
)
_at_the_beginning = re.compile(rf"^\W{{0,4}}(?:(?:{_BEFORE})[\s,]+){{0,3}}{BRAND}\s?(?:[,!…]|\.\.)\s", re.IGNORECASE)
_to_us = re.compile(rf"^\W{{0,4}}{BRAND}:\s", re.IGNORECASE)
_dialogue = re.compile(rf"(?:^|[.!?,\n]\s*)(?:{_SPEAKERS})\s?:\s", re.IGNORECASE)
_AT_ONCE = ("second_person", "direct", "question")  # who does this reports nothing
_CONTENT = ("link", "praise", "happy_face", "solved", "no_complaint")  # who does this calls us to thank us


@dataclass(frozen=True, slots=True)
class Manner:
    """How a post is told."""

    calls: bool = False  # calls us by our name
    reported: bool = False  # reports what happened to others, as news do
    joke: bool = False  # a dialogue that never was


PLAIN = Manner()


def manner_of(text: str, tokens: Sequence[str], values: Mapping[str, float]) -> Manner:
    """Return how a post is told; `text` with our name masked."""
    told = not (any(map(values.get, _AT_ONCE)) or _REPORTED.isdisjoint(tokens)) and OF_THEMSELVES.isdisjoint(tokens)
    joke = ": " in text and _dialogue.search(text[: 2 * _LONGEST]) is not None
    content = any(map(values.get, _CONTENT)) or (values.get("maybe_bitter") and not values.get("kinds"))
    calls = not (told or joke or content) and _calls(text, tokens, values)
    return Manner(calls, told, joke) if calls or told or joke else PLAIN


def _calls(text: str, tokens: Sequence[str], values: Mapping[str, float]) -> bool:
    if BRAND in tokens[-3:] and _at_the_end.search(text[-_LONGEST:]) is not None:
        return True
    if BRAND not in tokens[:6]:
        return False
    beginning = text[:_LONGEST]
    if _at_the_beginning.search(beginning) is not None:
        return True
    return bool(values.get("second_person")) and _to_us.search(beginning) is not None
