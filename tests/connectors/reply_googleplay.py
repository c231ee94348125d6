"""How the contract tries replying on Google Play."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from connectors import Post
from connectors.googleplay import Settings
from connectors.googleplay.reply import GooglePlayReply, ReplySettings
from connectors.http import Http
from tests.connectors.contract_googleplay import PACKAGE, PATH, key_file
from tests.connectors.reply_contracts import CANARY, NOW, ReplyContract
from tests.fakes.server import FakeServer, Reply, Seen

REVIEW = "gp:0001"
WHEN = {"seconds": str(int((NOW + timedelta(seconds=2)).timestamp())), "nanos": 0}


class Server:
    """One review, which holds one reply at most."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.posted: list[dict[str, Any]] = []
        self.accepts_but = ""
        self.refuses: Reply | None = None
        self.gone = False
        self.answered = 0
        server.route("/token", {"access_token": "ya29", "expires_in": 3599, "token_type": "Bearer"})
        server.route(PATH, {"reviews": []})
        server.route(f"{PATH}/*", self._one)

    def writes(self) -> int:
        return sum(seen.path.endswith(":reply") for seen in self.server.ledger)

    def _one(self, seen: Seen) -> Reply:
        if not seen.path.endswith(":reply"):
            if self.gone:
                return Reply(404, json={"error": {"code": 404, "message": "Review not found"}})
            theirs = {"userComment": {"text": "The kettle broke", "starRating": 1}}
            return Reply(json={"reviewId": REVIEW, "comments": [theirs, *self.posted]})
        if self.refuses is not None:
            return self.refuses
        self.posted[:] = [{"developerComment": {"text": seen.json["replyText"], "lastModified": WHEN}}]
        if self.accepts_but:
            self.server.misbehave(self.accepts_but, at=len(self.server.ledger))
            return Reply(502, json={"error": {"message": "later"}}) if self.accepts_but == "ok" else Reply(json={})
        return Reply(json={"result": {"replyText": seen.json["replyText"], "lastEdited": WHEN}})


def make(server: FakeServer, seconds: float) -> GooglePlayReply:
    http = Http(trusted=[server.host], total_seconds=seconds)
    reading = Settings(credentials=SecretStr("{}"), packages=(PACKAGE,), api_url=server.url)
    return GooglePlayReply(ReplySettings(reply_credentials=key_file(server, project_id=CANARY)), reading, http)


CONTRACT = ReplyContract(
    serve=Server,
    make=make,
    post=Post(
        source="googleplay", native_id=REVIEW,
        url=f"https://play.google.com/store/apps/details?id={PACKAGE}&reviewId=gp%3A0001", author="ada",
        text="The kettle broke", posted_at=NOW - timedelta(minutes=5), rating=1.0,
    ),
    account="the app's developer",
    longest=350,
    too_long=Reply(400, json={"error": {"code": 400, "message": "Reply text is too long"}}),
    expired=Reply(401, json={"error": {"code": 401, "message": "Request had invalid authentication credentials"}}),
    duplicate=Reply(400, json={"error": {"code": 400, "message": "The reply is the same as the one that stands"}}),
    counts_answers=False,
)  # fmt: skip
