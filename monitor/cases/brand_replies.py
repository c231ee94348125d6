"""Seeing our own reply: what the brand says in public stops the clock of the person it answers, not of the thread.

Our accounts and the search are read one after the other, so a reply may be known before the post that it answers, and
before others of ours that were said earlier. What it is, is decided when the case of the person is known.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from alerts.case import Case
from connectors import Post
from monitor.cases.recording import Reply, record_reply, take_back
from monitor.cases.reply_kinds import MACHINE_WITHIN, PROMPT, Decided, PromptReply, kind_of, same_words
from monitor.settings.rules import Rules
from monitor.store import cases, forgotten, key_values, mentions
from monitor.store.database import Database, Row, at, stamp
from monitor.text.sanitize import tidy

log = logging.getLogger("earful.replies")


class Answers:
    """Takes in the brand's own posts."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self.database = database
        self.rules = rules

    def take(self, posts: Iterable[Post], now: datetime) -> int:
        """Remember own posts and stop the clocks they stop; how many that were. Inside a transaction."""
        fresh = self._fresh([tidy(post) for post in posts])
        key_values.add_own_posts(self.database, [self._row(post, now) for post in fresh])
        answered = 0
        named = {(post.source, post.native_id): post.parent_author for post in fresh}
        for source in dict.fromkeys(post.source for post in fresh):
            ids = [post.native_id for post in fresh if post.source == source]
            for own in key_values.own_posts_by_id(self.database, source, ids):
                case = self._case_of(own, named.get((source, own["native_id"]), ""))
                answered += settle(self.database, self.rules, own, case, now)
        return answered

    def _row(self, post: Post, now: datetime) -> dict[str, object]:
        return {
            "source": post.source,
            "native_id": post.native_id,
            "brand": self._brand_of(post),
            "author": post.author,
            "url": post.url,
            "text": post.text,
            "parent_id": post.parent_id,
            "parent_author": person_mark(post.source, post.parent_author),
            "thread_id": post.thread_id,
            "posted_at": stamp(post.posted_at),
            "seen_at": stamp(now),
            "words": sha256(same_words(post.text).encode("utf-8", "replace")).hexdigest()[:32],
        }

    def _fresh(self, posts: Sequence[Post]) -> list[Post]:
        by_source: dict[str, list[Post]] = {}
        for post in posts:
            by_source.setdefault(post.source, []).append(post)
        to = [replace(post, native_id=post.parent_id, author="", author_id="") for post in posts if post.parent_id]
        gone = forgotten.among(self.database, to)
        return [
            post
            for source, theirs in by_source.items()
            for known in [key_values.known_own_posts(self.database, source, [each.native_id for each in theirs])]
            for post in theirs
            if post.native_id not in known and (post.source, post.parent_id) not in gone
        ]

    def _case_of(self, own: Row, parent_author: str) -> Case | None:
        """The open case of the person whose post this one answers: one that waits, before one that has its answer.

        Where that post was never stored (it names no brand), it is the case of its author in that conversation. Where
        a post is about several brands: the case of the brand whose account answers, else the newest.
        """
        if not own["parent_id"]:
            return None
        parent = mentions.post_key(self.database, own["source"], own["parent_id"])
        rows = list(cases.rows_of(self.database, cases.of_posts(self.database, [parent]).get(parent, [])).values())
        if not rows and parent_author:
            thread = own["thread_id"] or own["parent_id"]
            rows = cases.of_person_in_thread(self.database, own["source"], _name(parent_author), thread)
        return self._chosen(rows, own["brand"])

    @staticmethod
    def _chosen(rows: Iterable[Row], brand: str) -> Case | None:
        found = [row for row in rows if not row["closed_at"]]
        found.sort(key=lambda row: (_waits(row), row["brand"] == brand, row["n"]))
        return cases.case_of(found[-1]) if found else None

    def _brand_of(self, post: Post) -> str:
        return self.rules.accounts.brand_of(post)


def settle(database: Database, rules: Rules, own: Row, case: Case | None, now: datetime, *, person: str = "") -> bool:
    """Decide what a stored post of ours is and let it follow for the case of whom it answers; whether it answered.

    `person` is whoever sent it from here: then no machine said it, and they are the one who answered.
    """
    if case is not None and is_of_before(database, case, own["source"], own["parent_id"], at(own["posted_at"])):
        case = None
    decided = _decide(database, rules, own, case) if not person else decide_pressed(database, own["text"], case)
    key_values.settle_own_post(
        database,
        own["source"],
        own["native_id"],
        case=case.id if case is not None else "",
        kind=decided.kind,
        reason=decided.reason,
    )
    if case is None:
        return False
    log.info("case %s: our reply is classed as %s", case.id, decided.kind)
    return record_reply(
        database,
        rules,
        case,
        Reply(decided.kind, decided.reason, at(own["posted_at"]), person or own["author"], own["url"], own["text"]),
        now,
    )


def is_of_before(database: Database, case: Case, source: str, native_id: str, said_at: datetime) -> bool:
    """Whether a reply of ours answers what its person wrote before this case, of which it says nothing.

    A case that was closed is not joined: what they write, or change, after it opens another one below the same post.
    One dated before the very post with which the case begins is an answer: some networks date a review by its last
    change, and clocks differ. A post that was never stored was written before the reply.
    """
    if said_at >= case.first_posted_at:
        return False
    asked_at = mentions.posted_at_of(database, source, native_id)
    return asked_at is None or asked_at < case.first_posted_at


def decide_pressed(database: Database, text: str, case: Case | None) -> Decided:
    """The kind of a reply that somebody pressed for, by its words alone."""
    row = cases.row_of(database, case.id) if case is not None else None
    return kind_of(text, (), to_praise=bool(row and row["praise"]))


def decide_text(rules: Rules, text: str, *, to_praise: bool) -> Decided:
    """What a reply is that stands inside a review, by its words alone; one without words is an answer."""
    if not text.strip():
        return Decided("answer", "the network shows an answer, but not its text")
    return kind_of(text, rules.settings.alerts.automatic_replies, to_praise=to_praise)


def _decide(database: Database, rules: Rules, own: Row, case: Case | None) -> Decided:
    """The kind of one reply, with what is known of others of ours; those before it of the same machine are turned."""
    prompt: list[PromptReply] = []
    mine: PromptReply | None = None
    said_at = at(own["posted_at"])
    asked = mentions.posted_at_of(database, own["source"], own["parent_id"]) if case is not None else None
    if case is not None and asked is not None and said_at - PROMPT <= asked <= said_at:
        key_values.note_prompt(database, own["source"], own["native_id"], case.story_id)
        mine = PromptReply(own["words"], said_at, case.story_id)
        rows = key_values.prompt_own_posts(database, own["words"], said_at - MACHINE_WITHIN, said_at + MACHINE_WITHIN)
        prompt = [PromptReply(row["words"], at(row["posted_at"]), row["prompt_story"]) for row in rows]
    row = cases.row_of(database, case.id) if case is not None else None
    decided = kind_of(
        own["text"],
        rules.settings.alerts.automatic_replies,
        own_words=mine,
        prompt=prompt,
        to_praise=bool(row and row["praise"]),
    )
    if decided.kind == "automatic" and mine is not None:
        _turn_the_others(database, rules, own, decided, said_at)
    return decided


def _turn_the_others(database: Database, rules: Rules, own: Row, decided: Decided, now: datetime) -> None:
    """What a machine said before it was known for one answered nobody either."""
    rows = key_values.prompt_own_posts(database, own["words"], now - MACHINE_WITHIN, now + MACHINE_WITHIN)
    for row in rows:
        if row["native_id"] == own["native_id"] or row["kind"] == "automatic" or row["turned_by"] or not row["kind"]:
            continue
        key_values.settle_own_post(
            database, row["source"], row["native_id"], case=row["case_id"], kind="automatic", reason=decided.reason
        )
        case = cases.one(database, row["case_id"])
        if case is not None:
            take_back(database, rules, case, row["url"], decided.reason, now)


def person_mark(source: str, author: str) -> str:
    """A mark by which a person's name is found again and cannot be read: we answer many whom we do not keep."""
    return sha256(f"{source}/{_bare(author)}".encode("utf-8", "replace")).hexdigest()[:32] if author else ""


def _name(author: str) -> str:
    return author.lstrip("@").removeprefix("u/")


def _bare(author: str) -> str:
    return _name(author).lower()


def _waits(row: Row) -> bool:
    return not row["answered_at"] or row["answered_at"] < row["last_posted_at"]
