"""What is remarked on in a reply, and what is left alone."""

from __future__ import annotations

import pytest

from monitor.text.tone import check

KINDS = {
    "You should have read the manual.": "blames",
    "You did not follow the instructions": "blames",
    "We're sorry you feel that way": "blames",
    "As per our policy, refunds take 30 days.": "hides behind a policy",
    "Unfortunately we are unable to help": "hides behind a policy",
    "there’s nothing we can do": "hides behind a policy",
    "Please fill out the form on our website": "gives the customer homework",
    "you need to call our hotline": "gives the customer homework",
    "Please DM us your order number": "gives the customer homework",
    "We will get back to you as soon as possible": "promises without a date",
    "We apologize for any inconvenience caused": "sounds like a machine",
    "Dear valued customer": "sounds like a machine",
}
GOOD = (
    "Ana, I am sorry: we charged you twice. I sent 29.90 back this morning, and I call you at five.",
    "Es tut mir leid, Jonas. Ich habe das Rad heute abgeschickt.",
    "I'm sorry, that was our mistake. A courier brings the part tomorrow before ten.",
)


@pytest.mark.parametrize(("reply", "kind"), KINDS.items())
def test_what_customers_hate_to_read_is_remarked_on(reply: str, kind: str) -> None:
    assert kind in [each.kind for each in check(reply)]


@pytest.mark.parametrize("reply", GOOD)
def test_a_good_reply_is_left_alone(reply: str) -> None:
    assert check(reply, we_failed=True) == ()


def test_an_apology_is_missed_only_where_something_went_wrong() -> None:
    reply = "The part is on its way, I call you tomorrow."
    assert [each.kind for each in check(reply, we_failed=True)] == ["does not say sorry"]
    assert check(reply) == ()


def test_the_remark_quotes_the_words() -> None:
    (remark,) = check("Well, you should have asked us first, we would have helped.")
    assert remark.words == "you should have asked"


def test_what_is_too_long_for_the_network_says_by_how_much() -> None:
    (remark,) = check("I am sorry. " + "x" * 280, limit=280)
    assert "12 too many" in remark.advice


def test_nothing_is_said_of_nothing_and_much_is_bounded() -> None:
    assert check("  \n") == ()
    assert check("you should have " * 100_000, we_failed=True)
