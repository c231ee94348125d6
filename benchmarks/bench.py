"""`make bench`: how fast Earful is on this machine. Progress goes to stderr; the last line is one JSON object.

Loopback only, about five minutes. What is to be reached stands in GOALS; a figure that misses its goal is named under
"missed" in that object (a busy machine misses some), and the exit code stays 0: this measures, it does not judge.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from typing import Any

from benchmarks import live

# figure -> (the goal, whether it is a least or a most)
GOALS: dict[str, tuple[float, str]] = {
    "ratio_to_vader": (0.2, "least"),
    "ratio_to_vader_with_processes": (0.35, "least"),
    "door_to_import_cpu": (1.5, "most"),
    "firehose_posts_per_second": (20_000, "least"),
    "firehose_rss_mb": (1_000, "most"),
    "firehose_with_50_brands_to_before": (1.0, "most"),
    "idle_percent_of_a_core": (1.0, "most"),
    "idle_threads_more_than_with_one_source": (0, "most"),
    "arrival_to_alert_p99_seconds": (2.0, "most"),
    "burst_stored_seconds": (60.0, "most"),
    "peak_rss_mb": (250.0, "most"),
    "start_to_first_poll_seconds": (2.0, "most"),
    "press_to_edit_p99_seconds": (1.0, "most"),
    "press_to_edit_in_burst_p99_seconds": (1.0, "most"),
    "escalation_lists_seconds": (1.0, "most"),
    "escalation_round_seconds": (0.05, "most"),
    "escalation_all_due_seconds": (1.0, "most"),
}


def main() -> None:
    """Measure, and print."""
    started = time.monotonic()
    figures: dict[str, Any] = {}
    for part in ("pipeline", "door", "firehose", "escalation", "idle"):
        _tell(f"{part} ...")
        figures |= _alone(part)
    _tell("a live daemon ...")
    figures |= live.measure(_tell)
    missed = {
        name: goal
        for name, (goal, kind) in GOALS.items()
        if figures.get(name) is None or (figures[name] < goal if kind == "least" else figures[name] > goal)
    }
    figures |= {
        "missed": missed,
        "load_average": round(os.getloadavg()[0], 1),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "seconds": round(time.monotonic() - started),
    }
    print(json.dumps(figures), flush=True)


def _alone(part: str) -> dict[str, Any]:
    """One part in a process of its own, so that memory and warmth are its own."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{part}"], stdout=subprocess.PIPE, text=True, check=True, timeout=300
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    _tell(json.dumps(found))
    return found


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
