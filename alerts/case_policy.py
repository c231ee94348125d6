"""The rules of cases, as pure functions that take the time and answer with a reason.

Which case a contact joins, which story a case belongs to, and how urgent it is. Whom to call when: `ladder`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from alerts.case import Case, Contact, Priority

Alike = Callable[[int, int], bool]


def joins(contact: Contact, candidates: Iterable[Case], alike: Alike, within: timedelta) -> Case | None:
    """The case that a contact belongs to: the same author in the same conversation, or saying the same again.

    A closed case is never joined: what is written after it is a new case.
    """
    for case in candidates:
        if case.closed_at is not None or (case.brand, case.source, case.author) != (
            contact.brand,
            contact.source,
            contact.author,
        ):
            continue
        if case.thread == contact.thread:
            return case
        if abs(contact.at - case.last_posted_at) <= within and alike(case.fingerprint, contact.fingerprint):
            return case
    return None


class StoryLike(Protocol):
    """What joining needs of a story."""

    @property
    def brand(self) -> str: ...  # noqa: D102
    @property
    def source(self) -> str: ...  # noqa: D102
    @property
    def thread(self) -> str: ...  # noqa: D102
    @property
    def last_at(self) -> datetime: ...  # noqa: D102
    @property
    def fingerprint(self) -> int: ...  # noqa: D102


S = TypeVar("S", bound=StoryLike)


def joins_story(contact: Contact, stories: Iterable[S], alike: Alike, within: timedelta) -> S | None:
    """The story that a new case shares its message with: the same conversation, or near-identical words anywhere."""
    for story in stories:
        if story.brand != contact.brand or abs(contact.at - story.last_at) > within:
            continue
        if contact.thread and (story.source, story.thread) == (contact.source, contact.thread):
            return story
        if alike(story.fingerprint, contact.fingerprint):
            return story
    return None


@dataclass(frozen=True, slots=True)
class Gravity:
    """What is known when priority is decided. `contacts` counts this author's cases in 30 days, this one included."""

    critical: bool = False
    sentiment: float = 0.0
    needs_answer: float = 0.0
    churn: tuple[str, ...] = ()
    matters: tuple[str, ...] = ()  # tags of a verdict; those of `MATTERS` are urgent
    stars: float | None = None
    reach: int | None = None
    contacts: int = 1
    unanswered_before: int = 0
    thread_size: int = 1
    praise: bool = False


# What is no harm that grows by the minute, and must not wait either; tag -> why.
MATTERS = {"law": "a legal matter", "press": "the press asks", "money": "money taken wrongly"}
_FOR_LEADS = frozenset({"law", "press"})

_ORDINAL = {2: "second", 3: "third", 4: "fourth", 5: "fifth"}


def for_leads(tags: Iterable[str]) -> bool:
    """Whether a post with these tags is for the leads: law and press."""
    return not _FOR_LEADS.isdisjoint(tags)


def ordinal(number: int) -> str:
    """2 -> "second", 7 -> "7th"."""
    return _ORDINAL.get(number, f"{number}th")


def priority(gravity: Gravity, *, wide_reach: int = 10_000, large_thread: int = 10) -> tuple[Priority, tuple[str, ...]]:
    """How urgent, and why in words. Reviews and praise are gentle unless something makes them urgent."""
    reasons: list[str] = []
    if gravity.critical:
        reasons.append("a critical word")
    if gravity.churn:
        reasons.append("says: " + ", ".join(gravity.churn[:2]))
    reasons.extend(MATTERS[tag] for tag in gravity.matters if tag in MATTERS)
    if gravity.contacts >= 3:
        reasons.append(f"{ordinal(gravity.contacts)} contact in 30 days")
    elif gravity.unanswered_before:
        reasons.append("was not answered before")
    if gravity.reach is not None and gravity.reach >= wide_reach:
        reasons.append(f"{gravity.reach:,} followers")
    if gravity.thread_size >= large_thread:
        reasons.append(f"{gravity.thread_size} people in this conversation")
    if gravity.critical:
        return "critical", tuple(reasons)
    if gravity.praise:
        return "gentle", ("praise worth thanks",)
    if reasons:
        return "urgent", tuple(reasons)
    if gravity.stars is not None:
        return "gentle", (f"a review, {gravity.stars:g} of 5 stars",)
    return "normal", ("very negative",) if gravity.sentiment <= -0.6 else ()
