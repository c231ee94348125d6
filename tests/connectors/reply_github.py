"""How the contract tries answering on GitHub."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from connectors import Post
from connectors.github import Settings
from connectors.github.reply import GitHubReply, ReplySettings
from connectors.http import Http
from tests.connectors.reply_contracts import CANARY, NOW, ReplyContract
from tests.fakes.server import FakeServer, Reply, Seen

ISSUE = "acme/kettle#12"
WHEN = (NOW + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Server:
    """One repository with one issue, and whatever stands below it."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.posted: list[dict[str, Any]] = []
        self.accepts_but = ""
        self.refuses: Reply | None = None
        self.gone = False
        self.answered = 0
        server.route("/user", {"login": "acme-care", "id": 7})
        server.route("/repos/acme/kettle/issues/12/comments", self._comments)
        server.route("/repos/acme/kettle/issues/comments/*", self._one)

    def writes(self) -> int:
        return sum(seen.method != "GET" for seen in self.server.ledger)

    def _comments(self, seen: Seen) -> Reply:
        if seen.method == "GET":
            others = [_comment(900 + n, "Thanks", "ada") for n in range(self.answered)]
            return Reply(json=[*self.posted, *others])
        if seen.headers.get("authorization") != f"Bearer {CANARY}":
            return Reply(401, json={"message": "Bad credentials"})
        if self.refuses is not None:
            return self.refuses
        if self.gone:
            return Reply(410, json={"message": "This issue was deleted"})
        made = _comment(101 + len(self.posted), seen.json["body"], "acme-care")
        self.posted.append(made)
        if self.accepts_but:
            self.server.misbehave(self.accepts_but, at=len(self.server.ledger))
            return Reply(502, json={"message": "bad gateway"}) if self.accepts_but == "ok" else Reply(json={})
        return Reply(201, json=made)

    def _one(self, seen: Seen) -> Reply:
        mine = next((each for each in self.posted if str(each["id"]) == seen.path.rpartition("/")[2]), None)
        if seen.method == "DELETE" and self.refuses is not None:
            return self.refuses
        if mine is None:
            return Reply(404, json={"message": "Not Found"})
        if seen.method == "DELETE":
            self.posted.remove(mine)
            return Reply(204)
        return Reply(json=mine)


def _comment(number: int, body: str, login: str) -> dict[str, Any]:
    return {
        "id": number, "body": body, "user": {"login": login}, "created_at": WHEN,
        "html_url": f"https://github.com/acme/kettle/issues/12#issuecomment-{number}",
    }  # fmt: skip


def make(server: FakeServer, seconds: float) -> GitHubReply:
    http = Http(trusted=[server.host], total_seconds=seconds)
    return GitHubReply(ReplySettings(reply_token=CANARY), Settings(api_url=server.url), http)  # type: ignore[arg-type]


CONTRACT = ReplyContract(
    serve=Server,
    make=make,
    post=Post(
        source="github", native_id=ISSUE, url="https://github.com/acme/kettle/issues/12", author="ada",
        text="The kettle broke", posted_at=NOW - timedelta(minutes=5),
    ),
    account="@acme-care",
    longest=65_536,
    too_long=Reply(422, json={"message": "Validation Failed: body is too long (maximum is 65536 characters)"}),
    expired=Reply(401, json={"message": "Bad credentials"}),
    duplicate=Reply(422, json={"message": "Validation Failed: was submitted too quickly"}),
)  # fmt: skip
