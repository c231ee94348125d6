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

_UNRESOLVED = {"no_answer_needed", "deleted"}  # closed, but nobody was helped


@dataclass(frozen=True, slots=True)
class Turn:
    """One time that a person waited: when they wrote, when we saw, told, took and answered it. None: not (yet)."""

    case: str
    number: int  # 1 for the first post of a case, 2 when its author wrote again after an answer, and so on
    asked_at: datetime
    seen_at: datetime
    told_at: datetime | None = None
    taken_at: datetime | None = None
    answered_at: datetime | None = None
    backdated: bool = False


def turns_of(row: Row, log: Sequence[Row]) -> list[Turn]:
    """The waits of one case, from its log (oldest line first, without those that were taken back)."""
    found: list[Turn] = []
    asked: datetime | None = at(row["first_posted_at"])
    seen = at(row["opened_at"])
    told: datetime | None = None
    taken: datetime | None = None

    def close(answered: datetime | None, *, backdated: bool = False) -> None:
        assert asked is not None
        found.append(Turn(row["id"], len(found) + 1, asked, seen, told, taken, answered, backdated))

    for line in log:
        moment, detail = at(line["at"]), json.loads(line["detail"] or "{}")
        match line["what"]:
            case "told":
                told = told or moment
            case "take" | "assign":
                taken = taken or moment
            case "answered" if asked is not None:
                if found and _moment(detail, "answered_at", moment) < asked:
                    continue  # it spoke of what was answered before: Earful once wrote such lines
                close(_moment(detail, "answered_at", moment), backdated=bool(detail.get("backdated")))
                # The reply was older than what they wrote last: the next wait has begun already.
                asked = _moment(detail, "next_since", moment) if detail.get("next_since") else None
                told = taken = None
                seen = moment
            case "answered earlier" if found:
                found[-1] = replace(found[-1], answered_at=_moment(detail, "answered_at", moment))
            case "again" if asked is None:
                asked, seen, told, taken = _moment(detail, "posted_at", moment), moment, None, None
    if asked is not None:
        close(None)
    return found


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
