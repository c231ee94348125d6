"""How to try the replay under the contract of all connectors: its server is a file."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.replay import Replay, Settings
from tests.connectors.contracts import Contract, first_request


@dataclass
class File:
    """Stands where other kinds have a server; nothing is ever asked over the network."""

    url: str
    host: str = "a file"
    mode: str = "ok"
    ledger: list[Any] = field(default_factory=list)

    def write(self, rows: list[dict[str, Any]]) -> None:
        Path(self.url).write_text("\n".join(json.dumps(row) for row in rows), "utf-8")


@contextlib.contextmanager
def file_server() -> Iterator[File]:
    with tempfile.TemporaryDirectory() as folder:
        yield File(str(Path(folder) / "day.jsonl"))


def row(number: int, **more: Any) -> dict[str, Any]:
    """One line of a written day."""
    return {
        "id": f"p{number}",
        "author": "ada",
        "text": f"Acme number {number}",
        "url": f"https://social.example/{number}",
        "at": f"{number // 60:02d}:{number % 60:02d}",
        **more,
    }


def make(server: File, seconds: float) -> Replay:
    return Replay(Settings(file=server.url, day_in="at_once"))


def serve(server: File) -> None:
    server.write([row(number) for number in range(250)])


def spoil(server: File) -> int:
    server.write([row(number, **({"text": 7} if number == 3 else {})) for number in range(8)])
    return 7


def ruin(server: File) -> None:
    server.write([{"ident": number} for number in range(6)])


NETWORK_FAULTS = ("429", "401", "500", "hang", "drip", "drop", "html", "empty", "truncated")


def dated(server: File, times: Sequence[datetime]) -> None:
    server.write([row(number) for number in range(len(times))])


CONTRACT = Contract(
    make=make,
    request=first_request("sample"),
    serve=serve,
    spoil=spoil,
    ruin=ruin,
    dated=dated,
    only_new=lambda requests: requests == [],
    skip={
        **dict.fromkeys(NETWORK_FAULTS, "a replay reads a file and asks no network"),
        **dict.fromkeys(("ahead", "clock", "look_back"), "a replay dates its posts by itself"),
    },
    server=file_server,
)
