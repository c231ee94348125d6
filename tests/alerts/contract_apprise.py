"""Apprise's JSON service, in front of a loopback receiver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from alerts.apprise import Apprise, Settings
from tests.alerts.contracts import ChannelContract, Fault, Stage
from tests.fakes.server import FakeServer, Reply, Seen

PATH = "/a-key-in-the-path"
MODES: dict[Fault, str] = {
    "refused": "401",
    "busy": "429",
    "broken": "500",
    "drops": "drop",
    "hangs": "hang",
    "too_large": "413",
}


@contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    taken: list[str] = []

    def take(seen: Seen) -> Reply:
        taken.append(f"{seen.json['title']}\n{seen.json['message']}")
        return Reply(status=200)

    with FakeServer() as server:
        server.route(PATH, take)

        def misbehave(fault: Fault) -> None:
            if fault == "down":
                server.__exit__(None, None, None)
            else:
                server.misbehave(MODES[fault], at=len(server.ledger) + 1)

        address = server.url.replace("http://", "json://anna:hunter2@") + PATH + "?rto=1&cto=1"
        yield Stage(
            channel=Apprise(Settings(url=SecretStr(address), timeout=2.0)),
            target="phone",
            arrived=lambda: list(taken),
            misbehave=misbehave,
            secrets=(PATH, "hunter2"),
        )


CONTRACT = ChannelContract(kind="apprise", open_stage=open_stage, needs="apprise")
