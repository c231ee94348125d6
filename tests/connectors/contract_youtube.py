"""How the contract tries YouTube: the comments of one's own channel, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from connectors.http import Http
from connectors.youtube import Settings, YouTube
from tests.connectors.contracts import CANARY, NOW, Contract, first_request
from tests.fakes.server import FakeServer, Seen

CHANNEL = "UC" + "a" * 22
VIDEO = "dQw4w9WgXcQ"


def comment(number: int, at: datetime | None = None, **changes: Any) -> dict[str, Any]:
    """One comment, `number` hours before NOW."""
    written = (at or NOW - timedelta(hours=number)).isoformat()
    held = {
        "authorDisplayName": f"@person{number}", "authorChannelId": {"value": f"UC{number:022}"}, "videoId": VIDEO,
        "textDisplay": f"Acme lost parcel {number} & my patience", "publishedAt": written, "updatedAt": written,
        "likeCount": number, **changes,
    }  # fmt: skip
    return {"kind": "youtube#comment", "id": f"UgxKREWxIgDrw8w2e_{number:04}", "snippet": held}


def thread(number: int, at: datetime | None = None, replies: Sequence[Any] = (), **changes: Any) -> dict[str, Any]:
    """A thread as commentThreads.list gives it."""
    top = comment(number, at, **changes)
    more = {"replies": {"comments": list(replies)}} if replies else {}
    return {
        "kind": "youtube#commentThread",
        "id": top["id"],
        "snippet": {"videoId": VIDEO, "topLevelComment": top},
        **more,
    }


def listed(*items: Any, token: str = "", kind: str = "commentThread") -> dict[str, Any]:
    """A list as every method gives it."""
    more = {"nextPageToken": token} if token else {}
    return {"kind": f"youtube#{kind}ListResponse", "pageInfo": {"resultsPerPage": 100}, "items": list(items), **more}


def make(server: FakeServer, seconds: float, **options: Any) -> YouTube:
    settings = Settings(api_key=SecretStr(CANARY), api_url=server.url, **{"search": False, **options})
    return YouTube(settings, Http(trusted=[server.host], total_seconds=seconds))


def _serve(server: FakeServer) -> None:
    first, second = listed(thread(1), thread(30), token="two"), listed(thread(31), thread(32))
    server.route("/commentThreads", lambda seen: second if seen.one("pageToken") else first)


def _spoil(server: FakeServer) -> int:
    listing = listed(thread(1), thread(2), thread(3, textDisplay=None), thread(4), thread(5))
    server.route("/commentThreads", listing)
    return 4


def _ruin(server: FakeServer) -> None:
    server.route("/commentThreads", listed({"id": "1", "snippet": {"words": "x"}}, {"id": "2"}, {"id": "3"}))


def _dated(server: FakeServer, times: Sequence[datetime]) -> None:
    server.route("/commentThreads", listed(*[thread(number, at) for number, at in enumerate(times)][::-1]))


def _only_new(requests: Sequence[Seen]) -> bool:
    return [seen.one("pageToken") for seen in requests] == [""]


REQUEST = replace(first_request("youtube", back=timedelta(days=3)), accounts={"@acme": CHANNEL})
CONTRACT = Contract(
    make=make, request=REQUEST, serve=_serve, spoil=_spoil, ruin=_ruin, dated=_dated, only_new=_only_new
)
