"""Harm that goes on, told in whatever words: read from parts of a sentence that stand near each other.

No list of sentences holds what can happen to people. So the parts are listed (`words/harm.toml`): whom it happens to,
what hurts, what breaks, what burns, whose data, an account, a machine; and a `Frame` says which of them, how near each
other, tell of what. Where one is joked about, or something else did it, is decided by `monitor/text/critical.py`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from monitor.text.complaint_signals import BRAND, NEGATORS, Found, Kind, stem_of, token_of
from monitor.text.remembered import Remembered

_FILE = Path(__file__).parent / "words" / "harm.toml"
_CONTEXT = tomllib.loads((_FILE.parent / "critical_context.toml").read_text(encoding="utf-8"))
_BODILESS = frozenset(_CONTEXT["bodiless"].split())
_BODILESS_SMALL = frozenset(_CONTEXT["bodiless_small"].split())
_LONGEST_GAP = 3  # words that a "*" may stand for
_MOST = 24  # places of one part that are looked at: a post that says "hand" a thousand times says it once

INJURY = Kind("injury", "injury or danger", 0.0)
DANGER = Kind("danger", "injury or danger", 0.0)
FIRE = Kind("fire", "fire or smoke", 0.0)
DATA = Kind("data", "a data leak or a break-in", 0.0)
LEGAL = Kind("legal", "legal", 0.0)
PRESS = Kind("press", "press", 0.0)
MONEY = Kind("money", "money taken wrongly", 0.0)


@dataclass(frozen=True, slots=True)
class Frame:
    """Parts that tell of a harm when each stands within so many words of the first. `beside`: one must be anywhere.

    `after`: they must stand behind the first.
    """

    kind: Kind
    first: str
    near: tuple[tuple[str, int], ...] = ()
    beside: frozenset[str] = frozenset()
    after: bool = False


FRAMES = (
    Frame(INJURY, "harmed", beside=frozenset({"person", "body", "me", "thing", "article", "us"})),
    Frame(INJURY, "hurt", (("body", 5),)),
    Frame(INJURY, "struck", (("body", 4),), after=True),
    Frame(INJURY, "suffers", (("person", 6),)),
    Frame(INJURY, "allergy", (("served", 12),)),
    Frame(DANGER, "fails", (("body", 14),)),
    Frame(DANGER, "fails", (("person", 9),)),
    Frame(DANGER, "fails", (("on_me", 5),)),
    Frame(DANGER, "foreign", (("found_in", 4), ("inside", 3))),
    Frame(DANGER, "foreign", (("inside", 3), ("eaten", 6))),
    Frame(DANGER, "medicine", (("denied", 5),)),
    Frame(DANGER, "staff", (("impaired", 5),)),
    Frame(DATA, "staff", (("stalks", 9),)),
    Frame(FIRE, "fire", (("thing", 8),)),
    Frame(FIRE, "too_hot", beside=frozenset({"thing", "us"})),
    Frame(FIRE, "fire", (("article", 4),)),
    Frame(FIRE, "hot", (("untouchable", 9),), beside=frozenset({"thing", "article"})),
    Frame(INJURY, "zaps", (("thing", 9),)),
    Frame(INJURY, "zaps", (("article", 6),)),
    Frame(INJURY, "zaps", (("person", 5),)),
    Frame(INJURY, "hotly", (("body", 5),)),
    Frame(INJURY, "ills", (("eaten", 9),)),
    Frame(INJURY, "bitten_by", (("bites", 4),), beside=frozenset({"person", "body", "me"})),
    Frame(DANGER, "brakes", (("brakes_fail", 4),), beside=frozenset({"thing", "us", "me"}), after=True),
    Frame(DANGER, "comes_off", (("in_traffic", 9),)),
    Frame(DANGER, "fumes", (("dazed", 9),)),
    Frame(DANGER, "near_miss", (("peril", 5),), beside=frozenset({"thing", "article", "staff", "fails"}), after=True),
    Frame(DANGER, "emergency", beside=frozenset({"thing", "article", "us", "me", "person"})),
    Frame(DANGER, "lifeline", (("lets_down", 10),)),
    Frame(DANGER, "self_start", (("hot_thing", 5),)),
    Frame(DANGER, "ingests", (("hazard", 7), ("person", 12))),
    Frame(DANGER, "shut_in", (("small_room", 4), ("person", 9))),
    Frame(DANGER, "overhead", (("came_down", 3),)),
    Frame(DANGER, "lost_custody", (("custody", 9),)),
    Frame(DATA, "others", (("record", 7), ("sees", 10))),
    Frame(DATA, "exposed_to", (("my_data", 10), ("exposes", 10))),
    Frame(DATA, "others", (("record", 2),), beside=frozenset({"sees"})),
    Frame(DATA, "in_public", (("my_data", 5),)),
    Frame(DATA, "in_public", (("record", 3),), beside=frozenset({"others", "us", "private"})),
    Frame(DATA, "leaks", (("my_data", 2),), after=True),
    Frame(DATA, "anyone_can", (("record", 6),)),
    Frame(DATA, "altered", (("admins", 7),)),
    Frame(DATA, "stranger", (("meddles", 3), ("account", 6))),
    Frame(DATA, "hole", (("unmended", 14),)),
    Frame(DATA, "private", (("sees", 8),), beside=frozenset({"others", "us", "me"})),
    Frame(DATA, "intruder", (("breaks_in", 3), ("account", 6))),
    Frame(DATA, "intrusion"),
    Frame(DATA, "machine", (("laid_open", 12),)),
    Frame(LEGAL, "law", (("law_acts", 5),)),
    Frame(PRESS, "reporter", (("asks_comment", 24),)),
    Frame(MONEY, "took", (("wrongly", 12),), beside=frozenset({"me", "us"})),
)
_DENIABLE = frozenset({INJURY, DANGER, FIRE})
_FIRSTS = frozenset(frame.first for frame in FRAMES)

Places = dict[str, list[tuple[int, int]]]
_Parts = tuple[tuple[str, tuple["_Step", ...]], ...]  # parts, and how each goes on
_Begins = tuple[Mapping[str, _Parts], _Parts]  # those that the next word leaves, and those that any other does
_Step = frozenset[str] | str | None  # words of which one must follow, the beginning of one, or a gap
_NONE: _Begins = {}, ()  # as nearly every word begins


class Parts:
    """The parts of one language, by the word with which they begin."""

    def __init__(self, language: str) -> None:
        self._words: dict[str, list[tuple[str, tuple[_Step, ...]]]] = {}
        self._stems: dict[str, list[tuple[str, str, tuple[_Step, ...]]]] = {}
        self.names = frozenset(part for part, cues in _tables().items() if language in cues)
        for part, cues in _tables().items():
            for cue in cues.get(language, ()):
                self._add(part, cue)
        self._firsts = Remembered(partial(self._beginning, firsts=True), 8_000)
        self._others = Remembered(partial(self._beginning, firsts=False), 8_000)

    def _add(self, part: str, cue: str) -> None:
        first, *rest = cue.split()
        steps = tuple(_step(written) for written in rest)
        if first.endswith("~"):
            stem = stem_of(first[:-1])
            self._stems.setdefault(stem[:3], []).append((stem, part, steps))
            return
        for choice in first.split("/"):
            self._words.setdefault(token_of(choice), []).append((part, steps))

    def _beginning(self, token: str, *, firsts: bool) -> _Begins:
        """Return which parts this word begins: those that a frame starts from, or all others."""
        words, stems = self._words.get(token, ()), self._stems.get(token[:3], ())
        if not (words or stems):
            return _NONE
        begins = [
            *words,
            *((part, steps) for stem, part, steps in stems if token.startswith(stem)),
        ]
        begins = [each for each in begins if (each[0] in _FIRSTS) == firsts]
        return _by_next_word(begins) if begins else _NONE

    def find(self, tokens: Sequence[str], *, wholly: bool) -> Places:
        """Return where each part stands, end excluded; nothing where no frame starts, unless asked for wholly."""
        found: Places = {}
        _add_places(found, self._firsts, tokens)
        if "fails" in found and not _BODILESS.isdisjoint(tokens):
            found["fails"] = [place for place in found["fails"] if not _is_bodiless(tokens, place[0])]
            if not found["fails"]:
                del found["fails"]
        if found or wholly:
            _add_places(found, self._others, tokens)
        return found


def _is_bodiless(tokens: Sequence[str], at: int) -> bool:
    """Whether what fails at this place is a thing of no weight: "the chat closed on me"."""
    before = at - 1
    while before >= 0 and tokens[before] in _BODILESS_SMALL:
        before -= 1
    return before >= 0 and tokens[before] in _BODILESS


def begins_one(places: Places) -> bool:
    """Whether one of these parts is one from which a harm may be told: "hurt" is, "our gran" is not."""
    return not _FIRSTS.isdisjoint(places)


def _by_next_word(begins: Sequence[tuple[str, tuple[_Step, ...]]]) -> _Begins:
    """Sort parts by the word that must follow: nearly all that begin go on as something else."""
    wanted = {word for _, steps in begins if steps and isinstance(steps[0], frozenset) for word in steps[0]}
    by_word = {
        word: tuple(
            (part, steps)
            for part, steps in begins
            if not steps or not isinstance(steps[0], frozenset) or word in steps[0]
        )
        for word in wanted
    }
    others = tuple((part, steps) for part, steps in begins if not steps or not isinstance(steps[0], frozenset))
    return by_word, others


def _add_places(found: Places, begins: Mapping[str, _Begins], tokens: Sequence[str]) -> None:
    """Add where the parts stand that `begins` knows by their first words."""
    after = [*tokens[1:], ""]
    begun = [
        (at, by_word.get(after[at], others))
        for at, (by_word, others) in enumerate(map(begins.__getitem__, tokens))
        if others or after[at] in by_word
    ]
    for at, parts in begun:
        for part, steps in parts:
            end = _follow(tokens, at + 1, steps) if steps else at + 1
            if end and len(places := found.setdefault(part, [])) < _MOST:
                places.append((at, end))


def _step(written: str) -> _Step:
    if written == "*":
        return None
    if written.endswith("~"):
        return stem_of(written[:-1])
    return frozenset(map(token_of, written.split("/")))


def _follow(tokens: Sequence[str], at: int, steps: tuple[_Step, ...]) -> int:
    """Return where the steps end that begin here; 0 where they do not follow."""
    for place, step in enumerate(steps):
        if step is None:
            return _over_gap(tokens, at, steps[place + 1 :])
        if at >= len(tokens):
            return 0
        if not (tokens[at].startswith(step) if isinstance(step, str) else tokens[at] in step):
            return 0
        at += 1
    return at


def _over_gap(tokens: Sequence[str], at: int, steps: tuple[_Step, ...]) -> int:
    """Return where the steps end that begin here, or up to three words further on; 0 where they do not."""
    if steps and isinstance(steps[0], frozenset) and steps[0].isdisjoint(tokens[at : at + _LONGEST_GAP + 1]):
        return 0  # as nearly always
    return next((end for gap in range(_LONGEST_GAP + 1) if (end := _follow(tokens, at + gap, steps))), 0)


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


@lru_cache(maxsize=16)
def parts_of(language: str) -> Parts:
    """Return the parts of a language; none where nobody wrote them down."""
    return Parts(language)


def harm_in(tokens: Sequence[str], language: str, *, me: bool, us: bool) -> tuple[list[Found], Places]:
    """Return what these words tell of, and where every part stands. `me`, `us`: it speaks of the writer, to us."""
    places = parts_of(language).find(tokens, wholly=True)
    return told_by(places, tokens, me=me, us=us), places


def told_by(places: Places, tokens: Sequence[str], *, me: bool, us: bool) -> list[Found]:
    """Return what words tell of in which parts stand at these places."""
    if _FIRSTS.isdisjoint(places):
        return []
    beside = set(places) | ({"me"} if me else set()) | ({"us"} if us else set())
    found = []
    for frame in FRAMES:
        if frame.first in places and (not frame.beside or not frame.beside.isdisjoint(beside)):
            span = _span(frame, places)
            if span is not None and not (frame.kind in _DENIABLE and _is_denied(tokens, frame, places, span)):
                found.append(Found(frame.kind, _words(tokens, *span), *span))
    return found


def _span(frame: Frame, places: Places) -> tuple[int, int] | None:
    """Return from where to where the parts of a frame stand, the nearest of them; None where one is too far."""
    if any(part not in places for part, _ in frame.near):
        return None
    best: tuple[int, int] | None = None
    for start, end in places[frame.first]:
        chosen = [(start, end)]
        for part, reach in frame.near:
            others = [each for each in places[part] if not frame.after or each[0] >= end]
            gap, place = min(((_between((start, end), each), each) for each in others), default=(reach + 1, (0, 0)))
            if gap > reach:
                break
            chosen.append(place)
        else:
            span = min(one for one, _ in chosen), max(one for _, one in chosen)
            best = span if best is None or span[1] - span[0] < best[1] - best[0] else best
    return best


def _is_denied(tokens: Sequence[str], frame: Frame, places: Places, span: tuple[int, int]) -> bool:
    """Whether a "not" stands between its parts, and is in none of them: "the driver was not drunk"."""
    within = {
        place
        for part in (frame.first, *(part for part, _ in frame.near))
        for start, end in places[part]
        for place in range(start, end)
    }
    return any(tokens[place] in NEGATORS for place in range(*span) if place not in within)


def _between(one: tuple[int, int], other: tuple[int, int]) -> int:
    """How many words stand between two places; a thousand where they are the same words, which say one thing only."""
    if one[0] < other[1] and other[0] < one[1]:
        return 1_000 if one == other else 0
    return max(one[0] - other[1], other[0] - one[1])


def _words(tokens: Sequence[str], start: int, end: int) -> str:
    return " ".join(token for token in tokens[start:end] if token != BRAND and (token[0].isalnum()))
