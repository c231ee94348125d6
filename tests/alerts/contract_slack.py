"""Slack with a bot token, in front of a loopback Slack that keeps Slack's limits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from alerts.slack.channel import Slack
from alerts.slack.settings import Settings
from tests.alerts.contracts import ChannelContract, Fault, Stage
from tests.fakes.slack import FakeSlack

MODES: dict[Fault, str] = {
    "refused": "error:token_revoked",
    "busy": "429:30",
    "broken": "html",
    "drops": "drop",
    "hangs": "hang",
    "too_large": "error:msg_blocks_too_long",
}


@contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    with FakeSlack() as slack:
        settings = Settings(
            token=SecretStr(slack.token), app_token=SecretStr(slack.app_token), api_url=slack.api_url, timeout=1.0
        )

        def misbehave(fault: Fault) -> None:
            if fault == "down":
                slack.close()
            else:
                slack.misbehave(MODES[fault])

        yield Stage(
            channel=Slack(settings),
            target="#care",
            arrived=lambda: [slack.reads(message) for message in slack.messages],
            misbehave=misbehave,
            secrets=(slack.token, slack.app_token),
        )


CONTRACT = ChannelContract(kind="slack", open_stage=open_stage)
