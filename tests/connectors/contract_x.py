"""How the contract tries X."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.x.connector import X
from connectors.x.settings import Settings
from tests.connectors.contracts import CANARY, NOW, Contract, first_request
from tests.fakes.server import Seen
from tests.fakes.x import FakeX


def make(server: Any, seconds: float) -> X:
    """A reader with small pages and no budget."""
    token = "AAAA" + CANARY
    settings = Settings(bearer_token=token, api_url=server.url, monthly_budget=None)
    return X(settings, page_size=10, total_seconds=seconds)


def serve(server: FakeX) -> None:
    """Three pages, with the entities that X writes."""
    for number in range(25):
        server.post(f"Acme &amp; Co lost order {number} &lt;3", at=NOW - timedelta(minutes=5 + number))


def spoil(server: FakeX) -> int:
    """One of six has lost its author."""
    for number in range(6):
        server.post(f"Acme {number}", at=NOW - timedelta(minutes=number + 1), author_id=None if number == 3 else "77")
    return 5


def ruin(server: FakeX) -> None:
    """The text is called something else now."""
    for number in range(6):
        server.post(f"Acme {number}", at=NOW - timedelta(minutes=number + 1), author_id=None, author="5")


def only_new(requests: Sequence[Seen]) -> bool:
    """The high water travels as since_id."""
    return bool(requests) and all(seen.one("since_id").isdigit() for seen in requests)


def dated(server: FakeX, times: Sequence[datetime]) -> None:
    server.clear()
    for number, at in enumerate(times):
        server.post(f"Acme {number}", at=at)


CONTRACT = Contract(
    make=make,
    request=first_request("x"),
    serve=serve,
    spoil=spoil,
    ruin=ruin,
    dated=dated,
    only_new=only_new,
    server=lambda: FakeX(NOW),
)
