"""How likely a post tells of a harm, in whatever words: a small linear model beside the frames of `harm.py`.

The frames hold what somebody foresaw. This model weighs single words, the beginnings of words, and which parts of the
frames stand anywhere in a post; an encoder that does not ship has told it what words mean (`benchmarks/harm.py`). It
calls people where it thinks a harm likely, and says so: "may be about harm". Where it is surer than that, a post is
critical: "reads like harm"; never by one word. A danger that the frames heard, and it much doubts, rings at no night.

`model/harm.json` holds numbers only. What is damaged is refused by name, and the frames go on alone.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

from monitor.text.complaint_signals import BRAND, LINK, NUMBER, PERSON, Kind
from monitor.text.model.linear import ModelRefused
from monitor.text.remembered import Remembered

FILE = Path(__file__).parent / "model" / "harm.json"
FORMAT = "EARFUL-HARM/2"
MAYBE = Kind("maybe_harm", "may be about harm", 0.0)  # calls people, and rings at no night
SURELY = Kind("likely_harm", "reads like harm", 0.0)  # rings
SHORTEST = 2  # letters of words that say nothing: "la", "mi", "me", whatever else the post says
STEM = 5  # letters by which longer words are known as well: "scald", "scalded", "scalding"
PART = 0.5  # what a part counts for, beside words of which all together count for about one
FEWEST, EVEN = 3, 0.0  # words that speak for a harm that no frame knows, and the odds without the strongest of them
_NAMES = frozenset({BRAND, PERSON, LINK, NUMBER})  # who is spoken of says nothing
_LARGEST = 1_000_000  # bytes of weights, unpacked


def places_of(word: str, bits: int) -> tuple[int, ...]:
    """Return the places of a word and of its beginning in a table of 2**bits weights."""
    mask = (1 << bits) - 1
    whole = zlib.crc32(word.encode("utf-8", "replace")) & mask
    if len(word) <= STEM:
        return (whole,)
    return whole, zlib.crc32(b"^" + word[:STEM].encode("utf-8", "replace")) & mask


def words_of(tokens: Sequence[str]) -> set[str]:
    """Return what is weighed of a post: each word once, no name, none of a letter or two, which tell of no harm."""
    return set(filter(_is_weighed, tokens))


def _is_weighed(word: str) -> bool:
    return len(word) > SHORTEST and word not in _NAMES


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Log odds: where the sum begins; from where on words are looked into, people are called, and it rings at night.

    Below `doubt` no danger rings that the frames heard.
    """

    bias: float
    gate: float
    line: float
    rings: float
    doubt: float


_NUMBERS = tuple(field.name for field in fields(_Numbers))


class HarmModel:
    """The model, read and checked. Pure: one may serve many threads."""

    def __init__(
        self, bits: int, weights: Sequence[int], scale: float, parts: Mapping[str, float], numbers: _Numbers
    ) -> None:
        self._parts, self._numbers = parts, numbers

        def gives(word: str) -> float | None:
            return scale * sum(map(weights.__getitem__, places_of(word, bits))) if _is_weighed(word) else None

        self._gives = Remembered(gives)  # None for what is not weighed

    def by_words(self, tokens: Sequence[str]) -> float:
        """Return what the words alone give."""
        given = [each for each in map(self._gives.__getitem__, set(tokens)) if each is not None]
        return sum(given) / math.sqrt(len(given) or 1)

    def looks_further(self, by_words: float) -> bool:
        """Whether words are near enough to a harm that all parts are looked for, where no frame begins."""
        return by_words >= self._numbers.gate

    def is_far(self, by_words: float) -> bool:
        """Whether words are so far from a harm that, where no part stands, nothing else need be known of a post."""
        return not (self.looks_further(by_words) or self.is_likely(by_words, ()))

    def is_likely(self, by_words: float, parts: Iterable[str]) -> bool:
        """Whether a post is so likely to tell of harm that people are called."""
        return self.odds(by_words, parts) >= self._numbers.line

    def rings(self, tokens: Sequence[str], parts: Sequence[str]) -> bool:
        """Whether a post so surely tells of harm that it is critical: no word of it may say so alone."""
        given = [each for each in map(self._gives.__getitem__, set(tokens)) if each is not None]
        if not given or self.odds(sum(given) / math.sqrt(len(given)), parts) < self._numbers.rings:
            return False
        rest = (sum(given) - max(given)) / math.sqrt(len(given))
        return self.odds(rest, parts) >= EVEN and sum(each > 0 for each in given) >= FEWEST

    def doubts(self, by_words: float, parts: Iterable[str]) -> bool:
        """Whether a post is so unlikely to tell of harm that what the frames heard in it wakes nobody."""
        return self.odds(by_words, parts) < self._numbers.doubt

    def odds(self, by_words: float, parts: Iterable[str]) -> float:
        """Return the log odds that a post tells of harm, by its words and the parts that stand in it."""
        return self._numbers.bias + by_words + PART * sum(self._parts.get(part, 0.0) for part in parts)


def read(path: Path) -> HarmModel:
    """Read and check a model file, or raise ModelRefused, which names the file and says what is wrong with it."""
    try:
        body = json.loads(path.read_text(encoding="ascii"))
        if body["format"] != FORMAT:
            raise ModelRefused(f"{path.name}: made for another version of Earful ({FORMAT} is wanted)")
        bits, scale = int(body["bits"]), float(body["scale"])
        packed = zlib.decompressobj().decompress(base64.b85decode(body["words"]), _LARGEST)
        weights = array("b", packed)
        parts = {str(name): float(weight) for name, weight in body["parts"].items()}
        numbers = {name: float(body[name]) for name in _NUMBERS}
        if len(weights) != 1 << bits or not all(map(math.isfinite, (*numbers.values(), scale, *parts.values()))):
            raise ModelRefused(f"{path.name}: its weights are not what its header says")
        return HarmModel(bits, weights, scale, parts, _Numbers(**numbers))
    except OSError as error:
        raise ModelRefused(f"{path.name}: cannot be read ({error.strerror or 'no such file'})") from None
    except (KeyError, TypeError, ValueError, AttributeError, zlib.error):
        raise ModelRefused(f"{path.name}: damaged; take it from the release again") from None


def write(path: Path, weights: Sequence[float], parts: Mapping[str, float], numbers: Mapping[str, float]) -> None:
    """Write a model file: the same model gives the same bytes."""
    scale = max(map(abs, weights)) / 127 or 1.0
    packed = array("b", [round(each / scale) for each in weights]).tobytes()
    body = {
        "format": FORMAT,
        "bits": len(weights).bit_length() - 1,
        "scale": scale,
        **{name: round(numbers[name], 4) for name in _NUMBERS},
        "parts": {name: round(weight, 4) for name, weight in sorted(parts.items())},
        "words": base64.b85encode(zlib.compress(packed, 9)).decode("ascii"),
    }
    path.write_text(json.dumps(body, sort_keys=True) + "\n", encoding="ascii")


@lru_cache(maxsize=4)
def shipped(path: Path = FILE) -> HarmModel | None:
    """Return the shipped model; None where it was refused, which `trouble` says."""
    try:
        return read(path)
    except ModelRefused:
        return None


def trouble(path: Path = FILE) -> str:
    """Say what is wrong with the shipped model; empty when nothing is."""
    if shipped(path) is not None:
        return ""
    try:
        read(path)
    except ModelRefused as refusal:
        return str(refusal)
    return ""
