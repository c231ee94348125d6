"""Whether a post tells of the harm that an open critical story tells of, in words of its own.

A fire has many voices: "my charger caught fire", "the charger melted as well", "same here, mine smokes too". Word pairs
that are compared for reposts have nothing in common there. What they share is a kind of harm, and what it happened to,
or that the writer says "too". Two fires of two things are two stories.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from monitor.text.complaint_signals import HEARD, tokens_of
from monitor.text.harm import FRAMES, parts_of
from monitor.text.same_trouble import says_same_trouble

_FILE = Path(__file__).parent / "words" / "same_story.toml"
_LONGEST = 2_000  # characters that are read: what happened stands at the beginning
_SHORTEST_WORD = 4
_ENDS = frozenset({".", "..", "…", "!", "!!", "?", "??", "?!", ";"})
_ALSO_WITHIN = 3  # words from a harm within which an "also" is said of it
_STEM = 5  # letters by which words are compared: "charger" and "charging" are of one thing
_SAID_ALONE = frozenset({"harmed", "fire", "too_hot", "intrusion"})  # the other parts are words of every day
_HARMS = {frame.first: frame.kind.says for frame in FRAMES if frame.first in _SAID_ALONE}
_LABELS = frozenset(_HARMS.values())  # of what rings


@dataclass(frozen=True, slots=True)
class Harm:
    """What a post, or all that is said in a story, tells of: kinds of harm, what it happened to, the words of the harm.

    `also`: it says "too" of the harm. `same`: it says that it has the same trouble, in a phrase that says nothing else.
    """

    kinds: frozenset[str] = frozenset()
    things: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    also: bool = False
    same: bool = False

    def with_more(self, other: Harm) -> Harm:
        """Return both together, as what one story tells."""
        return Harm(self.kinds | other.kinds, self.things | other.things, self.words | other.words)

    def is_of(self, story: Harm) -> bool:
        """Whether this is one more voice of a story."""
        if not self.kinds.isdisjoint(story.kinds) and (self.also or not self.things.isdisjoint(story.things)):
            return True
        return self.same and not (self.things | self.words).isdisjoint(story.things | story.words)


def harm_told(text: str, language: str, reasons: Iterable[str] = (), names: Iterable[str] = ()) -> Harm:
    """Read what a post tells of. `reasons` are those of its verdict; `names` of the brand say nothing."""
    return _told_before(text[:_LONGEST], language, tuple(reasons), tuple(names))


# Each page of posts is held against all that stands in open critical stories: the same posts, page after page.
@lru_cache(maxsize=1_000)
def _told_before(short: str, language: str, reasons: tuple[str, ...], names: tuple[str, ...]) -> Harm:
    tokens = tokens_of(short)
    places = parts_of(language if language in HEARD else "en").find(tokens, wholly=True)
    spans = [span for part in _HARMS for span in places.get(part, ())]
    inside = {place for start, end in spans for place in range(start, end)}
    near = _sentences(tokens, inside) if inside else range(len(tokens))
    ours = {part for name in names for part in tokens_of(name)}
    nothing = _words()["common"] | ours | {f"{part}s" for part in ours}  # "Acme's toaster"
    stems = [
        (place in inside, token[:_STEM])
        for place, token in enumerate(tokens)
        if place in near and len(token) >= _SHORTEST_WORD and token.isalpha() and token not in nothing
    ]
    words = frozenset(stem for of_harm, stem in stems if of_harm)
    kinds = {_HARMS[part] for part in _HARMS if part in places}
    kinds |= _LABELS & {reason.partition(":")[0] for reason in reasons}
    same = says_same_trouble(short)
    return Harm(
        frozenset(kinds),
        frozenset(stem for _, stem in stems) - words,
        words,
        also=same or any(_says_also(tokens, start, end) for start, end in spans),
        same=same,
    )


def _says_also(tokens: Sequence[str], start: int, end: int) -> bool:
    """Whether what is said from `start` to `end` is said to happen once more: "caught fire too", "also melted".

    Elsewhere the same words are of something else: "too hot", "your support is also useless", "another lie".
    """
    words = _words()
    for place in range(max(0, start - _ALSO_WITHIN), min(len(tokens), end + _ALSO_WITHIN)):
        if tokens[place] not in words["also"] and tuple(tokens[place : place + 2]) != ("as", "well"):
            continue
        if not words["apart"].union(_ENDS).isdisjoint(tokens[place + 1 : start] or tokens[end:place]):
            continue
        after = tokens[place + 1] if place + 1 < len(tokens) else "."
        if tokens[place] != "too" or not after.isalpha() or after in words["behind_too"]:
            return True
    return False


def _sentences(tokens: Sequence[str], inside: Set[int]) -> frozenset[int]:
    """The places of the sentences that tell of harm: what else somebody complains of is said by strangers too."""
    near: set[int] = set()
    start = 0
    for end, token in enumerate([*tokens, "."], start=1):
        if token in _ENDS:
            sentence = range(start, end)
            if not inside.isdisjoint(sentence):
                near.update(sentence)
            start = end
    return frozenset(near)


def common_words() -> frozenset[str]:
    """Words that say nothing of what a text is about."""
    return _words()["common"]


@lru_cache(maxsize=1)
def _words() -> Mapping[str, frozenset[str]]:
    return {name: frozenset(words.split()) for name, words in tomllib.loads(_FILE.read_text(encoding="utf-8")).items()}
