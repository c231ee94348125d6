"""What people can say of a case: once, logged, undone within ten minutes, and only one of many is first."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.cases import verbs
from monitor.cases.actions import Said, say
from monitor.notify.case_words import facts_of
from monitor.people.actors import NotPossible
from monitor.store import cases, key_values, mentions
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.helpers import (
    ANGRY,
    HOUR,
    INJURY,
    LATE,
    MINUTE,
    NOW,
    assembly_of,
    case,
    count,
    lines,
    messages,
    post,
    settings_from,
    take,
)


@pytest.fixture
def acme(database: Sqlite | Postgresql, tmp_path: Path) -> Assembly:
    """One open case."""
    made = assembly_of(database, settings_from(tmp_path))
    take(made, post(ANGRY, thread_id="thread", native_id="first"))
    return made


def tell(acme: Assembly, verb: str, who: str = "ANA", *, now=NOW, case_id: str = "1", **detail: object) -> Said:  # type: ignore[no-untyped-def]
    """Say it from the command line."""
    return say(acme.database, acme.rules, case_id, verb, who=who, way="cli", now=now, detail=detail)


def test_whoever_takes_a_case_has_it_and_a_second_one_hears_who_was_first(acme: Assembly) -> None:
    first = tell(acme, "take")
    second = tell(acme, "take", "BEN", now=NOW + MINUTE)
    assert (first.changed, first.text) == (True, "taken by ANA, 10:00")
    assert (second.changed, second.text) == (False, "ANA already took it at 10:00")
    assert case(acme.database, "1").owner == "ANA"
    assert lines(acme.database, "1") == ["open", "take"]


def test_saying_it_twice_changes_nothing(acme: Assembly) -> None:
    details = {"wants": {"text": "a refund"}, "close": {"outcome": "solved"}, "assign": {"owner": "BEN"}}
    for verb in ("take", "wants", "assign", "answered", "close"):
        assert tell(acme, verb, **details.get(verb, {})).changed
        before = len(lines(acme.database, "1"))
        assert not tell(acme, verb, now=NOW + MINUTE, **details.get(verb, {})).changed
        assert len(lines(acme.database, "1")) == before


def test_a_thousand_takes_at_once_make_one_owner(acme: Assembly) -> None:
    """Forty threads, each with a connection of its own, all asking for the same hundred cases."""
    dialect = acme.database.dialect
    threads, each = (40, 25) if dialect == "sqlite" else (16, 10)
    take(acme, *(post(f"{LATE} number {n} {n * 7} {n * 13}", author=f"c{n}", native_id=f"c{n}") for n in range(each)))
    ids = sorted((row["id"] for row in acme.database.rows("SELECT id FROM cases WHERE author LIKE 'c%'")), key=int)
    barrier = threading.Barrier(threads)
    won: list[tuple[str, str]] = []
    failed: list[BaseException] = []

    def ask(who: str) -> None:
        barrier.wait()
        try:
            won.extend((each, who) for each in ids if tell(acme, "take", who, case_id=each).changed)
        except BaseException as error:
            failed.append(error)

    people = [threading.Thread(target=ask, args=(f"P{n}",)) for n in range(threads)]
    for person in people:
        person.start()
    for person in people:
        person.join(60)
    assert failed == []
    assert sorted((case_id for case_id, _who in won), key=int) == ids
    assert {case_id: case(acme.database, case_id).owner for case_id in ids} == dict(won)
    assert count(acme.database, "case_log", "what = 'take'") == len(ids)


def test_what_was_said_can_be_taken_back_for_ten_minutes(acme: Assembly) -> None:
    before = cases.row_of(acme.database, "1")
    tell(acme, "take")
    undone = tell(acme, "undo", "BEN", now=NOW + 10 * MINUTE)
    after = cases.row_of(acme.database, "1")
    assert undone.text == "take undone by BEN"
    assert before is not None
    assert after is not None
    changed = {key for key in after.keys() if after[key] != before[key]}  # noqa: SIM118 - sqlite3's rows are no dicts
    assert changed == {"revision"}
    assert lines(acme.database, "1") == ["open", "take", "undo"]


def test_after_ten_minutes_it_stands(acme: Assembly) -> None:
    tell(acme, "take")
    with pytest.raises(NotPossible, match="last ten minutes"):
        tell(acme, "undo", now=NOW + 10 * MINUTE + MINUTE)
    assert case(acme.database, "1").owner == "ANA"


def test_undo_takes_back_one_thing_at_a_time_and_never_twice(acme: Assembly) -> None:
    tell(acme, "take")
    tell(acme, "wants", text="a refund")
    tell(acme, "undo")
    assert (case(acme.database, "1").owner, case(acme.database, "1").wants) == ("ANA", "")
    tell(acme, "undo")
    assert case(acme.database, "1").owner == ""
    with pytest.raises(NotPossible):
        tell(acme, "undo")


def test_undo_keeps_what_the_network_has_said_in_between(acme: Assembly) -> None:
    """Taken at ten, answered in public at two past: taking back the take does not make the customer wait again."""
    tell(acme, "take")
    with acme.database.transaction():
        acme.answers.take(
            [post("Sorry! It is fixed.", author="acme_care", parent_id="first", at=NOW + 2 * MINUTE)], NOW + 3 * MINUTE
        )
    tell(acme, "undo", now=NOW + 5 * MINUTE)
    found = case(acme.database, "1")
    assert (found.owner, found.answered_at) == ("", NOW + 2 * MINUTE)
    assert found.next_step_at is None


def test_dismissing_teaches_and_undoing_takes_the_lesson_back(acme: Assembly) -> None:
    tell(acme, "dismiss", why="not_us")
    assert [row["answer"] for row in key_values.labels_of(acme.database, "Acme")] == ["not_us"]
    tell(acme, "undo")
    assert key_values.labels_of(acme.database, "Acme") == []


def test_snoozed_and_waiting_are_states_that_end(acme: Assembly) -> None:
    tell(acme, "snooze", until=NOW + HOUR)
    snoozed = case(acme.database, "1")
    assert (snoozed.state_at(NOW), snoozed.state_at(NOW + HOUR)) == ("snoozed", "open")
    assert snoozed.next_step_at == NOW + HOUR
    tell(acme, "wait", on="the courier", until=NOW + 2 * HOUR)
    assert case(acme.database, "1").state_at(NOW) == "waiting"


def test_letting_go_opens_the_case_again_with_a_fresh_chain(acme: Assembly) -> None:
    tell(acme, "take")
    tell(acme, "release", now=NOW + HOUR)
    assert case(acme.database, "1").state_at(NOW + HOUR) == "open"


@pytest.mark.parametrize(
    ("verb", "detail", "words"),
    [
        ("dance", {}, "unknown action"),
        ("close", {"outcome": "eaten"}, "outcome 'eaten'"),
        ("close", {}, "set the outcome of case 1: one of solved, could_not_be_solved, no_answer_needed"),
        ("close", {"why": "because"}, "why 'because'"),
        ("note", {"text": "  "}, "needs text"),
        ("assign", {}, "name the new owner"),
        ("snooze", {"until": "tomorrow"}, "write a time such as"),
        ("snooze", {"until": "2026-03-05T09:00"}, "with its zone"),
        ("undo", {}, "nothing to undo"),
    ],
)
def test_what_cannot_be_said_is_refused_in_words_and_changes_nothing(
    acme: Assembly, verb: str, detail: dict[str, str], words: str
) -> None:
    before = cases.row_of(acme.database, "1")
    with pytest.raises(NotPossible, match=words):
        tell(acme, verb, **detail)
    after = cases.row_of(acme.database, "1")
    assert before is not None
    assert after is not None
    assert tuple(before.values() if isinstance(before, dict) else before) == tuple(
        after.values() if isinstance(after, dict) else after
    )


def test_an_unknown_case_is_named(acme: Assembly) -> None:
    with pytest.raises(NotPossible, match="no case 999"):
        tell(acme, "take", case_id="999")


def test_a_closed_case_hears_only_that_it_is_to_be_reopened(acme: Assembly) -> None:
    tell(acme, "close", outcome="solved")
    with pytest.raises(NotPossible, match="reopen it first"):
        tell(acme, "take", "BEN")
    assert tell(acme, "reopen", now=NOW + HOUR).changed
    assert tell(acme, "take", "BEN", now=NOW + HOUR).changed


def test_a_hostile_note_is_kept_and_cannot_break_the_log(acme: Assembly) -> None:
    tell(acme, "note", text="\x00<script>'; DROP TABLE cases; -- \u2028")
    tell(acme, "wants", text="\x00refund \ud800")
    assert lines(acme.database, "1") == ["open", "note", "wants"]


def test_the_message_that_shows_a_case_is_edited_when_it_is_taken(acme: Assembly) -> None:
    acme.database.run("UPDATE deliveries SET state = 'sent', receipt = 'r'")
    tell(acme, "take")
    edits = [row for row in messages(acme.database) if row.action == "edit"]
    assert [(row.reason, row.urgent) for row in edits] == [("taken by ANA, 10:00", True)]


def test_the_message_of_a_story_is_edited_for_whoever_joined_it_and_not_for_others(acme: Assembly) -> None:
    """Somebody who says the same words stands in the first one's message; another story has a message of its own."""
    take(acme, post(ANGRY, author="ben", native_id="b"), post(LATE, author="kim", native_id="k"))
    acme.database.run("UPDATE deliveries SET state = 'sent', receipt = 'r'")
    tell(acme, "take", case_id="2")
    (root,) = [row for row in messages(acme.database) if row.about == "story:1"]
    edits = [row.about for row in messages(acme.database) if row.action == "edit"]
    assert edits == [f"message:{root.id}"]


def test_every_verb_that_is_offered_is_known() -> None:
    assert set(verbs.VERBS) >= {"take", "answered", "close", "dismiss", "snooze", "wait", "assign", "wants", "undo"}


def test_whoever_is_given_a_case_is_called_by_whichever_way_it_was_said(
    database: Sqlite | Postgresql, tmp_path: Path
) -> None:
    people = "".join(f'[[people]]\nname = "{name}"\nslack = "U{name}"\n' for name in ("ANA", "BEN"))
    acme = assembly_of(database, settings_from(tmp_path, tables=people))
    take(acme, post(ANGRY))
    tell(acme, "assign", owner="BEN", note="She wants her money back")
    reasons = [row["reason"] for row in database.rows("SELECT reason FROM deliveries WHERE about = 'case:1'")]
    assert reasons == ["handed to BEN by ANA"]
    assert lines(database, "1") == ["open", "assign", "note"]
    tell(acme, "assign", owner="ANA", now=NOW + MINUTE)
    assert count(database, "deliveries", "about = 'case:1'") == 1, "who takes it for themselves need not be told"


def test_praise_is_a_gentle_case_that_calls_nobody_and_teaches_no_complaint(
    database: Sqlite | Postgresql, tmp_path: Path
) -> None:
    acme = assembly_of(database, settings_from(tmp_path))
    (case_id,) = take(acme, post("@acme thank you so much, Acme's Priya was wonderful and so helpful!", author="noor"))
    found = case(database, case_id)
    assert (found.lane, found.priority, found.priority_reasons) == ("sweep", "gentle", ("praise worth thanks",))
    assert count(database, "deliveries") == 0
    tell(acme, "take", case_id=case_id)
    tell(acme, "close", case_id=case_id, outcome="solved")
    assert count(database, "labels") == 0


def test_thanks_for_our_answer_does_not_begin_a_new_wait(acme: Assembly) -> None:
    tell(acme, "answered")
    take(
        acme,
        post("@acme thank you so much, Acme is wonderful and so helpful!", thread_id="thread", at=NOW + HOUR),
        now=NOW + HOUR,
    )
    found = case(acme.database, "1")
    assert found.state_at(NOW + HOUR) == "answered"
    assert count(acme.database, "mentions", "case_id = '1'") == 2
    assert "again" not in lines(acme.database, "1")


def test_a_fact_about_a_mood_is_said_once(acme: Assembly) -> None:
    row = cases.row_of(acme.database, "1")
    assert row is not None
    found = case(acme.database, "1")
    (worst,) = mentions.of_case(acme.database, "1")
    facts = facts_of(acme.rules, row, replace(found, priority_reasons=("very negative",)), worst, [], NOW)
    moods = [fact for fact in facts if "negative" in fact]
    assert len(moods) == 1
    assert moods[0].startswith("very negative")


@pytest.mark.parametrize(("words", "urgent"), [(ANGRY, False), (INJURY, True)])
@pytest.mark.parametrize("note", ["", "she called twice"])
def test_whom_a_case_is_given_to_reads_the_note_and_is_woken_where_it_is_critical(
    sqlite: Sqlite, tmp_path: Path, words: str, urgent: bool, note: str
) -> None:
    people = "".join(f'[[people]]\nname = "{name}"\n' for name in ("ANA", "BEN"))
    acme = assembly_of(sqlite, settings_from(tmp_path, tables=people))
    (given,) = take(acme, post(words, author="ida", thread_id="ida"))
    detail = {"note": note} if note else {}
    assert tell(acme, "assign", case_id=given, owner="BEN", **detail).changed
    (row,) = [each for each in messages(acme.database) if each.about == f"case:{given}"]
    assert row.urgent is urgent
    assert row.payload["footer"] == (f"ANA: {note}" if note else "")
