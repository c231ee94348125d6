"""The reader's second look at the list: write its head anew (`--train`), or print what the look is worth.

The head is three logistic regressions on the encoder's figures, taught as the teacher of the shipped judge is
(`benchmarks/teacher.py`): the question itself by labels and examples, what is cross by the feelings of comments, what
is poor by the stars of reviews. No text of `labelled.never_trained()` is in it, and no tweet.

    python -m benchmarks.reader [--train]
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime

from benchmarks import labelled, question, teacher, vectors  # sets the threads of numpy before it is imported
from benchmarks.train import DATA, HEAD_WEIGHT, LANGUAGES, TWEETS, gather, read_csv
from connectors import Post
from monitor.cases.second_look import SHARE, moved
from monitor.text.judge import Judge, JudgeInput, logit
from monitor.text.local_models.folder import LocalModelRefused
from monitor.text.local_models.reader import FORMAT, HEAD_FILE, Reader
from monitor.text.model.evaluation import roc_area
from monitor.types import Verdict

import numpy as np  # isort: skip

ENCODER = "0.2.1"
BLEND = {"question": 0.6, "cross": 0.25, "poor": 0.15}
STEEP = 2.5  # log odds for each unit of the blend: beside the judge's own, neither voice drowns the other
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def train() -> None:
    """Fit the heads and write their blend as one head."""
    found = gather(DATA)
    read = [vectors.encoded(texts).astype(float) for texts in found.texts]
    shares = [HEAD_WEIGHT[each.source] * (each.share if each.source == "examples" else 1.0) for each in found.lessons]
    sources = [each.source for each in found.lessons]
    material = teacher.Material(
        read[0], found.felt, read[1], found.stars, read[2], found.targets, np.array(shares), sources
    )
    heads = teacher.heads_of(material)
    blend = sum((BLEND[name] * head / (read[0] @ head).std() for name, head in heads.items()), np.zeros(vectors.WIDTH))
    middle = float(np.concatenate([read[0] @ blend, read[1] @ blend]).mean())
    weights = [round(float(weight), 4) for weight in STEEP * blend]
    body = {"format": FORMAT, "encoder": ENCODER, "bias": round(-STEEP * middle, 4), "weights": weights}
    HEAD_FILE.write_text(json.dumps(body, sort_keys=True) + "\n", encoding="ascii")
    print(f"{HEAD_FILE.name}: {HEAD_FILE.stat().st_size:,} bytes")


def second(reader: Reader, texts: list[str], verdicts: list[Verdict]) -> list[float]:
    """Return the log odds of both judges together, as the list is ordered by them."""
    own = [logit(min(max(each.needs_answer, 1e-4), 1 - 1e-4)) for each in verdicts]
    read: list[float] = []
    for first in range(0, len(texts), 64):
        read += reader.odds(texts[first : first + 64])
    return [mine + (theirs - mine) / 2 for mine, theirs in zip(own, read, strict=True)]


def negative(judge: Judge, reader: Reader, name: str, rows: list[tuple[str, bool]], language: str) -> None:
    """Print the area on "negative" before and after a second look, of both halves."""
    areas = []
    for side in ("dev", "aside"):
        some = [row for row in rows if question.half(row[0]) == side]
        texts, labels = [text for text, _ in some], [label for _, label in some]
        posts = [Post("t", str(n), "", "a", text, MOMENT, lang=language) for n, text in enumerate(texts)]
        verdicts = judge.verdicts([JudgeInput(post, "") for post in posts])
        before = roc_area(labels, [each.needs_answer for each in verdicts])
        areas.append(f"{side} {before:.3f} -> {roc_area(labels, second(reader, texts, verdicts)):.3f}")
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
    judge = Judge([])
    print('A second look at the list: the area on "negative", the judge alone and both together.\n')
    for name in ("airline", "sxsw", "sanders", "brands_32"):
        file, column, label, value = TWEETS[name]
        rows = [
            (row[column], row[label] == value)
            for row in read_csv(DATA / "mentions" / file)
            if row[column] and row[label].lower() != "irrelevant"
        ]
        negative(judge, reader, name, rows, "en")
    of_language: dict[str, list[tuple[str, bool]]] = {code: [] for code in LANGUAGES.values()}
    for row in read_csv(DATA / "mentions" / "xlmt_8_languages.csv"):
        of_language[LANGUAGES[row["language"]]].append((row["text"], row["label"] == "negative"))
    for code, spoken in of_language.items():
        negative(judge, reader, f"xlm-t {code}", spoken, code)
    lists(judge, reader)
    print()


if __name__ == "__main__":
    main()
