"""The sample day, judged as it is shipped, against the labels that people gave its posts: figures that may not fall."""

from __future__ import annotations

import pytest

from benchmarks.question import Graded, figures_of, judged_day


@pytest.fixture(scope="module")
def day() -> list[Graded]:
    return judged_day()


def test_the_sample_day_keeps_its_figures(day: list[Graded]) -> None:
    found = figures_of(day)
    assert found.pings_right >= 0.84 * found.pings
    assert found.musts_by_ping >= 50
    assert found.musts_nowhere <= 4
    assert found.listed <= 105
    assert found.listed_right >= 0.49 * found.listed
    assert found.area >= 0.77


def test_of_the_day_as_one_queue_the_front_is_what_must_be_answered(day: list[Graded]) -> None:
    """Pings first, then the list, each by how much the post needs an answer."""
    shown = [each for each in day if each[1].lane != "none" and not each[1].praise]
    queue = [grade for grade, _ in sorted(shown, key=lambda each: (each[1].lane != "ping", -each[1].needs_answer))]
    assert queue[:20].count("must") >= 15
    assert queue[:80].count("must") >= 55


def test_what_must_be_answered_is_found_somewhere_or_counted_as_lost(day: list[Graded]) -> None:
    found = figures_of(day)
    silent = [grade for grade, verdict in day if verdict.lane == "none" or verdict.praise]
    assert found.musts_nowhere == silent.count("must")
    assert str(found).endswith(f"nowhere {found.musts_nowhere}")
