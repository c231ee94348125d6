"""How the contract tries Lemmy: the comments of an own community, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from connectors.http import Http
from connectors.lemmy import PAGE, Lemmy, Settings
from tests.connectors.contracts import CANARY, NOW, Contract, first_request
from tests.fakes.server import FakeServer, Seen


def comment(number: int, at: datetime | None = None, **changes: Any) -> dict[str, Any]:
    """One comment, `number` minutes before NOW, as a view shows it."""
    held = {
        "id": number, "post_id": 7, "content": "Acme lost my parcel & my patience", "removed": False, "deleted": False,
        "published": (at or NOW - timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "path": f"0.3.{number}",
        "ap_id": f"https://talk.example/comment/{number}", **changes,
    }  # fmt: skip
    creator = {"name": f"person{number}", "actor_id": f"https://talk.example/u/person{number}"}
    return {"comment": held, "creator": creator, "post": {"id": 7, "name": "Kettles"}, "counts": {"score": 4}}


def submission(number: int, at: datetime | None = None, **changes: Any) -> dict[str, Any]:
    """One post, `number` minutes before NOW."""
    held = comment(number, at)["comment"]
    post = {"id": number, "name": f"Acme {number}", "body": "It leaks", "published": held["published"], **changes}
    return {"post": post, "creator": {"name": "ana", "actor_id": "https://talk.example/u/ana"}, "counts": {"score": 1}}


def make(server: FakeServer, seconds: float, **options: Any) -> Lemmy:
    given = {"communities": ("acme",), "search": False, **options}
    settings = Settings(api_url=server.url, token=SecretStr(CANARY), **given)
    return Lemmy(settings, Http(trusted=[server.host], total_seconds=seconds))


def _serve(server: FakeServer) -> None:
    many = [comment(number * 8) for number in range(1, PAGE + 3)]
    server.route("/api/v3/post/list", {"posts": []})
    server.route("/api/v3/comment/list", lambda seen: {"comments": _of(many, seen)})


def _of(many: Sequence[Any], seen: Seen) -> list[Any]:
    page = int(seen.one("page"))
    return list(many[(page - 1) * PAGE : page * PAGE])


def _spoil(server: FakeServer) -> int:
    server.route("/api/v3/post/list", {"posts": []})
    listed = [comment(1), comment(2), comment(3, content=7), comment(4), comment(5)]
    server.route("/api/v3/comment/list", {"comments": listed})
    return 4


def _ruin(server: FakeServer) -> None:
    server.route("/api/v3/*", {"posts": [{"words": 1}] * 3, "comments": [{"words": 1}] * 3})


def _dated(server: FakeServer, times: Sequence[datetime]) -> None:
    server.route("/api/v3/post/list", {"posts": []})
    listed = [comment(number, at) for number, at in enumerate(times, 1)][::-1]
    server.route("/api/v3/comment/list", {"comments": listed})


def _only_new(requests: Sequence[Seen]) -> bool:
    return [seen.one("page") for seen in requests if seen.path == "/api/v3/comment/list"] == ["1"]


CONTRACT = Contract(
    make=make, request=first_request("lemmy"), serve=_serve, spoil=_spoil, ruin=_ruin, dated=_dated, only_new=_only_new
)
