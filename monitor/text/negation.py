"""What a "not" takes back: "never crashed", "not a single complaint", "without any delay" tell of nothing wrong.

A negation reaches over a few small words, to the cue that follows it at once, and over an "or" to the next. It does not
reach where something is asked for ("don't lose it again"), where it only makes things worse ("never had such a mess"),
where another takes it back ("not without trouble"), or up to a day on which things went wrong ("until today"). The
words of each language stand in `words/negation.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Protocol, TypeVar


class Kind(Protocol):
    """What must be known of a kind of cue."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def calm(self) -> bool: ...  # noqa: D102

    @property
    def churn(self) -> bool: ...  # noqa: D102


class Cue(Protocol):
    """What must be known of a cue: its kind, and where it stands."""

    @property
    def kind(self) -> Kind: ...  # noqa: D102

    @property
    def start(self) -> int: ...  # noqa: D102

    @property
    def end(self) -> int: ...  # noqa: D102


C = TypeVar("C", bound=Cue)
_FILE = Path(__file__).parent / "words" / "negation.toml"
_BRAND = "thisbrand"  # as in complaint_signals: what stands in place of the brand's own name
_FURTHEST = 6  # small words between a negation and what it takes back
_WISHED_WITHIN = 6
_UNTIL_WITHIN = 10  # words behind it
_ANY = frozenset({"broken", "lost", "bad", "rude", "billing", "cancelled", "nobody_answers", "not_arrived"})
BREAKS = frozenset({"!", "!!", "?", "??", "?!", ".", "..", "…", ";"})


@dataclass(frozen=True, slots=True)
class _Words:
    negators: frozenset[str]
    small: frozenset[str]  # may stand between a negation and its cue
    degrees: frozenset[str]  # the same, behind a plain "not" only: "not so bad", but "never so bad"
    plain: frozenset[str]  # the negations that are a plain "not"
    alternatives: frozenset[str]
    until: frozenset[str]
    asking: frozenset[str]  # before a negation that asks for something: "please don't", "why don't"
    bidding: frozenset[str]  # a negation that bids at the beginning of a sentence: "don't"
    bare: frozenset[str]  # stand right before a noun: "no"
    behind_bare: frozenset[str]  # all that may stand between
    behind_plain: frozenset[str]  # what may stand behind a plain "not", where it is less than `small`
    hoping: frozenset[str]  # a few words before a negation, it tells of a wish: "so that it isn't late"
    compared: frozenset[str]  # right behind the cue, it only grows: "never been treated as badly as"
    lacking: frozenset[str]  # the words for "without": a negation before them turns them round
    behind: frozenset[str]  # a "never" that may stand behind its verb
    again: frozenset[str]  # what makes "never again" of it
    troubles: tuple[str, ...]  # beginnings of words for what can go wrong, heard only where they are denied
    wanted: tuple[str, ...]  # beginnings of what people miss: a refund that never came is no good news
    complaints: tuple[str, ...]  # beginnings of words for a complaint, a delay: cues of other kinds that may be denied


@lru_cache(maxsize=16)
def _words_of(language: str) -> _Words:
    table = tomllib.loads(_FILE.read_text(encoding="utf-8"))[language]

    def words(name: str) -> frozenset[str]:
        return frozenset(table.get(name, "").split())

    return _Words(
        negators=words("negators") | words("plain"),
        small=words("small") | {_BRAND},
        degrees=words("degrees"),
        plain=words("plain"),
        alternatives=words("alternatives"),
        until=words("until"),
        asking=words("asking"),
        bidding=words("bidding"),
        bare=words("bare"),
        behind_bare=words("behind_bare"),
        behind_plain=words("behind_plain") or words("small"),
        hoping=words("hoping"),
        compared=words("compared"),
        lacking=words("lacking"),
        behind=words("behind"),
        again=words("again"),
        troubles=tuple(table.get("troubles", "").split()),
        wanted=tuple(table.get("wanted", "").split()),
        complaints=tuple(table.get("complaints", "").split()),
    )


@dataclass(frozen=True, slots=True)
class Denial:
    """Where something is denied: from the negation to the end of the cue, or of the word for trouble, end excluded."""

    start: int
    end: int
    cue: Cue | None


def less_denied(found: Sequence[C], tokens: Sequence[str], language: str) -> list[C]:
    """Return the cues, of whatever kind, that no negation takes back."""
    words = _words_of(language)
    return [cue for cue in found if not _is_denied(cue.start, cue.end, tokens, words)]


def denials(found: Sequence[C], tokens: Sequence[str], language: str) -> tuple[list[Denial], list[C]]:
    """Return what negations take back, and the cues of "there is no complaint" that held only up to a day."""
    words = _words_of(language)
    if words.negators.isdisjoint(tokens):
        return [], []
    over = [cue for cue in found if cue.kind.name == "no_complaint" and _until(tokens, cue.end, words)]
    covered = {place for cue in found for place in range(cue.start, cue.end)}
    own = {
        place for cue in found if not cue.kind.calm and cue.end - cue.start > 1 for place in range(cue.start, cue.end)
    }
    places: list[tuple[int, int, Cue | None]] = [
        (cue.start, cue.end, cue) for cue in found if _may_be_denied(cue, tokens, words)
    ]
    places.extend(
        (at, at + 1, None) for at, token in enumerate(tokens) if at not in covered and _is_trouble(language, token)
    )
    denied: list[Denial] = []
    for start, end, cue in sorted(places, key=lambda place: place[:2]):
        if denied and _goes_on(denied[-1].end, start, tokens, words):
            denied.append(Denial(start, end, cue))
        elif (at := _negated_from(start, end, tokens, words, own)) is not None and not _until(tokens, end, words):
            denied.append(Denial(at, end, cue))
        elif (at := _negated_behind(end, tokens, words, own)) is not None:
            denied.append(Denial(start, at + 1, cue))
    return denied, over


def _is_denied(start: int, end: int, tokens: Sequence[str], words: _Words) -> bool:
    return _negated_from(start, end, tokens, words, set()) is not None and not _until(tokens, end, words)


@lru_cache(maxsize=20_000)  # a post with a "not" has every word looked up, and most were looked up before
def _is_trouble(language: str, token: str) -> bool:
    words = _words_of(language)
    return token.startswith(words.troubles) and token not in words.negators


def _may_be_denied(cue: Cue, tokens: Sequence[str], words: _Words) -> bool:
    own = tokens[cue.start : cue.end]
    if cue.kind.calm or not words.negators.isdisjoint(own) or any(each.startswith(words.wanted) for each in own):
        return False
    return cue.kind.name in _ANY or any(each.startswith(words.complaints) for each in own)


def _goes_on(end: int, start: int, tokens: Sequence[str], words: _Words) -> bool:
    """Whether a denial is carried on by an "or": "no bugs or crashes"."""
    return end < start <= end + 2 and all(token in words.alternatives for token in tokens[end:start])


def _negated_from(start: int, end: int, tokens: Sequence[str], words: _Words, own: set[int]) -> int | None:
    """Return where the negation stands that reaches what is said from `start` to `end`."""
    between: list[str] = []
    for at in range(start - 1, max(-1, start - 2 - _FURTHEST), -1):
        token = tokens[at]
        if token in words.negators:
            break
        if token not in words.small and token not in words.degrees:
            return None
        between.append(token)
    else:
        return None
    if at in own or not _reaches(token, between, tokens[start], words) or _is_turned(at, tokens, words):
        return None
    return at if words.compared.isdisjoint(tokens[end : end + 2]) else None


def _is_turned(at: int, tokens: Sequence[str], words: _Words) -> bool:
    """Whether the negation at this place takes nothing back: another turns it, or it asks or wishes for something."""
    token, before = tokens[at], tokens[at - 1] if at else "."
    wish = takewhile(lambda word: word not in BREAKS, reversed(tokens[max(0, at - _WISHED_WITHIN) : at]))
    return (
        (token in words.lacking and before in words.negators)  # "not without trouble"
        or before in words.asking  # "why don't you"
        or (token in words.behind and tokens[at + 1] in words.again)  # "mai più"
        or (token in words.bidding and (before in BREAKS or not before[0].isalpha()))  # "don't lose it again"
        or not words.hoping.isdisjoint(wish)
    )


def _reaches(negation: str, between: list[str], first: str, words: _Words) -> bool:
    """Whether a negation reaches over these words."""
    if negation in words.bare:
        return words.behind_bare.issuperset(between) and (bool(between) or not first.endswith("ed"))
    if negation in words.plain:
        return all(word in words.behind_plain or word in words.degrees for word in between)
    return words.degrees.isdisjoint(between)


def _negated_behind(end: int, tokens: Sequence[str], words: _Words, own: set[int]) -> int | None:
    """Return where a "never" stands behind its verb, as in "crasht nooit"; "nooit meer" is another matter."""
    for at in range(end, min(len(tokens), end + 2)):
        if tokens[at] in words.behind:
            after = tokens[at + 1] if at + 1 < len(tokens) else "."
            return None if at in own or after in words.again else at
        if tokens[at] not in words.small:
            return None
    return None


def _until(tokens: Sequence[str], end: int, words: _Words) -> bool:
    for token in tokens[end : end + _UNTIL_WITHIN]:
        if token in BREAKS:
            return False
        if token in words.until:
            return True
    return False
