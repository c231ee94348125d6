"""RSS and Atom feeds, news searches among them. The cursor holds each feed's ETag, date and last full read.

One page is one feed; a walk goes over all feeds of the source. A feed that fails never hides the others: it is told in
a notice, and only when all fail is it an error. A hostile feed can hold the parser for minutes (feedparser #562), so
bytes are fetched here and parsed in a child process of bounded time and memory: `python -m connectors.rss`.
"""

from __future__ import annotations

import calendar
import hashlib
import io
import json
import os
import re
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from connectors import Aside, Batch, ConnectorError, Nonsense, Post, RateLimited, Refused, Request
from connectors.http import Answer, Http, error_for, host_of
from connectors.terms import any_of
from connectors.text import clean, parse_time, plain, raw_of, safe_url

FEED_CAP = 5_000_000
MOST_ENTRIES = 2_000
LONGEST_TEXT = 100_000
MOST_OUTPUT = 16_000_000
CHILD_MEMORY = 512 * 1024 * 1024
FULL_READ_EVERY = timedelta(hours=6)
ASK_GONE_EVERY = timedelta(days=1)
# A feed that comes and goes is told once a day; while it is not told, nobody hears of its coming back either.
TELL_EVERY = timedelta(days=1)
# A walk in which every feed failed so far is begun anew when it is taken up later than this.
WALK_GOES_STALE = timedelta(minutes=5)
_ACCEPT = "application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.5"


class Settings(BaseModel, frozen=True, extra="forbid"):
    """Options of an `rss` source: at least one of `feeds`, `google_news`, `reddit_feed`."""

    api_url: str = Field(
        default="https://news.google.com", pattern=r"^https?://[^\s?#@]+$", description="Where Google News is asked."
    )
    feeds: tuple[str, ...] = Field(default=(), description="Addresses of feeds (http or https).")
    google_news: bool | tuple[str, ...] = Field(
        default=False, description="true: search the brands' words in Google News; or a list of searches of your own."
    )
    hl: str = Field(default="en-US", pattern=r"^[\w-]{2,12}$", description="Google News: language of the results.")
    gl: str = Field(default="US", pattern=r"^\w{2}$", description="Google News: country.")
    ceid: str = Field(default="US:en", pattern=r"^\w{2}:[\w-]{2,12}$", description="Google News: country and language.")
    reddit_feed: SecretStr | None = Field(
        default=None, description="Your personal Reddit feed address (it holds a token: write it as {env = ...})."
    )

    @field_validator("feeds")
    @classmethod
    def _on_the_web(cls, feeds: tuple[str, ...]) -> tuple[str, ...]:
        for feed in feeds:
            if not _is_web(feed):
                raise ValueError("write each feed as an http:// or https:// address")
        return feeds

    @model_validator(mode="after")
    def _something_to_read(self) -> Self:
        if not (self.feeds or self.google_news or self.reddit_feed):
            raise ValueError("write at least one of feeds, google_news, reddit_feed")
        if self.reddit_feed and not _is_web(self.reddit_feed.get_secret_value()):
            raise ValueError("reddit_feed: write the https:// address that Reddit shows under preferences, RSS feeds")
        return self


@dataclass(frozen=True, slots=True)
class _Feed:
    """One address to read; `key` stands for it in the cursor, so that no secret address is ever stored."""

    key: str
    url: str


class Rss:
    """Reads feeds; every entry is a post. Entries are matched by whoever asked, not here."""

    def __init__(self, settings: Settings, http: Http, *, parse_seconds: float = 10.0) -> None:
        self._settings = settings
        self._http = http
        self._parse_seconds = parse_seconds

    def fetch(self, request: Request) -> Batch:
        """Read one feed: the next one of the walk under way, or the first of a new walk."""
        feeds = {feed.key: feed for feed in self._feeds(request.terms)}
        state = _State.load(request.cursor, list(feeds), request.now)
        while state.todo:
            key = state.todo.pop(0)
            record = state.feeds.setdefault(key, {"floor": request.since.isoformat()})
            waits = parse_time(record.get("wait"))
            if waits is not None and waits > request.now:
                state.waiting.append(key)
                continue
            try:
                posts, aside = self._read(feeds[key], record, request)
            except ConnectorError as error:
                return self._failed(state, feeds[key], error, request)
            state.succeeded += 1
            notices = _recovered(record, host_of(feeds[key].url), request.now)
            return Batch(posts, state.dump(), not state.todo, aside=aside, notices=notices)
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
            raise error
        told_at = parse_time(record.get("told"))
        told: tuple[str, ...] = ()
        if not record.get("failing") and (told_at is None or request.now - told_at >= TELL_EVERY):
            record["told"], record["failing"] = request.now.isoformat(), type(error).__name__
            told = (f"{error.message}. {error.remedy}".strip(),)
        return Batch((), state.dump(), not state.todo, notices=told)

    def _all_waiting(self, state: _State, request: Request) -> Batch:
        """End a walk whose last feeds asked for patience."""
        if state.waiting and not state.succeeded and len(state.waiting) == len(state.feeds):
            waits = [at for key in state.waiting if (at := parse_time(state.feeds[key].get("wait")))]
            raise RateLimited(f"{request.source}: every feed asks to be left alone for now", min(waits, default=None))
        return Batch((), state.dump())

    def _feeds(self, terms: tuple[str, ...]) -> list[_Feed]:
        addresses = list(self._settings.feeds)
        if self._settings.reddit_feed:
            addresses.append(self._settings.reddit_feed.get_secret_value())
        wanted = self._settings.google_news
        searches = any_of(terms, limit=1_500, suffix="when:1d") if wanted is True else list(wanted or ())
        for search in searches:
            asked = {"q": search, "hl": self._settings.hl, "gl": self._settings.gl, "ceid": self._settings.ceid}
            addresses.append(f"{self._settings.api_url.rstrip('/')}/rss/search?{urlencode(asked)}")
        return [_Feed(_digest(address)[:12], address) for address in dict.fromkeys(addresses)]

    def _read(
        self, feed: _Feed, record: dict[str, str], request: Request
    ) -> tuple[tuple[Post, ...], tuple[Aside, ...]]:
        """Fetch, parse and sort out one feed; its record moves only when all of that went well."""
        full_at = parse_time(record.get("full_at"))
        # Some servers keep an ETag although the content changed: now and then it is not sent.
        full = full_at is None or request.now - full_at >= FULL_READ_EVERY
        headers = {"Accept": _ACCEPT}
        if not full:
            headers |= {"If-None-Match": record["etag"]} if record.get("etag") else {}
            headers |= {"If-Modified-Since": record["modified"]} if record.get("modified") else {}
        answer = self._http.get(feed.url, headers=headers, cap=FEED_CAP)
        where = f"{request.source}: {host_of(feed.url)}"
        if answer.status == 304 and len(headers) > 1:
            return (), ()
        _refuse(answer, where, request.now)
        digest = _digest(answer.body)
        if not full and digest == record.get("digest"):
            return (), ()
        document = self._parsed(answer, feed, where)
        found = _posts(document, feed, record, request)
        record["digest"] = digest
        record["etag"] = _header(answer, "etag")
        record["modified"] = _header(answer, "last-modified")
        if full:
            record["full_at"] = request.now.isoformat()
        return found

    def _parsed(self, answer: Answer, feed: _Feed, where: str) -> dict[str, Any]:
        base = urlsplit(feed.url)
        head = {
            # Without its query: a token in the address must not come back in a link.
            "base": f"{base.scheme}://{base.netloc.rpartition('@')[2]}{base.path}",
            "content_type": answer.headers.get("content-type", "")[:200],
            "seconds": max(1, round(self._parse_seconds)),
        }
        document = _in_child(json.dumps(head).encode() + b"\n" + answer.body, self._parse_seconds, where)
        if not document.get("entries") and not document.get("version"):
            raise Nonsense(
                f"{where} sent something that is not a feed", "Check the address: a page may stand there now."
            )
        if document.get("cut_off"):
            raise Nonsense(f"{where} sent half a feed", "It is tried again by itself.")
        return document


def _recovered(record: dict[str, str], host: str, now: datetime) -> tuple[str, ...]:
    """Say that a feed can be read again, if it was told that it could not."""
    return (f"{host} can be read again since {now:%d %b %H:%M} UTC",) if record.pop("failing", "") else ()


class _State:
    """The content of a cursor: what is known of each feed, and the walk under way."""

    def __init__(self) -> None:
        self.feeds: dict[str, dict[str, str]] = {}
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
        return json.dumps({"feeds": self.feeds, "walk": walk if self.todo else None}, separators=(",", ":"))


def _refuse(answer: Answer, where: str, now: datetime) -> None:
    error = error_for(answer, where, now)
    if error is not None and answer.status == 404:
        # Feeds go missing for an hour when a site is rebuilt; only 410 says for good.
        raise ConnectorError(error.message, error.remedy)
    if error is not None:
        raise error
    if answer.status != 200:
        raise Nonsense(f"{where} answered {answer.status} without a feed", "Check the address.")
    if not answer.body.strip():
        raise Nonsense(f"{where} answered 200 with nothing in it", "It is tried again by itself.")


def _posts(
    document: Mapping[str, Any], feed: _Feed, record: Mapping[str, str], request: Request
) -> tuple[tuple[Post, ...], tuple[Aside, ...]]:
    posts: list[Post] = []
    aside: list[Aside] = []
    entries = document["entries"]
    shared = {guid for guid, count in Counter(entry.get("id") for entry in entries).items() if count > 1}
    floor = parse_time(record.get("floor")) or request.since
    for entry in entries:
        try:
            post = _post(entry, document, feed, request, shared)
        except ValueError as error:
            aside.append(Aside(raw_of(entry).encode(), str(error)))
            continue
        if post.posted_at >= floor:
            posts.append(post)
    if aside and len(aside) == len(entries):
        raise Nonsense(
            f"{request.source}: {host_of(feed.url)}: none of {len(aside)} entries could be read: {aside[0].reason}"
        )
    return tuple(posts), tuple(aside)


def _post(
    entry: Mapping[str, str], document: Mapping[str, str], feed: _Feed, request: Request, shared: set[str]
) -> Post:
    """Make a post of an entry as the child tells it: every field is a text."""
    title, text = plain(entry["title"]).replace("\n", " "), plain(entry["text"])
    guid = clean(entry["id"]).strip()
    link = safe_url(entry["link"]) or safe_url(guid)
    if not (title or text):
        raise ValueError("an entry has neither a title nor a text")
    published, updated = parse_time(entry["published"]), parse_time(entry["updated"])
    posted_at = min(published or updated or request.now, request.now)
    if not guid or guid in shared or len(guid) > 500:
        native_id = _digest("\n".join((feed.key, link, title, entry["published"] or entry["updated"])))
    else:
        # A short guid ("17") is only its feed's own; an address or a tag: is the whole world's.
        native_id = guid if len(guid) >= 20 or "://" in guid else f"{host_of(feed.url)}:{guid}"
    author = plain(entry["author"] or document["author"] or document["title"]).replace("\n", " ")
    return Post(
        source=request.source,
        native_id=native_id,
        url=link or safe_url(document["link"]) or f"{urlsplit(feed.url).scheme}://{urlsplit(feed.url).hostname}/",
        author=author.removeprefix("/u/") or host_of(feed.url),
        text=text or title,
        posted_at=posted_at,
        title=title,
        lang=clean(entry["lang"] or document["lang"])[:20],
        edited_at=updated if published and updated and published < updated <= request.now else None,
        raw=raw_of(entry),
    )


def _in_child(job: bytes, seconds: float, where: str) -> dict[str, Any]:
    """Have a feed parsed by a process that may burn, grow or crash; what is not a sound answer is Nonsense."""
    # Nothing of our environment goes along: a parser that is taken over finds no key there.
    package = str(Path(__file__).resolve().parent.parent)
    environment = {"PYTHONPATH": package, "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8"}
    command = [sys.executable, "-P", "-s", "-X", "utf8", "-m", "connectors.rss"]
    too_much = Nonsense(f"{where} sent a feed that takes too long to read", "It may be hostile: leave it out for now.")
    with subprocess.Popen(  # noqa: S603 (our own module, no shell)
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, cwd="/"
    ) as child:
        try:
            out, _ = child.communicate(job, timeout=seconds * 2 + 5)
        except subprocess.TimeoutExpired:
            child.kill()
            raise too_much from None
        except OSError:
            out = b""
    if child.returncode < 0:
        raise too_much
    try:
        document = json.loads(out)
    except ValueError:
        raise Nonsense(f"{where} sent a feed that cannot be read", "Check the address in a browser.") from None
    if not isinstance(document, dict):
        raise Nonsense(f"{where} sent a feed that cannot be read", "Check the address in a browser.")
    return document


def _digest(value: str | bytes) -> str:
    return hashlib.sha256(value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")).hexdigest()


def _header(answer: Answer, name: str) -> str:
    value = answer.headers.get(name, "")
    return value if len(value) <= 500 and value.isascii() and value.isprintable() else ""


def _is_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", address)


# What follows runs in the child only.


def _child() -> None:
    """Read one job from stdin, write what was found as JSON to stdout."""
    head = json.loads(sys.stdin.buffer.readline())
    body = sys.stdin.buffer.read(FEED_CAP + 1)
    _bound(int(head["seconds"]))
    sys.stdout.buffer.write(json.dumps(read_feed(body, head["base"], head["content_type"])).encode())
    sys.stdout.buffer.flush()


def read_feed(body: bytes, base: str, content_type: str) -> dict[str, Any]:
    """Parse a feed, in this very process: texts only, at most 2,000 entries (the newest) and 16 MB of them.

    `version` is empty if the root is no feed's, `cut_off` true if the document ends before its root does.
    """
    import feedparser

    headers = {"content-location": base, "content-type": content_type}
    # Tags are stripped by us; feedparser's own cleaning takes three times as long as all the rest.
    parsed = feedparser.parse(
        io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    entries = [_entry(entry) for entry in parsed.entries]
    if len(entries) > MOST_ENTRIES:
        entries = sorted(entries, key=lambda entry: entry["published"] or entry["updated"], reverse=True)
    kept, size = [], 0
    for entry in entries[:MOST_ENTRIES]:
        size += sum(map(len, entry.values()))
        if size > MOST_OUTPUT:
            break
        kept.append(entry)
    feed = parsed.feed
    return {
        "version": parsed.get("version", ""),
        "cut_off": _is_cut_off(body),
        "title": _text(feed, "title"),
        "author": _text(feed, "author"),
        "link": _text(feed, "link"),
        "lang": _text(feed, "language"),
        "entries": kept,
    }


def _bound(seconds: int) -> None:
    used = int(sum(os.times()[:2])) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, used + seconds + 2))
    try:
        resource.setrlimit(resource.RLIMIT_AS, (CHILD_MEMORY, CHILD_MEMORY))
    except (ValueError, OSError):
        pass  # macOS knows no such bound; the ones on time still stand


def _entry(entry: Any) -> dict[str, str]:
    contents = [content.get("value") or "" for content in entry.get("content") or () if isinstance(content, dict)]
    publisher = entry.get("source") if isinstance(entry.get("source"), dict) else {}
    detail = entry.get("author_detail") if isinstance(entry.get("author_detail"), dict) else {}
    return {
        "id": _text(entry, "id"),
        "link": _text(entry, "link"),
        "title": _text(entry, "title"),
        "text": (max(contents, key=len, default="") or _text(entry, "summary"))[:LONGEST_TEXT],
        "author": _text(detail, "name") or _text(entry, "author") or _text(publisher, "title"),
        "published": _when(entry, "published") or _when(entry, "created"),
        "updated": _when(entry, "updated"),
        "lang": _text(entry, "language"),
    }


def _text(holder: Any, name: str) -> str:
    value = holder.get(name)
    return value[:LONGEST_TEXT] if isinstance(value, str) else ""


def _when(entry: Any, name: str) -> str:
    # feedparser answers a missing `updated` with `published`, which would make every entry an edited one.
    if name not in entry:
        return ""
    try:
        return datetime.fromtimestamp(calendar.timegm(entry.get(f"{name}_parsed")), UTC).isoformat()
    except (TypeError, ValueError, OverflowError, OSError):
        return _text(entry, name)


def _is_cut_off(body: bytes) -> bool:
    """Tell whether the document ends before its root does."""
    bare = body.replace(b"\0", b"").lower() if b"\0" in body[:200] else body.lower()
    return not re.search(rb"</\s*(?:[\w.-]+:)?(?:rss|feed|rdf|channel|cdf|xml)\s*>|<(?:rss|feed)\b[^<>]*/>", bare)


if __name__ == "__main__":
    _child()
