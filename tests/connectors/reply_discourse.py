"""How the contract tries answering in a Discourse forum."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from connectors import Post
from connectors.discourse import Settings
from connectors.discourse.reply import DiscourseReply, ReplySettings
from connectors.http import Http
from tests.connectors.reply_contracts import CANARY, NOW, ReplyContract
from tests.fakes.server import FakeServer, Reply, Seen

PARENT = {"id": 70, "topic_id": 7, "post_number": 3, "raw": "The kettle broke", "reply_count": 0}
WHEN = (NOW + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Server:
    """One topic of one forum, in which our account may write."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.posted: list[dict[str, Any]] = []
        self.accepts_but = ""
        self.refuses: Reply | None = None
        self.gone = False
        self.answered = 0
        server.route("/u/acme_care.json", {"user": {"username": "acme_care"}})
        server.route("/posts.json", self._post)
        server.route("/posts/by_number/7/*", self._one)
        server.route("/posts/*", self._delete)
        server.route("/user_actions.json", lambda _: Reply(json={"user_actions": self.posted[::-1]}))

    def writes(self) -> int:
        return sum(seen.method != "GET" for seen in self.server.ledger)

    def _post(self, seen: Seen) -> Reply:
        if (seen.headers.get("api-key"), seen.headers.get("api-username")) != (CANARY, "acme_care"):
            return Reply(403, json={"errors": ["You are not permitted to view the requested resource."]})
        if self.refuses is not None:
            return self.refuses
        number = 4 + len(self.posted)
        made = {**PARENT, "id": 70 + number, "post_number": number, "raw": seen.json["raw"], "created_at": WHEN}
        self.posted.append(made)
        if self.accepts_but:
            self.server.misbehave(self.accepts_but, at=len(self.server.ledger))
            return Reply(502, json={"errors": ["gateway"]}) if self.accepts_but == "ok" else Reply(json={})
        return Reply(json=made)

    def _one(self, seen: Seen) -> Reply:
        number = seen.path.rpartition("/")[2].removesuffix(".json")
        mine = next((each for each in self.posted if str(each["post_number"]) == number), None)
        if mine is not None:
            return Reply(json={**mine, "reply_count": self.answered})
        return Reply(json=PARENT) if number == "3" and not self.gone else Reply(404, json={"errors": ["not there"]})

    def _delete(self, seen: Seen) -> Reply:
        if self.refuses is not None:
            return self.refuses
        number = seen.path.rpartition("/")[2].removesuffix(".json")
        self.posted = [each for each in self.posted if str(each["id"]) != number]
        return Reply()


def make(server: FakeServer, seconds: float) -> DiscourseReply:
    http = Http(trusted=[server.host], total_seconds=seconds)
    settings = ReplySettings(reply_key=CANARY, reply_username="acme_care")  # type: ignore[arg-type]
    return DiscourseReply(settings, Settings(api_url=server.url), http)


CONTRACT = ReplyContract(
    serve=Server,
    make=make,
    post=Post(
        source="discourse", native_id="7/3", url="https://forum.example/t/7/3", author="ada", text="The kettle broke",
        posted_at=NOW - timedelta(minutes=5),
    ),
    account="@acme_care",
    longest=32_000,
    too_long=Reply(422, json={"errors": ["Body is limited to 32000 characters"]}),
    expired=Reply(403, json={"errors": ["You are not permitted to view the requested resource."]}),
    duplicate=Reply(422, json={"errors": ["Body is too similar to what you recently posted"]}),
)  # fmt: skip
