"""A day that has been written down, played again as if it went by now. The cursor says when the play began and how far.

The file holds JSON lines, one post each: {id, source, author, author_name, text, title, url, at, parent, thread, reach,
rating, lang, own, pictures, videos}. `at` is a time of the day ("09:12") or an ISO time, one kind in a file; only what
lies between two posts counts, since the times are moved to now. `own: true` is the brand's own reply: `fetch_own` gives
it, not `fetch`. `pictures` and `videos` are how many it shows.
"""

from __future__ import annotations

import json
import re
import zlib
from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from connectors import Aside, Batch, ConnectorError, Nonsense, Post, Request
from connectors.about import About
from connectors.durations import Span, span
from connectors.http import Http
from connectors.text import clean, parse_time, raw_of, safe_url

ABOUT = About(
    reads="a day that was written down in a file, as if it happened now: for trying out",
)

SAMPLE = Path(__file__).with_name("samples") / "day.jsonl"
# Two weeks around the same day, which is the last but two of them: what a digest and trends are made of.
WEEK = SAMPLE.with_name("week.jsonl")
DAY_OF_THE_WEEK = datetime(2026, 11, 13, tzinfo=UTC)
PAGE = 100
LONGEST_LINE = 1_000_000
QUICK_STEP = timedelta(milliseconds=600)
# An answer is shown a moment after it was written, so that what it answers has been read by then.
ANSWER_SHOWS_AFTER = timedelta(seconds=3)
_A_DAY = datetime(2000, 1, 1, tzinfo=UTC)  # to which a time of day belongs
_CLOCK = re.compile(r"^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$")


def _pace(value: object) -> object:
    return value if value in ("at_once", "as_written") else span(value)


class Settings(BaseModel, frozen=True, extra="forbid"):
    """Options of a `replay` source."""

    api_url: str = Field(default="", description="Not used: a replay reads a file.")
    file: str = Field(
        default="sample",
        examples=["week"],
        description='A JSON-lines file of posts; "sample" or "week" for the bundled day or two weeks.',
    )
    day_in: Annotated[Span | Literal["at_once", "as_written"], BeforeValidator(_pace)] = Field(
        default=timedelta(minutes=4),
        description='Play the whole file in this time; "at_once": at the first read; "as_written": in its own time.',
    )
    quick_start: int = Field(
        default=8, ge=0, le=100, description="Play this many posts in the first seconds, whatever the pace."
    )
    only: tuple[str, ...] = Field(
        default=(), description='Play only posts from these networks (the "source" of a line); empty: all.'
    )


@dataclass(frozen=True, slots=True)
class _Line:
    network: str
    at: datetime
    native_id: str
    author: str
    text: str
    author_name: str
    title: str
    url: str
    parent: str
    thread: str
    lang: str
    reach: int | None
    rating: float | None
    own: bool
    raw: str
    pictures: int
    videos: int


@dataclass(frozen=True, slots=True)
class _Part:
    """One line of the play: when it is played and when it says that it was written, counted from the beginning."""

    line: _Line
    played: timedelta
    posted: timedelta


@dataclass(frozen=True, slots=True)
class _Day:
    """The file, read once, in the order of the play."""

    parts: tuple[_Part, ...]
    aside: tuple[Aside, ...]


class Replay:
    """Plays a file. The first read is the beginning of the day, unless the cursor says that it has begun before."""

    def __init__(self, settings: Settings, http: Http | None = None) -> None:  # noqa: ARG002 (all are made alike)
        self._settings = settings
        self._day: _Day | None = None
        self._began: datetime | None = None

    def fetch(self, request: Request) -> Batch:
        """Give what customers have posted by `request.now`, at most one page of it, in the order of the day."""
        return self._page(request, own=False, authors=None)

    def fetch_own(self, accounts: tuple[str, ...], request: Request) -> Batch:
        """Give what the brand itself (`accounts`) has answered by `request.now`."""
        return self._page(request, own=True, authors=frozenset(_handle(account) for account in accounts))

    def _page(self, request: Request, *, own: bool, authors: frozenset[str] | None) -> Batch:
        day = self._read()
        began, played = self._begin(request)
        now = max(request.now, began)
        size = PAGE if request.allowance is None else max(1, min(PAGE, request.allowance))
        delay = ANSWER_SHOWS_AFTER if own and self._settings.day_in != "at_once" else timedelta()
        due = bisect_right(day.parts, now - began - delay, key=lambda part: part.played)
        posts: list[Post] = []
        number = played
        while number < due and len(posts) < size:
            part = day.parts[number]
            if part.line.own == own and (authors is None or _handle(part.line.author) in authors):
                posts.append(_post(part.line, request.source, began + part.posted))
            number += 1
        first_page = not request.cursor and not own
        cursor = json.dumps({"began": began.isoformat(), "played": number})
        return Batch(tuple(posts), cursor, complete=number >= due, aside=day.aside if first_page else ())

    def _begin(self, request: Request) -> tuple[datetime, int]:
        """When the play began and how many lines are behind us; a cursor that we cannot read begins it afresh."""
        try:
            kept = json.loads(request.cursor) if request.cursor else {}
            began, played = datetime.fromisoformat(kept["began"]), int(kept["played"])
            if began.tzinfo is None or played < 0:
                raise ValueError("not a cursor of ours")
        except (ValueError, TypeError, KeyError):
            self._began = self._began or request.now
            return self._began, 0
        self._began = self._began or began
        return began, played

    def _read(self) -> _Day:
        if self._day is None:
            self._day = _read_day(self._settings)
        return self._day


def _handle(name: str) -> str:
    return name.removeprefix("@").casefold()


def _read_day(settings: Settings) -> _Day:
    path = {"sample": SAMPLE, "week": WEEK}.get(settings.file) or Path(settings.file)
    lines: list[_Line] = []
    aside: list[Aside] = []
    try:
        _take_lines(path, lines, aside)
        if settings.file == "week":
            day: list[_Line] = []
            _take_lines(SAMPLE, day, aside)
            lines += [replace(line, at=line.at - _A_DAY + DAY_OF_THE_WEEK) for line in day]
    except OSError as error:
        raise ConnectorError(
            f"the file {path.name} can't be read ({error.strerror or 'unknown error'})",
            f'set `file` of this source to a JSON-lines file that exists, or to "sample"; found "{settings.file}"',
        ) from None
    if aside and not lines:
        raise Nonsense(
            f"the file {path.name} has no readable posts ({aside[0].reason})",
            "`file` of this source needs one JSON object per line, with id, author, text and at.",
        )
    lines.sort(key=lambda line: line.at)
    moments = _moments([line.at for line in lines], settings)
    # Chosen only now, so that several sources that play parts of one file keep step.
    played = zip(lines, moments, _posted(lines, moments, settings), strict=True)
    wanted = (part for part in played if not settings.only or part[0].network in settings.only)
    return _Day(tuple(_Part(*part) for part in wanted), tuple(aside))


def _take_lines(path: Path, lines: list[_Line], aside: list[Aside]) -> None:
    """Read a file line by line; what can't be read is put aside with the reason."""
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if not raw.strip():
                continue
            try:
                lines.append(_line(raw))
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                aside.append(Aside(raw[:LONGEST_LINE], f"{path.name}, line {number}: {_fault(error)}"))


def _fault(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return "not JSON"
    return str(error) if type(error) is ValueError else "a value of the wrong type"


def _line(raw: bytes) -> _Line:
    """Read one line; ValueError, TypeError or KeyError say what is wrong with it."""
    if len(raw) > LONGEST_LINE:
        raise ValueError(f"longer than {LONGEST_LINE} bytes")
    read = json.loads(raw)
    if not isinstance(read, dict):
        raise ValueError("not an object")
    if not isinstance(read["id"], str | int) or isinstance(read["id"], bool) or not str(read["id"]).strip():
        raise ValueError("id is not a word or number")
    for key in ("text", "author"):
        if not isinstance(read[key], str):
            raise ValueError(f"{key} is not text")
    reach = _number(read, "reach")
    return _Line(
        network=_word(read, "source"),
        at=_at(read["at"]),
        native_id=clean(str(read["id"])),
        author=clean(read["author"]),
        text=clean(read["text"]),
        author_name=_word(read, "author_name"),
        title=_word(read, "title"),
        url=safe_url(_word(read, "url")),
        parent=_word(read, "parent"),
        thread=_word(read, "thread"),
        lang=_word(read, "lang"),
        reach=None if reach is None else int(reach),
        rating=_number(read, "rating"),
        own=read.get("own") is True,
        raw=raw_of(read),
        pictures=int(_number(read, "pictures") or 0),
        videos=int(_number(read, "videos") or 0),
    )


def _word(read: dict[str, object], key: str) -> str:
    value = read.get(key)
    if value is None:
        return ""
    if not isinstance(value, str | int):
        raise ValueError(f"{key} is not text")
    return clean(str(value))


def _number(read: dict[str, object], key: str) -> int | float | None:
    value = read.get(key)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise ValueError(f"{key} is not a count")
    return value


def _at(value: object) -> datetime:
    """Read "09:12" as that time of a day long ago, or an ISO time; only what lies between two of them counts."""
    if not isinstance(value, str):
        raise ValueError("at is not text")
    clock = _CLOCK.match(value)
    if clock is not None:
        return _A_DAY.replace(hour=int(clock[1]), minute=int(clock[2]), second=int(clock[3] or 0))
    read = parse_time(value)
    if read is None:
        raise ValueError("at is neither a time of day (09:12) nor an ISO time")
    return read


def _moments(times: list[datetime], settings: Settings) -> list[timedelta]:
    """When each line is played, counted from the beginning. The first few come quickly, the rest in proportion."""
    if not times or settings.day_in == "at_once":
        return [timedelta()] * len(times)
    if settings.day_in == "as_written":
        return [at - times[0] for at in times]
    pace = settings.day_in
    step = min(QUICK_STEP, pace / 40)
    quick = min(settings.quick_start, len(times))
    moments = [step * number for number in range(quick)]
    if quick == len(times):
        return moments
    start = step * quick
    first, last = times[quick], times[-1]
    whole = (last - first) or timedelta(seconds=1)
    left = max(pace - start, timedelta())
    return moments + [start + left * ((at - first) / whole) for at in times[quick:]]


def _posted(lines: list[_Line], moments: list[timedelta], settings: Settings) -> list[timedelta]:
    """When each post says that it was written, counted from the beginning: a few seconds before it is played.

    Played at once, the day keeps its own distances and ends now. No post is dated before the one that it follows.
    """
    if not lines:
        return []
    if settings.day_in == "at_once":
        return [line.at - lines[-1].at for line in lines]
    posted: list[timedelta] = []
    for line, moment in zip(lines, moments, strict=True):
        lag = timedelta(milliseconds=800 + zlib.crc32(line.native_id.encode()) % 4200)
        at = moment - lag
        posted.append(max(at, posted[-1] + timedelta(milliseconds=1)) if posted else at)
    # Rounding many posts of one moment apart must not date one of them after it is played.
    return [min(at, moment) for at, moment in zip(posted, moments, strict=True)]


def _post(line: _Line, source: str, posted_at: datetime) -> Post:
    return Post(
        source=source,
        native_id=line.native_id,
        url=line.url,
        author=line.author,
        text=line.text,
        posted_at=posted_at,
        author_name=line.author_name,
        title=line.title,
        lang=line.lang,
        reach=line.reach,
        rating=line.rating,
        parent_id=line.parent,
        thread_id=line.thread or line.parent or line.native_id,
        raw=line.raw,
        pictures=line.pictures,
        videos=line.videos,
    )
