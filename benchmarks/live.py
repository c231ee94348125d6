"""The daemon as people run it, between loopback servers: start, alert, press, burst."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import made
from benchmarks.network import Network
from monitor.store.sqlite import Sqlite
from tests.fakes.server import FakeServer
from tests.fakes.slack import FakeSlack

CASES = 30
BETWEEN = 2.0  # seconds between two new cases
BURST = 10_000
BURST_ENDS = 90.0  # seconds
PRESSES_IN_BURST = 12
CHECKOUT = Path(__file__).parents[1]
SETTINGS = """
[earful]
operator = ["slack:#operators"]
[database]
url = "sqlite:bench.sqlite"
[[brands]]
name = "Harbour Tea"
query = '"Harbour Tea"'
[[sources]]
name = "hn"
kind = "hackernews"
api_url = "{network}/api/v1"
page_size = 1000
every = "1s"
overlap = "1m"
[[channels]]
name = "slack"
kind = "slack"
token = {{ env = "SLACK_TOKEN" }}
app_token = {{ env = "SLACK_APP_TOKEN" }}
api_url = "{slack}"
[alerts]
notify = ["slack:#care"]
group_wait = "0s"
group_join = "1s"
messages_per_hour = 100
[desk]
hours = [{{ days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], start = "00:00", end = "00:00" }}]
"""
BURST_SOURCE = """
[[sources]]
name = "burst"
kind = "replay"
file = "burst.jsonl"
day_in = "at_once"
"""
Tell = Callable[[str], None]


class Live:
    """The far sides, and the daemon between them."""

    settings = SETTINGS

    def __init__(self, folder: Path, tell: Tell) -> None:
        self.folder, self.tell = folder, tell
        self.figures: dict[str, Any] = {}
        self.network = Network()

    def run(self) -> dict[str, Any]:
        """Measure everything; the figures."""
        with FakeServer() as server, FakeSlack() as slack:
            self.network.serve(server)
            self.slack = slack
            file = self.folder / "settings.toml"
            file.write_text(self.settings.format(network=server.url, slack=slack.api_url), "utf-8")
            environ = {**os.environ, "SLACK_TOKEN": slack.token, "SLACK_APP_TOKEN": slack.app_token}
            started = time.monotonic()
            with (self.folder / "log").open("w") as log:
                command = [str(Path(sys.executable).with_name("earful")), "--settings", str(file), "run", "--no-watch"]
                daemon = subprocess.Popen(command, cwd=CHECKOUT, env=environ, stderr=log, stdout=log)
                try:
                    self._wait(lambda: server.ledger, 30, "the first poll")
                    self.figures["start_to_first_poll_seconds"] = round(time.monotonic() - started, 2)
                    assert slack.connected(10), "nobody listens to presses"
                    self._one_by_one()
                    self._burst(daemon.pid, file)
                finally:
                    daemon.send_signal(signal.SIGTERM)
                    try:
                        daemon.wait(25)
                    except subprocess.TimeoutExpired:
                        daemon.kill()
        return self.figures

    # -- what is measured -------------------------------------------------------------------------------------------

    def _one_by_one(self) -> None:
        """A complaint every two seconds, each taken by a press a second after its alert."""
        self.tell(f"{CASES} complaints, one by one")
        alerts, presses = [], []
        for text, _bad in made.texts(CASES, unhappy=1.0, seed=3):
            began = time.monotonic()
            (native,) = self.network.write([text])
            words = text[-20:]
            at = self._wait(lambda words=words: self._told("chat.postMessage", words), 20, "an alert")
            alerts.append(at - self.network.arrived[native])
            time.sleep(max(0.0, BETWEEN / 2 - (time.monotonic() - began)))
            presses.append(self._press(words))
            time.sleep(max(0.0, BETWEEN - (time.monotonic() - began)))
        self.figures |= spread("arrival_to_alert", alerts) | spread("press_to_edit", presses)

    def _press(self, words: str) -> float:
        """Press "I have it" on the message with these words; seconds until it is edited."""
        message = next(each for each in self.slack.messages if words in str(each["blocks"]))
        case = next(
            element["value"]
            for block in message["blocks"]
            for element in block.get("elements", ())
            if element.get("action_id") == "earful:take"
        )
        edits = len([each for each in self.slack.accepted if each["method"] == "chat.update"])
        started = time.monotonic()
        assert self.slack.connected(10), "nobody listens to presses"  # while settings are read anew, for a moment
        _envelope, kept = self.slack.press(case, "take", message=message)
        assert kept, "a press was not acknowledged"

        def edited() -> bool:
            updates = [each for each in self.slack.accepted if each["method"] == "chat.update"][edits:]
            return any(each["ts"] == message["ts"] and "taken by" in str(each["blocks"]) for each in updates)

        return self._wait(edited, 20, "an edit") - started

    def _burst(self, process: int, settings: Path) -> None:
        """A source that is new brings ten thousand posts at its first read (earful reload); meanwhile people press.

        All that a first read brings is one brief, a minute after its end: no alert is measured here.
        """
        self.tell(f"a burst of {BURST:,} posts")
        waiting = [text[-20:] for text, _bad in made.texts(PRESSES_IN_BURST, unhappy=1.0, seed=5)]
        for text, _bad in made.texts(PRESSES_IN_BURST, unhappy=1.0, seed=5):
            self.network.write([text])
            self._wait(lambda words=text[-20:]: self._told("chat.postMessage", words), 20, "an alert")
            time.sleep(1.1)
        database = Sqlite(self.folder / "bench.sqlite")
        already = _stored(database)
        made.write(self.folder / "burst.jsonl", BURST, datetime.now(UTC), unhappy=0.15)
        settings.write_text(settings.read_text("utf-8") + BURST_SOURCE, "utf-8")
        started = time.monotonic()
        os.kill(process, signal.SIGHUP)
        presses: list[float] = []
        stored = 0.0
        while time.monotonic() - started < BURST_ENDS:
            if _stored(database) >= already + BURST:
                stored = time.monotonic() - started
                break
            if waiting and time.monotonic() - started > 0.5:
                presses.append(self._press(waiting.pop()))
            time.sleep(0.1)
        database.close()
        if not stored:
            raise SystemExit(f"the burst was not stored within {BURST_ENDS:g} s; see {self.folder / 'log'}")
        status = Path(f"/proc/{process}/status")
        peak = next((line for line in status.read_text().splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
        self.figures |= {
            "burst_stored_seconds": round(stored, 2),
            "burst_posts_per_second": round(BURST / stored),
            "peak_rss_mb": round(int(peak.split()[1]) / 1024),
            **spread("press_to_edit_in_burst", presses),
            "presses_in_burst": len(presses),
        }

    def _told(self, method: str, words: str) -> bool:
        return any(each["method"] == method and words in str(each.get("blocks")) for each in self.slack.accepted[-50:])

    @staticmethod
    def _wait(condition: Callable[[], Any], seconds: float, what: str) -> float:
        """Wait for something; the moment at which it was so."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise SystemExit(f"{what} did not come within {seconds:g} s")
            time.sleep(0.005)
        return time.monotonic()


def _stored(database: Sqlite) -> int:
    row = database.row("SELECT count(*) AS n FROM mentions")
    return int(row["n"]) if row else 0


def spread(name: str, seconds: list[float]) -> Mapping[str, float | None]:
    """The median and the worst of a hundred, under `name`."""
    ordered = sorted(seconds)
    if not ordered:
        return {f"{name}_p50_seconds": None, f"{name}_p99_seconds": None}
    last = ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)]
    return {f"{name}_p50_seconds": round(ordered[len(ordered) // 2], 3), f"{name}_p99_seconds": round(last, 3)}


def measure(tell: Tell) -> dict[str, Any]:
    """The figures of a live daemon."""
    with tempfile.TemporaryDirectory(prefix="earful-bench-") as name:
        return Live(Path(name), tell).run()
