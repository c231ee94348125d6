"""What follows from a public reply of ours that was seen: which clock stops, which runs on, and who keeps the case."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts import ladder
from alerts.case import Case
from monitor.cases import actions, showing, verbs
from monitor.cases.reply_kinds import Kind
from monitor.people import duty
from monitor.people.identity import Actor, of_settings
from monitor.settings.rules import Rules
from monitor.store import case_log, cases
from monitor.store.database import Database

_SIGNATURE = re.compile(
    r"(?:[\^~*/–—-]\s?|(?:regards|best|gru[sß]e?|cordialement|saludos|saluti|groet(?:jes)?),?\s+)([^\W\d_]+)\W*$", re.I
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A public reply of ours, as it was read: what it is, why, when it was said, by which account, in which words."""

    kind: Kind
    reason: str
    at: datetime
    who: str
    url: str
    text: str = ""


def record_reply(database: Database, rules: Rules, case: Case, reply: Reply, now: datetime) -> bool:
    """Let follow what follows; True when the wait of this person ended by it. Inside a transaction.

    An *answer* and one that *sends on* stop the clock with the network's own time; the second stays with somebody and
    calls nobody. *Holding* stops the reminders, and the next clock runs, once. What is automatic is only kept.

    One dated before its post (a review edited later) counts as zero and is marked. One that is older than what the
    person wrote last answers what came before that: the clock of the next answer runs from there. The first answer of
    a wait is the one that counts, whatever is said after it; an older one that is seen later takes its place.
    """
    if reply.kind == "automatic":
        case_log.note(database, case.id, now, "automatic reply", who=reply.who, way="network", **_said(reply))
        return False
    backdated = reply.at < case.first_posted_at
    if case.answered_at is not None:
        if case.answered_at >= case.last_posted_at:
            return _after_an_answer(database, case, reply, now)
        if backdated or reply.at < case.waits_since:
            return False  # it speaks of what was answered before they wrote again
    if reply.kind == "holding":
        _hold(database, rules, case, reply, now)
        return False
    _answer(database, rules, case, reply, now, backdated=backdated)
    return True


def _said(reply: Reply) -> dict[str, Any]:
    return {"kind": reply.kind, "reason": reply.reason, "url": reply.url, "answered_at": reply.at.isoformat()}


def _before(database: Database, case: Case, changes: dict[str, Any]) -> dict[str, Any]:
    """What a reply changes, as it was: so that a reply that was seen can be undone like a verb."""
    row = cases.row_of(database, case.id)
    assert row is not None
    return {key: row[key] for key in changes if key in actions.UNDOABLE}


def _hold(database: Database, rules: Rules, case: Case, reply: Reply, now: datetime) -> None:
    """ "We are looking into it": no reminders until the next target is reached; said again, it stops nothing."""
    if case.held or reply.at < case.waits_since:
        case_log.note(database, case.id, now, "first word again", who=reply.who, way="network", **_said(reply))
        return
    changes: dict[str, Any] = {"held": 1, "first_word_at": case.first_word_at or reply.at}
    if not case.quiet:
        owner = Actor(case.owner_id, case.owner) if case.owner else keeper(database, rules, case, reply.text, now)
        clock = rules.clock_of(case, reply.at, again=True)
        changes |= {
            "lane": "ping",
            "owner": owner.name,
            "owner_id": owner.id,
            "acknowledged_at": case.acknowledged_at or (reply.at if owner.id else None),
            "acknowledged_by": case.acknowledged_by or owner.name,
            "due_at": clock.due_at,
            "chain": ladder.chain_text(clock.chain),
            "step": 0,
            "claim_expires_at": clock.due_at if owner.id else None,
        }
    before = _before(database, case, changes)
    cases.change(database, case.id, **changes)
    after = _moved_on(database, rules, case.id, now)
    case_log.note(database, case.id, now, "first word", who=reply.who, way="network", before=before, **_said(reply))
    showing.show_again(database, after, now, "first word")


def _answer(database: Database, rules: Rules, case: Case, reply: Reply, now: datetime, *, backdated: bool) -> None:
    moment = max(reply.at, case.last_posted_at) if backdated else reply.at
    sent_on = reply.kind == "sent_on"
    changes: dict[str, Any] = {
        "answered_at": moment,
        "answered_by": reply.who,
        "answer_url": reply.url,
        "sent_on": int(sent_on),
        "held": 0,
        "first_word_at": min(case.first_word_at or moment, moment),
        "backdated": int(backdated),
        "claim_expires_at": None,
        "snoozed_until": None,
        "waiting_until": None,
        "waiting_on": "",
        "next_step_at": None,
    }
    if sent_on and not case.quiet and not case.owner:
        owner = keeper(database, rules, case, reply.text, now)
        changes |= {"owner": owner.name, "owner_id": owner.id}
    if moment < case.last_posted_at:  # it answers what came before: the clock of what they wrote last runs on
        clock = rules.clock_of(case, case.last_posted_at, again=True)
        changes |= {
            "asked_at": case.last_posted_at,
            "first_word_at": None,
            "due_at": clock.due_at,
            "chain": ladder.chain_text(clock.chain) if case.lane == "ping" and not case.quiet else "[]",
            "step": 0,
            "claim_expires_at": rules.claim_expiry(case.priority, now) if case.owner else None,
        }
    before = _before(database, case, changes)
    cases.change(database, case.id, **changes)
    after = _moved_on(database, rules, case.id, now)
    more = {"next_since": case.last_posted_at.isoformat()} if moment < case.last_posted_at else {}
    said = {**_said(reply), "answered_at": moment.isoformat()}
    case_log.note(
        database, case.id, now, "answered", who=reply.who, way="network", sent_on=sent_on, backdated=backdated,
        before=before, **said, **more,
    )  # fmt: skip
    if not case.quiet:  # a file of old reviews with their replies is not what staff say today
        actions.teach(database, case, "answered", {}, Actor("", reply.who), "network", now)
    showing.show_again(database, after, now, "sent on" if sent_on else "answered")


def _after_an_answer(database: Database, case: Case, reply: Reply, now: datetime) -> bool:
    """A public reply to somebody who has their answer: an earlier one counts, and so does the answer after "DM us"."""
    assert case.answered_at is not None
    if reply.at < case.last_posted_at or reply.kind == "holding":
        return False
    earlier = reply.at < case.answered_at
    settled_in_public = case.sent_on and reply.kind == "answer"
    if not earlier and not settled_in_public:
        return False
    sent_on = int(case.sent_on and reply.kind == "sent_on")  # who was answered as well was not only sent on
    if case.sent_on is False and reply.kind == "sent_on":
        # Sent on first and answered later: the answer stays the answer, the first word was earlier.
        first = min(case.first_word_at or reply.at, reply.at)
        cases.change(database, case.id, first_word_at=first)
        case_log.note(database, case.id, now, "first word earlier", who=reply.who, way="network", **_said(reply))
        return False
    changes: dict[str, Any] = {
        "answered_at": reply.at,
        "answered_by": reply.who,
        "answer_url": reply.url,
        "sent_on": sent_on,
        "first_word_at": min(case.first_word_at or reply.at, reply.at),
    }
    before = _before(database, case, changes)
    cases.change(database, case.id, **changes)
    what = "answered earlier" if earlier else "answered in public"
    case_log.note(
        database, case.id, now, what, who=reply.who, way="network", sent_on=bool(sent_on), before=before, **_said(reply)
    )
    after = cases.one(database, case.id)
    assert after is not None
    showing.show_again(database, after, now, "answered")
    return True


def _moved_on(database: Database, rules: Rules, case_id: str, now: datetime) -> Case:
    """Set when the case is to be looked at next; the case as it stands."""
    changed = cases.one(database, case_id)
    assert changed is not None
    cases.change(database, case_id, next_step_at=rules.next_step_at(changed, now))
    after = cases.one(database, case_id)
    assert after is not None
    return after


def keeper(database: Database, rules: Rules, case: Case, text: str, now: datetime) -> Actor:
    """With whom a case stays that somebody wrote in and nobody has: whoever signed, was last called, or leads now.

    Nobody who is away, unless they signed it.
    """
    signed = _SIGNATURE.search(text)
    if signed is not None:
        named = [name for name in rules.people if name.split()[0].casefold() == signed[1].casefold()]
        if len(named) == 1:
            return of_settings(named[0])
    rules = duty.aware(database, rules, now)
    for line in reversed(case_log.of_case(database, case.id)):
        names = [name for name in line.detail.get("people", ()) if name in rules.people]
        called = [name for name in names if not rules.is_away(name, now)]
        if line.what == "remind" and called:
            return of_settings(called[-1])
    on_duty = rules.on_duty(now)
    leads = [person.name for person in on_duty if person.role in {"lead", "admin"}]
    leads += [person.name for person in rules.people_called("leads", now)]
    alone = [one.name for one in rules.members if not rules.is_away(one.name, now)] if len(rules.people) == 1 else []
    return of_settings(next(iter([*leads, *alone]), ""))


def take_back(database: Database, rules: Rules, case: Case, url: str, why: str, now: datetime) -> None:
    """What answered a case was said by a machine: the person still waits."""
    if case.closed_at is not None:
        return
    row = cases.row_of(database, case.id)
    assert row is not None
    if case.state_at(now) == "answered" and row["answer_url"] == url:
        changes: dict[str, Any] = verbs.unanswered(rules, case, now)
        if case.quiet or case.lane != "ping":
            changes |= {"lane": case.lane, "quiet": int(case.quiet), "chain": "[]"}
        before = _before(database, case, changes)
        cases.change(database, case.id, **changes)
        after = _moved_on(database, rules, case.id, now)
        case_log.note(database, case.id, now, "not_answered", way="intake", reason=why, unanswered=True, before=before)
        showing.show_again(database, after, now, "not answered")


def close_sent_on(database: Database, before: datetime, now: datetime) -> int:
    """Close what went on in private so long ago that nobody will say how it ended; how many."""
    closed = 0
    while cases.sent_on(database, before, limit=1):
        with database.transaction():
            rows = cases.sent_on(database, before)  # as they stand by now: somebody may just have said how one ended
            for row in rows:
                cases.change(
                    database, row["id"], closed_at=now, closed_by="Earful", outcome="went_private", next_step_at=None
                )
                case_log.note(database, row["id"], now, "close", who="Earful", way="escalation", outcome="went_private")
                after = cases.one(database, row["id"])
                assert after is not None
                showing.show_again(database, after, now, "moved to private messages, outcome unknown")
        closed += len(rows)
    return closed
