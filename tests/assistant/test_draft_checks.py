"""Drafts that a model might write, written by us: the bad ones are refused by the rule that they break.

They stand in drafts.jsonl: a line with "case" is what is answered, a line with "of" an answer to it; one without "rule"
is good. Of the first 269 every third was held aside while the phrases were written, and looked at once.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.assistant import draft_checks
from monitor.assistant.draft_checks import Given, check
from monitor.text.draft_phrases import LANGUAGES

LINES: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parent / "drafts.jsonl").read_text(encoding="utf-8").splitlines()
]
CASES = {
    line["case"]: Given(
        line["post"],
        line["language"],
        tuple(line["facts"]),
        has_step=bool(line["facts"]),
        recent=tuple(line["recent"]),
        names=tuple(line["names"]),
        we_failed=line["we_failed"],
    )
    for line in LINES
    if "case" in line
}
ANSWERS = [line for line in LINES if "of" in line]
BAD = [line for line in ANSWERS if "rule" in line]
GOOD = [line for line in ANSWERS if "rule" not in line]
RULES = {
    "nothing_named", "no_step", "placeholder", "obeyed", "claim", "promise", "address", "language", "address_form",
    "repeated_courtesy", "too_long", "tone", "unfounded",
}  # fmt: skip
POST = "The app loses my basket when I change the delivery address."
GIVEN = Given(POST, "en", names=("ana", "Acme"))
FINE = "Does the app lose the basket on your phone as well?"


def rules_of(draft: str, given: Given = GIVEN) -> set[str]:
    return {refusal.rule for refusal in check(draft, given)}


def test_every_bad_answer_is_refused_by_the_rule_that_it_breaks() -> None:
    assert len(BAD) >= 200
    passed = [(line["of"], line["rule"], line["answer"]) for line in BAD if line["rule"] not in
              rules_of(line["answer"], CASES[line["of"]])]  # fmt: skip
    assert passed == []


def test_every_good_answer_passes() -> None:
    assert len(GOOD) >= 60
    refused = {line["answer"]: [str(each) for each in found] for line in GOOD
               if (found := check(line["answer"], CASES[line["of"]]))}  # fmt: skip
    assert refused == {}


def test_the_answers_are_in_all_languages_of_the_judge_and_break_every_rule() -> None:
    languages = Counter(CASES[line["of"]].language for line in BAD)
    assert set(languages) == set(LANGUAGES)
    assert min(languages.values()) >= 20
    assert {line["rule"] for line in BAD} == RULES
    assert {CASES[line["of"]].language for line in GOOD} == set(LANGUAGES)


def test_a_refusal_says_in_words_what_is_wrong_and_shows_where() -> None:
    (refusal,) = check("Does the app lose the basket? We will look at it.", replace(GIVEN, has_step=True))
    assert str(refusal) == "it makes a promise your team hasn't made: “we will”"
    assert all(str(each)[:1].islower() for line in BAD[:40] for each in check(line["answer"], CASES[line["of"]]))


def test_what_the_facts_hold_may_be_said() -> None:
    fixed = "The app no longer loses the basket: it has been fixed in 5.2."
    assert "claim" in rules_of(fixed)
    known = replace(GIVEN, facts=("Cause: the app loses the basket. Fixed in 5.2.",), has_step=True)
    assert rules_of(fixed, known) == set()
    other = replace(GIVEN, facts=("Cause: invoices are late. Fixed in 5.2.",), has_step=True)
    assert "claim" not in rules_of("Does the app still lose the basket?", other)
    refund = "The basket is refunded: you get your refund within 5 days."
    held = replace(GIVEN, facts=("A lost basket is refunded: the refund comes within 5 days.",), has_step=True)
    assert "promise" in rules_of(refund, known)
    assert "promise" not in rules_of(refund, held)
    assert "promise" in rules_of(refund.replace("5", "2"), held)
    invoices = replace(GIVEN, facts=("Late invoices are refunded, that has been fixed.",), has_step=True)
    assert {"promise", "claim"} <= rules_of("The basket is refunded, and that has been fixed.", invoices)
    ten = replace(GIVEN, facts=("A lost basket is refunded with 10 euros.",), has_step=True)
    assert rules_of("A lost basket is refunded with 10 euros.", ten) == set()
    assert {"promise", "address"} <= rules_of("A lost basket is refunded with 20 euros.", ten)


def test_a_sentence_with_many_words_of_its_own_is_told_by_nobody() -> None:
    known = replace(GIVEN, facts=("Sign in before you change the address, and the basket stays.",), has_step=True)
    assert rules_of("The basket stays if you sign in before you change the address.", known) == set()
    assert rules_of("The basket stays; a squirrel chewed through some cable.", known) == {"unfounded"}
    assert rules_of("The basket stays; did a squirrel chew through some cable?", known) == set()
    assert (
        rules_of("The basket stays; a squirrel chewed through some cable.", replace(known, told_elsewhere=True))
        == set()
    )


def test_a_day_of_the_post_may_be_named_and_is_no_deadline() -> None:
    monday = replace(GIVEN, post=f"{POST} It began on Monday.")
    assert (
        rules_of("Did the basket get lost before Monday as well?", replace(monday, facts=("before Monday",))) == set()
    )
    assert rules_of("The basket was lost on Monday.", replace(monday, has_step=True)) == set()
    assert "promise" in rules_of("The basket is whole by Monday.", replace(monday, has_step=True))


def test_one_sentence_in_another_language_is_enough() -> None:
    english = "Does the app lose the basket on your phone when you change the delivery address there as well?"
    mixed = f"{english} Lo sentimos mucho por todo esto."
    assert "language" in rules_of(mixed)


def test_what_the_team_says_itself_and_what_the_post_has_in_brackets_may_come_again() -> None:
    known = replace(GIVEN, facts=("Mails about a lost basket are a scam: delete them.",), has_step=True)
    assert rules_of("Mails about a lost basket are a scam: delete them.", known) == set()
    assert "obeyed" in rules_of("Mails about a lost basket are a scam: delete them.", replace(known, facts=()))
    assert rules_of(FINE.replace("phone", "[beta] phone"), replace(GIVEN, post=f"{POST} [beta]")) == set()
    assert rules_of(FINE.replace("phone", "[beta] phone")) == {"placeholder"}


@pytest.mark.parametrize(
    "address",
    [
        "https://help.example/x", "www.acme.example", "acme-help.com/basket", "help@acme.example",
        "help [at] acme [dot] com",
        "+49 30 5557 0199", "@acme_help", "order AC-20391-77", "account 88231904",
    ],
)  # fmt: skip
def test_an_address_has_to_be_in_the_facts_and_not_in_the_post(address: str) -> None:
    draft = f"Does the app lose the basket? More at {address}."
    assert "address" in rules_of(draft)
    assert "address" in rules_of(draft, replace(GIVEN, post=f"{POST} They told me: {address}"))
    assert "address" not in rules_of(draft, replace(GIVEN, facts=(f"Write to {address}.",), has_step=True))


def test_numbers_of_the_post_and_products_are_no_addresses() -> None:
    post = replace(GIVEN, post=f"{POST} Since 7.4, error 4031, on my RTX-4090.")
    assert rules_of("Does error 4031 come with 7.4 on the RTX-4090 alone?", post) == set()
    assert "address" in rules_of("Does error 4032 come with 7.4?", post)


def test_everything_in_spanish_is_no_gap() -> None:
    post = Given("La app pierde el carrito.", "es")
    assert rules_of("¿Pierde todo el carrito o solo una parte?", post) == set()
    assert rules_of("¿Pierde TBD el carrito?", post) == {"placeholder"}


def test_the_author_may_be_called_by_their_account() -> None:
    assert rules_of(f"@ana {FINE}") == set()
    assert "address" in rules_of(f"@bob {FINE}")


def test_the_brand_s_own_you_decides_where_the_post_shows_none() -> None:
    post = Given("Die Rechnung kommt doppelt.", "de")
    assert rules_of("Haben Sie die Rechnung doppelt bekommen?", replace(post, form="familiar")) == {"address_form"}
    assert rules_of("Hast du die Rechnung doppelt bekommen?", replace(post, form="familiar")) == set()
    assert rules_of("Haben Sie die Rechnung doppelt bekommen?", post) == set()


def test_thanks_of_the_eleventh_last_reply_may_come_again() -> None:
    thanks = "Thanks for the hint about the basket, Bo."
    draft = f"Thanks for the hint about the basket, Ana. {FINE}"
    assert "repeated_courtesy" in rules_of(draft, replace(GIVEN, recent=("Done.",) * 9 + (thanks,)))
    assert "repeated_courtesy" not in rules_of(
        draft, replace(GIVEN, recent=("Done.",) * draft_checks.RECENT + (thanks,))
    )


def test_a_longer_post_may_have_a_longer_answer() -> None:
    draft = "The basket is lost. The app is to blame. The address is fine. Is it the phone?"
    assert "too_long" in rules_of(draft)
    assert "too_long" not in rules_of(draft, replace(GIVEN, post=f"{POST} It is so. Each time."))
    assert "too_long" in rules_of(f"Does the app lose the basket {'and the address ' * 15}as well?")


def test_a_reply_that_the_network_does_not_take_is_refused() -> None:
    assert "tone" in rules_of(FINE, replace(GIVEN, limit=20))


def test_a_post_without_orders_may_be_quoted_but_not_read_back() -> None:
    assert rules_of("Does it lose the basket when you change the delivery address in the app?") == set()
    assert "obeyed" in rules_of("The app loses my basket when I change the delivery address, is it so?")


@pytest.mark.parametrize("draft", ["", "?", "😀" * 50, "\u202e" * 20, "basket " * 5_000, "@" * 2_000, "1" * 3_000])
def test_no_text_breaks_the_checks(draft: str) -> None:
    assert check(draft, GIVEN)
