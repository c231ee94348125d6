"""Where the reading of several listings stands: the high water of each, and the walk under way.

Networks list newest first. A *lane* is one listing (a search, a timeline); a *walk* reads every lane page by page down
to its floor. High waters move only when the whole walk is done, and by the network's own times, so a walk that was cut
anywhere is taken up at its page and loses nothing. Pure: text in, text out. Times are milliseconds since 1970 in UTC.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors import Gap

# More pages than this in one lane are still read, but only the last so many tokens are remembered against loops.
REMEMBERED_TOKENS = 300


def milliseconds(moment: datetime) -> int:
    """Turn an aware time into milliseconds since 1970."""
    return round(moment.timestamp() * 1000)


def moment(stamp: int) -> datetime:
    """Turn milliseconds since 1970 into an aware UTC time."""
    return datetime.fromtimestamp(stamp / 1000, UTC)


def fingerprint(text: str) -> str:
    """Shorten a text to a key that stays the same for the same text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


@dataclass(slots=True)
class Mark:
    """How far a lane is known: its newest post's time, and when the last whole walk over it began."""

    high: int
    read: int


@dataclass(slots=True)
class Walk:
    """The content of a cursor. `extra` is the connector's own (its budget, names it has looked up)."""

    marks: dict[str, Mark] = field(default_factory=dict)
    todo: list[str] = field(default_factory=list)
    fresh: dict[str, int] = field(default_factory=dict)
    started: int = 0
    opened: bool = False
    floor: int = 0
    token: str = ""
    tokens: list[str] = field(default_factory=list)
    newest: int = 0
    oldest: int = 0
    count: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, cursor: str) -> Walk:
        """Read a cursor; one that cannot be read (another version's) counts as none, and the look-back applies."""
        try:
            held = json.loads(cursor)
            marks = {key: Mark(int(mark["high"]), int(mark["read"])) for key, mark in held.pop("marks").items()}
            walk = cls(marks=marks, **held)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return cls()
        lists = isinstance(walk.todo, list) and isinstance(walk.tokens, list) and isinstance(walk.fresh, dict)
        return walk if lists and isinstance(walk.extra, dict) else cls()

    def dump(self) -> str:
        """Write the cursor."""
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True)

    @property
    def lane(self) -> str:
        """The lane being read, empty when no walk is under way."""
        return self.todo[0] if self.todo else ""

    def begin(self, lanes: Iterable[str], now: datetime, since: datetime, overlap: timedelta) -> None:
        """Start a walk over `lanes`, or go on with the one under way, and set the floor of the lane to read.

        A lane that nobody asks for any more is dropped. One that is new looks back to `since`, or further if the
        lanes before it were last whole earlier than that: nothing is lost when the words change after a long stop.
        """
        wanted = list(lanes)
        if self.todo:
            current = self.lane
            self.todo = [lane for lane in self.todo if lane in wanted]
            if self.lane != current:
                self._leave()
            if not self.todo:
                self._finish()
        if not self.todo:
            self.todo, self.started, self.fresh = wanted, milliseconds(now), {}
            self._leave()
        if self.todo and not self.opened:
            mark = self.marks.get(self.lane)
            known = [other.high for other in self.marks.values()]
            self.floor = mark.high if mark else min([milliseconds(since), *known])
            self.floor -= round(overlap.total_seconds() * 1000) if mark else 0
            self.opened = True

    def last_read(self) -> int:
        """Say when the current lane was last read to its end; for a new one, the oldest such time of any. 0: never."""
        mark = self.marks.get(self.lane)
        return mark.read if mark else min((other.read for other in self.marks.values()), default=0)

    def lift(self, to: datetime, reason: str) -> tuple[Gap, ...]:
        """Raise the floor because the network shows nothing older; a gap only if that span was never read."""
        raised = milliseconds(to)
        if self.floor >= raised:
            return ()
        read = self.last_read()
        self.floor = raised
        return (Gap(moment(read), to, reason),) if 0 < read < raised else ()

    def restart(self) -> None:
        """Read the current lane again from its newest page, to the same floor."""
        self.token, self.tokens = "", []

    def note(self, times: Iterable[datetime]) -> None:
        """Take in the times of one page's posts."""
        for at in times:
            stamp = milliseconds(at)
            self.newest = max(self.newest, stamp)
            self.oldest = min(self.oldest or stamp, stamp)
            self.count += 1

    def turn(self, token: str) -> bool:
        """Go to the next page; False if its token was seen before, so that following it would never end."""
        key = fingerprint(token)
        if key in self.tokens:
            return False
        self.tokens = [*self.tokens, key][-REMEMBERED_TOKENS:]
        self.token = token
        return True

    def unread(self, reason: str) -> tuple[Gap, ...]:
        """Say which span stays unseen when the lane ends before its floor."""
        end = self.oldest or self.started
        return (Gap(moment(self.floor), moment(end), reason),) if end > self.floor else ()

    def close_lane(self) -> bool:
        """End the current lane; True when that made the walk whole and moved the high waters."""
        mark = self.marks.get(self.lane)
        before = mark.high if mark else self.floor
        self.fresh[self.lane] = max(self.newest, before)
        self.todo = self.todo[1:]
        self._leave()
        if not self.todo:
            self._finish()
        return not self.todo

    def _leave(self) -> None:
        self.opened, self.floor, self.newest, self.oldest, self.count = False, 0, 0, 0, 0
        self.restart()

    def _finish(self) -> None:
        self.marks = {lane: Mark(high, self.started) for lane, high in self.fresh.items()}
        self.fresh, self.started = {}, 0


def text_of(held: Mapping[str, Any], key: str) -> str:
    """Read a text out of a cursor's `extra`, empty when it is not there or not a text."""
    found = held.get(key, "")
    return found if isinstance(found, str) else ""
