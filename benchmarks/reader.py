"""The reader: write its heads anew (`--train`), or print what it adds to the mood and what a second look is worth.

A head is a blend of logistic regressions on the encoder's figures, taught as the teacher of the shipped judge is
(`benchmarks/teacher.py`): the question itself by labels and examples, what is cross by the feelings of comments, what
is poor by the stars of reviews; the mood by feelings, stars and examples. No text of `labelled.never_trained()` is in
it, and no tweet.

    python -m benchmarks.reader [--train]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from benchmarks import labelled, question, teacher, vectors  # sets the threads of numpy before it is imported
from benchmarks.regression import Floats
from benchmarks.train import (
    DATA,
    LANGUAGES,
    TWEETS,
    Heads,
    examples_only,
    gather,
    head_weights,
    mood_heads,
    read_csv,
)
from connectors import Post
from monitor.cases.second_look import SHARE, moved
from monitor.text.judge import Judge, JudgeInput, logit
from monitor.text.local_models.folder import LocalModelRefused
from monitor.text.local_models.operator_models import OwnModels
from monitor.text.local_models.reader import FORMAT, HEAD_FILE, Reader
from monitor.text.model.evaluation import moods_of, roc_area
from monitor.types import Verdict

import numpy as np  # isort: skip

ENCODER = "0.2.1"
BLEND = {"question": 0.6, "cross": 0.25, "poor": 0.15}
STEEP = 2.5  # log odds for each unit of the blend: beside the judge's own, neither voice drowns the other
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def train() -> None:
    """Fit the heads, and write one blend of them for the question and one for the mood."""
    found = gather(DATA)
    read = [vectors.encoded(texts).astype(float) for texts in found.texts]
    feelings = teacher.feelings_of(read[0], found.felt, read[1], found.stars)
    sources = [each.source for each in found.lessons]
    question_head = teacher.question_head(read[2], found.targets, head_weights(found), sources)
    needs = STEEP * together({**feelings, "question": question_head}, BLEND, read[0])
    middle = float(np.concatenate([read[0] @ needs, read[1] @ needs]).mean())
    mood = together(mood_heads(found, read, feelings), teacher.MOOD, read[0])
    steep, level = teacher.as_odds(read[2] @ mood, found.targets, examples_only(found))
    body = {
        "format": FORMAT,
        "encoder": ENCODER,
        "needs": {"bias": round(-middle, 4), "weights": rounded(needs)},
        "mood": {"bias": round(level, 4), "weights": rounded(steep * mood)},
    }
    HEAD_FILE.write_text(json.dumps(body, sort_keys=True) + "\n", encoding="ascii")
    print(f"{HEAD_FILE.name}: {HEAD_FILE.stat().st_size:,} bytes")


def together(heads: Heads, shares: Mapping[str, float], first: Floats) -> Floats:
    """Return one head that says what these say together, each in units of what it says of the first texts."""
    return np.sum([share * heads[name] / (first @ heads[name]).std() for name, share in shares.items()], axis=0)


def rounded(weights: Floats) -> list[float]:
    """Return weights as they are written."""
    return [round(float(weight), 4) for weight in weights]


def second(reader: Reader, texts: list[str], verdicts: list[Verdict]) -> list[float]:
    """Return the log odds of both judges together, as the list is ordered by them."""
    own = [logit(min(max(each.needs_answer, 1e-4), 1 - 1e-4)) for each in verdicts]
    read: list[float] = []
    for first in range(0, len(texts), 64):
        read += reader.odds(texts[first : first + 64])
    return [mine + (theirs - mine) / 2 for mine, theirs in zip(own, read, strict=True)]


def negative(judge: Judge, both: Judge, name: str, rows: list[tuple[str, bool]], language: str) -> None:
    """Print the area on "negative" of the judge alone and of the one that the reader speaks to, of both halves."""
    areas = []
    for side in ("dev", "aside"):
        some = [row for row in rows if question.half(row[0]) == side]
        texts, labels = [text for text, _ in some], [label for _, label in some]
        posts = [Post("t", str(n), "", "a", text, MOMENT, lang=language) for n, text in enumerate(texts)]
        asked = [JudgeInput(post, "") for post in posts]
        before, after = (roc_area(labels, moods_of(each.verdicts(asked))) for each in (judge, both))
        areas.append(f"{side} {before:.3f} -> {after:.3f}")
    print(f"{name:10} {' | '.join(areas)}")


def lists(judge: Judge, reader: Reader) -> None:
    """Print how right the list is, and its first quarter before and after, on the posts labelled with the question."""
    for dataset in (*labelled.ONLY_MEASURED, "google_play"):
        texts = [each for each in [*labelled.measured(), *labelled.drawn()] if each.dataset == dataset]
        if dataset == "google_play":
            texts = [each for each in texts if each.held]
        graded = question.judged(judge, texts)
        rows = [
            (each, one) for each, one in zip(texts, graded, strict=True) if one[1].lane == "sweep" and not one[1].praise
        ]
        found = second(reader, [each.text for each, _ in rows], [one[1] for _, one in rows])
        after = []
        for (_, (grade, verdict)), odds in zip(rows, found, strict=True):
            own = logit(min(max(verdict.needs_answer, 1e-4), 1 - 1e-4))
            after.append((grade, replace(verdict, need=moved(verdict.order, 2 * SHARE * (odds - own)))))
        before, then = (quarter([(verdict.order, grade) for grade, verdict in each]) for each in (
            [one for _, one in rows], after
        ))  # fmt: skip
        print(f"list of {dataset:12} n={len(rows):3} | first quarter right {before:.2f} -> {then:.2f}")


def quarter(ordered: list[tuple[float, str]]) -> float:
    """Return how much of the first quarter of a list is must or look."""
    first = sorted(ordered, key=lambda one: -one[0])[: max(1, len(ordered) // 4)]
    return sum(grade != "no" for _, grade in first) / len(first)


def main() -> None:
    """Train, or print the figures of the head that is there."""
    if "--train" in sys.argv:
        train()
    try:
        reader = Reader()
    except LocalModelRefused as refused:
        print(f"NOT MEASURED with a second look: {refused}")
        return
    if not (DATA / "mentions").is_dir():
        print(f"NOT MEASURED with a second look: {DATA} is not there")
        return
    judge, both = Judge([]), Judge([], own_models=OwnModels(reader=lambda: reader))
    print('The area on "negative", the judge alone and with the reader (`reader_teaches`).\n')
    for name in ("airline", "sxsw", "sanders", "brands_32"):
        file, column, label, value = TWEETS[name]
        rows = [
            (row[column], row[label] == value)
            for row in read_csv(DATA / "mentions" / file)
            if row[column] and row[label].lower() != "irrelevant"
        ]
        negative(judge, both, name, rows, "en")
    of_language: dict[str, list[tuple[str, bool]]] = {code: [] for code in LANGUAGES.values()}
    for row in read_csv(DATA / "mentions" / "xlmt_8_languages.csv"):
        of_language[LANGUAGES[row["language"]]].append((row["text"], row["label"] == "negative"))
    for code, spoken in of_language.items():
        negative(judge, both, f"xlm-t {code}", spoken, code)
    print("\nThe list after a second look.\n")
    lists(judge, reader)
    print()


if __name__ == "__main__":
    main()
