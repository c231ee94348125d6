"""Train the shipped judge: `make train` (or `python benchmarks/train.py`). Needs the [train] extra and the data.

Two models are made, and their mean is what ships: they are wrong about different things.

1. By hand. A teacher from Reddit comments (GoEmotions, Apache-2.0: annoyed, disappointed and the like against
   everything else) and one from app reviews (CC0: one and two stars against four and five) are where it begins; the
   examples written for Earful (`benchmarks/examples.txt`) and the texts that were labelled with the real question
   (`docs/labelling.md`) move the weights from there, no further than they must. What asking gives is set (`ASKING`).
2. By two encoders. A better teacher, too slow to ship, reads the same comments, reviews, examples and labels, and says
   of each text how likely it needs an answer (`benchmarks/teacher.py`); the model is fitted to all it says.

Beside it, in the same file, stands what is told of a writer's mood: who is unhappy need not need us, and who needs us
need not be unhappy. It is fitted to what the first encoder hears in feelings, stars, the examples and the moods of what
was written for this, never in labels of the question.

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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # sums in one order, so that the same data give the same bytes

import numpy as np  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import labelled, teacher, vectors  # noqa: E402
from benchmarks.question import half  # noqa: E402
from benchmarks.regression import Floats, Rows, fit, stacked  # noqa: E402
from connectors import Post  # noqa: E402
from monitor.text.complaint_signals import BRAND, cues_for, signal_names, signals_of  # noqa: E402
from monitor.text.features import bounded, with_sentiment  # noqa: E402
from monitor.text.judge import Judge  # noqa: E402
from monitor.text.model import evaluation, linear  # noqa: E402
from monitor.text.sentiment import Scorer  # noqa: E402

DATA = ROOT.parent / "shared" / "data"
EXAMPLES = ROOT / "benchmarks" / "examples.txt"
OUT = ROOT / "monitor" / "text" / "model" / "judge.model"
VERSION = "2026-11"
BITS = 19
SIGNAL_SCALE = 0.3  # signals are standardised, words are not: this makes their penalties alike
# How much the last step is held to its teachers: chosen on posts of trades of which nothing was taught. With few labels
# it had to be held; at a thousand times as much what 20,000 labels say of other trades was not learned.
PENALTY = 5e-6
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
# What each sign of an example is as a target. A question to us is a "must"; but taught as one it makes one of every
# post that begins with a handle, and what is wrong must stand before what is asked.
SIGNS = {"+ ": 1.0, "? ": 0.4, "- ": 0.0}
TEACHERS = (0.6, 0.3, 0.1)  # unhappy comments, cross comments, poor reviews
# What each grade is as a target, and what a labelled text weighs beside one text from the examples. Comments count
# little: strangers talk to each other there, and nearly all of them need no answer of a brand. There are far more
# reviews of one trade than written posts of all: at more than this they teach how that trade speaks.
GRADES = {"must": 1.0, "look": 0.5, "no": 0.0}
LABEL_WEIGHT = {"google_play": 0.125, "goemotions": 0.05, "written": 0.5}
# Log odds of what asks, as they stand in the model. Neither material can teach them: commenters ask each other, which
# needs no answer of ours, and who writes a review rarely asks; learned from those, a question counts against an answer.
ASKING = {"asks_us": 0.8, "ask": 0.5, "question": 0.3}
# Of what is labelled the second encoder reads every so many: it is slow, and nearly all comments need nobody.
READ_TWICE = {"goemotions": 8, "google_play": 4, "written": 2, "examples": 1}
# What a labelled text weighs for the encoders' head of the question, and all the examples beside their own weights.
HEAD_WEIGHT = {"google_play": 0.5, "goemotions": 0.25, "written": 0.4, "examples": 0.45}
ENCODER_PENALTY = 1e-6  # there are 70,000 targets, and none of them is yes or no
# What the second model learns of a text of our own is for this share its label, else what the encoders say; and what
# one comment, one review and one of ours weigh: posts are most like those that were written.
OWN_LABEL = 0.5
SHARES = (1.0, 0.5)
OWN_SHARES = {"goemotions": 1.0, "google_play": 5.0, "written": 5.0, "examples": 5.0}
BY_HAND = 0.25  # the share of the model that was taught by hand; the other was taught by the encoder
# Where the lanes begin, and how log odds become 0..1. Chosen on the halves for development, never on those kept aside.
SLOPE = 0.9
MOOD_PENALTY, MOOD_STEPS = 1e-6, 127  # from the loudest weight of a mood to none
# What each mood is as a target, and what one text with a label of it weighs beside one of the examples: there are five
# times as many, and all in the voices of those who wrote them. The model learns of them for this share their label.
MOODS = {"negative": 1.0, "mixed": 0.6, "unlucky": 0.3, "neutral": 0.0, "positive": 0.0}
MOOD_WEIGHT = 0.02
OWN_MOOD = 0.25
THRESHOLDS = {
    "ping": 0.42,
    "ping_told": 0.62,
    "ping_aside": 0.83,
    "sweep": 0.22,
    "sweep_aside": 0.55,
    "sweep_calm": 0.34,
}


Heads = dict[str, Floats]  # the weights of each, by what it hears


@dataclass(frozen=True)
class Row:
    """One text made ready: its words and its signals."""

    tokens: tuple[str, ...]
    signals: dict[str, float]


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


def examples(path: Path = EXAMPLES) -> list[tuple[str, float, float]]:
    """Return text, target and weight of every expanded example; the same file gives the same texts."""
    out: list[tuple[str, float, float]] = []
    weight = 1.0
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# -- "):
            weight = LINE_WEIGHT.get(line.strip("#- ").strip(), 1.0)
        target = SIGNS.get(line[:2])
        if target is None:
            continue
        chance = random.Random(zlib.crc32(line.encode()))
        seen: set[str] = set()
        for _ in range(EXPANSIONS * 3):
            text = expand(line[2:], chance)
            if text not in seen and len(seen) < EXPANSIONS:
                seen.add(text)
                masked = re.sub(r"(?<![@#])\b[Aa]cme\b", BRAND, text) if chance.random() < 0.5 else text
                out.append((masked, target, weight))
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
    dense = standardised(rows, names, mean, deviation) * SIGNAL_SCALE
    height, width = dense.shape
    return Rows(
        np.concatenate([np.array(row, np.int64), np.repeat(np.arange(height), width)]),
        np.concatenate([np.array(column, np.int64), (1 << BITS) + np.tile(np.arange(width), height)]),
        np.concatenate([np.array(value), dense.ravel()]),
        height,
        (1 << BITS) + width,
    )


def standardised(rows: list[Row], names: list[str], mean: Floats, deviation: Floats) -> Floats:
    """Return the signals as the model reads them: in standard deviations, within limits."""
    return np.asarray(np.clip((table(rows, names) - mean) / deviation, -4, 4))


def table(rows: list[Row], names: list[str]) -> Floats:
    """Return the signals as a dense table."""
    return np.array([[one.signals.get(name, 0.0) for name in names] for one in rows])


@dataclass(frozen=True)
class Lesson:
    """A text with what it should be judged as: an expanded example, or a labelled text."""

    text: str
    target: float
    share: float
    source: str
    mood: str = ""


def lessons(data: Path) -> list[Lesson]:
    """Return all that both models learn the question from: examples and labelled texts, none that is only measured."""
    never = labelled.never_trained()
    found = [Lesson(text, target, share, "examples") for text, target, share in examples()]
    found += [
        Lesson(each.text, GRADES[each.grade], LABEL_WEIGHT[each.dataset], each.dataset, each.mood)
        for each in [*labelled.drawn(data=data), *labelled.written()]
        if each.language == "en"
    ]
    return [
        replace(each, text=nameless(each.text)) if each.source == "written" else each
        for each in found
        if labelled.hash_of(each.text) not in never
    ]


def nameless(text: str) -> str:
    """Return a written text with its brand masked, as the judge hears it of a brand it knows: every second one."""
    names = re.compile(rf"(?<![\w@#])(?:{'|'.join(map(re.escape, labelled.brands()))})(?!\w)", re.IGNORECASE)
    one = len({name.lower() for name in names.findall(text)}) == 1
    return names.sub(BRAND, text) if one and int(labelled.hash_of(text)[-4:], 16) & 1 else text


@dataclass(frozen=True)
class Material:
    """Everything that is read for training, laid out: comments, reviews and lessons, in this order."""

    texts: tuple[list[str], list[str], list[str]]
    rows: tuple[list[Row], list[Row], list[Row]]
    felt: teacher.Felt
    lessons: list[Lesson]
    names: list[str]  # of the signals
    mean: Floats
    deviation: Floats

    @property
    def targets(self) -> Floats:
        """What each lesson should be judged as."""
        return np.array([lesson.target for lesson in self.lessons])

    @property
    def shares(self) -> Floats:
        """What each lesson weighs."""
        return np.array([lesson.share for lesson in self.lessons])

    def column(self, name: str) -> int:
        """Where a signal stands in the matrix."""
        return (1 << BITS) + self.names.index(name)


def gather(data: Path) -> Material:
    """Read every text that may be trained on."""
    texts = vectors.permitted(data)
    own = lessons(data)
    read = (list(texts["goemotions"]), list(texts["google_play"]), [lesson.text for lesson in own])
    print("comments {}, reviews {}, examples and labelled texts {}".format(*map(len, read)))
    rows = (prepare(read[0]), prepare(read[1]), prepare(read[2]))
    names = sorted(["feeling", "bad_feeling", *signal_names()])
    dense = np.concatenate([table(rows[0], names), table(rows[1], names)])
    return Material(
        read,
        rows,
        teacher.felt_by(
            [set(row["emotions"].split("|")) for row in texts["goemotions"].values()],
            [int(row["score"]) for row in texts["google_play"].values()],
        ),
        own,
        names,
        dense.mean(axis=0),
        dense.std(axis=0) + 1e-6,
    )


def taught_by_hand(material: Material, laid: Sequence[Rows]) -> tuple[Floats, float]:
    """Return weights and bias: from where teachers stand, moved by examples and labels."""
    felt = material.felt
    found = (
        fit(laid[0], felt.unhappy, 1e-4)[0],
        fit(laid[0], felt.cross, 1e-4, felt.sure)[0],
        fit(laid[1], felt.poor, 1e-4, felt.clear)[0],
    )
    start = sum((share * each for share, each in zip(TEACHERS, found, strict=True)), np.zeros(laid[0].width))
    for name, odds in ASKING.items():
        start[material.column(name)] = odds * material.deviation[material.names.index(name)] / SIGNAL_SCALE
    still = [material.column(name) for name in ASKING]
    return fit(laid[2], material.targets, PENALTY, material.shares, start, still, closely=1e-6, steps=120)


def heard_first(material: Material) -> list[Floats]:
    """Return what the heads read of every text: its vector by the first encoder, beside its signals."""
    return [
        teacher.side_by_side(
            vectors.encoded(texts).astype(float), standardised(rows, material.names, material.mean, material.deviation)
        )
        for texts, rows in zip(material.texts, material.rows, strict=True)
    ]


def examples_only(material: Material) -> Floats:
    """Return what each lesson weighs where only examples are heard: how often people are unhappy is theirs to say."""
    return material.shares * np.array([each.source == "examples" for each in material.lessons])


def moods(material: Material) -> tuple[Floats, Floats]:
    """Return how unhappy the writer of each lesson is, and what it weighs: nothing where nobody has said so."""
    wanted = np.array([MOODS.get(each.mood, each.target) for each in material.lessons])
    said = np.array([bool(each.mood) for each in material.lessons])
    return wanted, examples_only(material) + MOOD_WEIGHT * said


def mood_heads(material: Material, fast: Sequence[Floats], feelings: Heads) -> Heads:
    """Return the heads of the mood: those of what people feel, and one of all that was written for this.

    None saw a label of the question.
    """
    wanted, shares = moods(material)
    ours = shares > 0
    sources = [each.source for each, known in zip(material.lessons, ours, strict=True) if known]
    return {**feelings, "written": teacher.labelled_head(fast[2][ours], wanted[ours], shares[ours], sources)}


def taught_moods(
    material: Material, laid: Sequence[Rows], fast: Sequence[Floats], feelings: Heads
) -> tuple[Floats, float]:
    """Return weights and bias of the mood: fitted to what its heads say of every text, and to the labels of moods."""
    heads = mood_heads(material, fast, feelings)
    said = teacher.blended({name: [rows @ head for rows in fast] for name, head in heads.items()}, teacher.MOOD)
    wanted = teacher.likely(said, material.targets, examples_only(material))
    labels, _ = moods(material)
    own = OWN_MOOD * np.array([bool(each.mood) for each in material.lessons])
    wanted[2] = (1 - own) * wanted[2] + own * labels
    return fit(stacked(laid), np.concatenate(wanted), MOOD_PENALTY, closely=1e-8, steps=400)


def head_weights(material: Material) -> Floats:
    """Return what each lesson weighs for the head of the question."""
    return np.array(
        [HEAD_WEIGHT[each.source] * (each.share if each.source == "examples" else 1.0) for each in material.lessons]
    )


def taught_by_encoder(
    material: Material, laid: Sequence[Rows], fast: Sequence[Floats], feelings: Heads
) -> tuple[Floats, float]:
    """Return weights and bias: fitted to what the encoders' heads say of every text.

    The head of the question hears both encoders, and what it says is carried over to the texts that the second did not
    read; those of what people feel hear the first one.
    """
    comments, reviews, _ = material.texts
    known = [np.array([vectors.read_twice(text) for text in texts]) for texts in (comments, reviews)]
    known.append(np.array([vectors.read_twice(each.text, READ_TWICE[each.source]) for each in material.lessons]))
    slow = teacher.evened(
        [
            vectors.encoded_slowly([text for text, both in zip(texts, which, strict=True) if both]).astype(float)
            for texts, which in zip(material.texts, known, strict=True)
        ]
    )
    both = [np.hstack([more, rows[which]]) for more, rows, which in zip(slow, fast, known, strict=True)]
    head = teacher.labelled_head(
        both[2],
        material.targets[known[2]],
        head_weights(material)[known[2]],
        [each.source for each, which in zip(material.lessons, known[2], strict=True) if which],
    )
    said = teacher.blended(
        {
            "question": teacher.carried_over(fast, known, [rows @ head for rows in both]),
            **{name: [rows @ feelings[name] for rows in fast] for name in ("cross", "poor")},
        }
    )
    wanted = teacher.likely(said, material.targets, material.shares)
    wanted[2] = (1 - OWN_LABEL) * wanted[2] + OWN_LABEL * material.targets
    shares = np.concatenate(
        [
            *(np.full(len(each), share) for each, share in zip(wanted[:2], SHARES, strict=True)),
            np.array([OWN_SHARES[each.source] for each in material.lessons]),
        ]
    )
    return fit(stacked(laid), np.concatenate(wanted), ENCODER_PENALTY, shares, closely=1e-6, steps=100)


def train(data: Path) -> tuple[dict[str, Any], list[int], list[int]]:
    """Return the header and the weights of the model, of both questions."""
    material = gather(data)
    names, mean, deviation = material.names, material.mean, material.deviation
    laid = [matrix(rows, names, mean, deviation) for rows in material.rows]
    by_hand, hand_bias = taught_by_hand(material, laid)
    fast = heard_first(material)
    feelings = teacher.feelings_of(fast[0], fast[1], material.felt)
    by_encoder, encoder_bias = taught_by_encoder(material, laid, fast, feelings)
    told_moods, mood_bias = taught_moods(material, laid, fast, feelings)
    weights = BY_HAND * by_hand + (1 - BY_HAND) * by_encoder
    bias = BY_HAND * hand_bias + (1 - BY_HAND) * encoder_bias

    words = weights[: 1 << BITS]
    scale = float(np.abs(words).max()) / 32767
    told = told_moods[: 1 << BITS]
    mood_scale = float(np.abs(told).max()) / MOOD_STEPS
    signals = [
        [
            name,
            round(float(mean[i]), 6),
            round(float(deviation[i]), 6),
            *(round(float(each[material.column(name)]) * SIGNAL_SCALE, 6) for each in (weights, told_moods)),
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
        "mood_scale": mood_scale,
        "mood_bias": round(mood_bias, 6),
        "mood_slope": 1.0,
        "signals": signals,
        "thresholds": THRESHOLDS,
    }
    return header, np.rint(words / scale).astype(int).tolist(), np.rint(told / mood_scale).astype(int).tolist()


# name -> file, column of the text, column of the label, and the label that says negative
TWEETS = {
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
LANGUAGES = {
    "arabic": "ar", "english": "en", "french": "fr", "german": "de", "hindi": "hi", "italian": "it", "portuguese": "pt",
    "spanish": "es",
}  # fmt: skip


def tweets(data: Path) -> Iterator[tuple[str, str, list[tuple[str, bool]]]]:
    """Give each set of tweets: its name, the language, and the texts with whether they are negative."""
    for name, (file, text_column, label_column, negative) in TWEETS.items():
        rows = [
            (row[text_column], row[label_column] == negative)
            for row in read_csv(data / "mentions" / file)
            if row[text_column] and row[label_column].lower() != "irrelevant"
        ]
        yield name, "en", rows
    rows_of: dict[str, list[tuple[str, bool]]] = {code: [] for code in LANGUAGES.values()}
    for row in read_csv(data / "mentions" / "xlmt_8_languages.csv"):
        rows_of[LANGUAGES[row["language"]]].append((row["text"], row["label"] == "negative"))
    for code, rows in rows_of.items():
        yield f"xlm-t {code}", code, rows


def report(data: Path, model: Path) -> None:
    """Print the figures on tweets that were never trained on, both halves, then those of each language."""
    print("Negative or not? Tweets that the model never saw.\n")
    judge = Judge([], model=model)
    for name, language, rows in tweets(data):
        for side in ("dev", "aside"):
            print(f"{name:9} {side:5} {figures(judge, [row for row in rows if half(row[0]) == side], language)}")
    held = [(each.text, each.mood == "negative") for each in labelled.written() if each.held and each.mood]
    print(f"{'written':9} {'held':5} {figures(judge, held, 'en')}")
    print()


def figures(judge: Judge, rows: list[tuple[str, bool]], language: str) -> str:
    """Write the figures of labelled tweets in one line."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    verdicts = [judge.verdict(Post("t", "1", "", "a", text, moment, lang=language), "") for text, _ in rows]
    labels = [label for _, label in rows]
    found = evaluation.evaluate([text for text, _ in rows], labels, verdicts)
    lanes, points = found["lanes"], found["points"]
    return (
        f"n={found['n']:5} area {evaluation.roc_area(labels, evaluation.moods_of(verdicts)):.3f}"
        f", of who needs us {found['roc_auc']:.3f}"
        f" | ping {lanes['ping']['n']:4} precision {lanes['ping']['precision']:.3f}"
        f" recall {lanes['ping']['recall']:.3f}"
        f" | both recall {lanes['both']['recall']:.3f} list {lanes['sweep_share']:.3f}"
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
        if chosen.report:
            print(f"NOT MEASURED on tweets: {chosen.data} is not there")
            return
        sys.exit(f"{chosen.data} is not there: training needs the data described in monitor/text/model/MODEL.md")
    if not chosen.report:
        linear.write(chosen.out, *train(chosen.data))
        print(
            f"{chosen.out.relative_to(ROOT) if chosen.out.is_relative_to(ROOT) else chosen.out}: "
            f"{chosen.out.stat().st_size:,} bytes"
        )
    report(chosen.data, chosen.out)


if __name__ == "__main__":
    main()
