"""Taking a reply back: for ten minutes, while nobody answered, and the case goes on with its first clock."""

from __future__ import annotations

import pytest

from monitor.cases.actions import say
from monitor.people.actors import NotAllowed, NotPossible
from monitor.replying import looking_up, taking_back
from monitor.replying.press import SETTLES, Pressed
from monitor.store import case_log, key_values
from monitor.store.replies import ReplyRow
from tests.fakes.server import Reply
from tests.helpers import MINUTE, NOW, post, take
from tests.replying.world import World, complaint


def back(made: World, row: ReplyRow, who: str = "Ana") -> Pressed:
    return taking_back.take_back(made.replying, row.id, who=who, way="page", now=made.clock())


def test_the_case_is_open_again_with_its_first_clock(both: World) -> None:
    before = both.case()
    row = both.post()
    assert both.case().answered_at is not None
    both.forward(5)
    assert taking_back.can(both.replying, row, both.clock())
    assert back(both, row).state == "withdrawn"
    after = both.case()
    assert both.network.posted == []
    assert (after.answered_at, after.due_at, after.chain, after.step) == (
        None,
        before.due_at,
        before.chain,
        before.step,
    )
    assert after.state_at(both.clock()) == "open"
    assert after.next_step_at == before.next_step_at
    (own,) = key_values.own_posts_of_case(both.database, both.case_id)
    assert own["kind"] == "withdrawn"
    line = case_log.of_case(both.database, both.case_id)[-1]
    assert (line.what, line.who) == ("reply withdrawn", "Ana")
    assert both.post("Another try").state == "sent"


def test_a_late_read_of_what_was_taken_back_answers_nothing(here: World) -> None:
    row = here.post()
    back(here, row)
    own = post("again", author="acme", source="social", native_id=row.native_id, parent_id=row.parent_id)
    with here.database.transaction():
        assert here.assembly.answers.take([own], here.clock()) == 0
    assert here.case().answered_at is None


def test_a_case_that_was_closed_since_is_open_again(here: World) -> None:
    row = here.post()
    detail = {"outcome": "solved"}
    say(here.database, here.assembly.rules, here.case_id, "close", who="Ana", way="page", now=NOW, detail=detail)
    assert back(here, row).state == "withdrawn"
    assert here.case().state_at(here.clock()) == "open"


def test_after_ten_minutes_it_stays(here: World) -> None:
    row = here.post()
    here.forward(11)
    assert not taking_back.can(here.replying, row, here.clock())
    with pytest.raises(NotPossible, match="ten minutes"):
        back(here, row)
    assert len(here.network.posted) == 1


def test_once_somebody_answered_it_stays(here: World) -> None:
    row = here.post()
    here.network.answered = 1
    with pytest.raises(NotPossible, match="somebody has answered"):
        back(here, row)
    here.network.answered = 0
    told = complaint(native_id="98", at=NOW + MINUTE, parent_id=row.native_id, thread_id=complaint().native_id)
    take(here.assembly, told, now=here.forward(2))
    with pytest.raises(NotPossible, match="somebody has answered"):
        back(here, row)
    assert len(here.network.posted) == 1


def test_where_nobody_can_tell_whether_it_was_answered_it_stays(here: World) -> None:
    row = here.post()
    here.network.server.mode = "503"
    with pytest.raises(NotPossible, match="can't tell"):
        back(here, row)
    assert here.row(row.id).state == "sent"


def test_only_its_writer_or_a_lead_takes_it_back(here: World) -> None:
    row = here.post(who="Lea")
    with pytest.raises(NotAllowed, match="Lea posted it"):
        back(here, row)
    other = here.row(row.id)
    assert back(here, other, who="Lea").state == "withdrawn"
    with pytest.raises(NotPossible):
        back(here, other, who="Lea")


def test_a_refused_deletion_leaves_it_standing(here: World) -> None:
    row = here.post()
    here.network.refuses = Reply(403, json={"error": "not yours"})
    pressed = back(here, row)
    assert (pressed.state, here.row(row.id).state) == ("sent", "sent")
    assert "not yours" in pressed.words
    assert here.case().answered_at is not None


@pytest.mark.parametrize("gone", [True, False])
def test_killed_in_the_middle_the_network_says_what_came_of_it(here: World, gone: bool) -> None:
    row = here.post()
    here.network.refuses = Reply(503, json={"error": "later"})
    assert back(here, row).state == "withdrawing"
    if gone:
        here.network.posted.clear()
    looking_up.look(here.replying, here.clock() + SETTLES)
    assert here.row(row.id).state == ("withdrawn" if gone else "sent")
    assert (here.case().answered_at is None) == gone


def test_what_cannot_be_asked_of_the_network_for_a_day_is_left_to_a_person(here: World) -> None:
    row = here.post()
    here.network.refuses = Reply(503, json={"error": "later"})
    assert back(here, row).state == "withdrawing"
    here.network.server.mode = "500"
    looks = 0
    for _ in range(26):
        here.forward(60)
        looks += looking_up.look(here.replying, here.clock())
    assert looks == 25, "no more once a day is over"
    found = here.row(row.id)
    assert (found.state, found.note) == ("sent", "perhaps deleted, perhaps not: look on social")
    rows = here.assembly.database.rows("SELECT reason FROM deliveries WHERE reason LIKE 'your reply%'")
    words = "your reply was perhaps deleted on social: look, and press Not answered on the case if it is gone"
    assert [each["reason"] for each in rows] == [words]
    assert not looking_up.anything(here.replying)
