"""GitHub and Jira as trackers of issues, on loopback: they keep what is created, and can be told how to misbehave.

`accepts_but` takes an issue and then answers in a mode of the server ("hang", "drop", ...; "ok" is a gateway that gave
up on a server which did not); `refuses` answers and keeps nothing. Shapes: docs.github.com/rest/issues and
developer.atlassian.com/cloud/jira/platform/rest/v3.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from tests.fakes.server import FakeServer, Reply, Seen

TOKEN = "issue-token-0123456789"
SECRET = "a-secret-of-the-trackers-webhook"
EMAIL = "care@acme.example"


class FakeTracker:
    """What both have in common."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.issues: list[dict[str, Any]] = []
        self.accepts_but = ""
        self.refuses: Reply | None = None
        self.hidden = False  # the search does not show it yet
        self.before_answer: Callable[[], None] = lambda: None

    def writes(self) -> int:
        """How many requests came that create something."""
        return sum(seen.method != "GET" for seen in self.server.ledger)

    def _taken(self, made: dict[str, Any], answer: Any) -> Reply:
        self.issues.append(made)
        self.before_answer()
        if self.accepts_but:
            self.server.misbehave(self.accepts_but, at=len(self.server.ledger))
            return Reply(502, json={"message": "bad gateway"}) if self.accepts_but == "ok" else Reply(json={})
        return Reply(201, json=answer)


class FakeGitHub(FakeTracker):
    """One repository, acme/kettle."""

    place, network = "acme/kettle", "GitHub"

    def __init__(self, server: FakeServer, at: str = "2026-03-04T10:00:01Z") -> None:
        super().__init__(server)
        self.at = at
        server.route("/repos/acme/kettle", {"private": False, "has_issues": True})
        server.route("/repos/acme/kettle/issues", self._list_or_create)
        server.route("/repos/acme/kettle/issues/*", self._one)

    def texts(self) -> list[tuple[str, str]]:
        """(title, body) of what stands there."""
        return [(each["title"], each["body"]) for each in self.issues]

    def close(self, number: int = 1, reason: str | None = "completed") -> None:
        """Somebody closes one there."""
        self.issues[number - 1] |= {"state": "closed", "state_reason": reason}

    def reopen(self, number: int = 1) -> None:
        """Somebody opens one again."""
        self.issues[number - 1] |= {"state": "open", "state_reason": "reopened"}

    def webhook(self, number: int = 1, action: str = "closed", **changes: Any) -> tuple[bytes, dict[str, str]]:
        """A webhook, with its signature."""
        told = {"action": action, "issue": {"number": number, "state": "closed", "state_reason": "completed"},
                "repository": {"full_name": "Acme/Kettle"}, **changes}  # fmt: skip
        return _signed(told, "x-hub-signature-256")

    def _list_or_create(self, seen: Seen) -> Reply:
        if seen.headers.get("authorization") != f"Bearer {TOKEN}":
            return Reply(401, json={"message": "Bad credentials"})
        if seen.method == "GET":
            newest = [] if self.hidden else self.issues[::-1]
            page, size = int(seen.one("page", "1")), int(seen.one("per_page", "30"))
            return Reply(json=newest[(page - 1) * size : page * size])
        if self.refuses is not None:
            return self.refuses
        made = self.issue(seen.json["title"], seen.json["body"])
        return self._taken(made, made)

    def issue(self, title: str, body: str) -> dict[str, Any]:
        """One as it would be created now."""
        number = len(self.issues) + 1
        return {"number": number, "title": title, "body": body, "state": "open", "state_reason": None,
                "created_at": self.at, "html_url": f"https://github.com/acme/kettle/issues/{number}"}  # fmt: skip

    def _one(self, seen: Seen) -> Reply:
        if seen.headers.get("authorization") != f"Bearer {TOKEN}":
            return Reply(401, json={"message": "Bad credentials"})
        found = [each for each in self.issues if str(each["number"]) == seen.path.rpartition("/")[2]]
        return Reply(json=found[0]) if found else Reply(404, json={"message": "Not Found"})


class FakeJira(FakeTracker):
    """One project, KET, of a site in the cloud or of Data Center."""

    place, network = "KET", "Jira"

    def __init__(self, server: FakeServer, *, cloud: bool = True) -> None:
        super().__init__(server)
        self.cloud = cloud
        self.expired = False  # an expired token is served as a stranger, with 200
        base = f"/rest/api/{3 if cloud else 2}"
        server.route(f"{base}/issue", self._create)
        server.route(f"{base}/issue/*", self._one)
        server.route(base + ("/search/jql" if cloud else "/search"), self._search)
        server.route(f"{base}/project/KET", self._project)

    def texts(self) -> list[tuple[str, Any]]:
        """(summary, description) of what stands there."""
        return [(each["fields"]["summary"], each["fields"]["description"]) for each in self.issues]

    def close(self, number: int = 1, reason: str | None = "Done") -> None:
        """Somebody moves one to a status that is done, with this resolution."""
        self._fields(number, "done", {"name": reason} if reason else None)

    def reopen(self, number: int = 1) -> None:
        """Somebody takes one up again."""
        self._fields(number, "indeterminate", None)

    def webhook(self, number: int = 1, action: str = "jira:issue_updated") -> tuple[bytes, dict[str, str]]:
        """A webhook, with its signature."""
        told = {"webhookEvent": action, "timestamp": 1772618400000, "issue": self.issues[number - 1]}
        return _signed(told, "x-hub-signature")

    def _fields(self, number: int, category: str, resolution: dict[str, str] | None) -> None:
        status = {"name": "Whatever", "statusCategory": {"key": category}}
        self.issues[number - 1]["fields"] |= {"status": status, "resolution": resolution}

    def _stranger(self, seen: Seen) -> bool:
        both = base64.b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()
        wanted = f"Basic {both}" if self.cloud else f"Bearer {TOKEN}"
        return self.expired or seen.headers.get("authorization") != wanted

    def _create(self, seen: Seen) -> Reply:
        if self._stranger(seen):
            return Reply(401, json={"errorMessages": ["Client must be authenticated to access this resource."]})
        if self.refuses is not None:
            return self.refuses
        number = len(self.issues) + 1
        fields = {"status": {"name": "To Do", "statusCategory": {"key": "new"}}, "resolution": None}
        made = {"id": str(10_000 + number), "key": f"KET-{number}", "fields": {**seen.json["fields"], **fields}}
        return self._taken(made, {"id": made["id"], "key": made["key"], "self": f"{self.server.url}/issue"})

    def _search(self, seen: Seen) -> Reply:
        label = seen.one("jql").removeprefix('labels = "').removesuffix('"')
        found = [each for each in self.issues if label in each["fields"]["labels"] and not self.hidden]
        if self._stranger(seen):
            return Reply(json={"issues": []}, headers={"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})
        return Reply(json={"issues": [{"key": each["key"], "fields": each["fields"]} for each in found]})

    def _one(self, seen: Seen) -> Reply:
        found = [each for each in self.issues if each["key"] == seen.path.rpartition("/")[2]]
        if self._stranger(seen):
            headers = {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
            return Reply(404, json={"errorMessages": ["Issue does not exist"]}, headers=headers)
        return Reply(json=found[0]) if found else Reply(404, json={"errorMessages": ["Issue does not exist"]})

    def _project(self, seen: Seen) -> Reply:
        if self._stranger(seen):
            return Reply(401, json={"errorMessages": ["Client must be authenticated to access this resource."]})
        return Reply(json={"key": "KET", "name": "Kettles"})


def _signed(told: dict[str, Any], header: str) -> tuple[bytes, dict[str, str]]:
    body = json.dumps(told).encode()
    proof = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return body, {header: f"sha256={proof}", "content-type": "application/json"}
