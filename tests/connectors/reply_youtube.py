"""How the contract tries answering comments on YouTube."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from connectors import Post
from connectors.http import Http
from connectors.youtube import Settings
from connectors.youtube.reply import ReplySettings, YouTubeReply
from tests.connectors.reply_contracts import CANARY, NOW, ReplyContract
from tests.fakes.server import FakeServer, Reply, Seen

PARENT = "UgxParent0000000001"
WHEN = (NOW + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Server:
    """One thread of comments below one video, and our channel."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.posted: list[dict[str, Any]] = []
        self.accepts_but = ""
        self.refuses: Reply | None = None
        self.gone = False
        self.answered = 0
        server.route("/token", {"access_token": "ya29", "expires_in": 3599, "token_type": "Bearer"})
        server.route("/channels", {"items": [{"id": "UCacme", "snippet": {"title": "Acme"}}]})
        server.route("/comments", self._comments)

    def writes(self) -> int:
        return sum(seen.path == "/comments" and seen.method != "GET" for seen in self.server.ledger)

    def _comments(self, seen: Seen) -> Reply:
        if seen.method == "POST":
            return self._post(seen)
        wanted = seen.one("id")
        if seen.method == "DELETE":
            if self.refuses is not None:
                return self.refuses
            self.posted = [each for each in self.posted if each["id"] != wanted]
            return Reply(204)
        if wanted:
            parent = [] if self.gone else [_comment(PARENT, "The kettle broke", "UCada")]
            return Reply(json={"items": [each for each in (*parent, *self.posted) if each["id"] == wanted]})
        others = [_comment(f"{PARENT}.ada{n}00000000", "Thanks", "UCada") for n in range(self.answered)]
        return Reply(json={"items": [*others, *self.posted]})

    def _post(self, seen: Seen) -> Reply:
        if seen.headers.get("authorization") != "Bearer ya29":
            return Reply(401, json={"error": {"message": "Invalid Credentials"}})
        if self.refuses is not None:
            return self.refuses
        given = seen.json["snippet"]
        assert given["parentId"] == PARENT
        made = _comment(f"{PARENT}.ours{len(self.posted)}0000000", given["textOriginal"], "UCacme")
        self.posted.append(made)
        if self.accepts_but:
            self.server.misbehave(self.accepts_but, at=len(self.server.ledger))
            return Reply(502, json={"error": {"message": "later"}}) if self.accepts_but == "ok" else Reply(json={})
        return Reply(json=made)


def _comment(number: str, text: str, channel: str) -> dict[str, Any]:
    held = {"textOriginal": text, "publishedAt": WHEN, "parentId": PARENT, "authorChannelId": {"value": channel}}
    return {"kind": "youtube#comment", "id": number, "snippet": held}


def make(server: FakeServer, seconds: float) -> YouTubeReply:
    http = Http(trusted=[server.host], total_seconds=seconds)
    held = {"client_id": "c", "client_secret": CANARY, "refresh_token": "1//r", "token_uri": f"{server.url}/token"}
    settings = ReplySettings(reply_credentials=SecretStr(json.dumps(held)))
    return YouTubeReply(settings, Settings(api_key=SecretStr("reads"), api_url=server.url), http)


CONTRACT = ReplyContract(
    serve=Server,
    make=make,
    post=Post(
        source="youtube", native_id=PARENT, url=f"https://www.youtube.com/watch?v=dQw4w9WgXcQ&lc={PARENT}",
        author="@ada", text="The kettle broke", posted_at=NOW - timedelta(minutes=5),
    ),
    account="Acme",
    longest=10_000,
    too_long=Reply(400, json={"error": {"code": 400, "message": "The comment text is too long."}}),
    expired=Reply(401, json={"error": {"code": 401, "message": "Invalid Credentials"}}),
    duplicate=Reply(400, json={"error": {"code": 400, "message": "The comment is a duplicate."}}),
)  # fmt: skip
