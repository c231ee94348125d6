"""How sure a share is that was counted in few: Wilson's score interval. Pure.

E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927); compared with ten
others in R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998),
whose table the test reads. Unlike the plain interval it never leaves 0 to 1, and says something of 0 of 20.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

SURE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the true share lies, 0 to 1, as far as so many counts can tell."""

    low: float
    high: float


def wilson(part: int, base: int, sure: float = SURE) -> Interval | None:
    """The interval of `part` of `base`; None where nothing was counted. `sure` is how often it holds, 0 to 1."""
    if base <= 0:
        return None
    z = NormalDist().inv_cdf((1 + sure) / 2)
    share, square = part / base, z * z
    middle = share + square / (2 * base)
    reach = z * sqrt(share * (1 - share) / base + square / (4 * base * base))
    whole = 1 + square / base
    return Interval(max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole))
