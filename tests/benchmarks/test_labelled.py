"""The labels by which the judge is taught: enough of them, sound, and no text in them that is not ours."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import harm, labelled, labelling, train
from benchmarks.labelled import (
    ASIDE_DAY,
    DAYS,
    DEV_DAY,
    DRAWN,
    FAR_DAY,
    FRESH_DAY,
    GRADES,
    KINDS,
    MEASURED,
    PERMITTED,
    SAMPLE_DAY,
    WRITTEN,
    Day,
    hash_of,
    is_held,
    table,
)
from connectors.replay import SAMPLE
from monitor.text.complaint_signals import LANGUAGES


def texts_of(day: Day) -> set[str]:
    rows = day.rows()
    return {hash_of(row["text"]) for row in rows} | {hash_of(f"{row.get('title', '')} {row['text']}") for row in rows}


def test_labels_of_drawn_texts_are_sound_and_hold_no_text() -> None:
    rows = table(DRAWN)
    assert len(rows) >= 3_900
    for row in rows:
        assert tuple(row) == labelled.DRAWN_COLUMNS
        assert row["dataset"] in PERMITTED
        assert re.fullmatch("[0-9a-f]{16}", row["hash"])
        assert (row["grade"], row["kind"]) in {(grade, kind) for grade in GRADES for kind in KINDS}
        assert row["held"] == str(int(is_held(row["hash"])))
    assert len({row["hash"] for row in rows}) == len(rows)
    assert [row["dataset"] + row["hash"] for row in rows] == sorted(row["dataset"] + row["hash"] for row in rows)
    grades = Counter(row["grade"] for row in rows)
    assert min(grades[grade] for grade in GRADES) > 250
    assert 0.17 < sum(row["held"] == "1" for row in rows) / len(rows) < 0.23


def test_at_most_a_third_was_written_for_it_in_every_language_of_the_judge() -> None:
    rows = table(WRITTEN)
    assert len(rows) + len(table(DRAWN)) >= 2_500
    assert len(rows) <= (len(rows) + len(table(DRAWN))) / 3
    names = [hash_of(row["text"]) for row in rows]
    assert len(set(names)) == len(rows)
    assert [(row["language"], name) for row, name in zip(rows, names, strict=True)] == sorted(
        (row["language"], name) for row, name in zip(rows, names, strict=True)
    )
    for row, name in zip(rows, names, strict=True):
        assert tuple(row) == labelled.WRITTEN_COLUMNS
        assert row["text"] == " ".join(row["text"].split())
        assert row["grade"] in GRADES
        assert row["kind"] in KINDS
        assert row["held"] == str(int(is_held(name)))
        assert row["mood"] in (labelled.MOODS if row["language"] == "en" else ("",))
    for language in {*LANGUAGES, "ar", "hi"}:
        here = [row for row in rows if row["language"] == language]
        assert {row["grade"] for row in here} == set(GRADES)
        assert {row["kind"] for row in here} == set(KINDS)
        assert {row["held"] for row in here} == {"0", "1"}


def test_what_is_only_measured_is_never_among_what_is_taught() -> None:
    rows = table(MEASURED)
    for row in rows:
        assert tuple(row) == labelled.DRAWN_COLUMNS
        assert re.fullmatch("[0-9a-f]{16}", row["hash"])
        assert row["grade"] in GRADES
        assert row["kind"] in KINDS
    assert Counter(row["dataset"] for row in rows) == labelling.MEASURED
    measured = {row["hash"] for row in rows}
    assert len(measured) == len(rows)
    taught = {row["hash"] for row in table(DRAWN)} | {hash_of(row["text"]) for row in table(WRITTEN)}
    assert not taught & measured
    assert len(labelled.never_trained() & taught) == sum(row["held"] == "1" for row in [*table(DRAWN), *table(WRITTEN)])
    assert measured < labelled.never_trained()


@pytest.mark.parametrize("day", DAYS, ids=lambda day: day.name)
def test_no_post_of_a_day_is_ever_trained_on(day: Day) -> None:
    taught = {row["hash"] for row in table(DRAWN)} | {hash_of(row["text"]) for row in table(WRITTEN)}
    taught |= {hash_of(text) for text, *_ in train.examples()}
    taught |= {hash_of(line.text) for line in harm.lines()}
    assert len(taught) > 5_000
    assert not taught & texts_of(day)
    assert texts_of(day) < labelled.never_trained()


@pytest.mark.parametrize("day", DAYS, ids=lambda day: day.name)
def test_every_post_of_a_day_but_the_brands_own_has_its_label(day: Day) -> None:
    rows, labels = day.rows(), day.label_of()
    assert list(labels) == [row["id"] for row in rows if not row.get("own")]
    assert len({row["id"] for row in rows}) == len(rows)
    assert {row["parent"] for row in rows if "parent" in row} <= {row["id"] for row in rows}
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert {grade for grade, _ in labels.values()} == set(GRADES)
    assert {kind for _, kind in labels.values()} <= set(KINDS)
    if day.second is not None:
        assert list(labelled.labels_by_id(day.second)) == list(labels)


def test_the_sample_day_is_the_one_that_is_shipped() -> None:
    assert SAMPLE_DAY.posts == SAMPLE
    labels = SAMPLE_DAY.label_of()
    assert labels["chirp-0004"] == ("must", "complaint")
    assert labels["chirp-0274"] == ("must", "safety")


@pytest.mark.parametrize("day", [DEV_DAY, ASIDE_DAY, FRESH_DAY, FAR_DAY], ids=lambda day: day.name)
def test_a_day_to_measure_with_has_every_kind_and_the_languages_of_the_judge(day: Day) -> None:
    rows, labels = day.rows(), day.label_of()
    assert {row["lang"] for row in rows} == {*LANGUAGES, "ar", "hi"}
    assert {kind for _, kind in labels.values()} == set(KINDS)
    grades = Counter(grade for grade, _ in labels.values())
    assert grades["no"] > grades["must"] > grades["look"] > 30
    assert {row["source"] for row in rows} == {row["source"] for row in SAMPLE_DAY.rows()}


def test_the_days_have_no_post_in_common() -> None:
    texts = [texts_of(day) for day in DAYS]
    assert len(set().union(*texts)) == sum(map(len, texts))


def test_a_text_is_known_again_whatever_its_spaces_and_capitals() -> None:
    assert hash_of("  Won't  OPEN\n") == hash_of("won't open") != hash_of("wont open")
    assert is_held("0" * 16)
    assert not is_held("0" * 15 + "1")


def test_what_a_reader_wrote_down_is_read_or_refused() -> None:
    assert labelling.labels_of(["0mc 1-2n-", "3lp"]) == {
        0: ("must", "complaint"),
        1: ("no", "none"),
        2: ("no", "none"),
        3: ("look", "personal data"),
    }
    for wrong in ("0mc 0n-", "0xc", "mc"):
        with pytest.raises(ValueError, match=r"twice|not a label"):
            labelling.labels_of([wrong])


def test_a_text_without_a_label_is_not_left_out(tmp_path: Path) -> None:
    chosen = [("google_play", hash_of("one"), "one"), ("google_play", hash_of("two"), "two")]
    with pytest.raises(ValueError, match="no label for 1"):
        labelling.write_down(chosen, {0: ("must", "complaint")}, tmp_path / "labels.tsv")
    assert not (tmp_path / "labels.tsv").exists()
    labelling.write_down(chosen, {0: ("must", "complaint"), 1: ("no", "none")}, tmp_path / "labels.tsv")
    assert {row["hash"]: row["grade"] for row in table(tmp_path / "labels.tsv")} == {
        hash_of("one"): "must",
        hash_of("two"): "no",
    }
    another = [chosen[1], ("google_play", "0" * 16, "three")]
    labelling.write_down(another, {0: ("look", "none"), 1: ("must", "question")}, tmp_path / "labels.tsv")
    assert {row["hash"]: row["grade"] for row in table(tmp_path / "labels.tsv")} == {
        hash_of("one"): "must",
        hash_of("two"): "look",
        "0" * 16: "must",
    }


def test_a_drawn_text_is_hindi_by_its_letters() -> None:
    assert labelled.language_of("बहुत बेकार app hai") == "hi"
    assert labelled.language_of("very bad app बेकार") == labelled.language_of("") == "en"


def test_without_the_data_it_is_said_where_they_should_be(tmp_path: Path) -> None:
    with pytest.raises(labelled.DataAbsent, match=re.escape(str(tmp_path))):
        labelled.drawn(data=tmp_path)


def test_labels_are_joined_with_their_texts_and_another_edition_of_the_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mentions").mkdir()
    texts = tmp_path / "mentions" / "goemotions_reddit_train.csv"
    texts.write_text('comment_id,emotions,text\n1,anger,"It won\'t open,\n at all"\n2,joy,Fine\n', "utf-8")
    labels = tmp_path / "labels.tsv"
    name = hash_of("it won't open, at all")
    labels.write_text(f"dataset\thash\tgrade\tkind\theld\ngoemotions\t{name}\tmust\tcomplaint\t1\n", "utf-8")
    (one,) = labelled.drawn(labels, tmp_path)
    assert (one.text, one.grade, one.kind, one.held) == ("It won't open,\n at all", "must", "complaint", True)
    texts.write_text("comment_id,emotions,text\n2,joy,Fine\n", "utf-8")
    with pytest.raises(labelled.DataAbsent, match="another edition"):
        labelled.drawn(labels, tmp_path)


@pytest.mark.skipif(not labelled.DATA.is_dir(), reason=f"NOT TESTED: the public texts are not at {labelled.DATA}")
@pytest.mark.shared_data
def test_every_drawn_label_finds_its_text_and_what_was_written_is_none_of_them() -> None:
    names = {(dataset, hash_of(text)) for dataset in labelled.DATASETS for text, _ in labelled.rows_of(dataset)}
    assert {(row["dataset"], row["hash"]) for row in [*table(DRAWN), *table(MEASURED)]} <= names
    assert not {name for _, name in names} & {hash_of(each.text) for each in labelled.written()}


def test_a_written_text_is_judged_for_the_company_that_it_calls_or_else_names_first() -> None:
    rows = table(labelled.OTHER_BRANDS)
    assert {row["language"] for row in rows} == {*LANGUAGES, "ar", "hi"} - {"en"}
    for language in {row["language"] for row in rows}:
        names = [name.casefold() for row in rows if row["language"] == language for name in row["names"].split(", ")]
        assert len(set(names)) == len(names), language
    brand_of = labelled.brand_of
    assert brand_of("@tejnet_in कब आएगा", "hi") == ("तेजनेट", "tejnet", "tejnet_in")
    assert brand_of("तेजनेट कब आएगा", "hi") == ("तेजनेट", "tejnet", "tejnet_in")
    assert brand_of("con Globitel due ore, Telenord risponde, come @spedix", "it") == ("Spedix",)
    assert brand_of("Telenord risponde, Vestina no", "it") == ("Telenord",)
    assert brand_of("che caldo", "it") == brand_of("telenordico", "it") == ()
    assert brand_of("my lumen bill", "en") == brand_of("@lumenbank hi", "en") == ("lumen",)
