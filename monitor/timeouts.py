"""A total deadline over a call into code that we did not write.

The clients' own time-outs do not stop a server that sends one byte a second. What overruns is abandoned in a thread of
its own, which does not keep the process alive; how many stand abandoned is counted, because a daemon with too many of
them should be started anew (kill -9 is safe at any moment).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")

_abandoned: list[threading.Thread] = []


class Overran(Exception):
    """The call was not done in time; it was left behind."""


def within(
    seconds: float,
    call: Callable[[], T],
    name: str,
    meanwhile: Callable[[], None] = lambda: None,
    every: float = float("inf"),
) -> T:
    """Run `call` and return what it returns or raise what it raises; raise Overran after `seconds`.

    It runs in a thread of its own that sees the caller's context. While the caller waits it does `meanwhile` again and
    again, with `every` seconds between.
    """
    result: list[T] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            result.append(call())
        except BaseException as error:  # noqa: BLE001 - it is raised again in the caller's thread
            failure.append(error)

    thread = threading.Thread(target=copy_context().run, args=(work,), name=name, daemon=True)
    thread.start()
    end = time.monotonic() + seconds
    thread.join(min(seconds, every))
    while thread.is_alive() and (left := end - time.monotonic()) > 0:
        meanwhile()
        thread.join(min(left, every))
    if thread.is_alive():
        _abandoned.append(thread)
        raise Overran(f"no end after {seconds:g} s")
    if failure:
        raise failure[0]
    return result[0]


def abandoned() -> int:
    """How many calls were left behind and still run."""
    _abandoned[:] = [thread for thread in _abandoned if thread.is_alive()]
    return len(_abandoned)
