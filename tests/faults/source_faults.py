"""Faults of the networks that are read."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from tests.fakes.server import FakeServer
from tests.faults import hostile
from tests.faults.networks import NAMES
from tests.faults.outside import Found, Outside

HOSTILE = 60.0  # seconds among hostile sources
MOST_MEMORY = 330  # megabytes, of which a daemon with nothing to do takes 200
FAR_AHEAD = timedelta(days=3650)


def post_ahead(made: Outside) -> Found:
    """One post of each network bears a date ten years ahead: what comes after it is read and told all the same."""
    found = Found()
    daemon = made.begin()
    for name in NAMES:
        for number in range(3):
            made.networks.write(name, f"Harbour Tea opens at nine, the assam is lovely, number {number}")
        made.networks.write(name, "Harbour Tea was awful, never again", at=made.clock() + FAR_AHEAD)
    reads = made.networks.reads()
    made.until(lambda: made.networks.reads() >= reads + 2, daemon)
    made.write(5)
    found.expect(made.until(lambda: made.told() == 5, daemon), "a network went deaf")
    found.expect(made.stop(daemon) == 0, "it did not stop well")
    found.told = "-"
    return made.counted(found)


def endless_source(made: Outside) -> Found:
    """Hacker News has always one more page: the others are read and told on time, and status says so."""
    found = Found()
    made.networks.endless = True
    daemon = made.start()
    made.until(lambda: sum("search_by_date" in each for each in made.far.network.paths()) > 20, daemon)
    for name in NAMES[1:]:
        made.write_on(name)
    found.expect(made.until(lambda: made.told() == 4, daemon), "the others were held up")
    found.expect(
        made.until(lambda: "always one more page" in made.says("status"), daemon),
        "status does not say that it is endless",
    )
    owed = made.ask(
        "SELECT count(*) FROM deliveries WHERE target = 'slack:#operators' AND payload LIKE '%one more page%'"
    )
    found.expect(owed == 1, "the daily list for the operators does not say it once")
    found.expect(made.stop(daemon) == 0, "it did not stop well")
    found.told = "status, daily list: always one more page"
    return made.counted(found)


def hostile_sources(made: Outside) -> Found:
    """Twenty-seven sources answer with all that an answer may hold: memory stays bounded, the others are told."""
    found = Found()
    with FakeServer() as server:
        made.change("[[brands]]", f"{hostile.tables(server, made.clock)}[[brands]]")
        daemon = made.begin()
        made.write(5)
        found.expect(made.until(lambda: made.told() == 5, daemon), "the others were held up")
        peak, end = 0, time.monotonic() + HOSTILE
        while time.monotonic() < end and daemon.poll() is None:
            peak = max(peak, _memory(daemon.pid))
            time.sleep(0.5)
        found.expect(len(server.ledger) > 27, "the hostile ones were not read")
        found.expect(made.stop(daemon) in {0, 75}, "it did not stop well")
    found.expect(peak < MOST_MEMORY, f"it took {peak} MB")
    found.told = f"{peak} MB at most"
    return made.counted(found)


def _memory(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text("ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


@contextlib.contextmanager
def _listening(made: Outside) -> Iterator[socket.socket]:
    """What systemd hears."""
    address = f"\0earful-faults-{made.folder.name}-{id(made)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(address)
        heard.settimeout(30)
        made.environ["NOTIFY_SOCKET"] = "@" + address[1:]
        yield heard


def _alive(heard: socket.socket) -> bool:
    """Whether the daemon says within half a minute that it lives; what it said before does not count."""
    heard.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while heard.recv(100):
            pass
    heard.settimeout(30)
    with contextlib.suppress(TimeoutError):
        return heard.recv(100) == b"WATCHDOG=1"
    return False


def all_sources_fail(made: Outside) -> Found:
    """All networks fail at once, then the database is held: systemd hears that the loop lives; one notice, not five."""
    found = Found()
    with _listening(made) as heard:
        daemon = made.begin()
        for name in NAMES:
            made.networks.broken(name, "503")
        made.days_go_by(timedelta(minutes=40), 5, daemon)

        def told() -> list[str]:
            words = ("no source has answered since", "not been read since")
            return [each for each in made.shown("#operators") if any(said in each for said in words)]

        found.expect(made.until(lambda: bool(told()), daemon), "nobody was told that nothing is read")
        found.expect(_alive(heard), "systemd was not told that the loop lives")
        if made.url.startswith("sqlite:"):
            other = sqlite3.connect(made.database, isolation_level=None, timeout=60)
            other.execute("BEGIN IMMEDIATE")
            found.expect(_alive(heard), "a held database kept systemd from being told")
            other.execute("ROLLBACK")
            other.close()
        for name in NAMES:
            made.networks.broken(name, "ok")
        made.clock.forward(timedelta(minutes=40))
        made.write(5)
        found.expect(made.until(lambda: made.told() == 5, daemon), "not all were read after it")
        found.expect(made.stop(daemon) == 0, "it did not stop well")
    found.expect(len(told()) == 1, f"{len(told())} notices of sources that fail")
    found.told = "operators, one notice; WATCHDOG=1"
    return made.counted(found)
