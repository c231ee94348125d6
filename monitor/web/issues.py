"""A case or a problem as an issue in a tracker: the form with its text, the one press, and how issues stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from monitor.people.actors import NotPossible
from monitor.store import causes, issues, problems
from monitor.store.issues import IssueRow
from monitor.trackers import creating, following, linking, prefill
from monitor.trackers.clients import Subject
from monitor.web.html import page
from monitor.web.identity import Refusal
from monitor.web.routing import RequestContext, get, post

TITLE, TEXT = 1_000, 65_000  # characters that are read of a form
_STATES = {
    "inflight": ("being created", ""),
    "unsure": ("perhaps created: look", "warn"),
    "open": ("open", "urgent"),
    "fixed": ("fixed", "good"),
    "declined": ("closed, not fixed", "warn"),
    "refused": ("refused", "warn"),
    "missing": ("did not arrive", "warn"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One issue, as it is shown."""

    row: IssueRow
    state: str
    tone: str
    note: str


@dataclass(frozen=True, slots=True)
class Box:
    """What the page of a case or a problem shows of its issues."""

    path: str
    lines: tuple[Line, ...]
    why_not: str  # why no issue can be created now; "" where one can


def box_of(context: RequestContext, subject: Subject) -> Box | None:
    """The issues of a case or a problem; None where settings name no tracker and there are none."""
    rows = issues.about(context.database, subject.case_id, subject.problem)
    trackers = context.assembly.tracking.trackers
    if not trackers and not rows:
        return None
    lines = []
    last = rows[-1].id if rows else ""
    for row in rows:
        # An attempt that came to nothing is news only until the next one.
        if row.state == "dropped" or (row.state in {"refused", "missing"} and row.id != last):
            continue
        words, tone = _STATES[row.state]
        note = row.note if row.state != "declined" else row.said
        if row.tracker not in trackers.names():
            note = f"{row.tracker} is no longer in the settings, so it is not followed any more"
        lines.append(Line(row, words, tone, note))
    return Box(f"{subject.path}/issue", tuple(lines), _why_not(context, subject, rows))


def _why_not(context: RequestContext, subject: Subject, rows: Sequence[IssueRow]) -> str:
    if not context.assembly.tracking.trackers:
        return "No tracker is set up"
    if any(row.state in issues.IN_THE_WAY for row in rows):
        return f"There is an issue for {subject.words} already"
    problem = problems.one(context.database, subject.problem) if subject.problem else None
    return "This problem is marked as fixed" if problem is not None and problem["fixed_at"] else ""


@get("/cases/{id}/issue", role="staff")
def case_form(context: RequestContext) -> Response:
    """The form for a case."""
    return _form(context, Subject(case_id=context.path("id")[:40]))


@get("/problems/{id}/issue", role="staff")
def problem_form(context: RequestContext) -> Response:
    """The form for a problem."""
    return _form(context, _problem(context))


@post("/cases/{id}/issue", role="staff")
def case_press(context: RequestContext) -> Response:
    """Create it, or say what became of one."""
    return _press(context, Subject(case_id=context.path("id")[:40]))


@post("/problems/{id}/issue", role="staff")
def problem_press(context: RequestContext) -> Response:
    """Create it, or say what became of one."""
    return _press(context, _problem(context))


def _problem(context: RequestContext) -> Subject:
    text = context.path("id")
    return Subject(problem=int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1)


def _form(
    context: RequestContext, subject: Subject, *, fault: str = "", status: int = 200, title: str = "", text: str = ""
) -> Response:
    """The page: what is proposed, or what was typed and could not be sent."""
    tracking = context.assembly.tracking
    if not tracking.trackers:
        raise Refusal(404, "No tracker is set up", "Add one under [[trackers]] in the settings, then reload.")
    try:
        proposed = prefill.of(context.database, context.rules, subject)
    except NotPossible as error:
        raise Refusal(409 if subject.case_id else 404, "This can't become an issue", f"{error}.") from error
    places = []
    for name in tracking.trackers.names():
        tracker = tracking.trackers.of(name)
        if tracker is not None:
            places.append((name, f"{tracker.place} on {tracker.network}"))
    return page(
        context, "issue.html", title=f"Issue for {subject.words}", status=status, subject=subject, places=places,
        chosen=context.form.get("tracker"), issue_id=creating.new_id(), issue_title=title or proposed.title,
        text=text or proposed.text, box=box_of(context, subject), fault=fault, known=_known(context, subject),
        url=context.form.get("url")[:500],
    )  # fmt: skip


def _known(context: RequestContext, subject: Subject) -> list[tuple[str, str]]:
    """(name, address) of issues that are linked with the same trouble already: of the problem, of its cause."""
    if subject.problem:
        row = problems.one(context.database, subject.problem)
        cause = causes.one(context.database, row["cause_id"]) if row is not None else None
        found = [cause] if cause is not None else []
    else:
        found = [
            cause
            for each in causes.of_cases(context.database, [subject.case_id]).get(subject.case_id, [])
            if (cause := causes.one(context.database, each["id"])) is not None
        ]
    return [(each["name"], each["issue_url"]) for each in found if each["issue_url"]]


def _press(context: RequestContext, subject: Subject) -> Response:
    form = context.form
    title, text = form.get("title")[:TITLE], form.raw("text")[:TEXT]
    tracking, who, way, now = context.assembly.tracking, context.who.actor, context.who.way, context.now
    verb, issue_id = form.get("verb"), form.get("issue_id")[:40]
    try:
        if verb == "not_there":
            said = following.not_there(tracking, issue_id, who=who, way=way, now=now)
        elif verb == "unlink":
            said = following.unlink(tracking, issue_id, who=who, way=way, now=now)
        elif verb == "link":
            said = linking.link(tracking, subject, form.get("url")[:500], who=who, way=way, now=now)
        elif verb == "create":
            pressed = creating.create(
                tracking, subject, issue_id, form.get("tracker")[:64], title, text, who=who, way=way, now=now
            )
            if pressed.state == "refused":
                return _form(context, subject, fault=pressed.words, status=409, title=title, text=text)
            said = pressed.words
        else:
            raise Refusal(400, "Choose what to do")
    except NotPossible as error:
        return _form(context, subject, fault=str(error), status=409, title=title, text=text)
    return RedirectResponse(f"{subject.path}?" + urlencode({"said": said[:300]}), 303)
