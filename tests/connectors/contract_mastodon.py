"""How to try Mastodon under the contract of all connectors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from connectors.http import Http
from connectors.mastodon import Mastodon, Settings
from tests.connectors.contracts import CANARY, NOW, Contract, first_request
from tests.fakes.mastodon import FakeMastodon, status
from tests.fakes.server import FakeServer

HTML = 'Acme &amp; me: <a href="https://acme.example/x?a=1&amp;b=2">the <em>shop</em></a> is slow</p><p>Really.'


def make(server: FakeServer, seconds: float) -> Mastodon:
    settings = Settings(api_url=server.url, tags=("acme",), access_token=SecretStr(CANARY))
    return Mastodon(settings, Http(trusted=[server.host], total_seconds=seconds))


def serve(server: FakeServer) -> None:
    """Ninety posts, 40 to a page, a quarter of an hour apart."""
    fake = FakeMastodon(server)
    fake.tags["acme"] = [
        status(NOW - timedelta(minutes=15 * number), HTML if number == 3 else f"Acme number {number}")
        for number in range(1, 91)
    ]
    fake.found = fake.tags["acme"][:5]


def spoil(server: FakeServer) -> int:
    fake = FakeMastodon(server)
    good: list[Any] = [status(NOW - timedelta(minutes=number), f"Acme {number}") for number in range(1, 8)]
    fake.tags["acme"] = [*good[:3], {**good[3], "content": None}, *good[4:]]
    return 6


def ruin(server: FakeServer) -> None:
    fake = FakeMastodon(server)
    fake.tags["acme"] = [{"ident": number, "html": "Acme"} for number in range(6)]


def dated(server: FakeServer, times: Sequence[datetime]) -> None:
    fake = FakeMastodon(server)
    fake.tags["acme"] = [status(at, f"Acme {number}", number) for number, at in enumerate(times)]


CONTRACT = Contract(
    make=make,
    request=first_request("social"),
    serve=serve,
    spoil=spoil,
    ruin=ruin,
    # Late posts get ids of their own time, so no since_id: the next read stops at the first page that is old enough.
    dated=dated,
    only_new=lambda requests: [seen.one("max_id") for seen in requests if "/tag/" in seen.path] == [""],
)
