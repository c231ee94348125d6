"""Posts that offer a telephone number are told to nobody; people who tell of a number are people."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors import Post
from monitor.text.features import BrandProfile
from monitor.text.judge import Judge
from monitor.types import Verdict

JUDGE = Judge([BrandProfile("Acme", ("Acme",))])
NUMBER = "+1-800-555-0199"


def fancy(text: str) -> str:
    """Write a text in mathematical letters, as such spam does."""
    capital, small = 0x1D4D0 - ord("A"), 0x1D4EA - ord("a")
    return "".join(
        chr(ord(each) + (capital if each.isupper() else small)) if each.isascii() and each.isalpha() else each
        for each in text
    )


def judged(text: str, **more: float) -> Verdict:
    moment = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    return JUDGE.verdict(Post("x", "1", "", "someone", text, moment, **more), "Acme")


@pytest.mark.parametrize(
    "text",
    [
        f"How can I change a name on my {fancy('Acme')} ticket? Call {NUMBER} (OTA) or {NUMBER}",
        f"Cheapest day to fly Acme? {NUMBER} {NUMBER} call now",
        f"What is the {fancy('refund')} policy of Acme? Dial ☎️ {NUMBER} {{OTA}} for a full refund",
        f"🍟 {NUMBER} 🍔 (OTA) Acme lost baggage claim number {NUMBER}",
        "How do I speak to a live person at Acme? ☎️ +1⇢(888)⇢555⇢0142",
        "To dispute a charge on Acme, contact support at 1 (888) 555-0142, available 24/7",
        "Acme wallet hacked? Recover the account now: WhatsApp +44 7700 900123",
        "Acme router not working? Call the helpline 0800 555 0123 toll free",
        "¿Cómo cancelar un vuelo de Acme? Llame al +52 55 5550 1234 para reembolso",
        "Comment contacter Acme ? Appelez le +33 1 99 00 12 34",
        "Acme Hotline anrufen unter 0800 555 01 23, Erstattung sofort",
        "Ａｃｍｅ ｈｅｌｐ ｌｉｎｅ １－８００－５５５－０１９９",
        "Acme customer care number 𝟏-𝟖𝟖𝟖-𝟓𝟓𝟓-𝟎𝟏𝟗𝟗 refund",
    ],
)
def test_a_number_to_call_is_spam_whatever_it_speaks_of(text: str) -> None:
    found = judged(text)
    assert (found.lane, found.critical, found.praise, found.tags) == ("none", False, False, ("spam",))


@pytest.mark.parametrize(
    "text",
    [
        f"I called {NUMBER} three times and nobody answers, @acme",
        "@acme call me on +44 7700 900123, my parcel never arrived",
        "my order 123456789012 never arrived @acme",
        "@acme your helpline 0800 555 0123 hung up on me again",
        "Acme: order of 2026-11-28 22:05:58 still not here, call your courier",
        "Acme number 1-800-555-0199 rings out, no one picks up. We have been waiting 3 weeks for a refund",
        "ich habe 0800 555 01 23 angerufen, niemand geht ran @acme",
        "acme tracking 00340 43416 11122 says delivered, it is not. call the police?",
    ],
)
def test_people_who_tell_of_a_number_are_heard(text: str) -> None:
    assert judged(text).lane == "ping"


@pytest.mark.parametrize(
    "text",
    [
        "@acme order 4821 7733 9921 still not here, call centre shut",
        "Acme hotline 0800 123 4567 has been dead all day",
        "Nobody answers Acme's phone number 0800 123 4567!",
        "Acme customer number 44 87 23 11 90, please contact",
        "Anyone else unable to reach Acme on 0345 600 0000? phone rings out",
        "Warning: scammers pretend to be Acme from number +44 20 7946 0999, don't call them",
        "Is +1 800 555 0199 really Acme's number? texted out of nowhere",
        "Do not call 0800 123 4567, Acme charges 3 euros a minute",
        "Acme invoice no. 2026 1234 5678 charged twice, phone dead",
        "Acme Hotline 0800 555 01 23 seit Tagen besetzt",
    ],
)
def test_a_dead_line_a_fraud_or_an_orders_number_is_no_spam(text: str) -> None:
    """Complaints without an "I" that hold a number were stored as spam, and nobody was told."""
    assert "spam" not in judged(text).tags


@pytest.mark.parametrize(
    "text",
    [
        "Acme line dead? Call 0800 555 0123 for refund",
        "Nobody answering at Acme? Dial +1 888 555 0142",
        "Acme support unavailable? contact the team on 1 (888) 555-0142",
        f"Acme order number {NUMBER} call for refund",
    ],
)
def test_a_number_that_one_is_bidden_to_call_is_spam_whatever_is_doubted(text: str) -> None:
    assert judged(text).tags == ("spam",)


def test_a_review_with_a_number_in_it_is_still_a_review() -> None:
    assert judged(f"Acme: call {NUMBER} (OTA) for a refund", rating=1.0).lane == "ping"
