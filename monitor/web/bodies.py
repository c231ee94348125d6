"""The bodies of requests while they arrive: bounded in size and time, for each client and together.

A body that does not arrive holds nobody up: where one client, or all together, would pass their bound, the one that has
been arriving longest is given up, as a connection without a head is.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.requests import Request

from monitor.web.identity import Refusal

MOST_BODY = 1_000_000  # bytes
BODY_SECONDS = 20.0
TOGETHER = 32_000_000  # bytes that may be on their way at once
OF_ONE = 4_000_000  # of these, of one client
AT_ONCE = 16  # bodies of one client
# Paths that a signature proves have budgets of their own: whoever floods the forms leaves them theirs, and all that
# comes from Slack comes from few addresses.
NAMED = {"slack": 8_000_000, "signed": 4_000_000, "pager": 2_000_000}
DOOR = "/in/"  # and so has each source that others bring posts to: "/in/NAME"
OF_A_DOOR = 4_000_000


def is_named(owner: str) -> bool:
    """Whether a budget is that of a path, and not of a client."""
    return owner in NAMED or owner.startswith(DOOR)


@dataclass(slots=True, eq=False)
class _Arriving:
    """A body on its way; `size` is what it may come to."""

    owner: str
    size: int
    end: asyncio.Timeout


class Bodies:
    """All bodies on their way. For the one loop of the page: it takes no lock."""

    def __init__(self) -> None:
        self._arriving: dict[_Arriving, None] = {}  # the oldest first

    async def read(self, request: Request, owner: str) -> bytes:
        """The body of a request, at most 1 MB and within twenty seconds.

        `owner` is the client, one of NAMED, or a door. Raises Refusal, and ClientDisconnect where the client hung up.
        """
        told = request.headers.get("content-length", "")
        size = int(told) if told.isascii() and told.isdigit() and len(told) < 12 else MOST_BODY
        if size > MOST_BODY:
            raise _too_much()
        if size == 0:
            return b""
        try:
            async with asyncio.timeout(BODY_SECONDS) as end:
                with self._counted(_Arriving(owner, size, end)):
                    return await _whole(request)
        except TimeoutError:
            raise Refusal(408, "That took too long to arrive") from None

    @property
    def size(self) -> int:
        """Bytes that all bodies on their way may come to."""
        return sum(each.size for each in self._arriving)

    @contextmanager
    def _counted(self, new: _Arriving) -> Iterator[None]:
        self._arriving[new] = None
        try:
            self._make_room(new)
            yield
        finally:
            self._arriving.pop(new, None)

    def _make_room(self, new: _Arriving) -> None:
        theirs = [each for each in self._arriving if each.owner == new.owner]
        most = NAMED.get(new.owner, OF_A_DOOR if is_named(new.owner) else OF_ONE)
        at_once = AT_ONCE * (8 if is_named(new.owner) else 1)
        while len(theirs) > at_once or sum(each.size for each in theirs) > most:
            self._give_up(theirs.pop(0))
        while self.size > TOGETHER:
            sizes: Counter[str] = Counter()
            for each in self._arriving:
                if not is_named(each.owner):
                    sizes[each.owner] += each.size
            largest = sizes.most_common(1)[0][0] if sizes else new.owner
            self._give_up(next(each for each in self._arriving if each.owner == largest))

    def _give_up(self, one: _Arriving) -> None:
        self._arriving.pop(one, None)
        one.end.reschedule(asyncio.get_running_loop().time())


async def _whole(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BODY:
            raise _too_much()
        parts.append(part)
    return b"".join(parts)


def _too_much() -> Refusal:
    return Refusal(413, "That is too much at once", "A form holds at most one megabyte.")
