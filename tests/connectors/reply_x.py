"""How the contract tries answering on X."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote, unquote

from pydantic import SecretStr

from connectors import Post
from connectors.http import Http
from connectors.x import Settings
from connectors.x.reply import ReplySettings, XReply
from tests.connectors.reply_contracts import CANARY, NOW, ReplyContract
from tests.fakes.server import FakeServer, Reply, Seen

EPOCH = 1_288_834_974_657  # of X's ids, in milliseconds
KEYS = {name: f"{name}-{CANARY}" for name in ("reply_api_key", "reply_api_secret", "reply_token", "reply_token_secret")}


def number(seconds: int, place: int = 0) -> str:
    at = NOW + timedelta(seconds=seconds)
    return str(((int(at.timestamp() * 1000) - EPOCH) << 22) + place)


PARENT = number(-300)


class Server:
    """X with one account of ours; a request that is not signed by its user is turned away."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.posted: list[dict[str, Any]] = []
        self.accepts_but = ""
        self.refuses: Reply | None = None
        self.gone = False
        self.answered = 0
        server.route("/2/users/me", lambda seen: self._known(seen, {"data": {"id": "42", "username": "Acme"}}))
        server.route("/2/tweets", self._post)
        server.route("/2/tweets/*", self._one)
        server.route("/2/users/42/tweets", lambda seen: self._known(seen, {"data": self.posted[::-1]}))

    def writes(self) -> int:
        return sum(seen.method != "GET" for seen in self.server.ledger)

    def _known(self, seen: Seen, said: Any) -> Reply:
        return Reply(json=said) if signed(self.server, seen) else Reply(401, json={"title": "Unauthorized"})

    def _post(self, seen: Seen) -> Reply:
        if not signed(self.server, seen):
            return Reply(401, json={"title": "Unauthorized", "detail": "Unauthorized"})
        if self.refuses is not None:
            return self.refuses
        if self.gone:
            return Reply(403, json={"detail": "You attempted to reply to a Post that is deleted."})
        given = seen.json
        text = re.sub(r"https?://\S+", "https://t.co/abc", html.escape(given["text"], quote=False))
        above = [{"type": "replied_to", "id": given["reply"]["in_reply_to_tweet_id"]}]
        made = {"id": number(2, len(self.posted)), "text": f"@ada {text}", "referenced_tweets": above}
        self.posted.append(made)
        if self.accepts_but:
            self.server.misbehave(self.accepts_but, at=len(self.server.ledger))
            return Reply(503, json={"title": "later"}) if self.accepts_but == "ok" else Reply(json={})
        return Reply(201, json={"data": {"id": made["id"], "text": made["text"]}})

    def _one(self, seen: Seen) -> Reply:
        wanted = seen.path.rpartition("/")[2]
        mine = next((each for each in self.posted if each["id"] == wanted), None)
        if seen.method == "DELETE":
            if self.refuses is not None:
                return self.refuses
            self.posted = [each for each in self.posted if each is not mine]
            return Reply(json={"data": {"deleted": True}})
        if mine is None:
            kind = "https://api.twitter.com/2/problems/resource-not-found"
            return Reply(json={"errors": [{"title": "Not Found Error", "resource_id": wanted, "type": kind}]})
        return Reply(json={"data": {**mine, "public_metrics": {"reply_count": self.answered}}})


def signed(server: FakeServer, seen: Seen) -> bool:
    """Whether a request bears the signature that its user's keys give it, worked out the way X describes it."""
    said = re.findall(r'(\w+)="([^"]*)"', seen.headers.get("authorization", ""))
    given = {name: unquote(value) for name, value in said}
    theirs = given.pop("oauth_signature", "")
    held = {**given, **{name: values[0] for name, values in seen.query.items()}}
    pairs = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(held.items()))
    text = "&".join(quote(each, safe="~") for each in (seen.method, server.url + seen.path, pairs))
    key = f"{quote(KEYS['reply_api_secret'], safe='~')}&{quote(KEYS['reply_token_secret'], safe='~')}"
    ours = base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha1).digest()).decode()
    return given.get("oauth_consumer_key") == KEYS["reply_api_key"] and theirs == ours


def make(server: FakeServer, seconds: float) -> XReply:
    http = Http(trusted=[server.host], total_seconds=seconds)
    keys: dict[str, Any] = {name: SecretStr(value) for name, value in KEYS.items()}
    reading = Settings(bearer_token=SecretStr("reads"), api_url=server.url)
    return XReply(ReplySettings(reply_handle="@acme", **keys), reading, http)


CONTRACT = ReplyContract(
    serve=Server,
    make=make,
    post=Post(
        source="x", native_id=PARENT, url=f"https://x.com/ada/status/{PARENT}", author="ada",
        text="@Acme the kettle broke", posted_at=NOW - timedelta(minutes=5),
    ),
    account="@Acme",
    longest=280,
    too_long=Reply(400, json={"title": "Invalid Request", "detail": "Your Post text is too long."}),
    expired=Reply(401, json={"title": "Unauthorized", "detail": "Unauthorized"}),
    duplicate=Reply(403, json={"detail": "You are not allowed to create a Post with duplicate content."}),
)  # fmt: skip
