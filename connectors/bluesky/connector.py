"""Bluesky, by Jetstream: every post of the network goes by, and the few that may be about a brand are kept.

The cursor is the time (in microseconds) up to which the stream has been read; it only ever moves forward, and never
beyond our now. Each fetch connects, reads from there until now or until the page is full, and hangs up. No account is
needed. Posts that name the brand's account, answer it or quote it are kept whatever their words.
https://github.com/bluesky-social/jetstream and, for the brand's own replies, app.bsky.feed.getAuthorFeed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, Field

from connectors import (
    Account,
    Batch,
    Closed,
    ConnectorError,
    Conversation,
    Gap,
    Nonsense,
    Post,
    Quota,
    Request,
)
from connectors.answers import Answer, error_for
from connectors.bluesky.responses import DID, FEW, in_thread, own_posts, uri_of
from connectors.bluesky.stream import POST, Page, Sieve, microseconds, moment_of, time_of
from connectors.conversations import one_by_one
from connectors.durations import Span
from connectors.http import Http, json_of
from connectors.jetstream import Stream, Stuck
from connectors.listing import get_object
from connectors.pagination import AHEAD, CLOCK_IS_BEHIND, Walk, moment
from connectors.text import clean, text_of

HIDDEN = "!no-unauthenticated"  # a label that people put on their own account
OVERLAP = timedelta(seconds=5)
NOW_ENOUGH = timedelta(seconds=2)
PAGE = 200
OWN_PAGE = 50
MOST_HANDLES = 25
ASKED_AT_ONCE = 25  # posts that getPosts takes


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


class Bluesky:
    """Listens to one Jetstream server. Nothing is asked before the first fetch."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._host = urlsplit(settings.api_url).hostname or "the server"
        self._profiles: dict[str, tuple[str, int | None, bool]] = {}

    def fetch(self, request: Request) -> Batch:
        """Read the stream on from the cursor for at most `page_seconds`."""
        if not any(clean(term).strip() for term in request.terms):
            raise ConnectorError(f"{self._host}: no words to search for", "Add a word or phrase to the brand's query.")
        reached, start, first, gaps = self._start(request)
        page = Page(reached)
        complete = self._listen(page, start, Sieve(request), request)
        if page.foreign > FEW and not page.posts and page.foreign * 2 > page.heard:
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
        """Read one page of what one of `accounts` (handles or DIDs) has posted, replies included, reposts not.

        Once an account has shown its DID it is asked for by that: it may get another handle at any time.
        """
        names = sorted({clean(name).strip().removeprefix("@") for name in accounts} - {""})
        walk = Walk.load(request.cursor)
        if not names:
            return Batch((), walk.dump())
        walk.begin(names, request.now, request.since, timedelta(minutes=60))
        account, floor = walk.lane, moment(walk.floor)
        try:
            found = self._feed(walk, account)
        except ConnectorError as error:
            if not walk.shut(error, request.now):
                raise
            return Batch((), walk.dump(), not walk.lane, notices=walk.notices())
        feed = found.get("feed") if isinstance(found, dict) else None
        if not isinstance(found, dict) or not isinstance(feed, list):
            raise Nonsense("Bluesky sent something that is not a feed", "Check appview_url of this source.")
        read, aside = own_posts(feed, request.source)
        if read:
            walk.extra[account] = read[0].author_id
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

    def _feed(self, walk: Walk, account: str) -> Any:
        """One page of an account's feed; where nobody has the DID any more that it had, by its handle."""
        params: dict[str, str | int] = {"limit": OWN_PAGE, "filter": "posts_with_replies"}
        if walk.token:
            params["cursor"] = walk.token
        address, known = self._address("app.bsky.feed.getAuthorFeed"), walk.extra.get(account)
        if isinstance(known, str) and DID.fullmatch(known):
            try:
                return self._http.get_json(address, params={**params, "actor": known})[0]
            except ConnectorError as error:
                if type(error) is not ConnectorError and not isinstance(error, Closed):
                    raise  # it is nothing of this account
        return self._http.get_json(address, params={**params, "actor": account})[0]

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

        def read(conversation: Conversation) -> list[Post]:
            if not conversation.thread.startswith("at://"):
                return []
            params: dict[str, str | int] = {"uri": conversation.thread, "depth": 100, "parentHeight": 0}
            found, _ = get_object(
                self._http, self._address("app.bsky.feed.getPostThread"), request.now, params=params, refusal=_not_there
            )
            thread = found.get("thread")
            if not isinstance(thread, dict):
                raise Nonsense("Bluesky sent something that is not a thread", "Check appview_url of this source.")
            return [
                replace(post, thread_id=conversation.thread)
                for post in in_thread(thread, request.source)
                if post.posted_at >= conversation.since
            ]

        found = one_by_one(conversations[: self.most_conversations], read)
        return Batch(found.posts, request.cursor, not_before=found.not_before, unread=found.unread)

    def _start(self, request: Request) -> tuple[int, int, int, list[Gap]]:
        """Up to where all is read, from where to ask, where it all began, and what the server has forgotten."""
        try:
            kept = json.loads(request.cursor)
            reached, walking = int(kept["reached"]), kept["walking"] is True
            place, first = int(kept.get("place", 0)), int(kept.get("first", 0))
            if not (0 <= reached < 2**62 and 0 <= place < 2**62):
                raise ValueError("not a time")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            reached = microseconds(max(request.since, request.now - self._settings.look_back))
            return reached, reached, reached, []
        now, latest = microseconds(request.now), microseconds(request.now + AHEAD)
        first = first if first <= now else 0
        if reached > latest:  # written by a clock that was ahead
            reached = now
        if latest >= place > reached:  # our clock has been set meanwhile
            reached = place
        # Inside a walk nothing is asked twice, or a page smaller than the overlap would never get on.
        if place > latest:
            return reached, place + 1, first, []
        start = reached + 1 if walking else max(reached - OVERLAP // timedelta(microseconds=1), first)
        oldest = microseconds(request.now - self._settings.kept_for)
        if reached >= oldest:
            return reached, start, first, []
        reason = (
            f"{self._host} keeps {self._settings.kept_for / timedelta(hours=1):g} hours, and Earful was away for longer"
        )
        return oldest, oldest, first, [Gap(moment_of(reached), moment_of(oldest), reason)]

    def _listen(self, page: Page, start: int, sieve: Sieve, request: Request) -> bool:
        """Read events into `page`. True when the stream has been read up to now, False when the page is full."""
        size = PAGE if request.allowance is None else max(1, min(PAGE, request.allowance))
        end, latest = microseconds(request.now - NOW_ENOUGH), microseconds(request.now + AHEAD)
        began = page.reached
        settings = self._settings
        stream = Stream(settings.api_url, settings.page_seconds, settings.quiet_seconds)
        try:
            stream.open(f"/subscribe?wantedCollections={POST}&cursor={start}", request.now)
            while (message := stream.message()) is not None:
                told = time_of(message, page.reached)
                at = told if told <= latest else page.reached
                if (at > page.reached or told > latest) and (len(page.posts) >= size or page.full):
                    return False
                page.heard += 1
                if told > latest:
                    page.ahead.append(told)
                sieve.take(page, message, at)
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


def _not_there(answer: Answer, said: Mapping[str, Any]) -> ConnectorError | None:
    """A thread whose first post is gone, or of somebody who is, answers 400 and says NotFound."""
    gone = answer.status in {404, 410} or (answer.status == 400 and said.get("error") == "NotFound")
    return Closed("Bluesky has no such thread", "") if gone else None
