"""Linking a case or a problem with an issue that is in a tracker already; from then on it is like any other."""

from __future__ import annotations

import secrets
from datetime import datetime

from connectors import ConnectorError
from connectors.trackers import Unseen
from monitor.people.actors import NotPossible
from monitor.people.audit import Event
from monitor.people.identity import Actor
from monitor.store import issues
from monitor.trackers import outcome, prefill
from monitor.trackers.clients import Subject, Tracking, person


def link(tracking: Tracking, subject: Subject, url: str, *, who: Actor | str, way: str, now: datetime) -> str:
    """Follow the issue at this address, if it is open; in words for whoever pressed. Raises NotPossible."""
    prefill.of(tracking.database, tracking.rules, subject)  # it is there, and may be spoken of
    actor = person(tracking, who, way)
    tracker, native_id = _named(tracking, url)
    try:
        found = tracking.trackers.ask(tracker, lambda each: each.ask(native_id, now))
    except Unseen:
        raise NotPossible(f"{native_id} can't be seen there: is the address right, and may the token see it?") from None
    except ConnectorError as error:
        raise NotPossible(f"can't ask after {native_id}: {error.message}. {error.remedy}".strip()) from error
    if found.state != "open":
        raise NotPossible(f"{native_id} is closed already; create a new issue, or say that it is fixed")
    database = tracking.database
    with database.transaction():
        issue_id = secrets.token_hex(12)
        added = issues.add(
            database, now, now + outcome.EVERY, id=issue_id, case_id=subject.case_id, problem=subject.problem,
            tracker=tracker, title="", who=actor.name, who_id=actor.id, way=way, send_key=secrets.token_hex(8),
            state="open", native_id=native_id, url=found.url,
        )  # fmt: skip
        row = issues.one(database, issue_id)
        if not added or row is None:
            raise NotPossible(f"there is an issue for {subject.words} already; unlink it first")
        outcome.noted(tracking, row, "issue linked", now, url=found.url, issue=native_id)
        outcome.audited(tracking, row, Event.ISSUE_LINKED, native_id, actor, way, now)
        outcome.link_cause(tracking, row, found.url, now)
    return f"linked with {native_id}"


def _named(tracking: Tracking, url: str) -> tuple[str, str]:
    for name in tracking.trackers.names():
        tracker = tracking.trackers.of(name)
        if tracker is not None and (native_id := tracker.name_of(url)):
            return name, native_id
    places = ", ".join(each.place for name in tracking.trackers.names() if (each := tracking.trackers.of(name)))
    raise NotPossible(f"write the address of an issue in {places}")
