"""Which of four kinds a public reply of ours is: a table of 150 in seven languages, half of them traps."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.cases.reply_kinds import PromptReply, kind_of, same_words
from monitor.settings.models import AUTOMATIC_REPLIES
from tests.helpers import HOUR, MINUTE, NOW

TABLE = [
    line.split("\t")
    for line in (Path(__file__).parent / "replies.tsv").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def kind(text: str, **more: object) -> str:
    return kind_of(text, AUTOMATIC_REPLIES, **more).kind  # type: ignore[arg-type]


def test_the_table_is_as_large_and_as_hard_as_it_says() -> None:
    assert len(TABLE) == 150
    assert {row[0] for row in TABLE} == {"en", "de", "fr", "es", "it", "pt", "nl"}
    assert sum(row[2] == "trap" for row in TABLE) >= 75
    assert min(Counter(row[1] for row in TABLE).values()) >= 7


def test_what_counts_as_an_answer_is_one_in_nineteen_of_twenty() -> None:
    """A wrong "answer" leaves a customer waiting while all seems well; a missed one costs a press."""
    told = [(row[1], kind(row[3])) for row in TABLE]
    called = [truth for truth, said in told if said == "answer"]
    assert called.count("answer") / len(called) >= 0.95
    answers = [said for truth, said in told if truth == "answer"]
    assert answers.count("answer") / len(answers) >= 0.9
    assert sum(truth == said for truth, said in told) / len(told) >= 0.95


@pytest.mark.parametrize("row", [row for row in TABLE if row[1] == "automatic"], ids=lambda row: row[0])
def test_a_listed_receipt_is_automatic_only_as_the_whole_reply(row: list[str]) -> None:
    assert kind(row[3]) == "automatic"
    assert kind(row[3] + " The refund reaches your account on Friday.") == "answer"


def test_a_receipt_of_the_operators_own_is_matched_whole() -> None:
    listed = ("Wow, a message! We read them all.",)
    assert kind_of("Hi Bo, Wow, a message! We read them all.", listed).kind == "automatic"
    assert kind_of("Wow, a message! The lift is repaired.", listed).kind == "answer"


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for contacting us and we have received your message",
        "Thanks for reaching out to support, your ticket number is 123456",
        "Your reference is #AB-88123.",
        "Danke, dass Sie uns kontaktiert haben. Ihre Ticketnummer lautet 4471",
        "Merci de nous avoir contactés, votre dossier : 88120",
        "Gracias por ponerte en contacto con nosotros, tu número de caso es 5512",
        "Grazie per averci scritto, abbiamo ricevuto il tuo messaggio",
        "Obrigado por entrar em contato. Seu protocolo é 77120",
        "Bedankt dat u contact met ons hebt opgenomen, we hebben uw bericht ontvangen",
    ],
)
def test_thanks_for_writing_and_a_number_are_no_answer_and_send_nobody_on(text: str) -> None:
    """Nothing is said, nobody is asked to go on elsewhere: the customer still waits."""
    assert kind(text) in {"automatic", "holding"}
    assert kind(text.rstrip(".") + ". Your refund reaches you on Friday.") == "answer"


def test_thanks_before_an_instruction_send_on_all_the_same() -> None:
    assert kind("Thanks for reaching out! Please DM us your order number.") == "sent_on"
    assert kind("Thank you for contacting us, our number is 0800 123456.") == "sent_on"


def test_a_reason_names_our_own_words_and_is_never_empty() -> None:
    decided = kind_of("Please DM us your order number.", AUTOMATIC_REPLIES)
    assert decided.reason == 'asks them to continue elsewhere: "please dm us"'
    assert all(kind_of(row[3], AUTOMATIC_REPLIES).reason for row in TABLE)


def test_thanks_are_enough_for_praise() -> None:
    assert kind("Thank you so much, Mei!") == "holding"
    assert kind("Thank you so much, Mei!", to_praise=True) == "answer"
    assert kind("We have received your message.", to_praise=True) == "automatic"


WORDS = same_words("Hi Ana, we reset it for you.")


def prompt(count: int, **changes: object) -> tuple[PromptReply, list[PromptReply]]:
    """So many prompt replies, ten minutes apart, each to a story of its own; the last is the one in question."""
    made = [PromptReply(WORDS, NOW + number * 10 * MINUTE, f"story {number}") for number in range(count)]
    made = [replace(each, **changes) for each in made] if changes else made  # type: ignore[arg-type]
    return made[-1], made


def test_the_same_words_at_once_below_five_different_posts_in_an_hour_come_from_a_machine() -> None:
    text = "Hi Bo, we reset it for you."
    own, others = prompt(5)
    assert same_words(text) == WORDS
    assert kind(text, own_words=own, prompt=others) == "automatic"
    own, others = prompt(4)
    assert kind(text, own_words=own, prompt=others) == "answer"


def test_the_same_words_of_ours_under_one_story_are_a_team_at_work() -> None:
    own, others = prompt(6, story="one outage")
    assert kind("We reset it for you.", own_words=own, prompt=others) == "answer"


def test_five_in_more_than_an_hour_or_in_other_words_are_no_machine() -> None:
    own, others = prompt(5)
    spread = [replace(each, at=NOW + number * HOUR / 3) for number, each in enumerate(others)]
    assert kind("We reset it for you.", own_words=spread[-1], prompt=spread) == "answer"
    different = [replace(each, words=f"other {number}") for number, each in enumerate(others[:-1])]
    assert kind("We reset it for you.", own_words=own, prompt=different) == "answer"


@pytest.mark.parametrize(
    "text",
    ["", " ", "\x00", "@" * 5000, "so " * 900, "please " * 500, "a" * 100_000, "we are " * 700, "^" * 3000, "🙏" * 900],
)
def test_hostile_text_is_decided_and_holds_nobody_up(text: str) -> None:
    assert kind(text) in {"holding", "sent_on", "answer", "automatic"}
    assert kind(text) == kind(text)


def test_twenty_seconds_is_the_bound() -> None:
    from monitor.cases.reply_kinds import PROMPT

    assert timedelta(seconds=20) == PROMPT


def test_two_receipts_in_one_sentence_are_automatic_and_one_with_news_is_not() -> None:
    listed = ("Thank you for contacting us.", "We have received your message.")
    assert kind_of("Thank you for contacting us we have received your message", listed).kind == "automatic"
    assert kind_of("Thank you for contacting us we have sent the refund today", listed).kind != "automatic"
