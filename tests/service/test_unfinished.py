"""A job that no queue looks after, and of which its process dies: three times, and then it rests."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.service.engines.one_process import OneProcess
from monitor.service.heartbeat import Heartbeat
from monitor.service.scheduler import Engine, utc_now
from monitor.service.unfinished import DEATHS, REST, Unfinished, folder_of
from monitor.service.work import Job
from monitor.store import key_values
from tests.helpers import ANGRY, assembly_of, count, post, settings_from
from tests.service.test_scheduler import Base, until

NOW = datetime(2026, 3, 4, 9, tzinfo=UTC)
DIES = """
import os, sys, time
from datetime import datetime
from pathlib import Path
from monitor.service.engines.one_process import OneProcess
from monitor.service.heartbeat import Heartbeat
from monitor.service.unfinished import Unfinished
from monitor.service.work import Job
now = datetime.fromisoformat(sys.argv[2])
jobs = (Job("read", lambda _source: os.abort(), "collect"), Job("judge", os.abort, "judge", works_off=True),
        Job("learn", os.abort, "judge"))
made = OneProcess((), jobs, Heartbeat(), lambda: now, Unfinished(Path(sys.argv[1])))
made.hand_on(*sys.argv[3:])
time.sleep(600)
"""


def dies(folder: Path, *job: str, now: datetime = NOW) -> None:
    command = [sys.executable, "-c", DIES, str(folder), now.isoformat(), *job]
    assert subprocess.run(command, timeout=60, check=False).returncode == -signal.SIGABRT


class Process:
    """One that does the same jobs and lives."""

    def __init__(self, folder: Path, now: datetime = NOW) -> None:
        self.now, self.done, self.told = now, list[str](), list[str]()
        jobs = (
            Job("read", self.done.append, "collect"),
            Job("judge", lambda: self.done.append("judged"), "judge", works_off=True),
        )
        self.made = OneProcess((), jobs, Heartbeat(), lambda: self.now, Unfinished(folder, self.told.append))

    def does(self, *job: str) -> list[str]:
        """Have it done; all that was done so far."""
        self.made.hand_on(*job)
        until(lambda: not self.made.running())
        return self.done


def test_after_three_deaths_it_rests_for_an_hour_and_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    for _ in range(DEATHS):
        dies(tmp_path, "read", "poison")
    process = Process(tmp_path)
    assert process.does("read", "poison") == []
    assert process.told == ["read-poison"]
    assert not process.made.hand_on("read", "poison")
    assert process.does("read", "forum") == ["forum"]
    again = Process(tmp_path, NOW + REST / 2)  # a start is no reason to try
    assert again.does("read", "poison") == []
    assert again.told == []
    again.now = NOW + REST
    assert again.does("read", "poison") == ["poison"]
    assert list(tmp_path.iterdir()) == []


def test_whatever_dies_again_after_its_rest_rests_again(tmp_path: Path) -> None:
    for _ in range(DEATHS):
        dies(tmp_path, "read", "poison")
    assert Process(tmp_path).does("read", "poison") == []
    dies(tmp_path, "read", "poison", now=NOW + REST)
    process = Process(tmp_path, NOW + REST)
    assert process.does("read", "poison") == []
    assert process.told == ["read-poison"]


def test_deaths_that_are_not_in_a_row_count_for_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        for _ in range(DEATHS - 1):
            dies(tmp_path, "read", "poison")
        assert Process(tmp_path).does("read", "poison") == ["poison"]


def test_a_clock_that_is_set_back_does_not_make_it_rest_for_ever(tmp_path: Path) -> None:
    for _ in range(DEATHS):
        dies(tmp_path, "read", "poison")
    process = Process(tmp_path)
    assert process.does("read", "poison") == []
    process.now = NOW - timedelta(days=300)
    assert process.does("read", "poison") == ["poison"]


def test_what_a_process_that_ends_in_order_left_is_no_death(tmp_path: Path) -> None:
    unfinished = Unfinished(tmp_path)
    for _ in range(DEATHS + 1):
        assert unfinished.begin("read-slow", NOW)
        unfinished.leave()


def test_what_counts_its_own_deaths_does_not_rest(tmp_path: Path) -> None:
    """Pages are set aside one by one; all judging must not stand still for an hour because of three of them."""
    for _ in range(DEATHS):
        dies(tmp_path, "judge")
    assert Process(tmp_path).does("judge") == ["judged"]


def test_where_nothing_can_be_noted_it_is_done(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert Process(tmp_path / "file").does("read", "forum") == ["forum"]


def test_a_note_that_was_cut_off_counts_as_one_death(tmp_path: Path) -> None:
    dies(tmp_path, "read", "poison")
    (file,) = tmp_path.iterdir()
    file.write_text("{")
    for _ in range(DEATHS - 1):
        dies(tmp_path, "read", "poison")
    assert Process(tmp_path).does("read", "poison") == []


def test_the_daemon_does_so_and_tells_of_it(database: Base, tmp_path: Path) -> None:
    settings = settings_from(tmp_path)
    acme = assembly_of(database, settings)
    acme.intake.take([post(ANGRY, at=utc_now())], utc_now())
    for _ in range(DEATHS):
        dies(folder_of(settings), "learn", now=utc_now())
    (mention,) = database.rows("SELECT id FROM mentions")
    with database.transaction():
        key_values.add_label(database, "Acme", mention["id"], "answer", "Ana", "page", utc_now(), who_id="settings:ana")
    engine = Engine(acme)
    engine.start()
    until(lambda: count(database, "deliveries", "about LIKE 'notice:deaths:learn:%'") == 1)
    assert engine.stop(10)
    assert acme.teaching.due()  # nobody has learned it
