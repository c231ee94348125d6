"""Hacker News, by Algolia's search (https://hn.algolia.com/api). The cursor holds a high water for each word searched.

The search shows 1,000 hits at most, so a walk asks for windows of time that end where the last page ended, and never
for page 11. Its index is filled late (outages of 18 to 36 hours have been seen): every read overlaps, and once a day a
deep one goes back three days.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, Field

from connectors import Aside, Batch, ConnectorError, Conversation, Gap, Nonsense, Post, Request
from connectors.about import About
from connectors.answers import error_for
from connectors.conversations import one_by_one
from connectors.durations import Span
from connectors.http import Http, json_of
from connectors.listing import MANY
from connectors.pagination import Walk, fingerprint, milliseconds, moment
from connectors.text import clean, parse_time, plain, raw_of, safe_url

ABOUT = About(
    reads="stories and comments on Hacker News with the brand's words, by its search",
    misses="what was written in the last minutes, until the search has it",
    page="connect/hackernews.md",
)

LISTING_ENDS = 1_000  # hits of one search that can be seen at all
_FIRST_ITEM = "1"  # https://news.ycombinator.com/item?id=1
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")


class Settings(BaseModel, frozen=True, extra="forbid"):
    """Options of a `hackernews` source; it needs no key."""

    api_url: str = Field(
        default="https://hn.algolia.com/api/v1", pattern=r"^https?://[^\s?#@]+$", description="The search service."
    )
    show: tuple[str, ...] = Field(
        default=("story", "comment"), min_length=1, description='What to read: "story", "comment", "poll", "job".'
    )
    page_size: int = Field(default=100, ge=1, le=1000, description="Hits per request.")
    overlap: Span = Field(default=timedelta(hours=6), description="How far each read overlaps the last one.")
    rescan: Span = Field(default=timedelta(hours=72), description="How far back the daily deep read goes.")


class HackerNews:
    """Reads stories and comments that hold one of the words; and comments by named users."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http

    def fetch(self, request: Request) -> Batch:
        """Read one page of stories and comments with one of `request.terms`."""
        lanes = sorted({words for words in (_words(term) for term in request.terms) if words})
        tags = f"({','.join(self._settings.show)})"
        return self._page(request, lanes, lambda lane: {"query": f'"{lane}"', "tags": tags, "advancedSyntax": "true"})

    def fetch_own(self, accounts: tuple[str, ...], request: Request) -> Batch:
        """Read one page of what the users `accounts` wrote in answer to others."""
        names = sorted({account for account in accounts if _NAME.fullmatch(account)})
        if accounts and not names:
            raise ConnectorError(
                f"{request.source}: one of the brand's accounts is not a Hacker News user name",
                "User names may contain letters, digits, - and _.",
            )
        return self._page(request, names, lambda lane: {"tags": f"comment,author_{lane}"})

    def refresh(self, ids: tuple[str, ...], request: Request) -> Batch:
        """Look known items up again: what its author or a moderator took away is told nowhere else.

        What cannot be read is not taken for gone, nor is anything while the very first item is not there either: then
        it is another server, or another path, that answers.
        """
        gone: list[str] = []
        items = f"{self._settings.api_url.rstrip('/')}/items"
        stands = False  # one of them was there
        asked = [one for one in dict.fromkeys(ids) if _id(one)]
        for native_id in asked:
            try:
                answer = self._http.get(f"{items}/{native_id}")
            except Nonsense:  # the whole tree below a story, which can be more than is taken
                continue
            if answer.status == 404:
                json_of(answer)  # that of a proxy is a web page, and raises Nonsense
                gone.append(native_id)
                continue
            error = error_for(answer, "Hacker News search", request.now)
            if error is not None:
                raise error
            stands = True
            try:
                item = json_of(answer)
            except Nonsense:  # and too much for its reader
                continue
            if isinstance(item, dict) and _id(item.get("id")) == native_id:
                words = [item.get(name) for name in ("author", "text", "title", "url")]
                gone += [native_id] if not any(words) else []
        if gone and not stands and self._http.get(f"{items}/{_FIRST_ITEM}").status == 404:
            raise Nonsense("Hacker News claims that it has no items at all", "Earful will retry.")
        return Batch((), request.cursor, deleted=tuple(gone))

    most_conversations = 20

    def fetch_conversations(self, conversations: tuple[Conversation, ...], request: Request) -> Batch:
        """Read the newest comments below some stories, whatever words they hold: one call a story."""

        def read(conversation: Conversation) -> list[Post]:
            if not _id(conversation.thread):
                return []
            asked: dict[str, str | int] = {
                "tags": f"comment,story_{conversation.thread}",
                "hitsPerPage": self._settings.page_size,
                "numericFilters": f"created_at_i>={int(conversation.since.timestamp())}",
            }
            document, _ = self._http.get_json(f"{self._settings.api_url.rstrip('/')}/search_by_date", params=asked)
            hits, _ = _hits(document, self._settings.page_size, request.source)
            said, _ = _sorted_out(hits, request.source)
            return [replace(post, thread_id=conversation.thread) for post in said]

        found = one_by_one(conversations[: self.most_conversations], read)
        return Batch(found.posts, request.cursor, not_before=found.not_before, unread=found.unread)

    def _page(self, request: Request, lanes: list[str], search: Any) -> Batch:
        walk = Walk.load(request.cursor)
        walk.begin(lanes, request.now, request.since, self._overlap(walk, request.now))
        if not walk.lane:
            return Batch((), walk.dump())
        until, number = _place(walk.token)
        size = self._settings.page_size
        floor = walk.floor // 1000
        window = f"created_at_i>{floor}" + (f",created_at_i<={until}" if until else "")
        asked = {**search(walk.lane), "hitsPerPage": size, "page": number, "numericFilters": window}
        try:
            document, _ = self._http.get_json(f"{self._settings.api_url.rstrip('/')}/search_by_date", params=asked)
        except ConnectorError as error:
            if not walk.shut(error, request.now):
                raise
            return Batch((), walk.dump(), not walk.lane, notices=walk.notices())
        hits, size = _hits(document, size, request.source)
        posts, aside = _sorted_out(hits, request.source)
        times = [post.posted_at for post in posts]
        known = walk.note(((post.native_id, post.posted_at) for post in posts), request.now)
        looks = fingerprint(",".join([walk.lane, *sorted(post.native_id for post in posts)]))
        gaps: tuple[Gap, ...] = ()
        complete = False
        oldest = int(min(times).timestamp()) if times else 0
        if known or len(hits) < size or oldest <= floor:
            complete = walk.close_lane()
        elif (number and walk.extra.get("page") == looks) or not self._turn(walk, until, number, oldest, size):
            gaps = walk.stuck("Hacker News")
            complete = walk.close_lane()
        walk.extra = {**walk.extra, "page": looks}
        if complete and walk.extra.pop("deep", False):
            walk.extra["deep_at"] = milliseconds(request.now)
        shown = tuple(post for post in posts if int(post.posted_at.timestamp()) > floor)
        return Batch(shown, walk.dump(), complete, aside=aside, gaps=gaps, notices=walk.notices())

    def _overlap(self, walk: Walk, now: datetime) -> timedelta:
        """Decide, at the start of a walk, whether it is the day's deep one."""
        if not walk.todo:
            last = walk.extra.get("deep_at", 0)
            # A time that is still to come was written by a clock that was ahead.
            due = not isinstance(last, int) or not timedelta() <= now - moment(last) < timedelta(days=1)
            walk.extra = {**walk.extra, "deep": True} if due else {k: v for k, v in walk.extra.items() if k != "deep"}
        return self._settings.rescan if walk.extra.get("deep") else self._settings.overlap

    def _turn(self, walk: Walk, until: int, number: int, oldest: int, size: int) -> bool:
        """Go on where this page ended; within one second by page number, as long as the listing reaches."""
        if oldest != until:
            return walk.turn(f"{oldest}:0")
        if (number + 2) * size > LISTING_ENDS:
            return walk.turn(f"{oldest - 1}:0")
        return walk.turn(f"{oldest}:{number + 1}")


def _words(term: str) -> str:
    return " ".join(re.sub(r'["\\]', " ", clean(term)).split())[:400]


def _place(token: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,12}):(\d{1,4})", token)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _hits(document: object, size: int, source: str) -> tuple[list[Any], int]:
    """Give the page's hits and the page size that the service really used."""
    hits = document.get("hits") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(hits, list):
        raise Nonsense(f"{source}: Hacker News search answered without hits", "Check api_url; Earful will retry.")
    used = document.get("hitsPerPage")
    return hits, min(size, used) if isinstance(used, int) and used > 0 else size


def _sorted_out(hits: list[Any], source: str) -> tuple[list[Post], tuple[Aside, ...]]:
    posts: list[Post] = []
    aside: list[Aside] = []
    for hit in hits:
        try:
            posts.append(_post(hit, source))
        except ValueError as error:
            aside.append(Aside(raw_of(hit).encode(), str(error)))
    if len(aside) >= MANY and not posts:  # a few alone are set aside, or the walk would stay there for ever
        raise Nonsense(
            f"{source}: none of {len(hits)} hits could be read: {aside[0].reason}", "The service may have changed."
        )
    return posts, tuple(aside)


def _post(hit: object, source: str) -> Post:
    """Read one hit; the one place that knows Algolia's field names. A ValueError says what is wrong with it."""
    if not isinstance(hit, Mapping):
        raise ValueError("a hit is not an object")
    native_id = _id(hit.get("objectID"))
    posted_at = parse_time(hit.get("created_at_i")) or parse_time(hit.get("created_at"))
    if not native_id:
        raise ValueError("objectID is missing or not a number")
    if posted_at is None:
        raise ValueError("created_at_i is missing or not a time")
    author = hit.get("author")
    if not isinstance(author, str) or not author:
        raise ValueError("author is missing or not a text")
    fields = {name: hit.get(name) for name in ("comment_text", "story_text", "title", "url")}
    for name, value in fields.items():
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{name} is not a text")
    words = plain(fields["comment_text"] or fields["story_text"] or "")
    # A story that only links says what it links to; its own words are its title.
    text = words or safe_url(fields["url"])
    story = _id(hit.get("story_id"))
    points = hit.get("points")
    post = Post(
        source=source,
        native_id=native_id,
        url=f"https://news.ycombinator.com/item?id={native_id}",
        author=clean(author),
        text=text,
        posted_at=posted_at,
        title=plain(fields["title"] or "").replace("\n", " "),
        reach=points if isinstance(points, int) and abs(points) < 2**53 else None,
        parent_id=_id(hit.get("parent_id")),
        parent_text=_title_above(hit, story if story != native_id else ""),
        thread_id=story if story != native_id else "",
        raw=raw_of({name: value for name, value in hit.items() if name != "_highlightResult"}),
    )
    if not post.text and not post.title:
        raise ValueError("comment_text, story_text, title and url are all empty")
    return post


def _title_above(hit: Mapping[str, object], story: str) -> str:
    """The title of the story below which a comment stands: it comes along with the comment."""
    title = hit.get("story_title")
    return plain(title).replace("\n", " ") if story and isinstance(title, str) else ""


def _id(value: object) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text if isinstance(text, str) and re.fullmatch(r"[0-9]{1,19}", text) else ""
