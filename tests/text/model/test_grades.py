"""The figures of one queue, pings first and then the list, held to small days that one counts by hand."""

from __future__ import annotations

from monitor.text.model.grades import OPEN, by_language, queue_of, right, summary
from monitor.types import Verdict


def verdict(needs: float, lane: str, *, praise: bool = False) -> Verdict:
    return Verdict(0.0, "neutral", needs, lane, ("said so",), "test", "en", praise=praise)  # type: ignore[arg-type]


DAY = [
    ("must", verdict(0.9, "ping")),
    ("no", verdict(0.7, "ping")),
    ("look", verdict(0.2, "sweep")),
    ("must", verdict(0.4, "sweep")),
    ("no", verdict(0.3, "sweep")),
    ("no", verdict(0.1, "sweep")),
    ("no", verdict(0.1, "sweep", praise=True)),
    ("must", verdict(0.1, "none")),
]


def test_the_queue_is_pings_first_then_the_list_in_its_order() -> None:
    found = queue_of(DAY)
    assert found.shown == ("must", "no", "must", "no", "look", "no")
    assert found.front == ("must",)
    assert (right(found.pings), right(found.listed)) == (1, 2)


def test_each_grade_is_counted_where_it_was_found_and_praise_is_nowhere() -> None:
    placed = queue_of(DAY).placed
    assert {grade: (one.ping, one.open, one.further, one.nowhere) for grade, one in placed.items()} == {
        "must": (1, 1, 0, 1), "look": (0, 1, 0, 0), "no": (1, 2, 0, 1),
    }  # fmt: skip


def test_what_stands_behind_show_more_is_counted_apart() -> None:
    day = [("look", verdict(0.5, "sweep"))] * OPEN + [("must", verdict(0.1, "sweep"))] * 3
    found = queue_of(day)
    assert (found.placed["look"].open, found.placed["must"].further, len(found.front)) == (OPEN, 3, 9)


def test_the_summary_has_shares_and_says_none_of_nothing() -> None:
    told = summary(queue_of(DAY))
    assert told["list"] == {"n": 4, "share": 0.5, "precision": 0.5, "first_quarter": {"n": 1, "precision": 1.0}}
    assert told["ping"] == {"n": 2, "precision": 0.5}
    assert list(told["grades"]) == ["must", "look", "no"]
    nothing = summary(queue_of([]))
    assert (nothing["list"]["share"], nothing["ping"]["precision"], nothing["area"]) == (None, None, 0.5)
    assert list(summary(queue_of(DAY), graded=False)["grades"]) == ["yes", "no"]


def test_languages_come_largest_first_and_each_has_its_own_list() -> None:
    told = by_language(DAY, ["de", "en", "en", "de", "en", "en", "en", "en"])
    assert [(language, each["n"], each["list"]["n"]) for language, each in told.items()] == [("en", 6, 3), ("de", 2, 1)]
    assert told["de"]["list"]["first_quarter"]["precision"] == 1.0
