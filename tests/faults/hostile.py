"""Sources that answer with as much as they may: documents just under the cap of one answer."""

from __future__ import annotations

import json
from collections.abc import Callable

from connectors.http import MOST_BYTES
from tests.fakes.server import FakeServer, Reply, Seen
from tests.faults.clock import OutsideClock

KINDS = ("hackernews", "mastodon", "rss")
EACH = 9
_WORDS = "Harbour Tea \N{TEACUP WITHOUT HANDLE} answers nobody. "  # a sign beyond the first plane: four bytes a letter


def tables(server: FakeServer, clock: OutsideClock) -> str:
    """The tables of twenty-seven sources, nine of a kind, each with answers of its own from this server."""
    made = []
    for number in range(EACH):
        for kind in KINDS:
            place = f"/{kind}{number}"
            body = _BODIES[kind]
            server.route(f"{place}/*", lambda seen, body=body: Reply(body=body(seen, clock), headers=_HEADERS))
            address = f'api_url = "{server.url}{place}"'
            if kind == "rss":
                address = f'feeds = ["{server.url}{place}/feed.xml"]'
            tags = 'tags = ["tea"]\n' if kind == "mastodon" else ""
            made.append(f'[[sources]]\nname = "{kind}{number}"\nkind = "{kind}"\n{address}\n{tags}every = "5s"\n')
    return "".join(made)


_HEADERS = {"Content-Type": "application/json; charset=utf-8"}


def _hits(seen: Seen, clock: OutsideClock) -> bytes:
    now, number = int(clock.seconds()), seen.number
    words = _long(MOST_BYTES // 100 - 400)
    hits = [
        {
            "objectID": str(number * 1000 + place), "created_at_i": now - 1, "author": f"p{place}",
            "comment_text": words, "story_id": number * 1000 + place, "parent_id": number * 1000 + place,
        }
        for place in range(100)
    ]  # fmt: skip
    return json.dumps({"hits": hits, "hitsPerPage": 100, "page": 0}, ensure_ascii=False).encode()


def _statuses(seen: Seen, clock: OutsideClock) -> bytes:
    milliseconds = int(clock.seconds() * 1000) - 1000
    words = _long(MOST_BYTES // 40 - 900)
    statuses = [
        {
            "id": str((milliseconds << 16) + seen.number * 64 + place), "created_at": clock().isoformat(),
            "visibility": "public", "uri": f"https://far.example/{seen.number}/{place}", "content": f"<p>{words}</p>",
            "url": f"https://far.example/@ada/{seen.number}-{place}",
            "account": {"id": "7", "username": "ada", "acct": "ada@far.example", "url": "https://far.example/@ada"},
        }
        for place in range(40)
    ]  # fmt: skip
    return json.dumps(statuses, ensure_ascii=False).encode()


def _feed(seen: Seen, clock: OutsideClock) -> bytes:
    words = _long(MOST_BYTES // 50 - 400)
    items = "".join(
        f"<item><guid>{seen.number}-{place}</guid><title>Harbour Tea</title><link>https://far.example/{seen.number}/{place}"
        f"</link><pubDate>{clock():%a, %d %b %Y %H:%M:%S} GMT</pubDate><description>{words}</description></item>"
        for place in range(50)
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>{items}</channel></rss>'.encode()


def _long(size: int) -> str:
    return (_WORDS * (size // len(_WORDS.encode()) + 1))[: size - size // len(_WORDS)]


_BODIES: dict[str, Callable[[Seen, OutsideClock], bytes]] = {"hackernews": _hits, "mastodon": _statuses, "rss": _feed}
