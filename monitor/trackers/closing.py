"""What follows when an issue is closed in its tracker, or opened there again.

Fixed: a problem is marked as fixed, so that everybody whom it hit is listed until told; a case keeps a line, and its
owner is told. Closed without having been done is no fix: nobody is told that their trouble is over.
"""

from __future__ import annotations

import json
from datetime import datetime

from alerts.wording import count_words
from connectors.trackers import Issue
from monitor.cases import do_not_contact
from monitor.causes import problems
from monitor.causes.listing import NotPossible
from monitor.people.identity import Actor
from monitor.store import cases, issues
from monitor.store import problems as kept
from monitor.store.database import Row
from monitor.store.issues import IssueRow
from monitor.trackers import outcome
from monitor.trackers.clients import Subject, Tracking, address_of


def settle(tracking: Tracking, row: IssueRow, issue: Issue, now: datetime) -> bool:
    """Write down how an issue stands, and do what follows where that is news; whether it was."""
    database = tracking.database
    with database.transaction():
        # What is closed is not asked after any more, but where its webhook tells that it was opened again.
        due = now + outcome.EVERY if issue.state == "open" else None
        values = {"said": issue.said, "note": "", "next_look_at": due, "url": issue.url or row.url}
        if issue.state == row.state:
            issues.change(database, row.id, (row.state,), now, **values)
            return False
        if issue.state == "open" and _another_is_open(tracking, row):
            issues.change(database, row.id, (row.state,), now, note="open again, beside a newer one", next_look_at=None)
            return False
        closed = None if issue.state == "open" else now
        if not issues.change(database, row.id, (row.state,), now, state=issue.state, closed_at=closed, **values):
            return False
        if row.case_id:
            _of_case(tracking, row, issue, now)
        else:
            _of_problem(tracking, row, issue, now)
    return True


def _another_is_open(tracking: Tracking, row: IssueRow) -> bool:
    others = issues.about(tracking.database, row.case_id, row.problem)
    return any(each.id != row.id and each.state in issues.IN_THE_WAY for each in others)


def _words(row: IssueRow, issue: Issue) -> str:
    if issue.state == "open":
        return f"{row.native_id} is open again"
    if issue.state == "fixed":
        return f"{row.native_id} is closed as fixed"
    return f"{row.native_id} is closed, but not as fixed ({issue.said})"


def _of_case(tracking: Tracking, row: IssueRow, issue: Issue, now: datetime) -> None:
    case = cases.row_of(tracking.database, row.case_id)
    if case is None:
        return
    what = {"open": "issue reopened", "fixed": "issue fixed", "declined": "issue declined"}[issue.state]
    by = Actor("", row.tracker)
    outcome.noted(tracking, row, what, now, who=by, url=row.url, issue=row.native_id, said=issue.said)
    if issue.state == "open":
        return
    then = "tell the customer" if issue.state == "fixed" else "decide what to tell the customer"
    if case["author"] and do_not_contact.standing(tracking.database, case["source"], case["author"]) is not None:
        then = "the customer is not to be contacted"
    route = json.loads(case["targets"] or "[]") or list(tracking.rules.settings.alerts.notify)
    outcome.tell(
        tracking, row, f"Case {row.case_id}: {_words(row, issue)}",
        f"{then}: {address_of(tracking.rules, Subject(row.case_id))}", now,
        people=[case["owner_id"], row.who_id], route=route, otherwise=["channel"],
    )  # fmt: skip


def _of_problem(tracking: Tracking, row: IssueRow, issue: Issue, now: datetime) -> None:
    problem = _standing(tracking, row.problem)
    if problem is None:
        return
    database, number = tracking.database, int(problem["n"])
    try:
        if issue.state == "fixed" and not problem["fixed_at"]:
            problems.fix(database, number, Actor("", row.native_id), now)
        elif issue.state != "fixed" and problem["fixed_by"] == row.native_id:  # "not planned" was chosen later, perhaps
            problems.unfix(database, number, now)
    except NotPossible:  # it is back already, as a newer problem of its cause
        return
    shown = next((each for each in kept.counted(database, open_only=False) if each["id"] == number), None)
    if shown is None or issue.state == "open":
        return
    stands = "marked as fixed" if shown["fixed_at"] else "open"  # a person may have marked it
    remedy = f"it stays {stands}; decide what to do: {address_of(tracking.rules, Subject(problem=number))}"
    if issue.state == "fixed":
        people = count_words(shown["untold"], "person", "people")
        remedy = f"{people} to tell: {address_of(tracking.rules, Subject(problem=number))}"
    outcome.tell(
        tracking, row, f"{shown['brand']} · {shown['name']}: {_words(row, issue)}", remedy, now,
        people=[shown["owner_id"], row.who_id], route=list(tracking.rules.settings.alerts.notify),
        otherwise=[shown["team"]] if shown["team"] else ["channel"],
    )  # fmt: skip


def _standing(tracking: Tracking, number: int) -> Row | None:
    """A problem, or the one that it was merged into."""
    row = kept.one(tracking.database, number)
    for _ in range(100):  # each merge is one; a circle can't be made
        if row is None or not row["joined"]:
            break
        row = kept.one(tracking.database, int(row["joined"]))
    return row
