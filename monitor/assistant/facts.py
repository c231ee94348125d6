"""What a draft may rest on: what the team knows of a case and stands by, and nothing that is only said inside.

Causes and whether they are fixed, what was said in public of an open incident, what this person was told before, how
often they wrote, and saved replies about the same matter. Notes for colleagues, tags, and what other people wrote are
no facts: they must not come out in public.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.case import Case, never_answered
from alerts.wording import excerpt
from connectors import Post
from monitor.settings import overrides
from monitor.store import cases, causes, incidents, key_values, volume, web
from monitor.store.database import Database, at
from monitor.text.draft_phrases import in_common, matters

HISTORY = timedelta(days=30)
RECENT = timedelta(days=90)  # replies of ours that are older are forgotten by whoever reads the next one
_LONGEST = 1_000  # characters of one fact
_MOST_SAVED = 3  # saved replies; more of them are about everything
_MOST_SAID = 3  # earlier replies to the same person, the newest


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known: how it is called to staff, its words, and whether it holds a next step."""

    label: str
    text: str
    step: bool = False


def of_case(database: Database, case: Case, post: Post, *, name: str, now: datetime) -> tuple[Fact, ...]:
    """What is known of a case, for a reply to this post of it. `name` is whoever writes, for saved replies."""
    return (
        *_causes(database, case, post),
        *_incident(database, case),
        *_saved(database, case, post, name),
        *_said(database, case),
        *_history(database, case, now),
    )


def recent_replies(database: Database, brand: str, now: datetime, limit: int) -> tuple[str, ...]:
    """The brand's last replies to anybody, the newest first. They are compared here, and never leave."""
    return tuple(key_values.last_replies(database, brand, now - RECENT, limit))


def _causes(database: Database, case: Case, post: Post) -> list[Fact]:
    fixed = {row["id"]: row["fixed_at"] for row in causes.listed(database, case.brand)}
    found = []
    for cause in causes.of_cases(database, [case.id]).get(case.id, ()):
        when, about = fixed.get(cause["id"], ""), cause["name"][:200]
        if when and at(when) > post.posted_at:
            words = f"The problem “{about}” was known and has been fixed since they wrote."
            found.append(Fact(f"the cause “{about}”, which is fixed", words, step=True))
        elif when:
            found.append(Fact(f"the cause “{about}”", f"They write of “{about}”. An earlier repair may not hold."))
        else:
            found.append(Fact(f"the cause “{about}”", f"They write of “{about}”. No repair is known."))
    return found


def _incident(database: Database, case: Case) -> list[Fact]:
    incident = incidents.of_cases(database, [case.id]).get(case.id)
    row = incidents.one(database, incident) if incident is not None else None
    if row is None or not row["said_publicly_at"]:
        return []
    said = volume.our_statements(database, row["brand"], at(row["start_at"]))
    return [
        Fact("your public statement", excerpt(each["text"], _LONGEST), step=True)
        for each in said
        if each["url"] == row["said_url"] and each["text"]
    ][:1]


def _saved(database: Database, case: Case, post: Post, name: str) -> list[Fact]:
    """Saved replies that name the same matter as the post, in their name or at least twice in their text.

    Only those that a lead has saved: the ones that ship are examples, and nobody has decided to keep their promises.
    """
    values = web.desk_values(database)
    if not values.get(overrides.REPLIES):
        return []
    theirs = matters(f"{post.title} {post.text}"[:4_000], (case.brand, post.author, post.author_name))
    first = post.author_name.split()[0] if post.author_name.split() else post.author
    found = []
    for reply in overrides.replies(values):
        if in_common(reply.name, theirs) or len(set(in_common(reply.text, theirs))) > 1:
            words = overrides.filled(reply, name=first[:60], brand=case.brand, me=name)
            found.append(Fact(f"the saved reply “{reply.name}”", excerpt(words, _LONGEST), step=True))
    return found[:_MOST_SAVED]


def _said(database: Database, case: Case) -> list[Fact]:
    told: Sequence[str] = [
        excerpt(own["text"], _LONGEST)
        for own in key_values.own_posts_of_case(database, case.id)
        if own["text"] and own["kind"] != "automatic"
    ]
    return [Fact("what you told them before", f"We told them before: {text}") for text in told[-_MOST_SAID:]]


def _history(database: Database, case: Case, now: datetime) -> list[Fact]:
    if not case.author:
        return []
    earlier = [
        row
        for row in cases.of_authors(database, [(case.source, case.author)], now - HISTORY)
        if row["id"] != case.id
        and row["brand"] == case.brand
        and row["lane"] == "ping"
        and at(row["opened_at"]) < case.opened_at
    ]
    if not earlier:
        return []
    never = sum(never_answered(row["answered_at"], row["outcome"]) for row in earlier)
    words = f"They complained {'once' if len(earlier) == 1 else f'{len(earlier)} times'} before within 30 days"
    words += f", and {'once' if never == 1 else f'{never} times'} nobody answered." if never else "."
    return [Fact("their earlier cases", words)]
