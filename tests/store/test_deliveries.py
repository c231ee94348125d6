"""The outbox on both databases: queued once, claimed by one, finished by whoever holds the fence."""

from __future__ import annotations

import threading

import pytest

from monitor.store import channel_health, deliveries, deliveries_owed
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from tests.helpers import DAY, HOUR, MINUTE, NOW, count

Base = Sqlite | Postgresql


def queue(database: Base, *numbers: int, **more: object) -> None:
    deliveries.queue(
        database,
        [
            deliveries.new_row(
                about=f"story:{n}", target="slack:#care", now=NOW, due_at=NOW, reason="new", story_id=str(n), **more  # type: ignore[arg-type]
            )
            for n in numbers
        ],
    )  # fmt: skip


def due(database: Base) -> list[deliveries.Delivery]:
    return deliveries.due(database, "slack:#care", NOW + HOUR)


def state(database: Base, about: str) -> str:
    (row,) = deliveries.about(database, about)
    return row.state


def test_the_same_thing_is_queued_once_ever(database: Base) -> None:
    queue(database, 1)
    queue(database, 1)
    (row,) = due(database)
    fence = deliveries.claim(database, row, NOW, NOW + MINUTE, {})
    assert fence is not None
    deliveries.finish(database, row.id, fence, "sent", sent_at=NOW)
    queue(database, 1)
    assert count(database, "deliveries") == 1
    assert due(database) == []


def test_many_senders_claim_each_row_once(database: Base) -> None:
    queue(database, *range(30))
    rows = due(database)
    claimed: list[str] = []
    barrier = threading.Barrier(6)

    def send() -> None:
        barrier.wait()
        for row in rows:
            if deliveries.claim(database, row, NOW, NOW + MINUTE, {}) is not None:
                claimed.append(row.id)  # noqa: PERF401 - each claim must be made in its turn

    senders = [threading.Thread(target=send) for _ in range(6)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(60)
    assert sorted(claimed) == sorted(row.id for row in rows)


def test_a_sender_that_comes_back_after_its_lease_cannot_overwrite(database: Base) -> None:
    queue(database, 1)
    (row,) = due(database)
    old = deliveries.claim(database, row, NOW, NOW + MINUTE, {"told": ["1"]})
    assert deliveries.recover(database, NOW + 30 * (MINUTE / 60), all_of_them=False) == 0
    assert deliveries.recover(database, NOW + 2 * MINUTE, all_of_them=False) == 1
    (again,) = due(database)
    assert (again.state, again.payload) == ("unknown", {"told": ["1"]})
    new = deliveries.claim(database, again, NOW, NOW + HOUR, {})
    assert old is not None
    assert new is not None
    assert not deliveries.finish(database, row.id, old, "dead", error="I was away")
    assert deliveries.finish(database, row.id, new, "sent", sent_at=NOW, receipt="r")
    assert not deliveries.finish(database, row.id, new, "retry")
    assert state(database, "story:1") == "sent"


def test_at_the_start_everything_in_flight_is_unknown(database: Base) -> None:
    queue(database, 1, 2)
    for row in due(database):
        deliveries.claim(database, row, NOW, NOW + DAY, {})
    assert deliveries.recover(database, NOW, all_of_them=True) == 2
    assert {row.state for row in due(database)} == {"unknown"}


def test_what_travels_in_a_brief_shares_its_end_and_is_not_sent_alone(database: Base) -> None:
    queue(database, 1, 2, 3)
    rows = {row.about: row for row in due(database)}
    deliveries.carry(database, rows["story:1"].id, [rows["story:2"].id])
    assert {row.about for row in due(database)} == {"story:1", "story:3"}
    assert [row.about for row in deliveries.carried_by(database, rows["story:1"].id)] == ["story:2"]
    deliveries.carry(database, rows["story:3"].id, [rows["story:2"].id])  # it has a carrier already
    assert deliveries.carried_by(database, rows["story:3"].id) == []
    deliveries.finish_carried(database, [rows["story:2"].id], "sent", NOW)
    assert state(database, "story:2") == "sent"


@pytest.mark.parametrize("until", ["sent", "dead"])
def test_what_has_ended_is_not_carried_dropped_or_put_off(database: Base, until: str) -> None:
    queue(database, 1, 2)
    first, second = due(database)
    fence = deliveries.claim(database, first, NOW, NOW + MINUTE, {})
    assert fence is not None
    deliveries.finish(database, first.id, fence, until)
    deliveries.carry(database, second.id, [first.id])
    deliveries.drop(database, first.id, "late")
    deliveries.put_off(database, first.id, NOW + DAY)
    after = deliveries.one(database, first.id)
    assert after is not None
    assert (after.state, after.carrier, after.error, after.due_at) == (until, "", "", NOW)


def test_dead_letters_are_revived_and_overtaken_rows_are_not(database: Base) -> None:
    queue(database, 1, 2)
    first, second = due(database)
    deliveries.drop(database, second.id, "answered")
    fence = deliveries.claim(database, first, NOW, NOW + MINUTE, {})
    assert fence is not None
    deliveries.finish(database, first.id, fence, "dead", error="refused")
    assert [row.id for row in deliveries_owed.dead(database)] == [first.id]
    assert deliveries_owed.waiting(database) == {"dead": 1}
    assert deliveries_owed.revive(database, NOW) == 1
    assert deliveries_owed.revive(database, NOW) == 0
    assert [row.id for row in due(database)] == [first.id]


def test_an_edit_that_waits_is_brought_forward_instead_of_doubled(database: Base) -> None:
    queue(database, 1)
    (root,) = due(database)
    deliveries.queue_edit(database, root, NOW, NOW + HOUR, "grown")
    deliveries.queue_edit(database, root, NOW, NOW + MINUTE, "taken by ANA", urgent=True)
    deliveries.queue_edit(database, root, NOW, NOW + DAY, "grown")
    (edit,) = [deliveries.of_row(row) for row in database.rows("SELECT * FROM deliveries WHERE action = 'edit'")]
    assert (edit.due_at, edit.reason, edit.urgent, edit.revision) == (NOW + MINUTE, "taken by ANA", True, 1)


def test_what_stands_below_a_message_is_found_by_an_index(sqlite: Sqlite) -> None:
    """Without it each page of posts that made a story grow read every message that was ever sent, three times."""
    queue(sqlite, 1)
    (root,) = due(sqlite)
    asked: list[str] = []
    sqlite._connection().set_trace_callback(asked.append)
    deliveries.last_edit_at(sqlite, root.id)
    deliveries.queue_edit(sqlite, root, NOW, NOW + HOUR, "grown")
    sqlite._connection().set_trace_callback(None)
    below = [each for each in asked if "thread_of = " in each]
    plans = [" ".join(row["detail"] for row in sqlite.rows(f"EXPLAIN QUERY PLAN {each}")) for each in below]
    assert ["USING INDEX deliveries_below" in plan for plan in plans] == [True, True, True]


def test_a_targets_trouble_is_kept_until_a_message_reaches_it(database: Base) -> None:
    for minutes in range(3):
        channel_health.failed(
            database, "slack:#care", NOW + minutes * MINUTE, "500", "wait", NOW + HOUR, broken=minutes == 2
        )
    health = channel_health.standing(database).of("slack:#care")
    assert health is not None
    assert (health.failures, health.failing_since, health.broken) == (3, NOW, True)
    channel_health.worked(database, "slack:#care", NOW + HOUR)
    health = channel_health.standing(database).of("slack:#care")
    assert health is not None
    assert (health.failures, health.failing_since, health.broken, health.next_try_at) == (0, None, False, None)


def test_a_channel_is_down_when_nobody_was_reached_since_one_fails(database: Base) -> None:
    channel_health.worked(database, "slack:#ops", NOW)
    channel_health.failed(database, "slack:#care", NOW + MINUTE, "503", "", None, broken=False)
    down = channel_health.standing(database).down("slack")
    assert down is not None
    assert (down.name, down.failing_since) == ("slack", NOW + MINUTE)
    assert not channel_health.standing(database).reachable("slack:#ops")
    channel_health.worked(database, "slack:#ops", NOW + 2 * MINUTE)
    standing = channel_health.standing(database)
    assert standing.down("slack") is None
    assert [each.name for each in standing.failing_targets()] == ["slack:#care"]
    assert standing.reachable("slack:#ops")


def test_a_broken_target_says_nothing_about_its_channel_and_a_refused_key_everything(database: Base) -> None:
    channel_health.failed(database, "slack:#gone", NOW, "is_archived", "", NOW + HOUR, broken=True)
    standing = channel_health.standing(database)
    assert standing.down("slack") is None
    assert (standing.held("slack:#gone", NOW), standing.held("slack:#care", NOW)) == (True, False)
    channel_health.failed(database, "slack", NOW, "invalid_auth", "", NOW + HOUR, broken=True)
    standing = channel_health.standing(database)
    assert (standing.held("slack:#care", NOW), standing.reachable("slack:#care")) == (True, False)


def test_the_most_urgent_and_then_the_oldest_is_due_first(database: Base) -> None:
    for number, (priority, urgent) in enumerate([("normal", False), ("urgent", False), ("critical", True)]):
        deliveries.queue(
            database,
            [
                deliveries.new_row(
                    about=f"story:{number}", target="slack:#care", now=NOW + number * MINUTE, due_at=NOW,
                    reason="new", priority=priority, urgent=urgent,
                )
            ],
        )  # fmt: skip
    assert [row.about for row in due(database)] == ["story:2", "story:1", "story:0"]
    assert deliveries.due_targets(database, NOW + HOUR) == [("slack", "slack:#care")]
    assert deliveries.due_targets(database, NOW - DAY) == [("slack", "slack:#care")]  # the clock has jumped back


def test_lists_are_found_by_how_what_they_are_about_begins(database: Base) -> None:
    """Not by a range on PostgreSQL: in a language's order a semicolon is before a colon, and no list would be found."""
    made = ("list:sweep:1", "list:offer:2", "list;3", "LIST:4", "listed:5")
    deliveries.queue(
        database,
        [
            deliveries.new_row(
                about=about, target="slack:#care", now=NOW, due_at=NOW, reason="new", payload={"cases": ["7"]}
            )
            for about in made
        ],
    )
    database.run("UPDATE deliveries SET state = 'sent'")
    assert {each.about for each in deliveries.that_show(database, [], ["7"])} == {"list:sweep:1", "list:offer:2"}
    assert [each.about for each in deliveries.offers_naming(database, "7", NOW)] == ["list:offer:2"]
    condition = database.begins("about", "list:")
    if isinstance(database, Postgresql):
        assert condition == "about LIKE 'list:%'"
    else:
        plan = database.rows(f"EXPLAIN QUERY PLAN SELECT * FROM deliveries WHERE {condition}")
        assert "deliveries_by_about" in str([tuple(row) for row in plan])
