"""Bluesky, by Jetstream: every post of the network goes by, and the few that hold one of our terms are kept.

The cursor is the time (in microseconds) up to which the stream has been read; it only ever moves forward, and never
beyond our now. Each fetch connects, reads from there until now or until the page is full, and hangs up. No account is
needed. Posts that name the brand's account, answer it or quote it are kept whatever their words.
https://github.com/bluesky-social/jetstream and, for the brand's own replies, app.bsky.feed.getAuthorFeed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, Field

from connectors import Account, Aside, Batch, ConnectorError, Conversation, Gap, Nonsense, Post, Quota, Refused, Request
from connectors.bluesky.responses import (
    DID,
    FEW,
    addressed_by,
    checked,
    fault_of,
    in_thread,
    is_gone,
    own_posts,
    post_of,
    uri_of,
)
from connectors.durations import Span
from connectors.http import Http, error_for, json_of
from connectors.jetstream import Stream, Stuck
from connectors.pagination import AHEAD, CLOCK_IS_BEHIND, Walk, clock_is_behind, moment
from connectors.text import clean, raw_of, text_of

POST = "app.bsky.feed.post"
HIDDEN = "!no-unauthenticated"  # a label that people put on their own account
OVERLAP = timedelta(seconds=5)
NOW_ENOUGH = timedelta(seconds=2)
PAGE = 200
OWN_PAGE = 50
MOST_DELETED = 2000
MOST_HANDLES = 25
ASKED_AT_ONCE = 25  # posts that getPosts takes
_TIME = re.compile(r'"time_us"\s*:\s*(\d{1,18})')
_GOING = re.compile(r'"operation"\s*:\s*"delete"|"kind"\s*:\s*"account"')


class Settings(BaseModel, frozen=True, extra="forbid"):
    """Options of a `bluesky` source."""

    api_url: str = Field(default="wss://jetstream2.us-east.bsky.network", description="The Jetstream server to read.")
    appview_url: str = Field(
        default="https://public.api.bsky.app", description="The server for looking up handles and your own posts."
    )
    look_back: Span = Field(
        default=timedelta(minutes=15), description="How far back the first read goes; an hour is 200,000 posts."
    )
    kept_for: Span = Field(default=timedelta(hours=36), description="How long that server keeps old posts.")
    resolve_handles: bool = Field(default=True, description="Look up the author's handle and followers for each match.")
    page_seconds: float = Field(default=20.0, gt=0, le=300, description="How long one page of the stream may take.")
    quiet_seconds: float = Field(
        default=2.0, gt=0, le=60, description="After this much silence, ask the server whether it is still there."
    )


@dataclass(slots=True)
class _Page:
    """What one connection has brought so far. `reached` is the time of the newest event that was taken in whole.

    `ours` are the brand's accounts by DID; `ahead` the times of events that lie beyond our now, `heard` how many came.
    """

    reached: int
    ours: frozenset[str] = frozenset()
    ahead: list[int] = field(default_factory=list)
    heard: int = 0
    posts: list[Post] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)
    foreign: int = 0

    @property
    def full(self) -> bool:
        """Whether so much is gone that it is to be stored first."""
        return len(self.deleted) + len(self.gone) >= MOST_DELETED

    @property
    def behind(self) -> bool:
        """Whether most of what was heard is ahead of our clock."""
        return clock_is_behind((_moment(at) for at in self.ahead), moment(0)) and len(self.ahead) * 2 > self.heard


class Bluesky:
    """Listens to one Jetstream server. Nothing is asked before the first fetch."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._host = urlsplit(settings.api_url).hostname or "the server"
        self._profiles: dict[str, tuple[str, int | None, bool]] = {}

    def fetch(self, request: Request) -> Batch:
        """Read the stream on from the cursor for at most `page_seconds`."""
        pieces = sorted({piece for term in request.terms if (piece := _piece(term))})
        if not pieces:
            raise ConnectorError(f"{self._host}: no words to search for", "Add a word or phrase to the brand's query.")
        reached, start, first, gaps = self._start(request)
        page = _Page(reached, frozenset(one for one in request.accounts.values() if one))
        named = [clean(name).strip().removeprefix("@").casefold() for name in request.accounts]
        complete = self._listen(page, start, _finder([*pieces, *named, *page.ours]), request)
        if page.foreign > FEW and not page.posts:
            raise Nonsense(
                f"{self._host} sent {page.foreign} events that are not from Jetstream", "Check api_url of this source."
            )
        posts = self._named(page.posts) if self._settings.resolve_handles else page.posts
        kept: dict[str, Any] = {"reached": page.reached, "walking": not complete, "first": first}
        if page.behind:
            # Where the stream goes on while our clock is behind it; the middle, for a single one of them may be wrong.
            kept["place"] = str(sorted(page.ahead)[len(page.ahead) // 2])
        return Batch(
            tuple(posts),
            json.dumps(kept),
            complete,
            deleted=tuple(page.deleted),
            aside=tuple(page.aside),
            gaps=tuple(gaps),
            notices=(CLOCK_IS_BEHIND,) if page.behind else (),
            gone=tuple(dict.fromkeys(page.gone)),
        )

    def fetch_own(self, accounts: tuple[str, ...], request: Request) -> Batch:
        """Read one page of what one of `accounts` (handles or DIDs) has posted, replies included, reposts not."""
        names = sorted({clean(name).strip().removeprefix("@") for name in accounts} - {""})
        walk = Walk.load(request.cursor)
        if not names:
            return Batch((), walk.dump())
        walk.begin(names, request.now, request.since, timedelta(minutes=60))
        account, floor = walk.lane, moment(walk.floor)
        params: dict[str, str | int] = {"actor": account, "limit": OWN_PAGE, "filter": "posts_with_replies"}
        if walk.token:
            params["cursor"] = walk.token
        try:
            found, _ = self._http.get_json(self._address("app.bsky.feed.getAuthorFeed"), params=params)
        except ConnectorError as error:
            if not walk.shut(error, request.now):
                raise
            return Batch((), walk.dump(), not walk.lane, notices=walk.notices())
        feed = found.get("feed") if isinstance(found, dict) else None
        if not isinstance(found, dict) or not isinstance(feed, list):
            raise Nonsense("Bluesky sent something that is not a feed", "Check appview_url of this source.")
        read, aside = own_posts(feed, request.source)
        known = walk.note(((post.native_id, post.posted_at) for post in read), request.now)
        token = found.get("cursor")
        below = bool(read) and read[-1].posted_at < floor
        gaps: tuple[Gap, ...] = ()
        if known or not isinstance(token, str) or not token or below:
            walk.close_lane()
        elif not walk.turn(token):
            gaps = walk.stuck("Bluesky")
            walk.close_lane()
        # Named as the settings name it: a handle there and a DID here would be two accounts.
        posts = tuple(replace(post, author=account) for post in read if post.posted_at >= floor)
        return Batch(posts, walk.dump(), not walk.lane, aside=tuple(aside), gaps=gaps, notices=walk.notices())

    def identify(self, handles: tuple[str, ...], request: Request) -> tuple[dict[str, Account], Quota]:
        """Look up which account (its DID) a handle stands for: a handle can be given up and taken by another."""
        found: dict[str, Account] = {}
        for handle in handles:
            name = clean(handle).strip().removeprefix("@")
            if DID.fullmatch(name):
                found[handle] = Account(name)
            elif re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", name):
                found[handle] = Account(self._did(name.casefold(), request.now), name.casefold())
        return found, Quota()

    def _did(self, handle: str, now: datetime) -> str:
        """The DID behind a handle, "" if nobody has it. Suspended accounts have no profile, but they have a DID."""
        for ask, key in (("app.bsky.actor.getProfile", "actor"), ("com.atproto.identity.resolveHandle", "handle")):
            answer = self._http.get(self._address(ask), params={key: handle}, headers={"Accept": "application/json"})
            if answer.status in {400, 404}:
                continue
            error = error_for(answer, "Bluesky", now)
            if error is not None:
                raise error
            found = json_of(answer)
            did = found.get("did") if isinstance(found, dict) else None
            if isinstance(did, str) and DID.fullmatch(did):
                return did
        return ""

    asks_at_once = 100

    def refresh(self, ids: tuple[str, ...], request: Request) -> Batch:
        """Look known posts up again: what a moderator or a whole account has taken away, no stream has told."""
        asked = [one for one in dict.fromkeys(ids) if one.startswith("at://")]
        seen: set[str] = set()
        for start in range(0, len(asked), ASKED_AT_ONCE):
            some = asked[start : start + ASKED_AT_ONCE]
            found, _ = self._http.get_json(self._address("app.bsky.feed.getPosts"), params={"uris": some})
            posts = found.get("posts") if isinstance(found, dict) else None
            if not isinstance(posts, list):
                raise Nonsense(
                    "Bluesky sent something that is not a list of posts", "Check appview_url of this source."
                )
            seen |= {uri_of(each) for each in posts}
        if len(asked) > FEW and not seen.intersection(asked):
            raise Nonsense(f"Bluesky claims that none of {len(asked)} known posts exist", "Earful will retry.")
        return Batch((), request.cursor, deleted=tuple(one for one in asked if one not in seen))

    def _address(self, method: str) -> str:
        return f"{self._settings.appview_url.rstrip('/')}/xrpc/{method}"

    most_conversations = 20

    def fetch_conversations(self, conversations: tuple[Conversation, ...], request: Request) -> Batch:
        """Read the replies of some threads, each by one call.

        https://docs.bsky.app/docs/api/app-bsky-feed-get-post-thread
        """
        posts: list[Post] = []
        address = f"{self._settings.appview_url.rstrip('/')}/xrpc/app.bsky.feed.getPostThread"
        for conversation in conversations[: self.most_conversations]:
            if not conversation.thread.startswith("at://"):
                continue
            try:
                params: dict[str, str | int] = {"uri": conversation.thread, "depth": 100, "parentHeight": 0}
                found, _ = self._http.get_json(address, params=params)
            except Refused:  # a post that is gone answers 400 (NotFound)
                continue
            thread = found.get("thread") if isinstance(found, dict) else None
            if not isinstance(thread, dict):
                raise Nonsense("Bluesky sent something that is not a thread", "Check appview_url of this source.")
            posts += [
                replace(post, thread_id=conversation.thread)
                for post in in_thread(thread, request.source)
                if post.posted_at >= conversation.since
            ]
        return Batch(tuple(posts), request.cursor)

    def _start(self, request: Request) -> tuple[int, int, int, list[Gap]]:
        """Up to where all is read, from where to ask, where it all began, and what the server has forgotten."""
        try:
            kept = json.loads(request.cursor)
            reached, walking = int(kept["reached"]), kept["walking"] is True
            place, first = int(kept.get("place", 0)), int(kept.get("first", 0))
            if not (0 <= reached < 2**62 and 0 <= place < 2**62):
                raise ValueError("not a time")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            reached = _microseconds(max(request.since, request.now - self._settings.look_back))
            return reached, reached, reached, []
        now, latest = _microseconds(request.now), _microseconds(request.now + AHEAD)
        first = first if first <= now else 0
        if reached > latest:  # written by a clock that was ahead
            reached = now
        if latest >= place > reached:  # our clock has been set meanwhile
            reached = place
        # Inside a walk nothing is asked twice, or a page smaller than the overlap would never get on.
        if place > latest:
            return reached, place + 1, first, []
        start = reached + 1 if walking else max(reached - OVERLAP // timedelta(microseconds=1), first)
        oldest = _microseconds(request.now - self._settings.kept_for)
        if reached >= oldest:
            return reached, start, first, []
        reason = (
            f"{self._host} keeps {self._settings.kept_for / timedelta(hours=1):g} hours, and Earful was away for longer"
        )
        return oldest, oldest, first, [Gap(_moment(reached), _moment(oldest), reason)]

    def _listen(self, page: _Page, start: int, finder: re.Pattern[str], request: Request) -> bool:
        """Read events into `page`. True when the stream has been read up to now, False when the page is full."""
        size = PAGE if request.allowance is None else max(1, min(PAGE, request.allowance))
        end, latest = _microseconds(request.now - NOW_ENOUGH), _microseconds(request.now + AHEAD)
        began = page.reached
        settings = self._settings
        stream = Stream(settings.api_url, settings.page_seconds, settings.quiet_seconds)
        try:
            stream.open(f"/subscribe?wantedCollections={POST}&cursor={start}", request.now)
            while (message := stream.message()) is not None:
                told = _time(message, page.reached)
                at = told if told <= latest else page.reached
                if (at > page.reached or told > latest) and (len(page.posts) >= size or page.full):
                    return False
                page.heard += 1
                if told > latest:
                    page.ahead.append(told)
                self._take(page, message, at, finder, request.source)
                page.reached = max(page.reached, at)
                if at >= end:
                    return True
            # Silent, but there: nothing newer has been said.
            return True
        except Stuck as stuck:
            # What has been read is kept; the next page shows whether the server is still in trouble.
            if page.behind:  # by our clock it never reaches now: it is left as whole, and read on at its next turn
                return True
            if page.reached > began:
                return False
            if page.foreign:
                raise Nonsense(f"{self._host} sent events that are not from Jetstream", "Check api_url.") from None
            raise ConnectorError(stuck.message, stuck.remedy) from None
        finally:
            stream.close()

    def _take(self, page: _Page, message: str, at: int, finder: re.Pattern[str], source: str) -> None:
        """Look at one event as text first: of a thousand, one is ours and some are deletions."""
        wanted = finder.search(message) is not None
        whole = message.endswith("}") and _TIME.search(message) is not None
        if whole and not wanted and not _GOING.search(message):
            return
        try:
            event = json.loads(message)
            did, commit = checked(event)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            page.foreign += 1
            if len(page.aside) < PAGE:
                page.aside.append(Aside(message.encode("utf-8", "replace")[:65536], f"not an event: {fault_of(error)}"))
            return
        if event["kind"] == "account" and is_gone(event.get("account")):
            page.gone.append(did)
        if not commit or commit.get("collection") != POST:
            return
        uri = f"at://{did}/{POST}/{commit['rkey']}"
        if commit.get("operation") == "delete":
            page.deleted.append(uri)
            return
        if not wanted:
            return
        try:
            post = post_of(uri, did, commit["record"], _moment(at), source)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            page.aside.append(Aside(message.encode("utf-8", "replace")[:65536], fault_of(error)))
            return
        addressed = tuple(sorted(addressed_by(commit["record"]) & page.ours)) if did not in page.ours else ()
        # The words may have stood in an address or a name only.
        if addressed or finder.search(f"{post.text}\n{post.title}"):
            page.posts.append(replace(post, raw=raw_of(event), addressed=addressed))

    def _named(self, posts: list[Post]) -> list[Post]:
        """Put handles where DIDs stand. A look-up that fails leaves the DID: it is only harder to read."""
        left = MOST_HANDLES
        named: list[Post] = []
        for post in posts:
            if post.author not in self._profiles and left:
                left -= 1
                try:
                    self._profiles[post.author] = self._profile(post.author)
                except ConnectorError:
                    left = 0
            handle, reach, hidden = self._profiles.get(post.author, ("", None, False))
            named.append(replace(post, author=handle or post.author, reach=reach, unsearchable=hidden))
        while len(self._profiles) > 5000:
            del self._profiles[next(iter(self._profiles))]
        return named

    def _profile(self, did: str) -> tuple[str, int | None, bool]:
        """The handle, the followers, and whether the account asks to be shown only to people who are logged in."""
        found, _ = self._http.get_json(self._address("app.bsky.actor.getProfile"), params={"actor": did})
        if not isinstance(found, dict):
            return "", None, False
        reach = found.get("followersCount")
        handle = clean(text_of(found.get("handle"))).strip().casefold()
        # This is what Bluesky gives where a handle no longer points back to its account.
        handle = "" if handle == "handle.invalid" else handle
        labels = found.get("labels")
        hidden = any(
            isinstance(each, dict) and each.get("val") == HIDDEN and not each.get("neg")
            for each in (labels if isinstance(labels, list) else ())
        )
        return handle, reach if isinstance(reach, int) and 0 <= reach < 2**53 else None, hidden


def _time(message: str, reached: int) -> int:
    """An event's time as the server tells it."""
    found = _TIME.search(message)
    return int(found[1]) if found else reached


def _piece(term: str) -> str:
    """The longest piece of a term: the one that is looked for; the brand's query decides about the rest later.

    Pieces end at spaces and at the signs that people and JSON write in more than one way.
    """
    whole = clean(term).strip().lstrip("@#$")
    longest = max(re.split(r"[\s'’‘`&<>\"“”\\/]+", whole), key=len, default="")
    return (longest if len(longest) > 2 else whole).casefold()


def _finder(pieces: list[str]) -> re.Pattern[str]:
    """Find a piece in the text or in its JSON, where some signs stand as escapes."""
    written: set[str] = set()
    for piece in pieces:
        plain = json.dumps(piece, ensure_ascii=False)[1:-1]
        escaped = plain.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
        written |= {piece, plain, escaped, json.dumps(piece)[1:-1]}
    return re.compile("|".join(re.escape(each) for each in sorted(written)), re.IGNORECASE)


def _microseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _moment(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=min(microseconds, 2**57))
