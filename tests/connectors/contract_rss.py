"""How the contract tries feeds: a source of two, so that a walk has two pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape

from connectors.http import Http
from connectors.rss.connector import Rss, Settings
from tests.connectors.contracts import CANARY, Contract, first_request
from tests.fakes.server import FakeServer, Reply, Seen


def item(
    number: int, *, title: str = "", text: str = "", guid: str = "", link: str = "", extra: str = "", date: str = ""
) -> str:
    """One RSS entry of that number, on 20 November 2026."""
    words = (
        text
        or f'<p>Acme lost my order &amp; <a href="https://example.org">this page</a> is empty.</p><p>No {number}</p>'
    )
    return (
        f"<item><title>{escape(title or f'Acme &amp; parcel {number}')}</title>"
        f"<guid isPermaLink='false'>{escape(guid or f'https://example.org/entry/{number}')}</guid>"
        f"<link>{escape(link or f'https://example.org/{number}')}</link>"
        f"<pubDate>{date or f'Fri, 20 Nov 2026 0{number % 10}:00:00 GMT'}</pubDate>"
        f"<description>{escape(words)}</description>{extra}</item>"
    )


def feed(*items: str, title: str = "Parcel News") -> str:
    """A whole RSS document."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
        f"<title>{escape(title)}</title><link>https://example.org/</link><language>en</language>{''.join(items)}"
        "</channel></rss>"
    )


def served(document: str | bytes, etag: str = '"one"') -> Reply:
    """The document as a web server gives it."""
    return Reply(body=document, headers={"Content-Type": "application/rss+xml", "ETag": etag})


def _make(server: FakeServer, seconds: float) -> Rss:
    settings = Settings(feeds=(f"{server.url}/a.xml", f"{server.url}/b.xml?token={CANARY}"))
    return Rss(settings, Http(trusted=[server.host], total_seconds=seconds))


def _serve(server: FakeServer) -> None:
    server.route("/a.xml", served(feed(item(1), item(2))))
    server.route("/b.xml", served(feed(item(3), item(4))))


def _spoil(server: FakeServer) -> int:
    nothing = "<item><guid>https://example.org/entry/0</guid></item>"
    server.route("/a.xml", served(feed(item(1), item(2), nothing, item(3), item(4))))
    server.route("/b.xml", served(feed(item(5))))
    return 5


def _ruin(server: FakeServer) -> None:
    renamed = "<item><heading>Acme</heading><words>lost my parcel</words></item>"
    server.route("/*", served(feed(renamed, renamed, renamed)))


def _only_new(requests: Sequence[Seen]) -> bool:
    return bool(requests) and all(seen.headers.get("if-none-match") == '"one"' for seen in requests)


def _dated(server: FakeServer, times: Sequence[datetime]) -> None:
    items = [item(number, date=format_datetime(at)) for number, at in enumerate(times)]
    server.route("/*", served(feed(*items), etag=f'"{len(items)}"'))


CONTRACT = Contract(
    make=_make, request=first_request("news"), serve=_serve, spoil=_spoil, ruin=_ruin, dated=_dated, only_new=_only_new
)
