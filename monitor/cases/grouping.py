"""Which story a new case may belong to: those of the store and of this very chunk, by conversation and by likeness.

Likeness is of nearly the same words; while a critical story is open, it is also of the harm that is told.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from alerts.case import Contact
from connectors.values import value_class
from monitor.store.database import Database, Row, at, stamp
from monitor.store.stories import candidate_stories, open_critical, touch_stories
from monitor.text.same_story import Harm, harm_told
from monitor.text.similarity import bands
from monitor.types import Judged


@value_class(frozen=True, slots=True)
class StoryCandidate:
    """A story in the chunk: enough for `policy.joins_story`."""

    id: str
    brand: str
    source: str
    thread: str
    last_at: datetime
    fingerprint: int


def _places(source: str, thread: str, fingerprint: int) -> list[tuple[object, ...]]:
    places: list[tuple[object, ...]] = [(source, thread)] if thread else []
    if fingerprint:
        places += enumerate(bands(fingerprint))
    return places


def _candidate(row: Row) -> StoryCandidate:
    return StoryCandidate(row["id"], row["brand"], row["source"], row["thread"], at(row["last_at"]), row["fingerprint"])


def _told(each: Judged) -> Harm:
    post, verdict = each.post, each.verdict
    return harm_told(f"{post.title} {post.text}", verdict.language, verdict.reasons, (each.brand, *verdict.words))


class Stories:
    """The stories that the posts of one chunk may join. `rows` are the new ones, `grown` says up to when each grew.

    `touched` says up to when others had the same trouble in one: its message is not shown anew for that.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.rows: list[dict[str, Any]] = []
        self.grown: dict[str, datetime] = {}
        self.touched: dict[str, datetime] = {}
        self._candidates: dict[
            tuple[object, ...], list[StoryCandidate]
        ] = {}  # by conversation, and by each band of the words
        # Open critical stories of each brand, with all the harm that is told in them.
        self._critical: dict[str, dict[str, tuple[StoryCandidate, Harm]]] = {}

    def look_up(self, needing: Sequence[Judged], within: timedelta) -> None:
        """Look up, at once for all, the stories that these posts may join, which grew so short a time before."""
        moments = [each.post.posted_at for each in needing]
        since, until = min(moments) - within, max(moments) + within
        for each in needing:
            thread = each.post.thread_id or each.post.native_id
            for place in _places(each.post.source, thread, each.fingerprint):
                self._candidates.setdefault(place, [])
        for row in candidate_stories(
            self.database,
            [each.post.thread_id for each in needing],
            [(bands(each.fingerprint), each.post.posted_at) for each in needing],
            within,
        ):
            self._know(_candidate(row))
        for row in open_critical(self.database, list(dict.fromkeys(each.brand for each in needing)), since, until):
            reasons, names = json.loads(row["reasons"]), json.loads(row["words"])
            told = harm_told(f"{row['title']} {row['text']}", row["language"], reasons, (row["brand"], *names))
            self._add_critical(_candidate(row), told)

    def _add_critical(self, candidate: StoryCandidate, told: Harm) -> None:
        stories = self._critical.setdefault(candidate.brand, {})
        _, before = stories.get(candidate.id, (candidate, Harm()))
        stories[candidate.id] = candidate, before.with_more(told)

    def of_harm(self, each: Judged, within: timedelta) -> StoryCandidate | None:
        """The open critical story that a post is one more voice of: the same harm, told in other words."""
        standing = self._critical.get(each.brand)
        if not standing:
            return None
        told = _told(each)
        for candidate, harm in standing.values():
            if abs(each.post.posted_at - candidate.last_at) <= within and told.is_of(harm):
                return candidate
        return None

    def is_critical(self, each: Judged, candidate: StoryCandidate) -> None:
        """Note what a critical case of this chunk tells: others may be of the same harm."""
        self._add_critical(candidate, _told(each))

    def _know(self, candidate: StoryCandidate) -> None:
        for key in _places(candidate.source, candidate.thread, candidate.fingerprint):
            if (theirs := self._candidates.get(key)) is not None:  # a place that this chunk will ask about
                theirs.append(candidate)

    def near(self, contact: Contact) -> list[StoryCandidate]:
        """The stories that a contact may belong to: few, where comparing with all of a burst would take its square."""
        found: dict[str, StoryCandidate] = {}
        for key in _places(contact.source, contact.thread, contact.fingerprint):
            for candidate in self._candidates.get(key, ()):
                found[candidate.id] = candidate
        return list(found.values())

    def begin(self, case_id: str, contact: Contact, now: datetime) -> StoryCandidate:
        """Begin the story of a case that joins none."""
        candidate = StoryCandidate(
            case_id, contact.brand, contact.source, contact.thread, contact.at, contact.fingerprint
        )
        four = bands(contact.fingerprint)
        self._know(candidate)
        self.rows.append(
            {
                "id": case_id,
                "brand": contact.brand,
                "source": contact.source,
                "thread": contact.thread,
                "opened_at": stamp(now),
                "last_at": stamp(contact.at),
                "fingerprint": contact.fingerprint,
                **{f"band{number}": four[number] for number in range(4)},
            }
        )
        return candidate

    def grew(self, story_id: str, at: datetime) -> None:
        """Note that a story holds a post of this moment."""
        self.grown[story_id] = max(self.grown.get(story_id, at), at)

    def heard(self, story_id: str, at: datetime) -> None:
        """Note that somebody had the same trouble at this moment."""
        self.touched[story_id] = max(self.touched.get(story_id, at), at)

    def touch(self) -> None:
        """Write down how far each reaches."""
        latest = {story: max(at, self.touched.get(story, at)) for story, at in self.grown.items()}
        touch_stories(self.database, {**self.touched, **latest})
