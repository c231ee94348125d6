"""What every engine does. The functions that it runs are the same whichever it is (monitor/service/work.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Scheduler(Protocol):
    """Has ticks done when their time has come, and jobs when they are handed on, until it is stopped."""

    def start(self) -> None:
        """Begin to tick."""
        ...

    def hand_on(self, job: str, *names: str) -> bool:
        """Have the job of this name done, here or elsewhere; whether somebody will. What waits already waits once."""
        ...

    def spawn(self, name: str, work: Callable[[], object]) -> bool:
        """Have it done in this process, in a thread of that name; False where one of that name still runs."""
        ...

    def running(self) -> tuple[str, ...]:
        """The names of what this process is doing beside its ticks."""
        ...

    def stop_ticking(self, within_seconds: float) -> bool:
        """Begin nothing more, and wait for ticks that run; whether they ended in time."""
        ...

    def wait(self, within_seconds: float) -> bool:
        """Wait for everything that is in flight; whether it ended in time."""
        ...
