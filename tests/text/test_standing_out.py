"""Which words an incident is about: what several people say now and few on other days; never those of one person."""

from __future__ import annotations

from monitor.text.standing_out import FEWEST, says, standing_out

CALM = [f"Nice window at the Acme shop in town {number}, the service was friendly" for number in range(40)]
OUTAGE = [
    ("ana", "Acme login fails, server error 500"),
    ("bo", "cannot login at Acme since this morning"),
    ("cy", "Acme: login broken and the server does not answer"),
    ("dee", "the Acme server is down, friendly service as ever"),
]


def test_the_words_are_those_that_several_say_now_and_few_said_before() -> None:
    found = standing_out(OUTAGE, CALM, ("Acme",))
    assert set(found) == {"login", "server"}
    assert "acme" not in found, "the brand's name says nothing"
    assert "friendly" not in found


def test_what_one_person_says_ever_so_often_is_none_of_them() -> None:
    loud = [("ana", "zanzibarquartz exploded")] * 20
    assert standing_out([*OUTAGE, *loud], CALM, ("Acme",)) == standing_out(OUTAGE, CALM, ("Acme",))
    two = [("eve", "zanzibarquartz"), ("flo", "zanzibarquartz")]
    assert FEWEST == 3
    assert "zanzibarquartz" not in standing_out([*OUTAGE, *two], CALM)


def test_a_post_is_of_it_when_it_says_two_of_its_words() -> None:
    words = ("login", "server", "password")
    assert says("Their SERVER drops my login", words)
    assert not says("Where is the login?", words)
    assert says("Where is the login?", ("login", "server")), "where it has but two, one is enough"
    assert not says("anything", ())
