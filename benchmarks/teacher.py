"""The teacher of the last word: what encoders and our signals together make of every text that may be trained on.

A head is a logistic regression on a text's vectors (`benchmarks.vectors`) beside its signals. One is taught the
question itself, by labels and examples; the others what is cross (by the feelings of comments) and what is poor (by the
stars of reviews). Their blend judges all comments and all reviews, each head those of the others too. The
shipped model is then fitted to what the blend says of 66,000 texts: so it learns what words mean that no label holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.regression import Dense, Floats, fit

UNHAPPY = {"anger", "annoyance", "disappointment", "disapproval", "disgust", "sadness", "confusion"}
CROSS = UNHAPPY - {"sadness", "confusion"}
UNSURE = {"sadness", "confusion", "fear", "embarrassment", "grief", "nervousness", "remorse", "realization", "surprise"}
SIGNALS = 0.1  # of a standard deviation, beside a vector of length 1
SOURCE = 3.0  # a column says where a label comes from: how often each source says yes is not for the words to explain
PENALTY, QUESTION_PENALTY = 1e-4, 1e-3  # for what all say by a tag or stars, and for what people labelled
BLEND = {"question": 0.6, "cross": 0.28, "poor": 0.12}  # who is loud about a fault is told apart least by labels alone
MOOD = {"written": 0.6, "cross": 0.2, "unhappy": 0.1, "poor": 0.1}  # what is told of a writer's mood


def side_by_side(vectors: Floats, signals: Floats) -> Floats:
    """Return what a head reads."""
    return np.hstack([vectors, signals * SIGNALS])


def evened(vectors: Sequence[Floats]) -> list[Floats]:
    """Return an encoder's rows about the mean of the first of them, 1 long on average, as the other encoder's are."""
    middle = vectors[0].mean(axis=0)
    length = float(np.linalg.norm(vectors[0] - middle, axis=1).mean())
    return [(rows - middle) / length for rows in vectors]


def blended(said: Mapping[str, Sequence[Floats]], shares: Mapping[str, float] = BLEND) -> list[Floats]:
    """Return what these heads say together; each is heard in units of what it says of the first texts."""
    parts = [[share * each / said[name][0].std() for each in said[name]] for name, share in shares.items()]
    return [np.sum(each, axis=0) for each in zip(*parts, strict=True)]


def likely(said: Sequence[Floats], wanted: Floats, weights: Floats) -> list[Floats]:
    """Make chances of what was said of texts; `wanted` is what those of our own, the last, should be judged as."""
    steep, level = as_odds(said[-1], wanted, weights)
    return [1 / (1 + np.exp(-(steep * each + level))) for each in said]


def as_odds(said: Floats, wanted: Floats, weights: Floats) -> tuple[float, float]:
    """Return by what to multiply what was said of texts, and what to add, that it is the log odds of what is wanted."""
    steep, level = fit(Dense(said[:, None]), wanted, 0.0, weights)
    return float(steep[0]), level


def carried_over(rows: Sequence[Floats], known: Sequence[NDArray[np.bool_]], said: Sequence[Floats]) -> list[Floats]:
    """Return what is said of all rows: of those that are `known` what `said` has, of the others what these teach.

    A ridge regression on what one encoder and the signals say repeats what both encoders say: their correlation is .96.
    """
    read = np.vstack([each[which] for each, which in zip(rows, known, strict=True)])
    wanted = np.concatenate(list(said))
    held = read.T @ read + np.eye(read.shape[1])
    weights = np.linalg.solve(held, read.T @ (wanted - wanted.mean()))
    found = [each @ weights + wanted.mean() for each in rows]
    for whole, which, part in zip(found, known, said, strict=True):
        whole[which] = part
    return found


def labelled_head(rows: Floats, targets: Floats, shares: Floats, sources: Sequence[str]) -> Floats:
    """Return the weights of a head that is taught by labels and examples, wherever they come from."""
    every = sorted(set(sources))
    origin = np.array([[SOURCE * (one == source) for source in every] for one in sources])
    weights, _ = fit(Dense(np.hstack([rows, origin])), targets, QUESTION_PENALTY, shares)
    return weights[: rows.shape[1]]


@dataclass(frozen=True)
class Felt:
    """What people feel, by the tags of comments and the stars of reviews; `sure` and `clear` are weights."""

    unhappy: NDArray[np.bool_]
    cross: NDArray[np.bool_]
    sure: Floats
    poor: NDArray[np.bool_]
    clear: Floats


def felt_by(tags: Sequence[set[str]], stars: Sequence[int]) -> Felt:
    """Read tags and stars."""
    given = np.array(stars)
    return Felt(
        np.array([bool(each & UNHAPPY) for each in tags]),
        np.array([bool(each & CROSS) for each in tags]),
        np.array([float(bool(each & CROSS) or not each & UNSURE) for each in tags]),
        given <= 2,
        (given != 3).astype(float),
    )


def feelings_of(comments: Floats, reviews: Floats, felt: Felt) -> dict[str, Floats]:
    """Return the weights of the heads of what people feel."""
    return {
        "cross": fit(Dense(comments), felt.cross, PENALTY, felt.sure)[0],
        "unhappy": fit(Dense(comments), felt.unhappy, PENALTY)[0],
        "poor": fit(Dense(reviews), felt.poor, PENALTY, felt.clear)[0],
    }
