"""How to try Bluesky under the contract of all connectors: its server speaks websocket."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from connectors import Request
from connectors.bluesky import Bluesky, Settings
from connectors.http import Http
from tests.connectors.contracts import NOW, Contract
from tests.fakes.bluesky import FakeJetstream, event, microseconds


def make(server: FakeJetstream, seconds: float) -> Bluesky:
    # No secret is sent to Jetstream, so the canary has no place here.
    settings = Settings(api_url=server.url, page_seconds=seconds, quiet_seconds=0.3, resolve_handles=False)
    return Bluesky(settings, Http(trusted=[server.host], total_seconds=seconds))


def serve(server: FakeJetstream) -> None:
    """Nine posts of ours among others, four to a page; the last one is from now."""
    server.events = []
    for number in range(9):
        at = NOW - timedelta(minutes=8 - number)
        server.events += [event(at - timedelta(seconds=5), "about something else"), event(at, f"Acme & me {number}")]


def spoil(server: FakeJetstream) -> int:
    server.events = [event(NOW - timedelta(minutes=8 - number), f"Acme {number}") for number in range(7)]
    server.events[3] = event(NOW - timedelta(minutes=5), ["Acme"])
    return 6


def ruin(server: FakeJetstream) -> None:
    at = microseconds(NOW - timedelta(minutes=1))
    server.events = [{"repo": "did:plc:ada", "time_us": at + number, "text": "Acme"} for number in range(6)]


def dated(server: FakeJetstream, times: Sequence[datetime]) -> None:
    server.events = [event(at, f"Acme {number}") for number, at in enumerate(times)]


CONTRACT = Contract(
    make=make,
    request=Request("stream", ("Acme",), "", NOW, NOW - timedelta(hours=24), allowance=4),
    serve=serve,
    spoil=spoil,
    ruin=ruin,
    dated=dated,
    only_new=lambda requests: all(int(seen.one("cursor")) >= microseconds(NOW) - 10_000_000 for seen in requests),
    server=FakeJetstream,
)
