"""What goes by on the stream: each event read, and the few posts kept that may be about a brand.

Every event is read as JSON, and what a post says is asked of `request.wants`, which looks at it as the brands' queries
will: whatever the case, the accents and the signs. Of a thousand posts, one is kept.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors import Aside, Post, Request
from connectors.bluesky.responses import addressed_by, checked, fault_of, is_gone, post_of, said_in
from connectors.pagination import clock_is_behind, moment
from connectors.text import clean, raw_of
from connectors.words import Words, any_of_terms

POST = "app.bsky.feed.post"
MOST_ASIDE = 200
MOST_DELETED = 2000
LONGEST_ASIDE = 65_536  # bytes
_TIME = re.compile(r'"time_us"\s*:\s*(\d{1,18})')


@dataclass(slots=True)
class Page:
    """What one connection has brought so far. `reached` is the time of the newest event that was taken in whole.

    `ahead` are the times of events that lie beyond our now, `heard` how many came.
    """

    reached: int
    ahead: list[int] = field(default_factory=list)
    heard: int = 0
    posts: list[Post] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)
    foreign: int = 0

    @property
    def full(self) -> bool:
        """Whether so much is gone that it is to be stored first."""
        return len(self.deleted) + len(self.gone) >= MOST_DELETED

    @property
    def behind(self) -> bool:
        """Whether most of what was heard is ahead of our clock."""
        return clock_is_behind((moment_of(at) for at in self.ahead), moment(0)) and len(self.ahead) * 2 > self.heard


class Sieve:
    """Takes events into a page, for one request. `ours` are the brand's accounts by DID."""

    def __init__(self, request: Request) -> None:
        self._source = request.source
        self._wants = request.wants or any_of_terms(request.terms)
        self._ours = frozenset(one for one in request.accounts.values() if one)
        self._ids = Words(self._ours)
        named = (clean(name).strip().removeprefix("@").casefold() for name in request.accounts)
        self._names = Words([*named, *self._ours])

    def take(self, page: Page, message: str, at: int) -> None:
        """Look at one event, which came `at` (microseconds)."""
        try:
            event = json.loads(message)
            did, commit = checked(event)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            page.foreign += 1
            self._put_aside(page, message, f"not an event: {fault_of(error)}")
            return
        if event["kind"] == "account" and is_gone(event.get("account")):
            page.gone.append(did)
        if not commit or commit.get("collection") != POST:
            return
        uri = f"at://{did}/{POST}/{commit['rkey']}"
        if commit.get("operation") == "delete":
            page.deleted.append(uri)
            return
        try:
            addressed = self._addressed(did, commit["record"], message)
            said = said_in(commit["record"])
            # Somebody who speaks to our account is heard whatever their words.
            if addressed or self._wants(said) or self._names.any_in(said.casefold()):
                post = post_of(uri, did, commit["record"], moment_of(at), self._source)
                page.posts.append(replace(post, raw=raw_of(event), addressed=addressed))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._put_aside(page, message, fault_of(error))

    def _put_aside(self, page: Page, message: str, reason: str) -> None:
        """Keep what cannot be read: broken JSON, and of the network's oddities those that may be about us."""
        broken = not message.endswith("}") or _TIME.search(message) is None
        if (broken or self._wants(message)) and len(page.aside) < MOST_ASIDE:
            page.aside.append(Aside(message.encode("utf-8", "replace")[:LONGEST_ASIDE], reason))

    def _addressed(self, did: str, record: Any, message: str) -> tuple[str, ...]:
        """Which of our accounts a post speaks to; it is only looked for where one is named in the event."""
        if did in self._ours or not self._ids.any_in(message):
            return ()
        return tuple(sorted(addressed_by(record) & self._ours))


def time_of(message: str, reached: int) -> int:
    """An event's time as the server tells it, in microseconds; `reached` where it tells none."""
    found = _TIME.search(message)
    return int(found[1]) if found else reached


def microseconds(at: datetime) -> int:
    """A moment as the stream counts it."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def moment_of(microseconds: int) -> datetime:
    """And back; nothing of the next millennia raises."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=min(microseconds, 2**57))
