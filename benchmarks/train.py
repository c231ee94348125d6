"""Train the shipped judge: `make train` (or `python benchmarks/train.py`). Needs numpy, and the data beside us.

1. A teacher from Reddit comments (GoEmotions, Apache-2.0): annoyed, disappointed and the like against everything else.
2. A teacher from app reviews (CC0): one and two stars against four and five.
3. Both are where the last step begins: the examples written for Earful (`benchmarks/examples.txt`) and the texts that
   were labelled with the real question (`docs/labelling.md`) move the weights from there, no further than they must. So
   general words keep what thousands of comments said of them, and what needs an answer is learned from labels.
4. What asking gives is set, not learned (`ASKING`).
No text of `labelled.never_trained()` is in any of it. Deterministic: full-batch L-BFGS in double precision, no chance
anywhere but in expanding the examples (seeded by line). Airline, Sanders and SXSW rows are never trained on: half of
each (by a hash of the text) is for development, half is kept aside, and both figures are printed.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # sums in one order, so that the same data give the same bytes

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import labelled  # noqa: E402
from benchmarks.question import half  # noqa: E402
from monitor.text.complaint_signals import BRAND, cues_for, signal_names, signals_of  # noqa: E402
from monitor.text.features import bounded, with_sentiment  # noqa: E402
from monitor.text.model import evaluation, linear  # noqa: E402
from monitor.text.sentiment import Scorer  # noqa: E402

Floats = NDArray[np.float64]

DATA = ROOT.parent / "shared" / "data"
EXAMPLES = ROOT / "benchmarks" / "examples.txt"
OUT = ROOT / "monitor" / "text" / "model" / "judge.model"
VERSION = "2026-11"
BITS = 18
SIGNAL_SCALE = 0.3  # signals are standardised, words are not: this makes their penalties alike
PENALTY = 4e-3  # how much the last step is held to its teachers
EXPANSIONS = 8  # texts from each line of examples
# Sections written to be hard are rarer in life than here.
LINE_WEIGHT = {
    "hard words that say nothing against the brand": 0.4,
    "bitter praise and look-alikes": 0.6,
    "calm stories, tips and jokes: long, personal, and nothing is wrong": 0.5,
    "own troubles told plainly, to nobody in particular": 0.8,
    "calm days: plain things said with a brand in them, and nobody is wanting": 0.2,
    "praise that goes by way of a no or a trouble": 0.2,
    "notices and news: something is announced, told or counted": 0.2,
    "tips, answers to each other, and questions to nobody in particular": 0.2,
    "told without anger, and yet somebody should answer": 0.2,
}
UNHAPPY = {"anger", "annoyance", "disappointment", "disapproval", "disgust", "sadness", "confusion"}
CROSS = UNHAPPY - {"sadness", "confusion"}
UNSURE = {"sadness", "confusion", "fear", "embarrassment", "grief", "nervousness", "remorse", "realization", "surprise"}
TEACHERS = (0.6, 0.3, 0.1)  # unhappy comments, cross comments, poor reviews
# What each grade is as a target, and what a labelled text weighs beside one text from the examples. Comments count
# little: strangers talk to each other there, and nearly all of them need no answer of a brand.
GRADES = {"must": 1.0, "look": 0.5, "no": 0.0}
LABEL_WEIGHT = {"google_play": 0.5, "goemotions": 0.1, "written": 4.0}
# Log odds of what asks, as they stand in the model. Neither material can teach them: commenters ask each other, which
# needs no answer of ours, and who writes a review rarely asks; learned from those, a question counts against an answer.
ASKING = {"asks_us": 0.8, "ask": 0.5, "question": 0.3}
# Where the lanes begin, and how log odds become 0..1. Chosen on the halves for development, never on those kept aside.
SLOPE = 1.0
THRESHOLDS = {
    "ping": 0.52,
    "ping_told": 0.75,
    "ping_aside": 0.95,
    "sweep": 0.2,
    "sweep_aside": 0.52,
    "sweep_calm": 0.7,
}


@dataclass(frozen=True)
class Row:
    """One text made ready: its words and its signals."""

    tokens: tuple[str, ...]
    signals: dict[str, float]


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


def read_csv(path: Path) -> Iterator[dict[str, str]]:
    """Read a CSV file row by row."""
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        yield from csv.DictReader(file)


def prepare(texts: list[str]) -> list[Row]:
    """Read every text as the judge does."""
    cues, scorer = cues_for("en"), Scorer()
    out = []
    for text in texts:
        short = bounded(text)
        signals = signals_of(short, cues)
        out.append(Row(signals.tokens, with_sentiment(signals.values, scorer.score(short, "en"))))
    return out


def expand(line: str, chance: random.Random) -> str:
    """Write one text from a line of examples."""
    while (found := re.search(r"\{([^{}]*)\}", line)) is not None:
        line = line[: found.start()] + chance.choice(found[1].split("|")) + line[found.end() :]
    return re.sub(r"\s+", " ", line).strip()


def examples(path: Path = EXAMPLES) -> list[tuple[str, bool, float]]:
    """Return text, label and weight of every expanded example; the same file gives the same texts."""
    out: list[tuple[str, bool, float]] = []
    weight = 1.0
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# -- "):
            weight = LINE_WEIGHT.get(line.strip("#- ").strip(), 1.0)
        if line[:2] not in ("+ ", "- "):
            continue
        chance = random.Random(zlib.crc32(line.encode()))
        seen: set[str] = set()
        for _ in range(EXPANSIONS * 3):
            text = expand(line[2:], chance)
            if text not in seen and len(seen) < EXPANSIONS:
                seen.add(text)
                masked = re.sub(r"(?<![@#])\b[Aa]cme\b", BRAND, text) if chance.random() < 0.5 else text
                out.append((masked, line[0] == "+", weight))
    return out


def matrix(rows: list[Row], names: list[str], mean: Floats, deviation: Floats) -> Rows:
    """Lay words, word pairs and standardised signals side by side."""
    row: list[int] = []
    column: list[int] = []
    value: list[float] = []
    for place, one in enumerate(rows):
        places = sorted(linear.hashed(one.tokens, BITS))
        row.extend([place] * len(places))
        column.extend(places)
        value.extend([1.0 / max(1.0, len(places) ** 0.5)] * len(places))
    dense = table(rows, names)
    dense = np.clip((dense - mean) / deviation, -4, 4) * SIGNAL_SCALE
    height, width = dense.shape
    return Rows(
        np.concatenate([np.array(row, np.int64), np.repeat(np.arange(height), width)]),
        np.concatenate([np.array(column, np.int64), (1 << BITS) + np.tile(np.arange(width), height)]),
        np.concatenate([np.array(value), dense.ravel()]),
        height,
        (1 << BITS) + width,
    )


def table(rows: list[Row], names: list[str]) -> Floats:
    """Return the signals as a dense table."""
    return np.array([[one.signals.get(name, 0.0) for name in names] for one in rows])


def descend(
    loss_and_slope: Callable[[Floats], tuple[float, Floats]], start: Floats, steps: int = 60, memory: int = 8
) -> Floats:
    """Minimise by L-BFGS with a halving line search."""
    here, moves, turns = start, [], []
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
        finished = abs(loss - next_loss) < 1e-5 * abs(loss)
        here, loss, slope = here + move, next_loss, next_slope
        if finished:
            break
    return here


def norm(values: Floats) -> float:
    """Return the length of a vector."""
    return float(np.sqrt(values.dot(values)))


def fit(
    rows: Rows,
    labels: NDArray[Any],
    penalty: float,
    share: Floats | None = None,
    start: Floats | None = None,
    still: Sequence[int] = (),
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

    found = descend(loss_and_slope, np.concatenate([anchor, [0.0]]))
    return found[:-1], float(found[-1])


def teachers(data: Path, names: list[str]) -> tuple[Floats, Floats, Floats]:
    """Return where the last step begins, and mean and deviation of the signals."""
    never = labelled.never_trained()
    comments = [
        (row["text"], set(row["emotions"].split("|")))
        for row in read_csv(data / "mentions" / "goemotions_reddit_train.csv")
        if labelled.hash_of(row["text"].strip()) not in never
    ]
    reviews = [
        (row["content"], int(row["score"]))
        for file in sorted((data / "reviews" / "google_play").glob("*.csv"))
        for row in read_csv(file)
        if row["content"].strip() and row["score"] != "3" and labelled.hash_of(row["content"].strip()) not in never
    ]
    print(f"comments {len(comments)}, reviews {len(reviews)}")
    comment_rows, review_rows = prepare([text for text, _ in comments]), prepare([text for text, _ in reviews])
    dense = np.concatenate([table(comment_rows, names), table(review_rows, names)])
    mean, deviation = dense.mean(axis=0), dense.std(axis=0) + 1e-6
    lay = [matrix(rows, names, mean, deviation) for rows in (comment_rows, review_rows)]
    unhappy = np.array([bool(felt & UNHAPPY) for _, felt in comments])
    cross = np.array([bool(felt & CROSS) for _, felt in comments])
    sure = np.array([float(bool(felt & CROSS) or not felt & UNSURE) for _, felt in comments])
    found = (
        fit(lay[0], unhappy, 1e-4)[0],
        fit(lay[0], cross, 1e-4, sure)[0],
        fit(lay[1], np.array([stars <= 2 for _, stars in reviews]), 1e-4)[0],
    )
    start = sum((share * each for share, each in zip(TEACHERS, found, strict=True)), np.zeros(lay[0].width))
    return start, mean, deviation


def lessons(data: Path) -> list[tuple[str, float, float]]:
    """Return text, target and weight of all that the last step learns from: examples and labelled texts."""
    labels = [
        each
        for each in [*labelled.drawn(data=data), *(text for text in labelled.written() if text.language == "en")]
        if not each.held
    ]
    return [(text, float(label), share) for text, label, share in examples()] + [
        (each.text, GRADES[each.grade], LABEL_WEIGHT[each.dataset]) for each in labels
    ]


def train(data: Path) -> tuple[dict[str, Any], list[int]]:
    """Return the header and the weights of the model."""
    names = sorted(["feeling", "bad_feeling", *signal_names()])
    start, mean, deviation = teachers(data, names)
    places = {name: (1 << BITS) + place for place, name in enumerate(names)}
    for name, odds in ASKING.items():
        start[places[name]] = odds * deviation[names.index(name)] / SIGNAL_SCALE
    own = lessons(data)
    print(f"texts from examples and labels {len(own)}")
    weights, bias = fit(
        matrix(prepare([text for text, _, _ in own]), names, mean, deviation),
        np.array([target for _, target, _ in own]),
        PENALTY,
        np.array([share for _, _, share in own]),
        start,
        [places[name] for name in ASKING],
    )

    words = weights[: 1 << BITS]
    scale = float(np.abs(words).max()) / 32767
    signals = [
        [
            name,
            round(float(mean[i]), 6),
            round(float(deviation[i]), 6),
            round(float(weights[places[name]]) * SIGNAL_SCALE, 6),
        ]
        for i, name in enumerate(names)
    ]
    header = {
        "name": "linear",
        "version": VERSION,
        "features": linear.FEATURES,
        "bits": BITS,
        "scale": scale,
        "bias": round(bias, 6),
        "slope": SLOPE,
        "signals": signals,
        "thresholds": THRESHOLDS,
    }
    return header, np.rint(words / scale).astype(int).tolist()


def report(data: Path) -> None:
    """Print the figures on tweets that were never trained on, both halves."""
    from datetime import UTC, datetime

    from connectors import Post
    from monitor.text.judge import Judge

    judge = Judge([])
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    sets = {
        "airline": ("airline.csv", "text", "airline_sentiment", "negative"),
        "sxsw": (
            "sxsw_brands.csv",
            "tweet_text",
            "is_there_an_emotion_directed_at_a_brand_or_product",
            "Negative emotion",
        ),
        "sanders": ("sanders.csv", "TweetText", "Sentiment", "negative"),
        "semeval": ("semeval_2016_train_topics.csv", "text", "label", "negative"),
        "brands_32": ("brands_32_relevance.csv", "text", "sentiment", "Negative"),
    }
    for name, (file, text_column, label_column, negative) in sets.items():
        rows = [
            (row[text_column], row[label_column] == negative)
            for row in read_csv(data / "mentions" / file)
            if row[text_column] and row[label_column].lower() != "irrelevant"
        ]
        for side in ("dev", "aside"):
            chosen = [row for row in rows if half(row[0]) == side]
            verdicts = [judge.verdict(Post("t", "1", "", "a", text, moment, lang="en"), "") for text, _ in chosen]
            found = evaluation.evaluate([text for text, _ in chosen], [label for _, label in chosen], verdicts)
            lanes, points = found["lanes"], found["points"]
            print(
                f"{name:9} {side:5} n={found['n']:5} area {found['roc_auc']:.3f}"
                f" | ping {lanes['ping']['n']:4} precision {lanes['ping']['precision']:.3f}"
                f" recall {lanes['ping']['recall']:.3f}"
                f" | both recall {lanes['both']['recall']:.3f} sweep {lanes['sweep_share']:.3f}"
                f" | at recall .40 precision {(points['recall>=0.4'] or {}).get('precision', 0):.3f}"
            )


def main() -> None:
    """Train, write the model, and print its figures."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=Path, default=DATA)
    arguments.add_argument("--out", type=Path, default=OUT)
    arguments.add_argument("--report", action="store_true", help="only print the figures of the model that is there")
    chosen = arguments.parse_args()
    if not (chosen.data / "mentions").is_dir():
        sys.exit(f"{chosen.data} is not there: training needs the data described in monitor/text/model/MODEL.md")
    if not chosen.report:
        header, weights = train(chosen.data)
        linear.write(chosen.out, header, weights)
        print(
            f"{chosen.out.relative_to(ROOT) if chosen.out.is_relative_to(ROOT) else chosen.out}: "
            f"{chosen.out.stat().st_size:,} bytes"
        )
    report(chosen.data)


if __name__ == "__main__":
    main()
