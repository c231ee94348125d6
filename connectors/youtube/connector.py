"""YouTube: comments on one's own channel, videos about the brand, and the comments below these, by the Data API v3.

Own channels are those under the brands' `accounts`. A search is one of 100 that Google allows a day, apart from the
10,000 units of everything else (https://developers.google.com/youtube/v3/determine_quota_cost), so searches are spread
over the day that ends at midnight in California. There is no list of what somebody wrote: our replies are seen in the
conversations of cases, and with the threads of our own channel.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, SecretStr

from connectors import Account, Batch, Closed, ConnectorError, Conversation, Post, Quota, RateLimited, Request
from connectors.answers import Answer
from connectors.conversations import one_by_one
from connectors.google import reasons_of, refusal
from connectors.http import Http
from connectors.listing import Listed, by_name, get_object, list_of, part, read_page, sort_out
from connectors.pagination import Walk, milliseconds, moment
from connectors.text import clean, parse_time, plain, raw_of, text_of

NETWORK = "YouTube"
SEARCH = "search"
OVERLAP = timedelta(days=1)  # videos enter the search late, comments after a moderator has looked
FOLLOWED = timedelta(days=14)  # after it was published, the comments below a video that was found are read
# Of 10,000 units a day 6,000 are for reading, 3,000 for conversations, the rest for handles and what was deleted.
READING_UNIT = timedelta(days=1) / 6_000
TALKING_UNIT = timedelta(days=1) / 3_000
MOST_PAGES = 5  # of the replies in one conversation
_PACIFIC = ZoneInfo("America/Los_Angeles")
_CHANNEL = re.compile(r"UC[\w-]{22}")
_VIDEO = re.compile(r"[\w-]{11}")
_COMMENT = re.compile(r"[\w.-]{12,200}")
_HANDLE = re.compile(r"@?[\w.·-]{3,30}")
_KEY = (
    "In Google Cloud, check that the key exists, that YouTube Data API v3 is enabled, and what the key is limited to."
)
_CLOSED = frozenset({"commentsDisabled", "videoNotFound", "channelNotFound", "notFound", "forbidden"})


class Settings(BaseModel, frozen=True, extra="forbid"):
    """Options of a `youtube` source; the channels read are those under `accounts` of the brands."""

    api_key: SecretStr = Field(description="A key of Google Cloud for YouTube Data API v3.")
    search: bool = Field(default=True, description="Look for videos with the brands' words, and read their comments.")
    searches_per_day: int = Field(
        default=90, ge=1, le=100_000, description="Searches allowed per day; Google gives 100."
    )
    videos: int = Field(default=20, ge=0, le=200, description="How many found videos are followed; 1 unit per read.")
    api_url: str = Field(
        default="https://www.googleapis.com/youtube/v3", pattern=r"^https?://[^\s?#@]+$", description="The API."
    )


class YouTube:
    """Reads comments of own channels, finds videos, and reads the comments below them."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._address = settings.api_url.rstrip("/")

    def fetch(self, request: Request) -> Batch:
        """Read one page: an own channel's comments, the search, or the comments below a video that it found."""
        walk, words = Walk.load(request.cursor), _words(request.terms)
        channels = sorted({one for one in request.accounts.values() if _CHANNEL.fullmatch(one)})
        lanes = [f"channel:{one}" for one in channels]
        if self._settings.search and words:
            lanes += [SEARCH, *(f"video:{one}" for one in self._followed(walk, request.now))]
        walk.begin(lanes, request.now, request.since, OVERLAP)
        kind, _, name = walk.lane.partition(":")
        told: list[str] = []

        def ask(walk: Walk) -> Listed:
            if kind == SEARCH:
                return self._search(walk, words, request.now, told)
            if kind == "channel":
                return self._threads({"allThreadsRelatedToChannelId": name}, walk.token, request.now)
            try:
                return self._threads({"videoId": name}, walk.token, request.now)
            except Closed:  # no comments there, or no such video any more: nobody needs to be alerted
                walk.extra["videos"] = {one: at for one, at in self._known(walk).items() if one != name}
                return Listed(())

        def posts_of(each: Any) -> list[Post]:
            if kind == SEARCH:
                return [_video(each, request.source)]
            found = _thread(each, request.source)
            if kind == "channel":  # whoever comments on our channel speaks to us; who answers them need not
                found[0] = replace(found[0], addressed=(name, "*"))
            return found

        batch = read_page(walk, request, NETWORK, ask, posts_of)
        if kind == SEARCH:
            self._follow(walk, batch.posts)
        self._count(walk, kind, request.now, rests=batch.not_before is not None)
        return replace(batch, cursor=walk.dump(), notices=(*batch.notices, *told))

    most_conversations = 20

    def fetch_conversations(self, conversations: tuple[Conversation, ...], request: Request) -> Batch:
        """Read what was answered below comments and videos, one unit a page, the newest first."""
        units = 0

        def read(one: Conversation) -> list[Post]:
            nonlocal units
            token, said = "", list[Post]()
            for _ in range(MOST_PAGES):
                units += 1
                listed = self._answers(one.thread, token, request.now)
                found = sort_out(listed.items, lambda each: _said(each, request.source), NETWORK)
                said += [replace(each, thread_id=one.thread) for each in found.posts]
                token = listed.next
                if not token or (found.heads and found.heads[-1].posted_at < one.since):
                    break
            return [each for each in by_name(said) if each.posted_at >= one.since]

        found = one_by_one(conversations[: self.most_conversations], read)
        wait = max(found.not_before or request.now, request.now + units * TALKING_UNIT)
        return Batch(found.posts, request.cursor, not_before=wait, unread=found.unread)

    asks_at_once = 50

    def refresh(self, ids: tuple[str, ...], request: Request) -> Batch:
        """Ask after known comments and videos, fifty for one unit: what is not in the answer is gone."""
        gone: list[str] = []
        kinds = {"videos": [one for one in ids if _VIDEO.fullmatch(one)]}
        kinds["comments"] = [one for one in ids if one not in kinds["videos"] and _COMMENT.fullmatch(one)]
        for kind, asked in kinds.items():
            if asked:
                listed = self._list(kind, {"part": "id", "id": ",".join(asked)}, request.now)
                there = {text_of(each.get("id")) for each in listed.items if isinstance(each, dict)}
                gone += [one for one in asked if one not in there]
        return Batch((), request.cursor, deleted=tuple(gone))

    def identify(self, handles: tuple[str, ...], request: Request) -> tuple[dict[str, Account], Quota]:
        """Look up the channels behind handles: https://developers.google.com/youtube/v3/docs/channels/list"""
        found: dict[str, Account] = {}
        for handle in handles:
            by_id = re.fullmatch(r"uc[\w-]{22}", handle, re.IGNORECASE)
            if by_id or not _HANDLE.fullmatch(handle):
                continue
            listed = self._list("channels", {"part": "id,snippet", "forHandle": f"@{handle.lstrip('@')}"}, request.now)
            first = listed.items[0] if listed.items else {}
            name = part(first, "snippet").get("customUrl")
            native = first.get("id") if isinstance(first, dict) else None
            known = isinstance(native, str) and _CHANNEL.fullmatch(native)
            found[handle] = Account(str(native) if known else "", clean(name) if isinstance(name, str) else "")
        return found, Quota()

    def _search(self, walk: Walk, words: str, now: datetime, told: list[str]) -> Listed:
        """Look for videos, where a search is due: the newest first, as far back as the lane's floor."""
        used = self._used(walk, now)
        pause = timedelta(days=1) / self._settings.searches_per_day
        last = walk.extra.get("searched_at")
        early = isinstance(last, int) and timedelta() <= now - moment(last) < pause
        if used >= self._settings.searches_per_day or (early and not walk.token):
            return Listed(())
        walk.extra |= {"searched_at": milliseconds(now), "searches": used + 1}
        asked: dict[str, str | int] = {
            "part": "snippet", "type": "video", "order": "date", "maxResults": 50, "q": words,
            "publishedAfter": f"{moment(walk.floor):%Y-%m-%dT%H:%M:%SZ}", **_page(walk.token),
        }  # fmt: skip
        try:
            return self._list("search", asked, now)
        except RateLimited:
            walk.extra["searches"] = self._settings.searches_per_day
            told.append("Google allows no more searches today; comments are read on, searches resume tomorrow")
            return Listed(())

    @staticmethod
    def _count(walk: Walk, kind: str, now: datetime, *, rests: bool) -> None:
        """Count what a walk costs, and rest after it for so long that the day's units last."""
        units = walk.extra.get("units", 0)
        units = (units if isinstance(units, int) else 0) + (kind != SEARCH and not rests)
        walk.extra["units"] = units if walk.lane else 0
        if not walk.lane and units:
            walk.extra["rests"] = milliseconds(now + units * READING_UNIT)

    def _used(self, walk: Walk, now: datetime) -> int:
        """How many searches were made in this day of Google's."""
        day, used = f"{now.astimezone(_PACIFIC):%Y-%m-%d}", walk.extra.get("searches", 0)
        if walk.extra.get("day") != day or not isinstance(used, int):
            walk.extra |= {"day": day, "searches": 0}
            return 0
        return used

    def _known(self, walk: Walk) -> dict[str, int]:
        held = walk.extra.get("videos")
        listed = held.items() if isinstance(held, dict) else ()
        return {one: at for one, at in listed if _VIDEO.fullmatch(one) and isinstance(at, int)}

    def _followed(self, walk: Walk, now: datetime) -> list[str]:
        """The videos whose comments are read: the newest of those that were found in two weeks."""
        fresh = {one: at for one, at in self._known(walk).items() if at >= milliseconds(now - FOLLOWED)}
        return sorted(sorted(fresh, key=lambda one: -fresh[one])[: self._settings.videos])

    def _follow(self, walk: Walk, found: tuple[Post, ...]) -> None:
        known = self._known(walk) | {post.native_id: milliseconds(post.posted_at) for post in found}
        newest = sorted(known, key=lambda one: -known[one])[: self._settings.videos]
        walk.extra["videos"] = {one: known[one] for one in newest}

    def _threads(self, of: Mapping[str, str], token: str, now: datetime) -> Listed:
        """https://developers.google.com/youtube/v3/docs/commentThreads/list"""
        asked: dict[str, str | int] = {
            "part": "snippet,replies",
            "order": "time",
            "maxResults": 100,
            "textFormat": "plainText",
        }
        return self._list("commentThreads", {**asked, **of, **_page(token)}, now)

    def _answers(self, thread: str, token: str, now: datetime) -> Listed:
        """What stands below a comment (https://developers.google.com/youtube/v3/docs/comments/list) or a video."""
        if _VIDEO.fullmatch(thread):
            return self._threads({"videoId": thread}, token, now)
        if not _COMMENT.fullmatch(thread):
            return Listed(())
        asked: dict[str, str | int] = {"part": "snippet", "parentId": thread, "maxResults": 100}
        return self._list("comments", {**asked, "textFormat": "plainText", **_page(token)}, now)

    def _list(self, what: str, params: Mapping[str, str | int], now: datetime) -> Listed:
        key = self._settings.api_key.get_secret_value()
        document, _ = get_object(
            self._http, f"{self._address}/{what}", now, params=params, headers={"X-Goog-Api-Key": key},
            refusal=_refusal(now),
        )  # fmt: skip
        if "items" not in document and str(document.get("kind", "")).startswith("youtube#"):
            return Listed(())  # a channel that is not there
        return Listed(list_of(document, "items", NETWORK), text_of(document.get("nextPageToken")))


def _refusal(now: datetime) -> Callable[[Answer, Mapping[str, Any]], ConnectorError | None]:
    midnight = (now.astimezone(_PACIFIC) + timedelta(days=1)).replace(hour=0, minute=5, second=0, microsecond=0)
    usual = refusal(NETWORK, now, midnight.astimezone(now.tzinfo), _KEY)

    def read(answer: Answer, said: Mapping[str, Any]) -> ConnectorError | None:
        reasons = reasons_of(said)
        if reasons & _CLOSED and answer.status in {403, 404}:
            return Closed(
                f"{NETWORK} answered {answer.status} ({', '.join(sorted(reasons))})", "Check the channel's id."
            )
        found: ConnectorError | None = usual(answer, said)
        return found

    return read


def _words(terms: tuple[str, ...]) -> str:
    """One search for any of the words: https://developers.google.com/youtube/v3/docs/search/list knows | for OR."""
    cleaned = [" ".join(re.sub(r'["|\\-]', " ", clean(term)).split()) for term in terms]
    return "|".join(f'"{each}"' if " " in each else each for each in dict.fromkeys(cleaned) if each)[:500]


def _page(token: str) -> dict[str, str]:
    return {"pageToken": token} if token else {}


def _video(each: Any, source: str) -> Post:
    """Read one hit of the search. A ValueError says what is wrong with it."""
    name, held = part(each, "id").get("videoId"), part(each, "snippet")
    posted_at, author = parse_time(held.get("publishedAt")), held.get("channelTitle")
    if not isinstance(name, str) or not _VIDEO.fullmatch(name):
        raise ValueError("id.videoId is missing or not a video's id")
    if posted_at is None:
        raise ValueError("publishedAt is missing or not a time")
    if not isinstance(author, str) or not isinstance(held.get("title"), str):
        raise ValueError("channelTitle or title is missing")
    title = plain(held["title"]).replace("\n", " ")  # the search alone escapes what it shows
    return Post(
        source=source,
        native_id=name,
        url=f"https://www.youtube.com/watch?v={name}",
        author=plain(author).replace("\n", " "),
        author_id=text_of(held.get("channelId")),
        title=title,
        text=plain(text_of(held.get("description"))) or title,
        posted_at=posted_at,
        raw=raw_of(each),
    )


def _thread(each: Any, source: str) -> list[Post]:
    """Read one thread: its comment, then those of its replies that come along (five at most)."""
    top = part(each, "snippet").get("topLevelComment")
    first = _comment(top, source, part(each, "snippet"))
    replies = part(each, "replies").get("comments")
    more = [_comment(one, source) for one in replies if _is_sound(one, source)] if isinstance(replies, list) else []
    return [first, *(replace(one, thread_id=first.native_id, parent_author=first.author) for one in more)]


def _said(each: Any, source: str) -> list[Post]:
    """Read a thread or a single comment."""
    return _thread(each, source) if part(each, "snippet", "topLevelComment") else [_comment(each, source)]


def _is_sound(each: Any, source: str) -> bool:
    try:
        _comment(each, source)
    except ValueError:
        return False  # it comes again by itself, if it is ever in a case's conversation
    return True


def _comment(each: Any, source: str, thread: Mapping[str, Any] | None = None) -> Post:
    """Read one comment: https://developers.google.com/youtube/v3/docs/comments"""
    name, held = (each.get("id") if isinstance(each, dict) else None), part(each, "snippet")
    posted_at, changed_at = parse_time(held.get("publishedAt")), parse_time(held.get("updatedAt"))
    if not isinstance(name, str) or not _COMMENT.fullmatch(name):
        raise ValueError("id is missing or not a comment's id")
    if posted_at is None:
        raise ValueError("publishedAt is missing or not a time")
    author, words, likes = held.get("authorDisplayName"), held.get("textDisplay"), held.get("likeCount")
    if not isinstance(author, str) or not isinstance(words, str):
        raise ValueError("authorDisplayName or textDisplay is missing")
    parent = text_of(held.get("parentId"))
    video = text_of(held.get("videoId") or (thread or {}).get("videoId"))
    channel = text_of(held.get("channelId") or (thread or {}).get("channelId"))
    where = f"watch?v={video}&lc={name}" if _VIDEO.fullmatch(video) else f"channel/{channel}"
    return Post(
        source=source,
        native_id=name,
        url=f"https://www.youtube.com/{where}" if _VIDEO.fullmatch(video) or _CHANNEL.fullmatch(channel) else "",
        author=clean(author),
        author_id=text_of(part(held, "authorChannelId").get("value")),
        text=clean(words).strip(),
        posted_at=posted_at,
        reach=likes if isinstance(likes, int) and 0 <= likes < 2**53 else None,
        edited_at=changed_at if changed_at and changed_at > posted_at else None,
        parent_id=parent if _COMMENT.fullmatch(parent) else "",
        thread_id=parent if _COMMENT.fullmatch(parent) else "",
        raw=raw_of(each),
    )
