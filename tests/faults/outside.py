"""The real daemon, started as people start it, between loopback servers that keep ledgers of what they were told.

with Outside(folder) as made:
    made.write(3)                       # three complaints of three people, as the network shows them from now on
    daemon = made.start()
    made.until(lambda: made.told() == 3, daemon)
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Self

from tests.fakes.server import Seen
from tests.world import far_side

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90.0  # seconds; only what never comes waits so long
TABLES = """
[[brands]]
name = "Harbour Tea"
query = '"Harbour Tea"'
[[sources]]
name = "hn"
kind = "hackernews"
api_url = "{network}/api/v1"
every = "5s"
[alerts]
notify = ["slack:#care", "email:care@harbourtea.example"]
group_wait = "0s"
quiet_start = "00:00"
quiet_end = "00:00"
messages_per_hour = 500
"""
# Each of another matter, so that none is grouped with another, and each known by its own word.
COMPLAINTS = (
    "Harbour Tea charged me twice, cancelling my subscription, the kettle word is ALBATROSS",
    "Harbour Tea lost my parcel and nobody replies, never again, the word is BARNACLE",
    "Harbour Tea sent mouldy leaves, terrible, no refund, switching to others, CORMORANT",
    "Harbour Tea support hung up on me, disgusting service, closing my account, DOGFISH",
    "Harbour Tea broke my teapot and ignores my mails, awful, never again, EELGRASS",
)
MARKS = tuple(words.split()[-1] for words in COMPLAINTS)


class Outside:
    """A folder with settings, the far sides, and the processes that were started on them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.database = folder / "earful.sqlite"
        self.hits: list[dict[str, Any]] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self.far = self._open.enter_context(far_side())
        self.far.network.route("/api/v1/search_by_date", self._search)
        self.settings = self.far.settings(self.folder, TABLES)
        with socket.socket() as asked:  # a port of its own: others may test beside this
            asked.bind(("127.0.0.1", 0))
            listen = f'[earful]\npage_listen = "127.0.0.1:{asked.getsockname()[1]}"'
        self.settings.write_text(self.settings.read_text("utf-8").replace("[earful]", listen), "utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._processes:
            if each.poll() is None:
                each.kill()
            each.wait()
        self._open.close()

    def write(self, number: int) -> None:
        """So many people complain now; five in all at most."""
        for _ in range(number):
            n = len(self.hits) + 1
            self.hits.append(
                {
                    "objectID": str(70_000 + n), "created_at_i": int(time.time()) - 1, "author": f"person{n}",
                    "comment_text": COMPLAINTS[n - 1], "story_id": 90_000 + n, "parent_id": 90_000 + n,
                    "title": None, "url": None, "story_text": None, "points": None,
                }
            )  # fmt: skip

    def _search(self, seen: Seen) -> dict[str, Any]:
        lowest, highest = 0, 1 << 40
        for part in seen.one("numericFilters").split(","):
            if part.startswith("created_at_i>"):
                lowest = int(part.removeprefix("created_at_i>"))
            elif part.startswith("created_at_i<="):
                highest = int(part.removeprefix("created_at_i<="))
        fitting = [each for each in reversed(self.hits) if lowest < each["created_at_i"] <= highest]
        size, page = int(seen.one("hitsPerPage", "100")), int(seen.one("page", "0"))
        return {"hits": fitting[page * size : (page + 1) * size], "hitsPerPage": size, "page": page}

    def start(self, *words: str, stdout: int | IO[bytes] = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """Start a command of this installation; the daemon unless another is named. What it logs goes into a file."""
        with (self.folder / "log").open("ab") as log:
            made = subprocess.Popen(
                [sys.executable, "-c", "from monitor.cli import main; main()", "--settings", str(self.settings),
                 *(words or ("run", "--no-watch"))],
                cwd=ROOT, stdout=stdout, stderr=log, env={**os.environ, **self.far.environ},
            )  # fmt: skip
        self._processes.append(made)
        return made

    def until(self, what: Callable[[], bool], process: subprocess.Popen[bytes], patience: float = PATIENCE) -> bool:
        """Wait for something while a process runs; whether it came."""
        end = time.monotonic() + patience
        while not what():
            if process.poll() is not None or time.monotonic() > end:
                return what()
            time.sleep(0.1)
        return True

    def begin(self, *words: str, stdout: int | IO[bytes] = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """A daemon whose first look back is behind it: what is written from now on is told at once, each by itself."""
        daemon = self.start(*words, stdout=stdout)
        self.until(lambda: sum("search_by_date" in path for path in self.far.network.paths()) >= 2, daemon)
        return daemon

    def stop(self, process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> int:
        """End a process by a signal; its exit code. One that does not end counts as -9."""
        if process.poll() is None:
            process.send_signal(number)
        return self.code(process)

    def code(self, process: subprocess.Popen[bytes]) -> int:
        """The exit code of a process that ends by itself."""
        try:
            return process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    @property
    def log(self) -> str:
        """What all processes have logged."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def words(self) -> Counter[str]:
        """How often each complaint stands in Slack, by its own word; edits count once."""
        shown = [self.far.slack.reads(each) for each in self.far.slack.messages]
        return Counter({mark: sum(mark in each for each in shown) for mark in MARKS[: len(self.hits)]})

    def told(self) -> int:
        """How many complaints have reached Slack."""
        return sum(1 for times in self.words().values() if times)

    def lost(self) -> int:
        """How many never did."""
        return len(self.hits) - self.told()

    def doubled(self) -> int:
        """How many stand there more than once."""
        return sum(1 for times in self.words().values() if times > 1)

    def notices(self, words: str) -> tuple[int, int]:
        """How many messages with these words came by Slack and by mail."""
        slack = sum(words in self.far.slack.reads(each) for each in self.far.slack.messages)
        return slack, sum(words in f"{mail.subject}\n{mail.text}" for mail in self.far.smtp.ledger)
