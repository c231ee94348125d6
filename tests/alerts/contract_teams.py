"""Teams, in front of a loopback workflow that takes the documented message and nothing larger than Teams does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from alerts.teams import Settings, Teams
from tests.alerts.contracts import ChannelContract, Fault, Stage
from tests.fakes.server import FakeServer, Reply, Seen

PATH = "/powerautomate/automations/direct/workflows/0123/triggers/manual/paths/invoke"
SIGNED = "api-version=1&sig=a-key-in-the-address"
TAKEN = 28_672  # bytes that Teams takes of a message, counted as a text inside of a document
MODES: dict[Fault, str] = {
    "refused": "401",
    "busy": "429",
    "broken": "502",
    "drops": "drop",
    "hangs": "hang",
    "too_large": "413",
}


def read(card: dict[str, Any]) -> str:
    """Every word of a card and every address behind one, as a person finds them."""
    lines: list[str] = []
    for block in [*card["body"], {"type": "ActionSet", "actions": card.get("actions", [])}]:
        if block["type"] == "ActionSet":
            lines += [f"{each['title']} {each['url']}" for each in block["actions"]]
            continue
        assert block["type"] == "RichTextBlock", "only there do foreign words stay words"
        for run in block["inlines"]:
            lines.append(run["text"] + " " + run.get("selectAction", {}).get("url", ""))
    return "\n".join(lines)


@contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    posted: list[str] = []

    def take(seen: Seen) -> Reply:
        if seen.one("sig") != "a-key-in-the-address":
            return Reply(401, json={"error": {"code": "DirectApiAuthorizationRequired"}})
        said = seen.json
        assert said["type"] == "message"
        for each in said["attachments"]:
            assert each["contentType"] == "application/vnd.microsoft.card.adaptive"
            card = each["content"]
            assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
            if len(json.dumps(json.dumps(card, ensure_ascii=False), ensure_ascii=False).encode()) <= TAKEN:
                posted.append(read(card))  # else the flow fails after it has answered, and nobody is told
        return Reply(202)

    with FakeServer() as server:
        server.route(PATH, take)

        def misbehave(fault: Fault) -> None:
            if fault == "down":
                server.__exit__(None, None, None)
            else:
                server.misbehave(MODES[fault], at=len(server.ledger) + 1)

        yield Stage(
            channel=Teams(Settings(url=SecretStr(f"{server.url}{PATH}?{SIGNED}"), timeout=1.0)),
            target="teams",
            arrived=lambda: list(posted),
            misbehave=misbehave,
            secrets=("a-key-in-the-address", PATH),
        )


CONTRACT = ChannelContract(kind="teams", open_stage=open_stage)
