"""Four helpdesks that make tickets, as strict as their documentation: what is not documented there is refused.

with FakeServer() as server:
    desks = Helpdesks(server)
    ...
    assert desks.made["zendesk"][0]["subject"] == ...
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from tests.fakes.server import FakeServer, Reply, Seen

KEYS = {
    "zendesk": "Basic " + b64encode(b"agent@example.org/token:TOKEN").decode(),
    "freshdesk": "Basic " + b64encode(b"APIKEY:X").decode(),
    "zammad": "Token token=TOKEN",
    "chatwoot": "TOKEN",
}
PATHS = {
    "zendesk": "/api/v2/tickets.json",
    "freshdesk": "/api/v2/tickets",
    "zammad": "/api/v1/tickets",
    "chatwoot": "/api/v1/accounts/1/conversations",
}
_ZENDESK = {"subject", "comment", "priority", "external_id", "tags", "group_id", "custom_fields"}
_FRESHDESK = {"subject", "description", "email", "status", "priority", "tags", "group_id", "type"}
_ZAMMAD = {"title", "group", "customer_id", "priority", "article"}
_ARTICLE = {"subject", "body", "content_type", "type", "internal"}
_CONVERSATION = {"source_id", "inbox_id", "contact_id", "status", "message", "custom_attributes"}


class Helpdesks:
    """What each has made, oldest first. With `loses`, the answer is lost after that."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.made: dict[str, list[dict[str, Any]]] = {name: [] for name in PATHS}
        self.loses = False
        self._keys: set[str] = set()
        for name, path in PATHS.items():
            server.route(path, lambda seen, name=name: self._ask(name, seen))

    def _ask(self, name: str, seen: Seen) -> Reply:
        header = "api_access_token" if name == "chatwoot" else "authorization"
        if seen.headers.get(header) != KEYS[name]:
            return Reply(401, json={"error": "Couldn't authenticate you"})
        if seen.method == "GET":
            return Reply(json=[])
        if not seen.headers["content-type"].startswith("application/json"):
            return Reply(415)
        refused = getattr(self, f"_{name}")(seen.json)
        if refused:
            return Reply(422, json={"error": "RecordInvalid", "description": refused})
        if name != "zendesk" or seen.headers["idempotency-key"] not in self._keys:
            self._keys.add(seen.headers["idempotency-key"])
            self.made[name].append(seen.json.get("ticket", seen.json))
        if self.loses:
            self.server.misbehave("drop", at=seen.number)
        return Reply(200 if name == "chatwoot" else 201, json={"id": len(self.made[name])})

    def _zendesk(self, said: dict[str, Any]) -> str:
        ticket = said["ticket"]
        sound = set(said) == {"ticket"} and set(ticket) <= _ZENDESK and len(ticket["subject"]) <= 150
        comment = set(ticket["comment"]) <= {"body", "public"} and ticket["comment"]["body"]
        return "" if sound and comment and ticket["priority"] in {"urgent", "high", "normal", "low"} else "shape"

    def _freshdesk(self, said: dict[str, Any]) -> str:
        sound = set(said) <= _FRESHDESK and said["subject"] and said["description"] and "@" in said["email"]
        return "" if sound and said["status"] in {2, 3, 4, 5} and said["priority"] in {1, 2, 3, 4} else "shape"

    def _zammad(self, said: dict[str, Any]) -> str:
        sound = set(said) <= _ZAMMAD and said["title"] and said["group"]
        article = set(said["article"]) <= _ARTICLE and said["article"]["type"] == "note"
        known = said["priority"] in {"1 low", "2 normal", "3 high"} and said["customer_id"].startswith("guess:")
        return "" if sound and article and known else "shape"

    def _chatwoot(self, said: dict[str, Any]) -> str:
        sound = set(said) <= _CONVERSATION and said["source_id"] and said["status"] in {"open", "resolved", "pending"}
        numbers = isinstance(said["inbox_id"], int) and isinstance(said["contact_id"], int)
        return "" if sound and numbers and set(said["message"]) == {"content"} else "shape"
