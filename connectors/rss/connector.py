"""RSS and Atom feeds, news searches among them. The cursor holds each feed's ETag, date and last full read.

One page is one feed; a walk goes over all feeds of the source. A feed that fails never hides the others: it is told in
a notice, and only when all fail is it an error. A hostile feed can hold the parser for minutes (feedparser #562), so
bytes are fetched here and parsed in a child process of bounded time and memory: see `parsing`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from connectors import Batch, Closed, ConnectorError, Nonsense, RateLimited, Refused, Request, bot_check
from connectors.about import About
from connectors.answers import Answer, error_for
from connectors.http import Http, host_of
from connectors.pagination import CLOCK_IS_BEHIND
from connectors.rss.entries import Found, posts_of
from connectors.rss.identity import Memory, Sighting
from connectors.rss.parsing import FEED_CAP
from connectors.rss.places import PLACES, address_of
from connectors.terms import any_of
from connectors.text import parse_time

ABOUT = About(
    reads="feeds (RSS, Atom, JSON Feed), a search of Google News",
    misses="replies and deletions: a feed does not tell of them; and what is older than it lists",
    page="connect/feeds.md",
)

FULL_READ_EVERY = timedelta(hours=6)
ASK_GONE_EVERY = timedelta(days=1)
# A feed that comes and goes is told once a day; while it is not told, nobody hears of its coming back either.
TELL_EVERY = timedelta(days=1)
# A walk in which every feed failed so far is begun anew when it is taken up later than this.
WALK_GOES_STALE = timedelta(minutes=5)
_ACCEPT = "application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.5"

# https://www.reddit.com/r/modnews/comments/1wubgvt/continuing_our_infrastructure_updates_whats/
# What they answer now could not be tried: such a feed is asked once a day.
_REDDIT_ENDED = "Reddit ended its feeds on 13 November 2026"
_REDDIT_REMEDY = "Remove it from this source; docs/connect-reddit.md says what is left."

_PAGE = re.compile(rb"\s*(?:<!--.{0,2000}?-->\s*)?<(?:!doctype html|html)\b", re.IGNORECASE | re.DOTALL)


class Settings(BaseModel, frozen=True, extra="forbid"):
    """Options of an `rss` source: some of `feeds`, `google_news`, `reddit_feed`; with none of them, Google News."""

    api_url: str = Field(
        default="https://news.google.com", pattern=r"^https?://[^\s?#@]+$", description="The address of Google News."
    )
    feeds: tuple[str, ...] = Field(
        default=(), description="Addresses of feeds, or NAME:... of a known place, such as medium:acme."
    )
    google_news: bool | tuple[str, ...] = Field(
        default=False, description="true: search the brands' words in Google News; or a list of searches of your own."
    )
    hl: str = Field(default="en-US", pattern=r"^[\w-]{2,12}$", description="Google News: language of the results.")
    gl: str = Field(default="US", pattern=r"^\w{2}$", description="Google News: country.")
    ceid: str = Field(default="US:en", pattern=r"^\w{2}:[\w-]{2,12}$", description="Google News: country and language.")
    reddit_feed: SecretStr | None = Field(
        default=None,
        description="Leave it out: Reddit ended its feeds on 13 November 2026.",
        json_schema_extra={"ended": True},  # nobody is asked for it any more
    )

    @field_validator("feeds")
    @classmethod
    def _on_the_web(cls, feeds: tuple[str, ...]) -> tuple[str, ...]:
        addresses = tuple(map(address_of, feeds))
        for feed in addresses:
            if not _is_web(feed):
                names = ", ".join(PLACES)
                raise ValueError(f"write each feed as an http:// or https:// address, or as NAME:... of one of {names}")
        return addresses

    @model_validator(mode="after")
    def _something_to_read(self) -> Self:
        if not self.answerable and "google_news" in self.model_fields_set:
            raise ValueError("write at least one of feeds, google_news, reddit_feed")
        if self.reddit_feed and not _is_web(self.reddit_feed.get_secret_value()):
            raise ValueError("reddit_feed: write the https:// address that Reddit shows under preferences, RSS feeds")
        return self

    @property
    def answerable(self) -> bool:
        """False where no place is named: the news that Google finds need no answer, unless somebody says so."""
        return bool(self.feeds or self.google_news or self.reddit_feed)


@dataclass(frozen=True, slots=True)
class _Feed:
    """One address to read; `key` stands for it in the cursor, so that no secret address is ever stored."""

    key: str
    url: str
    of_reddit: bool = False


class Rss:
    """Reads feeds; every entry is a post. Entries are matched by whoever asked, not here."""

    def __init__(
        self, settings: Settings, http: Http, *, parse_seconds: float = 10.0, start_seconds: float = 5.0
    ) -> None:
        self._settings = settings
        self._http = http
        self._parse_seconds = parse_seconds
        self._start_seconds = start_seconds  # what a child may take beside its reading

    def fetch(self, request: Request) -> Batch:
        """Read one feed: the next one of the walk under way, or the first of a new walk."""
        feeds = {feed.key: feed for feed in self._feeds(request.terms)}
        state = _State.load(request.cursor, list(feeds), request.now)
        while state.todo:
            key = state.todo.pop(0)
            record = state.feeds.setdefault(key, {"floor": request.since.isoformat()})
            waits = parse_time(record.get("wait"))
            # A wait beyond a day was written by a clock that was ahead.
            if waits is not None and request.now < waits <= request.now + ASK_GONE_EVERY:
                state.waiting.append(key)
                continue
            try:
                found = self._read(feeds[key], state, request)
            except ConnectorError as error:
                return self._failed(state, feeds[key], error, request)
            state.succeeded += 1
            host = host_of(feeds[key].url)
            notices = _recovered(record, host, request.now)
            if found.undated:
                notices += (f"{host} has unreadable dates; its posts are dated when they are found",)
            if found.behind:
                notices += (CLOCK_IS_BEHIND,)
            return Batch(found.posts, state.dump(), not state.todo, aside=found.aside, notices=notices)
        return self._all_waiting(state, request)

    def _failed(self, state: _State, feed: _Feed, error: ConnectorError, request: Request) -> Batch:
        """Note a feed that could not be read, and go on; raise when none could."""
        record = state.feeds[feed.key]
        state.lasting = state.lasting and isinstance(error, Refused)
        if isinstance(error, Refused):
            record["wait"] = (request.now + ASK_GONE_EVERY).isoformat()
        elif isinstance(error, RateLimited):
            record["wait"] = (error.retry_at or request.now + timedelta(minutes=1)).isoformat()
        if not state.todo and not state.succeeded and not state.waiting:
            if isinstance(error, Refused) and not state.lasting:
                raise ConnectorError(error.message, error.remedy) from error
            raise Closed(error.message, error.remedy) if isinstance(error, Refused) else error
        told_at = parse_time(record.get("told"))
        told: tuple[str, ...] = ()
        if not record.get("failing") and (told_at is None or not timedelta() <= request.now - told_at < TELL_EVERY):
            record["told"], record["failing"] = request.now.isoformat(), type(error).__name__
            told = (f"{error.message}. {error.remedy}".strip(),)
        return Batch((), state.dump(), not state.todo, notices=told)

    def _all_waiting(self, state: _State, request: Request) -> Batch:
        """End a walk whose last feeds asked for patience."""
        if state.waiting and not state.succeeded and len(state.waiting) == len(state.feeds):
            waits = [at for key in state.waiting if (at := parse_time(state.feeds[key].get("wait")))]
            raise RateLimited(f"{request.source}: all feeds ask to wait", min(waits, default=None))
        return Batch((), state.dump())

    def _feeds(self, terms: tuple[str, ...]) -> list[_Feed]:
        addresses = list(self._settings.feeds)
        personal = self._settings.reddit_feed.get_secret_value() if self._settings.reddit_feed else ""
        addresses += [personal] if personal else []
        wanted = self._settings.google_news or not self._settings.answerable
        searches = any_of(terms, limit=1_500, suffix="when:1d") if wanted is True else list(wanted or ())
        for search in searches:
            asked = {"q": search, "hl": self._settings.hl, "gl": self._settings.gl, "ceid": self._settings.ceid}
            addresses.append(f"{self._settings.api_url.rstrip('/')}/rss/search?{urlencode(asked)}")
        return [
            _Feed(_digest(address)[:12], address, address == personal or _is_of_reddit(address))
            for address in dict.fromkeys(addresses)
        ]

    def _read(self, feed: _Feed, state: _State, request: Request) -> Found:
        """Fetch, parse and sort out one feed; its record moves only when all of that went well."""
        record = state.feeds[feed.key]
        full_at = parse_time(record.get("full_at"))
        # Some servers keep an ETag although the content changed: now and then it is not sent.
        full = full_at is None or not timedelta() <= request.now - full_at < FULL_READ_EVERY
        headers = {"Accept": _ACCEPT}
        if not full:
            headers |= {"If-None-Match": record["etag"]} if record.get("etag") else {}
            headers |= {"If-Modified-Since": record["modified"]} if record.get("modified") else {}
        answer = self._http.get(feed.url, headers=headers, cap=FEED_CAP)
        where = f"{request.source}: {host_of(feed.url)}"
        if answer.status == 304 and len(headers) > 1:
            return Found((), ())
        if feed.of_reddit and (answer.status in {401, 403, 404, 410} or _PAGE.match(answer.body)):
            raise Closed(f"{where} has no such feed: {_REDDIT_ENDED}", _REDDIT_REMEDY)
        _refuse(answer, where, request.now)
        digest = _digest(answer.body)
        if not full and digest == record.get("digest"):
            return Found((), ())
        document = self._parsed(answer, feed, where)
        memory, elsewhere = state.memories.setdefault(feed.key, Memory()), state.seen_elsewhere(feed.key)
        found = posts_of(document, feed.key, feed.url, memory, elsewhere, request)
        record["digest"] = digest
        record["etag"] = _header(answer, "etag")
        record["modified"] = _header(answer, "last-modified")
        if full:
            record["full_at"] = request.now.isoformat()
        floor = parse_time(record.get("floor")) or request.since
        return replace(found, posts=tuple(post for post in found.posts if post.posted_at >= floor))

    def _parsed(self, answer: Answer, feed: _Feed, where: str) -> dict[str, Any]:
        base = urlsplit(feed.url)
        head = {
            # Without its query: a token in the address must not come back in a link.
            "base": f"{base.scheme}://{base.netloc.rpartition('@')[2]}{base.path}",
            "content_type": answer.headers.get("content-type", "")[:200],
            "seconds": max(1, round(self._parse_seconds)),
        }
        job = json.dumps(head).encode() + b"\n" + answer.body
        document = _in_child(job, self._parse_seconds, self._start_seconds, where)
        if not document.get("entries") and not document.get("version"):
            guard = bot_check.guard_of(answer.headers, answer.body)
            if guard:
                raise Nonsense(f"{where} sent a bot check ({guard}) instead of a feed", bot_check.REMEDY)
            what = "a web page, which is not a feed" if _PAGE.match(answer.body) else "something that is not a feed"
            raise Nonsense(f"{where} sent {what}", "Check the address in a browser; it may be a page now.")
        if document.get("cut_off"):
            raise Nonsense(f"{where} sent an incomplete feed", "Earful will retry.")
        return document


def _recovered(record: dict[str, str], host: str, now: datetime) -> tuple[str, ...]:
    """Say that a feed can be read again, if it was told that it could not."""
    return (f"{host} has been readable again since {now:%d %b %H:%M} UTC",) if record.pop("failing", "") else ()


class _State:
    """The content of a cursor: what is known of each feed, and the walk under way."""

    def __init__(self) -> None:
        self.feeds: dict[str, dict[str, str]] = {}
        self.memories: dict[str, Memory] = {}
        self.todo: list[str] = []
        self.started = ""
        self.succeeded = 0
        self.waiting: list[str] = []
        self.lasting = True

    @classmethod
    def load(cls, cursor: str, wanted: list[str], now: datetime) -> _State:
        state = cls()
        try:
            held = json.loads(cursor)
            state.feeds = {key: dict(held["feeds"][key]) for key in wanted if key in held["feeds"]}
            kept = held.get("entries") or {}
            state.memories = {key: Memory.load(kept[key]) for key in wanted if key in kept}
            walk = held.get("walk") or {}
            state.todo = [key for key in walk.get("todo", []) if key in wanted]
            state.started, state.succeeded = str(walk.get("started", "")), int(walk.get("succeeded", 0))
            state.waiting, state.lasting = list(walk.get("waiting", [])), bool(walk.get("lasting", True))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            state = cls()
        started = parse_time(state.started)
        stale = not state.succeeded and (started is None or now - started > WALK_GOES_STALE)
        if not state.todo or stale:
            state.todo, state.started, state.succeeded = list(wanted), now.isoformat(), 0
            state.waiting, state.lasting = [], True
        return state

    def dump(self) -> str:
        walk = {
            "todo": self.todo,
            "started": self.started,
            "succeeded": self.succeeded,
            "waiting": self.waiting,
            "lasting": self.lasting,
        }
        entries = {key: memory.dump() for key, memory in self.memories.items()}
        held = {"feeds": self.feeds, "walk": walk if self.todo else None, "entries": entries}
        return json.dumps(held, separators=(",", ":"))

    def seen_elsewhere(self, key: str) -> Iterator[Sighting]:
        """What the other feeds of this source have shown."""
        return (each for other, memory in self.memories.items() if other != key for each in memory.known)


def _refuse(answer: Answer, where: str, now: datetime) -> None:
    error = error_for(answer, where, now)
    if isinstance(error, Refused) and answer.status in {401, 403}:
        raise Refused(error.message, "A feed needs no key; open the address in a browser, and ask the site's owner.")
    if error is not None and answer.status == 404:
        # Feeds go missing for an hour when a site is rebuilt; only 410 says for good.
        raise ConnectorError(error.message, error.remedy)
    if error is not None:
        raise error
    if answer.status != 200:
        raise Nonsense(f"{where} answered {answer.status} without a feed", "Check the address.")
    if not answer.body.strip():
        raise Nonsense(f"{where} answered 200 with nothing in it", "Earful will retry.")


def _in_child(job: bytes, seconds: float, starting: float, where: str) -> dict[str, Any]:
    """Have a feed parsed by a process that may burn, grow or crash; what is not a sound answer is Nonsense."""
    # Nothing of our environment goes along: a parser that is taken over finds no key there.
    package = str(Path(__file__).resolve().parents[2])
    environment = {"PYTHONPATH": package, "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8"}
    command = [sys.executable, "-P", "-s", "-X", "utf8", "-m", "connectors.rss.parsing"]
    too_much = Nonsense(f"{where} sent a feed that takes too long to read", "It may be hostile; remove it for now.")
    with subprocess.Popen(  # noqa: S603 (our own module, no shell)
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, cwd="/"
    ) as child:
        try:
            out, _ = child.communicate(job, timeout=seconds * 2 + starting)
        except subprocess.TimeoutExpired:
            if _end(child) >= seconds / 2:
                raise too_much from None
            # It did not get the processor time that it may use: that is ours, and says nothing of the feed.
            raise ConnectorError(
                f"{where}: the feed was not read in time because this machine is too busy",
                "The feed is fine; Earful will retry. If this continues, give this machine less to do.",
            ) from None
        except OSError:
            out = b""
    if child.returncode == -signal.SIGXCPU:
        raise too_much
    try:
        document = json.loads(out)
    except ValueError:
        raise Nonsense(f"{where} sent a feed that cannot be read", "Check the address in a browser.") from None
    if not isinstance(document, dict):
        raise Nonsense(f"{where} sent a feed that cannot be read", "Check the address in a browser.")
    return document


def _end(child: subprocess.Popen[bytes]) -> float:
    """End a child; how many seconds of processor time it has had."""
    child.kill()
    _pid, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def _digest(value: str | bytes) -> str:
    return hashlib.sha256(value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")).hexdigest()


def _header(answer: Answer, name: str) -> str:
    value = answer.headers.get(name, "")
    return value if len(value) <= 500 and value.isascii() and value.isprintable() else ""


def _is_of_reddit(address: str) -> bool:
    host = host_of(address)
    return host == "reddit.com" or host.endswith(".reddit.com")


def _is_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", address)
