"""How the contract tries App Store Connect: pages of reviews with the responses beside them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from joserfc.jwk import ECKey
from pydantic import SecretStr

from connectors.appstore import AppStore, Settings
from connectors.http import Http
from tests.connectors.contracts import CANARY, NOW, Contract, first_request
from tests.fakes.server import FakeServer, Seen

APP = "1234567890"
PATH = f"/v1/apps/{APP}/customerReviews"


@cache
def private_key() -> str:
    """A key as App Store Connect gives it out; made once, since it is only to be one."""
    pem = ECKey.generate_key("P-256").as_pem(private=True)
    assert isinstance(pem, bytes)
    return f"{pem.decode()}\n{CANARY}\n"


def review(number: int, *, at: datetime | None = None, answer: str = "", **changes: Any) -> dict[str, Any]:
    """One review, `number` half hours before NOW; `answer` is the id of its response."""
    written = at or NOW - timedelta(minutes=30 * number)
    held = {
        "rating": 1, "title": f"Broken {number}", "body": "Acme lost my photos & my patience", "territory": "USA",
        "reviewerNickname": f"reviewer{number}", "createdDate": written.isoformat(), **changes,
    }  # fmt: skip
    response = {"data": {"type": "customerReviewResponses", "id": answer}} if answer else {}
    return {
        "type": "customerReviews", "id": f"00000028-b08c-{number:04}", "attributes": held,
        "relationships": {"response": response},
    }  # fmt: skip


def page(*reviews: Any, cursor: str = "", included: Sequence[Any] = ()) -> dict[str, Any]:
    """One page as Apple gives it."""
    links = {"self": "https://api.appstoreconnect.apple.com/v1"}
    if cursor:
        links["next"] = f"https://api.appstoreconnect.apple.com{PATH}?cursor={cursor}&limit=200"
    return {"data": list(reviews), "included": list(included), "links": links, "meta": {"paging": {"limit": 200}}}


def make(server: FakeServer, seconds: float, **options: Any) -> AppStore:
    given = {"apps": (APP,), "issuer_id": "57246542-96fe-1a63", "overlap": timedelta(minutes=1), **options}
    settings = Settings(key_id="ABC1234567", private_key=SecretStr(private_key()), api_url=server.url, **given)
    return AppStore(settings, Http(trusted=[server.host], total_seconds=seconds))


def _serve(server: FakeServer) -> None:
    first, second = page(review(1), review(2), cursor="Mg.A"), page(review(3), review(4))
    server.route(PATH, lambda seen: second if seen.one("cursor") == "Mg.A" else first)


def _spoil(server: FakeServer) -> int:
    server.route(PATH, page(review(1), review(2), review(3, rating="five"), review(4), review(5)))
    return 4


def _ruin(server: FakeServer) -> None:
    server.route(PATH, page(*({"id": str(number), "attributes": {"stars": 1}} for number in (1, 2, 3))))


def _dated(server: FakeServer, times: Sequence[datetime]) -> None:
    server.route(PATH, page(*[review(number, at=at) for number, at in enumerate(times)][::-1]))


def _only_new(requests: Sequence[Seen]) -> bool:
    return [seen.one("cursor") for seen in requests] == [""]


CONTRACT = Contract(
    make=make, request=first_request("appstore"), serve=_serve, spoil=_spoil, ruin=_ruin, dated=_dated,
    only_new=_only_new,
)  # fmt: skip
