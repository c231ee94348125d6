"""Harm that no frame knows: what calls people, what only looks like it, and a model file that is damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import harm, labelled
from monitor.text import likely_harm
from monitor.text.complaint_signals import BRAND, Found, Kind, tokens_of
from monitor.text.critical import believed
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


SURELY = "reads like harm"
FORESEEN_BY_NOBODY = [
    ("the Acme stove leaks something and my parents have had headaches since Monday", True),
    ("Acme hands anybody with the link our clinic's files", True),
    ("the Acme bath mat slid and my nan's hip hit the tub", True),
    ("the Acme lantern spat burning oil at my nephew", False),
]


@pytest.mark.parametrize(("text", "critical"), FORESEEN_BY_NOBODY)
def test_harm_in_words_that_no_frame_knows_calls_people_and_rings_where_it_is_sure(text: str, critical: bool) -> None:
    tokens = tokens_of(text.replace("Acme", BRAND))
    assert harm_in(tokens, "en", me=True, us=True)[0] == [], "a frame knows it: take other words"
    found = judged(text)
    assert (found.lane, found.critical) == ("ping", critical)
    assert (SURELY if critical else MAYBE) in found.reasons


@pytest.mark.parametrize(
    "text",
    [
        "the Acme stove warms everything and my parents have had visitors since Monday",
        "the Globex stove leaks something and my parents have had headaches since Monday, so it will be Acme next",
        "RT @ana: the Acme stove leaks something and my parents have had headaches since Monday",
        "the stove leaks something and the parents have had headaches since Monday",
        "the Acme film where a stove leaks something and the parents have had headaches since Monday",
    ],
)
def test_what_is_no_harm_of_ours_is_not_said_to_be(text: str) -> None:
    assert {MAYBE, SURELY}.isdisjoint(judged(text).reasons)


def test_what_the_judge_takes_for_small_talk_rings_by_no_model_and_calls_by_no_words_alone() -> None:
    sure, unsure = Found(likely_harm.SURELY, "", 0, 0), Found(likely_harm.MAYBE, "", 0, 1)
    by_words = Found(likely_harm.MAYBE, "", 0, 0)
    frame = Found(Kind("injury", "injury or danger", 0.0), "hurt", 2, 3)
    assert believed((frame, sure), 0.12) == (frame, sure)
    assert believed((frame, sure), 0.11) == (frame, unsure), "what the frames heard stands"
    assert believed((unsure, by_words), 0.17) == (unsure, by_words)
    assert believed((unsure, by_words), 0.16) == (unsure,), "where parts stand, it calls people"
    assert not judged("Acme AND the window cleaner both came while I was in the bath. Of course they did").critical
    calm = judged("Frost on the saddle, fog on the canal, my Acme full of bread. Morning.")
    assert calm.lane != "ping"


def test_no_word_is_critical_alone() -> None:
    """Not one of the words that the model learned from, though many of them are in harmful lines only."""
    words = {word for line in harm.pairs(aside=False) for word in likely_harm.words_of(tokens_of(line.text))}
    assert len(words) > 5_000
    posts = [f"{start} {word}" for word in sorted(words) for start in ("Acme", "my Acme thing and")]
    rows = [{"text": text, "language": "en"} for text in posts]
    rang = [post for post, found in zip(posts, harm.verdicts(rows, "Acme"), strict=True) if SURELY in found.reasons]
    assert rang == []


def test_what_the_model_doubts_rings_at_no_night_but_calls_people() -> None:
    model = likely_harm.shipped()
    assert model is not None
    text = "a flight attendant of Acme slapped on a smile, man in front of me snored, awful flight"
    tokens = tokens_of(text.replace("Acme", BRAND))
    told, places = harm_in(tokens, "en", me=True, us=True)
    assert told
    assert model.doubts(model.by_words(tokens), places)
    found = judged(text)
    assert (found.lane, found.critical) == ("ping", False)
    assert MAYBE in found.reasons


def test_who_is_hurt_is_never_doubted_however_much_else_a_post_says() -> None:
    model = likely_harm.shipped()
    assert model is not None
    text = (
        "the Acme subscription is a joke: late, wrong blend, bad app, poor support, no refund. I ended up in hospital"
    )
    tokens = tokens_of(text.replace("Acme", BRAND))
    _, places = harm_in(tokens, "en", me=True, us=True)
    assert model.doubts(model.by_words(tokens), places), "the model believes it: take other words"
    assert judged(text).critical


def test_what_the_settings_call_critical_is_so_whatever_the_model_thinks() -> None:
    judge = Judge([BrandProfile("Acme", ("Acme",))], critical_words=("popcorn",))
    assert judge.verdict(post("lovely popcorn at Acme, thank you"), "Acme").critical


def test_a_model_that_is_written_is_read_as_it_was(tmp_path: Path) -> None:
    weights = [0.0] * 16
    (place,) = likely_harm.places_of("smoky", 4)
    weights[place] = 1.27
    numbers = {"bias": -1.0, "gate": 0.5, "line": 0.9, "rings": 1.9, "doubt": -0.5}
    likely_harm.write(tmp_path / "harm.json", weights, {"fire": 2.0}, numbers)
    model = likely_harm.read(tmp_path / "harm.json")
    by_words = model.by_words(("smoky", BRAND, "smoky"))
    assert by_words == pytest.approx(1.27)
    assert model.odds(by_words, ["fire", "nothing"]) == pytest.approx(-1 + 1.27 + likely_harm.PART * 2)
    assert (model.looks_further(by_words), model.looks_further(0.4)) == (True, False)
    assert (model.is_likely(by_words, ["fire"]), model.is_likely(by_words, [])) == (True, False)
    assert (model.doubts(0.4, []), model.doubts(by_words, [])) == (True, False)
    assert model.by_words(()) == 0.0


def test_it_rings_for_several_words_together_and_not_for_the_strongest_alone(tmp_path: Path) -> None:
    weights = [0.0] * 1024
    for word, weight in (("smoky", 8.0), ("sofa", 2.0), ("fumes", 2.0)):
        (place,) = likely_harm.places_of(word, 10)
        weights[place] = weight
    numbers = {"bias": -1.5, "gate": 0.0, "line": 0.5, "rings": 1.0, "doubt": -9.0}
    likely_harm.write(tmp_path / "harm.json", weights, {}, numbers)
    model = likely_harm.read(tmp_path / "harm.json")
    assert model.rings(("smoky", "sofa", "fumes"), ())
    assert not model.rings(("smoky",), ())
    assert not model.rings(("smoky", "sofa"), ())
    assert not model.rings((), ())


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


def places_in(rows: list[dict[str, str]]) -> tuple[list[str], list[str]]:
    found = [
        (row["class"], harm.placed(verdict)) for row, verdict in zip(rows, harm.verdicts(rows, "Acme"), strict=True)
    ]
    return tuple([place for kind, place in found if kind == wanted] for wanted in ("harm", "harmless"))  # type: ignore[return-value]


def test_harm_told_afresh_is_critical_nearly_two_times_in_three_and_harmless_lines_hardly_ever() -> None:
    """Written before anybody looked at what finds it, and never tuned to: these floors only keep what there is."""
    told, calm = places_in(labelled.table(harm.AFRESH))
    assert (len(told), len(calm)) == (117, 117)
    assert told.count("critical") >= 0.63 * len(told)
    assert told.count("critical") + told.count("ping") >= 0.85 * len(told)
    assert calm.count("critical") <= 16
    # Nearly all of them are complaints or questions to us, which call people as such.
    assert calm.count("critical") + calm.count("ping") <= 0.52 * len(calm)


def test_harm_of_three_further_trades_is_critical_four_times_in_five() -> None:
    told, calm = places_in(labelled.table(harm.FRESH))
    assert (len(told), len(calm)) == (60, 60)
    assert told.count("critical") >= 0.8 * len(told)
    assert calm.count("critical") <= 7


def test_harm_of_trades_that_nothing_was_learned_of_is_critical_and_the_same_words_without_harm_are_not() -> None:
    """Half of these lines do not name us, as in answers to us: they are left out here."""
    rows = [
        {"text": line.text, "language": line.language, "class": "harm" if line.target else "harmless"}
        for line in harm.pairs(aside=True)
        if "acme" in line.text.casefold()
    ]
    told, calm = places_in(rows)
    assert min(len(told), len(calm)) >= 100
    assert told.count("critical") >= 0.64 * len(told)
    assert calm.count("critical") <= 0.08 * len(calm)


def test_the_pairs_are_of_many_trades_and_a_fifth_of_those_is_kept_aside() -> None:
    lines = harm.PAIRS.read_text("utf-8").splitlines()
    texts = [line for line in lines if line[:2] in ("+ ", "- ")]
    trades = [line.strip("= ") for line in lines if line.startswith("=") and not line.startswith("==")]
    assert len(set(texts)) == len(texts) >= 3_000
    assert len(set(trades)) == len(trades) >= 40
    assert 0.15 <= sum(map(harm.is_aside, trades)) / len(trades) <= 0.3
    assert {line.split(" ", 2)[1] for line in texts} >= {"en", "de", "es", "fr", "it", "nl", "pt", "ar", "hi"}
    learned = {labelled.hash_of(line.text) for line in (*harm.pairs(aside=False), *harm.lines())}
    assert not learned & {labelled.hash_of(line.text) for line in harm.pairs(aside=True)}


def test_no_line_that_is_measured_is_learned_from() -> None:
    tables = (harm.AFRESH, harm.FRESH, harm.CRITICAL)
    measured = {labelled.hash_of(row["text"]) for file in tables for row in labelled.table(file)}
    told = labelled.table(harm.CRITICAL.with_name("harm_told_lines.tsv"))
    measured |= {labelled.hash_of(row["text"]) for row in told if row["half"] == "kept"}
    learned = (*harm.lines(), *harm.pairs(aside=False))
    assert not {labelled.hash_of(line.text) for line in learned} & measured


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
    assert {MAYBE, SURELY}.isdisjoint(judged(text, language).reasons)
