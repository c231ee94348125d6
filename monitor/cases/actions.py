"""What can be said of a case, whichever way it comes in: a button, a link, a page, the command line.

Every verb is idempotent, logged (who, what, when, by which way), and can be undone for ten minutes. All of it runs in
one transaction with what follows from it: the message that shows the case is edited, and the judge is taught.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alerts.case import Case
from connectors.text import clean
from monitor.cases import night_calls
from monitor.cases.showing import show_again, show_to_all
from monitor.cases.verbs import VERBS, meaning
from monitor.people.actors import NotAllowed, NotPossible, require
from monitor.people.identity import Actor, Directory
from monitor.people.reach import reached
from monitor.settings.rules import Rules
from monitor.store import case_log, cases, deliveries, key_values, list_entries, mentions
from monitor.store.database import Database

UNDO_WITHIN = timedelta(minutes=10)
# What a verb changes, so that undo can put it back.
UNDOABLE = (
    "owner", "owner_id", "acknowledged_at", "acknowledged_by", "answered_at", "answered_by", "answer_url", "sent_on",
    "closed_at", "closed_by", "outcome", "why", "snoozed_until", "waiting_on", "waiting_until", "wants", "step",
    "next_step_at", "claim_expires_at", "due_at", "chain", "lane", "quiet", "held", "first_word_at", "asked_at",
    "backdated", "offered_at", "own_tags",
)  # fmt: skip
# What a reply of ours that was seen is logged as, where it changed the case.
SEEN_REPLIES = ("answered", "answered earlier", "answered in public", "first word")
CAN_BE_UNDONE = frozenset({*VERBS, *SEEN_REPLIES} - {"undo"})
_TAUGHT = {"not_us": "not_us", "not_a_complaint": "not_a_complaint", "spam": "spam"}


@dataclass(frozen=True, slots=True)
class Said:
    """What came of it, in words for the person who said it. `changed` is False when it was so already."""

    case: Case | None
    changed: bool
    text: str


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
    zone: ZoneInfo | None = None,
) -> Said:
    """Say `verb` of a case: `who` is somebody by their id, or a name of the list of people.

    What comes back tells times by the clocks of `zone`, where the person has one of their own.
    Raises NotPossible for an unknown case, verb, person or missing detail.
    """
    with database.transaction():
        return say_within(database, rules, case_id, verb, who=who, way=way, now=now, detail=detail or {}, zone=zone)


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
    zone: ZoneInfo | None = None,
) -> Said:
    """As `say`, inside a transaction that is open already."""
    directory = Directory(database, rules.settings)
    case_id, actor = clean(case_id), require(directory, who, way, verb)
    detail = {key: clean(value) if isinstance(value, str) else value for key, value in detail.items()}
    note = str(detail.pop("note", "")) if verb == "assign" else ""
    row = cases.row_of(database, case_id)
    if row is None:
        raise NotPossible(f"there is no case {case_id}; earful cases lists all cases")
    case = cases.case_of(row)
    list_entries.note_looked(database, [case.id] if case.lane == "sweep" else [], now)  # whatever comes of it
    if verb == "undo":
        return _undo(database, rules, case, actor, way, now, str(detail.get("line", "")))
    if verb not in VERBS:
        raise NotPossible(f"unknown action {verb!r}; write one of: {', '.join(VERBS)}")
    if verb == "answered" and detail.get("reply"):
        detail |= _of_reply(database, case, str(detail["reply"]))
    if verb == "assign":
        owner = _owner(directory, detail.get("owner", ""), actor)
        detail = {**detail, "owner": owner.name, "owner_id": owner.id}
    # A case keeps the id under which somebody took it: it may be another one by which they are known now.
    had = directory.resolve(Actor(case.owner_id, case.owner))
    known = replace(case, owner=had.name, owner_id=had.id)
    changes, text = meaning(rules, known, verb, actor, now, dict(detail))
    theirs = meaning(rules, known, verb, actor, now, dict(detail), zone)[1] if zone is not None else text
    if not changes and verb not in {"note"}:
        return Said(case, False, theirs)
    before = {key: row[key] for key in UNDOABLE if key in changes}
    if changes:
        cases.change(database, case.id, **changes)
    if "answered_at" in changes:
        detail |= _turned(database, case, changes, str(detail.get("reply", "")), actor)
    after = cases.one(database, case.id)
    assert after is not None
    if verb != "note":
        cases.change(database, case.id, next_step_at=rules.next_step_at(after, now))
    by: dict[str, Any] = {"who": actor.name, "who_id": actor.id, "way": way}
    case_log.note(database, case.id, now, verb, **by, before=before, **_plain(detail))
    teach(database, after, verb, changes, actor, way, now)
    if note:
        case_log.note(database, case.id, now, "note", **by, text=note)
    if verb == "assign" and after.owner_id != actor.id:
        call_owner(database, rules, after.id, actor.name, now, note=note)
    if verb == "morning":
        _rest_the_others(database, rules, case.id, actor, way, now)
    show_to_all(database, case, after, now, text)
    return Said(cases.one(database, case.id), True, theirs)


def _rest_the_others(database: Database, rules: Rules, case_id: str, actor: Actor, way: str, now: datetime) -> None:
    """One press ends the night's calls: what was named in the same call rests as well, and says so in its own log."""
    for other in night_calls.named_with(database, case_id, rules, now):
        row = cases.row_of(database, other)
        case = cases.case_of(row) if row is not None else None
        if row is None or case is None or case.state_at(now) != "open":
            continue
        until = rules.quiet.morning(now)
        before = {key: row[key] for key in ("snoozed_until", "next_step_at")}
        cases.change(database, other, snoozed_until=until, next_step_at=until)
        case_log.note(
            database, other, now, "morning", who=actor.name, who_id=actor.id, way=way, before=before, beside=case_id
        )
        after = cases.one(database, other)
        assert after is not None
        show_again(database, after, now, f"{actor.name}: it can wait until morning")


def _owner(directory: Directory, owner: object, actor: Actor) -> Actor:
    """Whom a case is given to. Raises NotPossible for a name that nobody bears."""
    if isinstance(owner, Actor):
        one = directory.resolve(Actor(clean(owner.id), clean(owner.name)))
        if one.kind in {"settings", "page"} and directory.role_of(one) in {"viewer", "nobody"}:
            raise NotPossible(f"{one.name} can't own a case: their role is {directory.role_of(one)}")
        return replace(one, name=directory.shown(one))
    if not owner:
        raise NotPossible("name the new owner")
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


def _of_reply(database: Database, case: Case, native_id: str) -> dict[str, Any]:
    """Of a reply of ours that a person calls the answer: when it was said, and where."""
    for own in key_values.own_posts_of_case(database, case.id):
        if own["native_id"] == native_id:
            return {"said_at": own["posted_at"], "url": own["url"]}
    raise NotPossible(f"case {case.id} has no such reply")


def _turned(database: Database, case: Case, changes: Mapping[str, Any], reply: str, actor: Actor) -> dict[str, Any]:
    """Show our replies as what a person says they were; what the log adds, for the figures, where the wait goes on."""
    if changes["answered_at"] is None:
        _turn_replies(database, case.id, {"answer", "sent_on"}, "holding", actor.name)
        return {"unanswered": True}
    if case.held or reply:
        _turn_replies(database, case.id, {"holding", "automatic", "sent_on"}, "answer", actor.name, reply)
    found = {"answered_at": changes["answered_at"]}  # as the case says, where that is not the moment of the press
    return {**found, "next_since": changes["asked_at"]} if "asked_at" in changes else found


def _turn_replies(database: Database, case_id: str, kinds: set[str], kind: str, who: str, only: str = "") -> None:
    """A guess about our newest reply was wrong, says a person: it is shown as what they say from now on."""
    own = [row for row in key_values.own_posts_of_case(database, case_id) if row["kind"] in kinds]
    own = [row for row in own if not only or row["native_id"] == only]
    for row in own[-1:]:
        key_values.settle_own_post(
            database, row["source"], row["native_id"], case=case_id, kind=kind, reason=f"marked by {who}", turned_by=who
        )


def undoable(log: Sequence[case_log.Line], now: datetime) -> case_log.Line | None:
    """What `undo` takes back: what a person said last in ten minutes, else the reply of ours that was seen in them."""
    fresh = [
        line
        for line in log
        if line.undone_at is None
        and line.what in CAN_BE_UNDONE
        and "before" in line.detail
        and now - line.at <= UNDO_WITHIN
    ]
    said = [line for line in fresh if line.way != "network"]
    return next(iter(reversed(said or fresh)), None)


def _undo(database: Database, rules: Rules, case: Case, actor: Actor, way: str, now: datetime, only: str) -> Said:
    """`only`: the line of the log that a button was shown for, so that it undoes nothing that came after it."""
    line = undoable(case_log.of_case(database, case.id), now)
    if line is None:
        raise NotPossible(f"nothing to undo: no action on case {case.id} in the last ten minutes")
    if only and only != str(line.n):
        raise NotPossible(f"nothing was undone: case {case.id} was changed since; open it to see what can be undone")
    if actor.proof == "claimed" and line.who_id != actor.id:
        raise NotAllowed(f"{actor.name} may undo only their own actions")
    if line.detail["before"]:
        cases.change(database, case.id, **line.detail["before"])
        restored = cases.one(database, case.id)
        assert restored is not None
        cases.change(database, case.id, next_step_at=rules.next_step_at(restored, now))
    if line.way == "network" and line.what in SEEN_REPLIES:
        _turn_replies(database, case.id, {"answer", "sent_on", "holding"}, "automatic", actor.name)
    case_log.mark_undone(database, line.n, now)
    spoken_of = [mention.id for mention in mentions.of_case(database, case.id)]
    key_values.undo_labels(database, spoken_of, line.who_id, line.at, now)
    case_log.note(database, case.id, now, "undo", who=actor.name, who_id=actor.id, way=way, undone=line.what)
    after = cases.one(database, case.id)
    assert after is not None
    text = f"{line.what} undone by {actor.name}"
    show_again(database, after, now, text)
    return Said(after, True, text)


def teach(
    database: Database, case: Case, verb: str, changes: Mapping[str, Any], actor: Actor, way: str, now: datetime
) -> None:
    """Every answer of a person is a label: dismissed with its reason, or worth an answer.

    The brand's own reply on the network is one too: who answers there presses no button, and would only teach "no".
    Whoever thanks for praise has not said that it was a complaint.
    """
    answer = ""
    if not actor.teaches:
        return
    if verb in {"close", "dismiss"}:
        answer = "yes" if changes.get("outcome") in {"solved", "could_not_be_solved"} else _TAUGHT.get(case.why, "")
    elif verb in {"take", "answered"}:
        answer = "yes"
    if answer:
        for mention in mentions.of_case(database, case.id):
            thanked = answer == "yes" and mention.verdict.praise
            if mention.verdict.lane != "none" and not thanked:
                key_values.add_label(database, case.brand, mention.id, answer, actor.name, way, now, who_id=actor.id)


def close_deleted(database: Database, case: Case, now: datetime, who: str = "the network") -> None:
    """The network deleted what this case was about: it is closed as such, and nobody is told again."""
    cases.change(database, case.id, closed_at=now, closed_by=who, outcome="deleted", next_step_at=None)
    case_log.note(database, case.id, now, "close", who=who, way="network", outcome="deleted")
    after = cases.one(database, case.id)
    assert after is not None
    show_again(database, after, now, "deleted by its author")
