"""Where the reading of several listings stands: the high water of each, and the walk under way.

Networks list newest first. A *lane* is one listing (a search, a timeline); a *walk* reads every lane page by page down
to its floor. High waters move only when the whole walk is done, and by the network's own times, so a walk that was cut
anywhere is taken up at its page and loses nothing. Pure: text in, text out. Times are milliseconds since 1970 in UTC.

Three things from outside must not stop it. A post that is dated ahead never moves a high water; where most of a page is
ahead it is our clock that is behind, and the ids that were seen say where to stop. A lane that is closed to us is left
out for a day while the others go on. A lane that shows ever more pages is given up after `MOST_TURNS`, with a gap.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors import Closed, ConnectorError, Gap

# How far a network's clock may be ahead of ours. What is dated later never moves a cursor.
AHEAD = timedelta(minutes=2)
CLOCK_IS_BEHIND = (
    "most posts here are dated in the future, so this machine's clock seems to be slow; set it (timedatectl "
    "says whether it follows a time server)"
)
MOST_TURNS = 2000
ASK_CLOSED_EVERY = timedelta(days=1)
# So few posts say nothing of our clock; so many ids of a walk that was ahead are kept, to know them again.
_FEW = 3
WILD = timedelta(days=60)  # between two posts, one after the other
_KNOWN = 40
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


def clock_is_behind(times: Iterable[datetime], now: datetime) -> bool:
    """Whether so many of these times lie ahead of `now` that it is our clock, not somebody's post, which is wrong."""
    found = list(times)
    ahead = sum(at > now + AHEAD for at in found)
    return ahead >= _FEW and ahead * 2 > len(found)


def is_below(times: Sequence[datetime], floor: datetime) -> bool:
    """Whether a page, the newest first, has come down to the floor. One post far below the others has a wrong date."""
    if not times or times[-1] >= floor:
        return False
    return len(times) == 1 or times[-2] < floor or times[-2] - times[-1] <= WILD


@dataclass(slots=True)
class Mark:
    """How far a lane is known: its newest post's time, and when the last whole walk over it began.

    `ahead` are ids that were dated ahead of our clock then, while most of that lane was.
    """

    high: int
    read: int
    ahead: list[str] = field(default_factory=list)


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
    first: int = 0  # where the very first walk began to look: no overlap goes further back
    turns: int = 0
    ahead: list[str] = field(default_factory=list)
    beyond: dict[str, list[str]] = field(default_factory=dict)
    closed: dict[str, dict[str, Any]] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    # Of this one read, and never in a cursor.
    wanted: list[str] = field(default_factory=list)
    behind: bool = False
    reopened: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, cursor: str) -> Walk:
        """Read a cursor; one that cannot be read (another version's) counts as none, and the look-back applies."""
        try:
            held = json.loads(cursor)
            marks = {key: _mark(mark) for key, mark in held.pop("marks").items()}
            walk = cls(marks=marks, **{key: value for key, value in held.items() if key not in _OF_THIS_READ})
            walk.closed = {lane: _shut(each) for lane, each in walk.closed.items()}
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return cls()
        lists = all(isinstance(each, list) for each in (walk.todo, walk.tokens, walk.ahead))
        return (
            walk if lists and all(isinstance(each, dict) for each in (walk.fresh, walk.beyond, walk.extra)) else cls()
        )

    def dump(self) -> str:
        """Write the cursor."""
        held = {key: value for key, value in asdict(self).items() if key not in _OF_THIS_READ}
        return json.dumps(held, separators=(",", ":"), sort_keys=True)

    @property
    def lane(self) -> str:
        """The lane being read, empty when no walk is under way."""
        return self.todo[0] if self.todo else ""

    def begin(self, lanes: Iterable[str], now: datetime, since: datetime, overlap: timedelta) -> None:
        """Start a walk over `lanes`, or go on with the one under way, and set the floor of the lane to read.

        A lane that nobody asks for any more is dropped. One that is new looks back to `since`, or further if the
        lanes before it were last whole earlier than that: nothing is lost when the words change after a long stop.
        A lane that was found closed less than a day ago is left out, and keeps its high water. What was written before
        the look-back of the first walk stays unread, however far `overlap` reaches.
        """
        if not self.marks and not self.first:
            self.first = milliseconds(since)
        if self.first > milliseconds(now):  # written by a clock that was ahead
            self.first = 0
        self.wanted = list(lanes)
        self._bound(now)
        wanted = [lane for lane in self.wanted if not self._is_shut(lane, now)] or self.wanted
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
            self.floor = max(self.floor - round(overlap.total_seconds() * 1000), self.first) if mark else self.floor
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

    def note(self, page: Iterable[tuple[str, datetime]], now: datetime) -> bool:
        """Take in the ids and times of one page's posts; whether all below this page is known, so that the lane ends.

        What is dated ahead of `now` moves nothing. Where that is most of the page, the times cannot say where what is
        known begins; an id that the last walk saw does.
        """
        posts = list(page)
        latest = milliseconds(now + AHEAD)
        for _, at in posts:
            stamp = milliseconds(at)
            self.count += 1
            if stamp <= latest:
                self.newest = max(self.newest, stamp)
                self.oldest = min(self.oldest or stamp, stamp)
        if not clock_is_behind((at for _, at in posts), now):
            return False
        self.behind = True
        seen = [fingerprint(name) for name, at in posts if milliseconds(at) > latest]
        mark = self.marks.get(self.lane)
        self.ahead = [*self.ahead, *seen][:_KNOWN]
        return mark is not None and not set(seen).isdisjoint(mark.ahead)

    def shut(self, error: ConnectorError, now: datetime) -> bool:
        """Go on without the current lane; False where that would hide what concerns the whole source.

        What is closed to us is left out for a day, what only failed for this walk. Where no other lane of this walk
        is left, or was read, it is the source that fails.
        """
        lasting = isinstance(error, Closed)
        if not (lasting or type(error) is ConnectorError) or not (self.todo[1:] or self.fresh):
            return False
        lane, before = self.lane, self.closed.get(self.lane)
        how = "it is skipped and retried once a day" if lasting else "everything else is read"
        said = f"{error.message}: {how}. {error.remedy}".strip()
        times = 1 + (int(before.get("times", 0)) if before else 0)
        self.closed[lane] = {"at": milliseconds(now), "said": said, "lasting": lasting, "times": times}
        self.todo = self.todo[1:]
        self._leave()
        if not self.todo:
            self._finish()
        return True

    def notices(self) -> tuple[str, ...]:
        """What the operator should know of this read: what is closed, what is open again, that our clock is behind."""
        told = [each["said"] for lane, each in self.closed.items() if lane in self.wanted and _is_told(each)]
        told += [f"{said.partition(': ')[0]}: working again" for said in self.reopened]
        return (*told, *((CLOCK_IS_BEHIND,) if self.behind else ()))

    def turn(self, token: str) -> bool:
        """Go to the next page; False if following it would never end: its token was seen before, or there are too many.

        `stuck` says then what stays unseen.
        """
        key = fingerprint(token)
        self.turns += 1
        if key in self.tokens or self.turns > MOST_TURNS:
            return False
        self.tokens = [*self.tokens, key][-REMEMBERED_TOKENS:]
        self.token = token
        return True

    def unread(self, reason: str) -> tuple[Gap, ...]:
        """Say which span stays unseen when the lane ends before its floor."""
        end = self.oldest or self.started
        return (Gap(moment(self.floor), moment(end), reason),) if end > self.floor else ()

    def stuck(self, network: str) -> tuple[Gap, ...]:
        """Say what stays unseen after `turn` refused."""
        endless = f"{network} always has another page; {self.turns - 1} were read"
        return self.unread(endless if self.turns > MOST_TURNS else f"{network} keeps sending the same page")

    def close_lane(self) -> bool:
        """End the current lane; True when that made the walk whole and moved the high waters."""
        mark = self.marks.get(self.lane)
        before = mark.high if mark else self.floor
        self.fresh[self.lane] = max(self.newest, before)
        if self.ahead:
            self.beyond[self.lane] = self.ahead
        if self.lane in self.closed:
            before_that = self.closed.pop(self.lane)
            self.reopened += [before_that["said"]] if _is_told(before_that) else []
        self.todo = self.todo[1:]
        self._leave()
        if not self.todo:
            self._finish()
        return not self.todo

    def _is_shut(self, lane: str, now: datetime) -> bool:
        """Whether a lane was found closed less than a day ago, by a clock that did not step back since."""
        found = self.closed.get(lane)
        return found is not None and found["lasting"] and timedelta() <= now - moment(found["at"]) < ASK_CLOSED_EVERY

    def _bound(self, now: datetime) -> None:
        """Take back what lies in the future: our clock was ahead once, or an older version believed a post."""
        latest = milliseconds(now + AHEAD)
        for mark in self.marks.values():
            if mark.high > latest:
                mark.high = min(mark.read, milliseconds(now))
        self.newest = self.newest if self.newest <= latest else 0
        self.fresh = {
            lane: min(high, milliseconds(now)) if high > latest else high for lane, high in self.fresh.items()
        }

    def _leave(self) -> None:
        self.opened, self.floor, self.newest, self.oldest, self.count = False, 0, 0, 0, 0
        self.turns, self.ahead = 0, []
        self.restart()

    def _finish(self) -> None:
        kept = {lane: mark for lane, mark in self.marks.items() if lane in self.closed}
        read = {lane: Mark(high, self.started, self.beyond.get(lane, [])) for lane, high in self.fresh.items()}
        self.marks = kept | read
        self.fresh, self.beyond, self.started = {}, {}, 0


_OF_THIS_READ = frozenset({"wanted", "behind", "reopened"})


def _shut(held: Mapping[str, Any]) -> dict[str, Any]:
    at, times = int(held["at"]), int(held["times"])
    return {"at": at, "said": str(held["said"]), "lasting": held["lasting"] is True, "times": times}


def _is_told(held: Mapping[str, Any]) -> bool:
    """Whether people hear of it: what failed once may be a hiccup."""
    return bool(held["lasting"]) or int(held["times"]) > 1


def _mark(held: Mapping[str, Any]) -> Mark:
    ahead = held.get("ahead")
    return Mark(int(held["high"]), int(held["read"]), list(ahead) if isinstance(ahead, list) else [])


def text_of(held: Mapping[str, Any], key: str) -> str:
    """Read a text out of a cursor's `extra`, empty when it is not there or not a text."""
    found = held.get(key, "")
    return found if isinstance(found, str) else ""
