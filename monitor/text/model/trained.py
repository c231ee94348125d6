"""What was taught, as plain values: one answer of staff, and what all answers about a brand came to.

`Learned` is kept by the store as JSON with a version, and undo is an older one. It can always be built again from the
lessons, which are the truth.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from operator import mul
from typing import Any, Literal

Answer = Literal["yes", "not_a_complaint", "not_us", "spam"]
FORMAT = 1
UNHAPPY = "unhappy"  # the signal that says in log odds how unhappy the model finds the writer
MOOD = f"signal:{UNHAPPY}"  # its name among the features
_SIGNAL_SHARE, MOOD_SHARE = 0.15, 0.3  # a signal's size beside a word's
_MOST = 4.0


@dataclass(frozen=True, slots=True)
class Lesson:
    """One answer of staff about one post. `odds` are the log odds of the judge without anything learned.

    `key` names the post: a later answer of the same person about it replaces the earlier one. `vector` is the text as
    the operator's own encoder sees it (length 1), empty where there is none. `ping_at` and `sweep_at` are the log odds
    from which such a post is a ping, or in the list, while nothing is learned.
    """

    key: str
    tokens: tuple[str, ...]
    signals: Mapping[str, float]
    odds: float
    answer: Answer
    by: str
    at: datetime
    vector: Sequence[float] = ()
    ping_at: float = 0.0
    sweep_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What the answers held aside said: mean loss and area of the judge alone (`before`) and with what was learned."""

    answers: int = 0
    yes: int = 0
    people: int = 0
    loss_before: float = 0.0
    loss_after: float = 0.0
    area_before: float = 0.5
    area_after: float = 0.5
    why_off: str = "no answers yet"


@dataclass(frozen=True, slots=True)
class Learned:
    """What one brand's staff have taught. `blend` is 1 where it is heard and 0 where not; once it was a part.

    `ping_move` and `sweep_move` are how far this brand's own lines for the lanes stand from the shipped ones, in log
    odds. `ping` and `sweep` are lines of its own, which earlier versions learned, None where there are none. `vector`
    weighs what the encoder of that name says of a text; both are empty where it was learned without one.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    slope: float = 1.0
    bias: float = 0.0
    blend: float = 0.0
    ping: float | None = None
    sweep: float | None = None
    figures: Figures = field(default_factory=Figures)
    vector: tuple[float, ...] = ()
    encoder: str = ""
    ping_move: float = 0.0
    sweep_move: float = 0.0

    def odds(
        self, before: float, tokens: Sequence[str], signals: Mapping[str, float], vector: Sequence[float] = ()
    ) -> float:
        """Return the log odds of the blend; exactly `before` while it is off, or `vector` is not what it learned by."""
        if not self.blend or len(vector) != len(self.vector):
            return before
        return before + self.blend * (self._own(before, tokens, signals, vector) - before)

    def _own(
        self, before: float, tokens: Sequence[str], signals: Mapping[str, float], vector: Sequence[float]
    ) -> float:
        weights = self.weights
        total = self.slope * before + self.bias + float(sum(map(mul, self.vector, vector)))
        for name, value in features(tokens, signals):
            weight = weights.get(name)
            if weight is not None:
                total += weight * value
        return total

    def to_json(self) -> str:
        """Return it as text for the store; the same value gives the same text."""
        figures = {name: getattr(self.figures, name) for name in Figures.__slots__}
        return json.dumps(
            {
                "format": FORMAT,
                "weights": {name: round(weight, 5) for name, weight in self.weights.items()},
                "slope": self.slope,
                "bias": self.bias,
                "blend": self.blend,
                "ping": self.ping,
                "sweep": self.sweep,
                "ping_move": self.ping_move,
                "sweep_move": self.sweep_move,
                "figures": figures,
                "encoder": self.encoder,
                "vector": [round(weight, 5) for weight in self.vector],
            },
            sort_keys=True,
        )

    @staticmethod
    def from_json(text: str) -> Learned:
        """Read what `to_json` wrote; ValueError when it is damaged or of another format."""
        try:
            read: dict[str, Any] = json.loads(text)
            known = read["format"]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"what was learned cannot be read ({type(error).__name__}): learn it again") from None
        if known != FORMAT:
            raise ValueError(f"what was learned is of format {known}, wanted {FORMAT}: learn it again")
        try:
            learned = Learned(
                {str(name): float(weight) for name, weight in read["weights"].items()},
                float(read["slope"]),
                float(read["bias"]),
                float(read["blend"]),
                None if read["ping"] is None else float(read["ping"]),
                None if read["sweep"] is None else float(read["sweep"]),
                Figures(**read["figures"]),
                tuple(map(float, read.get("vector", ()))),
                str(read.get("encoder", "")),
                float(read.get("ping_move", 0.0)),
                float(read.get("sweep_move", 0.0)),
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"what was learned cannot be read ({type(error).__name__}): learn it again") from None
        numbers = (*learned.weights.values(), *learned.vector, learned.slope, learned.bias, learned.blend)
        numbers += (learned.ping_move, learned.sweep_move)
        if not all(map(math.isfinite, numbers)):
            raise ValueError("what was learned holds a number that is none: learn it again")
        return learned


def features(tokens: Sequence[str], signals: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return the words, word pairs and signals of a post with their sizes; a long post does not count more."""
    names = dict.fromkeys(tokens)
    names.update(dict.fromkeys(f"{before} {word}" for before, word in pairwise(tokens)))
    size = 1.0 / math.sqrt(len(names) or 1)
    found = [(name, size) for name in names]
    for name, value in signals.items():
        share = MOOD_SHARE if name == UNHAPPY else _SIGNAL_SHARE
        found.append((f"signal:{name}", share * max(-_MOST, min(value, _MOST))))
    return found


def strongest_words(learned: Learned, most: int = 10) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """Return the words and pairs that speak loudest for needing an answer, and those that speak loudest against."""
    words = [(name, weight) for name, weight in learned.weights.items() if not name.startswith(("signal:", "<"))]
    words.sort(key=lambda word: (-word[1], word[0]))
    return (
        [word for word in words[:most] if word[1] > 0],
        [word for word in reversed(words[-most:]) if word[1] < 0],
    )
