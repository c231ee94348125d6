"""Both engines run the same ticks and jobs: one process by itself, and three on one PostgreSQL."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise

import psycopg
import pytest

from monitor.service.engines.interface import Scheduler
from monitor.service.engines.many_processes import ManyProcesses
from monitor.service.engines.one_process import OneProcess
from monitor.service.engines.queue import DEATHS, POOL, Pace, cron
from monitor.service.engines.threads import Threads
from monitor.service.heartbeat import Heartbeat
from monitor.service.work import ROLES, Job, Role, Tick
from monitor.store import job_tables
from monitor.store import postgresql_connections as connections
from monitor.store.leases import Leases, standing
from monitor.store.postgresql import Postgresql
from tests.helpers import count
from tests.machines.proxy import Line
from tests.service.test_scheduler import until
from tests.store.test_connections import over_a_line

__all__ = ["over_a_line"]

QUICK = Pace(beat=0.2, silent=1.0, look=0.2, poll=0.2, again=0.2)  # of what takes half a minute otherwise
BOUND = 20.0


def now() -> datetime:
    return datetime.now(UTC)


class Runs:
    """What was done, by which process; and how many did the same at a time."""

    def __init__(self) -> None:
        self.by: list[str] = []
        self.most = 0
        self.go_on = threading.Event()
        self._at_once = 0
        self._guard = threading.Lock()

    def note(self, process: str, wait: float = 0.0) -> None:
        with self._guard:
            self.by.append(process)
            self._at_once += 1
            self.most = max(self.most, self._at_once)
        self.go_on.wait(wait)
        with self._guard:
            self._at_once -= 1


class Processes:
    """Schedulers on one database, each with connections and a name of its own; or the one that needs none."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.made: list[Scheduler] = []
        self.hearts: list[Heartbeat] = []
        self._opened: list[Postgresql] = []

    @property
    def number(self) -> int:
        return 3 if self.address else 1

    def database(self) -> Postgresql:
        self._opened.append(Postgresql(self.address))
        return self._opened[-1]

    def add(
        self,
        ticks: Sequence[Tick],
        jobs: Sequence[Job] = (),
        roles: Sequence[Role] = ROLES,
        tell: Callable[[str], None] = print,
    ) -> Scheduler:
        heart = Heartbeat()
        self.hearts.append(heart)
        if self.address:
            database = self.database()
            made: Scheduler = ManyProcesses(
                ticks, jobs, roles, database, heart, now, tell=tell,
                leases=Leases(database, f"process-{len(self.made)}"), seldom=1, pace=QUICK,
            )  # fmt: skip
        else:
            made = OneProcess(ticks, jobs, heart, now)
        self.made.append(made)
        return made

    def start(self, make: Callable[[str], tuple[Sequence[Tick], Sequence[Job]]]) -> list[Scheduler]:
        for number in range(self.number):
            self.add(*make(f"process-{number}"))
        for each in self.made:
            each.start()
        return self.made

    def end(self) -> bool:
        ended = [each.stop_ticking(BOUND) and each.wait(BOUND) for each in self.made]
        for database in self._opened:
            database.close()
        return all(ended)


@pytest.fixture(params=["one", "many"])
def processes(request: pytest.FixtureRequest) -> Iterator[Processes]:
    made = Processes("" if request.param == "one" else str(request.getfixturevalue("new_postgresql")))
    yield made
    made.end()


@pytest.fixture
def many(new_postgresql: str) -> Iterator[Processes]:
    made = Processes(new_postgresql)
    yield made
    made.end()


def test_ticks_go_on_where_the_clock_is_set_back() -> None:
    """An hour, as a virtual machine or a wrong time zone may be: nothing was read or told until it had passed again."""
    ahead, came = threading.Event(), threading.Event()
    ahead.set()
    tick = Tick("one", 600, came.set)
    made = OneProcess([tick], (), Heartbeat(), lambda: now() + timedelta(hours=ahead.is_set()))
    made.start()
    try:
        ahead.clear()
        assert came.wait(BOUND)
    finally:
        assert made.stop_ticking(BOUND)


def test_what_is_frequent_is_done_in_one_process_and_what_is_each_ones_in_all(processes: Processes) -> None:
    led, own = Runs(), Runs()
    processes.start(
        lambda name: (
            (
                Tick("led", 0.05, lambda: led.note(name), "deliver", "notify", "led"),
                Tick("own", 0.05, lambda: own.note(name), "press"),
            ),
            (),
        )
    )
    until(lambda: len(led.by) > 20 and len(set(own.by)) == processes.number)
    assert len(set(led.by)) == 1
    assert led.most == 1


def test_what_is_seldom_is_done_once_however_many_there_are(processes: Processes) -> None:
    runs = Runs()
    began = time.monotonic()
    processes.start(lambda name: ((Tick("seldom", 1, lambda: runs.note(name), "keep", "judge", "seldom"),), ()))
    until(lambda: len(runs.by) >= 3)
    assert len(runs.by) <= time.monotonic() - began + 2, "each of them did it"
    assert runs.most == 1


def test_a_job_is_waiting_once_and_never_runs_beside_one_of_its_lock(processes: Processes) -> None:
    runs = Runs()

    def make(name: str) -> tuple[Sequence[Tick], Sequence[Job]]:
        return (), (
            Job("read", lambda *_names: runs.note(name, BOUND), "collect", "source:{0}"),
            Job("talk", lambda *_names: runs.note(name, BOUND), "collect", "source:{0}"),
        )

    made = processes.start(make)
    if processes.number == 1:  # one thread for each name: the collector itself keeps the two apart
        assert [made[0].hand_on("read", "forum", "posts") for _ in range(3)] == [True, False, False]
        runs.go_on.set()
        return
    put = [each.hand_on("read", "forum", "posts") for each in made]
    put += [each.hand_on("talk", "forum") for each in made]
    assert sum(put) == 2, "it was put although it waited already, or was being done"
    runs.go_on.set()
    until(lambda: len(runs.by) == 2)
    until(lambda: not any(each.running() for each in made))
    assert runs.most == 1
    assert len(runs.by) == 2


def test_a_failing_one_stops_nothing_else_and_is_tried_again(
    processes: Processes, caplog: pytest.LogCaptureFixture
) -> None:
    failed, others = Runs(), Runs()

    def fail() -> None:
        failed.note("")
        if len(failed.by) < 3:
            raise OSError(28, "No space left on device")

    made: list[Scheduler] = []
    made += processes.start(
        lambda name: (
            (
                Tick("seldom", 1, fail, "keep", "judge", "seldom"),
                Tick("due", 0.05, lambda: _hand_on(made, name), "collect", "collect", "due"),
            ),
            (Job("read", lambda *_names: fail(), "collect", "source:{0}"), Job("tell", others.note, "notify", "c:{0}")),
        )
    )

    def _hand_on(made: list[Scheduler], name: str) -> None:
        for each in made:
            each.hand_on("read", "forum")
            each.hand_on("tell", name)

    until(lambda: len(failed.by) >= 5 and len(others.by) >= 5)
    assert "No space left on device" in caplog.text


def test_it_ends_in_order_and_begins_nothing_more(processes: Processes) -> None:
    runs = Runs()
    (first, *others) = processes.start(
        lambda name: ((), (Job("read", lambda: runs.note(name, BOUND), "collect", "s"),))
    )
    assert first.hand_on("read")
    until(lambda: len(runs.by) == 1)
    holder = next(each for each in processes.made if each.running())
    assert holder.running() == ("read",)
    assert holder.stop_ticking(BOUND)
    assert not holder.wait(0.2), "it says truly that something is in flight"
    runs.go_on.set()
    assert holder.wait(BOUND)
    assert holder.running() == ()
    for each in others:
        if each is not holder:
            assert each.hand_on("read")
            until(lambda: len(runs.by) == 2)
            break
    else:
        assert not holder.hand_on("read")


def test_whoever_ends_lets_another_lead_at_once(many: Processes) -> None:
    led = Runs()
    many.start(lambda name: ((Tick("led", 0.05, lambda: led.note(name), "deliver", "notify", "led"),), ()))
    until(lambda: len(led.by) > 3)
    leader = many.made[int(led.by[-1][-1])]
    assert leader.stop_ticking(BOUND)
    assert leader.wait(BOUND)
    database = many.database()
    assert {each.holder for each in standing(database)}.isdisjoint({led.by[-1]})
    until(lambda: count(database, "procrastinate_workers") == 2)


def test_what_could_not_be_begun_can_be_begun_later() -> None:
    threads, done = Threads(), threading.Event()
    usual = threading.stack_size(1 << 50)  # no machine has so much room for a thread
    try:
        with pytest.raises(RuntimeError):
            threads.spawn("read", done.set)
    finally:
        threading.stack_size(usual)
    assert threads.names() == ()
    assert threads.spawn("read", done.set)
    assert done.wait(BOUND)
    assert threads.wait(BOUND)


def test_where_its_leases_cannot_be_let_go_it_ends_in_order_all_the_same(many: Processes) -> None:
    made = many.add((Tick("led", 0.05, lambda: None, "deliver", "notify", "led"),))
    assert isinstance(made, ManyProcesses)
    made.start()
    until(lambda: made.leads("notify"))
    many.database().run("ALTER TABLE leases RENAME TO away")
    assert made.stop_ticking(BOUND)
    assert made.wait(BOUND)


def test_whoever_is_stuck_in_a_look_lets_another_look(many: Processes, caplog: pytest.LogCaptureFixture) -> None:
    led = Runs()

    def look(name: str) -> None:
        led.note(name, BOUND if not led.by else 0)

    many.start(lambda name: ((Tick("led", 0.05, lambda: look(name), "deliver", "notify", "led"),), ()))
    until(lambda: len(led.by) == 1)
    first = many.made[int(led.by[0][-1])]
    assert isinstance(first, ManyProcesses)
    assert first.leads("notify")
    first._stuck = 0.0
    first._renew()
    assert not first.leads("notify")
    many.database().run("UPDATE leases SET until_at = ''")  # what would take twenty seconds
    for each in many.made:
        each._renew()  # type: ignore[attr-defined]
    until(lambda: len(set(led.by)) == 2)
    assert "led has not come back" in caplog.text
    led.go_on.set()


def test_only_those_of_its_role_do_a_job(many: Processes) -> None:
    runs = Runs()

    def jobs(name: str) -> Sequence[Job]:
        return Job("read", lambda *_n: runs.note(name), "collect", "a"), Job(
            "tell", lambda *_n: runs.note(name), "notify", "b"
        )

    collects = many.add((), jobs("collects"), ("collect",))
    tells = many.add((), jobs("tells"), ("notify",))
    collects.start()
    tells.start()
    for _ in range(3):
        until(lambda: tells.hand_on("read"))
        until(lambda: collects.hand_on("tell"))
    until(lambda: len(runs.by) == 6)
    assert sorted(runs.by) == ["collects"] * 3 + ["tells"] * 3


KILLED = """
import sys, time
from datetime import UTC, datetime, timedelta
from functools import partial
from monitor.service.engines.many_processes import ManyProcesses
from monitor.service.engines.queue import Pace
from monitor.service.heartbeat import Heartbeat
from monitor.service.work import ROLES, Job
from monitor.store.postgresql import Postgresql
def hang(*names):
    print("begun", flush=True)
    time.sleep(600)
made = ManyProcesses((), (Job("read", hang, "collect", "source:{0}"),), ROLES, Postgresql(sys.argv[1]), Heartbeat(),
                     lambda: datetime.now(UTC), pace=Pace(0.2, 1.0, 0.2, 0.2))
made.start()
made.hand_on("read", "forum")
time.sleep(600)
"""


def test_what_a_killed_process_was_doing_is_taken_up(many: Processes) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED, many.address], stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "begun\n"
        killed.send_signal(signal.SIGKILL)
        killed.wait(BOUND)
    runs = Runs()
    made = many.add((), (Job("read", lambda *names: runs.note("-".join(names)), "collect", "source:{0}"),))
    database = many.database()
    database.run("UPDATE leases SET until_at = ''")  # what would take twenty seconds
    made.start()
    until(lambda: runs.by == ["forum"])
    until(lambda: count(database, "procrastinate_jobs") == 0)


KILLS = """
import os, sys, time
from datetime import UTC, datetime, timedelta
from functools import partial
from monitor.service.engines.many_processes import ManyProcesses
from monitor.service.engines.queue import Pace
from monitor.service.heartbeat import Heartbeat
from monitor.service.work import Job, Tick
from monitor.store.postgresql import Postgresql
ticks = (Tick("keep", 3600, os.abort, "keep", "judge", "keep"),)
made = ManyProcesses(ticks, (Job("read", lambda name: os.abort(), "collect", "source:{0}"),), (sys.argv[2],),
                     Postgresql(sys.argv[1]), Heartbeat(), lambda: datetime.now(UTC), pace=Pace(0.2, 1.0, 0.2, 0.2))
made.start()
time.sleep(600)
"""


def test_a_job_that_kills_whoever_does_it_rests_after_three_deaths_and_the_others_go_on(many: Processes) -> None:
    """It was taken up again without end, and each time took along whatever else its process was doing."""
    runs, told = Runs(), list[str]()
    jobs = (Job("read", lambda *names: runs.note("-".join(names)), "collect", "source:{0}"),)
    heals = many.add((), jobs, ("notify",), tell=told.append)
    assert isinstance(heals, ManyProcesses)
    heals.start()
    until(lambda: heals.leads("jobs"))
    assert heals.hand_on("read", "poison")
    for _ in range(DEATHS):
        killed = subprocess.run([sys.executable, "-c", KILLS, many.address, "collect"], timeout=60, check=False)
        assert killed.returncode == -signal.SIGABRT
    until(lambda: told == ["read-poison"])
    database = many.database()
    until(lambda: count(database, "procrastinate_jobs") == 0)
    assert not heals.hand_on("read", "poison")
    assert heals.hand_on("read", "forum")
    many.add((), jobs, ("collect",)).start()
    until(lambda: runs.by == ["forum"])
    database.run("UPDATE facts SET value = '' WHERE key = 'rests:read-poison'")  # what would take an hour
    assert heals.hand_on("read", "poison")
    until(lambda: runs.by == ["forum", "poison"])


def test_an_hourly_tick_whose_process_died_in_it_is_taken_up_at_once(many: Processes) -> None:
    """Its turn was taken, so who took it up did nothing, and it waited for the next hour."""
    killed = subprocess.run([sys.executable, "-c", KILLS, many.address, "judge"], timeout=60, check=False)
    assert killed.returncode == -signal.SIGABRT
    runs, database = Runs(), many.database()
    database.run("UPDATE leases SET until_at = ''")  # what would take twenty seconds
    many.add((Tick("keep", 3600, lambda: runs.note("second"), "keep", "judge", "keep"),)).start()
    until(lambda: runs.by == ["second"])
    until(lambda: count(database, "procrastinate_jobs") == 0)


def test_a_tick_that_rests_is_not_done(many: Processes) -> None:
    rests, others = Runs(), Runs()
    job_tables.rest(many.database(), "tick-rests", timedelta(hours=1))
    many.add(
        (
            Tick("rests", 1, lambda: rests.note(""), "keep", "judge", "rests"),
            Tick("others", 1, lambda: others.note(""), "keep", "judge", "others"),
        )
    ).start()
    until(lambda: len(others.by) == 3)
    assert rests.by == []


class Clocks:
    """The time as each machine's clock shows it: that of the first thread that asks is right."""

    def __init__(self, apart: float) -> None:
        self.apart = apart
        self._asked: list[int] = []
        self._guard = threading.Lock()

    def time(self) -> float:
        with self._guard:
            me = threading.get_ident()
            if me not in self._asked:
                self._asked.append(me)
            return time.time() + self._asked.index(me) * self.apart


@pytest.mark.parametrize("apart", [300, -7200])
def test_where_clocks_are_minutes_apart_a_tick_is_done_once_in_its_turn(
    many: Processes, monkeypatch: pytest.MonkeyPatch, apart: int
) -> None:
    monkeypatch.setattr("procrastinate.periodic.time", Clocks(apart))
    runs, database = Runs(), many.database()
    for name in ("first", "second"):
        many.add((Tick("seldom", 1800, partial(runs.note, name), "keep", "judge", "seldom"),)).start()
    put = "SELECT last_value AS n FROM procrastinate_periodic_defers_id_seq"
    until(lambda: database.rows(put)[0]["n"] == 2 and count(database, "procrastinate_jobs") == 0 and runs.by != [])
    assert len(runs.by) == 1


def away(address: str, *, away: bool) -> None:
    """The server takes nobody in any more, and has shown out those who take jobs; or it is there again."""
    head, mark, options = address.partition("?")
    server, _, name = head.rpartition("/")
    with psycopg.connect(f"{server}/postgres{mark}{options}", autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {not away}".encode())
        if away:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'earful jobs'"
            )


def test_cut_from_the_server_it_says_so_once_and_goes_on(many: Processes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "earful.engine")
    runs = Runs()
    made = many.add((), (Job("read", lambda *names: runs.note("-".join(names)), "collect", "source:{0}"),))
    made.start()
    made.hand_on("read", "before")
    until(lambda: "before" in runs.by)
    watching = many.database()
    until(lambda: count(watching, "procrastinate_jobs") == 0)
    away(many.address, away=True)
    until(lambda: "no jobs can be taken at the moment" in caplog.text)
    away(many.address, away=False)
    until(lambda: "jobs are taken again" in caplog.text)
    made.hand_on("read", "after")
    until(lambda: "after" in runs.by)
    # A machine that stands still for a second is taken for dead at this pace, and may be cut off once more.
    said = [each.message[:8] for each in caplog.records if " taken" in each.message]
    assert said[:2] == ["no jobs ", "jobs are"]
    assert all(one != other for one, other in pairwise(said)), "it said so twice of one cut"
    assert many.hearts[0].hung() == []
    assert POOL in many.hearts[0]._last


def test_connections_that_bring_no_answer_any_more_are_given_up(
    over_a_line: tuple[str, Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing told the worker that a tunnel had lost its other end: it took no job for as long as it lived."""
    monkeypatch.setattr(connections, "DEADLINE", 0.4)
    monkeypatch.setattr(connections, "_MORE", 0.1)
    monkeypatch.setattr(connections, "JOBS_DEADLINE", 0.5)
    address, line = over_a_line
    made, runs = Processes(address), Runs()
    tells = made.add((), (Job("read", lambda *names: runs.note("-".join(names)), "collect", "source:{0}"),))
    tells.start()
    tells.hand_on("read", "before")
    until(lambda: "before" in runs.by)
    line.freeze()

    def handed_on() -> bool:
        try:
            return tells.hand_on("read", "after")
        except psycopg.OperationalError:
            return False  # this thread's connection, too

    until(handed_on)
    until(lambda: "after" in runs.by)
    made.end()


def test_a_job_whose_end_could_not_be_written_down_does_not_keep_its_lock(
    many: Processes, caplog: pytest.LogCaptureFixture
) -> None:
    """Its worker is alive and well: nobody would ever take it for dead."""
    caplog.set_level("DEBUG", "earful.engine")
    runs = Runs()
    made = many.add((), (Job("read", lambda *_names: runs.note("", BOUND), "collect", "source:{0}"),))
    made.start()
    made.hand_on("read", "forum")
    until(lambda: len(runs.by) == 1)
    watching = many.database()
    watching.run("ALTER FUNCTION procrastinate_finish_job_v1 RENAME TO away")
    runs.go_on.set()
    until(lambda: "the end of a job could not be written down" in caplog.text)
    watching.run("ALTER FUNCTION away RENAME TO procrastinate_finish_job_v1")
    until(lambda: len(runs.by) >= 2)
    until(lambda: count(watching, "procrastinate_jobs") == 0)
    until(lambda: made.hand_on("read", "forum"))


def test_a_tick_that_is_a_job_and_hangs_is_told_to_systemd() -> None:
    seconds = [1000.0]
    heart = Heartbeat(lambda: seconds[0])
    heart.begins("tick-growth", "default")
    heart.begins("tick-digest", "default")
    heart.ends("tick-digest")
    assert heart.hung() == []
    seconds[0] += 901
    assert heart.hung() == ["tick-growth"]


def test_every_period_of_ours_is_one_that_cron_can_say() -> None:
    assert [cron(seconds) for seconds in (1, 15, 60, 900, 3600)] == [
        "* * * * * */1", "* * * * * */15", "*/1 * * * *", "*/15 * * * *", "0 */1 * * *",
    ]  # fmt: skip


def test_what_waits_is_counted_by_role(many: Processes) -> None:
    database = many.database()
    assert job_tables.queues(database) == []
    tells = many.add((), (Job("read", print, "collect", "source:{0}"),), ("notify",))
    assert tells.hand_on("read", "forum")
    assert not tells.hand_on("read", "forum")
    assert tells.hand_on("read", "chirp")
    assert [(each.role, each.waiting, each.doing) for each in job_tables.queues(database)] == [("collect", 2, 0)]
