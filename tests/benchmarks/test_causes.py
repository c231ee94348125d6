"""The measure of causes counts as it says."""

from __future__ import annotations

from benchmarks import causes


def test_figures_count_what_was_not_found_as_wrong() -> None:
    accuracy, mean = causes.figures(["a", "", "b", "a"], ["a", "a", "b", "b"])
    assert accuracy == 0.5
    assert round(mean, 3) == round((2 / 4 + 2 / 3) / 2, 3)


def test_every_cause_of_the_trade_has_a_label() -> None:
    assert {each.name for each in causes.listed()} == set(causes.REASONS.values())
