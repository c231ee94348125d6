"""Where passwords are hashed: two threads of their own, with a short queue, so that a crowd at the login
holds no page up.

A hash takes 64 MB and a good part of a core for a while; whoever comes when the queue is full is told to come back.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from monitor.web.identity import Refusal

THREADS = 2
MOST_WAITING = 16  # requests that hash, or wait for it
OF_ONE = 4  # of these, of one client
T = TypeVar("T")


class Hashing:
    """The threads and their queue. For the one loop of the page: it takes no lock."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(THREADS, thread_name_prefix="page-hash")
        self.waiting: Counter[str] = Counter()

    async def run(self, owner: str, work: Callable[[], T]) -> T:
        """Run `work` for a client; Refusal where too many wait already."""
        if self.waiting[owner] >= OF_ONE or self.waiting.total() >= MOST_WAITING:
            raise Refusal(429, "Too many logins at the same time", "Try again in a few seconds.", wait=3)
        self.waiting[owner] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self.pool, work)
        finally:
            self.waiting -= Counter((owner,))
