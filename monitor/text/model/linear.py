"""A linear model over words, their beginnings, word pairs and signals: one small file, exact and quick in plain Python.

It answers two questions at once: does a post need an answer, and is its writer unhappy? Each weight is a complex
number, whose real part speaks of the first and whose imaginary part of the second: one sum gives both.

The file is made by `benchmarks/train.py` and holds numbers only: one line with a checksum of all the rest, one line of
JSON (name, version, feature set, weights of the signals), then the weights of hashed words, zlib packed: all different
pairs (those of the first question as 16-bit integers, those of the second as 8-bit ones), and for each place which pair
it has. Nothing in it is ever run. What is damaged or made for other features is refused by name: the rules go on alone.
"""

from __future__ import annotations

import array
import hashlib
import json
import math
import sys
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from monitor.text.remembered import Remembered

MAGIC = "EARFUL-LINEAR/3"
FEATURES = "words-beginnings-pairs-signals/3"  # changes whenever tokens, hashing or the meaning of a signal do
_BEGINNING = 5  # letters of a longer word: what is known of "delivery" is half known of "delivered"
_LARGEST = 20_000_000  # bytes of weights, unpacked
_STEEPEST = 4.0  # a signal counts for at most so many standard deviations
_MOST_GIVEN = 10_000  # values of signals that are remembered with what they give


class ModelRefused(Exception):
    """The model file cannot be used. The message names the file and says what is wrong with it."""


def hashed(tokens: Sequence[str], bits: int) -> set[int]:
    """Return the places of a text's words, beginnings of words and word pairs in a table of 2**bits weights."""
    if not tokens:
        return set()
    known = _codes_of(bits)
    singles, beginnings, whole, behind_blanks = zip(*map(known.__getitem__, tokens), strict=True)
    # CRC goes on from where it stood: from the word before, over the blank and this word.
    pairs = map(zlib.crc32, behind_blanks[1:], whole)
    return {*singles, *beginnings, *map(((1 << bits) - 1).__and__, pairs)}


def _encoded(word: str) -> bytes:
    return word.encode("utf-8", "replace")  # a lone surrogate is none that UTF-8 could hold


def _begins(word: str) -> bytes:
    """Return a long word's beginning as something that no word is; a short word is its own beginning."""
    return _encoded(word if len(word) <= _BEGINNING else f"^{word[:_BEGINNING]}")


@cache
def _codes_of(bits: int) -> Remembered[tuple[int, int, int, bytes]]:
    """Return for words their place, that of their beginning, their whole CRC, and how they stand behind another."""
    mask = (1 << bits) - 1

    def codes(word: str) -> tuple[int, int, int, bytes]:
        encoded = _encoded(word)
        whole = zlib.crc32(encoded)
        return whole & mask, zlib.crc32(_begins(word)) & mask, whole, b" " + encoded

    return Remembered(codes)


@dataclass(frozen=True, slots=True)
class _Signal:
    """What one signal gives: `weight` for each standard deviation from its mean, within limits."""

    mean: float
    deviation: float
    weight: complex

    def gives(self, value: float) -> complex:
        steps = (value - self.mean) / self.deviation
        if -_STEEPEST <= steps <= _STEEPEST:
            return self.weight * steps
        return self.weight * max(-_STEEPEST, min(_STEEPEST, steps))


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where the lanes begin, on the judge's 0..1: a ping to us, a ping from one who does not speak to us, a sweep.

    `ping_told` is where a ping begins for a trouble that is told, but put to nobody. `sweep_aside` is where the sweep
    begins for a post that neither speaks to us nor tells of trouble, `sweep_calm` for one of those that asks nothing
    and names no handle, tag or link. Each is as `ping` or `sweep` where it is 0.
    """

    ping: float
    ping_aside: float
    sweep: float
    sweep_calm: float = 0.0
    ping_told: float = 0.0
    sweep_aside: float = 0.0

    def moved(self, ping: float, sweep: float) -> Thresholds:
        """Return the lines moved by so many log odds: all of a ping alike, and all of the list."""
        return Thresholds(
            _moved(self.ping, ping),
            _moved(self.ping_aside, ping),
            _moved(self.sweep, sweep),
            _moved(self.sweep_calm, sweep),
            _moved(self.ping_told, ping),
            _moved(self.sweep_aside, sweep),
        )


def _moved(line: float, odds: float) -> float:
    """Move a line on 0..1; a line that is not there (0) stays so."""
    return line if not 0 < line < 1 or not odds else 1 / (1 + (1 / line - 1) * math.exp(-odds))


class Model:
    """A model that was read and checked. `score` is pure: one model may serve many threads."""

    def __init__(self, header: Mapping[str, Any], weights: list[complex]) -> None:
        self.name = str(header["name"])
        self.version = str(header["version"])
        self.thresholds = Thresholds(**{key: float(value) for key, value in header["thresholds"].items()})
        self._bits = int(header["bits"])
        self._scale, self._mood_scale = float(header["scale"]), float(header["mood_scale"])
        self._weights = weights  # a list is read quicker than an array, and few different numbers stay at hand
        self._slope, self._mood_slope = float(header["slope"]), float(header["mood_slope"])
        self._signals = {
            str(name): _Signal(float(mean), float(deviation), complex(weight, mood))
            for name, mean, deviation, weight, mood in header["signals"]
        }
        # A signal that is absent gives something too (an absent link, say): that is summed once, here.
        self._absent = {name: signal.gives(0.0) for name, signal in self._signals.items()}
        self._base = complex(header["bias"], header["mood_bias"]) + sum(self._absent.values())
        # Most signals count to three or four: what each gives is worked out once. Threads may both do it; it is equal.
        self._given: dict[tuple[str, float], complex] = {}

    def score(self, tokens: Sequence[str], signals: Mapping[str, float]) -> tuple[float, float]:
        """Return the log odds that a post needs an answer, and those that its writer is unhappy."""
        places = hashed(tokens, self._bits)
        total = self._base
        if places:
            words = sum(map(self._weights.__getitem__, places)) / math.sqrt(len(places))
            total += complex(self._scale * words.real, self._mood_scale * words.imag)
        given, absent = self._given, self._absent
        for signal in signals.items():
            more = given.get(signal)
            if more is None:
                name, value = signal
                more = self._signals[name].gives(value) - absent[name] if name in absent else 0.0
                if len(given) < _MOST_GIVEN:
                    given[signal] = more
            total += more
        return total.real * self._slope, total.imag * self._mood_slope

    def contributions(
        self, tokens: Sequence[str], signals: Mapping[str, float], most: int = 12
    ) -> list[tuple[str, float]]:
        """Return what the first of `score` is made of: the loudest words, pairs and signals, and the rest as one."""
        places = hashed(tokens, self._bits)
        share = self._slope * self._scale / math.sqrt(len(places) or 1)
        seen: dict[int, str] = {}
        mask = (1 << self._bits) - 1
        for words in (*tokens, *map(" ".join, pairwise(tokens))):
            seen.setdefault(zlib.crc32(_encoded(words)) & mask, words)
        for word in tokens:
            seen.setdefault(_codes_of(self._bits)[word][1], f"{word[:_BEGINNING]}…")
        contributions = [(f'"{words}"', share * self._weights[place].real) for place, words in seen.items()]
        for name, value in signals.items():
            signal = self._signals.get(name)
            if signal is not None:
                given = signal.gives(value) - self._absent[name]
                contributions.append((f"signal {name}", self._slope * given.real))
        contributions.sort(key=lambda profile: -abs(profile[1]))
        loud = contributions[:most]
        rest = self.score(tokens, signals)[0] - sum(weight for _, weight in loud)
        return [*loud, ("everything else in the shipped model", rest)]


def read(path: Path, signal_names: Iterable[str]) -> Model:
    """Read and check a model file, or raise ModelRefused. `signal_names` are the signals that this version computes."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ModelRefused(f"{path.name}: cannot be read ({error.strerror or 'no such file'})") from None
    first, _, rest = raw.partition(b"\n")
    magic, _, digest = first.decode("ascii", "replace").partition(" ")
    if magic != MAGIC:
        raise ModelRefused(f"{path.name}: not a model of this version (begins {magic[:24]!r}, wanted {MAGIC})")
    if hashlib.sha256(rest).hexdigest() != digest:
        raise ModelRefused(
            f"{path.name}: truncated or changed (its checksum is another); take it from the release again"
        )
    try:
        return _model(path, rest, set(signal_names))
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise ModelRefused(f"{path.name}: its inside is not a model ({type(error).__name__})") from None


def _model(path: Path, rest: bytes, signal_names: set[str]) -> Model:
    line, _, packed = rest.partition(b"\n")
    header = json.loads(line)
    if header["features"] != FEATURES:
        raise ModelRefused(f"{path.name}: made for the features {header['features']!r}, this version has {FEATURES!r}")
    unknown = {str(row[0]) for row in header["signals"]} - signal_names
    if unknown:
        raise ModelRefused(f"{path.name}: made for signals that this version has not: {', '.join(sorted(unknown))}")
    bits = int(header["bits"])
    unpacked = zlib.decompressobj().decompress(packed, _LARGEST)
    pairs = int(header["pairs"])
    if not 1 <= bits <= 22 or pairs < 1 or len(unpacked) != 3 * pairs + (4 << bits):
        raise ModelRefused(f"{path.name}: holds {len(unpacked)} bytes of weights, its header says {bits} bits")
    weights, moods = array.array("h", unpacked[: 2 * pairs]), array.array("b", unpacked[2 * pairs : 3 * pairs])
    places = array.array("I", unpacked[3 * pairs :])
    if sys.byteorder == "big":
        weights.byteswap()
        places.byteswap()
    if max(places) >= pairs:
        raise ModelRefused(f"{path.name}: names weights that it does not hold")
    return Model(header, list(map(list(map(complex, weights, moods)).__getitem__, places)))


def write(path: Path, header: Mapping[str, Any], weights: Sequence[int], moods: Sequence[int]) -> None:
    """Write a model file: the same model gives the same bytes. `moods` lie between -127 and 127."""
    pairs = sorted(set(zip(weights, moods, strict=True)))
    number = {pair: place for place, pair in enumerate(pairs)}
    needs = array.array("h", [need for need, _ in pairs])
    places = array.array("I", map(number.__getitem__, zip(weights, moods, strict=True)))
    if sys.byteorder == "big":
        needs.byteswap()
        places.byteswap()
    packed = needs.tobytes() + array.array("b", [mood for _, mood in pairs]).tobytes() + places.tobytes()
    line = json.dumps({**header, "pairs": len(pairs)}, sort_keys=True, separators=(",", ":")).encode("ascii")
    rest = line + b"\n" + zlib.compress(packed, 9)
    path.write_bytes(f"{MAGIC} {hashlib.sha256(rest).hexdigest()}\n".encode("ascii") + rest)
