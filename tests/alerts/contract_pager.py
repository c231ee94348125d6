"""The pager, in front of a loopback service that keeps its incidents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from alerts.pager import Pager, Settings
from tests.alerts.contracts import ChannelContract, Fault, Stage
from tests.fakes.server import FakeServer, Reply, Seen

KEY = "e93facc04764012d7bfb002500d5d1a6"
MODES: dict[Fault, str] = {
    "refused": "401",
    "busy": "429",
    "broken": "500",
    "drops": "drop",
    "hangs": "hang",
    "too_large": "413",
}


def read(said: dict[str, Any]) -> str:
    """Every word of an event, as somebody on call sees it."""
    links = [link["href"] for link in said["links"]]
    return "\n".join([said["payload"]["summary"], said["payload"]["custom_details"]["message"], *links])


@contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    taken: list[dict[str, Any]] = []

    def take(seen: Seen) -> Reply:
        if seen.json["routing_key"] != KEY:
            return Reply(status=400, json={"errors": ["Length of 'routing_key' is incorrect"]})
        if seen.json["event_action"] == "trigger":
            taken.append(seen.json)
        return Reply(status=202, json={"status": "success", "dedup_key": seen.json["dedup_key"]})

    with FakeServer() as server:
        server.route("/v2/enqueue", take)

        def misbehave(fault: Fault) -> None:
            if fault == "down":
                server.__exit__(None, None, None)
            else:
                server.misbehave(MODES[fault], at=len(server.ledger) + 1)

        yield Stage(
            channel=Pager(Settings(routing_key=SecretStr(KEY), api_url=server.url, timeout=1.0)),
            target="pager",
            arrived=lambda: [read(said) for said in taken],
            misbehave=misbehave,
            secrets=(KEY,),
        )


CONTRACT = ChannelContract(kind="pager", open_stage=open_stage)
