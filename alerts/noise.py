"""How much people are told: the one measure, asked before each sending. Pure; it answers with its reason.

In this order: a story's first critical alert and the calls of a critical case, always; whoever joins a story is a line
in its thread, and the channel hears of it at 3, 10, 30 and 100 people and of each person who is newly hurt; reposts
are an edit; more than `brief_over` at once are one brief; else the hour's `messages_per_hour`; beyond it the brief,
sent again with only what is new every half hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

MILESTONES = (3, 10, 30, 100)  # people in one story: the channel hears of it when it reaches one of these
HOUR = timedelta(hours=1)
REPEAT = timedelta(minutes=30)  # a brief beyond the hour's measure comes again after this, with only what is new
SETTLE = timedelta(
    minutes=5
)  # so long the first message beyond the measure waits for others, and one brief for the next

What = Literal["first", "call", "join", "repost", "message", "appointment"]
How = Literal["message", "thread", "edit", "brief", "wait"]


@dataclass(frozen=True, slots=True)
class Measure:
    """What settings say: messages an hour to one target or person, and how many at once become a brief."""

    messages_per_hour: int = 6
    brief_over: int = 3


@dataclass(frozen=True, slots=True)
class Sending:
    """One thing that is due for one target.

    `what`: a story's first message, a call of a critical case, somebody who joined a story, a repost, any other
    message, or what comes at its appointed time (lists, letters, notices). `critical_told` is whether this target knows
    already that the story is critical. `people` are in the story with this one; the target last heard of `heard_of`.
    `threads`: the story's message stands there, and can be answered. `together` are due at once, this one included.
    """

    what: What
    since: datetime
    critical: bool = False
    critical_told: bool = False
    hurt: bool = False
    people: int = 1
    heard_of: int = 1
    threads: bool = False
    together: int = 1


@dataclass(frozen=True, slots=True)
class Heard:
    """What a target has had in the last hour, and those people on duty whom it concerns; when its last brief was."""

    target: int = 0
    people: Mapping[str, int] = field(default_factory=dict)
    last_brief: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """How it is sent and why. "wait" holds until `until`, and then it is asked again.

    `reached`: it is sent because the story has so many people now.
    """

    how: How
    why: str
    until: datetime | None = None
    reached: int = 0


def milestone(heard_of: int, people: int) -> int:
    """The highest number of people that was reached since the target last heard of the story; 0 for none."""
    return max((mark for mark in MILESTONES if heard_of < mark <= people), default=0)


def decide(  # noqa: PLR0911 - the order of the rules is the rule
    sending: Sending, heard: Heard, measure: Measure, now: datetime
) -> Answer:
    """How one sending leaves: the measure's only answer."""
    if sending.what == "appointment":
        return Answer("message", "it is sent at a set time")
    if sending.what == "call":
        return Answer("message", "reminders for an untaken critical case are never held back")
    if sending.critical and not sending.critical_told:
        return Answer("message", "the first critical alert of a story")
    if sending.what == "join":
        joined = _joined(sending)
        if joined is not None:
            return joined
        return _brief(sending, heard, now, "joined a story that was already alerted", room=False)
    if sending.what == "repost":
        return Answer("edit", "a repost of the same words")
    used = _used(heard, measure)
    room = not used
    if sending.together > measure.brief_over:
        return _brief(sending, heard, now, used or f"{sending.together} at once", room=room)
    if room:
        return Answer("message", f"message {heard.target + 1} of {measure.messages_per_hour} this hour")
    return _brief(sending, heard, now, used, room=False)


def _joined(sending: Sending) -> Answer | None:
    """Another person's own words in a story that was told; None where there is no thread to put them in."""
    if sending.hurt:
        return Answer("message", "one more person is hurt")
    reached = milestone(sending.heard_of, sending.people)
    if reached:
        return Answer("message", f"the story has reached {reached} people", reached=reached)
    if not sending.threads:
        return None
    following = next((mark for mark in MILESTONES if mark > sending.people), 0)
    more = f"; the channel is alerted again at {following}" if following else ""
    return Answer("thread", f"{sending.people} people in one story{more}")


def _used(heard: Heard, measure: Measure) -> str:
    """Why nothing more leaves on its own this hour; empty while there is room.

    A channel that several people read is full when it has had its own, or when all whom it concerns have had theirs.
    """
    most = measure.messages_per_hour
    if heard.target >= most:
        return f"{heard.target} messages in the last hour; the limit is {most}"
    if heard.people and all(had >= most for had in heard.people.values()):
        had = min(heard.people.values())
        return f"{', '.join(sorted(heard.people))} had {had} messages in the last hour; the limit is {most}"
    return ""


def _brief(sending: Sending, heard: Heard, now: datetime, why: str, *, room: bool) -> Answer:
    """One brief for all that waits: soon where the hour has room, else every half hour."""
    if heard.last_brief is not None:
        moment = heard.last_brief + (SETTLE if room else REPEAT)
    else:
        moment = now if room else sending.since + SETTLE
    if moment <= now:
        return Answer("brief", why)
    return Answer("wait", f"{why}: it goes into the next brief", moment)
