"""The whole pipeline of `earful import` beside bare VADER over the same texts, in one process."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from benchmarks import made
from connectors import Post
from monitor.ingest.file_import import Columns, Reading
from monitor.service.scheduler import utc_now
from monitor.settings.loading import load
from monitor.wiring import assemble, open_store, settle

POSTS = 20_000
SETTINGS = """
[database]
url = "sqlite:bench.sqlite"
[[brands]]
name = "Harbour Tea"
query = '"Harbour Tea"'
[[sources]]
name = "import"
kind = "replay"
[[channels]]
name = "console"
kind = "console"
"""


def main() -> None:
    """Print the figures as one JSON object."""
    with tempfile.TemporaryDirectory(prefix="earful-bench-") as name:
        folder = Path(name)
        (folder / "settings.toml").write_text(SETTINGS, "utf-8")
        settings = load(folder / "settings.toml", {})
        now = utc_now()
        texts = made.write(folder / "posts.jsonl", POSTS, now, unhappy=0.15)
        bare = SentimentIntensityAnalyzer()
        half = len(texts) // 2
        vader, vader_cpu = _scored(bare, texts[:half])
        database = open_store(settings, now)
        assembly = assemble(settings, database)
        assembly.judge.verdict(next(_posts(folder, now)), made.BRAND, ())  # its words and models are loaded once
        settle()
        started, cpu = time.perf_counter(), time.process_time()
        taken = assembly.intake.take(_posts(folder, now), now)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        more, more_cpu = _scored(bare, texts[half:])
        vader, vader_cpu = vader + more, vader_cpu + more_cpu
        owed = database.row("SELECT count(*) AS n FROM deliveries")
        database.close()
    if (taken.seen, taken.matched, taken.new) != (POSTS, POSTS, POSTS):
        sys.exit(f"not every made post was stored: {taken}")
    print(
        json.dumps(
            {
                "ratio_to_vader": round(vader / seconds, 3),
                "ratio_to_vader_cpu": round(vader_cpu / cpu, 3),  # the same, without what other processes took
                "posts_per_second": round(POSTS / seconds),
                "vader_per_second": round(POSTS / vader),
                "import_cpu_seconds": round(cpu, 2),
                "import_seconds": round(seconds, 2),
                "cases": len(taken.opened),
                "deliveries": owed["n"] if owed else 0,
                "import_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
        )
    )


def _posts(folder: Path, now: datetime) -> Iterator[Post]:
    columns = Columns(id="id", text="text", author="author", posted_at="at")
    return Reading(folder / "posts.jsonl", "import", columns, now).posts()


def _scored(bare: SentimentIntensityAnalyzer, texts: list[str]) -> tuple[float, float]:
    """Seconds of wall clock and of processor."""
    started, cpu = time.perf_counter(), time.process_time()
    for text in texts:
        bare.polarity_scores(text)
    return time.perf_counter() - started, time.process_time() - cpu


if __name__ == "__main__":
    main()
