"""How the contract tries Jira: in the cloud, and Data Center."""

from __future__ import annotations

from functools import partial

from pydantic import SecretStr

from connectors.http import Http
from connectors.trackers.jira import JiraTracker, Settings
from tests.connectors.trackers.contracts import TrackerContract
from tests.fakes.server import FakeServer, Reply
from tests.fakes.trackers import EMAIL, SECRET, TOKEN, FakeJira


def make(server: FakeServer, seconds: float, *, cloud: bool = True) -> JiraTracker:
    settings = Settings(
        api_url=server.url, project="KET", token=SecretStr(TOKEN), email=EMAIL if cloud else "",
        webhook_secret=SecretStr(SECRET),
    )  # fmt: skip
    return JiraTracker(settings, Http(trusted=[server.host], total_seconds=seconds))


def contract(*, cloud: bool) -> TrackerContract:
    return TrackerContract(
        serve=partial(FakeJira, cloud=cloud),
        make=partial(make, cloud=cloud),
        expired=Reply(401, json={"errorMessages": ["Client must be authenticated to access this resource."]}),
        forbidden=Reply(403, json={"errorMessages": ["You do not have permission to create issues."]}),
        invalid=Reply(400, json={"errorMessages": [], "errors": {"labels": "Field 'labels' cannot be set."}}),
        first="KET-1",
        address="{site}/browse/KET-1",
        declined=("Won't Do", "Won't Do"),
    )


CONTRACT, DATA_CENTER = contract(cloud=True), contract(cloud=False)
