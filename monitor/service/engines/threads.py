"""Threads beside the ticks, each by its name: what runs under a name is not begun a second time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from monitor.store.connect import reason

log = logging.getLogger("earful.engine")


class Threads:
    """The threads of one process. What fails in one is logged, and stops nothing else."""

    def __init__(self) -> None:
        self._running: set[threading.Thread] = set()
        self._guard = threading.Lock()
        self._ended = threading.Event()

    def end(self) -> None:
        """Begin nothing more."""
        self._ended.set()

    def spawn(self, name: str, work: Callable[[], object]) -> bool:
        """Begin it; False where one of that name still runs, or all is to end."""
        if self._ended.is_set():
            return False

        def run() -> None:
            try:
                work()
            except Exception as error:
                log.error("%s failed: %s", name, reason(error))
                log.debug("%s failed", name, exc_info=error)
            finally:
                with self._guard:
                    self._running.discard(threading.current_thread())

        thread = threading.Thread(target=run, name=name, daemon=True)
        with self._guard:
            if any(each.name == name for each in self._running):
                return False
            self._running.add(thread)
        try:
            thread.start()
        except RuntimeError:  # the system gives no more threads: at its next turn it may
            with self._guard:
                self._running.discard(thread)
            raise
        return True

    def names(self) -> tuple[str, ...]:
        """What runs."""
        with self._guard:
            return tuple(sorted(each.name for each in self._running))

    def wait(self, within_seconds: float) -> bool:
        """Wait for those that run; whether they ended in time."""
        end = time.monotonic() + within_seconds
        with self._guard:
            threads = list(self._running)
        for thread in threads:
            thread.join(max(end - time.monotonic(), 0.0))
        return not any(thread.is_alive() for thread in threads)
