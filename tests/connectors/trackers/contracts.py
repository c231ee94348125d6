"""What every tracker promises, and how each is tried: `CONTRACT` of `contract_<kind>.py`, before a stand-in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.trackers import Tracker
from tests.fakes.server import FakeServer, Reply
from tests.fakes.trackers import FakeGitHub, FakeJira

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
KEY = "0011223344556677"
TITLE = "Customer report: the kettle's lid"
TEXT = 'Ça bout trop: "the lid <b>melts</b>".\n\n> never again & again\n\nhttps://earful.example/cases/12'


@dataclass(frozen=True)
class TrackerContract:
    """How one tracker is tried: `make` with a total deadline in seconds, and how it words what it refuses."""

    serve: Callable[[FakeServer], FakeGitHub | FakeJira]
    make: Callable[[FakeServer, float], Tracker]
    expired: Reply
    forbidden: Reply
    invalid: Reply
    first: str  # the name of the first issue
    address: str  # of the first issue, with the site left open
    declined: tuple[str, str]  # a way to close it that does not fix it, and how that is told
