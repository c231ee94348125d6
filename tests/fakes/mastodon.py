"""A Mastodon server on loopback: tag feeds, search, accounts and statuses, paged by max_id as documented."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tests.fakes.server import FakeServer, Reply, Seen


def status_id(at: datetime, number: int = 0) -> str:
    """An id as Mastodon makes it: milliseconds since 1970 and sixteen bits that keep ids apart."""
    return str((int(at.timestamp() * 1000) << 16) + number)


def status(at: datetime, content: str, number: int = 0, **more: Any) -> dict[str, Any]:
    """One status in the shape of https://docs.joinmastodon.org/entities/Status/; `more` overrides fields."""
    native_id = status_id(at, number)
    account = {
        "id": "77",
        "username": "ada",
        "acct": "ada@far.example",
        "display_name": "Ada",
        "bot": False,
        "url": "https://far.example/@ada",
        "followers_count": 12,
        **more.pop("account", {}),
    }
    return {
        "id": native_id,
        "created_at": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "in_reply_to_id": None,
        "in_reply_to_account_id": None,
        "spoiler_text": "",
        "visibility": "public",
        "language": "en",
        "uri": f"https://far.example/users/ada/statuses/{native_id}",
        "url": f"https://far.example/@ada/{native_id}",
        "edited_at": None,
        "content": f"<p>{content}</p>",
        "reblog": None,
        "account": account,
        **more,
    }


class FakeMastodon:
    """The content of one server. `open` is what its instance page says of tag feeds; `quota` what is left."""

    def __init__(self, server: FakeServer) -> None:
        self.tags: dict[str, list[Any]] = {}
        self.accounts: dict[str, tuple[str, list[Any]]] = {}
        self.found: list[Any] = []
        self.roots: dict[str, str] = {}
        self.open = {"local": "public", "remote": "public"}
        server.route("/api/v1/timelines/tag/*", self._tag)
        server.route("/api/v2/search", lambda seen: Reply(json={"statuses": _page(self.found, seen)}))
        server.route("/api/v2/instance", lambda _: Reply(json=self._instance()))
        server.route("/api/v1/accounts/lookup", self._lookup)
        server.route("/api/v1/accounts/*", self._account)
        server.route("/api/v1/statuses/*", self._status)

    def _instance(self) -> dict[str, Any]:
        return {"version": "4.5.2", "configuration": {"timelines_access": {"hashtag_feeds": self.open}}}

    def _tag(self, seen: Seen) -> Reply:
        statuses = self.tags.get(seen.path.rpartition("/")[2], [])
        limits = {"X-RateLimit-Remaining": "299", "X-RateLimit-Reset": "2026-11-20T12:05:00.000000Z"}
        return Reply(json=_page(statuses, seen), headers=limits)

    def _lookup(self, seen: Seen) -> Reply:
        account = self.accounts.get(seen.one("acct"))
        return Reply(json={"id": account[0]}) if account else Reply(404, json={"error": "Record not found"})

    def _account(self, seen: Seen) -> Reply:
        wanted = seen.path.split("/")[4]
        statuses = next((each for native_id, each in self.accounts.values() if native_id == wanted), None)
        return Reply(404, json={"error": "Record not found"}) if statuses is None else Reply(json=_page(statuses, seen))

    def _status(self, seen: Seen) -> Reply:
        wanted = seen.path.split("/")[4]
        if seen.path.endswith("/context"):
            root = self.roots.get(wanted)
            return Reply(json={"ancestors": [{"id": root}] if root else [], "descendants": []})
        for each in _all(self.tags.values()):
            if isinstance(each, dict) and each.get("id") == wanted:
                return Reply(json=each)
        return Reply(404, json={"error": "Record not found"})


def _all(lists: Iterable[list[Any]]) -> Iterable[Any]:
    return (each for statuses in lists for each in statuses)


def _page(statuses: list[Any], seen: Seen) -> list[Any]:
    """Newest id first; what has no id of its own stands on the first page, in the place that it was given."""
    newest = int(seen.one("max_id", "0"))
    if not newest and not all(_number(each) for each in statuses):
        return statuses[: int(seen.one("limit", "20"))]
    older = [each for each in statuses if 0 < _number(each) < (newest or 2**80)]
    return sorted(older, key=_number, reverse=True)[: int(seen.one("limit", "20"))]


def _number(each: Any) -> int:
    native_id = each.get("id") if isinstance(each, dict) else None
    return int(native_id) if isinstance(native_id, str) and native_id.isdigit() else 0
