"""How the contract tries the door: its server is what waits to be read, as the daemon's database would hold it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from connectors import Arrival
from connectors.inbound.connector import Inbound, Settings
from tests.connectors.contracts import CANARY, NOW, Contract, first_request


@dataclass
class Waits:
    """What was brought; reading it lets go of what the cursor says to be read."""

    url: str = ""
    host: str = "the door"
    mode: str = "ok"
    ledger: list[Any] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)

    def brings(self, *bodies: object) -> None:
        for body in bodies:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.arrivals.append(Arrival(len(self.arrivals) + 1, NOW, raw))

    def waiting(self, after: int, now: datetime) -> tuple[Sequence[Arrival], tuple[str, ...]]:
        self.arrivals = [each for each in self.arrivals if each.n > after]
        return self.arrivals, ()


@contextlib.contextmanager
def door() -> Iterator[Waits]:
    yield Waits()


def row(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"p{number}",
        "author": "ada",
        "html": f"<p>Acme &amp; number {number} is <a href='https://example.org'>gone</a></p>",
        "url": f"https://reviews.example/{number}",
        "posted_at": (NOW - timedelta(minutes=number)).isoformat(),
        **more,
    }


def make(server: Waits, seconds: float) -> Inbound:
    made = Inbound(Settings(secret=SecretStr(CANARY)))
    made.receive_from(server.waiting)
    return made


def serve(server: Waits) -> None:
    server.brings([row(number) for number in range(700)], row(700))


def spoil(server: Waits) -> int:
    server.brings([row(number, **({"posted_at": "soon"} if number == 3 else {})) for number in range(8)])
    return 7


def dated(server: Waits, times: Sequence[datetime]) -> None:
    server.brings(*(row(number, posted_at=at.isoformat()) for number, at in enumerate(times)))


NETWORK_FAULTS = ("429", "401", "500", "hang", "drip", "drop", "html", "empty", "truncated")

CONTRACT = Contract(
    make=make,
    request=first_request("door"),
    serve=serve,
    spoil=spoil,
    ruin=lambda server: server.brings([{"number": 1}, {"number": 2}]),
    dated=dated,
    only_new=lambda requests: requests == [],
    skip={
        **dict.fromkeys(NETWORK_FAULTS, "the door asks no network: what can't be read is set aside"),
        "ruin": "what was accepted is never asked for again: it is set aside, and the next body is read",
        "look_back": "whoever brings old posts means them; old posts alert nobody",
    },
    server=door,
)
