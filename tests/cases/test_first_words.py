"""What follows from each kind of a reply of ours: which clock stops, who keeps the case, and how a guess is turned."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from alerts import hours, ladder
from alerts.case import Case
from connectors import Post
from monitor.cases import actions, handing_over, list_of_the_day
from monitor.cases.own_lists import PRIVATE_ENDS, all_solved, own_lists
from monitor.cases.recording import take_back
from monitor.notify import case_words, rendering
from monitor.people.identity import of_settings
from monitor.reports import statistics
from monitor.store import cases, deliveries, key_values
from monitor.store.database import stamp
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.web.case_timeline import words_of
from monitor.wiring import Assembly
from tests.helpers import (
    ANGRY,
    ASKING,
    DAY,
    HOUR,
    LATE,
    MINUTE,
    NOW,
    assembly_of,
    case,
    lines,
    messages,
    post,
    settings_from,
    take,
)

PEOPLE = """
[[people]]
name = "Ana"

[[people]]
name = "Lea"
role = "lead"
"""
LOOKING = "We are looking into it."
DM = "Please DM us your order number."
ANSWER = "We have refunded you."


@pytest.fixture
def acme(sqlite: Sqlite, tmp_path: Path) -> Assembly:
    """One angry customer, Olga, whose post is "first", at nine; it is ten now."""
    made = assembly_of(sqlite, settings_from(tmp_path, tables=PEOPLE))
    take(made, post(ANGRY, native_id="first", thread_id="thread", at=NOW - HOUR))
    return made


def reply(acme: Assembly, words: str, *, at: datetime = NOW, to: str = "first", **more: Any) -> int:
    """Our account said something, and it was read at once."""
    made = post(words, author="acme_care", parent_id=to, thread_id="thread", at=at, **more)
    with acme.database.transaction():
        return acme.answers.take([made], max(at, NOW))


def say(acme: Assembly, verb: str, *, now: datetime = NOW, **detail: Any) -> actions.Said:
    return actions.say(acme.database, acme.rules, "1", verb, who=of_settings("Ana"), way="page", now=now, detail=detail)


def olga(acme: Assembly) -> Case:
    return case(acme.database, "1")


def figures(acme: Assembly, now: datetime = NOW + HOUR) -> statistics.Report:
    return statistics.of_span(acme.database, acme.rules, NOW - DAY, now)


@pytest.mark.parametrize("words", ["ok", LOOKING, "Sorry to hear that!"])
def test_a_first_word_stops_the_reminders_and_the_next_clock_runs(acme: Assembly, words: str) -> None:
    assert reply(acme, words, at=NOW - 30 * MINUTE) == 0
    found = olga(acme)
    assert (found.answered_at, found.held, found.first_word_at) == (None, True, NOW - 30 * MINUTE)
    target = acme.rules.targets_for(found.priority).next
    assert found.due_at == NOW - 30 * MINUTE + target, "the next target, from the first word on"
    assert found.owner == "Lea", "nobody had it and nobody was called: whoever leads now keeps it"
    assert found.next_step_at == found.due_at, "and is asked when it is due, not before"
    assert "first reply 09:30, no answer yet" in case_words.standing(acme.rules, found, NOW)


def test_whoever_has_it_or_signed_keeps_a_case_with_its_first_word(acme: Assembly) -> None:
    say(acme, "take")
    reply(acme, LOOKING)
    assert olga(acme).owner == "Ana"
    take(acme, post(LATE, author="mira", native_id="m", thread_id="m", at=NOW - HOUR))
    reply(acme, f"{LOOKING} /Ana", to="m")
    assert case(acme.database, "2").owner == "Ana"


@pytest.mark.parametrize("words", [LOOKING, DM])
def test_nobody_who_is_away_is_left_with_a_case_that_a_colleague_wrote_in(acme: Assembly, words: str) -> None:
    """It went to the lead though she was on holiday, and rested there until she was asked in vain."""
    with acme.database.transaction():
        lea = of_settings("Lea")
        handing_over.go_away(acme.database, acme.rules, lea, "2026-03-18", way="page", now=NOW - 2 * HOUR)
    reply(acme, words)
    assert olga(acme).owner == ""
    take(acme, post(LATE, author="mira", native_id="m", thread_id="m", at=NOW - HOUR))
    reply(acme, f"{words} /Lea", to="m")
    assert case(acme.database, "2").owner == "Lea", "she signed it"


def test_a_second_first_word_in_a_row_stops_nothing(acme: Assembly) -> None:
    reply(acme, LOOKING, at=NOW - 50 * MINUTE)
    due = olga(acme).due_at
    reply(acme, "We are still looking into it, bear with us.", at=NOW - 10 * MINUTE)
    assert olga(acme).due_at == due
    assert lines(acme.database, "1") == ["open", "first word", "first word again"]


def test_the_answer_after_a_first_word_ends_the_wait_and_the_figures_show_both(acme: Assembly) -> None:
    reply(acme, LOOKING, at=NOW - 50 * MINUTE)
    assert reply(acme, ANSWER, at=NOW - 20 * MINUTE) == 1
    assert (olga(acme).answered_at, olga(acme).held) == (NOW - 20 * MINUTE, False)
    found = figures(acme)
    assert (found.first_word.median, found.to_answer.median) == (10 * MINUTE, 40 * MINUTE)
    assert (found.answered, found.private) == (1, 0)


@pytest.fixture
def patient(sqlite: Sqlite, tmp_path: Path) -> Assembly:
    """As `acme`, where a first word has two hours and what follows it five."""
    targets = '[desk.targets]\nnormal = { first = "2h", next = "5h", resolve = "16h" }\n'
    made = assembly_of(sqlite, settings_from(tmp_path, tables=PEOPLE + targets))
    take(made, post(ANGRY, native_id="first", thread_id="thread", at=NOW - HOUR))
    return made


@pytest.mark.parametrize(("beyond", "kept"), [(-1, 1.0), (1, 0.0)])
def test_after_a_first_word_in_time_the_report_measures_the_answer_by_the_next_target(
    patient: Assembly, beyond: int, kept: float
) -> None:
    """It would be late by the first target; the next one began with the first word."""
    acme = patient
    targets, opening = acme.rules.targets_for("normal"), acme.rules.hours_for("normal")
    held = NOW - 50 * MINUTE
    reply(acme, LOOKING, at=held)
    answered = hours.add(held, targets.next + beyond * MINUTE, opening)
    assert reply(acme, ANSWER, at=answered) == 1
    found = figures(acme, answered + DAY)
    assert (found.to_answer.within, found.to_answer.due) == (kept, 1)
    assert found.first_word.within == 1.0


@pytest.mark.parametrize(("beyond", "kept"), [(-1, 1.0), (1, 0.5)])
def test_the_second_wait_of_a_person_is_measured_by_the_next_target(
    patient: Assembly, beyond: int, kept: float
) -> None:
    acme = patient
    targets, opening = acme.rules.targets_for("normal"), acme.rules.hours_for("normal")
    reply(acme, ANSWER, at=NOW - 50 * MINUTE)
    take(acme, post(LATE, native_id="again", thread_id="thread", at=NOW), now=NOW)
    answered = hours.add(NOW, targets.next + beyond * MINUTE, opening)
    assert reply(acme, ANSWER, to="again", at=answered) == 1
    found = figures(acme, answered + DAY)
    assert (found.turns, found.to_answer.due, found.to_answer.within) == (2, 2, kept)


def test_an_automatic_reply_is_kept_with_its_reason_and_stops_nothing(acme: Assembly) -> None:
    due = olga(acme).due_at
    assert reply(acme, "Hi Olga, thank you for contacting us.", native_id="auto") == 0
    assert (olga(acme).due_at, olga(acme).held, olga(acme).first_word_at) == (due, False, None)
    (own,) = key_values.own_posts_of_case(acme.database, "1")
    assert (own["kind"], own["reason"]) == ("automatic", "matches an automatic reply in the settings")
    assert figures(acme).first_word.n == 0


def test_an_automatic_reply_that_was_read_before_its_post_stops_nothing_either(acme: Assembly) -> None:
    reply(acme, "Thank you for contacting us!", to="late", at=NOW - 5 * MINUTE)
    take(acme, post(LATE, native_id="late", author="mira", thread_id="late", at=NOW - 10 * MINUTE))
    assert case(acme.database, "2").answered_at is None


def machine(acme: Assembly, number: int, *, after: float = 5) -> None:
    """Somebody complains of something of their own, and our account says the same words within seconds."""
    at = NOW - HOUR + number * 5 * MINUTE
    said = f"acme broke my {('boiler', 'phone', 'invoice', 'delivery', 'garden')[number]} number {number * 7}, terrible"
    take(acme, post(said, native_id=f"p{number}", author=f"a{number}", thread_id=f"p{number}", at=at))
    words = f"Hi Customer{number}, press the red button."
    reply(acme, words, to=f"p{number}", at=at + after * MINUTE / 60, native_id=f"r{number}")


def test_five_prompt_replies_in_the_same_words_were_a_machine_and_the_first_four_are_turned(acme: Assembly) -> None:
    for number in range(4):
        machine(acme, number)
    answered = [row for row in cases.find(acme.database, cases.Filter()) if row["answered_at"]]
    assert len(answered) == 4, "so far it may have been a quick colleague"
    machine(acme, 4)
    found = [cases.case_of(row) for row in cases.find(acme.database, cases.Filter())]
    assert [each.id for each in found if each.answered_at is not None] == []
    assert figures(acme).answered == 0


def test_prompt_but_by_a_person_within_a_minute_stays_an_answer(acme: Assembly) -> None:
    for number in range(5):
        machine(acme, number, after=30)
    assert sum(bool(row["answered_at"]) for row in cases.find(acme.database, cases.Filter())) == 5


def test_sent_on_stays_with_somebody_calls_nobody_and_counts_as_a_first_word(acme: Assembly) -> None:
    assert reply(acme, DM, at=NOW - 40 * MINUTE) == 1
    found = olga(acme)
    assert (found.sent_on, found.owner, found.next_step_at) == (True, "Lea", None)
    report = figures(acme, NOW + 30 * DAY)
    assert (report.answered, report.private, report.first_word.within, report.to_answer.due) == (0, 1, 1.0, 1)


def test_an_answer_in_public_after_sending_on_is_the_answer(acme: Assembly) -> None:
    reply(acme, DM, at=NOW - 40 * MINUTE)
    assert reply(acme, ANSWER, at=NOW - 10 * MINUTE) == 1
    assert (olga(acme).sent_on, olga(acme).answered_at) == (False, NOW - 10 * MINUTE)
    assert (figures(acme).answered, figures(acme).private) == (1, 0)
    assert figures(acme).first_word.median == 20 * MINUTE


def test_sent_on_is_set_back_where_an_earlier_answer_is_seen_later(acme: Assembly) -> None:
    reply(acme, DM, at=NOW - 10 * MINUTE)
    assert reply(acme, ANSWER, at=NOW - 30 * MINUTE) == 1
    assert (olga(acme).sent_on, olga(acme).answered_at) == (False, NOW - 30 * MINUTE)


def test_whoever_was_sent_on_and_writes_in_public_again_is_urgent_whatever_they_say(acme: Assembly) -> None:
    reply(acme, DM)
    take(acme, post("hello?", native_id="again", thread_id="thread", at=NOW + HOUR), now=NOW + HOUR)
    found = olga(acme)
    assert (found.state_at(NOW + HOUR), found.priority, found.sent_on) == ("taken", "urgent", False)
    assert found.due_at is not None
    assert any("writes again" in row.reason for row in messages(acme.database))


def test_their_owner_is_asked_once_a_day_in_one_line_and_one_press_settles_all(acme: Assembly) -> None:
    take(acme, post(LATE, author="mira", native_id="m", thread_id="m", at=NOW - HOUR))
    reply(acme, DM)
    reply(acme, DM, to="m")
    morning = NOW + DAY
    assert own_lists(acme.database, acme.rules, morning) == 1
    assert own_lists(acme.database, acme.rules, morning + MINUTE) == 0, "once a day"
    (row,) = [each for each in messages(acme.database) if each.about.startswith("list:own:")]
    alert = rendering.compose(acme.database, acme.rules, row, [row], morning).alert
    (entry,) = alert.entries
    assert entry.headline == "2 of Lea's cases moved to private messages: solved, or still open?", "others read it too"
    assert [(each.verb, each.label) for each in entry.actions] == [("all_solved", "All solved")]
    with acme.database.transaction():
        assert all_solved(acme.database, acme.rules, of_settings("Lea"), "slack", morning) == 2
    assert {case(acme.database, each).outcome for each in "12"} == {"solved"}


def test_the_line_of_an_owner_who_is_away_is_read_where_their_colleagues_are(
    database: Sqlite | Postgresql, tmp_path: Path
) -> None:
    """It went to the owner alone, on holiday; after five days what it asked about closed as unknown."""
    channels = "".join(f'[[channels]]\nname = "{each}"\nkind = "console"\n' for each in ("console", "own"))
    people = PEOPLE.replace('"Lea"', '"Lea"\ntargets = ["own"]')
    made = assembly_of(database, settings_from(tmp_path, channels=channels, tables=people))
    take(made, post(ANGRY, native_id="first", thread_id="thread", at=NOW - HOUR))
    reply(made, DM)
    assert olga(made).owner == "Lea"

    def targets(day: datetime) -> set[str]:
        own_lists(database, made.rules, day)
        about = f"list:own:{day:%Y-%m-%d}"
        return {each.target for each in messages(database) if each.about.startswith(about)}

    assert "own" in targets(NOW + DAY)
    with database.transaction():
        handing_over.go_away(database, made.rules, of_settings("Lea"), "2026-03-18", way="page", now=NOW + DAY + HOUR)
    assert targets(NOW + 2 * DAY) == {"console"}


def test_the_one_press_of_a_line_settles_what_was_sent_on_when_it_was_written(acme: Assembly) -> None:
    """Pressed in the afternoon, it closed as solved what was sent on since the morning, and that it never named."""
    take(acme, post(LATE, author="mira", native_id="m", thread_id="m", at=NOW - HOUR))
    reply(acme, DM)
    morning = NOW + DAY
    assert own_lists(acme.database, acme.rules, morning) == 1
    reply(acme, DM, to="m", at=morning + HOUR)
    (row,) = [each for each in messages(acme.database) if each.about.startswith("list:own:")]
    (entry,) = rendering.compose(acme.database, acme.rules, row, [row], morning + HOUR).alert.entries
    (press,) = entry.actions
    lea = of_settings("Lea")
    with acme.database.transaction():
        for solved in (1, 0):
            when = morning + 2 * HOUR
            assert all_solved(acme.database, acme.rules, lea, "slack", when, owner_id=press.case_id) == solved
    assert [case(acme.database, each).outcome for each in "12"] == ["solved", ""]


def test_however_many_are_late_each_owner_has_their_line_and_it_counts_all(acme: Assembly) -> None:
    """Of all owners together the 500 oldest were named, and of one 200: whose came later was never asked."""
    row = cases.row_of(acme.database, "1")
    assert row is not None
    same = {**{key: row[key] for key in cases.COLUMNS}, "resolve_due_at": stamp(NOW - HOUR), "next_step_at": ""}
    owners = [*["Lea"] * 598, "Ana"]
    made = [
        {**same, "id": str(number), "n": number, "owner": who, "owner_id": of_settings(who).id}
        for number, who in enumerate(owners, 2)
    ]
    cases.add(acme.database, made)
    assert own_lists(acme.database, acme.rules, NOW) == 2
    rows = [each for each in messages(acme.database) if each.about.startswith("list:own:")]
    said = [rendering.compose(acme.database, acme.rules, each, [each], NOW).alert.entries[0].headline for each in rows]
    assert sorted(said) == ["1 of Ana's cases past the deadline for solving them",
                            "598 of Lea's cases past the deadline for solving them"]  # fmt: skip


def test_what_went_on_in_private_closes_after_five_days_as_unknown(acme: Assembly) -> None:
    reply(acme, DM)
    list_of_the_day.queue_lists(acme.database, acme.rules, NOW + PRIVATE_ENDS - MINUTE)
    assert olga(acme).closed_at is None
    list_of_the_day.queue_lists(acme.database, acme.rules, NOW + PRIVATE_ENDS)
    assert olga(acme).outcome == "went_private"
    said = case_words.standing(acme.rules, olga(acme), NOW + PRIVATE_ENDS)
    assert said == "closed by Earful: moved to private messages, outcome unknown"
    assert figures(acme, NOW + 6 * DAY).to_resolve.n == 0


def test_past_the_time_to_be_settled_is_a_line_in_the_owners_list_and_no_call(acme: Assembly) -> None:
    say(acme, "take")
    reply(acme, ANSWER, at=NOW + MINUTE)
    late = NOW + 7 * DAY
    before = len(deliveries.due(acme.database, "console", late))
    own_lists(acme.database, acme.rules, late)
    (row,) = [each for each in messages(acme.database) if each.about.startswith("list:own:")]
    alert = rendering.compose(acme.database, acme.rules, row, [row], late).alert
    assert [entry.headline for entry in alert.entries] == ["1 of Ana's cases past the deadline for solving them"]
    assert alert.ping == ()
    assert len(deliveries.due(acme.database, "console", late)) == before + 1


def test_each_guess_stands_beside_the_press_that_turns_it(acme: Assembly) -> None:
    """In Slack and in mails alike: a message shows what its case can be turned into."""

    def offered() -> list[str]:
        (row,) = [each for each in messages(acme.database) if each.about.startswith("story:")]
        (entry,) = rendering.compose(acme.database, acme.rules, row, [row], NOW).alert.entries
        return [each.label for each in entry.actions]

    assert offered() == ["I have it", "No answer needed"]
    reply(acme, LOOKING)
    assert offered() == ["That was the answer", "More"]
    reply(acme, ANSWER, at=NOW + MINUTE)
    assert offered() == ["Not answered"]


@pytest.mark.parametrize("verb", ["not_answered", "reopen"])
def test_not_answered_and_reopen_of_an_answered_case_start_the_next_clock(acme: Assembly, verb: str) -> None:
    reply(acme, ANSWER, at=NOW - 30 * MINUTE)
    assert say(acme, verb).changed
    found = olga(acme)
    assert found.state_at(NOW) == "open"
    assert found.due_at == NOW + acme.rules.targets_for(found.priority).next
    assert found.next_step_at is not None or found.priority in {"normal", "gentle"}
    assert figures(acme).answered == 0, "the wait goes on"
    (own,) = key_values.own_posts_of_case(acme.database, "1")
    assert (own["kind"], own["turned_by"]) == ("holding", "Ana")
    say(acme, "undo", now=NOW + MINUTE)
    assert olga(acme).state_at(NOW + MINUTE) == "answered"


def test_a_closed_and_answered_case_that_is_reopened_waits_again(acme: Assembly) -> None:
    reply(acme, ANSWER, at=NOW - 30 * MINUTE)
    say(acme, "close", outcome="solved")
    say(acme, "reopen", now=NOW + MINUTE)
    found = olga(acme)
    assert (found.closed_at, found.state_at(NOW + MINUTE)) == (None, "open")
    assert found.due_at == NOW + MINUTE + acme.rules.targets_for(found.priority).next


def test_a_first_word_that_was_the_answer_is_turned_by_one_press(acme: Assembly) -> None:
    reply(acme, LOOKING, at=NOW - 30 * MINUTE, native_id="r1")
    say(acme, "answered", reply="r1")
    assert olga(acme).answered_at == NOW - 30 * MINUTE, "the network's own time, not that of the press"
    assert figures(acme).to_answer.median == 30 * MINUTE, "and so says the report"
    (own,) = key_values.own_posts_of_case(acme.database, "1")
    assert (own["kind"], own["reason"]) == ("answer", "marked by Ana")


def test_what_they_wrote_after_a_reply_that_is_called_the_answer_waits_for_the_next_one(acme: Assembly) -> None:
    """As where the network's own reply is seen late: it answers what came before it."""
    reply(acme, LOOKING, at=NOW - 30 * MINUTE, native_id="r1")
    take(acme, post(LATE, native_id="next", thread_id="thread", at=NOW - 10 * MINUTE))
    said = say(acme, "answered", reply="r1")
    assert said.text == "marked as the answer by Ana; what they wrote since waits"
    found = olga(acme)
    assert (found.answered_at, found.asked_at, found.held) == (NOW - 30 * MINUTE, NOW - 10 * MINUTE, False)
    assert found.state_at(NOW) == "taken"
    assert found.due_at == acme.rules.clock(found.priority, NOW - 10 * MINUTE, again=True).due_at
    assert figures(acme).answered == 1
    reply(acme, ANSWER, to="next", at=NOW + MINUTE)
    assert (olga(acme).answered_at, figures(acme).answered) == (NOW + MINUTE, 2)


def test_a_reply_that_was_seen_can_be_undone(acme: Assembly) -> None:
    before = olga(acme)
    reply(acme, ANSWER)
    say(acme, "undo", now=NOW + MINUTE)
    after = olga(acme)
    assert (after.answered_at, after.due_at, after.state_at(NOW)) == (None, before.due_at, "open")
    assert after.next_step_at == before.next_step_at
    assert reply(acme, ANSWER) == 0 or olga(acme).answered_at is not None


def test_closed_as_solved_by_hand_is_never_called_never_answered(acme: Assembly) -> None:
    say(acme, "close", outcome="solved")
    take(acme, post(LATE, native_id="next", thread_id="elsewhere", at=NOW + HOUR), now=NOW + HOUR)
    again = case(acme.database, "2")
    assert "was not answered before" not in again.priority_reasons
    rows = [cases.row_of(acme.database, "2")]
    history = rendering.history_of(acme.database, [row for row in rows if row], NOW + HOUR)
    facts = case_words.facts_of(acme.rules, rows[0], again, None, history["2"], NOW + HOUR)  # type: ignore[arg-type]
    assert not any("never answered" in fact for fact in facts)


def test_an_answer_to_a_post_that_was_never_stored_is_the_answer_to_its_author(acme: Assembly) -> None:
    """Olga's second post had no brand word: our reply below it names her as whom it answers."""
    made: Post = post(
        ANSWER, author="acme_care", parent_id="unknown", parent_author="@Olga", thread_id="thread", at=NOW
    )
    with acme.database.transaction():
        assert acme.answers.take([made], NOW) == 1
    assert olga(acme).answered_at == NOW


@pytest.mark.parametrize(("author", "thread"), [("mira", "thread"), ("olga", "another thread"), ("", "thread")])
def test_an_answer_to_somebody_else_or_elsewhere_is_not(acme: Assembly, author: str, thread: str) -> None:
    made = post(ANSWER, author="acme_care", parent_id="unknown", parent_author=author, thread_id=thread, at=NOW)
    with acme.database.transaction():
        assert acme.answers.take([made], NOW) == 0
    assert olga(acme).answered_at is None


def test_every_line_of_the_log_has_words_for_people() -> None:
    for what in ("first word", "first word again", "answered in public", "not_answered", "automatic reply"):
        assert words_of(what) != what


def test_a_case_that_is_let_go_calls_people_from_the_beginning_again(acme: Assembly) -> None:
    take(acme, post("Acme charged me twice, I want my money back", author="max", at=NOW - HOUR))
    actions.say(acme.database, acme.rules, "2", "take", who=of_settings("Ana"), way="page", now=NOW)
    later = NOW + 3 * HOUR
    actions.say(acme.database, acme.rules, "2", "release", who=of_settings("Ana"), way="page", now=later)
    row = cases.row_of(acme.database, "2")
    assert row is not None
    assert row["step"] == 0
    fresh = acme.rules.clock(row["priority"], later).chain
    assert ladder.chain_of(row["chain"]) == tuple(fresh)
    assert fresh[0].at > later, "an urgent case has steps"


def test_an_answer_to_what_came_before_leaves_the_next_clock_running_with_its_steps(patient: Assembly) -> None:
    """They wrote again before our answer was seen: what it answers is behind them, and they wait by the next target."""
    acme = patient
    take(acme, post(LATE, native_id="again", thread_id="thread", at=NOW - 10 * MINUTE), now=NOW)
    assert reply(acme, ANSWER, at=NOW - 30 * MINUTE) == 1
    clock = acme.rules.clock("normal", NOW - 10 * MINUTE, again=True)
    found = olga(acme)
    assert (found.answered_at, found.due_at) == (NOW - 30 * MINUTE, clock.due_at)
    assert found.chain == ladder.chain_text(clock.chain)
    assert found.state_at(NOW) == "open"


def test_an_answer_to_what_came_before_gives_an_entry_of_the_list_no_steps(patient: Assembly) -> None:
    acme = patient
    for name, words, minutes in (("q1", ASKING, 50), ("q2", "I wish Acme would ship to Sweden", 10)):
        take(acme, post(words, author="quin", native_id=name, thread_id="q", at=NOW - minutes * MINUTE), now=NOW)
    made = post(ANSWER, author="acme_care", parent_id="q1", thread_id="q", at=NOW - 30 * MINUTE)
    with acme.database.transaction():
        assert acme.answers.take([made], NOW) == 1
    found = case(acme.database, "2")
    assert (found.lane, found.answered_at, found.chain) == ("sweep", NOW - 30 * MINUTE, "[]")


def test_a_second_answer_of_the_same_second_changes_nothing(acme: Assembly) -> None:
    at = NOW - 10 * MINUTE
    assert reply(acme, ANSWER, at=at, native_id="r1") == 1
    before = lines(acme.database, "1")
    assert reply(acme, "Your refund is on its way.", at=at, native_id="r2") == 0
    assert lines(acme.database, "1") == before


def test_an_answer_in_the_second_in_which_they_wrote_again_answers_that(acme: Assembly) -> None:
    reply(acme, ANSWER, at=NOW - 30 * MINUTE)
    take(acme, post(LATE, native_id="again", thread_id="thread", at=NOW), now=NOW)
    assert reply(acme, ANSWER, at=NOW, native_id="r2") == 1
    assert olga(acme).answered_at == NOW


def test_a_machine_takes_back_what_it_answered_itself_and_nothing_else(acme: Assembly) -> None:
    reply(acme, ANSWER, at=NOW - 10 * MINUTE, url="https://forum.example/r1")
    with acme.database.transaction():
        take_back(acme.database, acme.rules, olga(acme), "https://forum.example/other", "a machine", NOW)
    assert olga(acme).answered_at == NOW - 10 * MINUTE
    with acme.database.transaction():
        take_back(acme.database, acme.rules, olga(acme), "https://forum.example/r1", "a machine", NOW)
    assert olga(acme).answered_at is None


def test_who_says_that_it_was_the_answer_says_it_of_our_newest_reply_alone(acme: Assembly) -> None:
    reply(acme, LOOKING, at=NOW - 30 * MINUTE, native_id="r1")
    reply(acme, "Sorry to hear that!", at=NOW - 20 * MINUTE, native_id="r2")
    say(acme, "answered")
    assert [row["kind"] for row in key_values.own_posts_of_case(acme.database, "1")] == ["holding", "answer"]
