"""Seeing our own reply: what the brand says in public stops the clock of the person it answers, not of the thread."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from alerts.case import Case
from connectors import Post
from monitor.cases import actions as verbs
from monitor.settings.rules import Rules
from monitor.store import cases, key_values, mentions
from monitor.store.database import Database, Row, stamp
from monitor.text.sanitize import tidy

# A reply that only sends the customer elsewhere: it stops the first clock, and the case stays open.
_SENDS_ON = re.compile(
    r"\b(dm|pm|direct[- ]message|message|mail|e-?mail|write to|contact|call|reach out to|get in touch with)\b"
    r"[^.!?]{0,60}"
    r"\b(us|support|team|help ?desk|[\w.+-]+@[\w-]+\.\w+)\b|\bsend us (a|your)\b|\bcheck your (dms?|inbox)\b",
    re.IGNORECASE,
)
_WORDS_THAT_HELP = 45  # a reply longer than this many words says more than "write to us"


class Answers:
    """Takes in the brand's own posts."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self.database = database
        self.rules = rules
        self._automatic = tuple(each.casefold() for each in rules.settings.alerts.automatic_replies)

    def take(self, posts: Iterable[Post], now: datetime) -> int:
        """Remember own posts and stop the clocks they stop; how many that were. Inside a transaction."""
        fresh = self._fresh([tidy(post) for post in posts])
        rows = []
        answered = 0
        for post in sorted(fresh, key=lambda each: each.posted_at):
            automatic = self.is_automatic(post.text)
            sent_on = self.sends_on(post.text)
            case = None if automatic else self._case_of(post)
            rows.append(
                {
                    "source": post.source,
                    "native_id": post.native_id,
                    "brand": self._brand_of(post),
                    "author": post.author,
                    "url": post.url,
                    "text": post.text,
                    "parent_id": post.parent_id,
                    "thread_id": post.thread_id,
                    "posted_at": stamp(post.posted_at),
                    "seen_at": stamp(now),
                    "case_id": case.id if case else "",
                    "automatic": int(automatic),
                    "sent_on": int(sent_on),
                }
            )
            if case is not None:
                answered += verbs.record_answer(
                    self.database,
                    self.rules,
                    case,
                    answered_at=post.posted_at,
                    who=post.author,
                    url=post.url,
                    sent_on=sent_on,
                    now=now,
                )
        key_values.add_own_posts(self.database, rows)
        return answered

    def _fresh(self, posts: Sequence[Post]) -> list[Post]:
        by_source: dict[str, list[Post]] = {}
        for post in posts:
            by_source.setdefault(post.source, []).append(post)
        return [
            post
            for source, theirs in by_source.items()
            for known in [key_values.known_own_posts(self.database, source, [each.native_id for each in theirs])]
            for post in theirs
            if post.native_id not in known
        ]

    def _case_of(self, post: Post) -> Case | None:
        """The open case of the person whose post this one answers: one that waits, before one that has its answer.

        Where that post is about several brands: the case of the brand whose account answers, else the newest.
        """
        if not post.parent_id:
            return None
        brand = self._brand_of(post)
        parent = mentions.post_key(self.database, post.source, post.parent_id)
        rows = cases.rows_of(self.database, cases.of_posts(self.database, [parent]).get(parent, [])).values()
        found = [row for row in rows if not row["closed_at"]]
        found.sort(key=lambda row: (_waits(row), row["brand"] == brand, row["n"]))
        return cases.case_of(found[-1]) if found else None

    def _brand_of(self, post: Post) -> str:
        return self.rules.accounts.brand_of(post)

    def is_automatic(self, text: str) -> bool:
        """Whether a machine said this: it does not count as an answer."""
        folded = text.casefold().replace("\u2019", "'")
        return any(pattern in folded for pattern in self._automatic)

    @staticmethod
    def sends_on(text: str) -> bool:
        """Whether a reply only sends the customer elsewhere."""
        return len(text.split()) <= _WORDS_THAT_HELP and _SENDS_ON.search(text[:1000]) is not None


def _waits(row: Row) -> bool:
    return not row["answered_at"] or row["answered_at"] < row["last_posted_at"]
