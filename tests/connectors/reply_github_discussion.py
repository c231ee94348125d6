"""How the contract tries answering in a discussion on GitHub."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from connectors import Post
from tests.connectors.reply_contracts import CANARY, NOW, ReplyContract
from tests.connectors.reply_github import make
from tests.fakes.server import FakeServer, Reply, Seen

DISCUSSION = "acme/kettle/discussions/7"
WHEN = (NOW + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
NOBODY = {"errors": [{"type": "NOT_FOUND", "message": "Could not resolve to a node"}]}


class Server:
    """One discussion with one comment of somebody's, and whatever we write below it."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.posted: list[dict[str, Any]] = []
        self.accepts_but = ""
        self.refuses: Reply | None = None
        self.gone = False
        self.answered = 0
        server.route("/user", {"login": "acme-care", "id": 7})
        server.route("/graphql", self._graphql)

    def writes(self) -> int:
        return sum("mutation" in seen.body.decode() for seen in self.server.ledger)

    def _graphql(self, seen: Seen) -> Reply:
        if seen.headers.get("authorization") != f"Bearer {CANARY}":
            return Reply(401, json={"message": "Bad credentials"})
        query, given = seen.json["query"], seen.json["variables"]
        if "mutation" in query and self.refuses is not None:
            return self.refuses
        if "addDiscussionComment" in query:
            return self._add(given)
        if "deleteDiscussionComment" in query:
            return self._delete(given)
        return Reply(json=self._node(given["id"]) if "node(" in query else self._discussion(given))

    def _add(self, given: dict[str, Any]) -> Reply:
        assert (given["discussion"], given["above"]) == ("D_kwDOkettle7", "DC_kwDOada")
        made = comment(f"DC_kwDOours{len(self.posted)}", given["body"], ours=True)
        self.posted.append(made)
        if self.accepts_but:
            self.server.misbehave(self.accepts_but, at=len(self.server.ledger))
            return Reply(502, json={"message": "bad gateway"}) if self.accepts_but == "ok" else Reply(json={})
        return Reply(json={"data": {"addDiscussionComment": {"comment": made}}})

    def _delete(self, given: dict[str, Any]) -> Reply:
        if not any(each["id"] == given["id"] for each in self.posted):
            return Reply(json={"data": {"deleteDiscussionComment": None}, **NOBODY})
        self.posted = [each for each in self.posted if each["id"] != given["id"]]
        return Reply(json={"data": {"deleteDiscussionComment": {"comment": {"id": given["id"]}}}})

    def _node(self, wanted: str) -> Any:
        mine = next((each for each in self.posted if each["id"] == wanted), None)
        if mine is None:
            return {"data": {"node": None}, **NOBODY}
        return {"data": {"node": {**mine, "replyTo": {"replies": {"nodes": self._below()}}}}}

    def _discussion(self, given: dict[str, Any]) -> Any:
        assert given == {"owner": "acme", "name": "kettle", "number": 7}
        if self.gone:
            return {"data": {"repository": {"discussion": None}}, **NOBODY}
        above = {**comment("DC_kwDOada", "The kettle broke"), "replies": {"nodes": self._below()}}
        return {"data": {"repository": {"discussion": {"id": "D_kwDOkettle7", "comments": {"nodes": [above]}}}}}

    def _below(self) -> list[dict[str, Any]]:
        return [*self.posted, *(comment(f"DC_kwDOada{n}", "Thanks") for n in range(self.answered))]


def comment(number: str, body: str, *, ours: bool = False) -> dict[str, Any]:
    return {
        "id": number, "url": f"https://github.com/{DISCUSSION}#discussioncomment-1", "body": body, "createdAt": WHEN,
        "deletedAt": None, "viewerDidAuthor": ours, "replies": {"totalCount": 0},
    }  # fmt: skip


def refused(kind: str, words: str) -> Reply:
    return Reply(json={"data": {"addDiscussionComment": None}, "errors": [{"type": kind, "message": words}]})


CONTRACT = ReplyContract(
    serve=Server,
    make=make,
    post=Post(
        source="github", native_id="DC_kwDOada", url=f"https://github.com/{DISCUSSION}#discussioncomment-1",
        author="ada", text="The kettle broke", posted_at=NOW - timedelta(minutes=5), parent_id=DISCUSSION,
        thread_id=DISCUSSION,
    ),
    account="@acme-care",
    longest=65_536,
    too_long=refused("UNPROCESSABLE", "Body is too long (maximum is 65536 characters)"),
    expired=Reply(401, json={"message": "Bad credentials"}),
    duplicate=refused("FORBIDDEN", "was submitted too quickly"),
)  # fmt: skip
