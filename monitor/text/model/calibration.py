"""How much of each of the judge's scores staff mean: a logistic regression on both, held near the judge.

Some teams answer what needs them, some what is negative, most something between. A few dozen answers tell it, long
before they tell anything of single words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul

_START = (1.0, 0.0, 0.0)  # the judge as it ships: what needs an answer, whatever its mood
_HELD = (3.0, 3.0, 0.1)  # the penalty on the square of the distance from there
_LIMITS = ((0.1, 3.0), (-1.0, 1.5), (-15.0, 15.0))  # what needs an answer is always heard a little
_ROUNDS, _SETTLED = 25, 1e-3  # of Newton's method, and the step after which it has arrived


def calibrated(
    rows: Sequence[tuple[float, float, float]], targets: Sequence[float], shares: Sequence[float]
) -> tuple[float, float, float]:
    """Return what need, mood and bias count for; each row is a post's log odds of both, and 1.

    By Newton's method. What leaves its limits is put to the nearer one, and the others are fitted to that.
    """
    found = list(_START)
    free = [0, 1, 2]
    while True:
        for _ in range(_ROUNDS):
            step = _newton_step(rows, targets, shares, found, free)
            longest = max(map(abs, step), default=0.0)
            for place, value in zip(free, step, strict=True):
                found[place] -= value / max(1.0, longest)  # where nearly all is certain a whole step goes anywhere
            if longest < _SETTLED:
                break
        outside = [place for place in free if not _LIMITS[place][0] <= found[place] <= _LIMITS[place][1]]
        if not outside:
            return found[0], found[1], found[2]
        for place in outside:
            lowest, highest = _LIMITS[place]
            found[place] = max(lowest, min(highest, found[place]))
            free.remove(place)


def _newton_step(
    rows: Sequence[tuple[float, float, float]],
    targets: Sequence[float],
    shares: Sequence[float],
    found: Sequence[float],
    free: Sequence[int],
) -> list[float]:
    """Return how far above its best place each free number stands, as long as the others stay where they are."""
    slope = [_HELD[place] * (found[place] - _START[place]) for place in free]
    curve = [[_HELD[place] if other == place else 0.0 for other in free] for place in free]
    for row, target, share in zip(rows, targets, shares, strict=True):
        chance = sigmoid(sum(map(mul, found, row)))
        error, spread = share * (chance - target), share * chance * (1 - chance)
        for at, place in enumerate(free):
            slope[at] += error * row[place]
            for beside, other in enumerate(free):
                curve[at][beside] += spread * row[place] * row[other]
    return _solved(curve, slope)


def _solved(rows: list[list[float]], wanted: list[float]) -> list[float]:
    """Solve a few linear equations by elimination; the penalty keeps every diagonal above nothing."""
    for at, row in enumerate(rows):
        for below in range(at + 1, len(rows)):
            times = rows[below][at] / row[at]
            rows[below] = [value - times * other for value, other in zip(rows[below], row, strict=True)]
            wanted[below] -= times * wanted[at]
    found: list[float] = []
    for at in reversed(range(len(rows))):
        known = sum(map(mul, rows[at][at + 1 :], found))
        found.insert(0, (wanted[at] - known) / rows[at][at])
    return found


def sigmoid(odds: float) -> float:
    """Return the chance that log odds stand for."""
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, odds))))
