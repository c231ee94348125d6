"""From a feed's entries, as the child read them, to posts: words, time, link, stars, and which of them are one post."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from connectors import Aside, Nonsense, Post, Request, dates
from connectors.http import host_of
from connectors.listing import MANY
from connectors.pagination import clock_is_behind
from connectors.rss.identity import Memory, Sighting, candidate, not_own_links
from connectors.rss.wording import title_of, words_of
from connectors.text import clean, number_of, parse_time, plain, raw_of, safe_url, without_detour

LONGEST_GUID = 500
_STARS = re.compile(r"\s*(\d{1,3}(?:[.,]\d{1,3})?)(?:\s*(?:/|of|out of|von|sur|de)\s*(\d{1,3}))?\s*(?:stars?)?\s*")
LONG_GUID = 20  # a shorter one ("17") is only its feed's own


@dataclass(frozen=True, slots=True)
class Found:
    """What one feed holds: its posts, the entries that could not be read, and how many dates could not."""

    posts: tuple[Post, ...]
    aside: tuple[Aside, ...]
    undated: int = 0
    behind: bool = False  # most entries are dated ahead of our clock


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry in plain words. `author` is empty where the entry names none."""

    guid: str
    link: str
    title: str
    text: str
    author: str
    published: datetime | None
    updated: datetime | None
    held: Mapping[str, str]


def posts_of(
    document: Mapping[str, Any], key: str, url: str, memory: Memory, elsewhere: Iterable[Sighting], request: Request
) -> Found:
    """Make posts of a document. `key` stands for the feed; `memory`, what is known of it, is brought up to date."""
    entries: list[_Entry] = []
    aside: list[Aside] = []
    times = _Times(document["entries"], request.now)
    for held in document["entries"]:
        try:
            entries.append(_entry(held, document, times))
        except ValueError as error:
            aside.append(Aside(raw_of(held).encode(), str(error)))
    if len(aside) >= MANY and not entries:  # a field that was renamed; a few empty entries are set aside
        raise Nonsense(
            f"{request.source}: {host_of(url)}: none of {len(aside)} entries could be read: {aside[0].reason}"
        )
    bare = not_own_links([each.link for each in entries], str(document["link"]))
    names = memory.identify([_candidate(each, key, url, each.link in bare) for each in entries], elsewhere)
    posts: dict[str, Post] = {}
    for each, native_id in zip(entries, names, strict=True):
        posts.setdefault(native_id, _post(each, native_id, document, url, request))
    dated = (each.published or each.updated for each in entries)
    behind = clock_is_behind((at for at in dated if at is not None), request.now)
    return Found(tuple(posts.values()), tuple(aside), times.unread, behind)


def _candidate(entry: _Entry, key: str, url: str, bare: bool) -> Any:
    guid = entry.guid if len(entry.guid) <= LONGEST_GUID else ""
    at = entry.published or entry.updated
    # An address or a tag: is the whole world's.
    by_guid = guid if len(guid) >= LONG_GUID or "://" in guid else f"{host_of(url)}:{guid}" if guid else ""
    written = "\n".join((key, entry.link, entry.title, at.isoformat() if at else ""))
    return candidate(
        guid=guid,
        by_guid=by_guid,
        by_content=hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest(),
        link=entry.link,
        title=entry.title,
        words=entry.text,
        author=entry.author,
        date=str(round(at.timestamp())) if at else "",
        bare=bare,
    )


class _Times:
    """Reads the times of one feed, all in one order of day and month."""

    def __init__(self, entries: Iterable[Mapping[str, str]], now: datetime) -> None:
        self._now = now
        self.unread = 0
        written = [entry[name] for entry in entries for name in ("published", "updated") if entry[name]]
        self._order = dates.order_of(map(dates.readings, written), now)

    def read(self, text: str) -> datetime | None:
        """Read one time; None if there is none, or none that can be read."""
        text = clean(text).strip()
        if not text:
            return None
        if number_of(text) is not None:
            found = parse_time(text)
        else:
            possible = dates.without_future(dates.readings(text), self._now)
            # A feed shows what is new: where nothing else tells, the later day that is not ahead is meant.
            found = possible.get(self._order) if self._order else None
            found = found or max(possible.values(), default=None)
        self.unread += found is None
        return found


def _entry(held: Mapping[str, str], document: Mapping[str, Any], times: _Times) -> _Entry:
    """Read one entry as the child tells it: every field is a text. A ValueError says what is wrong with it."""
    site, publisher = _line(document["title"]), _line(held["publisher"])
    author = _line(held["author"])
    guid, link = clean(held["id"]).strip(), without_detour(safe_url(held["link"]))
    written = title_of(_line(held["title"]), author, publisher)
    text = words_of(held["text"], title=written, site=site, link=link, publisher=publisher)
    more = plain(held["more"])
    if more and more not in text:
        text = f"{text}\n\n{more}".strip()
    if not (written or text):
        raise ValueError("an entry has neither a title nor a text")
    return _Entry(guid, link, written, text, author, times.read(held["published"]), times.read(held["updated"]), held)


def _post(entry: _Entry, native_id: str, document: Mapping[str, Any], url: str, request: Request) -> Post:
    now, published, updated = request.now, entry.published, entry.updated
    author = entry.author or _line(document["author"]) or _line(document["title"])
    return Post(
        source=request.source,
        native_id=native_id,
        url=entry.link or safe_url(document["link"]) or f"{urlsplit(url).scheme}://{urlsplit(url).hostname}/",
        author=author.removeprefix("/u/") or host_of(url),
        text=entry.text or entry.title,
        posted_at=min(published or updated or now, now),
        title=entry.title,
        lang=clean(entry.held["lang"] or document["lang"])[:20],
        rating=_rating(entry.held["rating"], entry.held["best"]),
        edited_at=updated if published and updated and published < updated <= now else None,
        raw=raw_of(entry.held),
        pictures=int(entry.held.get("pictures", 0)),
        videos=int(entry.held.get("videos", 0)),
    )


def _line(text: str) -> str:
    return plain(text).replace("\n", " ")


def _rating(stars: str, best: str) -> float | None:
    """Stars from 1 to 5; None where there are none, or no scale can be told."""
    written = _STARS.fullmatch(stars)
    if written is None:
        return None
    most = re.fullmatch(r"\s*(\d{1,3})(?:[.,]0+)?\s*", best)
    out_of = int(written[2] or (most[1] if most else "5"))
    given = float(written[1].replace(",", "."))
    if not 0 < given <= out_of:
        return None
    return round(given * 5 / out_of, 1)
