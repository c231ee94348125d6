"""Two processes that send, on one PostgreSQL: what one has claimed the other leaves alone, and neither says it twice.

The nasty moment is made where time passes for a sender: in the clock that it asks between its claim and its sending.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from monitor.notify.outbox import BEGINS, WRITES
from monitor.notify.sender import LEASE, lease_of
from monitor.settings.models import Channel
from monitor.store import deliveries, leases
from monitor.store.connect import Error
from monitor.store.postgresql import Postgresql
from monitor.wiring import Assembly
from tests.alerting_helpers import house, posted
from tests.fakes.server import FakeServer, Reply
from tests.fakes.slack import FakeSlack
from tests.helpers import (
    ANGRY,
    BROKEN,
    HOUR,
    LATE,
    MINUTE,
    NOW,
    Clock,
    Steady,
    assembly_of,
    deliver,
    let_end,
    messages,
    post,
    take,
)
from tests.notify.test_events import desk, names

SECOND = timedelta(seconds=1)
Process = Callable[..., Assembly]


@pytest.fixture
def process(new_postgresql: str, tmp_path: Path, slack: FakeSlack) -> Iterator[Process]:
    """Makes a process of that name, with connections of its own, which tells Slack's #care."""
    opened: list[Postgresql] = []

    def made(worker: str, **more: Any) -> Assembly:
        opened.append(Postgresql(new_postgresql, **more.pop("database", {})))
        return house(opened[-1], tmp_path, slack, worker=worker, **more)

    yield made
    for each in opened:
        each.close()


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        running.route("/hook", Reply(status=204))
        yield running


class Meanwhile:
    """The clock of a sender; once a message is in flight, something happens before it goes on."""

    def __init__(self, assembly: Assembly, happens: Callable[[], object], now: datetime = NOW + MINUTE) -> None:
        self._database, self._happens, self._now, self._over = assembly.database, happens, now, False

    def __call__(self) -> datetime:
        if not self._over and self._database.rows("SELECT 1 AS one FROM deliveries WHERE state = 'inflight'"):
            self._over = True
            self._happens()
        return self._now


def recover(assembly: Assembly, now: datetime = NOW + MINUTE) -> int:
    with assembly.database.transaction():
        return deliveries.recover(assembly.database, now, all_of_them=False)


def test_a_process_that_starts_leaves_alone_what_another_has_in_flight(process: Process, slack: FakeSlack) -> None:
    a = process("a")
    take(a, post(ANGRY))

    def another_starts() -> None:
        b = process("b")
        assert recover(b) == 0
        assert b.alerting.due(NOW + MINUTE) == []
        assert b.alerting.serve("slack", Clock(NOW + MINUTE)) == 0

    assert a.alerting.serve("slack", Meanwhile(a, another_starts)) == 1
    assert [row.state for row in messages(a.database)] == ["sent"]
    assert len(posted(slack)) == 1


def test_whoever_is_frozen_between_claim_and_sending_sends_nothing_once_another_has(
    process: Process, slack: FakeSlack
) -> None:
    steady = Steady()
    a, b = process("a", steady=steady), process("b")
    take(a, post(ANGRY))

    def frozen() -> None:
        steady.seconds += HOUR.total_seconds()
        let_end(a.database)
        assert recover(b) == 1
        deliver(b, Clock(NOW + MINUTE))
        assert len(posted(slack)) == 1

    a.alerting.serve("slack", Meanwhile(a, frozen))
    assert len(posted(slack)) == 1
    assert [row.state for row in messages(a.database)] == ["sent"]


def test_whoever_woke_up_first_gives_it_back_and_it_is_sent_once(process: Process, slack: FakeSlack) -> None:
    steady = Steady()
    a, b = process("a", steady=steady), process("b")
    take(a, post(ANGRY))

    def frozen() -> None:
        steady.seconds += BEGINS.total_seconds()

    assert a.alerting.serve("slack", Meanwhile(a, frozen)) == 1
    assert posted(slack) == []
    assert [row.state for row in messages(a.database)] == ["retry"]
    let_end(b.database)
    deliver(b, Clock(NOW + MINUTE))
    assert len(posted(slack)) == 1


def test_whoever_is_cut_from_the_database_but_not_from_slack_is_found_to_have_sent(
    process: Process, slack: FakeSlack
) -> None:
    """Its message arrives, and it cannot write that down; another looks it up before it would send."""
    a, b = process("a"), process("b")
    take(a, post(ANGRY))

    class Cut(Exception):
        pass

    asked = 0

    def cut() -> datetime:
        nonlocal asked
        if posted(slack):
            raise Cut
        asked += 1
        return NOW + MINUTE

    with pytest.raises(Cut):
        a.alerting.serve("slack", cut)
    assert asked > 1
    assert [row.state for row in messages(a.database)] == ["inflight"]
    assert deliver(b, Clock(NOW + MINUTE)) == 0, "its time is not over"
    let_end(b.database)
    assert recover(b) == 1
    deliver(b, Clock(NOW + MINUTE))
    assert len(posted(slack)) == 1
    assert [row.state for row in messages(b.database) if row.action == "post"] == ["sent"]


def test_a_late_word_is_believed_where_nobody_has_asked_meanwhile(process: Process, slack: FakeSlack) -> None:
    """The database was away for longer than the claim lasted; nobody needs to look up what its sender knows."""
    a, b = process("a"), process("b")
    take(a, post(ANGRY))
    happened = []

    def now() -> datetime:
        if posted(slack) and not happened:
            let_end(a.database)
            happened.append(recover(b))
        return NOW + MINUTE

    a.alerting.serve("slack", now)
    assert happened == [1]
    assert [row.state for row in messages(a.database)] == ["sent"]
    assert deliver(b, Clock(NOW + MINUTE)) == 0


def test_a_channel_is_served_by_one_and_the_next_waits_the_time_between_two_messages(
    process: Process, slack: FakeSlack
) -> None:
    a, b = process("a"), process("b")
    take(a, post(ANGRY))

    def another() -> None:
        take(b, post(BROKEN, author="mira"))
        assert b.alerting.due(NOW + MINUTE) == []
        assert b.alerting.serve("slack", Clock(NOW + MINUTE)) == 0

    a.alerting.serve("slack", Meanwhile(a, another), most=1)
    (row,) = a.database.rows("SELECT holder, until_at FROM leases WHERE name = 'channel:slack'")
    assert row["holder"] == "a"
    assert datetime.fromisoformat(row["until_at"]) <= a.database.time() + SECOND
    (claimed,) = a.database.rows("SELECT sent_at FROM deliveries WHERE state = 'sent'")
    assert claimed["sent_at"]
    let_end(a.database, lease_of("slack"))
    assert b.alerting.serve("slack", Clock(NOW + MINUTE)) == 1
    assert len(posted(slack)) == 2


def test_whoever_is_killed_while_it_serves_a_channel_is_followed_within_a_minute(
    process: Process, slack: FakeSlack
) -> None:
    a, b = process("a"), process("b")
    take(a, post(ANGRY))

    def looked_at() -> None:
        (held,) = leases.standing(b.database)
        assert (held.name, held.holder) == (lease_of("slack"), "a")
        assert held.until - b.database.time() < MINUTE

    assert a.alerting.serve("slack", Meanwhile(a, looked_at)) == 1


def test_the_databases_clock_says_when_a_claim_is_over(process: Process, slack: FakeSlack) -> None:
    ahead = 5 * MINUTE
    a = process("a", database={"machine": lambda: datetime.now(NOW.tzinfo) + ahead})
    b = process("b")
    take(a, post(ANGRY))

    def looked_at() -> None:
        (row,) = b.database.rows("SELECT lease_until FROM deliveries WHERE state = 'inflight'")
        deadline = timedelta(seconds=30)
        lasts = BEGINS + deadline + WRITES
        ends = datetime.fromisoformat(row["lease_until"])
        assert abs(ends - (NOW + MINUTE + lasts)) < 10 * SECOND
        assert recover(b, NOW + MINUTE + lasts - 10 * SECOND) == 0
        assert recover(b, NOW + MINUTE + lasts + 10 * SECOND) == 1

    a.alerting.serve("slack", Meanwhile(a, looked_at, NOW + MINUTE + ahead))


def test_an_hours_measure_counts_what_every_process_has_sent(process: Process, slack: FakeSlack) -> None:
    limit = "messages_per_hour = 2\nbrief_over = 3\n"
    a, b = process("a", alerts=limit), process("b", alerts=limit)
    clock = Clock(NOW + MINUTE)
    for number, (assembly, text) in enumerate(((a, ANGRY), (b, BROKEN), (a, LATE))):
        take(assembly, post(text, author=f"person{number}"), now=clock())
        deliver(assembly, clock)
        let_end(a.database)
        clock.forward(MINUTE)
    assert len(posted(slack)) == 2


def test_programs_are_told_by_one_in_order_and_what_was_loaded_before_is_not_told_again(
    new_postgresql: str, tmp_path: Path, server: FakeServer
) -> None:
    databases = [Postgresql(new_postgresql) for _ in range(2)]
    steady = Steady()
    settings = desk(databases[0], tmp_path, server).written
    a, b = assembly_of(databases[0], settings, "a", steady), assembly_of(databases[1], settings, "b")
    for number, text in enumerate((ANGRY, BROKEN, LATE)):
        take(a, post(text, author=f"person{number}"))
    happened = []

    def now() -> datetime:
        if len(server.ledger) == 1 and not happened:
            happened.append(b.events.due(NOW))
            happened.append(b.events.serve("helpdesk", Clock(NOW)))
            steady.seconds += HOUR.total_seconds()
            let_end(databases[1])
            happened.append(b.events.serve("helpdesk", Clock(NOW)))
        return NOW

    a.events.serve("helpdesk", now)
    assert happened[:2] == [[], 0], "one tells it"
    assert happened[2] >= 2
    told = [seen.json["case"]["id"] for seen in server.ledger]
    assert sorted(set(told)) == sorted({"1", "2", "3"})
    assert told.count("2") == told.count("3") == 1, "what the first had loaded was told meanwhile"
    assert names(server)[0] == "case.opened"
    for each in databases:
        each.close()


def test_where_a_lease_cannot_be_let_go_a_program_is_told_again_later(
    new_postgresql: str, tmp_path: Path, server: FakeServer
) -> None:
    database = Postgresql(new_postgresql)
    steady = Steady()
    a = assembly_of(database, desk(database, tmp_path, server).written, "a", steady)
    take(a, post(ANGRY))

    def now() -> datetime:
        if a.events._telling:
            database.run("ALTER TABLE leases RENAME TO away")
        return NOW

    with pytest.raises(Error):
        a.events.serve("helpdesk", now)
    database.run("ALTER TABLE away RENAME TO leases")
    assert a.events.due(NOW) == ["helpdesk"]
    assert a.events.serve("helpdesk", Clock(NOW)) == 1
    database.close()


def test_the_longest_deadline_of_a_channel_is_held_and_is_no_broken_clocks() -> None:
    longest = Channel(kind="slack", deadline=5 * MINUTE)
    assert longest.deadline + LEASE < leases.LONGEST
    with pytest.raises(ValidationError):
        Channel(kind="slack", deadline=5 * MINUTE + SECOND)
