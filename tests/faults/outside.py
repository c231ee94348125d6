"""The real daemon, started as people start it, between loopback servers that keep ledgers of what they were told.

with Outside(folder) as made:
    daemon = made.begin()
    made.write(5)                       # five complaints of five people, one on each of the five networks
    made.until(lambda: made.told() == 5, daemon)
    made.clock.forward(timedelta(hours=72))
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Self

import psycopg

from monitor.service import set_clock
from tests.faults.clock import OutsideClock
from tests.faults.networks import NAMES, SECRETS, TABLES, Networks
from tests.world import far_side

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90.0  # seconds; only what never comes waits so long
STARTED = 240.0  # a busy machine may take its time to start one
INSTALLATION = """
[[brands]]
name = "Harbour Tea"
query = '"Harbour Tea"'
[alerts]
notify = ["slack:#care", "email:care@harbourtea.example"]
group_wait = "0s"
messages_per_hour = 500
[desk]
hours = [{{ days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], start = "00:00", end = "00:00" }}]
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


@dataclass
class Found:
    """What one try came to: `told` in words, `wrong` what should not be; `untried` why nothing could be tried here."""

    lost: int = 0
    doubled: int = 0
    told: str = ""
    wrong: list[str] = field(default_factory=list)
    untried: str = ""

    def expect(self, well: bool, words: str) -> None:
        """Note what is not as it should be."""
        if not well:
            self.wrong.append(words)


class Outside:
    """A folder with settings, the far sides, and the processes that were started on them."""

    def __init__(self, folder: Path, database: str = "sqlite:earful.sqlite") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.url = database
        self.database = folder / "earful.sqlite"
        self.clock = OutsideClock(folder / "clock")
        self.written: list[str] = []  # the marks of what people wrote, in order
        self.environ: dict[str, str] = {}  # more of it, for what is started from now on
        self._processes: list[subprocess.Popen[bytes]] = []
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self.far = self._open.enter_context(far_side())
        self.networks = self._open.enter_context(Networks(self.far.network, self.clock))
        self.far.slack.clock = self.clock.seconds
        self.far.network.route("/alive", "ok")
        addresses = self.networks.addresses
        self.settings = self.far.settings(self.folder, TABLES + INSTALLATION, database=self.url, **addresses)
        with socket.socket() as asked:  # a port of its own: others may test beside this
            asked.bind(("127.0.0.1", 0))
            port = asked.getsockname()[1]
        self.change("[earful]\n", f'[earful]\npage_listen = "127.0.0.1:{port}"\ndead_man_url = {{ env = "ALIVE" }}\n')
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._open.close()

    def end(self) -> None:
        """Whatever still runs is ended."""
        for each in self._processes:
            if each.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    each.send_signal(signal.SIGCONT)
                each.kill()
            each.wait()

    # --- the installation

    def change(self, old: str, new: str) -> None:
        """Write the settings otherwise; for what is started or reloaded from now on."""
        text = self.settings.read_text("utf-8")
        assert old in text, f"{old!r} does not stand in the settings"
        self.settings.write_text(text.replace(old, new, 1), "utf-8")

    def tell(self, notify: Sequence[str], fallback: Sequence[str] = (), operator: Sequence[str] = ()) -> None:
        """Whom alerts go to, whom they fall back to, and who hears of the machine."""
        text = self.settings.read_text("utf-8")
        lines = f"notify = {json.dumps(list(notify))}\nfallback = {json.dumps(list(fallback))}"
        text = re.sub(r"^notify = .*$", lines, text, count=1, flags=re.MULTILINE)
        if operator:
            text = re.sub(r"^operator = .*$", f"operator = {json.dumps(list(operator))}", text, flags=re.MULTILINE)
        self.settings.write_text(text, "utf-8")

    def ask(self, question: str) -> Any:
        """The first column of the first row that the database answers, read beside everybody else."""
        if self.url.startswith("sqlite:"):
            with contextlib.closing(sqlite3.connect(self.database, timeout=30)) as reading:
                row = reading.execute(question).fetchone()
        else:
            with psycopg.connect(self.url, autocommit=True) as connection:
                row = connection.execute(question.encode()).fetchone()
        return row[0] if row else None

    # --- what people write

    def write(self, number: int) -> None:
        """So many people complain now, on one network after the other."""
        for _ in range(number):
            self.write_on(NAMES[len(self.written) % len(NAMES)])

    def write_on(self, network: str) -> None:
        """Somebody complains there, of a matter that nobody has complained of yet."""
        number = len(self.written)
        lap, place = divmod(number, len(COMPLAINTS))
        mark = f"{MARKS[place]}{lap or ''}"
        words = COMPLAINTS[place].replace(MARKS[place], mark)
        if lap:
            said = (f"{_SAID[(number + step) % len(_SAID)]}{number}" for step in range(18))
            # No repost of the former lap; and in a list of many only the beginning of each is shown.
            words = f"{mark}: {words}. {' '.join(said)}"
        self.written.append(mark)
        self.networks.write(network, words)

    # --- processes

    def start(self, *words: str, stdout: int | IO[bytes] = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """Start a command of this installation; the daemon unless another is named. What it logs goes into a file."""
        with (self.folder / "log").open("ab") as log:
            made = subprocess.Popen(
                self._command(*(words or ("run", "--no-watch"))), cwd=ROOT, stdout=stdout, stderr=log, env=self._environ
            )
        self._processes.append(made)
        return made

    def says(self, *words: str) -> str:
        """What a command prints, whatever its exit code."""
        said = subprocess.run(
            self._command(*words), cwd=ROOT, env=self._environ, capture_output=True, check=False, timeout=PATIENCE
        )
        return (said.stdout + said.stderr).decode("utf-8", "replace")

    def _command(self, *words: str) -> list[str]:
        command = [sys.executable, "-c", "from monitor.cli import main; main()"]
        return [*command, "--settings", str(self.settings), *words]

    @property
    def _environ(self) -> dict[str, str]:
        own = {set_clock.VARIABLE: str(self.clock.file), "ALIVE": f"{self.far.network.url}/alive", **SECRETS}
        return {**os.environ, **self.far.environ, **own, **self.environ}

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
        before = self.networks.reads()
        daemon = self.start(*words, stdout=stdout)
        self.until(lambda: self.networks.reads() >= before + 2, daemon, STARTED)
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

    def days_go_by(self, span: timedelta, steps: int, daemon: subprocess.Popen[bytes], real: float = 3.0) -> None:
        """Let so much time go by in so many steps, with a few real seconds after each for what is due then."""
        for _ in range(steps):
            self.clock.forward(span / steps)
            reads = self.networks.reads()
            end = time.monotonic() + real
            self.until(
                lambda reads=reads, end=end: self.networks.reads() > reads and time.monotonic() > end, daemon, 15
            )  # type: ignore[misc]

    # --- what the ledgers hold

    @property
    def log(self) -> str:
        """What all processes have logged."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def alive(self) -> int:
        """How often the outside watch was told that all is well."""
        return sum(path == "/alive" for path in self.far.network.paths())

    def shown(self, channel: str = "") -> list[str]:
        """What stands in Slack, or in one of its channels."""
        slack = self.far.slack
        inside = slack.channel_id(channel) if channel else ""
        return [slack.reads(each) for each in [*slack.messages] if not inside or each["channel"] == inside]

    def mailed(self, recipient: str = "") -> list[str]:
        """The mails that arrived, or those to one address."""
        mails = [*self.far.smtp.ledger]
        return [f"{each.subject}\n{each.text}" for each in mails if recipient in {"", each.recipient}]

    def words(self, texts: Sequence[str] | None = None) -> Counter[str]:
        """How often each complaint stands in the care channel, or in these texts, by its own word; edits count once."""
        texts = self.shown() if texts is None else texts
        patterns = {mark: re.compile(rf"\b{mark}\b") for mark in self.written}
        return Counter({mark: sum(bool(each.search(text)) for text in texts) for mark, each in patterns.items()})

    def told(self, texts: Sequence[str] | None = None) -> int:
        """How many complaints have reached Slack (or stand in these texts)."""
        return sum(1 for times in self.words(texts).values() if times)

    def lost(self, texts: Sequence[str] | None = None) -> int:
        """How many never did."""
        return len(self.written) - self.told(texts)

    def doubled(self, texts: Sequence[str] | None = None) -> int:
        """How many stand there more than once; after days that went by, only what is the same to the letter.

        Beside them, the messages that Slack was given twice under one key.
        """
        posted = [each for each in self.far.slack.accepted if each["method"] == "chat.postMessage"]
        keys = Counter((each["channel"], each["metadata"]["event_payload"]["key"]) for each in posted)
        again = sum(times - 1 for times in keys.values())
        if not self.clock.moved:
            return again + sum(1 for times in self.words(texts).values() if times > 1)
        same = Counter(LINK.sub("", each) for each in (self.shown() if texts is None else texts))
        return again + sum(times - 1 for text, times in same.items() if any(mark in text for mark in self.written))

    def notices(self, words: str) -> tuple[int, int]:
        """How many messages with these words came by Slack and by mail."""
        return sum(words in each for each in self.shown()), sum(words in each for each in self.mailed())

    def counted(self, found: Found, texts: Sequence[str] | None = None) -> Found:
        """Write down what was lost and what was doubled."""
        found.lost, found.doubled = self.lost(texts), self.doubled(texts)
        return found


LINK = re.compile(r"https?://\S+")
_SAID = (
    *("kettle", "saucer", "Leeds", "Monday", "driver", "ladder", "violet", "window", "carton", "garden", "Porto"),
    *("blanket", "Tuesday", "harbour", "copper", "ribbon", "Bruges", "pepper", "lantern", "Turku", "meadow", "button"),
    *("Graz", "pencil", "orchard", "Malmo", "velvet", "Cork", "thimble", "walnut", "Friday"),
)
