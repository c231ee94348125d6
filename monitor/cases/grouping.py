"""Which story a new case may belong to: those of the store and of this very chunk, by conversation and by likeness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.case import Contact
from monitor.store.database import Database, stamp
from monitor.store.stories import candidate_stories
from monitor.text.similarity import bands
from monitor.types import Judged


@dataclass(frozen=True, slots=True)
class StoryCandidate:
    """A story in the chunk: enough for `policy.joins_story`."""

    id: str
    brand: str
    source: str
    thread: str
    last_at: datetime
    fingerprint: int


def _places(source: str, thread: str, fingerprint: int) -> Iterator[tuple[object, ...]]:
    if thread:
        yield source, thread
    yield from enumerate(bands(fingerprint)) if fingerprint else ()


class Stories:
    """The stories that the posts of one chunk may join. `rows` are the new ones, `grown` says up to when each grew."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.rows: list[dict[str, Any]] = []
        self.grown: dict[str, datetime] = {}
        self._candidates: dict[
            tuple[object, ...], list[StoryCandidate]
        ] = {}  # by conversation, and by each band of the words

    def look_up(self, needing: Sequence[Judged], since: datetime) -> None:
        """Look up, at once for all, the stories since a moment that these posts may join."""
        for each in needing:
            thread = each.post.thread_id or each.post.native_id
            for place in _places(each.post.source, thread, each.fingerprint):
                self._candidates.setdefault(place, [])
        for story in candidate_stories(
            self.database,
            [each.post.thread_id for each in needing],
            [bands(each.fingerprint) for each in needing],
            since,
        ):
            self._know(
                StoryCandidate(story.id, story.brand, story.source, story.thread, story.last_at, story.fingerprint)
            )

    def _know(self, candidate: StoryCandidate) -> None:
        for key in _places(candidate.source, candidate.thread, candidate.fingerprint):
            if key in self._candidates:  # the places that this chunk will ask about
                self._candidates[key].append(candidate)

    def near(self, contact: Contact) -> list[StoryCandidate]:
        """The stories that a contact may belong to: few, where comparing with all of a burst would take its square."""
        found = [
            candidate
            for key in _places(contact.source, contact.thread, contact.fingerprint)
            for candidate in self._candidates.get(key, ())
        ]
        return list({candidate.id: candidate for candidate in found}.values())

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
