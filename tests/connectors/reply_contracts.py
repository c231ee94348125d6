"""What every writing half promises, and how each is tried: a stand-in of its network that keeps what is written.

A `ReplyContract` lives in `tests/connectors/reply_<kind>.py` as CONTRACT. Its `serve` makes the network, which answers
with `Network.posted` for whatever stands there in public by our account.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Protocol

from connectors import Post
from connectors.writing import Writer
from tests.fakes.server import FakeServer, Reply

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
TEXT = "We have sent a new kettle today; it arrives on Friday. https://acme.example/track?id=1&x=2 Ça va?"
KEY = f"{int(NOW.timestamp() * 1_000_000):x}-0011223344556677"
CANARY = "write-secret-0123456789"


class Network(Protocol):
    """A network on loopback. `posted` is what stands there; `mode` says how it takes the next writes."""

    server: FakeServer
    posted: list[Any]
    accepts_but: str  # "", or a mode of the server for an answer after the reply was taken
    refuses: Reply | None  # what a write is answered with, and nothing kept
    gone: bool  # the post that is to be answered was deleted
    answered: int  # how many posts answer ours

    def writes(self) -> int:
        """How many requests came that change something in public."""
        ...


@dataclass(frozen=True)
class ReplyContract:
    """How one network is tried. `account` is what `standing` says, `refusals` how it words what it refuses."""

    serve: Callable[[FakeServer], Network]
    make: Callable[[FakeServer, float], Writer]
    post: Post
    account: str
    longest: int
    too_long: Reply
    expired: Reply
    duplicate: Reply
    counts_answers: bool = True  # whether what we wrote can be answered there


def contract_of(kind: str) -> ReplyContract:
    found: ReplyContract = import_module(f"tests.connectors.reply_{kind}").CONTRACT
    return found
