"""Who is called about a case, and when: until somebody has it. Pure functions over a case, its chain and the time.

A case carries its configured steps as moments (`Link`), fixed when its clock started. A critical case goes on after the
last of them, with gaps that grow up to two hours; any other case is named in the lists of the desk from then on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

from alerts import hours
from alerts.case import Case

GAPS = (
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
)
AT_NIGHT = 4  # calls to one person between the beginning of quiet hours and their end
ANYBODY = "anybody"  # in a step's `notify`: whoever was not called yet, else whoever was called longest ago
AGAIN = "nobody has taken it yet"


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
    """The configured steps of one case, at moments that are fixed now, so that later settings cannot break it.

    `amount_of` reads a step's `after` for a target.
    """
    links = []
    for step in steps:
        amount = amount_of(step.after, target)
        left = target - amount
        if left > timedelta(0):
            reason = "nobody has taken it yet"
        elif left == timedelta(0):
            reason = "due now, nobody has taken it"
        else:
            reason = "overdue, nobody has taken it"
        links.append(Link(hours.add(start, amount, opening), step.notify, reason))
    return tuple(sorted(links, key=lambda link: link.at))


def chain_text(links: Sequence[Link]) -> str:
    """A chain as JSON text, for the case's row."""
    return json.dumps(
        [{"at": link.at.isoformat(), "notify": link.notify, "reason": link.reason} for link in links],
        ensure_ascii=False,
    )


@lru_cache(maxsize=2048)
def chain_of(text: str) -> tuple[Link, ...]:
    """The chain that `chain_text` wrote. Kept for a while: a round reads each of them twice."""
    return tuple(
        Link(datetime.fromisoformat(each["at"]), tuple(each["notify"]), each["reason"])
        for each in json.loads(text or "[]")
    )


def steps_from(links: Sequence[Link], first: int, *, goes_on: bool) -> Iterator[tuple[int, Link]]:
    """Every step with its number, from number `first` on. Where the ladder `goes_on` this never ends."""
    for number in range(first, len(links)):
        yield number, links[number]
    if not goes_on or not links:
        return
    gap = max((later.at - earlier.at for earlier, later in pairwise(links)), default=GAPS[0])
    at, number = links[-1].at, len(links)
    while True:
        gap = next((each for each in GAPS if each > gap), GAPS[-1])
        at += gap
        if number >= first:
            yield number, Link(at, (ANYBODY,), AGAIN)
        number += 1


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done about a case now: `what` is "remind", "claim_expired" or "wake" (a snooze or wait is over).

    `step` is how many steps are behind the case once it is done; those that are overdue together are one, and call
    everybody whom any of them calls.
    """

    what: str
    step: int
    reason: str
    notify: tuple[str, ...]


def due(case: Case, now: datetime) -> Due | None:
    """The next thing to do about an open case, or None. Answered and closed cases are left alone.

    Nobody is called for a quiet one; whoever took it, or paused it, is reminded of that as of any other.
    """
    state = case.state_at(now)
    if state in {"closed", "answered", "snoozed", "waiting"}:
        return None
    if case.snoozed_until is not None or case.waiting_until is not None:
        step = _overdue(case, now) if not case.quiet else None
        reason = "the snooze is over" if case.waiting_until is None else "the wait is over"
        return Due("wake", step.step if step else case.step, reason, step.notify if step else ())
    if state == "taken":
        if case.claim_expires_at is not None and case.claim_expires_at <= now:
            return Due("claim_expired", case.step, f"taken by {case.owner}, but not answered yet", (case.owner,))
        return None
    return _overdue(case, now) if not case.quiet else None


def _overdue(case: Case, now: datetime) -> Due | None:
    """All steps whose moment has come, as one."""
    passed: list[tuple[int, Link]] = []
    until = now
    steps = steps_from(chain_of(case.chain), case.step, goes_on=case.priority == "critical")
    for number, link in steps:
        if link.at > now and not passed and _woken(case, now):
            until = now + GAPS[-2]  # that step, where it is near, is done with this call
        if link.at > until:
            break
        passed.append((number, link))
    if not passed and _woken(case, now):
        return Due("remind", case.step, AGAIN, (ANYBODY,))
    if not passed:
        return None
    names = dict.fromkeys(name for _, link in passed for name in link.notify)
    return Due("remind", passed[-1][0] + 1, passed[-1][1].reason, tuple(names))


def _woken(case: Case, now: datetime) -> bool:
    """Whether a call comes before its step's own moment: a night has ended, or a pause."""
    return calls_on(case) and case.next_step_at is not None and case.next_step_at <= now


def next_step_at(case: Case, now: datetime, step: int | None = None) -> datetime | None:
    """When `due` has to be asked again; None where nothing is left of its ladder. `step`: as if so many were behind."""
    state = case.state_at(now)
    if state in {"closed", "answered"} or (case.quiet and state == "open"):
        return None
    if state == "snoozed":
        return case.snoozed_until
    if state == "waiting":
        return case.waiting_until
    if state == "taken":
        return case.claim_expires_at
    first = case.step if step is None else step
    steps = steps_from(chain_of(case.chain), first, goes_on=case.priority == "critical")
    return next((link.at for _, link in steps), None)


def behind(links: Sequence[Link], now: datetime, *, goes_on: bool) -> int:
    """How many steps are behind a case that is told of late: those that have passed, and all that would call soon."""
    for number, link in steps_from(links, 0, goes_on=goes_on):
        if link.at > (now + GAPS[-2] if goes_on else now):
            return number
    return len(links)


def calls_on(case: Case) -> bool:
    """Whether the steps that settings give are behind a case, and it is called for again and again."""
    return case.priority == "critical" and 0 < len(chain_of(case.chain)) <= case.step


def whom(
    on_duty: Sequence[str],
    leads: Sequence[str],
    others: Sequence[str],
    called: Sequence[str],
    tired: Collection[str] = (),
) -> str:
    """The one person to call now; empty if there is nobody.

    `called` are the names of those who were called about the case, in that order. Whoever was not called comes before
    anybody is called twice: on duty first, then leads, then the `others`. After that it is whoever of those on duty and
    the leads was called least often, and of these longest ago. Nobody who is `tired` is called.
    """
    first = [name for name in dict.fromkeys((*on_duty, *leads)) if name not in tired]
    for name in (*first, *(name for name in others if name not in tired)):
        if name not in called:
            return name
    again = first or [name for name in others if name not in tired]
    last = {name: place for place, name in enumerate(called)}
    return min(again, key=lambda name: (called.count(name), last[name]), default="")
