"""Workers on one PostgreSQL, each a real process with a line of its own to it, between far sides with ledgers.

    with Machines(folder, server, number=3) as made:
        workers = made.all_begin()
        made.write(5)
        made.all_told()
        made.kill(workers[0])

`number` 1 is the one daemon: what is killed is started again where, among several, the others take over.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import psutil
import psycopg

from tests.faults.outside import ROOT, Outside
from tests.machines.proxy import Line
from tests.machines.server import Server

TAKEN_UP = 60.0  # seconds in which the work of a dead worker is taken up
WAITS = 150.0  # seconds until a test gives up: on a busy machine the same takes longer


@dataclass
class Worker:
    """One process: its name, its line to the database, and what it logs."""

    name: str
    process: subprocess.Popen[bytes]
    line: Line
    file: Path

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self.file.read_text("utf-8", "replace")

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def holds(self, ports: Sequence[int]) -> bool:
        """Whether one of these ports is this process's end of a connection."""
        return any(each.laddr and each.laddr.port in ports for each in self._connections())

    def speaks_to(self, port: int) -> bool:
        """Whether it has a connection to this port."""
        return self._remote(port, "ESTABLISHED")

    def connects(self, port: int) -> bool:
        """Whether it waits to be let in there."""
        return self._remote(port, "SYN_SENT")

    def _remote(self, port: int, status: str) -> bool:
        return any(each.raddr and each.raddr.port == port and each.status == status for each in self._connections())

    def _connections(self) -> list[Any]:
        with contextlib.suppress(psutil.Error):
            return list(psutil.Process(self.process.pid).net_connections())
        return []

    @property
    def begun(self) -> bool:
        """Whether it has said what it does."""
        return "watching" in self.log or "working as" in self.log

    @property
    def has_page(self) -> bool:
        """Whether it serves the page."""
        return "the page is at" in self.log

    def freeze(self) -> None:
        """It stands still, as a machine under water does; its connections stay."""
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """It goes on where it was, and does not know that time went by."""
        self.process.send_signal(signal.SIGCONT)


class Machines(Outside):
    """The installation, its PostgreSQL and its workers."""

    def __init__(self, folder: Path, server: Server, number: int = 1, database: str = "") -> None:
        super().__init__(folder, database or server.fresh())
        self.server, self.number = server, number
        self.hurry = False  # leases of the dead end at once
        self.disk: Path | None = None  # of the database, where it has a small one
        self.workers: list[Worker] = []
        self._started = 0

    def __enter__(self) -> Self:
        super().__enter__()
        self.change(f'url = "{self.url}"', 'url = { env = "EARFUL_DATABASE_URL" }')
        self.slack_line = self._open.enter_context(Line(_address(self.far.slack.api_url)))
        self.network_line = self._open.enter_context(Line(_address(self.far.network.url)))
        self.change(
            f'api_url = "{self.far.slack.api_url}"', f'api_url = "http://127.0.0.1:{self.slack_line.port}/api/"'
        )
        old = f'name = "hn"\nkind = "hackernews"\napi_url = "{self.far.network.url}/'
        self.change(old, old.replace(self.far.network.url, f"http://127.0.0.1:{self.network_line.port}"))
        self.environ["EARFUL_DATABASE_URL"] = self.url  # of commands; a worker has a line
        return self

    def __exit__(self, *exception: object) -> None:
        for each in self.workers:
            with contextlib.suppress(ProcessLookupError):
                if each.runs:
                    each.wake()
        super().__exit__(*exception)

    # --- workers

    def worker(self, *roles: str, code: Path = ROOT) -> Worker:
        """Start one: of these roles, or of all; by the code in another folder, where one is named."""
        self._started += 1
        name = f"worker{self._started}"
        line = self._open.enter_context(Line(self.server.socket))
        head, _, _ = self.url.partition("?")
        through = f"{head}?host=127.0.0.1&port={line.port}&application_name={name}"
        words = ["run", "--no-watch", "--listen", f"127.0.0.1:{_free_port()}"]
        if roles:
            words += ["--roles", ",".join(roles)]
        file = self.folder / f"{name}.log"
        with file.open("ab") as log:
            process = subprocess.Popen(
                self._command(*words), cwd=self.folder, stdout=subprocess.DEVNULL, stderr=log,
                env={**self._environ, "EARFUL_DATABASE_URL": through, "PYTHONPATH": str(code)},
            )  # fmt: skip
        self._processes.append(process)
        made = Worker(name, process, line, file)
        self.workers.append(made)
        return made

    def all_begin(self, *roles: Sequence[str]) -> list[Worker]:
        """`number` workers (or one of each of these sets of roles) whose first look back is behind them."""
        before = self.networks.reads()
        made = [self.worker(*each) for each in (roles or [()] * self.number)]
        self.comes(lambda: all(each.begun or not each.runs for each in made), 240)
        ended = [each for each in made if not each.runs]
        assert not ended, f"{ended[0].name} did not begin: {ended[0].log[-2000:]}"
        self.comes(lambda: self.networks.reads() >= before + 2 or not self.alive, 240)
        return made

    def runs_out(self, worker: Worker) -> None:
        """What a dead or frozen worker holds is over, as it will be in a minute: for whoever cannot wait for it."""
        if self.hurry:
            holder = f"%-{worker.process.pid}-%"
            past = "2000-01-01T00:00:00.000000Z"
            self.rows("UPDATE leases SET until_at = %s WHERE holder LIKE %s RETURNING 1", past, holder)
            self.rows("UPDATE deliveries SET lease_until = %s WHERE state = 'inflight' RETURNING 1", past)
            self.rows("UPDATE unjudged SET lease_until = %s WHERE lease_until <> '' RETURNING 1", past)

    def kill(self, worker: Worker) -> None:
        """kill -9; its part is taken by the others or, where it was the only one, by one that is started."""
        worker.process.send_signal(signal.SIGKILL)
        worker.process.wait()
        self.runs_out(worker)
        if self.number == 1:
            self.worker()

    @property
    def alive(self) -> list[Worker]:  # type: ignore[override]
        """Those that run."""
        return [each for each in self.workers if each.runs]

    @property
    def logs(self) -> str:
        """What all of them have logged."""
        return "\n".join(each.log for each in self.workers)

    # --- waiting, on conditions only

    def comes(self, what: Callable[[], object], patience: float = WAITS) -> bool:
        """Wait for something; whether it came before patience was over."""
        end = time.monotonic() + patience
        while not what():
            if time.monotonic() > end:
                return bool(what())
            time.sleep(0.05)
        return True

    def all_told(self, patience: float = WAITS) -> bool:
        """Wait until every complaint has been told in Slack and by mail, and nothing is owed any more."""
        number = len(self.written)
        told = self.comes(lambda: self.told() == number and self.told(self.mailed()) == number, patience)
        return told and self.comes(lambda: not self.rows(_OWED), 30)

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the database answers, asked past every line."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement.encode(), values or None).fetchall()

    def now(self) -> float:
        """The database's clock, in seconds since 1970."""
        return float(self.rows("SELECT extract(epoch FROM clock_timestamp())")[0][0])

    @contextlib.contextmanager
    def held(self, table: str) -> Iterator[None]:
        """Whoever writes a row of this table waits; it can be read."""
        with psycopg.connect(self.url) as holding:
            holding.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE".encode())
            yield
            holding.rollback()

    def waiting_for(self, table: str) -> list[str]:
        """The names of the workers whose statement waits for a lock on this table."""
        rows = self.rows(
            "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
            f"WHERE NOT l.granted AND l.relation = '{table}'::regclass"
        )
        return [row[0] for row in rows]

    def by_name(self, name: str) -> Worker:
        """The worker of this name."""
        return next(each for each in self.workers if each.name == name)

    def speaking(self, line: Line) -> list[Worker]:
        """The workers that have a connection on this line now."""
        ports = line.callers()
        return [each for each in self.alive if each.holds(ports)]


_NOW = "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
_OWED = (
    "SELECT 1 FROM deliveries WHERE carrier = '' AND (state = 'inflight' "
    f"OR state IN ('pending', 'retry', 'unknown') AND due_at <= {_NOW})"
)


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])
