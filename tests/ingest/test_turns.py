"""Two processes that read, on one PostgreSQL: a source has one reader, and whoever was away too long stores nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors import Account, Batch, ConnectorError, Quota, Request
from monitor.ingest.collector import Collector
from monitor.ingest.turns import LEASE, LOOKS, Turn, lease_of
from monitor.store import failures, leases, sources
from monitor.store.leases import Leases
from monitor.store.postgresql import Postgresql
from monitor.wiring import Assembly
from tests.helpers import (
    ANGRY,
    BROKEN,
    HOUR,
    MINUTE,
    NOW,
    Clock,
    Steady,
    assembly_of,
    count,
    let_end,
    notices,
    post,
    settings_from,
)
from tests.ingest.test_collector import Scripted, page
from tests.ingest.test_conversations import Network

SECOND = timedelta(seconds=1)


class Process:
    """One process: connections, an assembly and a collector of its own, over scripted sources."""

    def __init__(self, address: str, folder: Path, worker: str, steady: Steady | None = None) -> None:
        self.database = Postgresql(address)
        self.steady = steady or Steady()
        self.acme: Assembly = assembly_of(self.database, settings_from(folder), worker, self.steady)
        self.told: list[str] = []

    def over(self, **connectors: Any) -> Collector:
        others = {source.name: Scripted(page()) for source in self.acme.settings.sources}
        return Collector(
            self.database, self.acme.rules, self.acme.intake, self.acme.answers, {**others, **connectors},
            self.acme.queries, lambda _key, title, _remedy, _now: self.told.append(title), self.acme.leases,
        )  # fmt: skip


@pytest.fixture
def process(new_postgresql: str, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    made: list[Process] = []

    def another(worker: str, steady: Steady | None = None) -> Process:
        made.append(Process(new_postgresql, tmp_path, worker, steady))
        return made[-1]

    yield another
    for each in made:
        each.database.close()


def test_a_source_is_read_by_one_and_by_another_once_that_is_done(process: Callable[..., Process]) -> None:
    a, b = process("a"), process("b")
    theirs = b.over()
    seen: dict[str, Any] = {}

    def read(_request: Request) -> Batch:
        seen["due"] = theirs.due(NOW)
        seen["visit"] = theirs.visit("forum", "posts", Clock())
        seen["own"] = theirs.visit("forum", "own", Clock())
        seen["talk"] = theirs.visit_conversations("forum", Clock())
        return page(post(ANGRY))

    assert ("forum", "posts") in theirs.due(NOW)
    visit = a.over(forum=Scripted(read)).visit("forum", "posts", Clock())
    assert visit is not None
    assert visit.taken.new == 1
    assert "forum" not in dict(seen.pop("due"))
    assert seen == {"visit": None, "own": None, "talk": None}
    assert theirs.visit("forum", "posts", Clock()) is not None


def test_a_source_whose_cursor_cannot_be_stored_is_one_that_fails(process: Callable[..., Process]) -> None:
    """It said that the disk is to be checked, each half minute, and nobody was told that the source is not read."""
    a = process("a")
    collector = a.over(forum=Scripted(*[page(post(ANGRY), cursor="of a network\0that writes anything")] * 3))
    clock = Clock()
    for failures_in_a_row in (1, 2, 3):
        visit = collector.visit("forum", "posts", clock)
        assert visit is not None
        assert visit.error == "unexpected DataError while reading"
        health = sources.health(a.database, "forum")
        assert health is not None
        assert health.failures == failures_in_a_row
        clock.forward(HOUR)
    assert [each for each in notices(a.database) if each.startswith("forum has not been read since")]


def test_whoever_only_reads_judges_conversations_all_the_same_and_keeps_no_stranger(
    process: Callable[..., Process],
) -> None:
    """To leave that to a judge would be to store first what everybody else says there."""
    a = process("a")
    a.acme.intake.take([post(ANGRY, native_id="first", thread_id="thread", at=NOW - HOUR)], NOW)
    network = Network()
    network.said["thread"] = [
        post("Still broken, this is terrible. Now what?", native_id="hers", at=NOW - MINUTE),
        post("Lovely weather in Lisbon today.", native_id="theirs", author="stranger", at=NOW - MINUTE),
    ]
    collector = a.over(forum=network)
    collector.judging.elsewhere = True
    heard = collector.visit_conversations("forum", Clock())
    assert heard is not None
    assert (heard.kept, heard.dropped) == (1, 1)
    assert count(a.database, "unjudged") == 0
    assert [row["native_id"] for row in a.database.rows("SELECT native_id FROM posts ORDER BY n")] == ["first", "hers"]


def test_whoever_was_frozen_while_it_read_stores_nothing_and_moves_no_cursor(process: Callable[..., Process]) -> None:
    a, b = process("a"), process("b")

    def read(_request: Request) -> Batch:
        a.steady.seconds += HOUR.total_seconds()
        let_end(a.database)
        newer = Scripted(page(post(ANGRY, native_id="1"), post(BROKEN, native_id="2", author="mira"), cursor="newer"))
        assert b.over(forum=newer).visit("forum", "posts", Clock()) is not None
        return page(post(ANGRY, native_id="1"), cursor="older")

    assert a.over(forum=Scripted(read)).visit("forum", "posts", Clock()) is None
    assert sources.cursor(a.database, "forum", "posts") == "newer"
    assert count(a.database, "posts") == 2
    assert count(a.database, "unjudged") == 0


def test_whoever_was_frozen_is_not_believed_that_the_source_fails(process: Callable[..., Process]) -> None:
    a, b = process("a"), process("b")

    def read(_request: Request) -> Batch:
        a.steady.seconds += HOUR.total_seconds()
        let_end(a.database)
        assert b.over().visit("forum", "posts", Clock()) is not None
        raise ConnectorError("the line was cut while we stood still")

    assert a.over(forum=Scripted(read)).visit("forum", "posts", Clock()) is None
    health = sources.health(a.database, "forum")
    assert health is not None
    assert health.failures == 0


def test_a_long_read_is_kept_and_of_a_killed_reader_another_takes_over_in_half_a_minute(
    process: Callable[..., Process],
) -> None:
    a, b = process("a"), process("b")
    assert timedelta(seconds=30) >= LEASE
    assert LEASE.total_seconds() / 4 > LOOKS, "of two looks that fail a third comes in time"
    turn = Turn(a.acme.leases, "forum", threading.Lock())
    assert turn.begin()
    (first,) = leases.standing(a.database)
    a.database.run(
        "UPDATE leases SET until_at = :soon", {"soon": f"{a.database.time() + 5 * SECOND:%Y-%m-%dT%H:%M:%SZ}"}
    )
    turn._look()
    assert leases.standing(a.database)[0].until < first.until, "it is kept when half of it is over"
    a.steady.seconds += LEASE.total_seconds() / 2
    turn._look()
    (kept,) = leases.standing(b.database)
    assert kept.until > first.until
    assert Turn(b.acme.leases, "forum", threading.Lock()).begin() is False


def test_a_read_looks_after_its_turn_while_it_waits(process: Callable[..., Process]) -> None:
    a = process("a")
    turn = Turn(a.acme.leases, "forum", threading.Lock())
    assert turn.begin()
    looked = threading.Event()
    a.steady.seconds += LEASE.total_seconds()  # the next look finds it nearly over, and asks

    class Looked(Turn):
        def _look(self) -> None:
            looked.set()

    turn.__class__ = Looked
    assert turn.read(60, lambda: looked.wait(50), "fetch") is True


def test_failures_of_own_replies_are_counted_over_all_processes(process: Callable[..., Process]) -> None:
    a, b = process("a"), process("b")
    broken = Scripted(page(), own=(ConnectorError("no"),))
    waits = []
    for each in (a, b, a):
        clock = Clock()
        each.over(forum=broken).visit("forum", "own", clock)
        health = sources.health(a.database, "forum")
        assert health is not None
        assert health.own_next_due_at is not None
        waits.append(health.own_next_due_at - NOW)
    assert waits[1] == 2 * waits[0]
    assert waits[2] == 4 * waits[0]
    assert (len(a.told), len(b.told)) == (1, 1), "told from the second on"
    fine = Scripted(page(), own=(page(),))
    b.over(forum=fine).visit("forum", "own", Clock())
    assert failures.standing(a.database, "own", "forum") == 0


class Knows(Scripted):
    """A network that knows whose handles these are."""

    def identify(self, handles: tuple[str, ...], _request: Request) -> tuple[dict[str, Account], Quota]:
        return {handle: Account(f"id-of-{handle}", handle) for handle in handles}, Quota()


def test_what_one_process_has_looked_up_the_others_know_and_do_not_ask(process: Callable[..., Process]) -> None:
    a, b, judge = process("a"), process("b"), process("c")
    ours = post("We are sorry about the box", author="id-of-acme_care", native_id="reply")
    a.over(forum=Knows(page())).visit("forum", "posts", Clock())
    theirs = Knows(page(post(ANGRY)))
    theirs.identify = None  # type: ignore[assignment, method-assign]  # asking it would be an error
    visit = b.over(forum=theirs).visit("forum", "posts", Clock())
    assert visit is not None
    assert visit.error == ""
    assert not judge.acme.rules.is_own(ours)
    judge.acme.collector.judging.work_off(Clock())
    assert judge.acme.rules.is_own(ours)


def test_where_the_database_is_away_nobody_is_asked_and_the_source_waits(process: Callable[..., Process]) -> None:
    a = process("a")
    network = Scripted(page())
    collector = a.over(forum=network)
    a.database.run("ALTER TABLE leases RENAME TO leases_away")
    visit = collector.visit("forum", "posts", Clock())
    a.database.run("ALTER TABLE leases_away RENAME TO leases")
    assert visit is not None
    assert "not stored" in visit.error
    assert network.asked == []
    assert "forum" not in dict(collector.due(NOW + SECOND))
    assert "forum" in dict(collector.due(NOW + MINUTE))


def test_a_turn_that_has_ended_and_was_nobodys_goes_on_anew(process: Callable[..., Process]) -> None:
    """Its pages were judged for longer than the turn lasts; nobody else wanted the source."""
    a = process("a")

    def read(_request: Request) -> Batch:
        a.steady.seconds += LEASE.total_seconds()
        return page(post(ANGRY), cursor="p2", complete=False)

    visit = a.over(forum=Scripted(read, page(post(BROKEN, author="mira")))).visit("forum", "posts", Clock())
    assert visit is not None
    assert (visit.pages, visit.taken.new) == (2, 2)
    assert [each for each in leases.standing(a.database) if each.name == lease_of("forum")] == []


def test_a_file_has_one_reader_and_no_lease(sqlite: Any) -> None:
    turn = Turn(Leases(sqlite), "forum", threading.Lock())
    assert turn.begin()
    assert turn.goes_on()
    turn.prove()
    assert turn.read(5, lambda: "read", "fetch") == "read"
    turn.end()
    assert count(sqlite, "leases") == 0


def test_whoever_only_reads_leaves_what_it_read_to_those_who_judge(process: Callable[..., Process]) -> None:
    reads, judges = process("a"), process("b")
    collector = reads.over(forum=Scripted(page(post(ANGRY))))
    collector.judging.elsewhere = True
    visit = collector.visit("forum", "posts", Clock())
    assert visit is not None
    assert (visit.taken.seen, visit.taken.new, count(reads.database, "posts")) == (1, 0, 0)
    assert judges.acme.collector.judging.work_off(Clock()).new == 1


def test_what_waits_of_a_source_is_judged_by_the_time_that_it_is_then(process: Callable[..., Process]) -> None:
    """By the time of the read, what is claimed after a minute would be claimed until a moment that is past."""
    a, other = process("a"), process("b")
    for author in ("olga", "mira"):
        reads = other.over(forum=Scripted(page(post(ANGRY, author=author))))
        reads.judging.elsewhere = True
        reads.visit("forum", "posts", Clock())
    clock = Clock()

    def now() -> datetime:
        return clock.forward(MINUTE)

    visit = a.over(forum=Scripted(page(post(BROKEN, author="nele")))).visit("forum", "posts", now)
    assert visit is not None
    assert visit.taken.new == 3
    seen = {row["seen_at"] for row in a.database.rows("SELECT seen_at FROM posts")}
    assert len(seen) == 3
