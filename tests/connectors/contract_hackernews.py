"""How the contract tries Hacker News."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from connectors.hackernews import HackerNews, Settings
from connectors.http import Http
from tests.connectors.contracts import NOW, Contract, first_request
from tests.fakes.server import FakeServer, Seen

PATH = "/api/v1/search_by_date"
START = int(NOW.timestamp()) - 3600


def comment(number: int, **changes: Any) -> dict[str, Any]:
    """A comment as the search shows it; higher numbers are older."""
    return {
        "objectID": str(4000 - number),
        "created_at_i": START - 60 * number,
        "created_at": "2026-11-20T11:00:00Z",
        "author": f"user{number}",
        "title": None,
        "url": None,
        "story_text": None,
        "comment_text": f'<p>Acme lost my order &amp; <a href="https://example.org/a">it</a> is gone<p>No {number}',
        "points": None,
        "story_id": 77,
        "story_title": "Ask HN: parcels",
        "parent_id": 78,
        "_tags": ["comment", f"author_user{number}", "story_77"],
        "_highlightResult": {"author": {"value": f"user{number}"}},
        **changes,
    }


def searching(hits: Sequence[Any]) -> Any:
    """Answer as the search does: newest first, within the window, `hitsPerPage` at a time."""

    def answer(seen: Seen) -> dict[str, Any]:
        lowest, highest = 0, 2**40
        for part in seen.one("numericFilters").split(","):
            if part.startswith("created_at_i>"):
                lowest = int(part.removeprefix("created_at_i>"))
            elif part.startswith("created_at_i<="):
                highest = int(part.removeprefix("created_at_i<="))
        size, number = int(seen.one("hitsPerPage", "20")), int(seen.one("page", "0"))
        fitting = [
            hit
            for hit in hits
            if not isinstance(hit, dict)
            or not isinstance(hit.get("created_at_i"), int)
            or lowest < hit["created_at_i"] <= highest
        ]
        return {
            "hits": fitting[number * size : (number + 1) * size],
            "nbHits": len(fitting),
            "page": number,
            "nbPages": -(-len(fitting) // size),
            "hitsPerPage": size,
        }

    return answer


def _make(server: FakeServer, seconds: float) -> HackerNews:
    http = Http(trusted=[server.host], total_seconds=seconds)
    return HackerNews(Settings(api_url=f"{server.url}/api/v1", page_size=6), http)


def _serve(server: FakeServer) -> None:
    server.route(PATH, searching([comment(number) for number in range(9)]))


def _spoil(server: FakeServer) -> int:
    server.route(
        PATH, searching([comment(0), comment(1), comment(2, comment_text=["a", "list"]), comment(3), comment(4)])
    )
    return 4


def _ruin(server: FakeServer) -> None:
    server.route(PATH, searching([comment(number, objectID=None) for number in range(5)]))


def _only_new(requests: Sequence[Seen]) -> bool:
    return bool(requests) and all(f"created_at_i>{START - 6 * 3600}" in seen.one("numericFilters") for seen in requests)


def _dated(server: FakeServer, times: Sequence[datetime]) -> None:
    hits = [comment(-number, created_at_i=int(at.timestamp())) for number, at in enumerate(times)]
    server.route(PATH, searching(sorted(hits, key=lambda hit: -hit["created_at_i"])))


CONTRACT = Contract(
    make=_make,
    request=first_request("hn"),
    serve=_serve,
    spoil=_spoil,
    ruin=_ruin,
    dated=_dated,
    only_new=_only_new,
)
