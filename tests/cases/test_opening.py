"""What opening a case and each further word of its author set: clocks, chains, and what is told of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts import hours, ladder
from monitor.cases import escalation
from monitor.cases.actions import say
from monitor.store import case_log, cases
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import (
    AGAIN,
    ANGRY,
    ASKING,
    DAY,
    HOUR,
    INJURY,
    LATE,
    MINUTE,
    NOW,
    THANKS,
    assembly_of,
    case,
    lines,
    messages,
    post,
    settings_from,
    take,
)

TARGETS = '[desk.targets]\nnormal = { first = "2h", next = "5h", resolve = "16h" }\n'


@pytest.fixture
def acme(sqlite: Sqlite, tmp_path: Path) -> Assembly:
    """Where a first answer has two hours, and each that follows five."""
    return assembly_of(sqlite, settings_from(tmp_path, tables=TARGETS))


def olga(acme: Assembly, words: str, at: datetime = NOW, **more: Any) -> cases.Case:
    """She writes, always in one conversation, and is heard at once."""
    take(acme, post(words, thread_id="t", at=at), now=max(at, NOW), **more)
    return case(acme.database, "1")


def chain(acme: Assembly, start: datetime, *, again: bool = False) -> str:
    return ladder.chain_text(acme.rules.clock("normal", start, again=again).chain)


def test_what_was_only_listed_is_called_for_once_its_author_says_what_calls(acme: Assembly) -> None:
    listed = olga(acme, ASKING, NOW - HOUR)
    assert (listed.lane, listed.due_at, listed.chain) == ("sweep", None, "[]")
    called = olga(acme, ANGRY)
    assert (called.lane, called.chain) == ("ping", chain(acme, NOW))
    assert called.due_at == acme.rules.clock("normal", NOW).due_at
    assert len(ladder.chain_of(called.chain)) == len(acme.rules.clock("normal", NOW).chain)


def test_more_of_the_same_leaves_the_clock_of_a_case_alcase(acme: Assembly) -> None:
    first = olga(acme, ANGRY, NOW - HOUR)
    more = olga(acme, LATE)
    assert (more.due_at, more.chain, more.step) == (first.due_at, first.chain, first.step)
    assert more.last_posted_at == NOW


def test_who_writes_again_after_an_answer_has_the_next_target_from_then_on(acme: Assembly) -> None:
    first = olga(acme, ANGRY, NOW - 3 * HOUR)
    say(acme.database, acme.rules, "1", "answered", who="Ana", way="page", now=NOW - 2 * HOUR)
    again = olga(acme, LATE)
    clock = acme.rules.clock("normal", NOW, again=True)
    assert (again.due_at, again.chain) == (clock.due_at, chain(acme, NOW, again=True))
    assert first.due_at is not None
    assert clock.due_at > first.due_at, "the old one must not be kept because it is earlier"
    assert lines(acme.database, "1")[-1] == "again"


def test_the_clock_of_a_wait_runs_from_its_first_word_however_often_they_write(acme: Assembly) -> None:
    """Each further word moved it on, and began the reminders anew: whoever wrote every hour was never overdue."""
    olga(acme, ANGRY, NOW - 3 * HOUR)
    say(acme.database, acme.rules, "1", "answered", who="Ana", way="page", now=NOW - 2 * HOUR)
    again = olga(acme, LATE)
    later = olga(acme, AGAIN, NOW + 4 * HOUR)
    assert (later.due_at, later.chain, later.asked_at) == (again.due_at, again.chain, NOW)
    worse = olga(acme, INJURY, NOW + 4 * HOUR + MINUTE)
    assert worse.priority == "critical"
    assert worse.due_at == acme.rules.clock("critical", NOW + 4 * HOUR + MINUTE, again=True).due_at


def test_whoever_has_a_case_is_not_asked_later_for_each_word_of_its_author(acme: Assembly) -> None:
    olga(acme, ANGRY, NOW - 3 * HOUR)
    say(acme.database, acme.rules, "1", "take", who="Ana", way="page", now=NOW - 2 * HOUR)
    say(acme.database, acme.rules, "1", "answered", who="Ana", way="page", now=NOW - 2 * HOUR)
    claims = {olga(acme, AGAIN, NOW + minutes * MINUTE).claim_expires_at for minutes in (0, 30, 60)}
    assert claims == {acme.rules.claim_expiry("normal", NOW)}


def test_old_words_after_an_answer_call_nobody_and_the_next_new_ones_start_the_clock(acme: Assembly) -> None:
    olga(acme, ANGRY, NOW - 3 * HOUR)
    say(acme.database, acme.rules, "1", "answered", who="Ana", way="page", now=NOW - 2 * HOUR)
    take(acme, post(LATE, thread_id="t", at=NOW), now=NOW + 2 * DAY)
    late = case(acme.database, "1")
    assert (late.state_at(NOW + 2 * DAY), late.due_at) == ("open", None)
    again = olga(acme, AGAIN, NOW + 2 * DAY)
    assert again.due_at == acme.rules.clock("normal", NOW + 2 * DAY, again=True).due_at


@pytest.mark.parametrize("answered", [False, True])
def test_a_case_that_waits_on_the_customer_waits_no_more_once_they_write(acme: Assembly, answered: bool) -> None:
    olga(acme, ANGRY, NOW - 3 * HOUR)
    for verb in ("take", "answered", "wait") if answered else ("take", "wait"):
        detail = {"until": NOW + 2 * DAY} if verb == "wait" else {}
        say(acme.database, acme.rules, "1", verb, who="Ana", way="page", now=NOW - HOUR, detail=detail)
    if not answered:
        assert olga(acme, LATE, NOW - 2 * HOUR).state_at(NOW) == "waiting", "whoever pressed had read this"
    found = olga(acme, AGAIN, NOW + MINUTE)
    assert (found.state_at(NOW + MINUTE), found.waiting_on) == ("taken", "")
    assert found.next_step_at == found.claim_expires_at == acme.rules.claim_expiry("normal", NOW + MINUTE)
    assert [row.reason for row in messages(acme.database) if row.about == "case:1"] == ["writes again"]


def test_a_pause_of_another_kind_outlasts_more_of_the_same_and_not_an_injury(acme: Assembly) -> None:
    olga(acme, ANGRY, NOW - 3 * HOUR)
    detail = {"on": "billing", "until": NOW + 2 * DAY}
    say(acme.database, acme.rules, "1", "wait", who="Ana", way="page", now=NOW - HOUR, detail=detail)
    say(acme.database, acme.rules, "1", "snooze", who="Ana", way="page", now=NOW - HOUR, detail={"until": NOW + DAY})
    assert olga(acme, AGAIN, NOW).state_at(NOW) == "waiting"
    hurt = olga(acme, INJURY, NOW + MINUTE)
    assert (hurt.priority, hurt.state_at(NOW + MINUTE)) == ("critical", "open")


def test_what_becomes_critical_in_the_chunk_that_opens_it_is_stored(acme: Assembly) -> None:
    angry, hurt = (post(words, thread_id="t", at=NOW - age) for words, age in ((ANGRY, HOUR), (INJURY, MINUTE)))
    assert take(acme, angry, hurt) == ["1"]
    assert case(acme.database, "1").priority == "critical"


def test_thanks_are_counted_and_move_nothing(acme: Assembly) -> None:
    first = olga(acme, ANGRY, NOW - HOUR)
    after = olga(acme, THANKS)
    row = cases.row_of(acme.database, "1")
    assert row is not None
    assert row["mentions"] == 2
    assert (after.due_at, after.chain, after.last_posted_at) == (first.due_at, first.chain, first.last_posted_at)


def test_an_old_post_is_shown_and_calls_nobody(acme: Assembly) -> None:
    old = olga(acme, ANGRY, NOW - acme.rules.settings.alerts.alert_not_older_than - MINUTE)
    assert (old.lane, old.quiet, old.chain, old.next_step_at) == ("ping", True, "[]", None)
    assert messages(acme.database) == []


def test_a_critical_case_is_told_now_and_another_once_its_group_has_waited(acme: Assembly) -> None:
    olga(acme, ANGRY)
    take(acme, post(INJURY, author="ike", thread_id="i", at=NOW), now=NOW)
    wait = acme.rules.settings.alerts.group_wait
    assert wait > timedelta(0)
    due = {row.about: row.due_at for row in messages(acme.database)}
    assert due == {"story:1": NOW + wait, "story:2": NOW}


def test_whoever_is_hurt_now_is_told_of_as_hurt(acme: Assembly) -> None:
    """That message stands in the channel on its own, also where its story was known to be critical."""
    olga(acme, ANGRY, NOW - HOUR)
    olga(acme, INJURY)
    (news,) = [row for row in messages(acme.database) if row.about == "case:1"]
    assert (news.reason, news.urgent, news.payload) == ("critical now", True, {"hurt": True})


def test_the_first_words_after_a_case_was_closed_are_read_once(acme: Assembly) -> None:
    olga(acme, ANGRY, NOW - 3 * HOUR)
    closed = NOW - 2 * HOUR
    say(acme.database, acme.rules, "1", "close", who="Ana", way="page", now=closed, detail={"outcome": "solved"})
    for words, at in ((LATE, closed), (THANKS, closed + MINUTE), (ANGRY, closed + 2 * MINUTE)):
        take(acme, post(words, thread_id="t", at=at), now=NOW)
    (read,) = [line for line in case_log.of_case(acme.database, "1") if line.what == "next words"]
    assert read.detail["better"], "what was written before the case was closed says nothing of how it ended"


@pytest.mark.parametrize(("age", "calls"), [(59 * MINUTE, True), (61 * MINUTE, False), (110 * MINUTE, False)])
def test_of_a_first_read_only_what_is_critical_and_under_an_hour_old_calls(
    acme: Assembly, age: timedelta, calls: bool
) -> None:
    take(acme, post(INJURY, at=NOW - age), now=NOW, first_reads={"forum": NOW + MINUTE})
    (story,) = [row for row in messages(acme.database) if row.about == "story:1"]
    assert (story.urgent, not story.carrier) == (calls, calls)
    steps = acme.rules.clock("critical", NOW - age).chain
    behind = ladder.behind(steps, NOW, goes_on=True)
    assert case(acme.database, "1").step == (0 if calls else behind)
    assert behind > 0


def test_an_entry_of_the_list_has_no_clock_until_somebody_takes_it(acme: Assembly) -> None:
    listed = olga(acme, ASKING)
    assert (listed.due_at, listed.next_step_at) == (None, None)
    assert olga(acme, "I wish Acme would ship to Sweden", NOW + DAY).due_at is None


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("@acme my lawyer will write to you on Monday", "a legal matter"),
        ("@acme I am a reporter with the Post, who can comment on the recall?", "the press asks"),
    ],
)
def test_law_and_press_are_told_to_leads_within_the_hour_of_opening_and_ring_at_no_night(
    acme: Assembly, words: str, why: str
) -> None:
    told = olga(acme, words)
    assert told.priority == "urgent"
    assert why in told.priority_reasons
    first = ladder.chain_of(told.chain)[0]
    assert (first.notify, first.at - NOW) == (("leads",), 15 * MINUTE)
    assert told.due_at == NOW + HOUR


TWO = '[[people]]\nname = "Ana"\n\n[[people]]\nname = "Ben"\n'


@pytest.mark.parametrize(
    "how", ["released", "reopened", "not answered", "held", "partly answered", "claim expired", "asked again"]
)
def test_law_is_told_to_leads_first_whenever_its_clock_begins_anew(
    database: Sqlite | Postgresql, tmp_path: Path, how: str
) -> None:
    """They were told where nobody had touched the case; once it was let go, whoever was next was, and never they."""
    acme = assembly_of(database, settings_from(tmp_path, tables=TARGETS + TWO))
    take(acme, post("@acme my lawyer will write to you on Monday", native_id="law", thread_id="t", at=NOW))
    anew = NOW + 30 * MINUTE

    def ana(verb: str, now: datetime, **detail: Any) -> None:
        say(database, acme.rules, "1", verb, who="Ana", way="cli", now=now, detail=detail)

    def ours(words: str, at: datetime, now: datetime) -> None:
        with database.transaction():
            acme.answers.take([post(words, author="acme_care", parent_id="law", thread_id="t", at=at)], now)

    match how:
        case "released":
            ana("take", NOW)
            ana("release", anew)
        case "reopened":
            ana("close", NOW, outcome="solved")
            ana("reopen", anew)
        case "not answered":
            ana("answered", NOW)
            ana("not_answered", anew)
        case "held":
            ours("We are looking into it.", anew, anew)
        case "partly answered":
            olga(acme, AGAIN, anew)
            ours("We have refunded you.", NOW + MINUTE, anew + MINUTE)
        case "claim expired":
            ana("take", NOW)
            while (it := case(database, "1")).owner:
                assert it.next_step_at
                anew = it.next_step_at
                escalation.escalate(database, acme.rules, anew)
        case "asked again":
            ours("We have refunded you.", NOW + MINUTE, NOW + MINUTE)
            olga(acme, AGAIN, anew)
    first = ladder.chain_of(case(database, "1").chain)[0]
    assert (first.notify, first.at) == (("leads",), hours.add(anew, 15 * MINUTE, acme.rules.opening))


def test_law_that_is_told_later_is_for_leads_from_then_on(database: Sqlite | Postgresql, tmp_path: Path) -> None:
    """Only the first words of a case were known as such: let go, what became law later was everybody's."""
    acme = assembly_of(database, settings_from(tmp_path, tables=TARGETS + TWO))
    olga(acme, ANGRY)
    assert "law" in olga(acme, "@acme my lawyer will write to you on Monday", NOW + MINUTE).tags
    for verb in ("take", "release"):
        say(database, acme.rules, "1", verb, who="Ana", way="cli", now=NOW + HOUR)
    assert ladder.chain_of(case(database, "1").chain)[0].notify == ("leads",)


def test_money_taken_wrongly_is_urgent_and_called_for_as_everything_urgent(acme: Assembly) -> None:
    told = olga(acme, "@acme you took the 40 euros twice, and I cancelled in May")
    assert (told.priority, told.chain) == ("urgent", ladder.chain_text(acme.rules.clock("urgent", NOW).chain))


def test_harm_that_is_told_later_makes_a_case_critical_and_law_in_it_adds_no_step(acme: Assembly) -> None:
    olga(acme, ANGRY, NOW - HOUR)
    worse = olga(acme, "@acme now it caught fire and burned my hand, my lawyer will write to you")
    assert worse.priority == "critical"
    assert worse.chain == ladder.chain_text(acme.rules.clock("critical", NOW).chain)
