"""The rules of cases, as pure functions that take the time and answer with a reason.

Which case a contact joins, which story a case belongs to, how urgent it is, and whom to tell when.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol, TypeVar

from alerts import hours
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
    stars: float | None = None
    reach: int | None = None
    contacts: int = 1
    unanswered_before: int = 0
    thread_size: int = 1
    praise: bool = False


_ORDINAL = {2: "second", 3: "third", 4: "fourth", 5: "fifth"}


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
    return "normal", ("very unhappy",) if gravity.sentiment <= -0.6 else ()


@dataclass(frozen=True, slots=True)
class Link:
    """One step of an escalation as a case carries it: when, whom, and what to say. Copied when the case opens."""

    at: datetime
    notify: tuple[str, ...]
    reason: str


class StepLike(Protocol):
    """One configured step: `after` is a share of the target ("75%") or a span ("5m")."""

    @property
    def after(self) -> str: ...  # noqa: D102
    @property
    def notify(self) -> tuple[str, ...]: ...  # noqa: D102


def chain(
    steps: Sequence[StepLike],
    start: datetime,
    target: timedelta,
    opening: hours.OpeningHours,
    amount_of: Callable[[str, timedelta], timedelta],
) -> tuple[Link, ...]:
    """The escalation of one case, at moments that are fixed now, so that later settings cannot break it.

    `amount_of` reads a step's `after` for a target. A last link says in words that nobody came.
    """
    links = []
    for step in steps:
        amount = amount_of(step.after, target)
        left = target - amount
        if left > timedelta(0):
            reason = "nobody has it yet"
        elif left == timedelta(0):
            reason = "the target is reached and nobody has it"
        else:
            reason = "overdue and nobody has it"
        links.append(Link(hours.add(start, amount, opening), step.notify, reason))
    if links:
        last = links[-1]
        end = hours.add(last.at, max(target, timedelta(minutes=15)), opening)
        links.append(Link(end, last.notify, "nobody came; this is the last reminder"))
    return tuple(links)


def chain_text(links: Sequence[Link]) -> str:
    """A chain as JSON text, for the case's row."""
    return json.dumps([{**asdict(link), "at": link.at.isoformat()} for link in links], ensure_ascii=False)


@lru_cache(maxsize=2048)
def chain_of(text: str) -> tuple[Link, ...]:
    """The chain that `chain_text` wrote. Kept for a while: a round reads each of them twice."""
    return tuple(
        Link(datetime.fromisoformat(each["at"]), tuple(each["notify"]), each["reason"])
        for each in json.loads(text or "[]")
    )


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done about a case now: `what` is "remind", "claim_expired" or "wake" (a snooze or wait is over)."""

    what: str
    step: int
    reason: str
    notify: tuple[str, ...]


def due(case: Case, now: datetime) -> Due | None:
    """The next thing to do about an open case, or None. Answered and closed cases are left alone."""
    state = case.state_at(now)
    if state in {"closed", "answered", "snoozed", "waiting"} or case.quiet:
        return None
    if case.snoozed_until is not None or case.waiting_until is not None:
        return Due("wake", case.step, "the pause is over", ())
    if state == "taken":
        if case.claim_expires_at is not None and case.claim_expires_at <= now:
            return Due("claim_expired", case.step, f"{case.owner} has it, but there is no answer yet", (case.owner,))
        return None
    links = chain_of(case.chain)
    if case.step < len(links) and links[case.step].at <= now:
        link = links[case.step]
        return Due("remind", case.step + 1, link.reason, link.notify)
    return None


def next_step_at(case: Case, now: datetime) -> datetime | None:
    """When `due` has to be asked again."""
    state = case.state_at(now)
    if state in {"closed", "answered"} or case.quiet:
        return None
    if state == "snoozed":
        return case.snoozed_until
    if state == "waiting":
        return case.waiting_until
    if state == "taken":
        return case.claim_expires_at
    links = chain_of(case.chain)
    return links[case.step].at if case.step < len(links) else None
