"""Two processes that judge, on one PostgreSQL: what one has learned the other judges by, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitor.cases.second_look import LOOKS, SecondLook
from monitor.incidents import watch
from monitor.incidents.watch import Watch
from monitor.learning.feedback import LEARNS
from monitor.store import incidents, key_values, unjudged
from monitor.store.postgresql import Postgresql
from monitor.wiring import Assembly
from tests.cases.test_second_look import MILD, QUESTION, Judging, listed, needs
from tests.helpers import ANGRY, MINUTE, NOW, Clock, Steady, assembly_of, count, let_end, post, settings_from, take
from tests.incidents.test_watch import FIRE
from tests.ingest.test_judging import keep
from tests.learning.test_feedback import complaints, jokes, lanes, rested, said

Process = Callable[[str], Assembly]


@pytest.fixture
def process(new_postgresql: str, tmp_path: Path) -> Iterator[Process]:
    made: list[Postgresql] = []

    def another(worker: str) -> Assembly:
        made.append(Postgresql(new_postgresql))
        return rested(assembly_of(made[-1], settings_from(tmp_path), worker, Steady()))

    yield another
    for each in made:
        each.close()


def test_one_learns_and_the_others_judge_by_it(process: Process) -> None:
    a, b, page = process("a"), process("b"), process("page")
    said(a, jokes(60), "dismiss", "ANA", "BEN", why="not_a_complaint")
    said(a, complaints(60), "take", "ANA", "BEN")
    assert a.leases.take(LEARNS, MINUTE) is not None
    b.teaching.work(Clock())
    assert count(b.database, "models") == 0, "another learns"
    a.teaching.work(Clock())
    assert count(b.database, "models") == 1
    for each in (b, page):
        assert each.teaching.is_behind()
        each.teaching.follow()
        assert not each.teaching.is_behind()
    assert lanes(b) == lanes(page) == lanes(a) == ("none", "ping")
    let_end(b.database, LEARNS)
    said(b, complaints(3), "dismiss", "CLEO")
    b.teaching.work(Clock())
    assert not b.teaching.due(), "of one that died another takes it over"


def test_what_both_have_learned_at_once_is_one_version(process: Process) -> None:
    a, b = process("a"), process("b")
    said(a, jokes(30), "dismiss", "ANA", "BEN")
    for each in (a, b):
        let_end(a.database)
        each.teaching.work(Clock())
    assert count(a.database, "models") == 1


def test_a_second_look_is_taken_by_one_at_a_time(process: Process) -> None:
    a, b = process("a"), process("b")
    listed(a, QUESTION, MILD)
    odds = Judging({MILD: 6.0, QUESTION: -3.0})
    assert a.leases.take(LOOKS, MINUTE) is not None
    other = SecondLook(b.database, lambda: odds, lambda *_: None, leases=b.leases)
    assert other.work(Clock()) == 0
    let_end(a.database, LOOKS)
    assert other.work(Clock()) == 2
    assert a.leases.take(LOOKS, MINUTE) is not None, "it was let go"


def test_whoever_looked_and_stood_still_moves_nothing_twice_and_sets_nobody_back(process: Process) -> None:
    """One reads the first entries and is frozen; another looks at these and at what came since."""
    a, b = process("a"), process("b")
    listed(a, QUESTION, MILD)
    odds = {MILD: 6.0, QUESTION: -3.0}
    after: dict[str, float] = {}

    class Frozen(Judging):
        def odds(self, texts: list[str]) -> list[float]:  # type: ignore[override]
            if not after:
                let_end(a.database)
                take(b, post("anyone know if there is an Acme shop in Hull", author="late"))
                SecondLook(b.database, lambda: Judging(odds), lambda *_: None, leases=b.leases).work(Clock())
                after.update(needs(b))
            return super().odds(texts)

    SecondLook(a.database, lambda: Frozen(odds), lambda *_: None, leases=a.leases).work(Clock())
    assert set(after) == {"a0", "a1", "late"}
    assert needs(a) == after
    upto = key_values.fact(a.database, "reader:upto")
    assert upto == str(max(int(row["n"]) for row in a.database.rows("SELECT n FROM cases")))


def test_two_who_see_the_same_leap_open_one_incident(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other looks between the decision of the first and its transaction."""
    a, b = process("a"), process("b")
    take(a, *(post(f"{FIRE}{'!' * number}", author=f"c{number}") for number in range(3)))
    looked: list[str] = []
    words = watch.standing_out

    def meanwhile(*args: object) -> object:
        if not looked:
            looked.append("b")
            Watch(b.database, b.rules).look(NOW)
        return words(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(watch, "standing_out", meanwhile)
    Watch(a.database, a.rules).look(NOW)
    assert looked == ["b"]
    assert [row["kind"] for row in incidents.open_now(a.database)] == ["critical"]


def test_a_page_is_claimed_by_the_databases_clock(process: Process) -> None:
    a, b = process("a"), process("b")
    keep(a, post(ANGRY))
    ahead = NOW + 10 * MINUTE
    a.database._machine = lambda: a.database.time() + 10 * MINUTE  # type: ignore[union-attr]
    assert unjudged.claim(a.database, ahead, MINUTE) is not None
    assert unjudged.claim(b.database, NOW + MINUTE / 2, MINUTE) is None
    assert unjudged.claim(b.database, NOW + 2 * MINUTE, MINUTE) is not None, "not ten minutes later"
