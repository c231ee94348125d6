"""The sample day, judged as it is shipped, against the labels that people gave its posts: figures that may not fall."""

from __future__ import annotations

import pytest

from benchmarks import day_run, labelled
from benchmarks.question import figures, judged_day
from monitor.text.model.grades import Graded, queue_of, right


@pytest.fixture(scope="module")
def day() -> list[Graded]:
    return judged_day()


def test_the_sample_day_keeps_its_figures(day: list[Graded]) -> None:
    found = queue_of(day)
    assert right(found.pings) >= 0.9 * len(found.pings)
    assert found.placed["must"].ping >= 77
    assert found.placed["must"].nowhere <= 3
    assert len(found.listed) <= 50
    assert found.area >= 0.85
    assert right(found.front) >= 0.4 * len(found.front)


def test_of_the_day_as_one_queue_the_front_is_what_must_be_answered(day: list[Graded]) -> None:
    """Pings first, then the list, each by how much the post needs an answer."""
    queue = queue_of(day).shown
    assert queue[:20].count("must") >= 18
    assert queue[:80].count("must") >= 67


def test_as_people_see_the_day_most_of_what_must_be_answered_stands_in_the_first_eighty_cases() -> None:
    """Taken in for real: a person's posts are one case, and twelve reposts of one post are one entry of the list."""
    seen = day_run.seen(labelled.SAMPLE_DAY)
    assert seen.musts == 85
    assert day_run.held(seen.queue[:80]) >= 71
    assert [day_run.best(grades) for grades in seen.queue[:20]].count("must") >= 18
    assert day_run.right(seen.called) >= 0.9 * len(seen.called)
    assert len(seen.listed) <= 45
    assert len(seen.listed) - day_run.right(seen.listed) <= 25  # of what is right nearly all calls people


def test_what_must_be_answered_is_found_somewhere_or_counted_as_lost(day: list[Graded]) -> None:
    found = queue_of(day)
    silent = [grade for grade, verdict in day if verdict.lane == "none" or verdict.praise]
    assert found.placed["must"].nowhere == silent.count("must")
    assert figures(found).endswith(f"nowhere {found.placed['must'].nowhere}")


def test_whatever_is_shown_to_people_says_why(day: list[Graded]) -> None:
    assert [verdict for _, verdict in day if verdict.lane != "none" and not all(verdict.reasons or ("",))] == []
