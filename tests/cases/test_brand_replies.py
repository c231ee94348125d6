"""The brand's own public reply stops the clock of the person it answers, with the network's own time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from connectors import Post
from monitor.cases.actions import say
from monitor.notify import case_words
from monitor.reports.response_times import turns_of
from monitor.store import cases, key_values, report_queries
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import (
    AGAIN,
    ANGRY,
    BROKEN,
    HOUR,
    LATE,
    MINUTE,
    NOW,
    assembly_of,
    case,
    count,
    lines,
    post,
    settings_from,
    take,
)


@pytest.fixture
def acme(database: Sqlite | Postgresql, tmp_path: Path) -> Assembly:
    """One angry customer, Olga, whose post is "first"."""
    made = assembly_of(database, settings_from(tmp_path, brands='[[brands]]\nname = "Acme Go"\nquery = "acmego"\n'))
    take(made, post(ANGRY, native_id="first", thread_id="thread", at=NOW - HOUR))
    return made


def reply(
    words: str = "So sorry, we have refunded you.", *, to: str = "first", at: datetime = NOW, **more: Any
) -> Post:
    """What the brand's own account says."""
    return post(words, author=more.pop("author", "acme_care"), parent_id=to, at=at, thread_id="thread", **more)


def hear(acme: Assembly, *posts: Post, now: datetime = NOW) -> int:
    """The brand's account was read."""
    with acme.database.transaction():
        return acme.answers.take(posts, now)


def test_a_reply_stops_the_clock_with_the_networks_own_time(acme: Assembly) -> None:
    assert hear(acme, reply(at=NOW - 20 * MINUTE)) == 1
    found = case(acme.database, "1")
    assert found.answered_at == NOW - 20 * MINUTE
    assert found.answered_by == "acme_care"
    assert found.next_step_at is None
    assert lines(acme.database, "1") == ["open", "answered"]


def test_a_reply_to_one_person_leaves_the_others_in_the_thread_waiting(acme: Assembly) -> None:
    take(acme, post(LATE, author="mira", thread_id="thread"), post(BROKEN, author="joon", thread_id="thread"))
    hear(acme, reply())
    assert [case(acme.database, each).state_at(NOW) for each in ("1", "2", "3")] == ["answered", "open", "open"]


def test_the_same_reply_read_twice_counts_once(acme: Assembly) -> None:
    said = reply(native_id="r1")
    assert hear(acme, said) == 1
    assert hear(acme, said, now=NOW + HOUR) == 0
    assert lines(acme.database, "1").count("answered") == 1
    assert count(acme.database, "own_posts") == 1


def test_an_automatic_reply_is_no_answer(acme: Assembly) -> None:
    assert hear(acme, reply("Thank you for contacting us! We\u2019ll get back to you within two days.")) == 0
    assert case(acme.database, "1").answered_at is None


@pytest.mark.parametrize("words", ["Please DM us your order number!", "Sorry! Please mail support@acme.example."])
def test_a_reply_that_sends_the_customer_elsewhere_stops_the_clock_and_is_marked(acme: Assembly, words: str) -> None:
    hear(acme, reply(words))
    found = case(acme.database, "1")
    assert found.sent_on
    assert found.closed_at is None


def test_a_reply_dated_before_its_post_counts_zero_and_is_marked(acme: Assembly) -> None:
    hear(acme, reply(at=NOW - 5 * HOUR))
    row = cases.row_of(acme.database, "1")
    assert row is not None
    assert (row["backdated"], row["answered_at"]) == (1, row["first_posted_at"])


def test_a_reply_older_than_the_customers_last_words_leaves_the_next_clock_running(acme: Assembly) -> None:
    """The customer wrote again at 9:40, our reply of 9:30 was seen at 10: somebody still has to answer 9:40."""
    take(acme, post(AGAIN, thread_id="thread", at=NOW - 20 * MINUTE))
    assert hear(acme, reply(at=NOW - 30 * MINUTE)) == 1
    found = case(acme.database, "1")
    assert found.state_at(NOW) == "open"
    assert found.due_at == NOW - 20 * MINUTE + 4 * HOUR


def test_the_first_answer_is_the_one_that_counts(acme: Assembly) -> None:
    """What is said after it is kept with the case, and stops no clock a second time."""
    hear(acme, reply(at=NOW - 30 * MINUTE, native_id="r1"))
    assert hear(acme, reply("Anything else we can do?", at=NOW - 10 * MINUTE, native_id="r2")) == 0
    assert case(acme.database, "1").answered_at == NOW - 30 * MINUTE
    assert lines(acme.database, "1") == ["open", "answered"]
    assert [row["native_id"] for row in key_values.own_posts_of_case(acme.database, "1")] == ["r1", "r2"]


def test_an_older_answer_that_is_seen_later_takes_the_place_of_the_newer_one(acme: Assembly) -> None:
    """Accounts are read one after the other, so replies need not be seen in the order in which they were written."""
    hear(acme, reply(at=NOW - 10 * MINUTE, native_id="r2", author="acme_sales"))
    assert hear(acme, reply(at=NOW - 30 * MINUTE, native_id="r1")) == 1
    found = case(acme.database, "1")
    assert (found.answered_at, found.answered_by) == (NOW - 30 * MINUTE, "acme_care")
    assert lines(acme.database, "1") == ["open", "answered", "answered earlier"]
    (turn,) = turns_of(*logged(acme))
    assert turn.answered_at == NOW - 30 * MINUTE


def test_the_network_s_time_counts_where_somebody_pressed_answered_later(acme: Assembly) -> None:
    say(acme.database, acme.rules, "1", "answered", who="Ana", way="slack", now=NOW)
    hear(acme, reply(at=NOW - 25 * MINUTE), now=NOW + MINUTE)
    assert case(acme.database, "1").answered_at == NOW - 25 * MINUTE


def test_a_customer_who_writes_again_starts_a_wait_of_its_own_with_a_first_answer_of_its_own(acme: Assembly) -> None:
    hear(acme, reply(at=NOW - 50 * MINUTE, native_id="r1"))
    take(acme, post(AGAIN, native_id="second", thread_id="thread", at=NOW - 40 * MINUTE))
    late_to_the_first = reply(at=NOW - 45 * MINUTE, native_id="r2")
    assert hear(acme, late_to_the_first) == 0, "it speaks of what was answered before"
    assert case(acme.database, "1").state_at(NOW) == "open"
    hear(acme, reply(to="second", at=NOW - 30 * MINUTE, native_id="r3"))
    hear(acme, reply(to="second", at=NOW - 20 * MINUTE, native_id="r4"))
    assert case(acme.database, "1").answered_at == NOW - 30 * MINUTE
    assert case(acme.database, "1").waits_since == NOW - 40 * MINUTE
    said = case_words.standing(acme.rules, case(acme.database, "1"), NOW)
    assert said == "answered 09:30, after 10 minutes of opening hours", "of this wait, not since the first post"
    first, second = turns_of(*logged(acme))
    assert (first.asked_at, first.answered_at) == (NOW - HOUR, NOW - 50 * MINUTE)
    assert (second.asked_at, second.answered_at) == (NOW - 40 * MINUTE, NOW - 30 * MINUTE)


def test_a_second_reply_that_was_seen_before_the_words_it_answers_answers_them(acme: Assembly) -> None:
    """The brand's account is read more often than the search: its reply may be known before the customer's post."""
    hear(acme, reply(at=NOW - 50 * MINUTE, native_id="r1"))
    hear(acme, reply(to="second", at=NOW - 30 * MINUTE, native_id="r2"))
    take(acme, post(AGAIN, native_id="second", thread_id="thread", at=NOW - 40 * MINUTE))
    found = case(acme.database, "1")
    assert (found.answered_at, found.state_at(NOW)) == (NOW - 30 * MINUTE, "answered")


def test_a_reply_to_words_that_we_never_read_answers_its_person_who_is_read_later(acme: Assembly) -> None:
    hear(acme, reply(to="unknown", parent_author="Mira", at=NOW - 10 * MINUTE))
    theirs = post(LATE, author="@mira", native_id="late", thread_id="thread", at=NOW - 40 * MINUTE)
    take(acme, theirs, post(BROKEN, author="joon", native_id="other", thread_id="thread", at=NOW - 40 * MINUTE))
    assert [case(acme.database, each).author for each in ("2", "3") if case(acme.database, each).answered_at] == [
        "@mira"
    ]


@pytest.mark.parametrize(("name", "called"), [("Özlem", "Özlem"), ("@Özlem", "@Özlem"), ("Kim", "@kim")])
def test_a_reply_to_words_that_we_never_read_answers_its_person_whatever_letters_their_name_has(
    acme: Assembly, name: str, called: str
) -> None:
    """SQLite makes small letters of A to Z only: whoever is called Özlem went on waiting there."""
    take(acme, post(LATE, author=name, thread_id="thread", at=NOW - 40 * MINUTE))
    hear(acme, reply(to="unknown", parent_author=called, at=NOW))
    assert case(acme.database, "2").answered_at == NOW


@pytest.mark.parametrize("by", ["a further post", "a change of the post", "a post that was read before the reply"])
def test_a_reply_to_what_was_said_before_a_case_closed_does_not_answer_the_next_one(acme: Assembly, by: str) -> None:
    """Closed by hand, and our reply was read only then: what its person writes afterwards waits for an answer."""
    say(acme.database, acme.rules, "1", "close", who="Ana", way="page", now=NOW, detail={"outcome": "solved"})
    ours = reply(at=NOW - 40 * MINUTE, parent_author="olga")
    later = post(AGAIN, thread_id="thread", at=NOW + HOUR)
    if by == "a change of the post":
        changed = f"{ANGRY} EDIT: still nothing, no refund came!"
        later = post(changed, native_id="first", thread_id="thread", at=NOW - HOUR, edited_at=NOW + HOUR)
    if by == "a post that was read before the reply":
        ours = replace(ours, parent_id="unknown")
        take(acme, later, now=NOW + 2 * HOUR)
    assert hear(acme, ours, now=NOW + HOUR) == 0
    take(acme, later, now=NOW + 2 * HOUR)
    assert case(acme.database, "2").state_at(NOW + 2 * HOUR) == "open"
    hear(acme, reply(to=later.native_id, at=NOW + 2 * HOUR), now=NOW + 3 * HOUR)
    assert case(acme.database, "2").answered_at == NOW + 2 * HOUR


def logged(acme: Assembly) -> tuple[Any, list[Any]]:
    """The one case and its log, as the report reads them."""
    since, until = NOW - 24 * HOUR, NOW + HOUR
    (row,) = report_queries.cases_between(acme.database, since, until)
    return row, report_queries.log_between(acme.database, since, until)


def test_the_case_of_the_brand_whose_account_answers_is_answered(acme: Assembly) -> None:
    take(acme, post("acmego and acme are both broken, terrible", native_id="both", author="zoe"))
    brands = {case(acme.database, each).brand: each for each in ("2", "3")}
    hear(acme, reply(to="both"))
    assert case(acme.database, brands["Acme"]).answered_at == NOW
    assert case(acme.database, brands["Acme Go"]).answered_at is None
    hear(acme, reply(to="both", at=NOW + MINUTE), now=NOW + MINUTE)
    assert case(acme.database, brands["Acme Go"]).answered_at == NOW + MINUTE


def test_a_reply_to_nobody_we_know_is_kept_and_answers_nothing(acme: Assembly) -> None:
    assert hear(acme, reply(to="unknown"), reply(to="")) == 0
    assert count(acme.database, "own_posts") == 2


def test_a_hostile_reply_is_kept(acme: Assembly) -> None:
    assert hear(acme, reply("\x00\ud800 sorry\u2028" * 1000, native_id="\x00" * 5000)) == 0
    assert count(acme.database, "own_posts") == 1
    assert case(acme.database, "1").held, "it says no more than sorry"
