"""The reader: write its heads anew (`--train`), or print what it adds to the mood and what a second look is worth.

A head is a logistic regression on the encoder's figures. That of the list is taught by the written posts that the
shipped judge puts there: what it is sure of says little of what it is not. That of the mood is the blend that taught
the judge's own (`benchmarks/teacher.py`). No text of `labelled.never_trained()` is in either, and no tweet.

    python -m benchmarks.reader [--train]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

from benchmarks import labelled, question, teacher, vectors  # sets the threads of numpy before it is imported
from benchmarks.regression import Dense, Floats, fit
from benchmarks.train import (
    DATA,
    Heads,
    examples_only,
    gather,
    mood_heads,
    tweets,
)
from connectors import Post
from monitor.cases.second_look import is_nothing, moved
from monitor.text.judge import Judge, JudgeInput
from monitor.text.local_models.folder import LocalModelRefused
from monitor.text.local_models.operator_models import OwnModels
from monitor.text.local_models.reader import FORMAT, HEAD_FILE, LANGUAGES, Reader
from monitor.text.model.evaluation import moods_of, roc_area
from monitor.text.model.grades import is_listed, right

import numpy as np  # isort: skip

ENCODER = "0.2.1"
GRADES = {"must": 1.0, "look": 0.7, "no": 0.0}  # nearer to each other than what calls people: all of them are looked at
PENALTY = 3e-3
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def train() -> None:
    """Fit both heads and write them."""
    found = gather(DATA)
    read = [vectors.encoded(texts).astype(float) for texts in found.texts]
    feelings = teacher.feelings_of(read[0], read[1], found.felt)
    mood = together(mood_heads(found, read, feelings), teacher.MOOD, read[0])
    steep, level = teacher.as_odds(read[2] @ mood, found.targets, examples_only(found))
    weights, middle = list_head()
    body = {
        "format": FORMAT,
        "encoder": ENCODER,
        "list": {"bias": round(-middle, 4), "weights": rounded(weights)},
        "mood": {"bias": round(level, 4), "weights": rounded(steep * mood)},
    }
    HEAD_FILE.write_text(json.dumps(body, sort_keys=True) + "\n", encoding="ascii")
    print(f"{HEAD_FILE.name}: {HEAD_FILE.stat().st_size:,} bytes")


def list_head() -> tuple[Floats, float]:
    """Return the weights of the list's head, and what they say of its posts on average."""
    never = labelled.never_trained()
    texts = [each for each in labelled.written() if each.language == "en" and labelled.hash_of(each.text) not in never]
    listed = [
        (each.text, GRADES[grade])
        for each, (grade, verdict) in zip(texts, question.judged_written(texts), strict=True)
        if is_listed(verdict)
    ]
    rows = vectors.encoded([text for text, _ in listed]).astype(float)
    weights, _ = fit(Dense(rows), np.array([target for _, target in listed]), PENALTY)
    print(f"the list's head: {len(listed)} posts")
    return weights, float((rows @ weights).mean())


def together(heads: Heads, shares: Mapping[str, float], first: Floats) -> Floats:
    """Return one head that says what these say together, each in units of what it says of the first texts."""
    return np.sum([share * heads[name] / (first @ heads[name]).std() for name, share in shares.items()], axis=0)


def rounded(weights: Floats) -> list[float]:
    """Return weights as they are written."""
    return [round(float(weight), 4) for weight in weights]


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
    """Print how right the list is, and its first quarter before and after, on posts labelled with the question."""
    held = [each for each in labelled.written() if each.held and each.language == "en"]
    sets = [(day.name, read_texts(day), question.judged_day(day)) for day in labelled.DAYS]
    sets.append(("written held", [each.text for each in held], question.judged_written(held)))
    for dataset in (*labelled.ONLY_MEASURED, "google_play"):
        some = [each for each in [*labelled.measured(), *labelled.drawn()] if each.dataset == dataset]
        if dataset == "google_play":
            some = [each for each in some if each.held]
        sets.append((dataset, [each.text for each in some], question.judged(judge, some)))
    for name, texts, graded in sets:
        listed = [
            (text, grade, verdict)
            for text, (grade, verdict) in zip(texts, graded, strict=True)
            if is_listed(verdict) and verdict.language in LANGUAGES
        ]
        found = reader.odds([text for text, _, _ in listed])
        needs = [moved(verdict.order, odds) for (_, _, verdict), odds in zip(listed, found, strict=True)]
        closed = [
            grade
            for need, (_, grade, verdict) in zip(needs, listed, strict=True)
            if is_nothing(need, verdict.language, {*verdict.reasons, *verdict.tags})
        ]
        after = [(need, grade) for need, (_, grade, _) in zip(needs, listed, strict=True)]
        before, quarter = first([(verdict.order, grade) for _, grade, verdict in listed], 4), first(after, 4)
        tenth = first(after, 10)
        print(
            f"list of {name:12} n={len(listed):3}"
            f" | first quarter right {right(before) / len(before):.2f} -> {right(quarter) / len(quarter):.2f}"
            f" | {tenth.count('must')} of its first {len(tenth)} must"
            f" | closed {len(closed)}: must {closed.count('must')}, look {closed.count('look')}"
        )


def read_texts(day: labelled.Day) -> list[str]:
    """Return the labelled posts of a day as the second look reads them."""
    labels = day.label_of()
    return [f"{row.get('title', '')} {row['text']}".strip() for row in day.rows() if row["id"] in labels]


def first(listed: list[tuple[float, str]], part: int) -> list[str]:
    """Return the grades of the first part of a list: of a quarter with 4, of a tenth with 10."""
    return [grade for _, grade in sorted(listed, key=lambda one: -one[0])[: max(1, len(listed) // part)]]


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
    for name, language, rows in tweets(DATA):
        negative(judge, both, name, rows, language)
    print("\nThe list after a second look.\n")
    lists(judge, reader)
    print()


if __name__ == "__main__":
    main()
