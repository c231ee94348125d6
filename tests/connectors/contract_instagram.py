"""How the contract tries Instagram: one post of ours, and the pages of its comments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from connectors.http import Http
from connectors.instagram import Instagram, Settings
from tests.connectors.contracts import CANARY, NOW, Contract, first_request
from tests.fakes.server import FakeServer, Seen

ACCOUNT, POST = "17841405822304914", "17895695668004550"
MEDIA, COMMENTS = f"/{ACCOUNT}/media", f"/{POST}/comments"
LINK = "https://www.instagram.com/p/CxOWiQNP2MO/"
OURS = {"data": [{"id": POST, "permalink": LINK, "comments_count": 4}]}


def comment(number: int, *, at: datetime | None = None, **changes: Any) -> dict[str, Any]:
    """One comment, `number` half hours before NOW, with the time as Meta writes it."""
    written = at or NOW - timedelta(minutes=30 * number)
    return {
        "id": f"1787091367915{number:04}", "text": "Acme lost my order & my patience",
        "timestamp": f"{written:%Y-%m-%dT%H:%M:%S}+0000", "username": f"user{number}",
        "from": {"id": f"1784140{number:04}", "username": f"user{number}"}, "like_count": 3, **changes,
    }  # fmt: skip


def page(*comments: Any, after: str = "") -> dict[str, Any]:
    """One page as Meta gives it; the link to the next one holds the token."""
    link = {"next": f"https://graph.facebook.com{COMMENTS}?access_token={CANARY}&after={after}"} if after else {}
    return {"data": list(comments), "paging": {"cursors": {"before": "b", "after": after or "last"}, **link}}


def make(server: FakeServer, seconds: float, **options: Any) -> Instagram:
    settings = Settings(access_token=SecretStr(CANARY), account_id=ACCOUNT, api_url=server.url, **options)
    return Instagram(settings, Http(trusted=[server.host], total_seconds=seconds))


def _serve(server: FakeServer) -> None:
    first, second = page(comment(1), comment(2), after="QVFI"), page(comment(3), comment(4))
    server.route(MEDIA, OURS)
    server.route(COMMENTS, lambda seen: second if seen.one("after") == "QVFI" else first)


def _spoil(server: FakeServer) -> int:
    server.route(MEDIA, OURS)
    server.route(COMMENTS, page(comment(1), comment(2), comment(3, timestamp=None), comment(4), comment(5)))
    return 4


def _ruin(server: FakeServer) -> None:
    server.route(MEDIA, OURS)
    server.route(COMMENTS, page(*({"pk": str(number), "words": "x"} for number in (1, 2, 3))))


def _dated(server: FakeServer, times: Sequence[datetime]) -> None:
    server.route(MEDIA, OURS)
    server.route(COMMENTS, page(*[comment(number, at=at) for number, at in enumerate(times)][::-1]))


def _only_new(requests: Sequence[Seen]) -> bool:
    """Comments can't be asked for by time: the page is turned for as long as it lies within the overlap."""
    return [seen.one("after") for seen in requests if seen.path == COMMENTS] == ["", "QVFI"]


CONTRACT = Contract(
    make=make, request=first_request("instagram"), serve=_serve, spoil=_spoil, ruin=_ruin, dated=_dated,
    only_new=_only_new,
)  # fmt: skip
