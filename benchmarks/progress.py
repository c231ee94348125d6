"""A bar on stderr for what takes minutes; a line at every tenth where stderr is no terminal."""

from __future__ import annotations

import sys

WIDTH = 28


class Bar:
    """`Bar("storing mentions", 1000).to(340)`; `say` names what is done now, `end` closes the line."""

    def __init__(self, about: str, whole: int) -> None:
        self.about, self.whole = about, max(whole, 1)
        self._live = sys.stderr.isatty()
        self._tenth = -1

    def to(self, done: int, say: str = "") -> None:
        """So much of the whole is done."""
        share = min(done / self.whole, 1.0)
        filled = int(share * WIDTH)
        line = f"{self.about:32} [{'#' * filled}{'.' * (WIDTH - filled)}] {done:,} of {self.whole:,} {say}"
        if self._live:
            print(f"\r{line[:110]:110}", end="", file=sys.stderr, flush=True)
        elif int(share * 10) > self._tenth:
            self._tenth = int(share * 10)
            print(line.rstrip(), file=sys.stderr, flush=True)

    def end(self) -> None:
        """Go on below."""
        if self._live:
            print(file=sys.stderr, flush=True)
