"""What others brought to our door, read as if it were a network: whatever waits there, oldest first.

The cursor holds the number of the last body that was read whole, and how many items of the next one are behind us. What
it says to be read is let go of by the next question, so a process that dies between two loses nothing. A body that
cannot be read is set aside and holds up nothing. A visit ends with a question that finds nothing waiting.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from connectors import Arrival, Aside, Batch, Post, Request, Waiting
from connectors.about import About
from connectors.http import Http
from connectors.inbound.posts import Gone, Item, items_of, made_of
from connectors.inbound.settings import Settings
from connectors.pagination import CLOCK_IS_BEHIND, clock_is_behind
from connectors.text import raw_of

ABOUT = About(
    reads="posts that other programs send to your web page, and files that are moved into a folder",
    key="none to ask for: you make a secret, and give it to whoever sends",
    misses="whatever is not sent: nothing is fetched",
    page="programs.md",
)

__all__ = ["Inbound", "Settings"]

PAGE = 500  # posts
LOOK = timedelta(seconds=30)  # between two looks that nobody asked for: what arrives, wakes us


class Inbound:
    """Reads what was brought. Nothing waits until `receive_from` has said where."""

    def __init__(self, settings: Settings, http: Http | None = None) -> None:  # noqa: ARG002 (all are made alike)
        self._settings = settings
        self._waiting: Waiting = lambda _after, _now: ((), ())

    def receive_from(self, waiting: Waiting) -> None:
        """Read from there from now on."""
        self._waiting = waiting

    def fetch(self, request: Request) -> Batch:
        """Read one page of what waits."""
        last, done = _place(request.cursor)
        arrivals, notices = self._waiting(last, request.now)
        if not arrivals:
            cursor = json.dumps([last, 0])
            return Batch((), cursor, not_before=request.now + LOOK, notices=notices)
        posts: list[Post] = []
        aside: list[Aside] = []
        gone: list[str] = []
        seen = 0
        for arrival in arrivals:
            items = items_of(arrival.body, self._settings.each_of)[done:]
            room = PAGE - seen
            for number, item in enumerate(items[:room], start=done):
                made = self._made(item, number, arrival, request.source, aside)
                if isinstance(made, Post):
                    posts.append(made)
                elif made is not None:
                    gone.append(made.native_id)
            seen += min(len(items), room)
            if len(items) > room:  # the rest of it is the next page
                last, done = arrival.n - 1, done + room
                break
            last, done = arrival.n, 0
            if seen >= PAGE:
                break
        if clock_is_behind((post.posted_at for post in posts), request.now):
            notices = (*notices, CLOCK_IS_BEHIND)
        cursor = json.dumps([last, done])
        return Batch(tuple(posts), cursor, complete=False, deleted=tuple(gone), aside=tuple(aside), notices=notices)

    def _made(self, item: Item, number: int, arrival: Arrival, source: str, aside: list[Aside]) -> Post | Gone | None:
        """The post of an item; one bad item must not take the others with it."""
        try:
            made = made_of(item, number, arrival, source, self._settings.getters)
        except ValueError as error:
            aside.append(Aside(raw_of(item.document).encode(), str(error)))
            return None
        return replace(made, addressed=("*",)) if isinstance(made, Post) and self._settings.shape.ours else made


def _place(cursor: str) -> tuple[int, int]:
    """The number of the last body that was read whole, and how many items of the next one were read."""
    try:
        last, done = json.loads(cursor)
        return int(last), int(done)
    except (ValueError, TypeError):
        return 0, 0
