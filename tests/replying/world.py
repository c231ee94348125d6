"""One source that may be answered, before a stand-in of its network, and a complaint that waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connectors import Post
from monitor.replying import drafts, press
from monitor.replying.context import Replying, Seen, parent_mark, parent_of, said_so_far
from monitor.replying.press import Pressed
from monitor.settings.models import Settings
from monitor.store import case_log, cases, replies
from monitor.store.database import Database
from monitor.store.replies import ReplyRow
from monitor.wiring import Assembly
from tests.connectors.reply_contracts import CANARY
from tests.connectors.reply_mastodon import PARENT, Server
from tests.fakes.server import FakeServer
from tests.helpers import ANGRY, MINUTE, NOW, Clock, assembly_of, post, settings_from, take

PEOPLE = """
[[people]]
name = "Ana"
role = "staff"
targets = ["console"]
[[people]]
name = "Lea"
role = "lead"
[[people]]
name = "Vik"
role = "viewer"
"""
SOURCE = """
[[sources]]
name = "social"
kind = "mastodon"
api_url = "{url}"
reply = true
reply_token = {{ env = "REPLY_TOKEN" }}
{more}
"""
TEXT = "@ada@far.example We have sent a new kettle today; it arrives on Friday."


def settings(folder: Path, server: FakeServer, more: str = "", earful: str = "", tables: str = PEOPLE) -> Settings:
    """Settings of Acme with the source "social", which may be answered."""
    source = SOURCE.format(url=server.url, more=more)
    return settings_from(folder, sources=source, tables=tables, earful=earful, environ={"REPLY_TOKEN": CANARY})


def complaint(**more: object) -> Post:
    """A complaint that stands on the network."""
    fields: dict[str, object] = {"native_id": PARENT["id"], "ago": 5 * MINUTE, "url": PARENT["url"], **more}
    return post(ANGRY, author="ada@far.example", source="social", **fields)  # type: ignore[arg-type]


@dataclass
class World:
    """Everything around one case that waits for an answer."""

    assembly: Assembly
    network: Server
    clock: Clock
    case_id: str

    @property
    def replying(self) -> Replying:
        return self.assembly.replying

    @property
    def database(self) -> Database:
        return self.assembly.database

    def case(self) -> cases.Case:
        found = cases.one(self.database, self.case_id)
        assert found is not None
        return found

    def seen(self, row: ReplyRow, **changes: object) -> Seen:
        """What somebody sees who looks now."""
        parent = parent_of(self.database, self.case())
        assert parent is not None
        account = self.replying.writers.standing("social", self.clock()).account
        now = {"mark": row.mark, "parent": parent_mark(parent), "account": account}
        return Seen(**{**now, "said": said_so_far(self.database, self.case_id), **changes})  # type: ignore[arg-type]

    def draft(self, text: str = TEXT, who: str = "Ana", reply_id: str = "") -> ReplyRow:
        made = reply_id or drafts.new_id()
        return drafts.keep(self.replying, self.case_id, made, text, who=who, way="page", now=self.clock())

    def press(self, row: ReplyRow, who: str = "Ana", **changes: object) -> Pressed:
        seen = self.seen(row, **changes)
        return press.press(self.replying, row.id, seen, who=who, way="page", now=self.clock())

    def post(self, text: str = TEXT, who: str = "Ana") -> ReplyRow:
        """Write and press."""
        row = self.draft(text, who)
        self.press(row, who)
        return self.row(row.id)

    def row(self, reply_id: str) -> ReplyRow:
        found = replies.one(self.database, reply_id)
        assert found is not None
        return found

    def log(self) -> list[str]:
        return [line.what for line in case_log.of_case(self.database, self.case_id)]

    def forward(self, minutes: float) -> datetime:
        return self.clock.forward(minutes * MINUTE)


@contextmanager
def world(folder: Path, database: Database, more: str = "") -> Iterator[World]:
    """Make one on this database."""
    with FakeServer() as server:
        network = Server(server)
        assembly = assembly_of(database, settings(folder, server, more))  # type: ignore[arg-type]
        (case_id,) = take(assembly, complaint())
        yield World(assembly, network, Clock(NOW), case_id)
