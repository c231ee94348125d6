"""People who do not want this: whoever does not want to be found by a search, and whoever is not to be contacted.

The first is the author's own mark on their account (see `Post.unsearchable`), the second a person's decision on the
page or in a command. Neither is ever guessed from words. Whoever speaks to us is heard, whatever stands there.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime

from connectors import Post
from monitor.cases.do_not_contact import CONTACT, NOT_CONTACTED, key_of
from monitor.ingest.replies import Replies
from monitor.settings.rules import Rules
from monitor.store import key_values
from monitor.store.database import Database
from monitor.types import Verdict

REMEMBERED = 20_000  # posts that were left out lately: reads overlap, and each counts once
_FACT = "kept out:"


def speaks_to_us(post: Post, rules: Rules, ours: Mapping[tuple[str, str], str], replies: Replies) -> bool:
    """Whether a post names our account, answers what we wrote, or is written in its author's own case."""
    return (
        (post.source, post.parent_id) in ours
        or bool(rules.accounts.spoken_to(post))
        or bool(replies.brands_of_author(post))
    )


def stays_out(post: Post, rules: Rules, ours: Mapping[tuple[str, str], str], replies: Replies) -> bool:
    """Whether a post is left where it is: a search found it, and its author does not want that."""
    return post.unsearchable and not rules.is_own(post) and not speaks_to_us(post, rules, ours, replies)


def not_contacted(post: Post, verdict: Verdict, muted: set[tuple[str, str, str]], *, to_us: bool) -> str:
    """Why nobody is told of a post, where its author is not to be contacted; danger and personal data always pass."""
    if to_us or verdict.critical or ("", CONTACT, key_of(post.source, post.author)) not in muted:
        return ""
    return NOT_CONTACTED


class LeftOut:
    """Counts the posts that stay out; of the posts themselves nothing is kept but, for a while, their ids in memory."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()

    def fresh(self, posts: list[Post]) -> dict[str, int]:
        """How many of these were not counted before, by source."""
        found: dict[str, int] = {}
        for post in posts:
            key = (post.source, post.native_id)
            if key not in self._seen:
                found[post.source] = found.get(post.source, 0) + 1
            self._seen[key] = None
            self._seen.move_to_end(key)
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return found


def count(database: Database, found: Mapping[str, int], now: datetime) -> None:
    """Add to the number of each source. Inside a transaction."""
    for source, number in found.items():
        before, since = left_out(database, source)
        fact = json.dumps({"number": before + number, "since": since or f"{now:%Y-%m-%d}"})
        key_values.remember(database, f"{_FACT}{source}", fact, now)


def left_out(database: Database, source: str) -> tuple[int, str]:
    """How many posts of a source stayed out, and since which day that is counted; (0, "") for none."""
    found = json.loads(key_values.fact(database, f"{_FACT}{source}") or "{}")
    return int(found.get("number", 0)), str(found.get("since", ""))
