"""The labelled weeks are scored as their publication says, and Earful's rule beats the plain one on them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks import incidents
from benchmarks.incidents import PUBLISHED_NULL, Series, gathered, normal, score

START = datetime(2026, 1, 5, tzinfo=UTC)
WEEK = Series("week", START, (1,) * 2000, ((1000, 1099), (1500, 1599)))


def test_a_detector_that_says_nothing_is_worth_0_and_a_perfect_one_100() -> None:
    assert normal([score(WEEK, ())]) == 0
    assert normal([score(WEEK, (1000, 1500))]) == pytest.approx(100)
    assert score(WEEK, ()).raw == -2


def test_early_is_worth_more_than_late_and_an_alarm_far_from_all_windows_costs_most() -> None:
    early, late = score(WEEK, (1000,)).raw, score(WEEK, (1099,)).raw
    assert early > late > -1.0
    near, far = score(WEEK, (1000, 1102)).raw, score(WEEK, (1000, 1480)).raw
    assert early > near > far
    assert far == pytest.approx(early - incidents.FALSE_ALARM)


def test_what_is_said_while_it_learns_does_not_count() -> None:
    assert score(WEEK, (10, 299)).raw == -2
    assert score(WEEK, (300,)).raw < -2


def test_rows_that_follow_each_other_are_one_incident() -> None:
    assert gathered([5, 6, 29, 54, 100]) == [5, 54, 100]


@pytest.mark.shared_data
def test_on_the_labelled_weeks_it_beats_three_sigma_and_the_score_is_the_published_one() -> None:
    folder = Path(__file__).resolve().parents[3] / "shared" / "data" / "volume"
    if not folder.is_dir():
        pytest.skip("the shared data is not beside this checkout")
    every = list(incidents.read(folder))
    for each in every:
        said = score(each, ())
        assert (said.raw, said.outside, said.inside) == PUBLISHED_NULL[each.name]
    one = every[-1]
    mine = normal([score(one, incidents.ours(one.start, one.counts))])
    plain = max(
        normal([score(one, rule(one.start, one.counts))]) for name, rule in incidents.RULES.items() if name != "Earful"
    )
    assert mine > plain
