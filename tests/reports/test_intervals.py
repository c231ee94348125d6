"""The interval of a share, held against figures that were published before us."""

from __future__ import annotations

import pytest

from monitor.reports.intervals import Interval, wilson


@pytest.mark.parametrize(
    ("part", "base", "low", "high"),
    # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3: the score interval without correction.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_that_of_the_published_table(part: int, base: int, low: float, high: float) -> None:
    found = wilson(part, base)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_of_nothing_there_is_no_share_and_of_all_none_is_above_one() -> None:
    assert wilson(0, 0) is None
    assert wilson(20, 20) == Interval(pytest.approx(0.8389, abs=1e-4), 1.0)


def test_who_wants_to_be_surer_gets_a_wider_one() -> None:
    usual, surer = wilson(8, 20), wilson(8, 20, 0.99)
    assert usual is not None
    assert surer is not None
    assert surer.low < usual.low < 0.4 < usual.high < surer.high
