"""What is needed to answer a case from here: which post is answered, and what speaks against it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.case import Case
from connectors import Post
from connectors.text import bare_name
from monitor.cases import do_not_contact
from monitor.cases.reply_kinds import same_words
from monitor.replying.writers import Writers
from monitor.settings.rules import Rules
from monitor.store import cases, holds, incidents, key_values, mentions, replies
from monitor.store.database import Database

SAME_WITHIN = timedelta(hours=1)
MOST_ALIKE = 2  # people who may be told the same drafted text within it; a third one is told something of their own


@dataclass(frozen=True, slots=True)
class Replying:
    """The parts that answering works with."""

    database: Database
    rules: Rules
    writers: Writers

    def is_on(self, source: str) -> bool:
        """Whether settings let this source be answered from here."""
        return self.writers.source(source) is not None

    def needs_lead(self, source: str) -> bool:
        """Whether a lead has to approve what is posted there."""
        found = self.writers.source(source)
        return found is not None and found.reply_approval


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody had before their eyes as they pressed. Where it is so no longer, they are asked again.

    `mark` is the hash of the text, `parent` that of the post and its address, `account` who writes, `said` how many
    replies of ours the case had.
    """

    mark: str
    parent: str
    account: str
    said: int


def parent_of(database: Database, case: Case) -> Post | None:
    """The post that a reply answers: the newest of the case's own author that stands."""
    told = [each.post for each in mentions.of_case(database, case.id) if each.post.native_id and each.post.url]
    own = [post for post in told if bare_name(post.author) == bare_name(case.author)]
    return (own or told)[-1] if told else None


def parent_mark(post: Post) -> str:
    """Changes when another post is answered, or this one has another address or other words."""
    text = "\0".join((post.native_id, post.url, post.text))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def said_so_far(database: Database, case_id: str) -> int:
    """How many replies of ours a case has: another one means that somebody answered meanwhile."""
    return len(key_values.own_posts_of_case(database, case_id))


def why_not(replying: Replying, case: Case, parent: Post | None) -> str:
    """Why this case can't be answered from here, in words for people; "" where it can."""
    if not replying.is_on(case.source):
        return f"replies are off for {case.source}; answer there, or set reply = true for this source"
    if why := nobody_answers(replying.database, case):
        return why
    if parent is None:
        return "the post was deleted, so there is nothing to reply to"
    return replying.writers.of(case.source).refusal(parent)


def nobody_answers(database: Database, case: Case) -> str:
    """Why nobody should answer this case, from here or there, in words for people; "" where somebody should."""
    if case.closed_at is not None:
        return f"case {case.id} is closed ({case.closed_by}); reopen it first"
    if holds.of_case(database, case.id) is not None:
        return f"case {case.id} is on hold; its text is hidden"
    spared = case.author and case.priority != "critical"
    if spared and do_not_contact.standing(database, case.source, case.author) is not None:
        return "this author is set as not to be contacted"
    return ""


def in_the_way(found: list[replies.ReplyRow], reply_id: str) -> str:
    """A reply of the case whose fate has to be known before another one may leave; "" where there is none."""
    for row in found:
        if row.id != reply_id and row.state in {"inflight", "unsure", "withdrawing"}:
            what = {"inflight": "is being sent", "unsure": "may have been posted", "withdrawing": "is being withdrawn"}
            return f"{row.approver or row.writer}'s reply {what[row.state]}; wait until that is settled"
    return ""


def same_as(found: list[replies.ReplyRow], row: replies.ReplyRow, parent: Post, now: datetime) -> str:
    """Whether exactly this text stands already below exactly this post, in words for people."""
    for other in found:
        same = (other.mark, other.parent_id) == (row.mark, parent.native_id)
        if other.id != row.id and other.state == "sent" and same:
            when = (other.posted_at or now).strftime("%H:%M UTC")
            return f"{other.approver or other.writer} already posted this text at {when}: {other.url}"
    return ""


def same_to_others(replying: Replying, row: replies.ReplyRow, case: Case, now: datetime) -> str:
    """Whether a text that a model drafted went to two other people within the hour, in words for people.

    Within one incident everybody may be told the same. Names and greetings in it make no other text of it.
    """
    if not row.drafted:
        return ""
    words, database = same_words(row.text), replying.database
    alike = [each for each in replies.pressed_since(database, now - SAME_WITHIN) if same_words(each.text) == words]
    found = {other.id: other for each in alike if (other := cases.one(database, each.case_id)) is not None}
    within = incidents.of_cases(database, [case.id, *found])
    ours = within.get(case.id)
    people: dict[tuple[str, str], str] = {}
    for other in found.values():
        if not (ours and within.get(other.id) == ours):
            people.setdefault(_person(other), other.id)
    people.pop(_person(case), None)
    if len(people) < MOST_ALIKE:
        return ""
    listed = ", ".join(sorted(people.values(), key=lambda each: (len(each), each))[:5])
    return f"this text went to {len(people)} other people within the hour (cases {listed}): change it for this person"


def _person(case: Case) -> tuple[str, str]:
    return (case.source, bare_name(case.author)) if case.author else ("case", case.id)
