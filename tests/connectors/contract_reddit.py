"""How the contract tries Reddit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.reddit.connector import Reddit, Settings
from tests.connectors.contracts import CANARY, NOW, Contract, first_request
from tests.fakes.reddit import FakeReddit
from tests.fakes.server import Seen


def make(server: Any, seconds: float) -> Reddit:
    """A reader of one subreddit and of the search."""
    settings = Settings(
        client_id="app",
        client_secret=CANARY,
        user_agent="linux:earful-test:0.1",
        subreddits=("shops",),
        api_url=server.url,
    )
    return Reddit(settings, total_seconds=seconds)


def serve(server: FakeReddit) -> None:
    """One page of submissions, two of comments."""
    for number in range(5):
        server.submission(f"Acme lost order {number}", "Twice & again", at=NOW - timedelta(minutes=5 + number))
    for number in range(130):
        server.comment(f"Acme never answers {number}", at=NOW - timedelta(minutes=5, seconds=20 * number))


def spoil(server: FakeReddit) -> int:
    """One of six comments has a list for a body."""
    for number in range(6):
        body = ["no"] if number == 3 else f"Acme {number}"
        server.comment("", at=NOW - timedelta(minutes=number + 1), body=body)
    return 5


def ruin(server: FakeReddit) -> None:
    """The time is called something else now."""
    for number in range(6):
        server.comment(f"Acme {number}", at=NOW - timedelta(minutes=number + 1), author={"name": "renamed"})


def only_new(requests: Sequence[Seen]) -> bool:
    """Reddit cannot be asked for what is new: one page of each listing shows that it stopped at the high water."""
    return [seen.path for seen in requests] == ["/r/all/search", "/r/shops/comments"]


def dated(server: FakeReddit, times: Sequence[datetime]) -> None:
    server.things.clear()
    for number, at in enumerate(times):
        server.comment(f"Acme {number}", at=at)


CONTRACT = Contract(
    make=make,
    request=first_request("reddit"),
    serve=serve,
    spoil=spoil,
    ruin=ruin,
    dated=dated,
    only_new=only_new,
    server=lambda: FakeReddit(NOW, CANARY),
)
