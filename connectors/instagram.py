"""Comments on the posts of one's own Instagram account, and their replies, by the Graph API (with Facebook login).

https://developers.facebook.com/documentation/instagram-platform/instagram-graph-api/reference/ig-media/comments lists
the comments of one post, the newest first, 50 at a time, with their replies where these are asked for;
https://developers.facebook.com/documentation/instagram-platform/instagram-graph-api/reference/ig-comment names the
fields. There is no list of all comments, so the newest posts are followed one by one.
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
from connectors.answers import Answer, retry_after
from connectors.conversations import one_by_one
from connectors.http import Http
from connectors.listing import Listed, by_name, get_object, list_of, overlap_of, part, read_page, sort_out
from connectors.pagination import Walk, milliseconds, moment
from connectors.text import clean, parse_time, raw_of, safe_url, text_of

ABOUT = About(
    reads="comments on the newest posts of your own Instagram account, and the replies to them",
    key="a token of a system user in your Meta business portfolio",
    key_from="https://business.facebook.com/settings/system-users",
    misses="comments on older posts and on ads, stories, mentions elsewhere, messages; people whom you have restricted",
    page="connect/instagram.md",
)

NETWORK = "Instagram"
PAGE = 50  # the most that Meta gives at once
LOOK_FOR_POSTS_EVERY = timedelta(minutes=10)
OVERLAP, DEEP = timedelta(hours=6), timedelta(days=14)  # replies come below comments that are long known
AGAIN = timedelta(minutes=15)  # after too many calls
MOST_PAGES = 5  # of the replies in one conversation
_ID = re.compile(r"\d{5,30}", re.ASCII)
_FIELDS = "id,text,timestamp,username,from,like_count,parent_id"
# https://developers.facebook.com/docs/graph-api/guides/error-handling
_TOO_MANY = frozenset({4, 17, 32, 341, 613, 80002})
_NO_TOKEN = frozenset({102, 190})
_TOKEN = "Generate a new token for the system user, and set access_token."  # noqa: S105 (a remedy)
_ROLE = (
    "The system user needs the Page and the Instagram account, and the token instagram_basic, "
    "instagram_manage_comments, pages_read_engagement and ads_read."
)


class Settings(BaseModel, frozen=True, extra="forbid"):
    """Options of an `instagram` source: whose comments are read, and the token to read them with."""

    access_token: SecretStr = Field(description="A system user's token, from Meta's business settings.")
    account_id: str = Field(pattern=r"^\d{5,30}$", description="The number of your Instagram account, not its name.")
    posts: int = Field(default=15, ge=1, le=50, description="How many of your newest posts are followed.")
    api_url: str = Field(
        default="https://graph.facebook.com/v26.0", pattern=r"^https?://[^\s?#@]+$", description="The API."
    )


class Instagram:
    """Reads the comments on one's own posts."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._address = settings.api_url.rstrip("/")

    def fetch(self, request: Request) -> Batch:
        """Read one page of the comments on one post. Whoever comments there speaks to us, whatever the words."""
        walk = Walk.load(request.cursor)
        known = self._posts(walk, request.now)
        walk.begin(list(known), request.now, request.since, overlap_of(walk, request.now, OVERLAP, DEEP))
        post = walk.lane

        def ask(walk: Walk) -> Listed:
            asked: dict[str, str | int] = {"fields": f"{_FIELDS},replies{{{_FIELDS}}}", "limit": PAGE}
            try:
                return self._list(f"{post}/comments", {**asked, **_after(walk.token)}, request.now)
            except _NotThere:  # the post was deleted, and its comments with it: nobody needs to be alerted
                walk.extra["posts"] = {one: link for one, link in known.items() if one != post}
                return Listed(())

        def posts_of(each: Any) -> list[Post]:
            first = _comment(each, request.source, known.get(post, ""))
            inside = part(each, "replies").get("data")
            replies = [_sound(one, request.source, known.get(post, "")) for one in _listed(inside)]
            more = [replace(one, thread_id=first.native_id, parent_author=first.author) for one in replies if one]
            return [replace(first, addressed=(self._settings.account_id, "*")), *more]

        return read_page(walk, request, NETWORK, ask, posts_of)

    most_conversations = 20

    def fetch_conversations(self, conversations: tuple[Conversation, ...], request: Request) -> Batch:
        """Read what was answered below comments, ours among it; one call a page."""

        def read(one: Conversation) -> list[Post]:
            token, said = "", list[Post]()
            for _ in range(MOST_PAGES if _ID.fullmatch(one.thread) else 0):
                asked: dict[str, str | int] = {"fields": _FIELDS, "limit": PAGE, **_after(token)}
                listed = self._list(f"{one.thread}/replies", asked, request.now)
                found = sort_out(listed.items, lambda each: [_comment(each, request.source, "")], NETWORK)
                said += [replace(each, thread_id=one.thread) for each in found.posts]
                token = listed.next
                if not token:
                    break
            return [each for each in by_name(said) if each.posted_at >= one.since]

        found = one_by_one(conversations[: self.most_conversations], read)
        return Batch(found.posts, request.cursor, not_before=found.not_before, unread=found.unread)

    asks_at_once = 20

    def refresh(self, ids: tuple[str, ...], request: Request) -> Batch:
        """Ask after known comments: one that is gone is not found. What was edited can't be: Instagram has no edits."""
        gone: list[str] = []
        asked = [one for one in ids if _ID.fullmatch(one)]
        for native_id in asked:
            try:
                self._get(native_id, {"fields": "id"}, request.now)
            except _NotThere:
                gone.append(native_id)
        if gone and len(gone) == len(asked):  # none of them stands: is the account still ours?
            self._get(self._settings.account_id, {"fields": "id"}, request.now)
        return Batch((), request.cursor, deleted=tuple(gone))

    def _posts(self, walk: Walk, now: datetime) -> dict[str, str]:
        """Our newest posts that have comments, with their addresses; looked up now and then.

        https://developers.facebook.com/documentation/instagram-platform/instagram-graph-api/reference/ig-user/media
        """
        held, at = walk.extra.get("posts"), walk.extra.get("posts_at")
        known = (
            {one: text_of(link) for one, link in held.items() if _ID.fullmatch(one)} if isinstance(held, dict) else {}
        )
        if isinstance(at, int) and timedelta() <= now - moment(at) < LOOK_FOR_POSTS_EVERY:
            return known
        asked: dict[str, str | int] = {"fields": "id,permalink,comments_count", "limit": self._settings.posts}
        listed = self._list(f"{self._settings.account_id}/media", asked, now).items
        found = [one for one in listed if isinstance(one, dict) and one.get("comments_count") != 0]
        known = {one["id"]: safe_url(one.get("permalink")) for one in found if _ID.fullmatch(str(one.get("id")))}
        walk.extra |= {"posts": known, "posts_at": milliseconds(now)}
        return known

    def _list(self, path: str, params: Mapping[str, str | int], now: datetime) -> Listed:
        document = self._get(path, params, now)
        paging = part(document, "paging")
        # The link to the next page holds our token: it is never followed itself.
        after = text_of(part(paging, "cursors").get("after")) if paging.get("next") else ""
        return Listed(list_of(document, "data", NETWORK), after)

    def _get(self, path: str, params: Mapping[str, str | int], now: datetime) -> dict[str, Any]:
        asked = {**params, "access_token": self._settings.access_token.get_secret_value()}
        document, _ = get_object(
            self._http, f"{self._address}/{path}", now, params=asked,
            refusal=lambda answer, said: _refusal(answer, said, now),
        )  # fmt: skip
        return document


class _NotThere(Closed):
    """What was asked for does not exist any more, or is not shown to us."""


def _refusal(answer: Answer, said: Mapping[str, Any], now: datetime) -> ConnectorError | None:
    error = part(said, "error")
    code, inner = error.get("code"), error.get("error_subcode")
    if not isinstance(code, int):
        return None
    message = f"{NETWORK} answered {answer.status} (code {code})"
    if code in _TOO_MANY:
        at = retry_after(answer.headers, now) or now + AGAIN
        return RateLimited(message, at, "Nothing to do; Earful will retry. If it lasts, follow fewer posts.")
    if code in _NO_TOKEN:
        return Refused(message, _TOKEN)
    if code in {3, 10} or 200 <= code <= 299:
        return Refused(message, _ROLE)
    return _NotThere(message, f"Check account_id. {_ROLE}") if (code, inner) == (100, 33) else None


def _after(token: str) -> dict[str, str]:
    return {"after": token} if token else {}


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _sound(each: Any, source: str, link: str) -> Post | None:
    try:
        return _comment(each, source, link)
    except ValueError:
        return None  # it comes again by itself, if it is ever in a case's conversation


def _comment(each: Any, source: str, link: str) -> Post:
    """Read one comment; the one place that knows Meta's field names. A ValueError says what is wrong with it."""
    name = each.get("id") if isinstance(each, dict) else None
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise ValueError("id is missing or not a number")
    posted_at, words = parse_time(each.get("timestamp")), each.get("text", "")
    if posted_at is None:
        raise ValueError("timestamp is missing or not a time")
    if not isinstance(words, str):
        raise ValueError("text is not a text")
    writer = part(each, "from")
    author = text_of(each.get("username")) or text_of(writer.get("username"))
    likes, parent = each.get("like_count"), text_of(each.get("parent_id"))
    return Post(
        source=source,
        native_id=name,
        url=link or "https://www.instagram.com/",
        author=clean(author).strip() or f"Instagram user {name[-4:]}",
        author_id=text_of(writer.get("id")),
        text=clean(words).strip(),
        posted_at=posted_at,
        reach=likes if isinstance(likes, int) and not isinstance(likes, bool) and 0 <= likes < 2**53 else None,
        parent_id=parent if _ID.fullmatch(parent) else "",
        thread_id=parent if _ID.fullmatch(parent) else "",
        raw=raw_of(each),
    )
