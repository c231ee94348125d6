"""How the contract tries Stack Exchange: a search for questions, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from connectors.http import Http
from connectors.stackexchange import Settings, StackExchange
from tests.connectors.contracts import CANARY, NOW, Contract, first_request
from tests.fakes.server import FakeServer, Seen


def question(number: int, at: datetime | None = None, **changes: Any) -> dict[str, Any]:
    """One question, `number` hours before NOW."""
    return {
        "question_id": number, "title": "Acme kettle &amp; lid", "body": "<p>Acme <a href='https://e.org'>leaks</a></p>",
        "creation_date": int((at or NOW - timedelta(hours=number)).timestamp()), "score": 3, "tags": ["kettle"],
        "link": f"https://stackoverflow.com/questions/{number}/acme",
        "owner": {"user_id": 100 + number, "display_name": f"person &amp; {number}"}, **changes,
    }  # fmt: skip


def below(number: int, kind: str, above: int, at: datetime, user: int = 5) -> dict[str, Any]:
    """An answer to a question, or a comment below a post."""
    names = (
        {"answer_id": number, "question_id": above} if kind == "answer" else {"comment_id": number, "post_id": above}
    )
    held = question(1, at, owner={"user_id": user, "display_name": f"user{user}"})
    del held["question_id"], held["title"]
    return {**held, **names}


def page(*items: Any, more: bool = False, **extra: Any) -> dict[str, Any]:
    """The wrapper that every answer comes in."""
    return {"items": list(items), "has_more": more, "quota_max": 10_000, "quota_remaining": 9_990, **extra}


def make(server: FakeServer, seconds: float, **options: Any) -> StackExchange:
    settings = Settings(key=SecretStr(CANARY), api_url=server.url, **options)
    return StackExchange(settings, Http(trusted=[server.host], total_seconds=seconds))


def _serve(server: FakeServer) -> None:
    first, second = page(question(1), question(2), more=True), page(question(20), question(21))

    def search(seen: Seen) -> Any:
        since = int(seen.one("fromdate"))
        found = first if seen.one("page") == "1" else second
        fitting = [each for each in found["items"] if each["creation_date"] >= since]
        return {
            **found,
            "items": fitting,
            "has_more": found["has_more"] and since < second["items"][0]["creation_date"],
        }

    server.route("/search/advanced", search)


def _spoil(server: FakeServer) -> int:
    server.route("/search/advanced", page(question(1), question(2), question(3, body=7), question(4), question(5)))
    return 4


def _ruin(server: FakeServer) -> None:
    server.route("/search/advanced", page({"number": 1}, {"number": 2}, {"number": 3}))


def _dated(server: FakeServer, times: Sequence[datetime]) -> None:
    server.route("/search/advanced", page(*[question(number, at) for number, at in enumerate(times, 1)][::-1]))


def _only_new(requests: Sequence[Seen]) -> bool:
    return [int(seen.one("fromdate")) for seen in requests] == [int((NOW - timedelta(hours=7)).timestamp())]


CONTRACT = Contract(
    make=make, request=first_request("stack"), serve=_serve, spoil=_spoil, ruin=_ruin, dated=_dated, only_new=_only_new
)
