"""The operator's own models in the judge: a classifier is a second judge, an encoder makes answers teach more."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import numpy
import pytest
from onnx import helper

from connectors import Post
from monitor.text.judge import Judge
from monitor.text.local_models.operator_models import NO_MODELS, OwnModels
from monitor.text.model.trained import Answer, Learned, Lesson
from monitor.text.model.training import learn
from tests.text.local_models.tiny_models import TABLE, classifier_folder, encoder_folder, odds_of

NOW = datetime(2026, 3, 4, tzinfo=UTC)
TEXTS = ("my order never arrived", "great", "nobody answers", "my order arrived and great", "late and late")


def post(text: str, number: int = 1) -> Post:
    return Post("test", str(number), "", "somebody", text, NOW, lang="en")


def lane_chance(judge: Judge, text: str) -> float:
    return judge.verdict(post(text), "").needs_answer


def log_odds(chance: float) -> float:
    return math.log(chance / (1 - chance))


def test_a_classifier_and_the_shipped_judge_are_two_judges_of_equal_standing(tmp_path: Path) -> None:
    shipped, both = Judge([]), Judge([], own_models=OwnModels(classifier=classifier_folder(tmp_path)))
    for text in TEXTS:
        alone, together = (judge.lesson(post(text), "", "yes", "ana", NOW).odds for judge in (shipped, both))
        assert together == pytest.approx((alone + odds_of(text)) / 2, abs=1e-4)


def test_what_a_classifier_moved_is_shown_and_the_voices_still_sum(tmp_path: Path) -> None:
    judge = Judge([], own_models=OwnModels(classifier=classifier_folder(tmp_path)))
    told = judge.explain(post("my order never arrived"), "")
    assert [words for words, _ in told.contributions if words.startswith("your own model tiny@")]
    assert sum(weight for _, weight in told.contributions) == pytest.approx(
        log_odds(told.verdict.needs_answer), abs=0.01
    )
    assert "tiny@" in told.verdict.scorer


def test_a_folder_that_cannot_be_used_is_told_and_judging_goes_on(tmp_path: Path) -> None:
    models = OwnModels(tmp_path / "nowhere", classifier_folder(tmp_path), ["furious"])
    judge = Judge([], own_models=models)
    assert "nowhere" in judge.trouble[0]
    assert "furious" in judge.trouble[1]
    assert lane_chance(judge, TEXTS[0]) == lane_chance(Judge([]), TEXTS[0])


def test_a_model_that_breaks_down_later_is_told_once_and_judging_goes_on(tmp_path: Path) -> None:
    """A graph that can only take eight words, or twice as many: what loading tries is of that sort by chance."""
    nodes = [
        helper.make_node("Reshape", ["input_ids", "eight"], ["rows"]),
        helper.make_node("Gather", ["table", "rows"], ["found"]),
        helper.make_node("Shape", ["input_ids"], ["shape"]),
        helper.make_node("Concat", ["shape", "size"], ["whole"], axis=0),
        helper.make_node("Reshape", ["found", "whole"], ["last_hidden_state"]),
    ]
    models = OwnModels(
        encoder_folder(
            tmp_path, nodes=nodes, tables={"eight": numpy.array([-1, 8]), "size": numpy.array([TABLE.shape[1]])}
        )
    )
    judge = Judge([], own_models=models)
    assert judge.trouble == ()
    assert len(models.vector("great " * 8)) == TABLE.shape[1]
    assert [tuple(models.vector("great")), tuple(models.vector("late"))] == [(), ()]
    assert "breaks down" in judge.trouble[0]
    assert lane_chance(judge, TEXTS[0]) == lane_chance(Judge([]), TEXTS[0])


def lessons(judge: Judge, rows: Iterable[tuple[str, Answer]]) -> list[Lesson]:
    return [
        judge.lesson(post(text, number), "", answer, f"person{number % 3}", NOW)
        for number, (text, answer) in enumerate(rows)
    ]


def taught_rows() -> list[tuple[str, Answer]]:
    """What the tiny encoder alone can tell apart: texts of one word, some near to "late", some near to "great"."""
    late, great = ["late"] * 3 + ["late late", "late late late"], ["great"] * 3 + ["great great", "great great great"]
    return [(f"{text} x{n}", "yes") for n, text in enumerate(great * 6)] + [
        (f"{text} y{n}", "not_a_complaint") for n, text in enumerate(late * 6)
    ]


def test_what_staff_teach_is_learned_over_the_figures_of_the_encoder(tmp_path: Path) -> None:
    models = OwnModels(encoder_folder(tmp_path))
    plain = Judge([], own_models=models)
    learned = learn(lessons(plain, taught_rows()), plain.encoder)
    assert learned.encoder == models.encoder
    assert len(learned.vector) == TABLE.shape[1]
    great, late = (numpy.asarray(models.vector(word)) for word in ("great", "late"))
    assert numpy.dot(learned.vector, great) > numpy.dot(learned.vector, late)
    judge = Judge([], learned={"": learned}, own_models=models)
    assert lane_chance(judge, "great") > lane_chance(plain, "great")
    assert lane_chance(judge, "late") < lane_chance(plain, "late")


def test_what_was_learned_by_one_encoder_is_not_heard_by_another(tmp_path: Path) -> None:
    models = OwnModels(encoder_folder(tmp_path))
    plain = Judge([], own_models=models)
    learned = learn(lessons(plain, taught_rows()), plain.encoder)
    assert learned.blend
    assert lane_chance(Judge([], learned={"": learned}), "great") == lane_chance(plain, "great")
    read = Learned.from_json(learned.to_json())
    assert (read.encoder, len(read.vector)) == (learned.encoder, len(learned.vector))


def test_without_an_encoder_nothing_has_a_vector() -> None:
    (lesson,) = lessons(Judge([]), [("my order never arrived", "yes")])
    assert tuple(lesson.vector) == ()
    assert NO_MODELS.odds(["great"]) == [None]
    assert NO_MODELS.names == ()
