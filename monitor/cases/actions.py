"""What can be said of a case, whichever way it comes in: a button, a link, a page, the command line.

Every verb is idempotent, logged (who, what, when, by which way), and can be undone for ten minutes. All of it runs in
one transaction with what follows from it: the message that shows the case is edited, and the judge is taught.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerts import ladder
from alerts.case import Case, Outcome
from monitor.cases import night_calls
from monitor.people.identity import NOBODY, Actor, Directory, of_name
from monitor.people.reach import reached
from monitor.settings.rules import Rules
from monitor.store import cases, deliveries, key_values, mentions
from monitor.store.database import Database
from monitor.text.normalize import clean

UNDO_WITHIN = timedelta(minutes=10)
OUTCOMES: tuple[Outcome, ...] = ("solved", "could_not_be_solved", "no_answer_needed")
WHYS = ("not_us", "not_a_complaint", "spam", "handled_elsewhere")
VERBS = (
    "take", "release", "answered", "close", "dismiss", "snooze", "wait", "assign", "note", "wants", "reopen", "undo",
    "morning",
)  # fmt: skip
# What a verb changes, so that undo can put it back.
_UNDOABLE = (
    "owner", "owner_id", "acknowledged_at", "acknowledged_by", "answered_at", "answered_by", "answer_url", "sent_on",
    "closed_at", "closed_by", "outcome", "why", "snoozed_until", "waiting_on", "waiting_until", "wants", "step",
    "next_step_at", "claim_expires_at", "due_at", "chain", "lane", "quiet",
)  # fmt: skip
# The messages that show how their cases stand, edited when that changes; a reminder is said once.
_SHOWN = ("story", "brief", "join", "lines", "growth")
_TAUGHT = {"not_us": "not_us", "not_a_complaint": "not_a_complaint", "spam": "spam"}


@dataclass(frozen=True, slots=True)
class Said:
    """What came of it, in words for the person who said it. `changed` is False when it was so already."""

    case: Case | None
    changed: bool
    text: str


class NotPossible(Exception):
    """This cannot be said of this case; the message tells the person why and what to do instead."""


def say(
    database: Database,
    rules: Rules,
    case_id: str,
    verb: str,
    *,
    who: Actor | str,
    way: str,
    now: datetime,
    detail: Mapping[str, Any] | None = None,
) -> Said:
    """Say `verb` of a case: `who` is somebody by their id, or a name of the list of people.

    Raises NotPossible for an unknown case, verb, person or missing detail.
    """
    with database.transaction():
        return say_within(database, rules, case_id, verb, who=who, way=way, now=now, detail=detail or {})


def say_within(
    database: Database,
    rules: Rules,
    case_id: str,
    verb: str,
    *,
    who: Actor | str,
    way: str,
    now: datetime,
    detail: Mapping[str, Any],
) -> Said:
    """As `say`, inside a transaction that is open already."""
    directory = Directory(database, rules.settings)
    case_id, actor = clean(case_id), _actor(directory, who)
    detail = {key: clean(value) if isinstance(value, str) else value for key, value in detail.items()}
    note = str(detail.pop("note", "")) if verb == "assign" else ""
    row = cases.row_of(database, case_id)
    if row is None:
        raise NotPossible(f"there is no case {case_id}; earful cases lists them")
    case = cases.case_of(row)
    if verb == "undo":
        return _undo(database, rules, case, actor, way, now)
    if verb not in VERBS:
        raise NotPossible(f"{verb!r} cannot be said of a case; write one of: {', '.join(VERBS)}")
    if verb == "assign":
        owner = _owner(directory, detail.get("owner", ""), actor)
        detail = {**detail, "owner": owner.name, "owner_id": owner.id}
    # A case keeps the id under which somebody took it: it may be another one by which they are known now.
    had = directory.resolve(Actor(case.owner_id, case.owner))
    changes, text = _meaning(rules, replace(case, owner=had.name, owner_id=had.id), verb, actor, now, dict(detail))
    if not changes and verb not in {"note"}:
        return Said(case, False, text)
    before = {key: row[key] for key in _UNDOABLE if key in changes}
    if changes:
        cases.change(database, case.id, **changes)
    after = cases.one(database, case.id)
    assert after is not None
    if verb != "note":
        cases.change(database, case.id, next_step_at=rules.next_step_at(after, now))
    by: dict[str, Any] = {"who": actor.name, "who_id": actor.id, "way": way}
    cases.log(database, case.id, now, verb, **by, before=before, **_plain(detail))
    _teach(database, after, verb, changes, actor, way, now)
    if note:
        cases.log(database, case.id, now, "note", **by, text=note)
    if verb == "assign" and after.owner_id != actor.id:
        call_owner(database, rules, after.id, actor.name, now, note=note)
    if verb == "morning":
        _rest_the_others(database, rules, case.id, actor, way, now)
    show_again(database, after, now, text)
    return Said(cases.one(database, case.id), True, text)


def _rest_the_others(database: Database, rules: Rules, case_id: str, actor: Actor, way: str, now: datetime) -> None:
    """One press ends the night's calls: what was named in the same call rests as well, and says so in its own log."""
    for other in night_calls.named_with(database, case_id, rules, now):
        row = cases.row_of(database, other)
        case = cases.case_of(row) if row is not None else None
        if row is None or case is None or case.state_at(now) != "open":
            continue
        until = rules.quiet.quiet_until(now)
        before = {key: row[key] for key in ("snoozed_until", "next_step_at")}
        cases.change(database, other, snoozed_until=until, next_step_at=until)
        cases.log(
            database, other, now, "morning", who=actor.name, who_id=actor.id, way=way, before=before, beside=case_id
        )
        after = cases.one(database, other)
        assert after is not None
        show_again(database, after, now, f"{actor.name} says that it can wait until morning")


def _actor(directory: Directory, who: Actor | str) -> Actor:
    """Who says it, under the id that counts; a name in words is looked up in the list of people."""
    if isinstance(who, Actor):
        return directory.resolve(Actor(clean(who.id), clean(who.name)))
    name = clean(who)
    return directory.find(name) or of_name(name)


def _owner(directory: Directory, owner: object, actor: Actor) -> Actor:
    """Whom a case is given to. Raises NotPossible for a name that nobody bears."""
    if isinstance(owner, Actor):
        return directory.resolve(Actor(clean(owner.id), clean(owner.name)))
    if not owner:
        raise NotPossible("say who is to have it")
    found = actor if owner == actor.id else directory.find(str(owner))
    if found is None:
        raise NotPossible(directory.nobody(str(owner)))
    return found


def call_owner(database: Database, rules: Rules, case_id: str, who: str, now: datetime, *, note: str = "") -> None:
    """Call whom a case was given to: below its message, and where else settings reach them."""
    row = cases.row_of(database, case_id)
    assert row is not None
    route = json.loads(row["targets"] or "[]") or list(rules.settings.alerts.notify)
    deliveries.queue(
        database,
        [
            deliveries.new_row(
                about=f"case:{case_id}",
                target=each.target,
                now=now,
                due_at=now,
                reason=f"handed to {row['owner']} by {who}",
                story_id=row["story_id"],
                step=1,
                priority=row["priority"],
                urgent=row["priority"] == "critical",
                payload={"ping": list(each.ping), "owner": True, "footer": f"{who}: {note}" if note else ""},
                key=now.isoformat(),
            )
            for each in reached(rules, row["owner_id"], route, now)
        ],
    )


def _plain(detail: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in detail.items()}


def _meaning(  # noqa: PLR0911, PLR0912 - one branch a verb reads better than a table of functions
    rules: Rules, case: Case, verb: str, actor: Actor, now: datetime, detail: dict[str, Any]
) -> tuple[dict[str, Any], str]:
    """What a verb changes in a case, and the line that says so. No changes: it is so already."""
    who = actor.name
    zone = rules.settings.zone
    clock = f"{now.astimezone(zone):%H:%M}"
    if case.closed_at is not None and verb not in {"reopen", "note", "close", "dismiss"}:
        raise NotPossible(f"case {case.id} is closed ({case.closed_by}); reopen it first")
    match verb:
        case "take" | "assign":
            owner = actor if verb == "take" else Actor(str(detail["owner_id"]), str(detail["owner"]))
            return _take(rules, case, owner, actor, now, clock)
        case "release":
            return _release(rules, case, str(detail.get("reason", "")), who, now)
        case "answered":
            if case.state_at(now) == "answered":
                return {}, f"answered already, by {case.answered_by}"
            return {
                "answered_at": max(now, case.last_posted_at),
                "answered_by": who,
                "answer_url": str(detail.get("url", "")),
                "claim_expires_at": None,
                "snoozed_until": None,
                "waiting_on": "",
                "waiting_until": None,
            }, f"answered by {who}, {clock}"
        case "close" | "dismiss":
            return _close(case, verb, who, now, detail)
        case "snooze":
            until = _moment(detail.get("until"), now, timedelta(hours=1))
            return {"snoozed_until": until}, f"snoozed by {who} until {until.astimezone(zone):%d %b %H:%M}"
        case "morning":
            until = rules.quiet.quiet_until(now)
            if until <= now:
                raise NotPossible("it is not night; snooze it instead, or take it")
            if case.state_at(now) != "open":
                return {}, f"{case.owner} has it" if case.owner else "nobody is called for it"
            return {"snoozed_until": until}, f"{who} says that it can wait until {until.astimezone(zone):%H:%M}"
        case "wait":
            until = _moment(detail.get("until"), now, timedelta(days=1))
            on = str(detail.get("on") or "the customer")
            return {
                "waiting_on": on,
                "waiting_until": until,
            }, f"waiting on {on} until {until.astimezone(zone):%d %b %H:%M}"
        case "wants":
            wants = str(detail.get("text", "")).strip()[:300]
            return ({"wants": wants} if wants != case.wants else {}), f"wants: {wants}"
        case "note":
            if not str(detail.get("text", "")).strip():
                raise NotPossible("a note needs its text")
            return {}, f"{who} noted something"
        case _:  # reopen
            if case.closed_at is None:
                return {}, f"case {case.id} is open"
            return {"closed_at": None, "closed_by": "", "outcome": "", "why": ""}, f"opened again by {who}"


def _take(
    rules: Rules, case: Case, owner: Actor, actor: Actor, now: datetime, clock: str
) -> tuple[dict[str, Any], str]:
    if not owner.id:
        raise NotPossible("say who is to have it")
    if owner.id == case.owner_id:
        return {}, f"{owner.name} has it already"
    if case.owner_id and owner.id == actor.id:
        since = f" since {case.acknowledged_at.astimezone(rules.settings.zone):%H:%M}" if case.acknowledged_at else ""
        return {}, f"{case.owner} was first and has it{since}"
    due = case.due_at or rules.clock(case.priority, now).due_at  # in the sweep list it had none
    return {
        "due_at": due,
        "owner": owner.name,
        "owner_id": owner.id,
        "acknowledged_at": case.acknowledged_at or now,
        "acknowledged_by": case.acknowledged_by or owner.name,
        "claim_expires_at": rules.claim_expiry(case.priority, now),
        "snoozed_until": None,
        "waiting_on": "",
        "waiting_until": None,
        "lane": "ping",
    }, f"taken by {owner.name}, {clock}" if owner.id == actor.id else f"given to {owner.name} by {actor.name}, {clock}"


def _release(rules: Rules, case: Case, reason: str, who: str, now: datetime) -> tuple[dict[str, Any], str]:
    if not case.owner:
        return {}, "nobody has it"
    fresh = rules.clock(case.priority, now)
    return {
        "owner": "",
        "owner_id": "",
        "claim_expires_at": None,
        "step": 0,
        "chain": ladder.chain_text(fresh.chain),
    }, f"released: {reason}" if reason else f"released by {who}; open again"


def _close(case: Case, verb: str, who: str, now: datetime, detail: dict[str, Any]) -> tuple[dict[str, Any], str]:
    why = str(detail.get("why") or "")
    # How a case ended is said, never assumed: "solved" teaches, and stands in the managers' figures.
    outcome = str(detail.get("outcome") or ("no_answer_needed" if verb == "dismiss" or why else ""))
    if not outcome:
        raise NotPossible(f"say how case {case.id} ended, as outcome: one of {', '.join(OUTCOMES)}")
    if outcome not in OUTCOMES:
        raise NotPossible(f"outcome {outcome!r}: write one of {', '.join(OUTCOMES)}")
    if why and why not in WHYS:
        raise NotPossible(f"why {why!r}: write one of {', '.join(WHYS)}")
    if outcome == "no_answer_needed" and not why:
        why = "not_a_complaint"
    if case.closed_at is not None and (case.outcome, case.why) == (outcome, why):
        return {}, f"closed already, by {case.closed_by}"
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
        raise NotPossible("that time has passed; write one to come, as 2026-11-30T09:00+01:00")
    return moment


def _written(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise NotPossible("write a time as 2026-11-30T09:00+01:00") from error
    if moment.tzinfo is None:
        raise NotPossible("write a time with its zone, as 2026-11-30T09:00+01:00")
    return moment


def _undo(database: Database, rules: Rules, case: Case, actor: Actor, way: str, now: datetime) -> Said:
    lines = [
        line
        for line in cases.log_of(database, case.id)
        if line.undone_at is None and line.what in VERBS and line.what != "undo" and "before" in line.detail
    ]
    if not lines or now - lines[-1].at > UNDO_WITHIN:
        raise NotPossible(f"nothing was said of case {case.id} in the last ten minutes that could be taken back")
    line = lines[-1]
    if line.detail["before"]:
        cases.change(database, case.id, **line.detail["before"])
        restored = cases.one(database, case.id)
        assert restored is not None
        cases.change(database, case.id, next_step_at=rules.next_step_at(restored, now))
    cases.mark_undone(database, line.n, now)
    spoken_of = [mention.id for mention in mentions.of_case(database, case.id)]
    key_values.undo_labels(database, spoken_of, line.who_id, line.at, now)
    cases.log(database, case.id, now, "undo", who=actor.name, who_id=actor.id, way=way, undone=line.what)
    after = cases.one(database, case.id)
    assert after is not None
    text = f"{line.what} taken back by {actor.name}"
    show_again(database, after, now, text)
    return Said(after, True, text)


def _teach(
    database: Database, case: Case, verb: str, changes: Mapping[str, Any], actor: Actor, way: str, now: datetime
) -> None:
    """Every answer of a person is a label: dismissed with its reason, or worth an answer.

    The brand's own reply on the network is one too: who answers there presses no button, and would only teach "no".
    Whoever thanks for praise has not said that it was a complaint.
    """
    answer = ""
    if verb in {"close", "dismiss"}:
        answer = "yes" if changes.get("outcome") in {"solved", "could_not_be_solved"} else _TAUGHT.get(case.why, "")
    elif verb in {"take", "answered"}:
        answer = "yes"
    if answer:
        for mention in mentions.of_case(database, case.id):
            thanked = answer == "yes" and mention.verdict.praise
            if mention.verdict.lane != "none" and not thanked:
                key_values.add_label(database, case.brand, mention.id, answer, actor.name, way, now, who_id=actor.id)


def show_again(database: Database, case: Case, now: datetime, reason: str) -> None:
    """Have every message that shows this case edited in place, at once."""
    for line in night_calls.lines_with(database, case, now):
        if line.state in {"sent", "inflight", "unknown"}:
            deliveries.queue_edit(database, line, now, now, reason, urgent=True)
    for delivery in deliveries.messages_of_stories(database, [case.story_id]):
        about, _, key = delivery.about.partition(":")
        if (about in {"case", "join"} and key != case.id) or about in {"lines", "growth", "calls"}:
            continue  # what several share is found by the row of this case that it carries
        root = delivery
        if delivery.carrier:
            carrier = deliveries.one(database, delivery.carrier)
            root = carrier or delivery
        if root.state in {"sent", "inflight", "unknown"} and root.about.partition(":")[0] in _SHOWN:
            deliveries.queue_edit(database, root, now, now, reason, urgent=True)


def record_answer(
    database: Database,
    rules: Rules,
    case: Case,
    *,
    answered_at: datetime,
    who: str,
    url: str,
    sent_on: bool,
    now: datetime,
) -> bool:
    """The brand's own public reply was seen: the clock of this person stops, with the network's own time.

    One dated before its post (a review edited later) counts as zero and is marked. One that is older than what the
    person wrote last answers what came before that: the clock of the next answer runs from there.

    The first answer of a wait is the one that counts, whatever is said after it; an older one that is seen later takes
    its place. A new wait begins when the person writes again. False: the clocks stand as they stood.
    """
    backdated = answered_at < case.first_posted_at
    if case.answered_at is not None:
        if case.answered_at >= case.last_posted_at:
            return _answered_earlier(database, case, answered_at, who=who, url=url, sent_on=sent_on, now=now)
        if backdated or answered_at < case.waits_since:
            return False  # it speaks of what was answered before they wrote again
    moment = max(answered_at, case.last_posted_at) if backdated else answered_at
    cases.change(
        database,
        case.id,
        answered_at=moment,
        answered_by=who,
        answer_url=url,
        sent_on=int(sent_on),
        backdated=int(backdated),
        claim_expires_at=None,
        snoozed_until=None,
        waiting_until=None,
        waiting_on="",
        next_step_at=None,
    )
    more = {"next_since": case.last_posted_at.isoformat()} if moment < case.last_posted_at else {}
    cases.log(
        database, case.id, now, "answered", who=who, way="network", url=url, sent_on=sent_on, backdated=backdated,
        answered_at=moment.isoformat(), **more,
    )  # fmt: skip
    if not case.quiet:  # a file of old reviews with their replies is not what staff say today
        _teach(database, case, "answered", {}, replace(NOBODY, name=who), "network", now)
    if moment < case.last_posted_at:
        cases.change(database, case.id, asked_at=case.last_posted_at)
        clock = rules.clock(case.priority, case.last_posted_at, again=True)
        chain = ladder.chain_text(clock.chain) if case.lane == "ping" and not case.quiet else "[]"
        claim = rules.claim_expiry(case.priority, now) if case.owner else None
        cases.change(database, case.id, due_at=clock.due_at, chain=chain, step=0, claim_expires_at=claim)
        waiting = cases.one(database, case.id)
        assert waiting is not None
        cases.change(database, case.id, next_step_at=rules.next_step_at(waiting, now))
    after = cases.one(database, case.id)
    assert after is not None
    show_again(database, after, now, "sent on" if sent_on else "answered")
    return True


def _answered_earlier(
    database: Database, case: Case, answered_at: datetime, *, who: str, url: str, sent_on: bool, now: datetime
) -> bool:
    """A public reply to somebody who has an answer already: it counts if it was there before that one was."""
    assert case.answered_at is not None
    if not case.last_posted_at <= answered_at < case.answered_at:
        return False
    stays = int(case.sent_on and sent_on)  # who was answered as well was not only sent on
    cases.change(database, case.id, answered_at=answered_at, answered_by=who, answer_url=url, sent_on=stays)
    cases.log(
        database, case.id, now, "answered earlier", who=who, way="network", url=url, answered_at=answered_at.isoformat()
    )
    after = cases.one(database, case.id)
    assert after is not None
    show_again(database, after, now, "answered")
    return True


def close_deleted(database: Database, case: Case, now: datetime) -> None:
    """The network deleted what this case was about: it is closed as such, and nobody is told again."""
    cases.change(database, case.id, closed_at=now, closed_by="the network", outcome="deleted", next_step_at=None)
    cases.log(database, case.id, now, "close", who="the network", way="network", outcome="deleted")
    after = cases.one(database, case.id)
    assert after is not None
    show_again(database, after, now, "deleted by its author")
