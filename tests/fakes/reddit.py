"""A loopback Reddit: tokens, search, comments, a user's comments, look-up, with Reddit's odd ways.

    with FakeReddit() as reddit:
        reddit.submission("Acme is down", "Since noon.")
        reddit.comment("Acme never answers", subreddit="acme")

Listings are newest first. Asked for what comes after a post that was deleted, Reddit shows nothing: so does this one.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.server import FakeServer, Reply, Seen

START = 40_000_000


class FakeReddit(FakeServer):
    """The server; `things` oldest first; `limits` are its rate headers; `cap` is where listings end."""

    def __init__(self, now: datetime = datetime(2026, 11, 20, 12, 0, tzinfo=UTC), secret: str | None = None) -> None:
        super().__init__()
        self.now = now
        self.secret = secret
        self.things: list[dict[str, Any]] = []
        self.tokens = 0
        self.revoked: set[str] = set()
        self.limits = {"x-ratelimit-remaining": "594.0", "x-ratelimit-reset": "359", "x-ratelimit-used": "6"}
        self.cap = 1000
        self.route("/api/v1/access_token", self._token)
        self.route("/*", self._listing)

    def submission(self, title: str, text: str = "", *, at: datetime | None = None, **fields: Any) -> str:
        """Add a submission and give its name (t3_...)."""
        number = self._next()
        shown = {"title": title, "selftext": text, "permalink": f"/r/shops/comments/{number}/words/", "score": 7}
        return self._add("t3", number, at, {**shown, **fields})

    def comment(self, text: str, *, at: datetime | None = None, link: str = "t3_7aa", **fields: Any) -> str:
        """Add a comment and give its name (t1_...)."""
        number = self._next()
        permalink = f"/r/shops/comments/{link[3:]}/words/{number}/"
        shown = {"body": text, "link_id": link, "parent_id": link, "permalink": permalink, "score": 1}
        return self._add("t1", number, at, {**shown, **fields})

    def delete(self, name: str) -> None:
        """Take a thing out of every listing, as Reddit does."""
        self.things = [thing for thing in self.things if thing["data"]["name"] != name]

    def _next(self) -> str:
        return _base36(START + len(self.things))

    def _add(self, kind: str, number: str, at: datetime | None, fields: dict[str, Any]) -> str:
        at = at or self.now - timedelta(minutes=1)
        data = {
            "id": number,
            "name": f"{kind}_{number}",
            "author": f"user{number}",
            "subreddit": "shops",
            "created_utc": at.timestamp(),
            "edited": False,
            **fields,
        }
        self.things.append({"kind": kind, "data": data})
        return f"{kind}_{number}"

    def _token(self, seen: Seen) -> Reply:
        expected = None if self.secret is None else base64.b64encode(f"app:{self.secret}".encode()).decode()
        if expected is not None and seen.headers.get("authorization") != f"Basic {expected}":
            return Reply(401, json={"message": "Unauthorized", "error": 401})
        self.tokens += 1
        body = {"access_token": f"token{self.tokens}", "token_type": "bearer", "expires_in": 3600, "scope": "*"}
        return Reply(json=body)

    def _listing(self, seen: Seen) -> Reply:
        if seen.headers.get("authorization", "").removeprefix("bearer ") in self.revoked:
            return Reply(401, json={"message": "Unauthorized", "error": 401}, headers=self.limits)
        found = [thing for thing in self.things if self._shows(thing["data"], seen)]
        found.sort(key=lambda thing: thing["data"]["created_utc"], reverse=True)
        found = found[: self.cap]
        if after := seen.one("after"):
            names = [thing["data"].get("name") for thing in found]
            found = found[names.index(after) + 1 :] if after in names else []
        size = min(100, int(seen.one("limit", "25")))
        page = found[:size]
        last = page[-1]["data"]["name"] if len(found) > size else None
        data = {"modhash": None, "children": page, "after": last, "before": None}
        return Reply(json={"kind": "Listing", "data": data}, headers=self.limits)

    def _shows(self, data: dict[str, Any], seen: Seen) -> bool:
        name = str(data.get("name"))
        if seen.path == "/api/info":
            return name in seen.one("id").split(",")
        if user := re.fullmatch(r"/user/([\w-]+)/comments", seen.path):
            return name.startswith("t1_") and data.get("author") == user[1]
        if subreddits := re.fullmatch(r"/r/([\w+]+)/comments", seen.path):
            return name.startswith("t1_") and data.get("subreddit") in subreddits[1].split("+")
        if re.fullmatch(r"/r/[\w+]+/search", seen.path):
            words = re.findall(r'"([^"]+)"|(\S+)', re.sub(r"[()]|\bOR\b", " ", seen.one("q")))
            text = f"{data.get('title')} {data.get('selftext')}".casefold()
            return name.startswith("t3_") and any((quoted or bare).casefold() in text for quoted, bare in words)
        return False


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits
