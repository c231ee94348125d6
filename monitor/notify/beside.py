"""Presses that speak to a network are worked off beside the others, so that one that hangs holds up nobody's press.

A few at a time, and each once: what is under way, or finds no place, stays in the spool, and is taken at a later tick.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

MOST = 8  # at a time; one takes forty seconds at most with a network, and with a model twice its deadline
# (name, work): has it done in a thread of its own, or at once; False where nobody does it
Spawn = Callable[[str, Callable[[], object]], object]


def at_once(_name: str, work: Callable[[], object]) -> None:
    """For whoever lets time pass by calling: it is done before this returns."""
    work()


class Beside:
    """Knows what is under way, over reloads of the settings too. May be used by several threads."""

    def __init__(self, spawn: Spawn = at_once, most: int = MOST) -> None:
        self._spawn = spawn
        self._most = most
        self._under_way: set[Path] = set()
        self._guard = threading.Lock()

    def take(self, kept: Path, work: Callable[[], object]) -> bool:
        """Begin what is kept in this file, which `work` removes at its end; whether it was begun."""
        with self._guard:
            if kept in self._under_way or len(self._under_way) >= self._most:
                return False
            self._under_way.add(kept)

        def run() -> None:
            try:
                if kept.exists():  # else it came to its end since the folder was listed
                    work()
            finally:
                with self._guard:
                    self._under_way.discard(kept)

        if self._spawn(f"press-{kept.stem}", run) is False:  # its last thread is only just ending: at a later tick
            with self._guard:
                self._under_way.discard(kept)
            return False
        return True
