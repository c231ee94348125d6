"""Plain frozen values that everything above speaks of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from alerts.case import Lane
from connectors import Post
from connectors.values import value_class

Label = Literal["negative", "neutral", "positive", "unknown"]
SignedLink = Callable[[str, str, str], str]  # (case id, target, purpose) -> address, or "" where there is no page


@value_class(frozen=True, slots=True)
class Verdict:
    """What the judge thinks of one post for one brand.

    `sentiment` runs from -1 to 1 and says nothing when `label` is "unknown" (a language that the scorer does not
    speak). `unhappy` says from 0 to 1 how likely the writer is, whatever the label; below 0 where no model tells.
    `needs_answer` runs from 0 to 1. `lane` is "ping" (sure enough to call people), "sweep" (may need an
    answer) or "none". `reasons` are the words that decided it, in words for people. `scorer` is name and version.
    `critical` holds when it tells of harm that goes on (injury, danger, fire, data of people), or has a word that
    settings call so. `tags` are "stage:delivery", "promise" and the like, for the figures, "hurt" where somebody was
    injured, and "law", "press" and "money" (taken wrongly).
    `praise` is praise worth a thank-you.
    """

    sentiment: float
    label: Label
    needs_answer: float
    lane: Lane
    reasons: tuple[str, ...]
    scorer: str
    language: str
    critical: bool = False
    praise: bool = False
    churn: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    words: tuple[str, ...] = ()  # the words of the brand's query that matched
    unhappy: float = -1.0
    need: float = -1.0  # how much it needs us, from 0 to 1: the order of the list; below 0 where nobody asked

    @property
    def order(self) -> float:
        """What lists are ordered by, the largest first."""
        return self.need if self.need >= 0 else self.needs_answer


@value_class(frozen=True, slots=True)
class Mention:
    """A post about a brand, with its verdict. `case_id` is empty while it belongs to no case."""

    id: str
    brand: str
    post: Post
    verdict: Verdict
    seen_at: datetime
    case_id: str = ""
    flagged: bool = False  # lane "ping": people are called
    suppressed: str = ""  # why a flagged mention has no case (an ignored author, old history, muted)
    repeats: bool = False  # it says no more than somebody else said before: a repost


@value_class(frozen=True, slots=True)
class Judged:
    """A post about a brand with its verdict, ready to be stored. `fingerprint` is 0 where nothing is flagged."""

    post: Post
    post_id: str
    mention_id: str
    brand: str
    verdict: Verdict
    fingerprint: int
    suppressed: str
    joins: str = ""  # who says below whose complaint that it is the same: that person, or "*"
    stranger: bool = False  # nothing in it is about the brand: it is kept only where it joins
    causes: tuple[str, ...] = ()  # the ids of what it is about, two at most
    added: Verdict | None = None  # of what its author's edit says, where it says something new

    @property
    def needs_case(self) -> bool:
        """Whether it may need an answer, and nothing speaks against telling anybody."""
        return self.verdict.lane != "none" and not self.suppressed
