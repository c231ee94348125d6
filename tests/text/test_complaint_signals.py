"""The signals: cues in seven languages, and what the shape of a post says."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.text import complaint_signals
from monitor.text.complaint_signals import Aim, Cues, Kind, cues_for, kinds_of, signals_of, tokens_of

GOOD, BAD = Kind("good", "good", -1.0, calm=True), Kind("bad", "bad", 1.5)


def kinds(text: str, language: str = "en") -> set[str]:
    return {cue.kind.name for cue in signals_of(text, cues_for(language)).cues}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("My order never arrived", "not_arrived"),
        ("been waiting for three weeks", "waiting"),
        ("45 minutes on hold", "nobody_answers"),
        ("you CHARGED me TWICE", "billing"),
        ("they charged my card twice", "billing"),
        ("flight cancelled without a word", "cancelled"),
        ("the app keeps crashing", "broken"),
        ("I’m cancelling my subscription", "leaving"),
        ("you promised it would be here", "promise"),
        ("thanks for nothing", "thanks_for_nothing"),
        ("no complaints at all", "no_complaint"),
        ("can't fault them", "no_complaint"),
    ],
)
def test_english_cues_are_heard(text: str, kind: str) -> None:
    assert kind in kinds(text)


@pytest.mark.parametrize(
    ("language", "text", "kind"),
    [
        ("de", "Mein Paket ist seit zwei Wochen nicht angekommen und niemand antwortet", "nobody_answers"),
        ("de", "Danke für nichts", "thanks_for_nothing"),
        ("es", "Llevo tres semanas esperando y nadie responde", "waiting"),
        ("es", "me cobraron dos veces", "billing"),
        ("fr", "Toujours pas reçu mon colis, service client injoignable", "nobody_answers"),
        ("fr", "ça ne marche pas", "broken"),
        ("it", "nessuno risponde al telefono, che vergogna", "nobody_answers"),
        ("it", "voglio il rimborso", "billing"),
        ("pt", "meu pedido não chegou e ninguém responde", "not_arrived"),
        ("pt", "fui cobrada duas vezes, quero meu dinheiro de volta", "billing"),
        ("nl", "mijn pakket is nog steeds niet bezorgd en niemand reageert", "not_arrived"),
        ("nl", "ik ga mijn abonnement opzeggen", "leaving"),
    ],
)
def test_cues_of_six_more_languages_are_heard_with_and_without_accents(language: str, text: str, kind: str) -> None:
    assert kind in kinds(text, language)
    plain = text.replace("ä", "a").replace("ü", "u").replace("ç", "c").replace("ã", "a").replace("é", "e")
    assert kind in kinds(plain, language)


def test_every_language_has_the_same_kinds_so_that_signals_mean_the_same() -> None:
    names = [kind.name for kind, _ in kinds_of("en")]
    for language in complaint_signals.LANGUAGES:
        assert [kind.name for kind, _ in kinds_of(language)] == names, language


def test_a_class_stands_for_its_words_wherever_it_stands_in_a_cue() -> None:
    cues = Cues([("%nth %while without", BAD), ("paid * %number", BAD), ("since %date/launch", BAD)])

    def words(text: str) -> list[str]:
        return [found.words for found in cues.find(tokens_of(text))]

    assert words("third night without heating") == ["third night without"]
    assert words("third wheel without heating") == []
    assert words("we paid the bill twice, seven times") == ["paid the bill twice seven"]
    assert words("down since monday, or since launch") == ["since monday", "since launch"]
    assert words("paid for nothing, seven times") == []  # no gap runs over a "not"


def test_a_long_gap_ends_with_its_sentence_and_a_short_one_after_three_words() -> None:
    cues = Cues([("booked ** got", BAD), ("ordered * got", BAD)])
    assert cues.find(tokens_of("booked two adjoining rooms in May and got one"))
    assert cues.find(tokens_of("booked two rooms. I got up early")) == []
    assert cues.find(tokens_of("ordered two adjoining rooms in May and got one")) == []


def test_every_class_that_a_cue_names_is_written_down() -> None:
    for language in complaint_signals.HEARD:
        named = {
            choice
            for _, written in kinds_of(language)
            for cue in written
            for choice in cue.replace("/", " ").split()
            if choice.startswith("%")
        }
        assert named <= set(complaint_signals.classes_of(language).names), language


def test_a_percent_sign_in_words_of_the_settings_is_nothing_special() -> None:
    assert [found.words for found in cues_for("en", ("50% off/%gone",)).find(tokens_of("50% off, 50% gone"))]


def test_every_cue_of_every_file_finds_itself() -> None:
    """A cue with a typo in its signs ("never  arived/") would be dead weight that nobody notices."""
    for language in complaint_signals.LANGUAGES:
        cues, classes = cues_for(language), complaint_signals.classes_of(language).names

        def said(word: str, classes: Mapping[str, frozenset[str]] = classes) -> str:
            return max(classes[word]) if word in classes else word.rstrip("~")

        for kind, written in kinds_of(language):
            for cue in written:
                text = " ".join(said(word.split("/")[0]) for word in cue.split() if word.strip("*"))
                assert cues.find(tokens_of(text)), (language, kind.name, cue)


def test_a_longer_cue_silences_the_shorter_one_inside_it() -> None:
    cues = Cues([("complaints", BAD), ("no complaints", GOOD)])
    assert [found.kind.name for found in cues.find(["no", "complaints", "here"])] == ["good"]
    assert [found.kind.name for found in cues.find(["my", "complaints"])] == ["bad"]


def test_stars_gaps_and_choices_in_a_cue() -> None:
    cues = Cues([("charged * twice/again", BAD), ("malfunction~", BAD)])
    assert cues.find(["charged", "twice"])
    assert cues.find(["charged", "my", "only", "card", "again"])
    assert not cues.find(["charged", "me", "for", "the", "whole", "lot", "twice"])
    assert cues.find(["malfunctioning"])
    assert not cues.find(["malfeasance"])


def test_words_of_the_settings_are_heard_beside_the_shipped_ones() -> None:
    cues = cues_for("en", ("gone up in smoke signals",))
    found = signals_of("everything gone up in smoke signals", cues).cues
    assert complaint_signals.OWN in {cue.kind for cue in found}


def test_tokens_are_folded_and_people_links_and_numbers_become_classes() -> None:
    assert tokens_of("@Acme DON’T http://x.test/a?b=1 12 #FAIL soooo &amp; ok") == [
        "<person>", "dont", "<link>", "<number>", "fail", "soo", "ok",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["nеver аrrived", "ne\u200bver arri\u200bved", "ＮＥＶＥＲ　ＡＲＲＩＶＥＤ", "NEVER ARRIVED"]
)
def test_look_alikes_zero_width_and_full_width_letters_hide_nothing(text: str) -> None:
    assert "not_arrived" in kinds(text)


def test_praise_behind_a_not_is_no_praise() -> None:
    values = signals_of("that was not a great experience", cues_for("en")).values
    assert values["negated_praise"] == 1
    assert "praise" not in values


def test_a_question_put_to_us_differs_from_a_question() -> None:
    cues = cues_for("en")
    assert signals_of("@acme do you open on Sunday?", cues).values.get("asks_us")
    assert not signals_of("who needs sleep?", cues).values.get("asks_us")


def test_anger_in_a_clause_about_a_competitor_is_not_ours() -> None:
    aim = Aim(frozenset({"acme"}), frozenset({"globex"}))
    cues = cues_for("en")
    theirs = signals_of("globex lost my bag and never answers. acme is lovely", cues, aim)
    assert theirs.elsewhere
    assert not theirs.values.get("nobody_answers")
    ours = signals_of("acme lost my bag and never answers. globex is lovely", cues, aim)
    assert not ours.elsewhere
    assert ours.values.get("lost")


def test_stages_name_where_on_the_way_it_happened() -> None:
    assert signals_of("charged twice and my parcel never arrived", cues_for("en")).stages() == ("billing", "delivery")


def test_signals_come_in_a_fixed_order_of_names() -> None:
    names = complaint_signals.signal_names()
    assert len(set(names)) == len(names)
    for text in ("@acme WHERE IS MY ORDER?! :(", "RT @b thanks http://x.test"):
        assert set(signals_of(text, cues_for("en")).values) <= set(names)


def test_the_word_files_are_ours_and_readable() -> None:
    folder = Path(complaint_signals.__file__).parent / "words"
    for language in complaint_signals.LANGUAGES:
        tables = tomllib.loads((folder / f"complaint.{language}.toml").read_text(encoding="utf-8"))
        assert sum(len(table["cues"]) for table in tables.values()) > 300, language


_PIECES = (
    "never",
    "arrived,",
    "can't",
    "noooo",
    "???",
    "@bob",
    "#AcmeFail",
    "https://acme.example/a?b",
    ":(",
    "x" * 90,
    "é…",
)


@given(st.lists(st.sampled_from(_PIECES), max_size=8))
def test_a_word_is_cut_alike_wherever_it_stands(pieces: list[str]) -> None:
    """What was cut before is remembered, what is very long is not: the words are the same."""
    assert tokens_of(" ".join(pieces)) == [token for piece in pieces for token in tokens_of(piece)]


def test_a_cue_of_nothing_is_no_cue() -> None:
    cues = Cues(
        [("", Kind("empty", "nothing", 1.0)), ("* gone", Kind("gap", "gap", 1.0)), ("lost", Kind("lost", "lost", 1.0))]
    )
    assert [found.words for found in cues.find(tokens_of("it is lost and gone"))] == ["lost"]


@pytest.mark.parametrize(
    ("ours", "not_ours"),
    [
        ("my camera was stolen from my bag", "my bike was stolen last night"),
        ("my money was stolen", "police found a stolen phone"),
        ("there is an issue with the lock", "read more in the December issue"),
    ],
)
def test_a_fault_is_one_of_ours(ours: str, not_ours: str) -> None:
    assert [bool(signals_of(text, cues_for("en")).values.get("kinds")) for text in (ours, not_ours)] == [True, False]
