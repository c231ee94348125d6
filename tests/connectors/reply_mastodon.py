"""How the contract tries answering on Mastodon."""

from __future__ import annotations

from datetime import timedelta
from html import escape
from typing import Any
from urllib.parse import parse_qs

from connectors import Post
from connectors.http import Http
from connectors.mastodon import Settings
from connectors.mastodon.reply import MastodonReply, ReplySettings
from tests.connectors.reply_contracts import CANARY, NOW, ReplyContract
from tests.fakes.mastodon import status
from tests.fakes.server import FakeServer, Reply, Seen

PARENT = status(NOW - timedelta(minutes=5), "The kettle broke", number=7)


class Server:
    """One server with one account of ours, as its documentation says; a key makes one status of two requests."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.posted: list[dict[str, Any]] = []
        self.keys: dict[str, dict[str, Any]] = {}
        self.accepts_but = ""
        self.refuses: Reply | None = None
        self.gone = False
        self.answered = 0
        self.visibility = "public"
        me = {"id": "42", "acct": "acme", "username": "acme"}
        server.route("/api/v1/accounts/verify_credentials", lambda seen: self._mine(seen, me))
        server.route("/api/v2/instance", {"configuration": {"statuses": {"max_characters": 600}}})
        server.route("/api/v1/statuses", self._post)
        server.route("/api/v1/statuses/*", self._one)
        server.route("/api/v1/accounts/42/statuses", lambda _: Reply(json=self.posted[::-1]))

    def writes(self) -> int:
        return sum(seen.method != "GET" for seen in self.server.ledger)

    def _mine(self, seen: Seen, me: dict[str, Any]) -> Reply:
        known = seen.headers.get("authorization") == f"Bearer {CANARY}"
        return Reply(json=me) if known else Reply(401, json={"error": "The access token is invalid"})

    def _post(self, seen: Seen) -> Reply:
        if self.refuses is not None:
            return self.refuses
        given = {name: values[0] for name, values in parse_qs(seen.body.decode()).items()}
        key = seen.headers["idempotency-key"]
        if key not in self.keys:
            words = escape(given["status"]).replace("@ada@far.example", '<a href="#">@<span>ada</span></a>')
            made = status(NOW + timedelta(seconds=2), words, number=len(self.keys) + 100)
            made |= {"in_reply_to_id": given["in_reply_to_id"], "visibility": given["visibility"]}
            self.keys[key] = made
            self.posted.append(made)
        if self.accepts_but:
            self.server.misbehave(self.accepts_but, at=len(self.server.ledger))
            return Reply(502, json={"error": "bad gateway"}) if self.accepts_but == "ok" else Reply(json={})
        return Reply(json=self.keys[key])

    def _one(self, seen: Seen) -> Reply:
        wanted = seen.path.rpartition("/")[2]
        mine = next((each for each in self.posted if each["id"] == wanted), None)
        if seen.method == "DELETE":
            if self.refuses is not None:
                return self.refuses
            if mine is None:
                return Reply(404, json={"error": "Record not found"})
            self.posted.remove(mine)
            return Reply(json=mine)
        if mine is not None:
            return Reply(json={**mine, "replies_count": self.answered})
        if wanted == PARENT["id"] and not self.gone:
            return Reply(json={**PARENT, "visibility": self.visibility})
        return Reply(404, json={"error": "Record not found"})


def make(server: FakeServer, seconds: float) -> MastodonReply:
    http = Http(trusted=[server.host], total_seconds=seconds)
    return MastodonReply(ReplySettings(reply_token=CANARY), Settings(api_url=server.url), http)  # type: ignore[arg-type]


CONTRACT = ReplyContract(
    serve=Server,
    make=make,
    post=Post(
        source="mastodon", native_id=PARENT["id"], url=PARENT["url"], author="ada@far.example", text="The kettle broke",
        posted_at=NOW - timedelta(minutes=5),
    ),
    account="@acme@127.0.0.1",
    longest=600,
    too_long=Reply(422, json={"error": "Validation failed: Text character limit of 600 exceeded"}),
    expired=Reply(401, json={"error": "The access token was revoked"}),
    duplicate=Reply(422, json={"error": "Validation failed: Text is a duplicate"}),
)  # fmt: skip
