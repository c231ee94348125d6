"""The five networks that the daemon reads, on loopback: people write, and each shows it as the real one does.

with Networks(server, clock) as networks:
    networks.write("mastodon", "Harbour Tea ...", author="olga")
    networks.broken("x", "503")
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Self

from tests.fakes.bluesky import FakeJetstream, event
from tests.fakes.mastodon import FakeMastodon, status
from tests.fakes.reddit import FakeReddit
from tests.fakes.server import FakeServer, Reply, Seen
from tests.fakes.x import FakeX
from tests.faults.clock import OutsideClock

NAMES = ("hn", "mastodon", "reddit", "x", "bluesky")
SECRETS = {"X_TOKEN": "x-token", "REDDIT_ID": "app", "REDDIT_SECRET": "reddit-secret"}
# `str.format` reads it: braces are doubled. {network} stands for the server of Hacker News and Mastodon.
TABLES = """
[[sources]]
name = "hn"
kind = "hackernews"
api_url = "{network}/api/v1"
every = "2s"
[[sources]]
name = "mastodon"
kind = "mastodon"
api_url = "{network}"
tags = ["harbourtea"]
every = "2s"
[[sources]]
name = "reddit"
kind = "reddit"
client_id = {{ env = "REDDIT_ID" }}
client_secret = {{ env = "REDDIT_SECRET" }}
api_url = "{reddit}"
every = "2s"
[[sources]]
name = "x"
kind = "x"
bearer_token = {{ env = "X_TOKEN" }}
api_url = "{x}"
monthly_budget = "none"
every = "2s"
[[sources]]
name = "bluesky"
kind = "bluesky"
api_url = "{bluesky}"
appview_url = "{network}"
resolve_handles = false
page_seconds = 2.0
quiet_seconds = 0.2
every = "2s"
"""


class Networks:
    """The far sides that posts come from."""

    def __init__(self, server: FakeServer, clock: OutsideClock) -> None:
        self.server, self.clock = server, clock
        self.hits: list[dict[str, Any]] = []
        self.endless = False  # Hacker News has always one more page, with new ids
        self._number = 0
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self.server.clock = self.clock.seconds
        self.server.route("/api/v1/search_by_date", self._search)
        self.server.route("/api/v1/items/*", self._item)
        self.mastodon = FakeMastodon(self.server)
        self.mastodon.tags["harbourtea"] = []
        self.reddit = self._open.enter_context(FakeReddit(self.clock()))
        self.x = self._open.enter_context(FakeX(self.clock()))
        self.bluesky = self._open.enter_context(FakeJetstream())
        self.reddit.clock = self.x.clock = self.clock.seconds
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def addresses(self) -> Mapping[str, str]:
        """What stands in the settings for each."""
        return {"reddit": self.reddit.url, "x": self.x.url, "bluesky": self.bluesky.url}

    def reads(self) -> int:
        """How often the network that was asked least was asked for posts."""
        paths = self.server.paths()
        return min(
            sum(path.endswith("search_by_date") for path in paths),
            sum("/timelines/tag/" in path for path in paths),
            sum(path.endswith("/search") for path in self.reddit.paths()),
            sum(path.endswith("/recent") for path in self.x.paths()),
            len(self.bluesky.ledger),
        )

    def write(self, network: str, words: str, *, at: datetime | None = None) -> None:
        """Somebody new says this there, a second ago unless it is told otherwise."""
        self._number += 1
        number, at = self._number, at or self.clock() - timedelta(seconds=1)
        self.x.now = self.reddit.now = self.clock()
        writers: dict[str, Callable[[], object]] = {
            "hn": lambda: self.hits.append(_hit(number, words, at)),
            "mastodon": lambda: self.mastodon.tags["harbourtea"].append(
                status(
                    at,
                    words,
                    number,
                    account={"id": f"7{number}", "username": f"person{number}", "acct": f"person{number}@far.example"},
                )
            ),
            "reddit": lambda: self.reddit.submission("What happened to me", words, at=at, author=f"person{number}"),
            "x": lambda: self.x.post(words, at=at, author=str(1000 + number)),
            "bluesky": lambda: self.bluesky.events.append(event(at, words, did=f"did:plc:person{number}")),
        }
        writers[network]()

    def broken(self, network: str, mode: str) -> None:
        """From now on this network answers in this mode; "ok" mends it."""
        if network in {"hn", "mastodon"}:  # they share a server
            pattern = "/api/v1/search_by_date" if network == "hn" else "/api/v1/timelines/tag/*"
            if mode == "ok":
                self.server.route(pattern, self._search if network == "hn" else self.mastodon._tag)
            else:
                self.server.route(pattern, Reply(int(mode), json={"error": "because"}))
        else:
            {"reddit": self.reddit, "x": self.x, "bluesky": self.bluesky}[network].mode = mode  # type: ignore[attr-defined]

    def _search(self, seen: Seen) -> dict[str, Any]:
        lowest, highest = 0, 1 << 40
        for part in seen.one("numericFilters").split(","):
            if part.startswith("created_at_i>="):
                lowest = int(part.removeprefix("created_at_i>=")) - 1
            elif part.startswith("created_at_i>"):
                lowest = int(part.removeprefix("created_at_i>"))
            elif part.startswith("created_at_i<="):
                highest = int(part.removeprefix("created_at_i<="))
        size, page = int(seen.one("hitsPerPage", "100")), int(seen.one("page", "0"))
        if self.endless:
            return {
                "hits": self._more(size, min(highest, int(self.clock.seconds()))),
                "hitsPerPage": size,
                "page": page,
            }
        fitting = [each for each in reversed(self.hits) if lowest < each["created_at_i"] <= highest]
        return {"hits": fitting[page * size : (page + 1) * size], "hitsPerPage": size, "page": page}

    def _item(self, seen: Seen) -> Reply:
        wanted = seen.path.rpartition("/")[2]
        found = next((each for each in self.hits if each["objectID"] == wanted), None)
        if found is None:
            return Reply(404, json={"status": 404, "error": "Not Found"})
        return Reply(json={"id": int(wanted), "author": found["author"], "text": found["comment_text"], "children": []})

    def _more(self, size: int, newest: int) -> list[dict[str, Any]]:
        self._number += size
        at = datetime.fromtimestamp(newest, self.clock().tzinfo)
        return [
            _hit(self._number + place, f"nothing to see, number {self._number + place}", at) for place in range(size)
        ]


def _hit(number: int, words: str, at: datetime) -> dict[str, Any]:
    return {
        "objectID": str(70_000 + number), "created_at_i": int(at.timestamp()), "author": f"person{number}",
        "comment_text": words, "story_id": 90_000 + number, "parent_id": 90_000 + number,
        "title": None, "url": None, "story_text": None, "points": None,
    }  # fmt: skip
