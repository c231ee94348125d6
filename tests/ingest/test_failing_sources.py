"""Many sources that fail at once are one notice, and one when they are read again; few are told by name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from connectors import Nonsense
from monitor.store import disk
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.alerting_helpers import Base
from tests.helpers import ANGRY, HOUR, assembly_of, deliver, post, settings_from
from tests.ingest.test_collector import Reading, Scripted, page
from tests.service.test_watchdog import STAFF, Network

DOWN = Nonsense("503 from the server", remedy="wait")
MORE = "".join(f'[[sources]]\nname = "s{n}"\nkind = "hackernews"\nevery = "5m"\n' for n in range(10))


@pytest.fixture
def many(database: Base, tmp_path: Path) -> Assembly:
    """Thirteen sources; the operator listens on "console", staff on "desk"."""
    return assembly_of(database, settings_from(tmp_path, channels=STAFF, notify=("desk",), sources=MORE))


def test_a_dozen_that_fail_at_once_are_one_notice_and_one_when_they_are_back(many: Assembly) -> None:
    network = Network(many)
    network.round()
    network.down = dict.fromkeys([f"s{n}" for n in range(10)] + ["chirp"], DOWN)
    for _ in range(8):
        network.round()
    assert deliver(many, network.clock) == 2
    (first,) = network.operator
    assert first.startswith("11 sources have not been read since 04 Mar 10:10 UTC: chirp, s0, s1")
    (line,) = network.staff
    assert line.startswith("11 sources unread since 10:10: chirp, s0")
    network.down.clear()
    for _ in range(8):
        network.round()
    assert [each.partition(":")[0] for each in network.operator[1:]] == ["11 sources are working again"]
    assert [each.partition(":")[0] for each in network.staff[1:]] == ["11 sources are working again"]


def test_those_that_stay_away_are_named_when_the_others_are_back(many: Assembly) -> None:
    network = Network(many)
    network.round()
    network.down = dict.fromkeys([f"s{n}" for n in range(6)], DOWN)
    for _ in range(3):
        network.round()
    network.down = {"s0": DOWN}
    for _ in range(12):
        network.round()
    assert deliver(many, network.clock) == 2
    _first, again = network.operator
    assert again == "5 sources are working again: s1, s2, s3, s4, s5; still not read: s0"
    network.down.clear()
    for _ in range(8):
        network.round()
    assert network.operator[2:] == ["s0 is working again"]


def test_one_after_another_over_a_day_is_told_one_by_one(many: Assembly) -> None:
    network = Network(many)
    network.round()
    for number in range(4):
        network.down[f"s{number}"] = DOWN
        for _ in range(3):
            network.round()
        network.round(forward=HOUR)
    assert [each.partition(" ")[0] for each in network.operator] == ["s0", "s1", "s2", "s3"]


# -- what cannot be stored ------------------------------------------------------------------------------------------


class Full(Sqlite):
    """A file that cannot grow any more: SQLite itself says "database or disk is full"."""

    full = False

    def _connection(self) -> object:
        connection = super()._connection()
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        most = pages if self.full else 1_000_000
        connection.execute(f"PRAGMA max_page_count = {most}").fetchone()
        return connection


def test_a_full_disk_pauses_reading_says_so_and_goes_on_by_itself(sqlite: Sqlite, tmp_path: Path) -> None:
    database = Full(sqlite.path)
    acme = assembly_of(database, settings_from(tmp_path))
    long = [post(f"{ANGRY} {'and so on ' * 500}", author=f"a{n}") for n in range(200)]
    reading = Reading(acme, forum=Scripted(page(*long), page(*long), page(*long)))
    database.full = True
    visit = reading.visit()
    assert visit is not None
    assert visit.error == "not stored: the disk is full"
    assert disk.fault(database, reading.clock()) == "the disk is full"
    assert ("forum", "posts") not in reading.collector.due(reading.clock())  # nor is it asked again at once
    database.full = False
    reading.clock.forward(timedelta(minutes=1))
    assert reading.visit() is not None
    assert disk.fault(database, reading.clock()) == ""
    assert database.row("SELECT count(*) AS n FROM posts")["n"] == 200  # type: ignore[index]
    database.close()
