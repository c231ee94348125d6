"""Who attacks the page, and what that does to alerts and to people who use it.

Three sieges one after the other: sockets whose heads never end, sockets whose bodies never come, a crowd that guesses
passwords. `python -m benchmarks.siege`: a live daemon between loopback servers, first left alone; one JSON object.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2

from benchmarks import live, made

SOCKETS = 620  # more than the page holds open
GUESSERS = 30
COMPLAINTS = 12
_FORM = re.compile(r'name="csrf" value="([^"]*)"')
SLOW_HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
SLOW_BODY = b"POST /login HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nCookie: earful_form=x\r\nContent-Length: 100000\r\n\r\n"


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as made_here:
        return int(made_here.getsockname()[1])


class Slow:
    """Sockets that send a beginning, then one byte a second, and never end; one that is cut off comes again."""

    def __init__(self, port: int, begins: bytes = SLOW_HEAD, sockets: int = SOCKETS, every: float = 1.0) -> None:
        self.port = port
        self.begins = begins
        self.wanted = sockets
        self.every = every
        self.cut_off = 0
        self._sockets: list[socket.socket] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._drip, name="slow")

    def __enter__(self) -> Slow:
        self._sockets = [each for each in (self._connect() for _ in range(self.wanted)) if each is not None]
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
            new.sendall(self.begins)
        except OSError:
            return None
        return new

    def _drip(self) -> None:
        while not self._ended.wait(self.every):
            standing = []
            for each in self._sockets:
                try:
                    each.sendall(b"a")
                    standing.append(each)
                except OSError:
                    each.close()
                    self.cut_off += 1
            missing = self.wanted - len(standing)
            self._sockets = standing + [each for each in (self._connect() for _ in range(missing)) if each is not None]


class Guessing:
    """A crowd at one address that guesses passwords, each with a browser of its own, as fast as it is answered."""

    def __init__(self, port: int, guessers: int = GUESSERS) -> None:
        self.port = port
        self.answers: Counter[int] = Counter()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._guess, args=(n,), name=f"guess-{n}") for n in range(guessers)]

    def __enter__(self) -> Guessing:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for each in self._threads:
            each.join()

    def _guess(self, number: int) -> None:
        with httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20) as client:
            while not self._ended.wait(0.05):
                try:
                    found = _FORM.search(client.get("/login").text)
                    fields = {"csrf": found[1] if found else "", "name": f"name {number}", "password": "a guess"}
                    self.answers[client.post("/login", data=fields).status_code] += 1
                except httpx2.HTTPError:
                    self.answers[0] += 1


class Besieged(live.Live):
    """As a live daemon is measured, with complaints told one by one in peace and then under each siege."""

    port = 0

    def _one_by_one(self) -> None:
        self.figures |= live.spread("alert_in_peace", self._told_one_by_one(seed=7))

    def _burst(self, *_: object) -> None:
        with Slow(self.port) as slow:
            self._measure("slow_heads", seed=8)
            self.figures |= {"slow_heads": slow.open, "slow_heads_cut_off": slow.cut_off}
        with Slow(self.port, SLOW_BODY % self.port) as slow:
            self._measure("slow_bodies", seed=9)
            self.figures |= {"slow_bodies": slow.open, "slow_bodies_cut_off": slow.cut_off}
        with Guessing(self.port) as guessing:
            self._measure("guesses", seed=10)
        self.figures["guesses"] = dict(sorted(guessing.answers.items()))
        self.figures["log_lines"] = len((self.folder / "log").read_text("utf-8").splitlines())

    def _measure(self, siege: str, *, seed: int) -> None:
        asked: dict[str, list[float]] = {"/login": [], "/health": []}
        unanswered: Counter[str] = Counter()
        told = self._told_one_by_one(seed=seed, asked=asked, unanswered=unanswered)
        self.figures |= live.spread(f"alert_under_{siege}", told)
        for path, seconds in asked.items():
            self.figures |= live.spread(f"{path.strip('/')}_under_{siege}", seconds)
        self.figures[f"unanswered_under_{siege}"] = unanswered.total()

    def _told_one_by_one(
        self, *, seed: int, asked: dict[str, list[float]] | None = None, unanswered: Counter[str] | None = None
    ) -> list[float]:
        """Seconds from each complaint's arrival to its alert; meanwhile somebody opens the pages of `asked`."""
        self.tell(f"{COMPLAINTS} complaints, {'under siege' if asked else 'in peace'}")
        taken = []
        anew = httpx2.Client(timeout=20, verify=False, limits=httpx2.Limits(max_keepalive_connections=0))
        for text, _bad in made.texts(COMPLAINTS, unhappy=1.0, seed=seed):
            (native,) = self.network.write([text])
            words = text[-20:]
            at = self._wait(lambda words=words: self._told("chat.postMessage", words), 30, "an alert")
            taken.append(at - self.network.arrived[native])
            for path, seconds in (asked or {}).items():
                began = time.monotonic()
                try:  # as somebody who comes anew: a connection of their own
                    good = anew.get(f"http://127.0.0.1:{self.port}{path}").status_code == 200
                except httpx2.HTTPError:
                    good = False
                seconds.append(time.monotonic() - began)
                if not good and unanswered is not None:
                    unanswered[path] += 1
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
