"""How the contract tries responding in the App Store."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

from joserfc.jwk import ECKey
from pydantic import SecretStr

from connectors import Post
from connectors.appstore import Settings
from connectors.appstore.reply import AppStoreReply, ReplySettings
from connectors.http import Http
from tests.connectors.reply_contracts import CANARY, NOW, ReplyContract
from tests.fakes.server import FakeServer, Reply, Seen

REVIEW = "00000028-b08c-0001"
WHEN = (NOW + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%S+00:00")


@cache
def private_key() -> SecretStr:
    """A key as App Store Connect gives it out; made once, since it is only to be one."""
    pem = ECKey.generate_key("P-256").as_pem(private=True)
    assert isinstance(pem, bytes)
    return SecretStr(f"{pem.decode()}\n{CANARY}\n")


class Server:
    """One review, which holds one response at most."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.posted: list[dict[str, Any]] = []
        self.accepts_but = ""
        self.refuses: Reply | None = None
        self.gone = False
        self.answered = 0
        server.route("/v1/apps", {"data": [{"type": "apps", "id": "1"}]})
        server.route(f"/v1/customerReviews/{REVIEW}", lambda _: self._review())
        server.route("/v1/customerReviewResponses", self._post)
        server.route("/v1/customerReviewResponses/*", self._delete)

    def writes(self) -> int:
        return sum(seen.method != "GET" for seen in self.server.ledger)

    def _review(self) -> Reply:
        if self.gone:
            return Reply(404, json={"errors": [{"code": "NOT_FOUND", "title": "no such resource"}]})
        named = {"data": {"type": "customerReviewResponses", "id": "r1"}} if self.posted else {"data": None}
        data = {"type": "customerReviews", "id": REVIEW, "relationships": {"response": named}}
        return Reply(json={"data": data, "included": self.posted})

    def _post(self, seen: Seen) -> Reply:
        if self.refuses is not None:
            return self.refuses
        given = seen.json["data"]
        assert given["relationships"]["review"]["data"]["id"] == REVIEW
        held = {**given["attributes"], "lastModifiedDate": WHEN, "state": "PENDING_PUBLISH"}
        made = {"type": "customerReviewResponses", "id": "r1", "attributes": held}
        self.posted[:] = [made]
        if self.accepts_but:
            self.server.misbehave(self.accepts_but, at=len(self.server.ledger))
            return Reply(502, json={"errors": []}) if self.accepts_but == "ok" else Reply(json={})
        return Reply(201, json={"data": made})

    def _delete(self, _seen: Seen) -> Reply:
        if self.refuses is not None:
            return self.refuses
        self.posted.clear()
        return Reply(204)


def make(server: FakeServer, seconds: float) -> AppStoreReply:
    http = Http(trusted=[server.host], total_seconds=seconds)
    settings = ReplySettings(reply_key_id="REPLY12345", reply_private_key=private_key())
    return AppStoreReply(settings, Settings(key_id="READ12345", private_key=SecretStr("-"), api_url=server.url), http)


CONTRACT = ReplyContract(
    serve=Server,
    make=make,
    post=Post(
        source="appstore", native_id=REVIEW, url="https://apps.apple.com/app/id1?see-all=reviews", author="ada",
        text="The kettle broke", posted_at=NOW - timedelta(minutes=5), rating=1.0,
    ),
    account="the app's developer",
    longest=5_970,
    too_long=Reply(409, json={"errors": [{"code": "ENTITY_ERROR.ATTRIBUTE.INVALID", "title": "The response is long"}]}),
    expired=Reply(401, json={"errors": [{"code": "NOT_AUTHORIZED", "title": "Authentication is missing"}]}),
    duplicate=Reply(409, json={"errors": [{"code": "STATE_ERROR", "title": "A response was posted already"}]}),
    counts_answers=False,
)  # fmt: skip
