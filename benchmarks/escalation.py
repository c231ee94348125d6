"""One escalation round with 10,000 open cases: with the lists of the day, with nothing due, with all due at once."""

from __future__ import annotations

import json
import resource
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks import made
from connectors import Post
from monitor.cases import escalation, handing_over, list_of_the_day
from monitor.notify import fallback
from monitor.service.scheduler import utc_now
from monitor.settings.loading import load
from monitor.store import deliveries
from monitor.wiring import Assembly, assemble, open_store

CASES = 10_000
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
[[alerts.routes]]
priority = "urgent"
[desk]
hours = [{ days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], start = "00:00", end = "00:00" }]
"""


def main() -> None:
    """Print the figures as one JSON object."""
    with tempfile.TemporaryDirectory(prefix="earful-bench-") as name:
        folder = Path(name)
        (folder / "settings.toml").write_text(SETTINGS, "utf-8")
        settings = load(folder / "settings.toml", {})
        now = utc_now().replace(hour=12)  # the lists of the morning are due, whatever the hour is
        database = open_store(settings, now)
        assembly = assemble(settings, database)
        opened = assembly.intake.take(_complaints(now), now).opened
        before = _peak()
        listed = _round(assembly, now + timedelta(minutes=1))
        idle = _round(assembly, now + timedelta(minutes=2))
        due = _round(assembly, now + timedelta(minutes=46))
        steps = database.row("SELECT count(*) AS n FROM deliveries WHERE step = 1")
        database.close()
    print(
        json.dumps(
            {
                "escalation_open_cases": len(opened),
                "escalation_lists_seconds": round(listed, 3),
                "escalation_round_seconds": round(idle, 3),
                "escalation_all_due_seconds": round(due, 3),
                "escalation_reminders": steps["n"] if steps else 0,
                "escalation_grew_mb": round((_peak() - before) / 1024, 1),
            }
        )
    )


def _complaints(now: datetime) -> list[Post]:
    return [
        Post("import", f"e{place}", "", f"author{place}", text, now)
        for place, (text, _bad) in enumerate(made.texts(CASES, unhappy=1.0, seed=11))
    ]


def _round(assembly: Assembly, now: datetime) -> float:
    """What the daemon's tick does every two seconds."""
    database, rules = assembly.database, assembly.rules
    started = time.perf_counter()
    escalation.escalate(database, rules, now)
    list_of_the_day.queue_lists(database, rules, now)
    fallback.fall_back(database, rules, now)
    handing_over.people_left(database, rules, now)
    with database.transaction():
        deliveries.recover(database, now, all_of_them=False)
    return time.perf_counter() - started


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
