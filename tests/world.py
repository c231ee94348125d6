"""The world around one installation of Earful: a network it reads, a Slack and a mail server it tells, all on loopback.

The stories (tests/story) and the crash walk (tests/crash) both happen in it, each with sources and people of its own.

    with far_side() as far:
        settings = far.settings(folder, '[[sources]] ... api_url = "{network}" ...')
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.server import FakeServer
from tests.fakes.slack import FakeSlack
from tests.fakes.smtp import FakeSmtp

# What both installations have: whom they tell, and how. `str.format` reads it: braces are doubled.
COMMON = """
[earful]
operator = ["slack:#operators"]

[database]
url = "{database}"

[[channels]]
name = "slack"
kind = "slack"
token = {{ env = "SLACK_TOKEN" }}
app_token = {{ env = "SLACK_APP_TOKEN" }}
unknown_may_press = true
api_url = "{slack}"

[[channels]]
name = "email"
kind = "email"
host = "127.0.0.1"
port = {smtp}
security = "none"
sender = "earful@harbourtea.example"
"""
ANA, BEN = "U0ANA00001", "U0BEN00001"  # as Slack knows them


@dataclass(frozen=True)
class FarSide:
    """The far sides with their ledgers."""

    network: FakeServer
    slack: FakeSlack
    smtp: FakeSmtp

    @property
    def environ(self) -> Mapping[str, str]:
        """The secrets."""
        return {"SLACK_TOKEN": self.slack.token, "SLACK_APP_TOKEN": self.slack.app_token}

    def settings(self, folder: Path, tables: str, *, database: str = "sqlite:earful.sqlite", **addresses: str) -> Path:
        """Write the settings file of an installation: what all have, and these tables; {network} stands for ours."""
        file = folder / "settings.toml"
        named = {"network": self.network.url, "slack": self.slack.api_url, "smtp": self.smtp.port, **addresses}
        file.write_text((COMMON + tables).format(database=database, **named), "utf-8")
        return file


@contextmanager
def far_side() -> Iterator[FarSide]:
    """Start them all, and stop them afterwards."""
    with FakeServer() as network, FakeSlack() as slack, FakeSmtp() as smtp:
        yield FarSide(network, slack, smtp)
