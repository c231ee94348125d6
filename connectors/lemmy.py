"""Lemmy (and PieFed, which speaks the same): posts and comments with the brand's words, and whole communities.

https://join-lemmy.org/api and, for the shapes, https://github.com/LemmyNet/lemmy-js-client. One server shows what it
knows of all others. A server of Lemmy 1.0 answers under /api/v3 as well; what speaks only /api/v4 is told as closed.
Deletions travel between servers and are shown as flags, or as an item that is not there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, Field, SecretStr

from connectors import Batch, Closed, ConnectorError, Conversation, Post, RateLimited, Refused, Request
from connectors.about import About
from connectors.answers import Answer
from connectors.conversations import one_by_one
from connectors.http import Http, host_of
from connectors.listing import Gone, Listed, get_object, list_of, part, read_page, sort_out
from connectors.pagination import Walk
from connectors.text import clean, parse_time, raw_of, safe_url, text_of

PAGE = 50  # the most that a server gives at once
OVERLAP = timedelta(hours=6)  # what comes from another server arrives late, under its own time
MOST_PAGES = 4  # of the comments in one conversation
_PLACE = re.compile(r"[\w.-]{1,60}(@[\w.-]{3,100})?")
_ID = re.compile(r"([pc])([0-9]{1,12})")
_GONE = frozenset({"couldnt_find_post", "couldnt_find_comment", "not_found"})


ABOUT = About(
    reads="posts and comments with the brand's words that one Lemmy server knows of, and whole communities",
    misses="what the server doesn't know or has blocked, private messages",
    page="connect/lemmy.md",
)


class Settings(BaseModel, frozen=True, extra="forbid"):
    """Options of a `lemmy` source; most servers need no login."""

    api_url: str = Field(
        default="https://lemmy.world", pattern=r"^https?://[^\s?#@]+$", description="The server to read."
    )
    communities: tuple[str, ...] = Field(default=(), description='Your own, read whole: "acme@lemmy.world".')
    search: bool = Field(default=True, description="Search posts and comments for the brands' words.")
    token: SecretStr | None = Field(default=None, description="Of an account, where a server shows nothing without.")


class Lemmy:
    """Reads posts and comments that one server knows of."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._address = settings.api_url.rstrip("/")
        self._host = host_of(settings.api_url)

    def fetch(self, request: Request) -> Batch:
        """Read one page: of a search, or of an own community, where everything speaks to us."""
        words = sorted({found for found in map(_words, request.terms) if found}) if self._settings.search else []
        lanes = [f"{what} {kind}:{name}" for kind, names in (("search", words), ("in", self._settings.communities))
                 for name in names for what in ("posts", "comments")]  # fmt: skip
        walk = Walk.load(request.cursor)
        walk.begin(lanes, request.now, request.since, OVERLAP)
        kind, _, name = walk.lane.partition(":")
        what, _, how = kind.partition(" ")

        def ask(walk: Walk) -> Listed:
            if how == "search":
                asked = {"q": name, "type_": what.capitalize(), "listing_type": "All"}
                return self._list("/search", what, asked, walk.token, request.now)
            path = "/post/list" if what == "posts" else "/comment/list"
            return self._list(path, what, {"community_name": name, "type_": "All"}, walk.token, request.now)

        def posts_of(each: Any) -> list[Post]:
            found = self._read(each, request.source)
            return [replace(found, addressed=("*",)) if how == "in" else found]

        return read_page(walk, request, self._host, ask, posts_of)

    def fetch_own(self, accounts: tuple[str, ...], request: Request) -> Batch:
        """Read one page of what the accounts ("acme@lemmy.world") wrote in answer to others."""
        names = sorted({name.lstrip("@") for name in accounts if _PLACE.fullmatch(name.lstrip("@"))})
        if accounts and not names:
            raise ConnectorError(
                f"{request.source}: one of the brand's accounts is not a name here", 'Write "name@server".'
            )
        walk = Walk.load(request.cursor)
        walk.begin(names, request.now, request.since, OVERLAP)
        name = walk.lane

        def ask(walk: Walk) -> Listed:
            return self._list("/user", "comments", {"username": name}, walk.token, request.now)

        return read_page(
            walk, request, self._host, ask, lambda each: [replace(self._read(each, request.source), author=name)]
        )

    most_conversations = 20

    def fetch_conversations(self, conversations: tuple[Conversation, ...], request: Request) -> Batch:
        """Read the newest comments below some posts, whatever words they hold."""

        def read(one: Conversation) -> list[Post]:
            found, token, posts = _ID.fullmatch(one.thread), "", list[Post]()
            for _ in range(MOST_PAGES if found and found[1] == "p" else 0):
                asked = {"post_id": found[2] if found else "", "type_": "All"}
                listed = self._list("/comment/list", "comments", asked, token, request.now)
                page = sort_out(listed.items, lambda each: [self._read(each, request.source)], self._host)
                posts += [replace(each, thread_id=one.thread) for each in page.posts if each.posted_at >= one.since]
                token = listed.next
                if not token or (page.heads and page.heads[-1].posted_at < one.since):
                    break
            return posts

        said = one_by_one(conversations[: self.most_conversations], read)
        return Batch(said.posts, request.cursor, not_before=said.not_before, unread=said.unread)

    asks_at_once = 20

    def refresh(self, ids: tuple[str, ...], request: Request) -> Batch:
        """Look known posts and comments up again: what is deleted or removed says so, or is not there."""
        gone: list[str] = []
        for native_id in ids:
            found = _ID.fullmatch(native_id)
            if not found:
                continue
            path, name = ("/post", "post_view") if found[1] == "p" else ("/comment", "comment_view")
            try:
                document = self._get(path, {"id": found[2]}, request.now)
                self._read(part(document, name), request.source)
            except (Gone, _NotThere):
                gone.append(native_id)
            except ValueError:  # another shape, which says nothing
                continue
        return Batch((), request.cursor, deleted=tuple(gone))

    def _list(self, path: str, what: str, asked: Mapping[str, str], token: str, now: datetime) -> Listed:
        number = int(token) if token.isdecimal() and len(token) < 6 else 1
        document = self._get(path, {**asked, "sort": "New", "limit": PAGE, "page": number}, now)
        items = list_of(document, what, self._host)
        return Listed(items, str(number + 1) if len(items) >= PAGE else "")

    def _get(self, path: str, asked: Mapping[str, str | int], now: datetime) -> dict[str, Any]:
        token = self._settings.token
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token is not None else {}
        url = f"{self._address}/api/v3{path}"
        return get_object(self._http, url, now, params=asked, headers=headers, refusal=self._refusal(now))[0]

    def _refusal(self, now: datetime) -> Any:
        def read(answer: Answer, said: Mapping[str, Any]) -> ConnectorError | None:
            """Lemmy answers 400 for most of its errors, and names them."""
            code = clean(text_of(said.get("error")))[:60]
            message = f"{self._host} answered {answer.status}" + (f" ({code})" if code else "")
            if code == "rate_limit_error":
                return RateLimited(message, now + timedelta(minutes=10), "Nothing to do; Earful will retry.")
            if code in _GONE:
                return _NotThere(message, "Check the names of communities and accounts.")
            if code in {"not_logged_in", "incorrect_login", "instance_is_private"}:
                return Refused(message, "This server shows nothing without a login: set token, or read another server.")
            if code.startswith("couldnt_find"):
                return Closed(message, "Check the names of communities and accounts; write name@server.")
            if answer.status == 404:
                return Refused(message, "Check api_url: this is not a Lemmy server, or it only has /api/v4.")
            return None

        return read

    def _read(self, each: Any, source: str) -> Post:
        """Read one view; the one place that knows Lemmy's field names. A ValueError says what is wrong with it."""
        comment, post, creator = part(each, "comment"), part(each, "post"), part(each, "creator")
        held, kind = (comment, "c") if comment else (post, "p")
        number, thread = _number(held.get("id")), _number(post.get("id"))
        if not number or not thread:
            raise ValueError("id is missing or not a number")
        if held.get("deleted") is True or held.get("removed") is True:
            raise Gone(f"{kind}{number}")
        posted_at, changed_at = parse_time(held.get("published")), parse_time(held.get("updated"))
        title, words = post.get("name"), held.get("content") if kind == "c" else held.get("body") or ""
        if posted_at is None:
            raise ValueError("published is missing or not a time")
        if not isinstance(words, str) or not isinstance(title, str):
            raise ValueError("content, body or name is not a text")
        name, home = clean(text_of(creator.get("name"))), host_of(text_of(creator.get("actor_id")))
        if not name:
            raise ValueError("creator is missing")
        above = text_of(comment.get("path")).split(".")[-2:-1]
        parent = (
            "" if kind == "p" else f"c{above[0]}" if above and above[0].isdecimal() and int(above[0]) else f"p{thread}"
        )
        score, heading = part(each, "counts").get("score"), clean(title).replace("\n", " ") if kind == "p" else ""
        return Post(
            source=source,
            native_id=f"{kind}{number}",
            url=f"{self._address}/{'comment' if kind == 'c' else 'post'}/{number}",
            author=f"{name}@{home}" if "." in home or ":" in home else name,
            author_id=safe_url(creator.get("actor_id")),
            title=heading,
            text=clean(words).strip() or safe_url(post.get("url")) or heading,
            posted_at=posted_at,
            edited_at=changed_at if changed_at and changed_at > posted_at else None,
            reach=score if isinstance(score, int) and 0 <= score < 2**53 else None,
            parent_id=parent,
            thread_id=f"p{thread}" if kind == "c" else "",
            raw=raw_of({"comment": comment, "post": post, "creator": creator} if kind == "c" else each),
        )


class _NotThere(Closed):
    """What was asked for by its id does not exist any more."""


def _words(term: str) -> str:
    return " ".join(clean(term).split())[:200]


def _number(value: object) -> str:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**12 else ""
