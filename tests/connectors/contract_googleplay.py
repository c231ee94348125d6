"""How the contract tries Google Play: a token for a service account, and pages of reviews."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from joserfc.jwk import RSAKey
from pydantic import SecretStr

from connectors.googleplay import GooglePlay, Settings
from connectors.http import Http
from tests.connectors.contracts import CANARY, NOW, Contract, first_request
from tests.fakes.server import FakeServer, Seen

PACKAGE = "com.example.acme"
PATH = f"/androidpublisher/v3/applications/{PACKAGE}/reviews"
TOKEN = {"access_token": f"token-{CANARY}", "expires_in": 3599, "token_type": "Bearer"}


@cache
def private_key() -> str:
    """The account's key; made once, since it is only to be one."""
    pem = RSAKey.generate_key(2048).as_pem(private=True)
    assert isinstance(pem, bytes)
    return pem.decode()


def key_file(server: FakeServer, **changes: Any) -> SecretStr:
    """The file that Google Cloud gives out for a service account."""
    held = {
        "type": "service_account", "project_id": CANARY, "private_key_id": "0a1b2c", "private_key": private_key(),
        "client_email": "earful@acme.iam.gserviceaccount.com", "token_uri": f"{server.url}/token", **changes,
    }  # fmt: skip
    return SecretStr(json.dumps(held))


def review(
    number: int, *, at: datetime | None = None, reply: str = "", replied: datetime | None = None, **changes: Any
) -> dict[str, Any]:
    """One review, changed last `number` half hours before NOW."""
    said = {
        "text": "Broken again\tAcme lost my photos & my patience", "starRating": 1, "reviewerLanguage": "en",
        "lastModified": moment(at or NOW - timedelta(minutes=30 * number)), "appVersionName": "1.2.3", **changes,
    }  # fmt: skip
    comments: list[dict[str, Any]] = [{"userComment": said}]
    if reply:
        comments.append({"developerComment": {"text": reply, "lastModified": moment(replied or NOW)}})
    return {"reviewId": f"gp:{number:04}", "authorName": f"reviewer{number}", "comments": comments}


def moment(at: datetime) -> dict[str, Any]:
    return {"seconds": str(int(at.timestamp())), "nanos": 713000000}


def page(*reviews: Any, token: str = "") -> dict[str, Any]:
    """One page as Google gives it: without reviews there is nothing in it."""
    more = {"tokenPagination": {"nextPageToken": token}} if token else {}
    return {"reviews": list(reviews), **more} if reviews else more


def make(server: FakeServer, seconds: float, **options: Any) -> GooglePlay:
    given = {"packages": (PACKAGE,), "overlap": timedelta(minutes=1), **options}
    settings = Settings(credentials=key_file(server), api_url=server.url, **given)
    return GooglePlay(settings, Http(trusted=[server.host], total_seconds=seconds))


def _serve(server: FakeServer) -> None:
    first, second = page(review(1), review(2), token="two"), page(review(3), review(4))
    server.route("/token", TOKEN)
    server.route(PATH, lambda seen: second if seen.one("token") == "two" else first)


def _spoil(server: FakeServer) -> int:
    server.route("/token", TOKEN)
    server.route(PATH, page(review(1), review(2), review(3, starRating=None), review(4), review(5)))
    return 4


def _ruin(server: FakeServer) -> None:
    server.route("/token", TOKEN)
    server.route(PATH, page(*({"reviewId": str(number), "words": "x"} for number in (1, 2, 3))))


def _dated(server: FakeServer, times: Sequence[datetime]) -> None:
    server.route("/token", TOKEN)
    server.route(PATH, page(*[review(number, at=at) for number, at in enumerate(times)][::-1]))


def _only_new(requests: Sequence[Seen]) -> bool:
    return [seen.one("token") for seen in requests if seen.path == PATH] == [""]


CONTRACT = Contract(
    make=make, request=first_request("play"), serve=_serve, spoil=_spoil, ruin=_ruin, dated=_dated, only_new=_only_new
)
