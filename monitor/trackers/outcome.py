"""What follows from an attempt to create an issue: its row, a line in the case's log, a line in the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from alerts import hours
from alerts.wording import excerpt
from connectors.trackers import Issue
from monitor.causes import listing
from monitor.people import audit
from monitor.people.identity import Actor
from monitor.people.reach import reached
from monitor.store import case_log, cases, causes, deliveries, issues, problems
from monitor.store.database import stamp
from monitor.store.issues import IssueRow
from monitor.trackers.clients import Subject, Tracking

FIRST_LOOK = timedelta(minutes=1)
EVERY = timedelta(hours=1)  # an open issue is asked after so often: a webhook may be lost, and GitHub repeats none
NOTE = 500


def there(tracking: Tracking, row: IssueRow, issue: Issue, now: datetime) -> bool:
    """It is created: linked with its case or problem. False where that was known already. It is asked after next."""
    database = tracking.database
    with database.transaction():
        if not _stands(tracking, row, issue, issues.UNKNOWN, now):
            return False
        _created(tracking, row, issue, now)
    return True


def found_before(tracking: Tracking, row: IssueRow, lost: IssueRow, issue: Issue, now: datetime) -> None:
    """What was looked for in vain stands after all: that one is linked, and the press that found it sends nothing."""
    database = tracking.database
    with database.transaction():
        issues.change(database, row.id, issues.UNKNOWN, now, state="dropped", next_look_at=None)
        if _stands(tracking, lost, issue, ("missing",), now):
            _created(tracking, lost, issue, now)


def _stands(tracking: Tracking, row: IssueRow, issue: Issue, was: Sequence[issues.State], now: datetime) -> bool:
    due = now + EVERY if issue.state == "open" else now  # it was closed meanwhile: what follows, follows from asking
    return issues.change(
        tracking.database, row.id, was, now, state="open", native_id=issue.native_id, url=issue.url, note="",
        next_look_at=due,
    )  # fmt: skip


def _created(tracking: Tracking, row: IssueRow, issue: Issue, now: datetime) -> None:
    noted(tracking, row, "issue", now, url=issue.url, issue=issue.native_id)
    audited(tracking, row, audit.Event.ISSUE, issue.native_id, Actor(row.who_id, row.who), row.way, now)
    link_cause(tracking, row, issue.url, now)


def audited(
    tracking: Tracking, row: IssueRow, event: audit.Event, native_id: str, who: Actor, way: str, now: datetime
) -> None:
    """A line in the audit log of what somebody did with an issue. Inside a transaction."""
    of = Subject(row.case_id, row.problem).words
    audit.note(tracking.database, event, now, who=who, way=way, about=native_id, tracker=row.tracker, of=of)


def link_cause(tracking: Tracking, row: IssueRow, url: str, now: datetime) -> None:
    """The issue of a problem is the linked issue of its cause. Inside a transaction."""
    problem = problems.one(tracking.database, row.problem) if row.problem else None
    if problem is not None:
        try:
            listing.edit(tracking.database, problem["cause_id"], {"issue_url": url}, Actor(row.who_id, row.who), now)
        except listing.NotPossible:  # the cause was merged or removed, or the tracker has no https address
            return


def unlink_cause(tracking: Tracking, row: IssueRow, who: Actor, now: datetime) -> None:
    """Nor is it the linked issue of its cause any more, unless that is another by now. Inside a transaction."""
    problem = problems.one(tracking.database, row.problem) if row.problem else None
    cause = causes.one(tracking.database, problem["cause_id"]) if problem is not None else None
    if cause is not None and cause["issue_url"] == row.url:
        with suppress(listing.NotPossible):  # the cause was merged or removed
            listing.edit(tracking.database, cause["id"], {"issue_url": ""}, who, now)


def refused(tracking: Tracking, row: IssueRow, why: str, now: datetime) -> None:
    """The tracker said no, and nothing is there."""
    database = tracking.database
    with database.transaction():
        values = {"state": "refused", "note": why[:NOTE], "next_look_at": None}
        if issues.change(database, row.id, issues.UNKNOWN, now, **values):
            noted(tracking, row, "issue refused", now, text=why[:NOTE])


def unsure(tracking: Tracking, row: IssueRow, why: str, now: datetime) -> None:
    """Nobody can tell: it is looked up in a minute."""
    database = tracking.database
    with database.transaction():
        values = {"state": "unsure", "note": why[:NOTE], "next_look_at": now + FIRST_LOOK}
        if issues.change(database, row.id, issues.UNKNOWN, now, **values):
            noted(tracking, row, "issue unsure", now, text=why[:NOTE])


def missing(tracking: Tracking, row: IssueRow, now: datetime, words: str, who: Actor | None = None) -> bool:
    """It did not arrive: somebody may press once more, and then it is looked for first."""
    database = tracking.database
    with database.transaction():
        values = {"state": "missing", "note": words, "next_look_at": None}
        if not issues.change(database, row.id, issues.UNKNOWN, now, **values):
            return False
        noted(tracking, row, "issue missing", now, who=who or Actor("", "Earful"))
        if who is not None:
            audited(tracking, row, audit.Event.ISSUE_NOT_THERE, "", who, who.way, now)
    return True


def noted(
    tracking: Tracking, row: IssueRow, what: str, now: datetime, *, who: Actor | None = None, **detail: str
) -> None:
    """A line in the log of its case: by whoever created it, or by `who`. A problem has no log of its own.

    Inside a transaction.
    """
    by, way = (Actor(row.who_id, row.who), row.way) if who is None else (who, who.way or "network")
    if row.case_id and cases.row_of(tracking.database, row.case_id) is not None:
        case_log.note(tracking.database, row.case_id, now, what, who=by.name, who_id=by.id, way=way, **detail)


def tell(
    tracking: Tracking,
    row: IssueRow,
    words: str,
    remedy: str,
    now: datetime,
    *,
    people: Sequence[str],
    route: Sequence[str],
    otherwise: Sequence[str] = (),
) -> None:
    """One line to the first of these people whom settings reach, else to `otherwise`, if anybody; in opening hours.

    Inside a transaction.
    """
    rules = tracking.rules
    found = next((each for person in people if (each := reached(rules, person, route, now))), [])
    if not found and otherwise:
        found = rules.tell(list(otherwise), list(route), now)
    targets = dict.fromkeys(each.target for each in found)
    due = hours.next_opening(now, rules.opening)
    key = f"issue:{row.id}:{stamp(now)}"
    deliveries.queue(
        tracking.database,
        [deliveries.notice_row(key, each, excerpt(words, 300), remedy, now, due) for each in targets],
    )
