"""What a case is: one author, in one conversation, about one brand. Plain values; the rules are in `policy`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Priority = Literal["critical", "urgent", "normal", "gentle"]
Lane = Literal["ping", "sweep", "none"]
State = Literal["open", "taken", "answered", "closed", "snoozed", "waiting"]
# The last four were said by nobody: its author deleted it, or it closed by itself once answered, left in the list, or
# gone on in private.
Outcome = Literal["solved", "could_not_be_solved", "no_answer_needed", "deleted", "answered", "listed", "went_private"]


PRIORITIES: tuple[Priority, ...] = ("critical", "urgent", "normal", "gentle")


@dataclass(frozen=True, slots=True)
class Contact:
    """What joining needs to know of a mention: who spoke where, and a 64-bit fingerprint of the words."""

    brand: str
    source: str
    author: str
    thread: str
    at: datetime
    fingerprint: int


@dataclass(frozen=True, slots=True)
class Case:
    """One case as it stands. Times say what happened; `state_at` derives the rest. Empty text means "not set"."""

    id: str
    brand: str
    source: str
    thread: str
    author: str
    lane: Lane
    priority: Priority
    priority_reasons: tuple[str, ...]
    opened_at: datetime
    first_posted_at: datetime
    last_posted_at: datetime
    story_id: str
    fingerprint: int = 0
    asked_at: datetime | None = None  # when they wrote again after an answer; None until then
    due_at: datetime | None = None
    owner: str = ""  # the name that is shown
    owner_id: str = ""  # what is compared
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    answered_at: datetime | None = None
    answered_by: str = ""
    sent_on: bool = False  # what was said last only sent them on: it goes on in private, where nobody can see it
    held: bool = False  # somebody said "we are looking into it", and no more since
    first_word_at: datetime | None = None  # of the wait under way or the last one: an answer, or less
    closed_at: datetime | None = None
    closed_by: str = ""
    outcome: str = ""
    why: str = ""
    snoozed_until: datetime | None = None
    waiting_on: str = ""
    waiting_until: datetime | None = None
    wants: str = ""
    tags: tuple[str, ...] = ()  # what its words are about, as judged: "law"
    own_tags: tuple[str, ...] = ()  # that staff put on it
    step: int = 0
    next_step_at: datetime | None = None
    claim_expires_at: datetime | None = None
    offered_at: datetime | None = None  # its owner is away or off shift: whoever is on may take it over
    chain: str = ""
    quiet: bool = False
    resolve_due_at: datetime | None = None

    @property
    def waits_since(self) -> datetime:
        """When the wait began that is under way, or that was the last: with the first post, or when they came back."""
        return self.asked_at or self.first_posted_at

    def state_at(self, now: datetime) -> State:
        """Closed beats answered beats waiting beats snoozed beats taken beats open."""
        if self.closed_at is not None:
            return "closed"
        if self.answered_at is not None and self.answered_at >= self.last_posted_at:
            return "answered"
        if self.waiting_until is not None and self.waiting_until > now:
            return "waiting"
        if self.snoozed_until is not None and self.snoozed_until > now:
            return "snoozed"
        return "taken" if self.owner else "open"


# Outcomes that somebody gave a case, so that it was settled though no reply was seen.
SETTLED = ("solved", "could_not_be_solved", "no_answer_needed", "went_private")


def never_answered(answered_at: object, outcome: str) -> bool:
    """Whether a case of before ended without a word from us: no reply was seen, and nobody said how it was settled."""
    return not answered_at and outcome not in SETTLED
