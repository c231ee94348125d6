"""Two processes and what people press: one listens, and each press is worked off once, by the machine that heard it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.slack.payloads import Press
from monitor.notify.interactions import Interactions
from monitor.notify.listening import Listening
from monitor.notify.spool import Spool
from monitor.store import leases
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly
from tests.fakes.slack import FakeSlack
from tests.helpers import ANGRY, HOUR, NOW, Steady, assembly_of, case, let_end, post, settings_from, take
from tests.service.test_scheduler import until

TEAM = "T0FAKETEAM"


class Process:
    """A process with connections, a spool and a socket of its own."""

    def __init__(self, address: str, folder: Path, slack: FakeSlack, worker: str) -> None:
        self.database = Postgresql(address)
        self.steady = Steady()
        channels = '[[channels]]\nname = "slack"\nkind = "slack"\ntoken = { env = "T" }\napp_token = { env = "A" }\n'
        channels += f'api_url = "{slack.api_url}"\ntimeout = 2.0\nteam = "{TEAM}"\n'
        people = '[[people]]\nname = "Ana"\nslack = "U0ANA00001"\nrole = "lead"\n'
        settings = settings_from(
            folder, channels=channels, notify=("slack:#care",), operator=("slack:#care",), tables=people,
            environ={"T": slack.token, "A": slack.app_token},
        )  # fmt: skip
        self.acme: Assembly = assembly_of(self.database, settings, worker, self.steady)
        self.spool = Spool(folder / worker)
        self.listening = Listening(settings, self.acme.alerting.channels, self.spool, leases=self.acme.leases)

    def close(self) -> None:
        self.listening.stop()
        self.database.close()


@pytest.fixture
def process(new_postgresql: str, tmp_path: Path, slack: FakeSlack) -> Iterator[Callable[[str], Process]]:
    made: list[Process] = []

    def another(worker: str) -> Process:
        made.append(Process(new_postgresql, tmp_path, slack, worker))
        return made[-1]

    yield another
    for each in made:
        each.close()


def kept(process: Process) -> list[Any]:
    return [press for _, press in process.spool.waiting()]


def test_one_listens_and_another_once_that_one_is_gone(process: Callable[[str], Process], slack: FakeSlack) -> None:
    a, b = process("a"), process("b")
    take(a.acme, post(ANGRY))
    for each in (a, b, a, b):
        each.listening.start()
    assert (a.listening.is_on, b.listening.is_on) == (True, False)
    assert slack.connected()
    assert slack.press("1", "take", name="ana")[1]
    assert (len(kept(a)), len(kept(b))) == (1, 0)
    a.listening.stop()
    b.listening.start()
    assert b.listening.is_on, "whoever stops lets another listen at once"
    assert slack.connected()
    assert a.listening.work_off(a.database, a.acme.rules, NOW) == 1, "what it heard before it stopped is its own to do"
    assert case(b.database, "1").owner == "Ana"


def test_of_one_that_died_another_takes_over_and_whoever_wakes_up_hangs_up(
    process: Callable[[str], Process], slack: FakeSlack
) -> None:
    a, b = process("a"), process("b")
    a.listening.start()
    (held,) = leases.standing(a.database)
    assert (held.until - a.database.time()).total_seconds() < 25, "with the next look it is half a minute"
    let_end(a.database)
    b.listening.start()
    assert b.listening.is_on
    a.listening.start()
    assert not a.listening.is_on
    until(lambda: len(slack._sockets) == 1)


def test_whoever_is_cut_from_the_database_listens_until_its_time_is_over(process: Callable[[str], Process]) -> None:
    a = process("a")
    a.listening.start()
    a.database.run("ALTER TABLE leases RENAME TO away")
    a.listening.start()
    assert a.listening.is_on, "what is pressed meanwhile waits on its disk"
    a.steady.seconds += HOUR.total_seconds()
    a.listening.start()
    assert not a.listening.is_on
    a.database.run("ALTER TABLE away RENAME TO leases")


def test_once_it_has_hung_up_for_good_a_look_that_comes_late_does_not_listen_again(
    process: Callable[[str], Process], slack: FakeSlack
) -> None:
    """New settings come in one thread, with a new one of these, while the tick of another still has this one."""
    a = process("a")
    a.listening.start()
    a.listening.stop()
    a.listening.start()
    assert not a.listening.is_on
    assert not [each for each in leases.standing(a.database) if each.name.startswith("socket:")]


# -- several processes of one machine ---------------------------------------------------------------------------------


def press(envelope: str = "e1", verb: str = "take") -> Press:
    return Press(
        case_id="1", verb=verb, value="", user_id="U0ANA00001", user_name="ana", team_id=TEAM, channel="",
        message_ts="", at_text="1", envelope_id=envelope,
    )  # fmt: skip


def test_a_press_that_another_process_of_the_machine_works_off_is_left_to_it(tmp_path: Path) -> None:
    spool, other = Spool(tmp_path), Spool(tmp_path)
    spool.keep(press(), "slack")
    ((path, _),) = spool.waiting()
    with spool.held(path) as ours:
        assert ours
        with other.held(path) as theirs:
            assert not theirs
        path.unlink()
        with other.held(path) as theirs:
            assert not theirs
    spool.keep(press(), "slack")
    with other.held(path) as theirs:
        assert theirs, "whoever held it has ended"


def test_two_who_work_off_one_folder_do_each_press_once(sqlite: Sqlite, tmp_path: Path) -> None:
    acme = assembly_of(sqlite, settings_from(tmp_path))
    for number in range(20):
        Spool(tmp_path / "presses").keep(press(f"e{number}", "snooze"), "slack")
    said: list[str] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        Interactions(
            acme.database, acme.rules, Spool(tmp_path / "presses"),
            lambda press, _words: said.append(press["envelope_id"]),
        ).work_off(NOW)  # fmt: skip

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(said) == sorted(f"e{number}" for number in range(20)), "there is no such case, and each heard so once"
    assert list(Spool(tmp_path / "presses").waiting()) == []
    assert list((tmp_path / "presses").glob("*.bad")) == []
