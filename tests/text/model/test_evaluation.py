"""The figures of `earful eval`, held to small sums done by hand and to numpy's over chance data."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from monitor.text.model import evaluation
from monitor.types import Verdict

LABELS = [True, True, False, True, False, False]
SCORES = [0.9, 0.8, 0.7, 0.4, 0.3, 0.3]


def verdict(needs: float, lane: str) -> Verdict:
    return Verdict(0.0, "neutral", needs, lane, ("said so",), "test", "en")  # type: ignore[arg-type]


def test_precision_and_recall_are_what_one_counts_by_hand() -> None:
    found = evaluation.count(LABELS, [True, True, True, False, False, False])
    assert (found.right, found.wrong, found.missed, found.left) == (2, 1, 1, 2)
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == pytest.approx(2 / 3)
    assert found.f1 == pytest.approx(2 / 3)


def test_nothing_flagged_and_nothing_wanted_divides_by_nothing() -> None:
    found = evaluation.count([False, False], [False, False])
    assert (found.precision, found.recall, found.f1) == (0.0, 0.0, 0.0)
    assert evaluation.roc_area([True, True], [0.1, 0.2]) == 0.5
    assert evaluation.average_precision([], []) == 0.0
    assert evaluation.curve([], []) == []


def test_the_area_counts_ties_as_half() -> None:
    assert evaluation.roc_area(LABELS, SCORES) == pytest.approx(8 / 9)
    assert evaluation.roc_area([True, False], [0.5, 0.5]) == 0.5
    assert evaluation.roc_area([False, True], [0.9, 0.1]) == 0.0


def test_the_area_is_the_share_of_pairs_in_the_right_order() -> None:
    """Against numpy over all pairs, with many equal scores."""
    chance = random.Random(7)
    labels = [chance.random() < 0.2 for _ in range(400)]
    scores = [round(chance.random() + 0.2 * label, 1) for label in labels]
    yes = np.array([score for score, label in zip(scores, labels, strict=True) if label])[:, None]
    no = np.array([score for score, label in zip(scores, labels, strict=True) if not label])[None, :]
    pairs = ((yes > no) + 0.5 * (yes == no)).mean()
    assert evaluation.roc_area(labels, scores) == pytest.approx(float(pairs))


def test_average_precision_sums_precision_over_the_steps_of_recall() -> None:
    assert evaluation.average_precision(LABELS, SCORES) == pytest.approx((1 + 1 + 3 / 4) / 3)


def test_a_threshold_for_a_wanted_precision_gives_the_most_recall() -> None:
    found = evaluation.threshold_for_precision(LABELS, SCORES, 0.75)
    assert found is not None
    assert (found.threshold, found.recall, found.precision) == (0.4, 1.0, 0.75)
    assert evaluation.threshold_for_precision([False, False], [0.1, 0.2], 0.5) is None


def test_a_threshold_for_a_wanted_recall_gives_the_most_precision() -> None:
    found = evaluation.threshold_for_recall(LABELS, SCORES, 0.6)
    assert found is not None
    assert (found.threshold, found.precision) == (0.8, 1.0)


def test_equal_scores_stand_or_fall_together() -> None:
    points = evaluation.curve([True, False], [0.5, 0.5])
    assert [(point.flagged, point.precision) for point in points] == [(2, 0.5)]


def test_evaluate_gives_both_lanes_and_the_worst_mistakes() -> None:
    lanes = ["ping", "sweep", "ping", "none", "none", "sweep"]
    verdicts = [verdict(score, lane) for score, lane in zip(SCORES, lanes, strict=True)]
    texts = ["a", "b", "wrong alarm", "lost one", "e", "f"]
    found = evaluation.evaluate(texts, LABELS, verdicts)
    assert {"n", "flagged", "precision", "recall", "f1", "roc_auc", "average_precision"} <= set(found)
    assert (found["n"], found["asked"]) == (6, "needs an answer")
    assert found["lanes"]["ping"]["precision"] == 0.5
    assert found["lanes"]["both"]["recall"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["lanes"]["sweep_share"] == pytest.approx(2 / 6, abs=1e-4)
    assert found["worst"]["wrong_alarms"][0]["text"] == "wrong alarm"
    assert found["worst"]["missed"][0]["text"] == "lost one"


def test_moods_are_measured_by_how_unhappy_writers_are_found() -> None:
    """And by how much a post needs an answer where no model tells the mood."""
    verdicts = [verdict(0.2, "ping"), verdict(0.9, "none"), verdict(0.6, "none")]
    verdicts = [replace(verdicts[0], unhappy=0.8), replace(verdicts[1], unhappy=0.1), verdicts[2]]
    assert evaluation.moods_of(verdicts) == [0.8, 0.1, 0.6]
    found = evaluation.evaluate(["a", "b", "c"], [True, False, False], verdicts, moods=True)
    assert (found["roc_auc"], found["asked"], found["precision"]) == (1.0, "negative", 1.0)
    assert evaluation.evaluate(["a", "b", "c"], [True, False, False], verdicts)["roc_auc"] == 0.0


def test_figures_by_group_come_largest_group_first() -> None:
    verdicts = [verdict(score, "ping" if score > 0.5 else "none") for score in SCORES]
    found = evaluation.by_group(LABELS, verdicts, ["de", "en", "en", "en", "de", "en"])
    assert list(found) == ["en", "de"]
    assert found["de"]["recall"] == 1.0
    assert found["en"]["n"] == 4


def test_a_hundred_thousand_rows_are_no_trouble() -> None:
    """No timed assertion: it would not end in a test's time if any of it were quadratic."""
    chance = random.Random(1)
    scores = [chance.random() for _ in range(100_000)]
    labels = [score > 0.5 for score in scores]
    assert evaluation.roc_area(labels, scores) == 1.0
    assert evaluation.average_precision(labels, scores) == pytest.approx(1.0)
