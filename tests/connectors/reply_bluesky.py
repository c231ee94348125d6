"""How the contract tries answering on Bluesky."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from connectors import Post
from connectors.bluesky import Settings
from connectors.bluesky.reply import BlueskyReply, ReplySettings
from connectors.http import Http
from tests.connectors.reply_contracts import CANARY, NOW, ReplyContract
from tests.fakes.server import FakeServer, Reply, Seen

US, PARENT = "did:plc:acme", "at://did:plc:ada/app.bsky.feed.post/3kparent"
ROOT = {"uri": "at://did:plc:bo/app.bsky.feed.post/3kroot", "cid": "bafyroot"}


class Server:
    """The account's own server and the one that shows posts, in one. A record key is written once."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.posted: list[dict[str, Any]] = []
        self.accepts_but = ""
        self.refuses: Reply | None = None
        self.gone = False
        self.answered = 0
        server.route("/xrpc/com.atproto.server.createSession", self._session)
        server.route("/xrpc/com.atproto.repo.createRecord", self._create)
        server.route("/xrpc/com.atproto.repo.deleteRecord", self._delete)
        server.route("/xrpc/com.atproto.repo.getRecord", self._record)
        server.route("/xrpc/app.bsky.feed.getPosts", self._posts)

    def writes(self) -> int:
        return sum("Record" in seen.path and seen.method == "POST" for seen in self.server.ledger)

    def _session(self, seen: Seen) -> Reply:
        if seen.json != {"identifier": "acme.example", "password": CANARY}:
            return Reply(401, json={"error": "AuthenticationRequired", "message": "Invalid identifier or password"})
        return Reply(json={"did": US, "handle": "acme.example", "accessJwt": "jwt", "refreshJwt": "other"})

    def _create(self, seen: Seen) -> Reply:
        if seen.headers.get("authorization") != "Bearer jwt":
            return Reply(401, json={"error": "AuthMissing", "message": "Authentication Required"})
        if self.refuses is not None:
            return self.refuses
        asked = seen.json
        uri = f"at://{asked['repo']}/{asked['collection']}/{asked['rkey']}"
        if any(each["uri"] == uri for each in self.posted):
            return Reply(400, json={"error": "InvalidRequest", "message": "Record already exists"})
        self.posted.append({"uri": uri, "cid": "bafymine", "value": asked["record"]})
        if self.accepts_but:
            self.server.misbehave(self.accepts_but, at=len(self.server.ledger))
            return Reply(502, json={"error": "UpstreamFailure"}) if self.accepts_but == "ok" else Reply(json={})
        return Reply(json={"uri": uri, "cid": "bafymine"})

    def _delete(self, seen: Seen) -> Reply:
        if self.refuses is not None:
            return self.refuses
        self.posted = [each for each in self.posted if each["uri"].rpartition("/")[2] != seen.json["rkey"]]
        return Reply(json={})

    def _record(self, seen: Seen) -> Reply:
        uri = f"at://{seen.one('repo')}/{seen.one('collection')}/{seen.one('rkey')}"
        found = next((each for each in self.posted if each["uri"] == uri), None)
        missing = Reply(400, json={"error": "RecordNotFound", "message": f"Could not locate record: {uri}"})
        return Reply(json=found) if found else missing

    def _posts(self, seen: Seen) -> Reply:
        uri = seen.one("uris")
        shown: list[dict[str, Any]] = []
        if uri == PARENT and not self.gone:
            record = {"text": "The kettle broke", "reply": {"root": ROOT, "parent": ROOT}}
            shown = [{"uri": uri, "cid": "bafyparent", "record": record, "replyCount": 0}]
        elif any(each["uri"] == uri for each in self.posted):
            shown = [{"uri": uri, "cid": "bafymine", "record": {}, "replyCount": self.answered}]
        return Reply(json={"posts": shown})


def make(server: FakeServer, seconds: float) -> BlueskyReply:
    http = Http(trusted=[server.host], total_seconds=seconds)
    settings = ReplySettings(reply_handle="@acme.example", reply_password=CANARY, reply_url=server.url)  # type: ignore[arg-type]
    return BlueskyReply(settings, Settings(appview_url=server.url), http)


CONTRACT = ReplyContract(
    serve=Server,
    make=make,
    post=Post(
        source="bluesky", native_id=PARENT, url="https://bsky.app/profile/ada/post/3kparent", author="ada.example",
        text="The kettle broke", posted_at=NOW - timedelta(minutes=5),
    ),
    account="@acme.example",
    longest=300,
    too_long=Reply(
        400,
        json={"error": "InvalidRequest", "message": "Invalid record: text must not be longer than 300"},
    ),
    expired=Reply(400, json={"error": "ExpiredToken", "message": "Token has expired"}),
    duplicate=Reply(400, json={"error": "InvalidRequest", "message": "Record already exists"}),
)  # fmt: skip
