"""A brand's name is known however people spell it, and whatever its query asks for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors import Post
from monitor.text.features import BrandProfile
from monitor.text.judge import Judge
from monitor.text.own_names import as_handle, as_handle_alone, in_text
from monitor.types import Verdict


def judged(text: str, *words: str, competitors: tuple[str, ...] = (), lang: str = "") -> Verdict:
    post = Post("x", "1", "", "ana", text, datetime(2026, 11, 3, tzinfo=UTC), lang=lang)
    return Judge([BrandProfile("brand", words, competitors)]).verdict(post, "brand")


@pytest.mark.parametrize(
    ("word", "spelled"),
    [
        ("L'Oréal", "L’Oréal"),
        ("L'Oréal", "Loreal"),
        ("McDonald's", "McDonald’s"),
        ("McDonald's", "mcdonalds"),
        ("mcdonalds", "McDonald's"),
        ("Nestlé", "Nestle"),
        ("Nestle", "NESTLÉ"),
        ("Nestlé", "Nestle\u0301"),
        ("Acme", "Ａｃｍｅ"),
        ("Acme", "Ac\u200bme"),
        ("Weiß", "WEISS"),
        ("Ørsted", "Orsted"),
        ("O2", "O₂"),
        ("7-Eleven", "7 Eleven"),
        ("T-Mobile", "T‑Mobile"),
        ("Dr. Oetker", "Dr Oetker"),
        ("H&M", "H&amp;M"),
        ("C&A", "C & A"),
        ("Ben & Jerry's", "Ben&Jerry’s"),
        ("Yahoo!", "Yahoo"),
        ("Harbour Tea", "Harbour\nTea"),
        ("7-Eleven", "7‑eleven"),
    ],
)
def test_a_question_that_names_us_is_ours_however_our_name_is_spelled(word: str, spelled: str) -> None:
    as_written = judged(f"Does {word} ship to Norway?", word)
    otherwise = judged(f"Does {spelled} ship to Norway?", word)
    assert (otherwise.lane, otherwise.needs_answer, otherwise.reasons) == (
        as_written.lane,
        as_written.needs_answer,
        as_written.reasons,
    )
    assert otherwise.lane == "ping"


@pytest.mark.parametrize("text", ["asp.net is slow", "the gapped board", "@harbourtea", "#harbourtea", "eleven", "co2"])
def test_what_only_holds_a_name_is_not_our_name(text: str) -> None:
    found = in_text([".NET", "Gap", "Harbour Tea", "7-Eleven", "O2"])
    assert found is not None
    assert found.search(text) is None


@pytest.mark.parametrize(
    ("word", "handle"),
    [
        ("L'Oréal", "@lorealparis"),
        ("Nestlé", "@NestleUK"),
        ("T-Mobile", "@TMobileHelp"),
        ("H&M", "@hm"),
        ("H&M", "@hm_support"),
        ("C&A", "@c_and_a"),
        ("Ben & Jerry's", "@benandjerrys"),
        ("7-Eleven", "@7eleven"),
        ("O2", "@o2de"),
        ("Harbour Tea", "@harbour_tea"),
        ("@ThreeUK", "@threeuksupport"),
    ],
)
def test_a_name_is_known_as_handles_write_it(word: str, handle: str) -> None:
    found = as_handle([word])
    assert found is not None
    assert found.search(f"{handle} my parcel is gone") is not None


@pytest.mark.parametrize(
    ("word", "handle"), [("X", "@xavier"), ("3", "@3amthoughts"), ("Gap", "@gaptooth"), ("H&M", "@hmmm")]
)
def test_the_handle_of_somebody_whose_name_begins_with_a_very_short_name_is_not_ours(word: str, handle: str) -> None:
    found = as_handle([word])
    assert found is not None
    assert found.search(handle) is None


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("@ThreeUK can you check my order 12345", "en"),
        ("@ThreeUK my signal has been gone", "en"),
        ("@ThreeUK wann geht das Netz wieder", "de"),
        ("Is the network back @ThreeUK", "en"),
    ],
)
def test_a_handle_in_the_query_makes_what_is_put_to_it_no_less_ours(text: str, lang: str) -> None:
    """A handle that the query asks for once counted as our bare name, and what was put to it as said about us."""
    asked, plain = judged(text, "Three UK", "@ThreeUK", lang=lang), judged(text, "Three UK", lang=lang)
    assert (asked.lane, asked.needs_answer, asked.reasons) == (plain.lane, plain.needs_answer, plain.reasons)
    assert asked.lane == "ping"
    assert judged(text, "@ThreeUK", lang=lang).lane == "ping"


def test_a_handle_in_the_query_makes_nobody_elses_handle_ours() -> None:
    text = "@bob did you see the match last night?"
    assert judged(text, "Three UK", "@ThreeUK").needs_answer == judged(text, "Three UK").needs_answer


@pytest.mark.parametrize("rival", ["@Vodafone", "3"])
def test_a_competitors_handle_or_number_makes_no_rival_of_every_handle_and_number(rival: str) -> None:
    text = "Does Acme ship to Norway within 5 days, @ana?"
    assert judged(text, "Acme", competitors=(rival,)).lane == judged(text, "Acme").lane == "ping"


@pytest.mark.parametrize(
    ("elided", "plain", "lang"),
    [
        ("Il servizio dell'Acme è un disastro?", "Il servizio dell Acme è un disastro?", "it"),
        ("Quando apre il negozio dell’Acme a Torino?", "Quando apre il negozio dell Acme a Torino?", "it"),
        ("Le service d’Acme ouvre quand ?", "Le service d Acme ouvre quand ?", "fr"),
    ],
)
def test_an_article_that_lost_its_vowel_is_no_part_of_our_name(elided: str, plain: str, lang: str) -> None:
    one, other = judged(elided, "Acme", lang=lang), judged(plain, "Acme", lang=lang)
    assert (one.lane, one.needs_answer, one.reasons) == (other.lane, other.needs_answer, other.reasons)


@pytest.mark.parametrize(("word", "tag"), [("7-Eleven", "#7Eleven"), ("L'Oréal", "#loreal"), ("@ThreeUK", "#ThreeUK")])
def test_a_name_is_known_as_hashtags_write_it(word: str, tag: str) -> None:
    assert judged(f"{tag} do you sell gift cards?", word).lane == judged("#acme do you sell gift cards?", "Acme").lane
    assert judged(f"{tag} do you sell gift cards?", word).lane != "none"


@pytest.mark.parametrize(("handle", "ours"), [("@shell_uk", True), ("@shell", True), ("@shelley", False)])
def test_a_handle_alone_goes_on_only_as_a_brands_own_does(handle: str, ours: bool) -> None:
    found = as_handle_alone(["Shell"])
    assert found is not None
    assert (found.search(handle) is not None) is ours


RIVALS = ("Harbour Tea", "Tea & Co", "Häagen-Dazs", "7-Eleven", "Burger King")


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize(
    "written",
    [
        "{} lost my parcel twice, awful service. Acme delivered fine",
        "my {} kettle caught fire, glad I have an Acme now",
    ],
)
def test_a_competitor_of_several_words_is_one_as_a_competitor_of_one_word_is(rival: str, written: str) -> None:
    """What such a competitor did was taken for ours: it called people, and a fire woke them."""
    several = judged(written.format(rival), "Acme", competitors=(rival,))
    one = judged(written.format("Globex"), "Acme", competitors=("Globex",))
    assert (several.lane, several.critical) == (one.lane, one.critical) == ("none", False)


@pytest.mark.parametrize("spelled", ["Haagen Dazs", "häagen‑dazs", "Häagen Dazs"])
def test_a_competitor_is_known_however_its_name_is_spelled(spelled: str) -> None:
    assert (
        judged(f"my {spelled} kettle caught fire, glad I have an Acme now", "Acme", competitors=RIVALS).lane == "none"
    )


def test_who_leaves_for_a_competitor_of_several_words_leaves_us() -> None:
    assert judged("I'm switching from Acme to Burger King", "Acme", competitors=RIVALS).churn


def test_a_competitor_whose_name_is_a_part_of_ours_takes_nothing_of_ours_away() -> None:
    asked = judged("Does Harbour Tea Club ship to Norway?", "Harbour Tea Club", competitors=("Harbour Tea",))
    assert asked.lane == "ping"
