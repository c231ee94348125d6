"""What each verb changes in a case, and the line that says so; nothing is stored here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alerts import ladder
from alerts.case import Case, Outcome
from monitor.people.actors import NotPossible
from monitor.people.identity import Actor
from monitor.settings.rules import Rules

THE_CUSTOMER = "the customer"  # whom a case waits on where nobody else is named
LONGEST_REST = timedelta(days=366)  # of a snooze or a wait; a case that comes back never is one that is lost
OUTCOMES: tuple[Outcome, ...] = ("solved", "could_not_be_solved", "no_answer_needed")
WHYS = ("not_us", "not_a_complaint", "spam", "handled_elsewhere")
VERBS = (
    "take", "release", "answered", "not_answered", "close", "dismiss", "snooze", "wait", "assign", "note", "wants",
    "reopen", "undo", "morning", "tag",
)  # fmt: skip


def meaning(  # noqa: PLR0911, PLR0912 - one branch a verb reads better than a table of functions
    rules: Rules, case: Case, verb: str, actor: Actor, now: datetime, detail: dict[str, Any],
    zone: ZoneInfo | None = None,
) -> tuple[dict[str, Any], str]:  # fmt: skip
    """What a verb changes in a case, and the line that says so, by the clocks of `zone` (of none: of the desk).

    No changes: it is so already.
    """
    who = actor.name
    zone = zone or rules.settings.zone
    clock = f"{now.astimezone(zone):%H:%M}"
    if case.closed_at is not None and verb not in {"reopen", "note", "tag", "close", "dismiss"}:
        raise NotPossible(f"case {case.id} is closed ({case.closed_by}); reopen it first")
    if case.outcome == "deleted" and verb == "reopen":
        raise NotPossible(f"nothing is left of case {case.id}, and nobody is left to answer")
    match verb:
        case "take" | "assign":
            owner = actor if verb == "take" else Actor(str(detail["owner_id"]), str(detail["owner"]))
            return _take(rules, case, owner, actor, now, zone)
        case "release":
            return _release(rules, case, str(detail.get("reason", "")), who, now)
        case "answered":
            if case.state_at(now) == "answered" and not case.sent_on:
                return {}, f"already answered by {case.answered_by}"
            moment = _moment_of_reply(detail, now)
            before = detail.get("reply") and case.waits_since <= moment < case.last_posted_at
            moment = moment if before else max(moment, case.last_posted_at)
            changes: dict[str, Any] = {
                "answered_at": moment,
                "answered_by": who,
                "sent_on": 0,
                "held": 0,
                "first_word_at": min(case.first_word_at or moment, moment),
                "answer_url": str(detail.get("url", "")),
                "claim_expires_at": None,
                "snoozed_until": None,
                "waiting_on": "",
                "waiting_until": None,
            }
            text = f"answered by {who}, {clock}"
            if before:  # the clock of what they wrote since runs on
                changes |= {
                    **next_clock(rules, case, case.last_posted_at, now),
                    "asked_at": case.last_posted_at,
                    "first_word_at": None,
                }
                text = f"marked as the answer by {who}; what they wrote since waits"
            return changes, text
        case "not_answered":
            if case.state_at(now) != "answered":
                return {}, f"case {case.id} is not answered"
            return {**unanswered(rules, case, now)}, f"marked as not answered by {who}; the clock is running again"
        case "close" | "dismiss":
            return _close(case, verb, who, now, detail)
        case "snooze":
            until = _moment(detail.get("until"), now, timedelta(hours=1))
            return {"snoozed_until": until}, f"snoozed by {who} until {until.astimezone(zone):%d %b %H:%M}"
        case "morning":
            until = rules.quiet.morning(now)
            if until <= now:
                raise NotPossible("these are not quiet hours; snooze it or take it instead")
            if case.state_at(now) != "open":
                return {}, f"taken by {case.owner}" if case.owner else "nobody is being called about it"
            return {"snoozed_until": until}, f"{who}: it can wait until {until.astimezone(zone):%H:%M}"
        case "wait":
            until = _moment(detail.get("until"), now, timedelta(days=1))
            on = str(detail.get("on") or THE_CUSTOMER)
            return {
                "waiting_on": on,
                "waiting_until": until,
            }, f"waiting on {on} until {until.astimezone(zone):%d %b %H:%M}"
        case "wants":
            wants = str(detail.get("text", "")).strip()[:300]
            return ({"wants": wants} if wants != case.wants else {}), f"wants: {wants}"
        case "tag":
            return _tag(case, str(detail.get("text", "")), who)
        case "note":
            if not str(detail.get("text", "")).strip():
                raise NotPossible("a note needs text")
            return {}, f"note added by {who}"
        case _:
            return _reopen(rules, case, who, now)


def waits_on_customer(case: Case) -> bool:
    """Whether what a case waits for is a word of the person who wrote in."""
    return case.waiting_on.strip().casefold() in {THE_CUSTOMER, "customer"}


MOST_TAGS, LONGEST_TAG = 10, 40


def _tag(case: Case, text: str, who: str) -> tuple[dict[str, Any], str]:
    """Put a tag on a case, or take it off where it is on it: small letters, digits and hyphens."""
    tag = re.sub(r"[\W_]+", "-", text.casefold()).strip("-")[:LONGEST_TAG].strip("-")
    if not tag:
        raise NotPossible("a tag needs a word")
    if tag in case.own_tags:
        left = [each for each in case.own_tags if each != tag]
        return {"own_tags": f" {' '.join(left)} " if left else ""}, f"tag {tag} removed by {who}"
    if len(case.own_tags) >= MOST_TAGS:
        raise NotPossible(f"a case has {MOST_TAGS} tags at most; remove one first")
    return {"own_tags": f" {' '.join((*case.own_tags, tag))} "}, f"tagged {tag} by {who}"


def _reopen(rules: Rules, case: Case, who: str, now: datetime) -> tuple[dict[str, Any], str]:
    """Open a case again that is closed, or that has its answer: from now on the next clock runs."""
    answered = case.answered_at is not None and case.answered_at >= case.last_posted_at
    if case.closed_at is None and not answered:
        return {}, f"case {case.id} is open"
    changes = unanswered(rules, case, now) if answered else next_clock(rules, case, now, now)
    if case.closed_at is not None:
        changes |= {"closed_at": None, "closed_by": "", "outcome": "", "why": ""}
    return changes, f"reopened by {who}"


def next_clock(rules: Rules, case: Case, start: datetime, now: datetime) -> dict[str, Any]:
    """What changes in a case when the clock of its next answer starts: whoever has it is asked when it is due."""
    clock = rules.clock_of(case, start, again=True)
    return {
        "lane": "ping",
        "quiet": 0,
        "due_at": clock.due_at,
        "chain": ladder.chain_text(clock.chain),
        "step": 0,
        "claim_expires_at": max(clock.due_at, now) if case.owner else None,
        "snoozed_until": None,
        "waiting_on": "",
        "waiting_until": None,
    }


def unanswered(rules: Rules, case: Case, now: datetime) -> dict[str, Any]:
    """What changes in a case whose answer was none: the person still waits, and the next clock starts now."""
    return {
        **next_clock(rules, case, now, now),
        "answered_at": None,
        "answered_by": "",
        "answer_url": "",
        "sent_on": 0,
        "held": 0,
    }


def _moment_of_reply(detail: Mapping[str, Any], now: datetime) -> datetime:
    said = detail.get("said_at")
    return min(datetime.fromisoformat(str(said)), now) if said else now


def _take(
    rules: Rules, case: Case, owner: Actor, actor: Actor, now: datetime, zone: ZoneInfo
) -> tuple[dict[str, Any], str]:
    clock = f"{now.astimezone(zone):%H:%M}"
    if not owner.id:
        raise NotPossible("name the new owner")
    if owner.id == case.owner_id:
        return {}, f"{owner.name} already has it"
    if case.owner_id and owner.id == actor.id and case.offered_at is None:
        when = f" at {case.acknowledged_at.astimezone(zone):%H:%M}" if case.acknowledged_at else ""
        return {}, f"{case.owner} already took it{when}"
    due = case.due_at or rules.clock_of(case, now).due_at  # in the list it had none
    return (
        {
            "due_at": due,
            "owner": owner.name,
            "owner_id": owner.id,
            "acknowledged_at": case.acknowledged_at or now,
            "acknowledged_by": case.acknowledged_by or owner.name,
            "claim_expires_at": rules.claim_expiry(case.priority, now),
            "offered_at": None,
            "snoozed_until": None,
            "waiting_on": "",
            "waiting_until": None,
            "lane": "ping",
        },
        f"taken by {owner.name}, {clock}"
        if owner.id == actor.id
        else f"assigned to {owner.name} by {actor.name}, {clock}",
    )


def _release(rules: Rules, case: Case, reason: str, who: str, now: datetime) -> tuple[dict[str, Any], str]:
    if not case.owner:
        return {}, "nobody has taken it"
    fresh = rules.clock_of(case, now)
    return {
        "owner": "",
        "owner_id": "",
        "claim_expires_at": None,
        "offered_at": None,
        "step": 0,
        "chain": ladder.chain_text(fresh.chain),
    }, f"released: {reason}" if reason else f"released by {who}, open again"


def _close(case: Case, verb: str, who: str, now: datetime, detail: dict[str, Any]) -> tuple[dict[str, Any], str]:
    why = str(detail.get("why") or "")
    # How a case ended is said, never assumed: "solved" teaches, and stands in the managers' figures.
    outcome = str(detail.get("outcome") or ("no_answer_needed" if verb == "dismiss" or why else ""))
    if not outcome:
        raise NotPossible(f"set the outcome of case {case.id}: one of {', '.join(OUTCOMES)}")
    if outcome not in OUTCOMES:
        raise NotPossible(f"outcome {outcome!r}: write one of {', '.join(OUTCOMES)}")
    if why and why not in WHYS:
        raise NotPossible(f"why {why!r}: write one of {', '.join(WHYS)}")
    if outcome == "no_answer_needed" and not why:
        why = "not_a_complaint"
    if case.closed_at is not None and (case.outcome, case.why) == (outcome, why):
        return {}, f"already closed by {case.closed_by}"
    words = (why or outcome).replace("_", " ")
    return {
        "closed_at": now,
        "closed_by": who,
        "outcome": outcome,
        "why": why,
        "claim_expires_at": None,
    }, f"closed by {who}: {words}"


def _moment(value: object, now: datetime, default: timedelta) -> datetime:
    """Until when something rests; what has passed would rest nothing, and say that it did."""
    if value is None or value == "":
        return now + default
    moment = value if isinstance(value, datetime) else _written(str(value))
    if moment <= now:
        raise NotPossible("that time has passed; write a future time, such as 2026-11-30T09:00+01:00")
    if moment > now + LONGEST_REST:
        raise NotPossible(f"a case can be paused for {LONGEST_REST.days} days at most; write an earlier time")
    return moment


def _written(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise NotPossible("write a time such as 2026-11-30T09:00+01:00") from error
    if moment.tzinfo is None:
        raise NotPossible("write a time with its zone, such as 2026-11-30T09:00+01:00")
    return moment
