"""Two processes on one PostgreSQL: what one of them may do at a time, whatever the clocks of their machines show."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.service.scheduler import Engine
from monitor.store import leases
from monitor.store.database import by_its_clock, stamp
from monitor.store.leases import LONGEST, MARGIN, LeaseLostError, Leases, this_worker
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from tests.helpers import MINUTE, NOW, Steady, assembly_of, count, let_end, settings_from

SPAN = timedelta(seconds=20)
NAME = "source:forum"


def test_one_holds_it_and_the_other_waits_for_its_end(opened: Callable[[], Postgresql]) -> None:
    mine, theirs = Leases(opened(), "a"), Leases(opened(), "b")
    held = mine.take(NAME, SPAN)
    assert held is not None
    assert theirs.take(NAME, SPAN) is None
    assert (mine.others(), theirs.others()) == (frozenset(), frozenset({NAME}))
    assert mine.take(NAME, SPAN) is not None, "whoever has it may ask again"
    assert mine.take("source:chirp", SPAN) is not None, "and another is another"
    let_end(opened(), NAME)
    taken = theirs.take(NAME, SPAN)
    assert taken is not None
    assert mine.take(NAME, SPAN) is None
    with pytest.raises(LeaseLostError):
        mine.keep(held, SPAN)
    mine.release(held)
    assert theirs.keep(taken, SPAN).fence == taken.fence, "what is not ours any more we do not let go of"


def test_of_many_who_ask_at_once_one_gets_it(opened: Callable[[], Postgresql]) -> None:
    database, granted, start = opened(), [], threading.Barrier(8)

    def ask(name: str) -> None:
        start.wait()
        if Leases(database, name).take(NAME, SPAN) is not None:
            granted.append(name)

    threads = [threading.Thread(target=ask, args=(f"worker-{n}",)) for n in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(granted) == 1


def test_whoever_was_frozen_beyond_its_end_knows_it_without_asking(opened: Callable[[], Postgresql]) -> None:
    steady, database = Steady(), opened()
    mine = Leases(database, "a", steady)
    held = mine.take(NAME, SPAN)
    assert held is not None
    steady.seconds += (SPAN - MARGIN).total_seconds() - 0.01
    assert mine.holds(held)
    held = mine.keep(held, SPAN)
    steady.seconds += (SPAN - MARGIN).total_seconds()
    database.close()
    assert not mine.holds(held)


def test_a_thread_that_comes_back_late_cannot_go_on_with_what_its_own_process_took_anew(
    opened: Callable[[], Postgresql],
) -> None:
    mine = Leases(opened(), "a")
    late = mine.take(NAME, SPAN)
    let_end(opened(), NAME)
    again = mine.take(NAME, SPAN)
    assert late is not None
    assert again is not None
    with pytest.raises(LeaseLostError):
        mine.keep(late, SPAN)
    assert mine.keep(again, SPAN).fence == again.fence


def test_nobody_takes_it_before_the_transaction_that_proved_it_has_ended(opened: Callable[[], Postgresql]) -> None:
    database, other = opened(), opened()
    mine, theirs = Leases(database, "a"), Leases(other, "b")
    held, got = mine.take(NAME, SPAN), []
    assert held is not None
    thread = threading.Thread(target=lambda: got.append(theirs.take(NAME, SPAN)))
    with database.transaction():
        mine.keep(held, SPAN)
        thread.start()
    thread.join()
    assert got == [None]


def test_it_is_let_go_at_once_or_after_a_rest(opened: Callable[[], Postgresql]) -> None:
    mine, theirs = Leases(opened(), "a"), Leases(opened(), "b")
    held = mine.take(NAME, SPAN)
    assert held is not None
    mine.release(held, rest=timedelta(seconds=5))
    assert theirs.take(NAME, SPAN) is None
    mine.release(held)
    assert theirs.take(NAME, SPAN) is not None


def test_a_clock_that_was_hours_ahead_leaves_no_lease_for_hours(opened: Callable[[], Postgresql]) -> None:
    database = opened()
    mine, theirs = Leases(database, "a"), Leases(opened(), "b")
    assert mine.take(NAME, SPAN) is not None
    far = stamp(database.time() + LONGEST + 5 * MINUTE)
    database.run("UPDATE leases SET until_at = :far", {"far": far})
    assert theirs.others() == frozenset()
    assert theirs.take(NAME, SPAN) is not None


def test_who_holds_what_can_be_asked_and_is_forgotten_in_time(opened: Callable[[], Postgresql]) -> None:
    database = opened()
    mine = Leases(database, "a")
    mine.take(NAME, SPAN)
    mine.take("channel:slack", SPAN)
    let_end(database, "channel:slack")
    assert [(each.name, each.holder) for each in leases.standing(database)] == [(NAME, "a")]
    leases.trim(database)
    assert count(database, "leases") == 2
    database.run("UPDATE leases SET until_at = '2026-03-04' WHERE name = 'channel:slack'")
    leases.trim(database)
    assert count(database, "leases") == 1


def test_the_databases_clock_decides_where_a_machines_is_wrong(new_postgresql: str) -> None:
    wrong = Postgresql(new_postgresql, machine=lambda: datetime.now(UTC) + 5 * MINUTE)
    right = Postgresql(new_postgresql)
    assert abs(wrong.skew() + 5 * MINUTE) < timedelta(seconds=5)
    assert by_its_clock(right, NOW) == NOW, "what a question takes is no difference"
    assert abs(wrong.time() - right.time()) < timedelta(seconds=5)
    held = Leases(wrong, "a").take(NAME, SPAN)
    assert held is not None
    assert leases.standing(right)[0].until <= right.time() + SPAN
    wrong.close()
    right.close()


def test_whoever_ends_lets_go_of_everything_but_the_rest_between_two_messages(
    opened: Callable[[], Postgresql], tmp_path: Path
) -> None:
    mine, theirs = Leases(opened(), "a"), Leases(opened(), "b")
    for name in ("files:forum", "learn", "channel:slack"):
        assert mine.take(name, SPAN) is not None
    assert theirs.take(NAME, SPAN) is not None
    engine = Engine(assembly_of(mine.database, settings_from(tmp_path), "a"), beside=False)
    assert engine.stop(1)
    assert [(each.name, each.holder) for each in leases.standing(mine.database)] == [
        ("channel:slack", "a"),
        (NAME, "b"),
    ]


def test_a_file_has_one_daemon_which_holds_everything_and_writes_nothing(sqlite: Sqlite) -> None:
    mine = Leases(sqlite)
    held = mine.take(NAME, SPAN)
    assert held is not None
    assert mine.holds(mine.keep(held, SPAN))
    mine.release(held)
    assert mine.others() == frozenset()
    assert count(sqlite, "leases") == 0
    assert abs(sqlite.time() - datetime.now(UTC)) < MINUTE
    assert (sqlite.skew(), by_its_clock(sqlite, NOW)) == (timedelta(), NOW)


def test_a_process_has_one_name() -> None:
    assert this_worker() == this_worker()
