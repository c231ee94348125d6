"""Harm that no frame knows: what calls people, what only looks like it, and a model file that is damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import harm, labelled
from monitor.text import likely_harm
from monitor.text.complaint_signals import BRAND, tokens_of
from monitor.text.features import BrandProfile
from monitor.text.harm import harm_in, parts_of
from monitor.text.judge import Judge
from monitor.text.model.linear import ModelRefused
from monitor.types import Verdict
from tests.helpers import post

ACME = Judge([BrandProfile("Acme", ("Acme",), competitors=("Globex",))])
MAYBE = "may be about harm"


def judged(text: str, language: str = "en", **more: Any) -> Verdict:
    return ACME.verdict(post(text, lang=language, **more), "Acme")


FORESEEN_BY_NOBODY = [
    "the Acme fan flung a blade over our bed last night",
    "my daughter's cheek is glued to the Acme slide",
    "the Acme stove leaks something and my parents have had headaches since Monday",
]


@pytest.mark.parametrize("text", FORESEEN_BY_NOBODY)
def test_harm_in_words_that_no_frame_knows_calls_people_and_rings_at_no_night(text: str) -> None:
    tokens = tokens_of(text.replace("Acme", BRAND))
    assert harm_in(tokens, "en", me=True, us=True)[0] == [], "a frame knows it: take other words"
    found = judged(text)
    assert (found.lane, found.critical) == ("ping", False)
    assert MAYBE in found.reasons


@pytest.mark.parametrize(
    "text",
    [
        "the Acme fan hums a tune over our bed at night",
        "the Globex fan flung a blade over our bed last night, so it will be Acme next",
        "RT @ana: the Acme fan flung a blade over our bed last night",
        "the fan flung a blade over our bed last night",
        "the Acme film where a fan flung a blade over our bed last night",
    ],
)
def test_what_is_no_harm_of_ours_is_not_said_to_be(text: str) -> None:
    assert MAYBE not in judged(text).reasons


def test_a_model_that_is_written_is_read_as_it_was(tmp_path: Path) -> None:
    weights = [0.0] * 16
    (place,) = likely_harm.places_of("smoky", 4)
    weights[place] = 1.27
    likely_harm.write(tmp_path / "harm.json", weights, {"fire": 2.0}, {"bias": -1.0, "gate": 0.5, "line": 0.9})
    model = likely_harm.read(tmp_path / "harm.json")
    by_words = model.by_words(("smoky", BRAND, "smoky"))
    assert by_words == pytest.approx(1.27)
    assert model.odds(by_words, ["fire", "nothing"]) == pytest.approx(-1 + 1.27 + likely_harm.PART * 2)
    assert (model.looks_further(by_words), model.looks_further(0.4)) == (True, False)
    assert (model.is_likely(by_words, ["fire"]), model.is_likely(by_words, [])) == (True, False)
    assert model.by_words(()) == 0.0


@pytest.mark.parametrize("damage", ["", "{}", "[1]", "no JSON", '{"format": "EARFUL-HARM/1", "bits": 14}'])
def test_a_damaged_model_is_refused_by_name_and_the_frames_go_on(damage: str, tmp_path: Path) -> None:
    file = tmp_path / "harm.json"
    file.write_text(damage, "ascii")
    with pytest.raises(ModelRefused, match=r"harm\.json"):
        likely_harm.read(file)
    assert likely_harm.shipped(file) is None
    assert "harm.json" in likely_harm.trouble(file)
    assert likely_harm.shipped(tmp_path / "absent.json") is None
    assert "cannot be read" in likely_harm.trouble(tmp_path / "absent.json")


def test_the_shipped_model_is_whole_and_knows_the_parts_of_the_frames() -> None:
    assert likely_harm.trouble() == ""
    assert ACME.trouble == ()
    assert set(parts_of("en").names) <= harm.part_names()


def test_harm_told_afresh_calls_people_and_harmless_lines_ring_no_more_than_the_frames_make_them() -> None:
    """Written before anybody looked at what finds it, and never tuned to: these floors only keep what there is."""
    rows = labelled.table(harm.AFRESH)
    found = [
        (row["class"], harm.placed(verdict)) for row, verdict in zip(rows, harm.verdicts(rows, "Acme"), strict=True)
    ]
    told = [place for kind, place in found if kind == "harm"]
    calm = [place for kind, place in found if kind == "harmless"]
    assert (len(told), len(calm)) == (117, 117)
    assert told.count("critical") + told.count("ping") >= 0.82 * len(told)
    assert calm.count("critical") <= 16
    # Nearly all of them are complaints or questions to us, which call people as such.
    assert calm.count("critical") + calm.count("ping") <= 0.59 * len(calm)


def test_no_line_that_is_measured_is_learned_from() -> None:
    tables = (harm.AFRESH, harm.FRESH, harm.CRITICAL)
    measured = {labelled.hash_of(row["text"]) for file in tables for row in labelled.table(file)}
    told = labelled.table(harm.CRITICAL.with_name("harm_told_lines.tsv"))
    measured |= {labelled.hash_of(row["text"]) for row in told if row["half"] == "kept"}
    assert not {labelled.hash_of(line.text) for line in harm.lines()} & measured


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Acme schreibt jeden Monat über Fahrräder"),
        ("de", "Mein Opa mag Acme seit dreißig Jahren"),
        ("nl", "Acme schrijft een leuk stuk over vissen"),
        ("nl", "Mijn oma drinkt elke dag Acme thee"),
        ("fr", "Ma grand-mère aime le thé Acme"),
        ("es", "Mi hija estaba en la tienda Acme ayer"),
        ("it", "Ieri con i bambini da Acme"),
        ("pt", "Minha avó estava na loja Acme ontem"),
        ("en", "Acme sent me a picture of the garden"),
    ],
)
def test_words_of_every_day_are_no_harm(language: str, text: str) -> None:
    assert MAYBE not in judged(text, language).reasons
