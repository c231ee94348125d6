"""How often a person waited for an answer, and what came of it, read from the log of their case.

A case has one *turn* from its first post on, and a further one each time its author writes again after an answer, so a
case that came back counts again. The log ("answered", "again") keeps every wait where the case itself knows only its
last one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.store.database import Row, at

_UNRESOLVED = {"no_answer_needed", "went_private", "deleted"}  # closed, but nobody was helped


@dataclass(frozen=True, slots=True)
class Turn:
    """One time that a person waited: when they wrote, when we saw, told, took and answered it. None: not (yet).

    `first_word_at` is the first that they heard from us, be it "we are looking into it". `private`: what ended the wait
    sent them on to where nobody can see how it went.
    """

    case: str
    number: int  # 1 for the first post of a case, 2 when its author wrote again after an answer, and so on
    asked_at: datetime
    seen_at: datetime
    told_at: datetime | None = None
    taken_at: datetime | None = None
    answered_at: datetime | None = None
    backdated: bool = False
    first_word_at: datetime | None = None
    private: bool = False


class _Waits:
    """The waits of one case while its log is read, oldest line first."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.found: list[Turn] = []
        self.now: Turn | None = self._begin(at(row["first_posted_at"]), at(row["opened_at"]))  # the one under way

    def _begin(self, asked: datetime, seen: datetime) -> Turn:
        return Turn(self.row["id"], len(self.found) + 1, asked, seen)

    def read(self, line: Row) -> None:
        """Take in one line."""
        moment, detail = at(line["at"]), json.loads(line["detail"] or "{}")
        what, said_at = line["what"], _moment(detail, "answered_at", moment)
        if self.now is not None:
            self._waiting(self.now, what, moment, said_at, detail)
        elif what == "again":
            self.now = self._begin(_moment(detail, "posted_at", moment), moment)
        elif self.found:
            self._ended(what, said_at, detail)

    def _waiting(self, now: Turn, what: str, moment: datetime, said_at: datetime, detail: Mapping[str, object]) -> None:
        """A line while somebody waits."""
        first = min(now.first_word_at or said_at, said_at)
        match what:
            case "told":
                self.now = replace(now, told_at=now.told_at or moment)
            case "take" | "assign":
                self.now = replace(now, taken_at=now.taken_at or moment)
            case "first word":
                self.now = replace(now, first_word_at=first)
            case "answered":
                if self.found and said_at < now.asked_at:
                    return  # it spoke of what was answered before: Earful once wrote such lines
                ended = replace(now, answered_at=said_at, first_word_at=first, private=bool(detail.get("sent_on")))
                self.found.append(replace(ended, backdated=bool(detail.get("backdated"))))
                # The reply was older than what they wrote last: the next wait has begun already.
                next_since = _moment(detail, "next_since", moment) if detail.get("next_since") else None
                self.now = self._begin(next_since, moment) if next_since is not None else None
            case "answered earlier" if self.found:
                self.found[-1] = replace(self.found[-1], answered_at=said_at)

    def _ended(self, what: str, said_at: datetime, detail: Mapping[str, object]) -> None:
        """A line while nobody waits: it speaks of the wait that ended last."""
        last = self.found[-1]
        first = min(last.first_word_at or said_at, said_at)
        match what:
            case "answered earlier" | "answered in public" | "answered":
                if what == "answered" and not last.private:
                    return
                private = bool(detail.get("sent_on", last.private)) if what == "answered earlier" else False
                self.found[-1] = replace(last, answered_at=said_at, first_word_at=first, private=private)
            case "first word earlier":
                self.found[-1] = replace(last, first_word_at=first)
            case "not_answered" | "reopen" if detail.get("unanswered"):
                self.now = replace(self.found.pop(), answered_at=None, private=False)
            case _:
                pass


def turns_of(row: Row, log: Sequence[Row]) -> list[Turn]:
    """The waits of one case, from its log (oldest line first, without those that were taken back)."""
    waits = _Waits(row)
    for line in log:
        waits.read(line)
    return waits.found if waits.now is None else [*waits.found, waits.now]


def resolutions_of(row: Row, log: Sequence[Row]) -> list[tuple[datetime, datetime]]:
    """From when to when a case took to be closed with an outcome that helped somebody; again for each reopening."""
    found: list[tuple[datetime, datetime]] = []
    start = at(row["first_posted_at"])
    end: datetime | None = None
    for line in log:
        detail = json.loads(line["detail"] or "{}")
        if line["what"] in {"close", "dismiss"}:
            outcome = detail.get("outcome") or ("no_answer_needed" if line["what"] == "dismiss" else "solved")
            end = None if outcome in _UNRESOLVED else at(line["at"])
        elif line["what"] == "reopen":
            if end is not None:
                found.append((start, end))
            start, end = at(line["at"]), None
    return [*found, (start, end)] if end is not None else found


def _moment(detail: Mapping[str, object], key: str, default: datetime) -> datetime:
    value = detail.get(key)
    return datetime.fromisoformat(str(value)) if value else default
