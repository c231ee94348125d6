"""Retention and the clock: what a wrong clock would remove for good stays; a right one removes it on time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from connectors import server_dates
from connectors.http import Http
from monitor.privacy import forgetting
from monitor.service import clock_check
from monitor.service.clock_check import ClockCheck
from monitor.service.scheduler import Engine
from monitor.store import key_values
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.fakes.server import FakeServer, Reply
from tests.helpers import ANGRY, CALM, DAY, HOUR, MINUTE, NOW, assembly_of, count, notices, post, settings_from, take

YEAR = 365 * DAY


class Machine:
    """A machine with a wall clock that can be set and a steady one that cannot; it can be started anew."""

    def __init__(self, acme: Assembly) -> None:
        self.acme = acme
        self.wall, self.up, self.boots = NOW, 1000.0, 1
        self.ahead: timedelta | None = None  # of what other machines say
        self.engine = self.start()

    def start(self) -> Engine:
        """The daemon, by these clocks."""
        self.engine = Engine(self.acme, lambda: self.wall, beside=False)
        self.engine.clock_check = ClockCheck(lambda: self.up, f"boot {self.boots}", lambda _now: self.ahead)
        return self.engine

    def boot(self) -> None:
        """Off for as long as the wall clock says, and on again."""
        self.boots, self.up = self.boots + 1, 10.0
        self.start()

    def passes(self, span: timedelta) -> None:
        """Time goes by, evenly, with a look now and then."""
        for _ in range(10):
            self.wall += span / 10
            self.up += span.total_seconds() / 10
            self.engine.clock_due()

    def keep(self) -> int:
        """An hour's tidying; how many posts have been emptied by now."""
        self.engine.keep_house()
        return count(self.acme.database, "posts", "purged_at <> ''")

    @property
    def waits(self) -> str:
        found = clock_check.waiting(self.acme.database)
        return found.why if found else ""


@pytest.fixture
def machine(database: Sqlite | Postgresql, tmp_path: Path) -> Machine:
    """Six posts of the last day, nobody's case among them; one more that is really old."""
    acme = assembly_of(database, settings_from(tmp_path))
    take(acme, *(post(CALM, author=f"c{n}", at=NOW - n * HOUR) for n in range(6)))
    made = Machine(acme)
    assert made.keep() == 0
    return made


def test_a_clock_far_ahead_at_one_start_removes_nothing(machine: Machine) -> None:
    machine.wall += 400 * DAY + timedelta(seconds=14)
    machine.up += 14
    machine.start()
    assert machine.keep() == 0
    assert machine.waits == "the clock has jumped forward by 400 days"
    assert [line for line in notices(machine.acme.database) if "not being deleted" in line] != []
    machine.wall -= 400 * DAY
    machine.up += 14
    machine.start()
    machine.engine.clock_due()
    machine.passes(23 * HOUR)
    assert "back by 400 days" in machine.waits
    machine.passes(2 * HOUR)
    assert machine.waits == ""
    assert machine.keep() == 0


@pytest.mark.parametrize("step", [2 * HOUR, -2 * HOUR, 30 * DAY, -30 * DAY])
def test_any_step_of_more_than_an_hour_is_waited_for_and_told_once(machine: Machine, step: timedelta) -> None:
    machine.wall += step
    machine.up += 60
    machine.keep()
    machine.passes(3 * HOUR)
    assert machine.waits
    told = [line for line in notices(machine.acme.database) if "the clock has jumped" in line]
    assert len(told) == 1


def test_what_was_due_is_done_as_soon_as_the_clock_has_run_evenly_for_a_day(machine: Machine) -> None:
    machine.wall += 400 * DAY
    assert machine.keep() == 0
    machine.passes(25 * HOUR)
    assert count(machine.acme.database, "posts", "purged_at <> ''") == 6


def test_a_day_that_is_broken_by_another_step_begins_anew(machine: Machine) -> None:
    machine.wall += 400 * DAY
    machine.keep()
    machine.passes(20 * HOUR)
    machine.wall += 2 * HOUR
    machine.engine.clock_due()
    machine.passes(20 * HOUR)
    assert machine.keep() == 0
    machine.passes(5 * HOUR)
    assert machine.keep() == 6


def test_an_admin_says_that_the_clock_is_right(machine: Machine) -> None:
    machine.wall += 400 * DAY
    machine.ahead = 400 * DAY
    assert machine.keep() == 0
    assert "ahead of the clocks of the sources" in machine.waits
    assert "ahead of" in clock_check.accept(machine.acme.database, "root", machine.wall)
    machine.engine.clock_due()
    machine.ahead = 400 * DAY + MINUTE
    assert machine.keep() == 6
    machine.ahead = 500 * DAY
    machine.engine.clock_due()
    assert machine.waits, "what was accepted is this distance, and no other"


def test_answers_that_name_another_day_hold_it_for_as_long_as_they_do(machine: Machine) -> None:
    """Both clocks of this machine agree: it was wrong from its start on."""
    machine.wall += 400 * DAY
    machine.ahead = 400 * DAY
    machine.keep()
    machine.passes(30 * DAY)
    assert machine.keep() == 0
    machine.ahead = timedelta()
    machine.passes(25 * HOUR)
    assert machine.keep() == 6


def test_a_quiet_brand_is_emptied_on_time(machine: Machine) -> None:
    """Nothing is posted for a year, nothing is wrong: the clock alone decides."""
    machine.passes(DAY)
    emptied = [0]
    for _ in range(37):
        machine.wall += 10 * DAY
        machine.up += 10 * DAY.total_seconds()
        emptied.append(machine.keep())
    assert (machine.waits, emptied[-2:]) == ("", [0, 6])


def test_a_machine_that_was_off_for_a_week_waits_for_an_answer_and_tells_nobody(machine: Machine) -> None:
    machine.wall += 400 * DAY
    machine.boot()
    assert machine.keep() == 0
    assert "restarted" in machine.waits
    machine.ahead = timedelta(seconds=2)
    machine.passes(MINUTE)
    assert machine.waits == ""
    assert count(machine.acme.database, "posts", "purged_at <> ''") == 6
    assert notices(machine.acme.database) == []


def test_a_machine_that_was_off_and_hears_nobody_says_so(machine: Machine) -> None:
    machine.wall += 400 * DAY
    machine.boot()
    machine.passes(HOUR)
    assert machine.keep() == 0
    assert len(notices(machine.acme.database)) == 1


def test_a_database_of_a_version_that_wrote_no_clock_down_is_measured_by_its_last_audit(machine: Machine) -> None:
    database = machine.acme.database
    database.run("DELETE FROM facts WHERE key = 'clock'")
    key_values.remember(database, "audit", "", NOW)
    machine.wall += 400 * DAY
    machine.start()
    assert machine.keep() == 0
    assert machine.waits


def test_what_people_ask_to_have_erased_goes_at_once(machine: Machine) -> None:
    machine.wall += 400 * DAY
    assert machine.keep() == 0
    acme = machine.acme
    found = forgetting.erase(acme.database, acme.rules, "forum", "c1", who="Ana", way="page", now=machine.wall)
    assert found.posts == 1


def test_answered_cases_are_not_closed_by_a_wrong_clock(machine: Machine) -> None:
    acme = machine.acme
    take(acme, post(ANGRY, at=NOW - MINUTE))
    acme.database.run("UPDATE cases SET answered_at = :at", {"at": "2026-03-04T10:00:00.000000Z"})
    machine.wall += 400 * DAY
    machine.keep()
    assert count(acme.database, "cases", "closed_at = ''") == 1


# What other machines say


@pytest.fixture
def heard() -> Iterator[None]:
    """Nothing was heard before, and nothing is known afterwards."""
    server_dates.forget()
    yield
    server_dates.forget()


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("distance", [timedelta(), 400 * DAY, -3 * HOUR])
def test_the_date_of_a_real_answer_is_kept(distance: timedelta) -> None:
    now = datetime.now(NOW.tzinfo)
    with FakeServer() as server:
        server.route("/posts", Reply(json=[]))
        Http(trusted=(server.host,)).get(f"{server.url}/posts")
    ahead = server_dates.ahead(now + distance)
    assert ahead is not None
    assert abs(ahead - distance) < MINUTE


@pytest.mark.usefixtures("heard")
def test_one_host_that_is_wrong_among_three_and_dates_that_are_none_change_nothing() -> None:
    right, wrong = format_datetime(NOW, usegmt=True), format_datetime(NOW - YEAR, usegmt=True)
    for host, date in (("a", right), ("b", wrong), ("c", right), ("d", "yesterday"), ("e", "")):
        server_dates.note(host, date)
    ahead = server_dates.ahead(NOW)
    assert ahead is not None
    assert abs(ahead) < MINUTE


@pytest.mark.usefixtures("heard")
def test_only_so_many_hosts_are_remembered() -> None:
    for number in range(500):
        server_dates.note(f"h{number}", format_datetime(NOW, usegmt=True))
    assert len(server_dates._heard) == server_dates.MOST_HOSTS


# -- several machines on one PostgreSQL -----------------------------------------------------------------------------


class Beside:
    """Two machines whose looks take turns, each with a wall clock and a boot of its own."""

    def __init__(self, address: str, folder: Path) -> None:
        self.databases = [Postgresql(address) for _ in range(2)]
        self.acme = [assembly_of(each, settings_from(folder)) for each in self.databases]
        self.walls, self.up = [NOW, NOW], [1000.0, 5.0]
        self.checks = [self._check(number) for number in range(2)]

    def _check(self, number: int) -> ClockCheck:
        return ClockCheck(lambda: self.up[number], f"boot {number}", machine=f"web-{number}")

    def look(self, number: int) -> str:
        made = self.acme[number]
        return self.checks[number].look(made.database, made.rules, self.walls[number])

    def passes(self, span: timedelta) -> None:
        for _ in range(10):
            for number in range(2):
                self.walls[number] += span / 10
                self.up[number] += span.total_seconds() / 10
                self.look(number)


@pytest.fixture
def two(new_postgresql: str, tmp_path: Path) -> Iterator[Beside]:
    made = Beside(new_postgresql, tmp_path)
    yield made
    for each in made.databases:
        each.close()


def test_one_machines_step_is_its_own_and_it_is_trusted_again_after_a_day(two: Beside) -> None:
    two.passes(HOUR)
    two.walls[0] += 2 * HOUR
    assert two.look(0) == "the clock of web-0 has jumped forward by 2 hours"
    assert two.look(1) == "", "the other one's runs evenly"
    found = clock_check.waiting(two.databases[1])
    assert found is not None
    assert "web-0" in found.why
    two.passes(25 * HOUR)
    assert (two.look(0), two.look(1)) == ("", "")
    assert clock_check.waiting(two.databases[0]) is None
    told = [line for line in notices(two.databases[0]) if "not being deleted" in line]
    assert len(told) == 1


def test_a_clock_that_is_hours_off_the_databases_is_not_trusted(new_postgresql: str, tmp_path: Path) -> None:
    wrong = Postgresql(new_postgresql, machine=lambda: datetime.now(UTC) + 3 * HOUR)
    acme = assembly_of(wrong, settings_from(tmp_path))
    check = ClockCheck(lambda: 1.0, "boot", machine="web-0")
    assert check.look(wrong, acme.rules, NOW) == "the clock of web-0 is 3 hours ahead of the database's clock"
    assert clock_check.accept(wrong, "root", NOW)
    assert check.look(wrong, acme.rules, NOW) == "", "an admin has called it right"
    wrong.close()


def test_a_machine_that_is_gone_has_nothing_to_wait_for(two: Beside) -> None:
    two.passes(HOUR)
    two.walls[0] += 2 * HOUR
    assert two.look(0)
    two.walls[1] += DAY + 3 * HOUR
    two.up[1] += (DAY + 3 * HOUR).total_seconds()
    two.look(1)
    assert clock_check.waiting(two.databases[1]) is None
