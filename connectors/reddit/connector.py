"""Reddit, by its OAuth API through praw, read-only: submissions by search, comments of named subreddits.

The cursor holds, for each listing, the time of the newest post seen in a whole walk and the walk under way with its
page anchors. A walk goes down to a time, never to one id: a listing asked for what comes after a deleted post is empty.
No new keys are given since 31 October 2026, and all end in March 2027:
https://www.reddit.com/r/redditdev/comments/1wubcvf/moving_data_api_apps_to_the_developer_platform/
"""

from __future__ import annotations

import configparser
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

import praw
import praw.config
import prawcore
import requests
from pydantic import BaseModel, Field, SecretStr, field_validator

from connectors import (
    Account,
    Aside,
    Batch,
    Closed,
    ConnectorError,
    Conversation,
    Gap,
    NoCredit,
    Nonsense,
    Post,
    Quota,
    RateLimited,
    Refused,
    Request,
)
from connectors.conversations import one_by_one
from connectors.http import Http, host_of
from connectors.pagination import ASK_CLOSED_EVERY, Walk, fingerprint, is_below, milliseconds, moment
from connectors.reddit.responses import (
    ENDING,
    ENDS,
    Elsewhere,
    Limits,
    Removed,
    children_of,
    comments_in,
    error_of,
    limits_in,
    post_of,
)
from connectors.requests_adapter import ThroughHttp
from connectors.terms import any_of
from connectors.text import raw_of

QUERY_LIMIT = 512
OVERLAP = timedelta(minutes=15)
# Held-back posts appear late under their old time: once a day a walk goes down this far.
RESCAN = timedelta(hours=36)
RESCAN_EVERY = timedelta(hours=24)
PAGE = 100
# Where listings end although there is more: about 1000, a search earlier.
LISTING_END = {"comments": 900, "own": 900, "search": 225}
ANCHORS = 4
MANY = 3
# A subreddit that is closed is asked again once a day; one that only fails, once an hour.
ASK_FAILING_EVERY = timedelta(hours=1)

for _name in ("praw", "prawcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


OAUTH_URL, REDDIT_URL = "https://oauth.reddit.com", "https://www.reddit.com"  # the API, and where tokens are from
TOTAL_SECONDS = 25.0  # for one read, and for one request


class Settings(BaseModel, frozen=True, extra="forbid"):
    """A source of kind "reddit"."""

    OLD_KEYS: ClassVar[dict[str, str]] = {
        "search_in_subreddits": "search=subreddits",
        "oauth_url": "api_url",
        "reddit_url": "api_url",
        "total_seconds": "",
    }

    client_id: SecretStr = Field(description="the id of an app that you have, from reddit.com/prefs/apps")
    client_secret: SecretStr = Field(description="the app's secret, from the same page")
    user_agent: str = Field(
        "selfhosted:earful:0.1",
        min_length=7,
        description="how Earful identifies itself; Reddit wants platform:app:version (by /u/NAME)",
    )
    subreddits: tuple[str, ...] = Field((), description="subreddits whose new comments are read, without r/")
    search: bool | Literal["subreddits"] = Field(
        True, description='search all submissions for the brands\' words, or only those in "subreddits"'
    )
    api_url: str = Field("", description="one base address instead of Reddit's two, for a gateway or a test")

    @field_validator("subreddits")
    @classmethod
    def _named(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not re.fullmatch(r"\w{2,50}", name, re.ASCII):
                raise ValueError(f"{name!r} is not a subreddit; write the name without r/, such as smallbusiness")
        return names


@dataclass(frozen=True, slots=True)
class _Lane:
    """One listing: the path to ask and what to ask for.

    `inside` are the subreddits of its path that are open to us; its key is made of all of them.
    """

    kind: str
    path: str
    query: str = ""
    inside: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.kind}:{fingerprint(self.path + ' ' + self.query)}"

    @property
    def open_path(self) -> str:
        return f"r/{'+'.join(self.inside)}/{self.path.rpartition('/')[2]}" if self.inside else self.path


@dataclass(slots=True)
class _Window:
    """What the reader and praw's way out both know: the time of this read, and what Reddit said is left."""

    now: datetime
    limits: Limits = field(default_factory=Limits)


class _Watched(prawcore.Requestor):
    """praw's way out, judged here before prawcore sees it.

    prawcore sleeps in the calling thread for up to ten minutes when the limit is near, repeats what failed, and fails
    with a KeyError where a header is missing (prawcore/rate_limit.py). So refusals leave here as our errors, and the
    limits are read here and taken out of what prawcore gets to see.
    """

    def __init__(self, *arguments: Any, window: _Window, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._window = window

    def request(self, *arguments: Any, timeout: float | None = None, **named: Any) -> requests.Response:  # noqa: ARG002
        """Ask, within the deadline of the whole read rather than `timeout`; raise a ConnectorError at 300 and above."""
        response = self._http.request(*arguments, **named)
        token = "access_token" in str(arguments[1] if len(arguments) > 1 else named.get("url", ""))
        if response.status_code >= 300:
            raise error_of(response.status_code, response.headers, response.text[:20_000], self._window.now, token)
        wanted = str(arguments[1] if len(arguments) > 1 else named.get("url", ""))
        if not token and _place_of(response.url) != _place_of(wanted):
            # Our client has followed a redirect: of a subreddit that does not exist to a search for such names.
            raise error_of(302, response.headers, "", self._window.now)
        if not token:
            self._window.limits = limits_in(response.headers, self._window.now)
        for name in [name for name in response.headers if name.lower().startswith("x-ratelimit")]:
            del response.headers[name]
        return response


class Reddit:
    """Reads submissions and comments, the brand's own comments, and what became of posts already known."""

    def __init__(
        self,
        settings: Settings,
        http: Http | None = None,  # noqa: ARG002
        *,
        total_seconds: float = TOTAL_SECONDS,
        urls: tuple[str, str] = (OAUTH_URL, REDDIT_URL),
    ) -> None:
        """Touch no network. The given client stays unused: praw gets one that trusts Reddit's two addresses only."""
        self._settings = settings
        self._urls = (settings.api_url, settings.api_url) if settings.api_url else urls
        client = Http(
            trusted=[host_of(url) for url in self._urls],
            total_seconds=total_seconds,
            user_agent=settings.user_agent,
        )
        self._adapter = ThroughHttp(client, total_seconds=total_seconds)
        self._window = _Window(datetime.min.replace(tzinfo=UTC))
        self._wait_until: datetime | None = None
        self._praw: Any = None

    def fetch(self, request: Request) -> Batch:
        """Read one page: of the searches for `request.terms`, then of the subreddits' comments."""
        joined = "+".join(self._settings.subreddits)
        lanes = []
        open_to_us = self._open(Walk.load(request.cursor), request.now)
        if self._settings.search:
            inside = open_to_us if self._settings.search == "subreddits" else ()
            path = f"r/{joined if inside else 'all'}/search"
            lanes = [_Lane("search", path, query, inside) for query in any_of(request.terms, limit=QUERY_LIMIT)]
        if open_to_us or (joined and not lanes):
            lanes.append(_Lane("comments", f"r/{joined}/comments", inside=open_to_us or self._settings.subreddits))
        return self._page(lanes, request)

    def fetch_own(self, accounts: tuple[str, ...], request: Request) -> Batch:
        """Read one page of the comments that the accounts (user names) wrote."""
        names = [_user(account) for account in accounts]
        for name in names:
            if not re.fullmatch(r"[\w-]{2,30}", name, re.ASCII):
                raise Refused(
                    "a Reddit account is not a valid user name", "Check the brand's accounts; write it without u/."
                )
        return self._page([_Lane("own", f"user/{name}/comments") for name in names], request)

    def identify(self, handles: tuple[str, ...], request: Request) -> tuple[dict[str, Account], Quota]:  # noqa: ARG002
        """On Reddit a name is for life: nothing has to be asked."""
        names = {handle: _user(handle) for handle in handles}
        sound = {handle: name for handle, name in names.items() if re.fullmatch(r"[\w-]{2,30}", name, re.ASCII)}
        return {handle: Account(name, name) for handle, name in sound.items()}, Quota()

    asks_at_once = PAGE

    def refresh(self, ids: tuple[str, ...], request: Request) -> Batch:
        """Look up to 100 known posts up again: what is gone comes back as `deleted`, what was edited as posts."""
        self._start(request)
        asked = [one for one in dict.fromkeys(ids) if re.fullmatch(r"t[13]_[0-9a-z]{1,13}", one)][:PAGE]
        if not asked:
            return Batch((), request.cursor)
        found, _ = children_of(self._get("api/info", {"id": ",".join(asked)}))
        if not found and len(asked) >= MANY:
            raise Nonsense(f"Reddit claims that none of {len(asked)} known posts exist", "Earful will retry.")
        posts, deleted, aside = self._posts(found, request.source)
        seen = {post.native_id for post in posts} | {str(_name_of(item)) for item in found}
        missing = [one for one in asked if one not in seen]
        edited = tuple(post for post in posts if post.edited_at)
        gone = tuple(one for one in dict.fromkeys([*deleted, *missing]) if one in asked)
        return Batch(edited, request.cursor, True, self._quota(), gone, aside, (), self._rest(request.now))

    most_conversations = 10

    def fetch_conversations(self, conversations: tuple[Conversation, ...], request: Request) -> Batch:
        """Read the newest comments below some submissions: one call each. https://www.reddit.com/dev/api#GET_comments"""
        self._start(request)

        def read(conversation: Conversation) -> list[Post]:
            if not re.fullmatch(r"t3_[0-9a-z]{1,13}", conversation.thread):
                return []
            wanted: dict[str, str | int] = {"sort": "new", "limit": 500, "depth": 20}
            found = self._get(f"comments/{conversation.thread[3:]}", wanted)
            if not isinstance(found, list) or len(found) != 2:
                raise Nonsense("Reddit answered without a thread", "Earful will retry.")
            items, authors = comments_in(found)
            said, _, _ = self._posts(items, request.source)
            return [
                replace(post, thread_id=conversation.thread, parent_author=authors.get(post.parent_id, ""))
                for post in said
                if post.posted_at >= conversation.since
            ]

        found = one_by_one(conversations[: self.most_conversations], read)
        rest = found.not_before or self._rest(request.now)
        return Batch(found.posts, request.cursor, True, self._quota(), not_before=rest, unread=found.unread)

    def _page(self, lanes: list[_Lane], request: Request) -> Batch:
        self._start(request)
        walk = Walk.load(request.cursor)
        by_key = {lane.key: lane for lane in lanes}
        walk.begin(by_key, request.now, request.since, OVERLAP)
        lane = by_key.get(walk.lane)
        if lane is None:
            return Batch((), walk.dump())
        reach = self._reach(walk, request.now)
        try:
            found, after = self._listing(lane, walk)
        except ConnectorError as error:
            if not self._left_out(lane, walk, error, request.now):
                raise
            return Batch((), walk.dump(), not walk.lane, self._quota(), notices=self._told(walk, request.now))
        reopened = self._reopened(lane, walk)
        posts, deleted, aside = self._posts(found, request.source)
        known = walk.note(((post.native_id, post.posted_at) for post in posts), request.now)
        gaps, complete = self._turn(lane, walk, posts, found, "" if known else after, reach)
        kept = tuple(post for post in posts if milliseconds(post.posted_at) >= reach)
        notices = (*self._told(walk, request.now), *reopened)
        return Batch(kept, walk.dump(), complete, self._quota(), deleted, aside, gaps, self._rest(request.now), notices)

    def _open(self, walk: Walk, now: datetime) -> tuple[str, ...]:
        """The subreddits to read: all but those found closed lately."""
        closed = _closed(walk)
        return tuple(
            name
            for name in self._settings.subreddits
            if name not in closed or not timedelta() <= now - moment(closed[name]["at"]) < _asked_again(closed[name])
        )

    def _left_out(self, lane: _Lane, walk: Walk, error: ConnectorError, now: datetime) -> bool:
        """Find what of a listing is closed, and go on without it; False where that is all of it.

        Asked for several subreddits together, Reddit refuses all of them because of one.
        """
        if not _is_of_a_place(error):
            return False
        wrong = self._wrong_in(lane.inside, error) if len(lane.inside) > 1 else {}
        if not 0 < len(wrong) < len(lane.inside):
            if len(lane.inside) == 1 and isinstance(error, Closed | Elsewhere):
                error = Closed(_said(lane.inside[0], error), error.remedy)
            return walk.shut(error, now)
        closed = _closed(walk)
        for name, each in wrong.items():
            lasting = isinstance(each, Refused | Elsewhere)
            closed[name] = {"at": milliseconds(now), "said": _said(name, each), "lasting": lasting}
        walk.extra["closed"] = closed
        return True

    def _wrong_in(self, names: tuple[str, ...], error: ConnectorError) -> dict[str, ConnectorError]:
        """Ask for halves, and halves of halves, until it is clear which of these subreddits cannot be read."""
        if len(names) == 1:
            return {names[0]: error}
        wrong: dict[str, ConnectorError] = {}
        for half in (names[: len(names) // 2], names[len(names) // 2 :]):
            try:
                children_of(self._get(f"r/{'+'.join(half)}/comments", {"limit": 1}))
            except ConnectorError as each:
                if not _is_of_a_place(each):
                    raise
                wrong |= self._wrong_in(half, each)
        return wrong

    @staticmethod
    def _reopened(lane: _Lane, walk: Walk) -> tuple[str, ...]:
        """Forget what was closed and has answered now."""
        closed = _closed(walk)
        back = [name for name in lane.inside if closed.pop(name, None)]
        walk.extra["closed"] = closed
        return tuple(f"r/{name} can be read again" for name in back)

    def _told(self, walk: Walk, now: datetime) -> tuple[str, ...]:
        closed = _closed(walk)
        names = [name for name in self._settings.subreddits if name in closed]
        told = [
            f"{closed[name]['said']}: it is skipped, and retried once "
            f"{'a day' if closed[name]['lasting'] else 'an hour'}; everything else is read"
            for name in names
        ]
        return (*told, *walk.notices(), *((ENDING,) if now < ENDS else ()))

    def _turn(
        self, lane: _Lane, walk: Walk, posts: tuple[Post, ...], found: list[Any], after: str, reach: int
    ) -> tuple[tuple[Gap, ...], bool]:
        """Go to the next page or end the lane; say what stays unseen if the listing ended too early."""
        reached = is_below([post.posted_at for post in posts], moment(reach))
        names = [name for name in (_name_of(item) for item in found) if name]
        if not reached and after and walk.turn(after):
            # The page's last posts, nearest first: if one is deleted before the next page, the one before it serves.
            walk.extra["anchors"] = [after, *[name for name in reversed(names) if name != after]][:ANCHORS]
            return (), False
        gaps: tuple[Gap, ...] = ()
        if not reached and (after or walk.count >= LISTING_END[lane.kind]):
            gaps = walk.unread(f"Reddit shows only the newest {walk.count} posts of a listing")
        walk.extra["anchors"] = []
        began = walk.started
        complete = walk.close_lane()
        if complete and walk.extra.pop("rescanning", False):
            walk.extra["rescanned"] = began
        return gaps, complete

    def _reach(self, walk: Walk, now: datetime) -> int:
        """Give the time down to which this walk reads: its floor, and once a day further for what appears late."""
        if "rescanning" not in walk.extra:
            if not walk.marks:
                walk.extra["rescanned"] = walk.started
            last = walk.extra.get("rescanned")
            # A time that is still to come was written by a clock that was ahead.
            due = not isinstance(last, int) or not timedelta() <= now - moment(last) < RESCAN_EVERY
            walk.extra["rescanning"] = due
        if not walk.extra["rescanning"]:
            return walk.floor
        return min(walk.floor, max(walk.started - round(RESCAN.total_seconds() * 1000), walk.first))

    def _listing(self, lane: _Lane, walk: Walk) -> tuple[list[Any], str]:
        """Ask for the page that the walk is at, by its other anchors where the first one leads to nothing."""
        wanted: dict[str, str | int] = {"limit": PAGE, "sort": "new"}
        if lane.kind == "search":
            wanted |= {"q": lane.query, "type": "link", "t": "month", "restrict_sr": int("r/all/" not in lane.path)}
        held = walk.extra.get("anchors")
        anchors: list[str] = [str(one) for one in held] if walk.token and isinstance(held, list) else []
        found, after = children_of(self._get(lane.open_path, wanted | ({"after": anchors[0]} if anchors else {})))
        for anchor in anchors[1:]:
            if found:
                break
            found, after = children_of(self._get(lane.open_path, wanted | {"after": anchor}))
        return found, after

    def _get(self, path: str, wanted: dict[str, str | int]) -> Any:
        """Ask once; with a fresh token once more if the token was refused."""
        for last in (False, True):
            client = self._client()
            try:
                return client.request(method="GET", path=path, params=wanted)
            except RateLimited as error:
                self._wait_until = error.retry_at
                raise
            except Closed:
                raise
            except Refused:
                self._praw = None
                if last:
                    raise
            except ConnectorError:
                raise
            except prawcore.OAuthException:
                raise Refused(
                    "Reddit does not accept the app's id or secret", "Check client_id and client_secret."
                ) from None
            except Exception as error:  # noqa: BLE001 - praw lets KeyError, IndexError and more out on odd answers
                raise Nonsense(
                    f"Reddit's answer could not be read ({type(error).__name__})",
                    "Check oauth_url and reddit_url; a login page or block may be in between.",
                ) from None
        raise AssertionError("the second attempt returns or raises")

    def _client(self) -> Any:
        if self._praw is None:
            _forget_praw_ini()
            session = requests.Session()
            self._adapter.mount(session)
            self._praw = praw.Reddit(
                site_name="DEFAULT",
                client_id=self._settings.client_id.get_secret_value(),
                client_secret=self._settings.client_secret.get_secret_value(),
                user_agent=self._settings.user_agent,
                oauth_url=self._urls[0].rstrip("/") + "/",
                reddit_url=self._urls[1].rstrip("/"),
                username=None,
                password=None,
                refresh_token=None,
                redirect_uri=None,
                check_for_updates=False,
                check_for_async=False,
                requestor_class=_Watched,
                requestor_kwargs={"session": session, "window": self._window},
            )
        return self._praw

    def _start(self, request: Request) -> None:
        if self._wait_until is not None and request.now < self._wait_until:
            raise RateLimited("Reddit: request limit reached", self._wait_until, "Nothing to do.")
        self._wait_until = None
        self._window.now, self._window.limits = request.now, Limits()
        self._adapter.begin()

    def _quota(self) -> Quota:
        limits = self._window.limits
        return Quota(limits.remaining, limits.reset_at)

    def _rest(self, now: datetime) -> datetime | None:
        """Give the time to wait for when the last calls of this window are near."""
        limits = self._window.limits
        if limits.remaining is None or limits.reset_at is None or limits.remaining > ANCHORS:
            return None
        self._wait_until = limits.reset_at
        return max(limits.reset_at, now + timedelta(seconds=1))

    def _posts(self, found: Iterable[Any], source: str) -> tuple[tuple[Post, ...], tuple[str, ...], tuple[Aside, ...]]:
        posts: list[Post] = []
        deleted: list[str] = []
        aside: list[Aside] = []
        for item in found:
            try:
                posts.append(post_of(item, source))
            except Removed as removed:
                deleted.append(removed.native_id)
            except (ValueError, TypeError, KeyError, OverflowError) as error:
                aside.append(Aside(raw_of(item).encode(), str(error) or type(error).__name__))
        if len(aside) >= MANY and not posts and not deleted:
            raise Nonsense(
                f"Reddit: none of {len(aside)} posts could be read ({aside[0].reason})", "Look for an update."
            )
        return tuple(posts), tuple(deleted), tuple(aside)


def _closed(walk: Walk) -> dict[str, dict[str, Any]]:
    """The subreddits that a cursor holds as closed: since when, what was said, and whether that lasts."""
    held = walk.extra.get("closed")
    found = held.items() if isinstance(held, dict) else ()
    return {
        str(name): {"at": each["at"], "said": str(each.get("said", "")), "lasting": each.get("lasting") is True}
        for name, each in found
        if isinstance(each, dict) and isinstance(each.get("at"), int)
    }


def _is_of_a_place(error: ConnectorError) -> bool:
    """Whether an error may be one subreddit's own: not the limit's, not that of an answer which is none."""
    return isinstance(error, Elsewhere) or not isinstance(error, RateLimited | NoCredit | Nonsense)


def _asked_again(closed: dict[str, Any]) -> timedelta:
    return ASK_CLOSED_EVERY if closed["lasting"] else ASK_FAILING_EVERY


def _said(name: str, error: ConnectorError) -> str:
    return f"r/{name} cannot be read: {error.message}"


def _place_of(url: str) -> str:
    """What an address asks for, however its letters and its end are written."""
    return urlsplit(url).path.casefold().removesuffix("/").removesuffix(".json")


def _user(account: str) -> str:
    """Write an account as Reddit's addresses do: without u/."""
    return account.strip().removeprefix("@").removeprefix("/").removeprefix("u/")


def _name_of(item: Any) -> str:
    data = item.get("data") if isinstance(item, dict) else None
    name = data.get("name") if isinstance(data, dict) else None
    return name if isinstance(name, str) and re.fullmatch(r"t[13]_[0-9a-z]{1,13}", name) else ""


def _forget_praw_ini() -> None:
    """Give praw the settings inside its own package only.

    It would read praw.ini of the working directory and of the home, and a file planted there could send our secret to
    another host or switch on a password login (praw/config.py).
    """
    with praw.config.Config.LOCK:
        packaged = configparser.ConfigParser()
        packaged.read_string(files("praw").joinpath("praw.ini").read_text("utf-8"))
        praw.config.Config.CONFIG = packaged
