"""The page over 1,000,000 stored mentions and 50,000 cases: how long each page takes, while rows go on coming in.

`python -m benchmarks.page [MENTIONS [CASES [KEEP [ADDRESS]]]]`: KEEP is a folder to build the database in, or to find
it in; ADDRESS is a PostgreSQL in place of a file there. `first_ms` is the first look of all, when nothing is warm.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from benchmarks import made
from benchmarks.escalation import SETTINGS
from benchmarks.progress import Bar
from connectors import Post
from monitor.causes import listing
from monitor.reports import insights
from monitor.service.scheduler import utc_now
from monitor.settings.loading import load
from monitor.store import case_log, cases, causes, mentions, web
from monitor.store.database import stamp
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.store.stories import add_stories
from monitor.text.similarity import bands, fingerprint
from monitor.types import Mention, Verdict
from monitor.web.server import WebServer
from monitor.wiring import Assembly, assemble, know_sources, open_store

SOURCES = ("import", "forum", "chirp")
ROUNDS = 100  # of thirty the p95 is the second slowest: the first look of each thread of the server
CHUNK = 5_000
PAGE_MS, SEARCH_MS, HEAVIEST = 200, 300, 100_000  # the 95th percentile that is wanted, and bytes


def main() -> None:
    """Build, serve, measure, print one JSON object."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    case_count = int(sys.argv[2]) if len(sys.argv) > 2 else 50_000
    with tempfile.TemporaryDirectory() as passing:
        folder = Path(sys.argv[3]) if len(sys.argv) > 3 else Path(passing)
        folder.mkdir(exist_ok=True)
        file = folder / "settings.toml"
        listen = '[earful]\npage_listen = "127.0.0.1:0"\n'
        more = "".join(f'[[sources]]\nname = "{name}"\nkind = "hackernews"\n' for name in SOURCES[1:])
        text = listen + SETTINGS.replace("[[channels]]", f"{more}[[channels]]")
        if len(sys.argv) > 4:
            text = re.sub(r'url = "sqlite:[^"]*"', f'url = "{sys.argv[4]}"', text)
        file.write_text(text)
        settings = load(file, {})
        now = utc_now()
        database = open_store(settings, now)
        know_sources(database, settings)
        started = time.monotonic()
        if mentions.counts(database)["mentions"] < wanted:
            build(database, wanted, case_count, now)
        built = time.monotonic() - started
        figures = measure(assemble(settings, database))
        print(
            json.dumps(
                {"stored_mentions": wanted, "stored_cases": case_count, "built_seconds": round(built), **figures}
            )
        )
        database.close()


def build(database: Sqlite | Postgresql, wanted: int, case_count: int, now: datetime) -> None:
    """A year of mentions; a twentieth of them in cases, of which some thousands are open. The negative have a cause."""
    chance = random.Random(11)
    words = made.texts(wanted, unhappy=0.2)
    per_case = wanted // case_count
    verdicts = {
        True: Verdict(-0.6, "negative", 0.8, "ping", ("says: a refund",), "bench-1", "en", words=("Harbour Tea",)),
        False: Verdict(0.5, "positive", 0.1, "none", (), "bench-1", "en", words=("Harbour Tea",)),
    }
    number = itertools.count(1)
    listing.begin(database, made.BRAND, "general", now)
    named = [row["id"] for row in causes.standing(database, made.BRAND)]
    bar = Bar(f"storing mentions, {database.dialect}", wanted)
    if isinstance(database, Sqlite):
        database.run("PRAGMA cache_size=-600000")  # of this thread's connection, which asks no page
    for start in range(0, wanted, CHUNK):
        bar.to(start)
        posts, kept, opened, stories, caused = [], [], [], [], []
        for place, (text, bad) in enumerate(itertools.islice(words, min(CHUNK, wanted - start)), start):
            at = now - timedelta(days=365) * (1 - place / wanted)
            source, author = SOURCES[place % 3], f"author{chance.randrange(wanted // 3)}"
            post = Post(
                source, f"p{place}", f"https://{source}.example/{place}", author, text, at, thread_id=f"t{place}"
            )
            case_id = ""
            if place % per_case == 0:
                n = next(number)
                case_id = str(n)
                stories.append(_story(n, text, at))
                opened.append(_case(n, post, wanted - place < wanted // 10, chance))
            row = mentions.post_row(post, stamp(at))
            posts.append(row)
            verdict = verdicts[bool(bad or case_id)]
            mention = Mention(
                mentions.mention_id(made.BRAND, row["id"]), made.BRAND, post, verdict, at, case_id, bool(case_id)
            )
            kept.append(mentions.mention_row(mention, row["id"]))
            if bad:
                cause = chance.choice(named)
                caused.append({"mention_id": mention.id, "cause_id": cause, "brand": made.BRAND, "posted_at": stamp(at),
                               "place": 0, "by_staff": 0})  # fmt: skip
        with database.transaction():
            add_stories(database, stories)
            cases.add(database, opened)
            mentions.add_posts(database, posts)
            mentions.add_mentions(database, kept)
            causes.put(database, caused)
            case_log.add(database, [case_log.new_row(each["id"], now, "open", way="intake") for each in opened])
    bar.to(wanted)
    bar.end()
    if isinstance(database, Postgresql):
        database.run("VACUUM ANALYZE")  # what the server does by itself within a minute or two


def _story(n: int, text: str, at: datetime) -> dict[str, Any]:
    mark = fingerprint(text)
    return {
        "id": f"s{n}", "brand": made.BRAND, "source": SOURCES[n % 3], "thread": f"t{n}", "opened_at": stamp(at),
        "last_at": stamp(at), "fingerprint": mark, **{f"band{k}": each for k, each in enumerate(bands(mark))},
    }  # fmt: skip


def _case(n: int, post: Post, young: bool, chance: random.Random) -> dict[str, Any]:
    at = post.posted_at
    open_still = young and chance.random() < 0.8
    return cases.new_row(
        id=str(n), n=n, brand=made.BRAND, source=post.source, thread=post.thread_id, author=post.author,
        lane=chance.choice(("ping", "ping", "sweep")), priority=chance.choice(("critical", "urgent", "normal")),
        opened_at=stamp(at), first_posted_at=stamp(at), last_posted_at=stamp(at), story_id=f"s{n}",
        fingerprint=fingerprint(post.text), due_at=stamp(at + timedelta(hours=4)), language="en",
        answered_at="" if open_still else stamp(at + timedelta(hours=2)), answered_by="" if open_still else "us",
        closed_at="" if open_still else stamp(at + timedelta(hours=3)), closed_by="" if open_still else "us",
        outcome="" if open_still else "solved",
    )  # fmt: skip


def measure(assembly: Assembly) -> dict[str, Any]:
    """Each page ROUNDS times while rows come in: p50 and p95 in milliseconds, and bytes."""
    began = time.monotonic()
    while insights.keep_due(assembly.database, assembly.rules, utc_now()):  # as the daemon does once an hour
        pass
    kept = time.monotonic() - began
    (mention,) = assembly.database.rows("SELECT id FROM mentions ORDER BY seen_at DESC LIMIT 1")
    (case,) = assembly.database.rows("SELECT id FROM cases WHERE closed_at = '' ORDER BY n DESC LIMIT 1")
    paths = {
        "inbox": "/", "inbox_state": "/?state=waiting&page=20", "closed": "/?state=closed&page=3",
        "inbox_search": "/?q=refund", "inbox_query": "/?q=refund+AND+NOT+parcel", "case": f"/cases/{case['id']}",
        "mentions": "/mentions", "mentions_filter": "/mentions?label=negative&flagged=1", "search": "/mentions?q=wexka",
        "search_common": "/mentions?q=refund", "search_phrase": "/mentions?q=%22charged+me+twice%22+OR+parcel",
        "mention": f"/mentions/{mention['id']}", "insights": "/insights", "insights_year": "/insights?days=365",
        "insights_brand": "/insights?days=365&brand=Harbour+Tea",
        "sources": "/sources", "desk": "/desk", "settings": "/settings", "ready": "/ready",
        "by_source": "/mentions?source=chirp", "by_author": "/mentions?author=author7",
        "by_language": "/mentions?language=de", "by_mood": "/mentions?label=unknown",
        # Filters that contradict each other or the words, a lane that is rare, words in every post, a page turned.
        "none_flagged": "/mentions?lane=none&flagged=1", "happy_flagged": "/mentions?label=positive&flagged=1",
        "by_lane": "/mentions?lane=sweep", "search_all": "/mentions?q=harbour",
        "search_source": "/mentions?q=refund&source=chirp", "search_happy": "/mentions?q=refund&label=positive",
        "search_turned": f"/mentions?q=refund&before={_halfway()}",
        "api_cases": "/api/v1/cases", "api_mentions": "/api/v1/mentions?source=forum",
        "api_search": "/api/v1/mentions?q=wexka", "api_search_common": "/api/v1/mentions?q=refund",
        "api_case": f"/api/v1/cases/{case['id']}", "metrics": "/metrics",
    }  # fmt: skip
    found = asked(assembly, paths)
    return {**found, "insights_kept_seconds": round(kept, 1), "missed": missed(found)}


def asked(assembly: Assembly, paths: Mapping[str, str]) -> dict[str, Any]:
    """How long each of these takes to open, by name, while rows come in."""
    server = WebServer(lambda: assembly, utc_now, open_demo=True)
    assert server.start()
    ended = threading.Event()
    writer = threading.Thread(target=_collect, args=(assembly, ended))
    writer.start()
    secret = secrets.token_urlsafe(32)
    with assembly.database.transaction():
        web.add_token(assembly.database, secret, "bench", "api", utc_now(), role="viewer", until=None)
    found: dict[str, Any] = {}
    bar = Bar(f"asking each page {ROUNDS} times", len(paths))
    try:
        headers = {"authorization": f"Bearer {secret}"}
        with httpx2.Client(base_url=server.address, headers=headers, timeout=60) as client:
            for number, (name, path) in enumerate(paths.items()):
                bar.to(number, name)
                found[name] = _spread(client, path)
            bar.to(len(paths))
    finally:
        bar.end()
        ended.set()
        writer.join()
        server.stop()
    return found


def _halfway() -> str:
    """Where the page begins that somebody turned to, half a year back."""
    return f"{stamp(utc_now() - timedelta(days=180))}_"


def missed(found: dict[str, Any]) -> list[str]:
    """The pages that took too long or weigh too much."""
    return [
        name
        for name, each in found.items()
        if each["p95_ms"] > (SEARCH_MS if "search" in name or "query" in name else PAGE_MS) or each["bytes"] > HEAVIEST
    ]


def _spread(client: httpx2.Client, path: str) -> dict[str, Any]:
    taken, size = [], 0
    for _ in range(ROUNDS):
        start = time.perf_counter()
        answer = client.get(path)
        taken.append((time.perf_counter() - start) * 1000)
        assert answer.status_code in {200, 503}, (path, answer.status_code)
        size = len(answer.content)
    first = taken[0]
    taken.sort()
    return {
        "first_ms": round(first), "p50_ms": round(taken[len(taken) // 2]),
        "p95_ms": round(taken[int(len(taken) * 0.95)]), "bytes": size,
    }  # fmt: skip


def _collect(assembly: Assembly, ended: threading.Event) -> None:
    """What the daemon does meanwhile: ten posts, ten times a second."""
    for batch in _batches():
        if ended.wait(0.1):
            return
        assembly.intake.take(batch, utc_now())


def _batches() -> Iterator[list[Post]]:
    for number in itertools.count():
        texts = made.texts(10, unhappy=0.2, seed=1000 + number)
        yield [
            Post(
                "forum",
                f"new{number}.{n}",
                f"https://forum.example/n{number}.{n}",
                f"fresh{number}.{n}",
                text,
                utc_now(),
            )
            for n, (text, _) in enumerate(texts)
        ]


if __name__ == "__main__":
    main()
