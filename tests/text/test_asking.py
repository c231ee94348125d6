"""What is asked of us, question mark or none, and what only has the form of a question."""

from __future__ import annotations

import pytest

from monitor.text.explanations import ASKS
from monitor.text.features import BrandProfile
from monitor.text.judge import Judge
from tests.helpers import post

JUDGE = Judge([BrandProfile("Acme", ("Acme",), competitors=("Globex",))])


def lane(text: str, language: str = "en") -> str:
    return JUDGE.verdict(post(text, lang=language), "Acme").lane


@pytest.mark.parametrize(
    "text",
    [
        "does Acme let under 18s open an account",
        "is Acme open over easter",
        "can i see an Acme doctor without being registered",
        "how many kilos with the Acme light fare, going in may",
        "@acme do you do student discount",
        "@acme can i bring a cello as hand luggage",
        "@acme what time does the shop in Hull shut on sundays",
        "Could somebody at Acme send me the manual",
    ],
)
def test_a_question_without_its_mark_calls_as_one_with_it(text: str) -> None:
    assert lane(text) == "ping"
    assert lane(f"{text}?") == "ping"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("@acme kann ich meine PIN in der App ändern", "de"),
        ("@acme ¿cuánto tarda una transferencia a Francia", "es"),
        ("@acme faut-il une ordonnance pour le vaccin", "fr"),
        ("@acme quando esce la versione ibrida", "it"),
        ("@acme posso levar o cachorro no trem", "pt"),
        ("@acme kan ik mijn pakket ophalen bij jullie depot", "nl"),
    ],
)
def test_so_it_does_in_other_languages_behind_our_handle(text: str, language: str) -> None:
    assert lane(text, language) == "ping"


@pytest.mark.parametrize(
    "text",
    [
        "@acme please unlock my phone, the contract ended in may. thanks!",
        "@acme can u pls send the invoice for october as pdf, need it for taxes. thx 😊",
        "@acme could you remove us from the mailing list, cheers",
    ],
)
def test_a_request_with_thanks_is_a_request(text: str) -> None:
    found = JUDGE.verdict(post(text, lang="en"), "Acme")
    assert (found.lane, found.praise) == ("ping", False)


@pytest.mark.parametrize(
    "text",
    [
        "what a view from the Acme tower this morning",
        "how I plan my novel in Acme, a thread",
        "when the Acme captain says a little bumpy haha",
        "@acme is the best bank on the high street",
        "do you ever think about the Acme cat",
        "Acme meetup in Porto next week, who's coming?",
        "Acme phone or Globex phone, who wins? poll below",
        "Acme is buying the tower?? lol",
        "Acme wifi on the train is actually fast??",
    ],
)
def test_what_only_looks_like_a_question_calls_nobody(text: str) -> None:
    assert lane(text) != "ping"


@pytest.mark.parametrize("text", ["#acme do you sell gift cards?", "#acme where is your shop?"])
def test_a_question_put_to_us_by_our_tag_alone_is_listed(text: str) -> None:
    assert lane(text) == "sweep"


@pytest.mark.parametrize(
    "text",
    [
        "quiz: which came first, Acme or the railway?",
        "Acme meetup in Porto next week, who's coming?",
        "Acme is buying the tower?? lol",
        "New to the fair? See what #Acme and #Hull have for you http://x.test/fair",
    ],
)
def test_what_asks_nothing_of_us_is_not_listed_either(text: str) -> None:
    assert lane(text) == "none"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Would love a dark mode in the Acme app", "en"),
        ("wish Acme would bring back the small diesel", "en"),
        ("ce serait bien que Acme ait un mode sombre", "fr"),
        ("Schön wäre bei Acme ein Dunkelmodus", "de"),
    ],
)
def test_a_wish_is_listed_and_calls_nobody(text: str, language: str) -> None:
    found = JUDGE.verdict(post(text, lang=language), "Acme")
    assert found.lane == "sweep"
    assert any(reason.startswith("wishes for something") for reason in found.reasons)


def test_a_wish_that_is_passed_on_or_names_nobody_is_none() -> None:
    assert lane("RT @lou: Would love a dark mode in the Acme app") == "none"
    assert lane("Would love a quiet weekend by the sea") == "none"


def reasons(text: str) -> tuple[str, ...]:
    return JUDGE.verdict(post(text, lang="en"), "Acme").reasons


@pytest.mark.parametrize(
    "text",
    [
        "@acme you've had a week to answer my email",
        "@acme please add a vegan section",
        "@acme let me change my slot",
        "I need my refund @acme",
        "@acme wont let me cancel",
        "Acme? Never again.",
        "Acme? Avoid.",
        "Acme? A joke.",
    ],
)
def test_what_asks_no_question_is_not_said_to_ask_one(text: str) -> None:
    assert lane(text) != "none"
    assert ASKS not in reasons(text)


@pytest.mark.parametrize(
    "text",
    [
        "Acme? Are you there?",
        "Acme? Do you deliver?",
        "@acme please, when do you open?",
        "@acme can you check my order",
    ],
)
def test_what_asks_a_question_is_said_to(text: str) -> None:
    assert ASKS in reasons(text)


def test_our_name_with_a_question_mark_and_praise_behind_it_asks_nothing() -> None:
    assert lane("Acme? Love it.") == "none"


@pytest.mark.parametrize(
    "text",
    [
        "@acme wont let me cancel",
        "Acme does not let me log in",
        "Acme refuses to let me return it",
        "Acme never let us pay",
        "@acme why do you need my date of birth?",
    ],
)
def test_what_we_do_not_let_people_do_is_no_request(text: str) -> None:
    assert not any(reason.startswith("asks you to act") for reason in reasons(text))
