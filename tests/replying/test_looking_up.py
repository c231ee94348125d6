"""What nobody knows of is looked up, and never sent again by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.cases.actions import say
from monitor.people.actors import NotPossible
from monitor.replying import looking_up, press
from monitor.replying.press import SETTLES
from monitor.store import deliveries, replies
from monitor.store.replies import ReplyRow
from tests.fakes.server import Reply
from tests.helpers import MINUTE, NOW, post, take
from tests.replying.world import TEXT, World, complaint


def killed(made: World, *, arrived: bool) -> ReplyRow:
    """A press whose process was killed: before the request left, or after the network had taken it."""
    row = made.draft()
    seen = made.seen(row)
    standing = made.replying.writers.standing("social", NOW)
    with made.database.transaction():
        claimed, parent = press._claim(made.replying, row.id, seen, standing, "Ana", "page", NOW)
    if arrived:
        made.replying.writers.of("social").reply(parent, TEXT, claimed.key, NOW)
    return claimed


def told(made: World) -> list[str]:
    rows = made.database.rows("SELECT * FROM deliveries WHERE reason LIKE 'your reply%' ORDER BY created_at, id")
    return [deliveries.of_row(row).reason for row in rows]


def test_killed_after_it_arrived_the_clock_stops_once(both: World) -> None:
    row = killed(both, arrived=True)
    assert looking_up.look(both.replying, NOW) == 0, "somebody may still be at it"
    assert looking_up.look(both.replying, NOW + SETTLES) == 1
    assert both.row(row.id).state == "sent"
    assert both.case().answered_at == NOW + timedelta(seconds=2)
    assert both.network.writes() == 1
    assert looking_up.look(both.replying, NOW + SETTLES * 2) == 0
    assert both.log().count("answered") == 1
    assert told(both) == [f"your reply was posted after all: {both.network.posted[0]['url']}"]


def test_killed_before_it_left_it_is_a_draft_again_and_nothing_is_sent(here: World) -> None:
    row = killed(here, arrived=False)
    for _ in range(30):
        looking_up.look(here.replying, here.forward(1))
    after = here.row(row.id)
    assert (after.state, after.text, here.network.writes()) == ("draft", TEXT, 0)
    assert told(here) == ["your reply did not arrive on social; post it again"]
    assert here.press(after).state == "sent"
    assert here.network.writes() == 1


def test_what_arrives_late_is_found_before_a_second_press_sends_anything(here: World) -> None:
    row = killed(here, arrived=False)
    for _ in range(30):
        looking_up.look(here.replying, here.forward(1))
    writer = here.replying.writers.of("social")
    parent = replies.parent_of(here.database, row)
    assert parent is not None
    writer.reply(parent, TEXT, row.key, NOW)  # it lay in some queue
    assert here.press(here.row(row.id)).state == "sent"
    assert len(here.network.posted) == here.network.writes() == 1


def test_a_reply_that_a_read_has_seen_needs_no_question(here: World) -> None:
    row = killed(here, arrived=False)
    own = post(TEXT, author="acme", source="social", native_id="55", parent_id=row.parent_id, at=NOW)
    with here.database.transaction():
        here.assembly.answers.take([own], NOW)
    asked = len(here.network.server.ledger)
    looking_up.look(here.replying, NOW + SETTLES)
    assert (here.row(row.id).state, here.row(row.id).native_id) == ("sent", "55")
    assert len(here.network.server.ledger) == asked
    assert here.log().count("answered") == 1


def test_where_nobody_can_look_its_writer_is_told_once(here: World) -> None:
    row = killed(here, arrived=False)
    here.network.server.mode = "503"
    for _ in range(40):
        looking_up.look(here.replying, here.forward(5))
    after = here.row(row.id)
    assert after.state == "unsure"
    assert after.note.startswith("look on social")
    assert told(here) == ["your reply was perhaps posted on social, perhaps not: look, then say so on the case"]
    here.network.server.mode = "ok"
    looking_up.look(here.replying, here.forward(20))
    assert here.row(row.id).state == "draft"


def test_a_person_who_has_looked_settles_it(here: World) -> None:
    here.network.refuses = Reply(503, json={"error": "later"})
    row = here.draft()
    assert here.press(row).state == "unsure"
    words = looking_up.settle(here.replying, row.id, stands=True, who="Ana", way="page", now=here.forward(2))
    assert "it is there" in words
    case = here.case()
    assert (here.row(row.id).state, case.answered_at, case.answered_by) == ("sent", NOW, "Ana")
    with pytest.raises(NotPossible, match="settled already"):
        looking_up.settle(here.replying, row.id, stands=False, who="Ana", way="page", now=NOW)
    own = post(TEXT, author="acme", source="social", native_id="55", parent_id=row.parent_id, at=NOW)
    with here.database.transaction():
        here.assembly.answers.take([own], here.clock())
    assert here.case().answered_at == NOW


def test_a_person_who_has_looked_settles_it_where_the_case_was_closed_meanwhile(here: World) -> None:
    here.network.refuses = Reply(503, json={"error": "later"})
    row = here.draft()
    here.press(row)
    say(here.database, here.assembly.rules, here.case_id, "close", who="Lea", way="page", now=here.forward(1),
        detail={"outcome": "solved"})  # fmt: skip
    words = looking_up.settle(here.replying, row.id, stands=True, who="Ana", way="page", now=here.forward(2))
    assert words == "noted by Ana: it is there"
    assert (here.row(row.id).state, here.case().outcome) == ("sent", "solved")


def test_what_the_customer_wrote_after_a_reply_that_turns_out_to_stand_waits_for_the_next_one(here: World) -> None:
    here.network.refuses = Reply(503, json={"error": "later"})
    row = here.draft()
    here.press(row)
    later = complaint(native_id="900", thread_id=here.case().thread, at=NOW + 5 * MINUTE)
    take(here.assembly, later, now=here.forward(6))
    words = looking_up.settle(here.replying, row.id, stands=True, who="Ana", way="page", now=here.forward(2))
    assert words == "noted by Ana: it is there"
    found = here.case()
    assert (found.answered_at, found.asked_at, found.state_at(here.clock())) == (NOW, NOW + 5 * MINUTE, "open")


def test_a_reply_that_only_sends_on_does_so_where_a_person_found_it(here: World) -> None:
    here.network.refuses = Reply(503, json={"error": "later"})
    row = here.draft("@ada@far.example Please send us a direct message!")
    here.press(row)
    looking_up.settle(here.replying, row.id, stands=True, who="Ana", way="page", now=here.forward(2))
    assert here.case().sent_on


def test_a_person_who_has_looked_in_vain_may_press_again(here: World) -> None:
    here.network.refuses = Reply(503, json={"error": "later"})
    row = here.draft()
    here.press(row)
    looking_up.settle(here.replying, row.id, stands=False, who="Ana", way="page", now=here.forward(2))
    here.network.refuses = None
    assert here.press(here.row(row.id)).state == "sent"
    assert len(here.network.posted) == 1


def test_an_unsettled_reply_of_a_source_that_was_switched_off_is_left_to_its_writer(here: World) -> None:
    row = killed(here, arrived=False)
    here.replying.writers._sources.clear()
    assert looking_up.anything(here.replying)
    looking_up.look(here.replying, NOW + SETTLES)
    assert here.row(row.id).state == "unsure"
    assert not looking_up.anything(here.replying)
