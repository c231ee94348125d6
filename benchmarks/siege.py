"""500 sockets that ask the page for nothing, slowly: what they do to alerts, and to people who use the page.

`python -m benchmarks.siege`: a live daemon between loopback servers, first left alone, then besieged; one JSON object.
"""

from __future__ import annotations

import json
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx2

from benchmarks import live, made

SOCKETS = 500
COMPLAINTS = 20


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as made_here:
        return int(made_here.getsockname()[1])


class Slow:
    """Sockets that send one byte of a header a second and never end it; one that is cut off comes again."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cut_off = 0
        self._sockets: list[socket.socket] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._drip, name="slow")

    def __enter__(self) -> Slow:
        self._sockets = [each for each in (self._connect() for _ in range(SOCKETS)) if each is not None]
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        for each in self._sockets:
            each.close()

    @property
    def open(self) -> int:
        """How many stand."""
        return len(self._sockets)

    def _connect(self) -> socket.socket | None:
        try:
            new = socket.create_connection(("127.0.0.1", self.port), timeout=2)
            new.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        except OSError:
            return None
        return new

    def _drip(self) -> None:
        while not self._ended.wait(1):
            standing = []
            for each in self._sockets:
                try:
                    each.sendall(b"a")
                    standing.append(each)
                except OSError:
                    each.close()
                    self.cut_off += 1
            missing = SOCKETS - len(standing)
            self._sockets = standing + [each for each in (self._connect() for _ in range(missing)) if each is not None]


class Besieged(live.Live):
    """As a live daemon is measured, with complaints told one by one in peace and then under siege."""

    port = 0

    def _one_by_one(self) -> None:
        self.figures |= live.spread("alert_in_peace", self._told_one_by_one(seed=7))

    def _burst(self, *_: object) -> None:
        with Slow(self.port) as slow, httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20) as client:
            asked: list[float] = []
            self.figures |= live.spread("alert_under_siege", self._told_one_by_one(seed=8, client=client, asked=asked))
            self.figures |= live.spread("page_under_siege", asked)
            self.figures |= {"slow_sockets": slow.open, "slow_sockets_cut_off": slow.cut_off}

    def _told_one_by_one(
        self, *, seed: int, client: httpx2.Client | None = None, asked: list[float] | None = None
    ) -> list[float]:
        """Seconds from each complaint's arrival to its alert; meanwhile somebody opens the login page."""
        self.tell(f"{COMPLAINTS} complaints, {'under siege' if client else 'in peace'}")
        taken = []
        for text, _bad in made.texts(COMPLAINTS, unhappy=1.0, seed=seed):
            (native,) = self.network.write([text])
            words = text[-20:]
            at = self._wait(lambda words=words: self._told("chat.postMessage", words), 30, "an alert")
            taken.append(at - self.network.arrived[native])
            if client is not None and asked is not None:
                began = time.monotonic()
                assert client.get("/login").status_code == 200
                asked.append(time.monotonic() - began)
            time.sleep(1.1)  # longer than two complaints are joined into one message
        return taken


def measure(tell: live.Tell) -> dict[str, Any]:
    """The figures, in peace and under siege."""
    with tempfile.TemporaryDirectory(prefix="earful-siege-") as name:
        besieged = Besieged(Path(name), tell)
        besieged.port = free_port()
        besieged.settings = live.SETTINGS.replace(
            "[earful]\n", f'[earful]\npage_listen = "127.0.0.1:{besieged.port}"\n'
        )
        return besieged.run()


if __name__ == "__main__":
    print(json.dumps(measure(lambda words: print(words, file=sys.stderr, flush=True))))
