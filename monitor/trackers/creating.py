"""The press: a person creates an issue. A row is marked in flight before anything leaves, and what may have arrived is
looked up, and never sent again blindly. A press that stood still for so long that another may look already, sends
nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors import ConnectorError, server_dates
from connectors.text import clean
from connectors.trackers import Issue, Tracker
from connectors.writing import NotWritten
from monitor.people.actors import NotPossible
from monitor.people.identity import Actor
from monitor.store import issues
from monitor.store.database import by_its_clock
from monitor.store.issues import IssueRow, State
from monitor.trackers import outcome, prefill
from monitor.trackers.clients import DEADLINE, Subject, Tracking, person

SETTLES = timedelta(seconds=2 * DEADLINE + 40)  # after which a press is over, whatever became of it
LEAVES_WITHIN = SETTLES - timedelta(seconds=DEADLINE)


@dataclass(frozen=True, slots=True)
class Pressed:
    """What came of a press, in words for whoever pressed."""

    state: State
    words: str
    url: str = ""


def new_id() -> str:
    """An id for an issue, made when its form is shown: pressed twice, it is one issue."""
    return secrets.token_hex(12)


def create(
    tracking: Tracking,
    subject: Subject,
    issue_id: str,
    tracker_name: str,
    title: str,
    text: str,
    *,
    who: Actor | str,
    way: str,
    now: datetime,
    steady: Callable[[], float] = server_dates.steady,
) -> Pressed:
    """Create an issue of a case or a problem. Raises NotAllowed for whoever may not, NotPossible for the rest."""
    prefill.of(tracking.database, tracking.rules, subject)  # it is there, and may be spoken of
    tracker = tracking.trackers.of(tracker_name)
    if tracker is None:
        raise NotPossible("choose a tracker of the settings")
    title, text = _fitting(tracker, title, text)
    now = by_its_clock(tracking.database, now)
    leaves_by = steady() + LEAVES_WITHIN.total_seconds()
    with tracking.database.transaction():
        actor = person(tracking, who, way)
        earlier = issues.about(tracking.database, subject.case_id, subject.problem)
        row = _claimed(tracking, subject, issue_id, tracker_name, title, actor, way, now)
    lost = [each for each in earlier if each.state == "missing" and each.tracker == tracker_name]
    return _send(tracking, row, lost, title, text, now, lambda: steady() < leaves_by)


def _fitting(tracker: Tracker, title: str, text: str) -> tuple[str, str]:
    title = " ".join(clean(title).split())
    text = clean(text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not title:
        raise NotPossible("the title is empty")
    for what, given, most in (("title", title, tracker.longest_title), ("text", text, tracker.longest)):
        if len(given) > most:
            raise NotPossible(f"the {what} has {len(given):,} characters; {tracker.network} takes at most {most:,}")
    return title, text


def _claimed(
    tracking: Tracking, subject: Subject, issue_id: str, tracker: str, title: str, actor: Actor, way: str, now: datetime
) -> IssueRow:
    """The row of this press, marked in flight. Inside a transaction."""
    database = tracking.database
    wanted = clean(issue_id)[:40] or new_id()
    kept = title if subject.case_id else ""  # a problem holds no words of anybody, and nobody's erasure finds them
    added = issues.add(
        database, now, now + SETTLES, id=wanted, case_id=subject.case_id, problem=subject.problem, tracker=tracker,
        title=kept, who=actor.name, who_id=actor.id, way=way, send_key=secrets.token_hex(8),
    )  # fmt: skip
    row = issues.one(database, wanted)
    if added and row is not None:
        return row
    standing = issues.about(database, subject.case_id, subject.problem)
    other = row or next((each for each in standing if each.state in issues.IN_THE_WAY), None)
    raise NotPossible(_in_the_way(subject, other))


def _in_the_way(subject: Subject, row: IssueRow | None) -> str:
    if row is None:
        return "somebody else pressed meanwhile; load the page again"
    words = {
        "inflight": f"{row.who} is creating an issue at this moment; wait until that is settled",
        "unsure": f"an issue may have been created in {row.tracker}: look there first",
    }
    if row.state in words:
        return words[row.state]
    if row.state in issues.THERE:
        return f"{subject.words} already has the issue {row.native_id}: {row.url}"
    return "this form was used already; load the page again"


def _send(
    tracking: Tracking, row: IssueRow, lost: list[IssueRow], title: str, text: str, now: datetime,
    in_time: Callable[[], bool],
) -> Pressed:  # fmt: skip
    """Speak to the tracker, and write down what it said. What was lost before is looked for first."""

    def create(tracker: Tracker) -> Issue:
        if not in_time():
            raise NotWritten("Earful stood still for too long, and sent nothing", "Press again.")
        return tracker.create(title, text, row.send_key, now)

    try:
        for each in lost:
            found = _looked_up(tracking, each, now)
            if found is not None:
                outcome.found_before(tracking, row, each, found, now)
                return Pressed("open", f"it was created before: {found.native_id}", found.url)
    except ConnectorError as error:
        outcome.refused(tracking, row, f"{error.message}; nothing was sent", now)
        return Pressed("refused", f"not created: {error.message}. {error.remedy}".strip())
    try:
        created = tracking.trackers.ask(row.tracker, create)
    except NotWritten as error:
        outcome.refused(tracking, row, error.message, now)
        return Pressed("refused", f"not created: {error.message}. {error.remedy}".strip())
    except ConnectorError as error:
        return _unsure(tracking, row, error.message, now)
    outcome.there(tracking, row, created, now)
    return Pressed("open", f"created {created.native_id}", created.url)


def _looked_up(tracking: Tracking, row: IssueRow, now: datetime) -> Issue | None:
    return tracking.trackers.ask(row.tracker, lambda each: each.look_up(row.send_key, row.created_at, now))


def _unsure(tracking: Tracking, row: IssueRow, why: str, now: datetime) -> Pressed:
    """Nobody knows whether it arrived: look at once, and leave it as unsure where that says nothing."""
    outcome.unsure(tracking, row, why, now)
    try:
        found = _looked_up(tracking, row, now)
    except ConnectorError:
        found = None
    if found is not None:
        outcome.there(tracking, row, found, now)
        return Pressed("open", f"created {found.native_id}", found.url)
    words = f"perhaps created, perhaps not ({why}): Earful looks in a minute; don't create it again by hand before that"
    return Pressed("unsure", words)
