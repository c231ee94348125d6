"""X, by API v2 (recent search, mentions, timelines, look-up) through tweepy.

The cursor holds, for each query and timeline, the time of the newest post seen in a whole walk, the walk under way
with its page token, the month's spending, and the user ids of handles. X bills every post it returns
(https://docs.x.com/x-api/getting-started/pricing), so reads are paced over the month within `monthly_budget`. A
timeline costs `prices.owned` only when its id is that of the user who has signed in and who owns the app; with the
app's token it is a post like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors import (
    Account,
    Aside,
    Batch,
    Closed,
    ConnectorError,
    Conversation,
    Gap,
    Nonsense,
    Post,
    Quota,
    Refused,
    Request,
)
from connectors.budget import BudgetState, Ledger
from connectors.http import Http
from connectors.oauth import Tokens
from connectors.pagination import ASK_CLOSED_EVERY, Walk, fingerprint, milliseconds, moment
from connectors.terms import any_of
from connectors.text import clean, raw_of
from connectors.x.client import Client
from connectors.x.responses import (
    SNOWFLAKE_EPOCH,
    UNKNOWN_WAIT,
    Includes,
    TooOld,
    gone_in,
    handle_of,
    includes_in,
    is_id,
    knows_nobody,
    latest_of,
    list_in,
    post_of,
    referenced,
)
from connectors.x.settings import PAGE, SMALLEST_PAGE, TOTAL_SECONDS, Settings
from connectors.x.spending import Spending

QUERY_LIMIT = 512
OVERLAP = timedelta(minutes=2)
# Recent search shows seven days; a little less, so that the request is still within them when it arrives.
REACH = timedelta(days=7) - timedelta(minutes=10)
# Where a timeline ends although there is more: https://docs.x.com/x-api/posts/timelines/introduction
TIMELINE_END = {"mentions": 780, "own": 3100}
SEARCHES = ("search", "talk")  # the kinds of listing that are a search
# So many malformed posts and not one sound one are no accident: the format has changed.
MANY = 3


@dataclass(frozen=True, slots=True)
class _Lane:
    """One listing: a search for `what`, or the mentions or own posts of the user with the id `what`."""

    kind: str
    what: str
    handle: str = ""

    @property
    def addressed(self) -> tuple[str, ...]:
        """Whom all of this listing speaks to, whatever its words."""
        return ("*", self.what, self.handle) if self.kind == "mentions" else ()

    @property
    def key(self) -> str:
        return f"{self.kind}:{fingerprint(self.what) if self.kind in SEARCHES else self.what}"


class X:
    """Reads posts about the brands, the brand's own timeline, and what became of posts already known."""

    def __init__(
        self,
        settings: Settings,
        http: Http | None = None,  # noqa: ARG002
        *,
        page_size: int = PAGE,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        """Touch no network. The given client stays unused: tweepy gets one of its own."""
        self._settings = settings
        self._page_size = page_size
        self._client = Client(settings, total_seconds)
        self._spending = Spending(settings, page_size)
        # Handles that this process has paid for, should the read that asked for them fail.
        self._looked_up: dict[str, str] = {}
        self._owner = ""  # whose timelines cost less

    def sign_in_with(self, tokens: Tokens) -> None:
        """Read as whoever signed in (see connectors.oauth)."""
        self._client.sign_in_with(tokens)

    def who(self, now: datetime) -> tuple[Account, Quota]:
        """Ask X who has signed in: https://docs.x.com/x-api/users/get-my-user"""
        self._client.begin()
        body = self._client.ask(now, self._client.api.get_me, user_auth=False)
        me = body.get("data")
        if not isinstance(me, dict) or not is_id(me.get("id")):
            raise Nonsense("X did not say who has signed in", "Check api_url.")
        name = str(me.get("username"))
        known = handle_of(name) if re.fullmatch(r"\w{1,50}", name, re.ASCII) else ""
        return Account(str(me["id"]), known), Quota(cost=self._settings.prices.user)

    def fetch(self, request: Request) -> Batch:
        """Read one page: of a search for `request.terms`, then of the mentions of the accounts in the settings."""
        walk, ledger = self._opened("fetch", request)
        if self._settings.mentions_of:
            self._owner = self._client.owner(request.now)
        lanes = []
        if self._settings.searches:
            queries = any_of(request.terms, limit=QUERY_LIMIT, suffix=self._settings.search_suffix, handles=True)
            lanes = [_Lane("search", query) for query in queries]
        asked = self._users(self._settings.mentions_of, walk, ledger, request)
        lanes += [_Lane("mentions", one, handle) for one, handle in asked]
        return self._page("fetch", lanes, walk, ledger, request)

    def fetch_own(self, accounts: tuple[str, ...], request: Request) -> Batch:
        """Read one page of what the accounts (handles or user ids) posted themselves, replies included."""
        walk, ledger = self._opened("own", request)
        self._owner = self._client.owner(request.now)
        lanes = [_Lane("own", one, handle) for one, handle in self._users(accounts, walk, ledger, request)]
        return self._page("own", lanes, walk, ledger, request)

    def identify(self, handles: tuple[str, ...], request: Request) -> tuple[dict[str, Account], Quota]:
        """Look handles up: a post tells its author's id alone unless one pays for the name with each read."""
        self._client.begin()
        self._spending.begin(request.spent)
        found: dict[str, Account] = {}
        before = self._spending.unnoted
        for handle in handles:
            name = handle_of(handle)
            if is_id(name):
                found[handle] = Account(name)
            elif re.fullmatch(r"[a-z0-9_]{1,50}", name):
                one = self._look_up(name, Ledger(None, request.now), request)
                found[handle] = Account(one, name if one else "")
        cost, self._spending.unnoted = self._spending.unnoted - before, before
        return found, Quota(cost=cost)

    most_conversations = 12  # as many as one query holds

    def fetch_conversations(self, conversations: tuple[Conversation, ...], request: Request) -> Batch:
        """Read one page of what was said in these conversations: one search for all, out of the same budget.

        https://docs.x.com/x-api/fundamentals/conversation-id
        """
        walk, ledger = self._opened("talk", request)
        ids = [one.thread for one in conversations if is_id(one.thread)][: self.most_conversations]
        query = f"({' OR '.join(f'conversation_id:{one}' for one in ids)}) {self._settings.search_suffix}".strip()
        return self._page("talk", [_Lane("talk", query)] if ids else [], walk, ledger, request)

    asks_at_once = 100

    @property
    def asking_price(self) -> float:
        """US dollars for each post that is asked after."""
        return self._settings.prices.post

    def refresh(self, ids: tuple[str, ...], request: Request) -> Batch:
        """Look up to 100 known posts up again: those that are gone come back as `deleted`, edited ones as posts.

        Its cost is booked with the next `fetch`; the given cursor comes back as it was.
        """
        self._client.begin()
        self._spending.begin(request.spent)
        asked = [one for one in dict.fromkeys(ids) if is_id(one)][:100]
        if not asked:
            return Batch((), request.cursor)
        # Twice: one that was edited is asked for again under its new id.
        self._spending.afford(
            "refresh",
            Ledger(None, request.now),
            self._spending.worst(self._settings.prices.post),
            request.now,
            2 * len(asked),
        )
        body = self._client.ask(request.now, self._client.api.get_tweets, asked, **self._client.fields())
        found = list_in(body, "data")
        newer = {
            latest_of(item): item for item in found if isinstance(item, dict) and latest_of(item) != item.get("id")
        }
        answers = [body]
        if newer:
            # An edit makes a new id; asked for the old one, X shows the old words.
            answers.append(
                self._client.ask(request.now, self._client.api.get_tweets, list(newer), **self._client.fields())
            )
        posts: tuple[Post, ...] = ()
        aside: tuple[Aside, ...] = ()
        cost = 0.0
        for each in answers:
            found, includes = list_in(each, "data"), includes_in(each)
            cost += self._spending.pay_for_look_up(len(found), includes)
            read, unread = self._posts(found, includes, request.source, _Lane("search", ""))
            posts, aside = posts + read, aside + unread
        edited = tuple(post for post in posts if post.edited_at)
        quota = self._client.quota(request.now, self._spending.noted(cost))
        return Batch(edited, request.cursor, quota=quota, deleted=gone_in(body, asked), aside=aside)

    def _opened(self, stream: str, request: Request) -> tuple[Walk, Ledger]:
        self._client.begin()
        walk = Walk.load(request.cursor)
        return walk, self._spending.opened(stream, walk.extra.get("spent"), request.now, request.spent)

    def _page(self, stream: str, lanes: list[_Lane], walk: Walk, ledger: Ledger, request: Request) -> Batch:
        by_key = {lane.key: lane for lane in lanes}
        walk.begin(by_key, request.now, request.since, OVERLAP)
        if stream == "talk" and not walk.token:
            # How far these conversations were read, and not how new the last post in those of the last turn was.
            walk.floor = min(walk.floor, milliseconds(request.since))
        lane = by_key.get(walk.lane)
        missing = self._missing(walk)
        if lane is None:
            if missing:
                raise Closed(missing[0], "Check the handles in mentions_of and the brand's accounts.")
            return Batch((), self._saved(stream, walk, ledger))
        price = self._price(lane)
        state = self._spending.afford(stream, ledger, self._spending.worst(price), request.now)
        if request.allowance is not None and request.allowance <= 0 and state.not_before is None:
            state = BudgetState(state.fraction, 0, request.now + UNKNOWN_WAIT, used_up=False)
        if state.not_before is not None:
            cursor = self._saved(stream, walk, ledger)
            return Batch((), cursor, complete=False, not_before=state.not_before)
        bound = [self._page_size, state.allowance_posts]
        size = max(SMALLEST_PAGE, min(bound if request.allowance is None else [*bound, request.allowance]))
        try:
            body, gaps = self._read(lane, walk, size, request.now)
        except ConnectorError as error:
            if not walk.shut(error, request.now):
                raise
            cursor = self._saved(stream, walk, ledger)
            return Batch(
                (),
                cursor,
                not walk.lane,
                self._client.quota(request.now, self._spending.noted(0.0)),
                notices=walk.notices(),
            )
        return self._batch(stream, lane, walk, ledger, request, body, gaps)

    def _price(self, lane: _Lane) -> float:
        """What a post of this listing costs in the way that it is really asked for; the dearer where that is unsure."""
        return self._spending.price(owned=lane.kind != "search" and lane.what == self._owner)

    def _batch(
        self, stream: str, lane: _Lane, walk: Walk, ledger: Ledger, request: Request, body: dict[str, Any],
        gaps: tuple[Gap, ...],
    ) -> Batch:  # fmt: skip
        found = list_in(body, "data")
        includes = includes_in(body)
        ids = (str(item["id"]) for item in found if isinstance(item, dict) and "id" in item)
        cost = self._spending.book(ledger, ids, self._price(lane), includes)
        posts, aside = self._posts(found, includes, request.source, lane)
        first = not walk.token
        known = walk.note(((post.native_id, post.edited_at or post.posted_at) for post in posts), request.now)
        if first:
            self._note_id(lane, walk, posts)
        meta = body.get("meta")
        token = meta.get("next_token") if isinstance(meta, dict) else None
        complete = False
        if known or not isinstance(token, str) or not token:
            if not known and walk.count >= TIMELINE_END.get(lane.kind, walk.count + 1):
                gaps += walk.unread(f"X shows only the newest {walk.count} posts of a timeline")
            complete = walk.close_lane()
        elif not walk.turn(token):
            gaps += walk.stuck("X")
            complete = walk.close_lane()
        notices = (*self._spending.notices(stream, ledger), *self._missing(walk), *walk.notices())
        quota = self._client.quota(request.now, self._spending.noted(cost))
        cursor = self._saved(stream, walk, ledger)
        wait = quota.reset_at if quota.remaining == 0 and not complete else None
        return Batch(posts, cursor, complete, quota, (), aside, gaps, wait, notices)

    @staticmethod
    def _note_id(lane: _Lane, walk: Walk, posts: tuple[Post, ...]) -> None:
        """Remember where to go on by id while our clock is behind: the times of what is read here move nothing then.

        The middle one of the page: a single id that cannot be must not hide all that comes after it.
        """
        held = walk.extra.get("ids")
        ids = {key: one for key, one in held.items() if is_id(one)} if isinstance(held, dict) else {}
        if walk.behind:
            middle = sorted((post.native_id for post in posts), key=int)[len(posts) // 2]
            ids[lane.key] = max(middle, ids.get(lane.key, "0"), key=int)
        elif posts:
            ids.pop(lane.key, None)
        walk.extra["ids"] = ids

    def _read(self, lane: _Lane, walk: Walk, size: int, now: datetime) -> tuple[dict[str, Any], tuple[Gap, ...]]:
        """Ask for the page that the walk is at; where X no longer reaches back so far, begin at where it does."""
        gaps: tuple[Gap, ...] = ()
        reason = "X's search reaches back seven days only"
        if lane.kind in SEARCHES and not walk.token:
            gaps = walk.lift(now - REACH, reason)
        try:
            return self._listing(lane, walk, size, now), gaps
        except TooOld as error:
            # X says so although by our clock it is not: our clock is behind theirs, by less than two hours we trust.
            nearer = now - REACH + timedelta(hours=2)
            if walk.floor >= milliseconds(nearer) and not walk.token:
                raise ConnectorError(error.message, error.remedy) from None
            if not walk.token:
                gaps += walk.lift(nearer, reason)
            walk.restart()
        return self._listing(lane, walk, size, now), gaps

    def _listing(self, lane: _Lane, walk: Walk, size: int, now: datetime) -> dict[str, Any]:
        mark = walk.marks.get(lane.key)
        # The floor is the walk's own, by overlap or first look-back, and not one that was lifted to what X still shows.
        overlap = round(OVERLAP.total_seconds() * 1000)
        known = mark is not None and walk.floor == max(mark.high - overlap, walk.first)
        wanted: dict[str, Any] = {"max_results": size, **self._client.fields()}
        if known and walk.floor > SNOWFLAKE_EPOCH:
            ids = walk.extra.get("ids")
            seen = ids.get(lane.key) if isinstance(ids, dict) and not walk.token else None
            floor = (walk.floor - SNOWFLAKE_EPOCH) << 22
            wanted["since_id"] = str(max(floor, int(seen)) if is_id(seen) else floor)
        else:
            wanted["start_time"] = f"{moment(walk.floor):%Y-%m-%dT%H:%M:%SZ}"
        if walk.token:
            wanted["next_token" if lane.kind in SEARCHES else "pagination_token"] = walk.token
        if lane.kind in SEARCHES:
            body = self._client.ask(now, self._client.api.search_recent_tweets, lane.what, **wanted)
        else:
            body = self._timeline(lane, now, wanted)
        if "data" not in body and not isinstance(body.get("meta"), dict):
            raise Nonsense("X answered without data", "Nothing to do; Earful will retry.")
        return body

    def _timeline(self, lane: _Lane, now: datetime, wanted: dict[str, Any]) -> dict[str, Any]:
        """Ask for an account's timeline; one that is gone, locked or withheld is a closed place among others."""
        ask: Callable[..., Any] = self._client.api.get_users_mentions
        if lane.kind == "own":
            ask, wanted = self._client.api.get_users_tweets, {**wanted, "exclude": ["retweets"]}
        remedy = "Check in a browser whether the account exists, and check the accounts in the settings."
        try:
            body = self._client.ask(now, ask, lane.what, maybe_nobody=True, **wanted)
        except Refused as error:
            if "(403)" not in error.message:
                raise
            raise Closed(f"X refuses the timeline of {lane.handle} (403)", remedy) from None
        if not body or ("data" not in body and knows_nobody(body)):
            raise Closed(f"X does not show the timeline of {lane.handle}", remedy)
        return body

    def _users(self, accounts: Iterable[str], walk: Walk, ledger: Ledger, request: Request) -> list[tuple[str, str]]:
        """Give (user id, handle) of each account, looking a handle up once and keeping it in the cursor.

        One that X does not know is left out, told, and asked for again once a day.
        """
        held, lost = walk.extra.get("users"), walk.extra.get("missing")
        known: dict[str, str] = dict(held) if isinstance(held, dict) else {}
        missing: dict[str, int] = dict(lost) if isinstance(lost, dict) else {}
        given = {handle_of(name): one for name, one in request.accounts.items() if is_id(one)}
        asked = [handle_of(account) for account in accounts]
        found = []
        for handle in dict.fromkeys(asked):
            one = handle if is_id(handle) else known.get(handle) or given.get(handle) or ""
            age = milliseconds(request.now) - missing.get(handle, 0)
            if not one and not 0 <= age < ASK_CLOSED_EVERY / timedelta(milliseconds=1):
                one = self._look_up(handle, ledger, request)
            if one:
                known[handle] = one
                missing.pop(handle, None)
                found.append((one, handle))
            elif handle not in missing or age < 0 or age >= ASK_CLOSED_EVERY / timedelta(milliseconds=1):
                missing[handle] = milliseconds(request.now)
        walk.extra["users"] = {handle: one for handle, one in known.items() if not is_id(handle)}
        walk.extra["missing"] = {handle: at for handle, at in missing.items() if handle in asked}
        return found

    @staticmethod
    def _missing(walk: Walk) -> tuple[str, ...]:
        missing = walk.extra.get("missing")
        names = sorted(missing) if isinstance(missing, dict) else []
        return tuple(
            f"X has no account @{clean(name)[:50]}; it is skipped and retried once a day. Check mentions_of and "
            "the brand's accounts"
            for name in names
        )

    def _look_up(self, handle: str, ledger: Ledger, request: Request) -> str:
        """Give the id of a handle, empty if X knows nobody of that name. What was paid for is not asked again."""
        if not re.fullmatch(r"[a-z0-9_]{1,50}", handle):
            return ""
        if handle not in self._looked_up:
            self._spending.afford("", ledger, self._settings.prices.user, request.now, 1)
            body = self._client.ask(request.now, self._client.api.get_user, username=handle, maybe_nobody=True)
            data = body.get("data")
            if not isinstance(data, dict) or not is_id(data.get("id")):
                return ""
            self._looked_up[handle] = str(data["id"])
            self._spending.pay_for_user(ledger)
        return self._looked_up[handle]

    def _saved(self, stream: str, walk: Walk, ledger: Ledger) -> str:
        walk.extra["spent"] = self._spending.saved(stream, ledger)
        return walk.dump()

    def _posts(
        self, found: list[Any], includes: Includes, source: str, lane: _Lane
    ) -> tuple[tuple[Post, ...], tuple[Aside, ...]]:
        posts: list[Post] = []
        aside: list[Aside] = []
        for item in found:
            try:
                post = post_of(item, includes, source, lane.handle if lane.kind == "own" else "", lane.addressed)
            except (ValueError, TypeError, KeyError, OverflowError) as error:
                aside.append(Aside(raw_of(item).encode(), str(error) or type(error).__name__))
                continue
            # In a timeline a repost is somebody else's words; a search returns reposts only if it was told to.
            if lane.kind in SEARCHES or not referenced(item, "retweeted"):
                posts.append(post)
        if len(aside) == len(found) >= MANY:
            raise Nonsense(f"X: none of {len(found)} posts could be read ({aside[0].reason})", "Look for an update.")
        return tuple(posts), tuple(aside)
