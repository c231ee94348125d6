"""How the contract tries Google Business Profile: a token in a person's name, and pages of reviews."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from connectors.googlebusiness import GoogleBusiness, Settings
from connectors.http import Http
from tests.connectors.contracts import CANARY, NOW, Contract, first_request
from tests.fakes.server import FakeServer, Seen

PLACE = "accounts/111222333444/locations/17303088970776446827"
PATH = f"/v4/{PLACE}/reviews"
TOKEN = {"access_token": f"token-{CANARY}", "expires_in": 3599, "token_type": "Bearer", "scope": "business.manage"}


def credentials(server: FakeServer, **changes: Any) -> SecretStr:
    """The file that a person writes after agreeing."""
    held = {"client_id": "1.apps.googleusercontent.com", "client_secret": CANARY, "refresh_token": f"1//{CANARY}"}
    return SecretStr(json.dumps({**held, "token_uri": f"{server.url}/token", **changes}))


def review(number: int, *, at: datetime | None = None, **changes: Any) -> dict[str, Any]:
    """One review, changed last `number` half hours before NOW."""
    changed = at or NOW - timedelta(minutes=30 * number)
    return {
        "name": f"{PLACE}/reviews/AbCd-{number:04}", "reviewId": f"AbCd-{number:04}",
        "reviewer": {"displayName": f"reviewer{number}", "profilePhotoUrl": "https://lh3.googleusercontent.com/a-/X"},
        "starRating": "ONE", "comment": "Acme lost my parcel & my patience",
        "createTime": changed.isoformat(), "updateTime": changed.isoformat(), **changes,
    }  # fmt: skip


def page(*reviews: Any, token: str = "") -> dict[str, Any]:
    """One page as Google gives it: without reviews there is nothing in it."""
    counted = {"averageRating": 4.3, "totalReviewCount": 47} if reviews else {}
    return {**({"reviews": list(reviews)} if reviews else {}), **counted, **({"nextPageToken": token} if token else {})}


def make(server: FakeServer, seconds: float, **options: Any) -> GoogleBusiness:
    given = {"locations": (PLACE,), "overlap": timedelta(minutes=1), **options}
    settings = Settings(credentials=credentials(server), api_url=server.url, **given)
    return GoogleBusiness(settings, Http(trusted=[server.host], total_seconds=seconds))


def _serve(server: FakeServer) -> None:
    first, second = page(review(1), review(2), token="CAUQBA"), page(review(3), review(4))
    server.route("/token", TOKEN)
    server.route(PATH, lambda seen: second if seen.one("pageToken") == "CAUQBA" else first)


def _spoil(server: FakeServer) -> int:
    server.route("/token", TOKEN)
    server.route(PATH, page(review(1), review(2), review(3, starRating="SIX"), review(4), review(5)))
    return 4


def _ruin(server: FakeServer) -> None:
    server.route("/token", TOKEN)
    server.route(PATH, page(*({"reviewId": str(number), "stars": 1} for number in (1, 2, 3))))


def _dated(server: FakeServer, times: Sequence[datetime]) -> None:
    server.route("/token", TOKEN)
    server.route(PATH, page(*[review(number, at=at) for number, at in enumerate(times)][::-1]))


def _only_new(requests: Sequence[Seen]) -> bool:
    return [seen.one("pageToken") for seen in requests if seen.path == PATH] == [""]


CONTRACT = Contract(
    make=make, request=first_request("places"), serve=_serve, spoil=_spoil, ruin=_ruin, dated=_dated,
    only_new=_only_new,
)  # fmt: skip
