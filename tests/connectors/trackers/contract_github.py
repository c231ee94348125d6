"""How the contract tries GitHub as a tracker."""

from __future__ import annotations

from pydantic import SecretStr

from connectors.http import Http
from connectors.trackers.github import GitHubTracker, Settings
from tests.connectors.trackers.contracts import TrackerContract
from tests.fakes.server import FakeServer, Reply
from tests.fakes.trackers import SECRET, TOKEN, FakeGitHub


def make(server: FakeServer, seconds: float) -> GitHubTracker:
    settings = Settings(
        repository="acme/kettle", token=SecretStr(TOKEN), webhook_secret=SecretStr(SECRET), api_url=server.url
    )
    return GitHubTracker(settings, Http(trusted=[server.host], total_seconds=seconds))


CONTRACT = TrackerContract(
    serve=FakeGitHub,
    make=make,
    expired=Reply(401, json={"message": "Bad credentials"}),
    forbidden=Reply(403, json={"message": "Resource not accessible by personal access token"}),
    invalid=Reply(410, json={"message": "Issues are disabled for this repo"}),
    first="acme/kettle#1",
    address="{site}/Acme/kettle/issues/1",
    declined=("not_planned", "not planned"),
)
