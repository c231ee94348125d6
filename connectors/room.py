"""Room for large answers: all sources together hold no more of them at once than one budget of bytes.

A page of posts is some hundred kilobytes. What is larger than FREE waits for its turn, in order, before the rest of it
is read, and keeps its room until whoever reads is done with the page: what is made of a body (text, a document, posts)
is many times its size, and twenty-seven sources that answer with as much as they may would fill the machine.

    with room.page():            # whoever reads a source page by page; in whatever thread it is read
        batch = connector.fetch(request)
        ...                      # stored: its room is given back at the end

Outside of a page an answer gives its room back as soon as it is read.
"""

from __future__ import annotations

import ctypes
import gc
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

FREE = 200_000  # bytes of one answer that need no room
BUDGET = 5_200_000  # bytes of all larger ones: one of the largest, or ten of half a megabyte


_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # malloc_trim(3): glibc keeps what was freed in each thread


class Room:
    """A budget of bytes that is given out in the order in which it was asked for."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.taken = 0
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._waiting)

    def take(self, size: int, until: float) -> bool:
        """Take so many bytes; waits for them until a moment of the monotonic clock. Whether it has them."""
        size, me = min(size, self.budget), object()
        with self._changed:
            self._waiting.append(me)
            try:
                while self._waiting[0] is not me or self.taken + size > self.budget:
                    left = until - time.monotonic()
                    if left <= 0:
                        return False
                    self._changed.wait(min(left, 60))
                self.taken += size
                return True
            finally:
                self._waiting.remove(me)
                self._changed.notify_all()

    def give_back(self, size: int) -> None:
        """So many bytes are free again."""
        with self._changed:
            self.taken -= min(size, self.budget)
            self._changed.notify_all()


class Page:
    """What the answers of one page hold. It is closed by whoever opened it, whatever thread read them."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.large = False  # whether it ever needed room
        self._held = 0
        self._closed = False
        self._guard = threading.Lock()

    def take(self, size: int, until: float) -> bool:
        """Room for an answer that may become so large, instead of what the page holds; whether it came in time."""
        self.give_back()  # a page that holds and waits for more could wait for ever
        if not self._room.take(size, until):
            return False
        self.large = True
        with self._guard:
            closed, self._held = self._closed, 0 if self._closed else size
        if closed:  # left behind by whoever waited for it
            self._room.give_back(size)
        return not closed

    def shrink(self, size: int) -> None:
        """It became no larger than this."""
        with self._guard:
            spare = max(self._held - size, 0)
            self._held -= spare
        self._room.give_back(spare)

    def give_back(self) -> None:
        """It is done with. What was made of it goes back to the machine at once, before the next one is let in."""
        if self._held:
            gc.collect()
            if _trim is not None:
                _trim(0)
        self.shrink(0)

    def close(self) -> None:
        """Nobody uses it any more; what a thread that was left behind still reads gets no room."""
        with self._guard:
            self._closed = True
        self.give_back()


SHARED = Room(BUDGET)
_page: ContextVar[Page | None] = ContextVar("page", default=None)


@contextmanager
def page() -> Iterator[Page]:
    """What is read within this is one page: the room for its answers is given back at the end."""
    made = Page(SHARED)
    token = _page.set(made)
    try:
        yield made
    finally:
        _page.reset(token)
        made.close()


@contextmanager
def answer() -> Iterator[Page]:
    """The page that is being read, or one of this answer alone."""
    current = _page.get()
    if current is not None:
        yield current
        return
    with page() as own:
        yield own
