"""Issues are asked after until they are closed: what a tracker can't say is said to people, and nothing is lost."""

from __future__ import annotations

import pytest

from monitor.people.actors import NotPossible
from monitor.store import audit, issues
from monitor.trackers import following
from tests.fakes.server import Reply
from tests.helpers import notices
from tests.trackers.world import World


def notes(world: World) -> list[str]:
    return [row.note for row in world.rows()]


def ours(world: World) -> list[str]:
    """What the operator was told of the tracker."""
    return [each for each in notices(world.database) if each.startswith("kettles")]


def test_an_open_issue_is_asked_after_once_an_hour(here: World) -> None:
    here.press()
    asked = len(here.there.server.ledger)
    assert here.look() == 0
    here.forward(61)
    assert (here.look(), here.look()) == (1, 0)
    assert len(here.there.server.ledger) == asked + 1
    assert here.states() == ["open"]


def test_what_is_closed_is_asked_after_no_more_unless_its_tracker_speaks_of_it(both: World) -> None:
    both.press()
    both.there.close()
    both.forward(61)
    both.look()
    assert both.states() == ["fixed"]
    both.forward(24 * 60)
    assert both.look() == 0
    both.there.reopen()
    for name, tracker in (("acme/kettle#2", "kettles"), ("acme/kettle#1", "other"), ("", "kettles")):
        assert issues.look_soon(both.database, tracker, name, both.clock()) == 0
    assert issues.look_soon(both.database, "kettles", "Acme/Kettle#1", both.clock()) == 1
    both.look()
    assert both.states() == ["open"]


def test_an_issue_that_can_not_be_seen_says_so_and_is_asked_after_daily(here: World) -> None:
    here.press()
    here.there.issues.clear()
    here.forward(61)
    here.look()
    assert "deleted, or the token may no longer see it" in notes(here)[0]
    here.forward(60)
    assert here.look() == 0
    here.forward(24 * 60)
    assert here.look() == 1
    assert here.states() == ["open"]


@pytest.mark.parametrize("mode", ["500", "html", "drop"])
def test_a_tracker_in_trouble_is_asked_again(here: World, mode: str) -> None:
    here.press()
    here.there.close()
    here.there.server.mode = mode
    here.forward(61)
    here.look()
    assert here.states() == ["open"]
    assert notes(here)[0]
    assert ours(here) == []
    here.there.server.mode = "ok"
    here.forward(61)
    here.look()
    assert (here.states(), notes(here)) == (["fixed"], [""])


def test_a_refused_token_is_a_line_in_the_operators_list_once_a_week(here: World) -> None:
    here.press()
    here.there.close()
    here.there.server.mode = "401"
    for _ in range(5):
        here.forward(61)
        here.look()
    (told,) = ours(here)
    assert told.startswith("kettles: can't tell how issues stand (GitHub answered 401")
    assert here.states() == ["open"]
    here.there.server.mode = "ok"
    here.forward(61)
    here.look()
    assert here.states() == ["fixed"]


def test_a_tracker_that_asks_for_patience_gets_it(here: World) -> None:
    here.press()
    here.there.server.mode = Reply(429, json={"message": "slow down"}, headers={"Retry-After": "600"})
    here.forward(61)
    here.look()
    here.forward(9)
    assert here.look() == 0
    here.forward(2)
    here.there.server.mode = "ok"
    assert here.look() == 1


def test_what_can_not_be_looked_up_for_a_day_is_left_to_a_person(here: World) -> None:
    here.there.accepts_but, here.there.hidden = "ok", True
    here.press()
    here.there.server.mode = "500"
    for _ in range(30):
        here.forward(60)
        here.look()
    (row,) = here.rows()
    assert (row.state, row.next_look_at) == ("unsure", None)
    assert row.note.startswith("look in kettles: ")
    with pytest.raises(NotPossible, match="settled already"):
        following.not_there(here.tracking, "other", who="Ana", way="page", now=here.clock())
    said = following.not_there(here.tracking, row.id, who="Ana", way="page", now=here.clock())
    assert said == "noted: it is not there; you can create it again"
    assert (here.states(), notes(here)) == (["missing"], ["Ana looked: it is not there"])
    assert here.log()[-1] == "issue missing"


def test_whoever_says_that_the_issue_of_a_problem_is_not_there_is_in_the_audit_log(here: World) -> None:
    """A problem has no log of its own."""
    here.there.accepts_but, here.there.hidden = "ok", True
    here.press(here.problem)
    (row,) = here.rows(here.problem)
    following.not_there(here.tracking, row.id, who="Ana", way="page", now=here.clock())
    (line,) = audit.lines(here.database, audit.Filter(event="issue not there"), 50)
    assert (line.who, line.way, dict(line.detail)) == ("Ana", "page", {"tracker": "kettles", "of": "problem 1"})


def test_an_issue_that_is_unlinked_is_followed_no_more_and_makes_room(here: World) -> None:
    here.press()
    (row,) = here.rows()
    said = following.unlink(here.tracking, row.id, who="Lea", way="page", now=here.clock())
    assert said == "acme/kettle#1 is no longer followed; it is still there"
    assert here.log()[-1] == "issue unlinked"
    here.there.close()
    here.forward(61)
    assert here.look() == 0
    assert issues.look_soon(here.database, "kettles", row.native_id, here.clock()) == 0
    with pytest.raises(NotPossible, match="no such issue to unlink"):
        following.unlink(here.tracking, row.id, who="Lea", way="page", now=here.clock())
    assert here.press().state == "open"
    assert here.there.writes() == 2


def test_a_tracker_that_left_the_settings_is_not_asked(here: World) -> None:
    here.press()
    here.database.run("UPDATE issues SET tracker = 'gone'")
    here.forward(61)
    assert here.look() == 0
    assert here.rows()[0].note == ""


def test_whoever_can_not_be_reached_is_told_nothing_and_the_channel_neither(here: World) -> None:
    """What became of somebody's own press is not the channel's business."""
    here.there.accepts_but, here.there.hidden = "ok", True
    here.press()
    here.database.run("UPDATE issues SET who_id = 'page:Olle'")
    for _ in range(20):
        here.forward(1)
        here.look()
    assert (here.states(), here.told()) == (["missing"], [])
