"""The measure of noise, rule by rule in its order, and over an hour of complaints."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.noise import MILESTONES, REPEAT, SETTLE, Answer, Heard, Measure, Sending, decide, milestone

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MEASURE = Measure(messages_per_hour=6, brief_over=3)
FULL = Heard(target=6)
PLAIN = Sending("message", since=NOW)


NOTHING = Heard()


def answer(sending: Sending, heard: Heard = NOTHING, now: datetime = NOW) -> Answer:
    return decide(sending, heard, MEASURE, now)


def test_a_storys_first_critical_alert_and_the_calls_of_a_critical_case_pass_every_measure() -> None:
    flood = replace(PLAIN, critical=True, together=100)
    for what in ("first", "join", "message"):
        assert answer(replace(flood, what=what), FULL).how == "message"
    call = replace(flood, what="call", critical_told=True)
    assert answer(call, FULL).how == "message"


def test_what_comes_at_its_time_is_not_held() -> None:
    assert answer(replace(PLAIN, what="appointment", together=50), FULL).how == "message"


def test_a_critical_message_of_a_story_known_to_be_critical_is_measured_like_any_other() -> None:
    assert answer(replace(PLAIN, critical=True, critical_told=True), FULL).how == "wait"


def test_whoever_joins_is_a_line_in_the_thread_however_full_the_hour_is() -> None:
    joined = Sending("join", NOW, people=2, heard_of=1, threads=True, together=9)
    assert answer(joined).how == "thread"
    assert answer(joined, FULL).how == "thread"
    assert "the channel is alerted again at 3" in answer(joined).why
    assert answer(replace(joined, critical=True, critical_told=True), FULL).how == "thread"


@pytest.mark.parametrize("people", MILESTONES)
def test_the_channel_hears_of_a_story_at_each_milestone_once(people: int) -> None:
    joined = Sending("join", NOW, people=people, heard_of=people - 1, threads=True)
    assert (answer(joined, FULL).how, answer(joined, FULL).reached) == ("message", people)
    assert answer(replace(joined, heard_of=people)).how == "thread"
    later = next((f"alerted again at {mark}" for mark in MILESTONES if mark > people), "in one story")
    assert answer(replace(joined, heard_of=people)).why.endswith(later)
    assert answer(replace(joined, people=people + 1, heard_of=people)).how == "thread"


def test_a_story_that_leaps_over_milestones_is_heard_of_once_at_the_highest() -> None:
    assert milestone(2, 31) == 30
    assert milestone(30, 99) == 0
    assert milestone(100, 5_000) == 0


def test_the_channel_hears_of_each_newly_hurt_person() -> None:
    hurt = Sending("join", NOW, critical=True, critical_told=True, hurt=True, people=57, heard_of=30, threads=True)
    assert (answer(hurt, FULL).how, answer(hurt, FULL).reached) == ("message", 0)


def test_where_there_is_no_thread_whoever_joins_is_told_in_the_next_brief() -> None:
    joined = Sending("join", NOW, people=2, heard_of=1, threads=False)
    assert answer(joined).until == NOW + SETTLE
    assert answer(joined, now=NOW + SETTLE).how == "brief"
    assert answer(joined, Heard(last_brief=NOW)).until == NOW + REPEAT


def test_the_same_words_again_are_an_edit() -> None:
    assert answer(Sending("repost", NOW, people=40, heard_of=1), FULL).how == "edit"


def test_more_than_brief_over_at_once_are_one_brief_and_no_fewer() -> None:
    assert answer(replace(PLAIN, together=3)).how == "message"
    assert answer(replace(PLAIN, together=4)).how == "brief"
    soon = answer(replace(PLAIN, together=4), Heard(target=1, last_brief=NOW))
    assert (soon.how, soon.until) == ("wait", NOW + SETTLE)


def test_beyond_the_hours_six_a_brief_is_sent_and_again_every_half_hour() -> None:
    assert answer(PLAIN, Heard(target=5)).how == "message"
    assert answer(PLAIN, FULL).until == NOW + SETTLE
    assert answer(PLAIN, FULL, now=NOW + SETTLE).how == "brief"
    again = Heard(target=7, last_brief=NOW)
    assert answer(PLAIN, again, now=NOW + 29 * MINUTE).until == NOW + REPEAT
    assert answer(PLAIN, again, now=NOW + REPEAT).how == "brief"
    assert answer(replace(PLAIN, together=9), again, now=NOW + SETTLE).until == NOW + REPEAT


def test_a_channel_is_full_when_all_whom_it_concerns_have_had_their_measure() -> None:
    assert answer(PLAIN, Heard(target=2, people={"Ana": 6})).how == "wait"
    assert "Ana" in answer(PLAIN, Heard(target=2, people={"Ana": 6})).why
    assert answer(PLAIN, Heard(target=2, people={"Ana": 6, "Ben": 5})).how == "message"
    assert answer(PLAIN, Heard(target=2, people={"Ana": 7, "Ben": 6})).how == "wait"


def test_it_says_which_message_of_the_hour_it_is() -> None:
    assert answer(PLAIN, Heard(target=2)).why == "message 3 of 6 this hour"
