"""Closed there, it comes back here: as fixed, with everybody to tell, or as closed and not fixed; once."""

from __future__ import annotations

from monitor.cases import actions, do_not_contact
from monitor.causes import problems as marking
from monitor.people.identity import of_settings
from monitor.store import cases, causes, problems
from tests.helpers import HOUR, LATE, deliver, post, take
from tests.trackers.world import World


def ask(world: World) -> None:
    world.forward(61)
    world.look()


def standing(world: World) -> tuple[bool, str, int]:
    """Whether the problem is fixed, by what, and how many are still to be told."""
    row = next(row for row in problems.counted(world.database, open_only=False) if row["id"] == 1)
    return bool(row["fixed_at"]), row["fixed_by"], row["untold"]


def test_a_problem_whose_issue_is_closed_is_fixed_and_everybody_to_tell_is_listed(both: World) -> None:
    both.press(both.problem)
    ask(both)
    assert standing(both) == (False, "", 0)
    both.there.close()
    ask(both)
    assert standing(both) == (True, "acme/kettle#1", 3)
    assert {row["author"] for row in problems.affected(both.database, 1) if not row["told_at"]} == {
        "mira",
        "kay",
        "tom",
    }
    assert both.states(both.problem) == ["fixed"]
    told = both.told()
    assert {title for _, title, _ in told} == {"Acme · Late or missing delivery: acme/kettle#1 is closed as fixed"}
    assert {remedy for _, _, remedy in told} == {"3 people to tell: http://127.0.0.1:8321/problems/1"}
    for _ in range(3):
        ask(both)
    assert both.told() == told, "once"


def test_closed_as_not_planned_is_no_fix(here: World) -> None:
    here.press(here.problem)
    here.there.close(reason="not_planned")
    ask(here)
    assert standing(here) == (False, "", 0)
    assert here.states(here.problem) == ["declined"]
    ((_, title, remedy), *_) = here.told()
    assert title.endswith("acme/kettle#1 is closed, but not as fixed (not planned)")
    assert remedy.startswith("it stays open; decide what to do: ")


def test_jira_says_by_its_resolution_whether_it_is_fixed(jira: World) -> None:
    jira.press(jira.problem)
    jira.there.close(reason="Won't Do")
    ask(jira)
    assert standing(jira) == (False, "", 0)
    jira.there.close(reason=None)
    assert jira.rows(jira.problem)[0].said == "Won't Do"
    jira.there.reopen()
    jira.press(jira.case)
    jira.there.close(2, reason="fixed")
    ask(jira)
    assert jira.states() == ["fixed"], "whatever its letters"


def test_the_owner_of_a_case_is_told_once_and_its_log_has_it(here: World) -> None:
    rules = here.assembly.rules
    here.press(who="Lea")
    actions.say(here.database, rules, here.case_id, "assign", who="Lea", way="page", now=here.clock(),
                detail={"owner": "Ana"})  # fmt: skip
    actions.say(here.database, rules, here.case_id, "close", who="Lea", way="page", now=here.clock(),
                detail={"outcome": "could_not_be_solved"})  # fmt: skip
    here.there.close()
    for _ in range(3):
        ask(here)
    assert here.log().count("issue fixed") == 1
    said = f"Case {here.case_id}: acme/kettle#1 is closed as fixed"
    assert [title for target, title, _ in here.told() if target == "console:ana"] == [said]
    assert f"tell the customer: http://127.0.0.1:8321/cases/{here.case_id}" in {each[2] for each in here.told()}
    deliver(here.assembly, here.clock)
    row = here.database.row("SELECT count(*) AS n FROM deliveries WHERE about LIKE 'notice:issue:%' AND state = 'sent'")
    assert row is not None
    assert row["n"] == len(here.told())


def test_nobody_is_woken_by_it(here: World) -> None:
    here.press()
    here.there.close()
    here.clock.forward(10 * HOUR)  # 20:00
    here.look()
    row = here.database.row("SELECT due_at FROM deliveries WHERE about LIKE 'notice:issue:%'")
    assert row is not None
    assert row["due_at"].startswith("2026-03-05T09:00")


def test_whoever_is_not_to_be_contacted_is_nobody_to_tell(here: World) -> None:
    here.press()
    case = cases.one(here.database, here.case_id)
    assert case is not None
    with here.database.transaction():
        assert do_not_contact.set_for(here.database, case, of_settings("Lea"), "page", here.clock())
    here.there.close()
    ask(here)
    ((_, _, remedy), *_) = here.told()
    assert remedy.startswith("the customer is not to be contacted: ")


def test_a_case_whose_issue_was_declined_says_so(here: World) -> None:
    here.press()
    here.there.close(reason="duplicate")
    ask(here)
    assert (here.states(), here.log()[-1]) == (["declined"], "issue declined")
    ((_, title, remedy), *_) = here.told()
    assert title.endswith("is closed, but not as fixed (a duplicate)")
    assert remedy.startswith("decide what to tell the customer: ")
    assert here.press().state == "open", "another one may be created"


def test_opened_there_again_the_problem_is_open_again(here: World) -> None:
    here.press(here.problem)
    here.there.close()
    ask(here)
    here.there.reopen()
    row = here.rows(here.problem)[0]
    here.database.run("UPDATE issues SET next_look_at = changed_at WHERE id = :id", {"id": row.id})
    ask(here)
    assert standing(here) == (False, "", 0)
    assert here.states(here.problem) == ["open"]
    here.there.close()
    ask(here)
    assert standing(here)[0]
    assert len({remedy for _, _, remedy in here.told()}) == 1
    assert len(here.told()) == 2 * len({target for target, _, _ in here.told()}), "closed twice, told twice"


def test_a_problem_that_a_person_marked_stays_as_they_said(here: World) -> None:
    here.press(here.problem)
    with here.database.transaction():
        marking.fix(here.database, 1, of_settings("Lea"), here.clock())
    here.there.close()
    ask(here)
    assert standing(here)[:2] == (True, "Lea")
    assert here.told(), "and its owner hears of it all the same"
    here.there.reopen()
    here.database.run("UPDATE issues SET next_look_at = changed_at")
    ask(here)
    assert standing(here)[:2] == (True, "Lea")


def test_closed_as_fixed_and_then_as_not_planned_it_is_no_fix_any_more(here: World) -> None:
    here.press(here.problem)
    here.there.close()
    ask(here)
    assert standing(here)[0]
    here.there.close(reason="not_planned")
    here.database.run("UPDATE issues SET next_look_at = changed_at")
    ask(here)
    assert (standing(here), here.states(here.problem)) == ((False, "", 0), ["declined"])
    assert here.told()[-1][2].startswith("it stays open; decide what to do: ")


def test_declined_there_what_a_person_marked_as_fixed_is_not_called_open(here: World) -> None:
    here.press(here.problem)
    with here.database.transaction():
        marking.fix(here.database, 1, of_settings("Lea"), here.clock())
    here.there.close(reason="not_planned")
    ask(here)
    assert standing(here)[:2] == (True, "Lea")
    assert here.told()[-1][2].startswith("it stays marked as fixed; decide what to do: ")


def test_what_is_back_since_is_not_opened_a_second_time(here: World) -> None:
    here.press(here.problem)
    here.there.close()
    ask(here)
    for name in ("abe", "bea", "cyd"):
        at = here.forward(1)
        take(here.assembly, post(f"{LATE} {name}", author=name, at=at), now=at)
    assert len(problems.counted(here.database)) == 2
    here.there.reopen()
    here.database.run("UPDATE issues SET next_look_at = changed_at")
    ask(here)
    assert standing(here)[0], "the newer problem is the open one"


def test_an_issue_of_a_merged_problem_fixes_the_one_it_went_into(here: World) -> None:
    here.press(here.problem)
    here.database.run(
        "INSERT INTO problems (n, brand, cause_id, opened_at, first_at) "
        "SELECT 2, brand, 'other', opened_at, first_at FROM problems WHERE n = 1"
    )
    problems.change(here.database, 1, joined=2)
    here.there.close()
    ask(here)
    one, other = problems.one(here.database, 1), problems.one(here.database, 2)
    assert one is not None
    assert other is not None
    assert (one["fixed_at"], other["fixed_by"]) == ("", "acme/kettle#1")


def test_without_an_owner_whoever_created_it_is_told_else_the_channel(here: World) -> None:
    here.press()
    here.there.close()
    ask(here)
    assert {target for target, *_ in here.told()} == {"console", "console:ana"}
    here.press()
    here.database.run("UPDATE issues SET who_id = 'page:Olle'")  # whom settings reach nowhere
    here.there.close(2)
    ask(here)
    assert [target for target, title, _ in here.told() if "#2" in title] == ["console"]


def test_of_a_problem_its_owner_is_told_else_the_team_of_its_cause(here: World) -> None:
    cause = next(row for row in problems.counted(here.database) if row["id"] == 1)["cause_id"]
    causes.change(here.database, cause, team="console:parcels")
    here.press(here.problem)
    here.database.run("UPDATE issues SET who_id = 'page:Olle'")
    here.there.close()
    ask(here)
    assert [target for target, *_ in here.told()] == ["console:parcels"]
    with here.database.transaction():
        marking.give(here.database, 1, of_settings("Ana"), here.clock())
    here.there.close(reason="not_planned")
    here.database.run("UPDATE issues SET next_look_at = changed_at")
    ask(here)
    assert "console:ana" in {target for target, *_ in here.told()}


def test_one_that_is_opened_again_beside_a_newer_one_stays_closed_here(here: World) -> None:
    here.press()
    here.there.close()
    ask(here)
    assert here.press().state == "open"
    here.there.reopen()
    here.database.run("UPDATE issues SET next_look_at = changed_at WHERE native_id = 'acme/kettle#1'")
    ask(here)
    assert here.states() == ["fixed", "open"]
    assert here.rows()[0].note == "open again, beside a newer one"
    assert here.look() == 0
