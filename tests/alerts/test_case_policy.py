"""Which case and which story a contact joins, and for how long; and whose words reach far."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.case import Case, Contact
from alerts.case_policy import Gravity, for_leads, joins, joins_story, priority

AT = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
CONTACT = Contact("Acme", "forum", "olga", "another thread", AT, 7)
CASE = Case("1", "Acme", "forum", "thread", "olga", "ping", "normal", (), AT, AT, AT, "1", fingerprint=7)


@dataclass(frozen=True)
class Story:
    brand: str = "Acme"
    source: str = "forum"
    thread: str = "thread"
    last_at: datetime = AT
    fingerprint: int = 7


def same(one: int, other: int) -> bool:
    return one == other


@pytest.mark.parametrize("way", [1, -1])
def test_the_same_words_of_one_author_join_their_case_within_the_span_and_no_later(way: int) -> None:
    assert joins(replace(CONTACT, at=AT + way * DAY), [CASE], same, DAY) is CASE
    assert joins(replace(CONTACT, at=AT + way * (DAY + SECOND)), [CASE], same, DAY) is None


def test_the_same_conversation_joins_its_case_whenever_it_goes_on() -> None:
    assert joins(replace(CONTACT, at=AT + 90 * DAY, thread="thread", fingerprint=0), [CASE], same, DAY) is CASE


def test_nobody_joins_another_authors_case_or_a_closed_one() -> None:
    assert joins(replace(CONTACT, author="joon"), [CASE], same, DAY) is None
    assert joins(CONTACT, [replace(CASE, closed_at=AT)], same, DAY) is None


@pytest.mark.parametrize("way", [1, -1])
@pytest.mark.parametrize(
    "contact", [CONTACT, replace(CONTACT, thread="thread", fingerprint=1)], ids=["words", "thread"]
)
def test_a_story_is_joined_within_the_span_and_no_later(contact: Contact, way: int) -> None:
    story = Story()
    assert joins_story(replace(contact, at=AT + way * DAY), [story], same, DAY) is story
    assert joins_story(replace(contact, at=AT + way * (DAY + SECOND)), [story], same, DAY) is None


def test_a_story_is_of_one_brand() -> None:
    assert joins_story(CONTACT, [Story(brand="Globex")], same, DAY) is None


def test_who_has_many_followers_is_urgent_and_it_says_how_many() -> None:
    assert priority(Gravity(reach=10_000)) == ("urgent", ("10,000 followers",))
    assert priority(Gravity(reach=9_999))[0] == "normal"
    assert priority(Gravity(reach=500), wide_reach=500)[0] == "urgent"
    assert priority(Gravity(reach=None))[0] == "normal"


@pytest.mark.parametrize(("size", "raised"), [(9, False), (10, True)])
def test_a_conversation_is_loud_from_its_tenth_voice_on(size: int, raised: bool) -> None:
    calm = Gravity(critical=False, sentiment=-0.3, needs_answer=0.9, thread_size=size)
    assert (priority(calm)[0] == "urgent") is raised


def test_who_was_answered_in_the_second_in_which_they_wrote_last_is_answered() -> None:
    answered = replace(CASE, answered_at=AT, last_posted_at=AT)
    assert answered.state_at(AT) == "answered"
    assert replace(answered, last_posted_at=AT + SECOND).state_at(AT + DAY) == "open"


def test_law_press_and_money_are_urgent_and_say_so_while_harm_stays_critical() -> None:
    assert priority(Gravity(matters=("stage:billing", "money"))) == ("urgent", ("money taken wrongly",))
    assert priority(Gravity(matters=("law", "press"))) == ("urgent", ("a legal matter", "the press asks"))
    assert priority(Gravity(critical=True, matters=("law",)))[0] == "critical"
    assert [for_leads(tags) for tags in (("law",), ("hurt", "press"), ("money",), ())] == [True, True, False, False]
