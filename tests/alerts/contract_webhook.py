"""The webhook, in front of a loopback receiver that checks the signature of every body."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from alerts.webhook import Settings, Webhook, signature
from tests.alerts.contracts import ChannelContract, Fault, Stage
from tests.fakes.server import FakeServer, Reply, Seen

SECRET = "correct-horse-battery-staple"
PATH = "/hook/with-a-key-in-it"
MODES: dict[Fault, str] = {
    "refused": "401",
    "busy": "429",
    "broken": "500",
    "drops": "drop",
    "hangs": "hang",
    "too_large": "413",
}


def read(said: dict[str, Any]) -> str:
    """Every word of a body, as a helpdesk would show it."""
    if said["event"] == "letter":
        return f"{said['subject']}\n{said['text']}"
    cases = [
        "\n".join([case["headline"], case["words"], *case["facts"], case["url"], case["standing"]])
        for case in said["cases"]
    ]
    return "\n".join(
        [said["title"], *cases, *said.get("also", []), str(said["more"] - len(said.get("also", []))), said["footer"]]
    )


@contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    taken: list[dict[str, Any]] = []

    def take(seen: Seen) -> Reply:
        stamp, _, given = seen.headers["earful-signature"].removeprefix("t=").partition(",v1=")
        if given != signature(SecretStr(SECRET), stamp, seen.body):
            return Reply(status=401)
        if seen.json["event"] != "check":
            taken.append(seen.json)
        return Reply(status=204)

    with FakeServer() as server:
        server.route(PATH, take)

        def misbehave(fault: Fault) -> None:
            if fault == "down":
                server.__exit__(None, None, None)
            else:
                server.misbehave(MODES[fault], at=len(server.ledger) + 1)

        settings = Settings(url=SecretStr(server.url + PATH), secret=SecretStr(SECRET), timeout=1.0)
        yield Stage(
            channel=Webhook(settings),
            target="helpdesk",
            arrived=lambda: [read(said) for said in taken],
            misbehave=misbehave,
            secrets=(SECRET, PATH),
        )


CONTRACT = ChannelContract(kind="webhook", open_stage=open_stage)
