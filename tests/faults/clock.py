"""The clock of a daemon that is run from outside: it lives in a file, and the far sides go by it too."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.service import set_clock


class OutsideClock:
    """It begins at this machine's time; who holds it lets days go by at once, or faster from now on."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.set(datetime.now(UTC))
        self.moved = False  # whether time has gone by otherwise than by itself

    def __call__(self) -> datetime:
        return set_clock.read(self.file, datetime.now(UTC))

    def seconds(self) -> float:
        """The same in seconds since 1970, as far sides want it."""
        return self().timestamp()

    def set(self, moment: datetime, rate: float = 1.0) -> None:
        """It is this late now, and time goes by so many times as fast."""
        self.moved = True
        partial = self.file.with_suffix(".partial")
        partial.write_text(f"{moment.isoformat()} {time.time()!r} {rate!r}", "ascii")
        partial.replace(self.file)

    def forward(self, span: timedelta) -> None:
        """So much time has gone by at once."""
        self.set(self() + span)
