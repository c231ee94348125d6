"""One press is one issue: whatever the tracker answers, whoever presses beside it, wherever the process dies."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.people.actors import NotAllowed, NotPossible
from monitor.people.identity import of_mail, of_pager, of_settings, of_token
from monitor.privacy import forgetting, holds
from monitor.store import audit, cause_changes, issues, problems
from monitor.store.sqlite import Sqlite
from monitor.trackers import creating, following, prefill
from tests.fakes.server import Reply
from tests.helpers import NOW, assembly_of, count, settings_from
from tests.trackers.world import World


def test_a_case_becomes_an_issue_in_one_press_and_both_know_it(here: World) -> None:
    pressed = here.press()
    assert (pressed.state, pressed.words) == ("open", "created acme/kettle#1")
    ((title, body),) = here.there.texts()
    assert title.startswith("Customer report: ")
    assert "olga" not in body
    (row,) = here.rows()
    assert (row.state, row.native_id, row.url) == ("open", "acme/kettle#1", "https://github.com/acme/kettle/issues/1")
    assert (row.who, row.way) == ("Ana", "page")
    assert here.log()[-1] == "issue"
    (line,) = [each for each in audit.lines(here.database, audit.Filter(), 50) if each.event == "issue created"]
    assert (line.who, line.about, line.detail["of"]) == ("Ana", "acme/kettle#1", f"case {here.case_id}")
    assert "charged" not in str(line.detail), "the audit log holds no words of posts"


def test_the_text_of_an_issue_is_not_kept(here: World) -> None:
    here.press()
    here.press(here.problem)
    assert "wrong box" not in str([tuple(row) for row in here.database.rows("SELECT * FROM issues")])
    assert here.rows()[0].title.startswith("Customer report: ")
    assert here.rows(here.problem)[0].title == ""


def test_a_problems_issue_is_linked_with_its_cause(here: World) -> None:
    assert here.press(here.problem).state == "open"
    problem = next(row for row in problems.counted(here.database) if row["id"] == 1)
    assert problem["issue_url"] == "https://github.com/acme/kettle/issues/1"
    change = cause_changes.last(here.database, "Acme")
    assert change is not None
    assert (change["what"], change["who"]) == ("edit", "Ana"), "and that can be undone"


def test_pressed_twice_at_once_or_by_two_it_is_one_issue(both: World) -> None:
    both.press(issue_id="form-1")
    with pytest.raises(NotPossible, match="already has the issue acme/kettle#1: https://github"):
        both.press(issue_id="form-1")
    with pytest.raises(NotPossible, match="already has the issue acme/kettle#1"):
        both.press(who="Lea")
    assert both.there.writes() == 1
    said: list[str] = []

    def beside() -> None:
        """Somebody else presses while this one is on its way."""
        both.there.before_answer = lambda: None
        with pytest.raises(NotPossible) as raised:
            both.press(both.problem, who="Lea")
        said.append(str(raised.value))

    both.there.before_answer = beside
    assert both.press(both.problem).state == "open"
    assert said == ["Ana is creating an issue at this moment; wait until that is settled"]
    assert both.there.writes() == 2
    assert both.states(both.problem) == ["open"]


def test_the_database_itself_lets_no_second_one_through(both: World) -> None:
    values = {"case_id": "7", "problem": 0, "tracker": "kettles", "title": "t", "who": "Ana", "who_id": "x",
              "way": "page", "send_key": "k"}  # fmt: skip
    now = both.clock()
    assert issues.add(both.database, now, now, id="a", **values)
    assert not issues.add(both.database, now, now, id="b", **values)
    assert not issues.add(both.database, now, now, id="a", **{**values, "case_id": "8"})
    assert issues.change(both.database, "a", ("inflight",), now, state="refused")
    assert issues.add(both.database, now, now, id="b", **values)


@pytest.mark.parametrize("status", [401, 403, 410, 422])
def test_a_refusal_creates_nothing_says_why_and_can_be_pressed_again(here: World, status: int) -> None:
    here.there.refuses = Reply(status, json={"message": "Issues are disabled"})
    pressed = here.press()
    assert pressed.state == "refused"
    assert "not created: " in pressed.words
    assert "Issues are disabled" in pressed.words
    assert (here.states(), here.log()[-1]) == (["refused"], "issue refused")
    here.there.refuses = None
    assert here.press().state == "open"
    assert here.states() == ["refused", "open"]


def test_accepted_but_lost_is_looked_up_at_once_and_never_sent_again(here: World) -> None:
    here.there.accepts_but = "drop"
    assert here.press().state == "open"
    assert (here.there.writes(), here.states()) == (1, ["open"])


def test_what_can_not_be_looked_up_is_perhaps_created_and_found_later(here: World) -> None:
    here.there.accepts_but, here.there.hidden = "ok", True
    pressed = here.press()
    assert pressed.state == "unsure"
    assert pressed.words.startswith("perhaps created, perhaps not")
    with pytest.raises(NotPossible, match="may have been created in kettles: look there first"):
        here.press(who="Lea")
    here.forward(2)
    assert here.look() == 1
    assert here.states() == ["unsure"]
    here.there.hidden = False
    here.forward(5)
    here.look()
    assert (here.states(), here.there.writes()) == (["open"], 1)
    said = f"Case {here.case_id}: your issue was created after all: acme/kettle#1"
    assert ("console:ana", said, f"http://127.0.0.1:8321/cases/{here.case_id}") in here.told()


def test_what_was_given_up_is_looked_for_again_before_the_next_press(here: World) -> None:
    """A search that shows an issue only after a quarter of an hour must not make two of it."""
    here.there.accepts_but, here.there.hidden = "ok", True
    here.press()
    for _ in range(20):
        here.forward(1)
        here.look()
    assert (here.states(), here.log()[-1]) == (["missing"], "issue missing")
    here.there.accepts_but, here.there.hidden = "", False
    pressed = here.press()
    assert pressed.words == "it was created before: acme/kettle#1"
    assert (here.states(), here.there.writes()) == (["open", "dropped"], 1)


def test_where_that_can_not_be_looked_up_nothing_is_sent(here: World) -> None:
    here.there.accepts_but, here.there.hidden = "ok", True
    here.press()
    (row,) = here.rows()
    following.not_there(here.tracking, row.id, who="Ana", way="page", now=here.clock())
    here.there.server.mode = "500"
    pressed = here.press()
    assert pressed.state == "refused"
    assert (here.there.writes(), here.states()) == (1, ["missing", "refused"])
    here.there.server.mode, here.there.accepts_but = "ok", ""
    assert here.press().state == "open"
    assert here.there.writes() == 2, "somebody looked, and it was not there"


@pytest.mark.parametrize("arrived", [False, True])
def test_killed_in_a_press_it_is_found_or_said_to_be_missing_and_never_sent_by_itself(
    here: World, arrived: bool
) -> None:
    """What a press leaves behind that died before its answer: the row in flight, and perhaps the issue."""
    values = {"case_id": here.case_id, "problem": 0, "tracker": "kettles", "title": "The lid", "who": "Ana",
              "who_id": "settings:Ana", "way": "page", "send_key": "00112233"}  # fmt: skip
    issues.add(here.database, here.clock(), here.clock() + creating.SETTLES, id="killed", **values)
    if arrived:
        here.there.issues.append(here.there.issue("The lid", "melts\n\n<!-- earful-00112233 -->"))  # type: ignore[union-attr]
    with pytest.raises(NotPossible, match="is creating an issue at this moment"):
        here.press(who="Lea")
    assert here.look() == 0, "a press has its time"
    for _ in range(20):
        here.forward(1)
        here.look()
    assert here.there.writes() == 0
    assert here.states() == ["open" if arrived else "missing"]


def test_only_a_person_who_is_known_creates_an_issue(here: World) -> None:
    token = of_token("5f3a", "script")
    for who, way in (("Vik", "page"), ("Nobody", "page"), (token, "api"), ("Ana", "mcp"), ("Ana", "mail link"),
                     (of_mail("email:care@example.org", "Ana"), "mail link"), (of_pager("duty", "P1", "Ana"), "pager"),
                     ("Ana", "api")):  # fmt: skip
        with pytest.raises(NotAllowed):
            here.press(who=who, way=way)  # type: ignore[arg-type]
    assert (count(here.database, "issues"), here.there.server.ledger) == (0, [])


def test_what_does_not_fit_or_has_no_title_is_not_sent(here: World) -> None:
    def why(title: str, text: str, tracker: str = "kettles") -> str:
        with pytest.raises(NotPossible) as raised:
            creating.create(
                here.tracking, here.case, "f", tracker, title, text, who="Ana", way="page", now=here.clock()
            )
        return str(raised.value)

    assert "the title is empty" in why(" \n", "x")
    assert "the title has 257 characters; GitHub takes at most 256" in why("x" * 257, "x")
    assert "the text has 60,001 characters" in why("x", "x" * 60_001)
    assert "choose a tracker" in why("x", "x", "other")
    assert here.there.server.ledger == []


def test_without_a_tracker_in_the_settings_nothing_of_it_is_there(tmp_path: Path, sqlite: Sqlite) -> None:
    assembly = assembly_of(sqlite, settings_from(tmp_path))
    assert not assembly.tracking.trackers
    assert following.look(assembly.tracking, NOW) == 0


def test_what_may_not_be_told_is_not_sent_whatever_the_form_held(here: World) -> None:
    holds.hold(here.database, here.case_id, "a claim", 30, who=of_settings("Lea"), way="page", now=here.clock())
    with pytest.raises(NotPossible, match="is on hold"):
        creating.create(
            here.tracking, here.case, "f", "kettles", "A title", "its words", who="Ana", way="page", now=here.clock()
        )
    assert here.there.server.ledger == []


def test_what_was_closed_before_it_was_found_is_asked_after_at_once(here: World) -> None:
    here.there.accepts_but = "drop"
    here.there.before_answer = here.there.close
    assert here.press().state == "open"
    assert here.look() == 1
    assert here.states() == ["fixed"]


def test_whoever_is_forgotten_leaves_no_words_here_and_nobody_asks_after_it(here: World) -> None:
    here.press()
    here.there.close()
    forgetting.erase(here.database, here.assembly.rules, "forum", "@olga_k", who="Lea", way="page", now=here.clock())
    (row,) = here.rows()
    assert (row.title, row.note, row.next_look_at) == ("", "", None)
    here.forward(120)
    assert here.look() == 0
    assert here.told() == []


def test_what_nobody_knows_the_fate_of_is_let_go_with_whoever_is_forgotten(here: World) -> None:
    here.there.accepts_but, here.there.hidden = "ok", True
    here.press()
    forgetting.erase(here.database, here.assembly.rules, "forum", "@olga_k", who="Lea", way="page", now=here.clock())
    assert (here.states(), here.rows()[0].next_look_at) == (["dropped"], None)


def test_a_press_that_stood_still_until_others_looked_creates_nothing(both: World) -> None:
    """Frozen between its mark and the tracker: another process has looked for the issue by now."""
    about = both.problem
    proposed = prefill.of(both.database, both.assembly.rules, about)
    waited = iter([0.0])

    def steady() -> float:
        began = next(waited, None)
        if began is not None:
            return began
        assert following.look(both.tracking, both.clock() + creating.SETTLES) == 1
        return creating.LEAVES_WITHIN.total_seconds()

    pressed = creating.create(
        both.tracking, about, "form-1", "kettles", proposed.title, proposed.text, who="Ana", way="page",
        now=both.clock(), steady=steady,
    )  # fmt: skip
    assert (pressed.state, "sent nothing" in pressed.words) == ("refused", True)
    assert (both.there.writes(), both.states(about)) == (0, ["refused"])
    assert both.press(about).state == "open"
