"""The console, writing to a stream in memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alerts.console import Console, Settings
from tests.alerts.contracts import ChannelContract, Stage

_NO_NETWORK = "the terminal is no network: it takes what it is given, at once"


class Written(io.StringIO):
    """Remembers each message as one piece."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def write(self, text: str) -> int:
        self.pieces.append(text)
        return super().write(text)


@contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    stream = Written()
    yield Stage(
        channel=Console(Settings(width=100, colour=False), stream),
        target="",
        arrived=lambda: list(stream.pieces),
        misbehave=lambda fault: None,
    )


CONTRACT = ChannelContract(
    kind="console",
    open_stage=open_stage,
    cannot=dict.fromkeys(("refused", "busy", "broken", "down", "drops", "hangs", "too_large"), _NO_NETWORK),
)
