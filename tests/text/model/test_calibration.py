"""How much of the judge's two scores staff mean: learned from a few dozen answers, finite whatever they are."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from monitor.text.model.calibration import calibrated
from monitor.text.model.evaluation import roc_area

Row = tuple[float, float, float]


def answers(number: int, means: Callable[[float, float], float], seed: int = 1) -> tuple[list[Row], list[float]]:
    """Posts of which need and mood go together as they do in life, answered by what staff mean by them."""
    chance = random.Random(seed)
    rows, targets = [], []
    for _ in range(number):
        need = chance.gauss(0.0, 2.0)
        mood = 0.5 * need + chance.gauss(0.0, 1.5)
        rows.append((need, mood, 1.0))
        targets.append(float(means(need, mood) + chance.gauss(0.0, 1.0) > 0))
    return rows, targets


def area(found: tuple[float, float, float], means: Callable[[float, float], float]) -> float:
    rows, targets = answers(2_000, means, seed=2)
    odds = [found[0] * need + found[1] * mood for need, mood, _ in rows]
    return roc_area([target > 0.5 for target in targets], odds)


@pytest.mark.parametrize(
    "means",
    [
        pytest.param(lambda need, mood: need, id="what needs an answer"),
        pytest.param(lambda need, mood: mood, id="what is negative"),
        pytest.param(lambda need, mood: need + mood, id="both"),
        pytest.param(lambda need, mood: 1.5 * need - mood, id="what needs an answer, and calmly"),
    ],
)
def test_forty_answers_tell_what_a_team_goes_by(means: Callable[[float, float], float]) -> None:
    rows, targets = answers(40, means)
    found = calibrated(rows, targets, [1.0] * 40)
    assert area(found, means) > area((1.0, 0.0, 0.0), means) - 0.01
    assert area(found, means) > 0.95 * area((means(1.0, 0.0), means(0.0, 1.0), 0.0), means)


def test_no_answers_leave_the_judge_as_it_is() -> None:
    assert calibrated([], [], []) == (1.0, 0.0, 0.0)


def test_what_weighs_nothing_teaches_nothing() -> None:
    rows, targets = answers(40, lambda need, mood: mood)
    assert calibrated(rows, targets, [0.0] * 40) == (1.0, 0.0, 0.0)


def test_a_team_that_answers_the_other_way_round_does_not_turn_the_judge() -> None:
    """The bias is fitted to the limit: half of the answers are "yes" still."""
    rows, targets = answers(200, lambda need, mood: -3 * need)
    need, mood, bias = calibrated(rows, targets, [1.0] * 200)
    assert need == pytest.approx(0.1)
    assert -1.0 <= mood <= 1.5
    assert abs(bias) < 1.0


@pytest.mark.parametrize("size", [1e-4, 1.0, 15.0])
def test_answers_that_one_score_tells_without_fail_have_an_end(size: float) -> None:
    rows = [(size if place % 2 else -size, 0.0, 1.0) for place in range(200)]
    need, mood, bias = calibrated(rows, [float(place % 2) for place in range(200)], [1.0] * 200)
    assert 0.1 <= need <= 3.0
    assert abs(mood) < 1e-6
    assert abs(bias) < 0.1


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_answers_of_one_kind_have_an_end(target: float) -> None:
    rows, _ = answers(300, lambda need, mood: need)
    found = calibrated(rows, [target] * 300, [1.0] * 300)
    assert all(
        lowest <= value <= highest
        for value, (lowest, highest) in zip(found, ((0.1, 3), (-1, 1.5), (-15, 15)), strict=True)
    )


def test_a_judge_that_is_sure_and_mostly_wrong_is_set_right() -> None:
    """Its odds say one thing of all: from so far off a whole step of Newton's method would go past everything."""
    rows, targets = [(6.0, 0.0, 1.0)] * 500, [float(place % 5 == 0) for place in range(500)]
    need, _, bias = calibrated(rows, targets, [1.0] * 500)
    assert 6 * need + bias == pytest.approx(math.log(0.2 / 0.8), abs=0.05)


def test_what_is_not_at_its_limit_is_fitted_to_what_is() -> None:
    rows = [(5.0, 0.0, 1.0) if place % 2 else (-3.0, 0.0, 1.0) for place in range(300)]
    need, _, bias = calibrated(rows, [float(not place % 2) for place in range(300)], [1.0] * 300)
    assert need == pytest.approx(0.1)
    assert bias == pytest.approx(-0.1, abs=0.05)  # at 0.1 of 5 and of -3, half of the answers are "yes"
