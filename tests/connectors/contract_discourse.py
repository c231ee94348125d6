"""How the contract tries a Discourse forum: its newest posts, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from connectors.discourse import Discourse, Settings
from connectors.http import Http
from tests.connectors.contracts import CANARY, NOW, Contract, first_request
from tests.fakes.server import FakeServer, Seen


def post(number: int, at: datetime | None = None, **changes: Any) -> dict[str, Any]:
    """One post, `number` hours before NOW; the larger its id, the newer it is."""
    written = (at or NOW - timedelta(hours=number)).isoformat()
    return {
        "id": 1000 - number, "topic_id": 7, "post_number": 100 - number, "username": f"person{number}", "name": "Ana B",
        "user_id": 500 + number, "topic_title": "Kettles &amp; lids", "created_at": written, "updated_at": written,
        "cooked": "<p>Acme &amp; me: <a href='https://e.org'>it leaks</a></p>", "version": 1, **changes,
    }  # fmt: skip


def make(server: FakeServer, seconds: float, **options: Any) -> Discourse:
    settings = Settings(api_url=server.url, api_key=SecretStr(CANARY), **options)
    return Discourse(settings, Http(trusted=[server.host], total_seconds=seconds))


def serve_posts(server: FakeServer, *listed: dict[str, Any], size: int = 50) -> None:
    """As the forum does: those of that id and below, the newest first."""

    def page(seen: Seen) -> Any:
        before = int(seen.one("before", "99999"))
        return {"latest_posts": [each for each in listed if each["id"] <= before][:size]}

    server.route("/posts.json", page)


def _serve(server: FakeServer) -> None:
    serve_posts(server, *(post(number) for number in (1, 8, 9, 10, 11)), size=2)


def _spoil(server: FakeServer) -> int:
    serve_posts(server, post(1), post(2), post(3, cooked=None), post(4), post(5))
    return 4


def _ruin(server: FakeServer) -> None:
    serve_posts(server, {"id": 1}, {"id": 2}, {"id": 3})


def _dated(server: FakeServer, times: Sequence[datetime]) -> None:
    serve_posts(server, *[post(50 - number, at) for number, at in enumerate(times)][::-1])


def _only_new(requests: Sequence[Seen]) -> bool:
    return [seen.one("before") for seen in requests] == [""]


CONTRACT = Contract(
    make=make, request=first_request("forum"), serve=_serve, spoil=_spoil, ruin=_ruin, dated=_dated, only_new=_only_new
)
