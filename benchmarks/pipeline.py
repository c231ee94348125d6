"""The whole pipeline of `earful import` beside bare VADER over the same texts: in one process, and with one to judge.

Each is timed in three rounds, by turns, and the quickest counts, as for `timeit`: what a round takes longer is what
else the machine did. `..._if_free` is what the busier process needed of its processor: how quick all of it is where
each has one to itself.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from operator import itemgetter
from pathlib import Path

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from benchmarks import made
from connectors import Post
from monitor.ingest.file_import import Columns, Reading
from monitor.ingest.judge_processes import JudgeProcesses
from monitor.service.scheduler import utc_now
from monitor.settings.loading import load
from monitor.wiring import assemble, open_store, settle

POSTS = 20_000
ROUNDS = 3
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
        folder, now = Path(name), utc_now()
        texts = made.write(folder / "posts.jsonl", POSTS, now, unhappy=0.15)
        bare = SentimentIntensityAnalyzer()
        rounds = [
            (_scored(bare, texts), _import(folder, now, processes=0), _import(folder, now, processes=1))
            for _ in range(ROUNDS)
        ]
    vader = min(seconds for (seconds, _), _, _ in rounds)
    vader_cpu = min(cpu for (_, cpu), _, _ in rounds)
    one = min((each for _, each, _ in rounds), key=itemgetter("cpu"))
    beside = min((each for _, _, each in rounds), key=itemgetter("seconds"))
    print(
        json.dumps(
            {
                "ratio_to_vader": round(vader / min(each["seconds"] for _, each, _ in rounds), 3),
                "ratio_to_vader_cpu": round(vader_cpu / one["cpu"], 3),  # the same, without what other processes took
                "posts_per_second": round(POSTS / one["seconds"]),
                "vader_per_second": round(POSTS / vader),
                "import_cpu_seconds": round(one["cpu"], 2),
                "import_seconds": round(one["seconds"], 2),
                "cases": one["cases"],
                "deliveries": one["deliveries"],
                "import_rss_mb": one["rss_mb"],
                "ratio_to_vader_with_processes": round(vader / beside["seconds"], 3),
                "ratio_to_vader_with_processes_if_free": round(
                    vader_cpu
                    / max(beside["cpu"], beside["children_cpu"], (beside["cpu"] + beside["children_cpu"]) / 2),
                    3,
                ),
                "with_processes_seconds": round(beside["seconds"], 2),
                "with_processes_judged_beside": round(beside["judged_beside"] / POSTS, 3),
                "with_processes_storing_cpu_seconds": round(beside["cpu"], 2),
                "with_processes_judging_cpu_seconds": round(beside["children_cpu"], 2),
                "seconds_of_each_round": [
                    [round(seconds, 2), round(alone["seconds"], 2), round(more["seconds"], 2)]
                    for (seconds, _), alone, more in rounds
                ],
            }
        )
    )


def _import(folder: Path, now: datetime, *, processes: int) -> dict[str, float]:
    """Import the posts into an empty file, with so many processes beside this one; their start is in the time."""
    for file in folder.glob("bench.sqlite*"):
        file.unlink()
    (folder / "settings.toml").write_text(SETTINGS, "utf-8")
    settings = load(folder / "settings.toml", {})
    database = open_store(settings, now)
    assembly = assemble(settings, database)
    assembly.judge.verdict(next(_posts(folder, now)), made.BRAND, ())  # its words and models are loaded once
    settle()
    children = _cpu_of_children()
    started, cpu = time.perf_counter(), time.process_time()
    with JudgeProcesses(assembly.intake.judge, assembly.queries, number=processes) as beside:
        taken = assembly.intake.take(_posts(folder, now), now, ahead=beside)
        judged, here = beside.judged, beside.taken_back
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    owed = database.row("SELECT count(*) AS n FROM deliveries")
    database.close()
    if (taken.seen, taken.matched, taken.new) != (POSTS, POSTS, POSTS) or judged + here != (POSTS if processes else 0):
        sys.exit(f"not every made post was judged and stored: {taken}, {judged} by other processes, {here} taken back")
    return {
        "seconds": seconds,
        "cpu": cpu,
        "children_cpu": _cpu_of_children() - children,
        "cases": len(taken.opened),
        "deliveries": owed["n"] if owed else 0,
        "judged_beside": judged,
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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
