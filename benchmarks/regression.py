"""Logistic regression by L-BFGS, on sparse and on dense rows: full batch, double precision, no chance in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """A sparse matrix: for each stored number its row and its column."""

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    value: Floats
    height: int
    width: int

    def times(self, weights: Floats) -> Floats:
        """Return one number a row."""
        return np.bincount(self.row, weights=weights[self.column] * self.value, minlength=self.height)

    def back(self, rows: Floats) -> Floats:
        """Return one number a column."""
        return np.bincount(self.column, weights=self.value * rows[self.row], minlength=self.width)


def stacked(parts: Sequence[Rows]) -> Rows:
    """Lay matrices of the same columns below each other."""
    tops = np.cumsum([0, *(part.height for part in parts)])
    return Rows(
        np.concatenate([part.row + top for part, top in zip(parts, tops[:-1], strict=True)]),
        np.concatenate([part.column for part in parts]),
        np.concatenate([part.value for part in parts]),
        int(tops[-1]),
        parts[0].width,
    )


@dataclass(frozen=True)
class Dense:
    """A matrix of which every number is stored."""

    values: Floats

    @property
    def height(self) -> int:
        """How many rows there are."""
        return int(self.values.shape[0])

    @property
    def width(self) -> int:
        """How many columns there are."""
        return int(self.values.shape[1])

    def times(self, weights: Floats) -> Floats:
        """Return one number a row."""
        return np.asarray(self.values @ weights)

    def back(self, rows: Floats) -> Floats:
        """Return one number a column."""
        return np.asarray(rows @ self.values)


def descend(
    loss_and_slope: Callable[[Floats], tuple[float, Floats]],
    start: Floats,
    closely: float = 1e-5,
    steps: int = 60,
    memory: int = 8,
) -> Floats:
    """Minimise by L-BFGS with a halving line search, until a step gains less than the share `closely` of the loss."""
    here = start
    moves: list[Floats] = []
    turns: list[Floats] = []
    loss, slope = loss_and_slope(here)
    for _ in range(steps):
        direction = slope.copy()
        kept: list[float] = []
        for move, turn in zip(reversed(moves), reversed(turns), strict=True):
            kept.append(move.dot(direction) / turn.dot(move))
            direction -= kept[-1] * turn
        direction *= moves[-1].dot(turns[-1]) / turns[-1].dot(turns[-1]) if moves else 1 / max(1.0, norm(slope))
        for move, turn, share in zip(moves, turns, reversed(kept), strict=True):
            direction += move * (share - turn.dot(direction) / turn.dot(move))
        downhill = -slope.dot(direction)
        length = 1.0
        for _ in range(20):
            next_loss, next_slope = loss_and_slope(here - length * direction)
            if next_loss <= loss + 1e-4 * length * downhill:
                break
            length /= 2
        move, turn = -length * direction, next_slope - slope
        if move.dot(turn) > 1e-10:
            moves, turns = [*moves, move][-memory:], [*turns, turn][-memory:]
        finished = abs(loss - next_loss) < closely * abs(loss)
        here, loss, slope = here + move, next_loss, next_slope
        if finished:
            break
    return here


def norm(values: Floats) -> float:
    """Return the length of a vector."""
    return float(np.sqrt(values.dot(values)))


class Matrix(Protocol):
    """What a fit asks of the rows that it is given."""

    @property
    def height(self) -> int:
        """How many rows there are."""

    @property
    def width(self) -> int:
        """How many columns there are."""

    def times(self, weights: Floats) -> Floats:
        """Return one number a row."""

    def back(self, rows: Floats) -> Floats:
        """Return one number a column."""


def fit(
    rows: Matrix,
    labels: NDArray[Any],
    penalty: float,
    share: Floats | None = None,
    start: Floats | None = None,
    still: Sequence[int] = (),
    closely: float = 1e-5,
    steps: int = 60,
) -> tuple[Floats, float]:
    """Fit logistic regression, held by the penalty to where it starts (nowhere, or at a teacher's weights).

    `labels` may be anything from 0 to 1; the columns named by `still` keep what they have at the start.
    """
    wanted = labels.astype(float)
    moves = np.ones(rows.width + 1)
    moves[list(still)] = 0.0
    share = np.ones(rows.height) if share is None else share
    anchor = np.zeros(rows.width) if start is None else start
    whole = share.sum()

    def loss_and_slope(all_weights: Floats) -> tuple[float, Floats]:
        weights, bias = all_weights[:-1], all_weights[-1]
        odds = rows.times(weights) + bias
        off = weights - anchor
        loss = (share * (np.logaddexp(0, odds) - wanted * odds)).sum() / whole + 0.5 * penalty * off.dot(off)
        error = share * (1 / (1 + np.exp(-odds)) - wanted) / whole
        return float(loss), moves * np.concatenate([rows.back(error) + penalty * off, [error.sum()]])

    found = descend(loss_and_slope, np.concatenate([anchor, [0.0]]), closely, steps)
    return found[:-1], float(found[-1])
