"""What happened to a case, in words for people: the log's own words are for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.store.case_log import Line

MOST = 80
_REPEATS = frozenset({"told", "remind", "automatic reply", "first word again"})
_TOLD = frozenset(
    {"note", "wants", "reply", "reply refused", "reply unsure", "reply sent back", "issue refused", "issue unsure"}
)
_BY_A_PERSON = {"page", "slack", "mail link", "pager", "command line", "network", "api", "mcp"}
_WORDS = {
    "open": "opened",
    "more": "they wrote again",
    "again": "they wrote again after our answer",
    "next words": "they wrote again after it was closed",
    "told": "told",
    "remind": "reminded",
    "claim_expired": "open again, no answer from",
    "overdue": "overdue",
    "priority": "now urgent: many report the same",
    "take": "taken",
    "release": "released",
    "answered": "answered",
    "not_answered": "marked as not answered: the clock runs again",
    "first word": "first reply from us; the answer is still due",
    "first word again": "another holding reply from us; the clock keeps running",
    "first word earlier": "found an earlier first reply from us",
    "answered in public": "answered in public after moving to private messages",
    "automatic reply": "automatic reply from us; the clock keeps running",
    "answered earlier": "found an earlier answer, which counts",
    "close": "closed",
    "dismiss": "no answer needed",
    "snooze": "snoozed",
    "morning": "can wait until morning",
    "wait": "waiting",
    "assign": "assigned",
    "note": "note",
    "tag": "tag",
    "wants": "what they want",
    "reopen": "reopened",
    "expired": "closed automatically",
    "undo": "undone",
    "do_not_contact": "set as not to be contacted",
    "may_contact": "may be contacted again",
    "erased": "its author was erased",
    "hold": "put on hold; its text is hidden",
    "hold ended": "no longer on hold",
    "mended": "repaired by Earful",
    "reply": "reply posted",
    "reply refused": "reply refused by the network",
    "reply unsure": "reply perhaps posted, perhaps not",
    "reply not there": "the reply did not arrive",
    "reply proposed": "reply proposed",
    "reply for approval": "reply waits for a lead",
    "reply sent back": "reply sent back by a lead",
    "reply dropped": "draft dropped",
    "withdraw": "asked to delete the reply",
    "reply withdrawn": "reply deleted on the network; open again",
    "issue": "issue created",
    "issue refused": "the tracker refused the issue",
    "issue unsure": "issue perhaps created, perhaps not",
    "issue missing": "the issue did not arrive",
    "issue fixed": "issue closed as fixed",
    "issue declined": "issue closed, but not as fixed",
    "issue reopened": "issue opened again",
    "issue unlinked": "issue no longer followed",
    "issue linked": "linked with an issue",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: when, what in words, by whom and how, what was written, where the answer is, until when, if undone."""

    at: datetime
    what: str
    who: str = ""
    way: str = ""
    text: str = ""
    until: datetime | None = None
    times: int = 1
    undone: bool = False
    url: str = ""


def entries(log: Sequence[Line], most: int = MOST) -> list[Entry]:
    """The log in the order in which it happened, the last `most` lines of it.

    What repeats between two steps of people or of the customer is one line with its number: each reminder, and each
    message to one place. An edit of a message is none, and a reminder says already that somebody was told.
    """
    found: list[tuple[Line, int]] = []
    places: dict[tuple[str, str], int] = {}  # what repeats -> where it stands, since anybody did anything
    for line in sorted(log, key=lambda each: (each.at, each.n)):
        if line.what == "told" and line.detail.get("action") == "edit":
            continue
        if line.what not in _REPEATS:
            places.clear()
        key = (line.what, line.way if line.what == "told" else str(line.detail.get("reason", "")))
        if line.what in _REPEATS and key in places:
            first, times = found[places[key]]
            found[places[key]] = (first, times + 1)
            continue
        places[key] = len(found)
        found.append((line, 1))
    return [_entry(line, times) for line, times in found[-most:]]


def words_of(what: str) -> str:
    """A word of the log as people read it."""
    return _WORDS.get(what, what.replace("_", " "))


def _entry(line: Line, times: int) -> Entry:
    detail, what = line.detail, words_of(line.what)
    more = ""
    match line.what:
        case "told":
            what = f"alerted {line.way}"
        case "close" | "dismiss":
            more = str(detail.get("why") or detail.get("outcome") or "")
        case "assign":
            what = f"assigned to {detail.get('owner', 'somebody')}"
        case "wait":
            what = f"waiting on {detail.get('on') or 'the customer'}"
        case "tag":
            what = f"tag: {detail.get('text', '')}"
        case "undo":
            what = f"“{words_of(str(detail.get('undone', '')))}” undone"
        case "remind" | "release" | "expired":
            more = str(detail.get("reason", ""))
        case "reply":
            by = detail.get("written_by")
            what += f" as {detail.get('account', 'us')}"
            what += f", written by {by}, approved" if by and by != line.who else ""
        case "issue" | "issue fixed" | "issue declined" | "issue reopened" | "issue unlinked" | "issue linked":
            what += f": {detail.get('issue', '')}"
            more = str(detail.get("said", "")) if line.what == "issue declined" else ""
        case "answered" if detail.get("sent_on"):
            what = "moved to private messages"
        case _:
            pass
    if more:
        what += f": {more.replace('_', ' ')}"
    return Entry(
        at=line.at,
        what=what,
        who=line.who,
        way=line.way if line.way in _BY_A_PERSON else "",
        text=str(detail.get("text", "")) if line.what in _TOLD else "",
        until=_until(detail.get("until")),
        times=times,
        undone=line.undone_at is not None,
        url=str(detail.get("url") or ""),
    )


def _until(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else None
