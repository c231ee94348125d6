"""How the contract tries GitHub: a search for issues, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from connectors.github import GitHub, Settings
from connectors.http import Http
from tests.connectors.contracts import CANARY, NOW, Contract, first_request
from tests.fakes.server import FakeServer, Seen

REPOSITORY = "acme/kettle"


def issue(number: int, at: datetime | None = None, **changes: Any) -> dict[str, Any]:
    """One issue, `number` minutes before NOW."""
    written = (at or NOW - timedelta(minutes=number)).isoformat()
    return {
        "id": 10_000 + number, "number": number, "title": "Kettle & lid", "body": "**Acme**",
        "body_text": "Acme leaks",
        "html_url": f"https://github.com/{REPOSITORY}/issues/{number}", "created_at": written, "updated_at": written,
        "user": {"login": f"person{number}", "id": number}, **changes,
    }  # fmt: skip


def comment(number: int, below: int, at: datetime | None = None, **changes: Any) -> dict[str, Any]:
    """One comment below an issue."""
    address = f"https://github.com/{REPOSITORY}/issues/{below}#issuecomment-{number}"
    return issue(number, at, **{"html_url": address, **changes})


def make(server: FakeServer, seconds: float, **options: Any) -> GitHub:
    given = {"token": SecretStr(CANARY), "discussions": False, **options}
    return GitHub(Settings(api_url=server.url, **given), Http(trusted=[server.host], total_seconds=seconds))


def _serve(server: FakeServer) -> None:
    many = [issue(number) for number in range(1, 102)]

    def search(seen: Seen) -> Any:
        page = int(seen.one("page"))
        since = datetime.fromisoformat(seen.one("q").rpartition(">=")[2])
        fitting = [each for each in many if datetime.fromisoformat(each["created_at"]) >= since]
        return {
            "total_count": len(fitting),
            "incomplete_results": False,
            "items": fitting[page * 100 - 100 : page * 100],
        }

    server.route("/search/issues", search)


def _spoil(server: FakeServer) -> int:
    items = [issue(1), issue(2), issue(3, title=None), issue(4), issue(5)]
    server.route("/search/issues", {"total_count": 5, "items": items})
    return 4


def _ruin(server: FakeServer) -> None:
    server.route("/search/issues", {"items": [{"number": 1}, {"number": 2}, {"number": 3}]})


def _dated(server: FakeServer, times: Sequence[datetime]) -> None:
    server.route("/search/issues", {"items": [issue(number, at) for number, at in enumerate(times, 1)][::-1]})


def _only_new(requests: Sequence[Seen]) -> bool:
    return ["created:>=2026-11-20T10:59:00Z" in seen.one("q") for seen in requests] == [True]


CONTRACT = Contract(
    make=make, request=first_request("github"), serve=_serve, spoil=_spoil, ruin=_ruin, dated=_dated, only_new=_only_new
)
