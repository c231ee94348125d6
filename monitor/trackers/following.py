"""Asking trackers: what became of an issue that nobody knows of, and how those stand that are open. Nothing is created.

A process may have been killed at any point of a press. What it left in flight is looked up once its time is over, as is
what was unsure. An open issue is asked after once an hour, and at once when its tracker's webhook speaks of it: a
webhook is believed in nothing but its number, so one that is played again finds what stands.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from connectors import ConnectorError, RateLimited, Refused
from connectors.trackers import Unseen
from monitor.notify.system_notices import queue_notice
from monitor.people.actors import NotPossible
from monitor.people.audit import Event
from monitor.people.identity import Actor
from monitor.store import issues
from monitor.store.database import by_its_clock
from monitor.store.issues import IssueRow
from monitor.trackers import closing, outcome
from monitor.trackers.clients import Subject, Tracking, address_of, person

log = logging.getLogger("earful.trackers")

GIVES_UP = timedelta(minutes=15)  # after the press: what was not there by then did not arrive
LOOKS_FOR = timedelta(hours=24)  # where the tracker can't be asked meanwhile
UNSEEN_AGAIN = timedelta(days=1)
_BETWEEN = (timedelta(minutes=1), timedelta(minutes=3), timedelta(minutes=10))


def look(tracking: Tracking, now: datetime) -> int:
    """Ask for what is due; how many issues that were."""
    now = by_its_clock(tracking.database, now)
    due = issues.to_look_at(tracking.database, tracking.trackers.names(), now)
    for row in due:
        if row.state in issues.UNKNOWN:
            _look_up(tracking, row, now)
        else:
            _ask(tracking, row, now)
    return len(due)


def _look_up(tracking: Tracking, row: IssueRow, now: datetime) -> None:
    age = now - row.created_at
    try:
        found = tracking.trackers.ask(row.tracker, lambda each: each.look_up(row.send_key, row.created_at, now))
    except ConnectorError as error:
        due = now + _BETWEEN[-1] if age < LOOKS_FOR else None
        _note(tracking, row, f"look in {row.tracker}: {error.message}", due, now, state="unsure")
        _tell_operator(tracking, row, error, now)
        return
    if found is not None:
        if outcome.there(tracking, row, found, now):
            _tell_writer(tracking, row, f"your issue was created after all: {found.native_id}", now)
    elif age >= GIVES_UP:
        if outcome.missing(tracking, row, now, "it did not arrive: press again to create it"):
            _tell_writer(tracking, row, f"your issue did not arrive in {row.tracker}; create it again", now)
    else:
        wait = next((each for each in _BETWEEN if age < each * 2), _BETWEEN[-1])
        _note(tracking, row, row.note or "not found yet", now + wait, now, state="unsure")


def _ask(tracking: Tracking, row: IssueRow, now: datetime) -> None:
    try:
        found = tracking.trackers.ask(row.tracker, lambda each: each.ask(row.native_id, now))
    except Unseen:
        words = "can't be seen there: it was deleted, or the token may no longer see it"
        _note(tracking, row, words, now + UNSEEN_AGAIN, now)
        return
    except RateLimited as error:
        _note(tracking, row, error.message, max(error.retry_at or now, now + _BETWEEN[-1]), now)
        return
    except ConnectorError as error:
        _note(tracking, row, error.message, now + outcome.EVERY, now)
        _tell_operator(tracking, row, error, now)
        return
    if closing.settle(tracking, row, found, now):
        log.info("%s: %s is %s", row.tracker, row.native_id, found.state)


def _note(tracking: Tracking, row: IssueRow, words: str, due: datetime | None, now: datetime, **values: object) -> None:
    if row.note != words[: outcome.NOTE]:
        log.warning("%s: %s", row.tracker, words)
    with tracking.database.transaction():
        values = {"note": words[: outcome.NOTE], "next_look_at": due, **values}
        issues.change(tracking.database, row.id, (row.state,), now, **values)


def _tell_operator(tracking: Tracking, row: IssueRow, error: ConnectorError, now: datetime) -> None:
    """A token that is refused lets no issue come back as fixed: a line in the operator's list, once a week."""
    if isinstance(error, Refused):
        key = f"tracker:{row.tracker}:{now:%G-%V}"
        with tracking.database.transaction():
            title = f"{row.tracker}: can't tell how issues stand ({error.message})"
            queue_notice(tracking.database, tracking.rules, key, title, error.remedy, now, quiet=True)


def _tell_writer(tracking: Tracking, row: IssueRow, words: str, now: datetime) -> None:
    route = list(tracking.rules.settings.alerts.notify)
    subject = Subject(row.case_id, row.problem)
    with tracking.database.transaction():
        title = f"{subject.words.capitalize()}: {words}"
        address = address_of(tracking.rules, subject)
        outcome.tell(tracking, row, title, address, now, people=[row.who_id], route=route)


def not_there(tracking: Tracking, issue_id: str, *, who: Actor | str, way: str, now: datetime) -> str:
    """A person has looked: an issue that was unsure is not there. Words for them; raises NotPossible."""
    actor = person(tracking, who, way)
    row = issues.one(tracking.database, issue_id)
    if row is None or row.state != "unsure":
        raise NotPossible("this issue is settled already; load the page again")
    if not outcome.missing(tracking, row, now, f"{actor.name} looked: it is not there", actor):
        raise NotPossible("this issue was settled meanwhile; load the page again")
    return "noted: it is not there; you can create it again"


def unlink(tracking: Tracking, issue_id: str, *, who: Actor | str, way: str, now: datetime) -> str:
    """Nobody follows this issue any more; in the tracker it stays as it is."""
    actor = person(tracking, who, way)
    row = issues.one(tracking.database, issue_id)
    with tracking.database.transaction():
        if row is None or not issues.change(
            tracking.database, row.id, issues.THERE, now, state="dropped", next_look_at=None
        ):
            raise NotPossible("there is no such issue to unlink; load the page again")
        outcome.noted(tracking, row, "issue unlinked", now, who=actor, url=row.url, issue=row.native_id)
        outcome.audited(tracking, row, Event.ISSUE_UNLINKED, row.native_id, actor, way, now)
        outcome.unlink_cause(tracking, row, actor, now)
    return f"{row.native_id} is no longer followed; it is still there"
