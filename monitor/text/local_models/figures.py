"""The arithmetic before and after a model's run: rows of tokens in, figures out.

The only file that knows numpy. It is imported inside the functions: a daemon without a model of its own never loads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Figures = NDArray[numpy.float32]
    Whole = NDArray[numpy.int64]

_NEAR = 1e-4  # figures nearer than this are the same; in another company sums round otherwise
_STEEPEST = 20.0  # log odds: as sure as it gets


def padded(rows: Sequence[Sequence[int]], filler: int) -> tuple[Whole, Whole]:
    """Rows of tokens filled up to the longest of them, and where in it their tokens stand (1, else 0)."""
    import numpy

    ids = numpy.full((len(rows), max(map(len, rows))), filler, dtype=numpy.int64)
    mask = numpy.zeros_like(ids)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = row
        mask[at, : len(row)] = 1
    return ids, mask


def of_any(out: Any) -> Figures:
    """What a graph gave, whatever its type, as 32-bit figures."""
    import numpy

    return numpy.asarray(out, dtype=numpy.float32)


def finite(figures: Figures) -> bool:
    """Whether each of them is a number."""
    import numpy

    return bool(numpy.isfinite(figures).all())


def alike(one: Figures, other: Figures) -> bool:
    """Whether they are the same but for rounding."""
    import numpy

    return numpy.allclose(one, other, rtol=0, atol=_NEAR)


def of_length_one(out: NDArray[numpy.floating]) -> Figures:
    """Each row made 1 long; what has no length, or no finite one, becomes zeros."""
    import numpy

    with numpy.errstate(all="ignore"):  # what is not finite becomes zeros
        length = numpy.linalg.norm(out.astype(numpy.float64), axis=1, keepdims=True)
        sound = numpy.isfinite(length) & (length > 0)
        figures: Figures = numpy.where(sound, out / length, 0.0).astype(numpy.float32)
    return figures


def log_odds(logits: Figures, ones: Sequence[int], others: Sequence[int]) -> Figures:
    """A column: how the labels at `ones` stand against those at `others`, from -20 to 20, or what is not finite."""
    import numpy

    # log(p / (1 - p)) of the softmax, without the sum of all, which falls away: exact where p rounds to 1.
    exact = logits.astype(numpy.float64)
    with numpy.errstate(all="ignore"):  # what is not finite is seen by the callers
        odds = numpy.logaddexp.reduce(exact[:, ones], axis=1)
        odds -= numpy.logaddexp.reduce(exact[:, others], axis=1)
    figures: Figures = numpy.clip(odds, -_STEEPEST, _STEEPEST)[:, None].astype(numpy.float32)
    return figures
