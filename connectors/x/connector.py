"""X, by API v2 (recent search, mentions, timelines, look-up) through tweepy.

The cursor holds, for each query and timeline, the time of the newest post seen in a whole walk, the walk under way with
its page token, the month's spending, and the user ids of handles. X bills every post it returns
(https://docs.x.com/x-api/getting-started/pricing), so reads are paced over the month within `monthly_budget`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import tweepy
from pydantic import BaseModel, Field, SecretStr

from connectors import Aside, Batch, ConnectorError, Gap, NoCredit, Nonsense, Post, Quota, Refused, Request
from connectors.budget import WARN_AT, BudgetState, Ledger, budget_state
from connectors.http import Http, host_of
from connectors.pagination import Walk, fingerprint, milliseconds, moment
from connectors.requests_adapter import ThroughHttp
from connectors.terms import any_of
from connectors.text import raw_of
from connectors.x.responses import (
    SNOWFLAKE_EPOCH,
    UNKNOWN_WAIT,
    TooOld,
    error_of,
    gone_in,
    is_id,
    latest_of,
    list_in,
    post_of,
    referenced,
    reset_at,
    told_in,
    users_in,
)

QUERY_LIMIT = 512
OVERLAP = timedelta(minutes=2)
# Recent search shows seven days; a little less, so that the request is still within them when it arrives.
REACH = timedelta(days=7) - timedelta(minutes=10)
# Where a timeline ends although there is more: https://docs.x.com/x-api/posts/timelines/introduction
TIMELINE_END = {"mentions": 780, "own": 3100}
SMALLEST_PAGE = 10
# So many malformed posts and not one sound one are no accident: the format has changed.
MANY = 3

POST_FIELDS = [
    "author_id", "created_at", "lang", "conversation_id", "public_metrics", "note_tweet", "referenced_tweets",
    "in_reply_to_user_id", "edit_history_tweet_ids",
]  # fmt: skip


class _KeepQuiet(logging.Filter):
    """tweepy writes the Authorization header and every post's text at DEBUG; neither may reach a log."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.INFO


for _name in ("tweepy", "tweepy.client"):
    logging.getLogger(_name).setLevel(logging.INFO)
    logging.getLogger(_name).addFilter(_KeepQuiet())


class Settings(BaseModel, frozen=True, extra="forbid"):
    """A source of kind "x"."""

    bearer_token: SecretStr = Field(description="the app's bearer token, from console.x.com, Apps, Keys and tokens")
    api_url: str = Field("https://api.x.com", description="base address of the API, for a gateway or a test")
    search: bool = Field(True, description="search all public posts of the last seven days for the brands' words")
    search_suffix: str = Field("-is:retweet", max_length=200, description="added to every search, in X's own syntax")
    mentions_of: tuple[str, ...] = Field(
        (), description="handles or user ids whose mentions are read; your own account's cost a fifth of a search"
    )
    expand_authors: bool = Field(False, description="also fetch names and follower counts; each user costs user_price")
    monthly_budget: float | None = Field(
        20.0, ge=0, description="US dollars a month, spread over it; reading stops there; null: no limit"
    )
    post_price: float = Field(0.005, ge=0, description="US dollars for a post that a search or a look-up returns")
    user_price: float = Field(0.010, ge=0, description="US dollars for a user's data")
    owned_price: float = Field(0.001, ge=0, description="US dollars for a post of your own timeline or mentions")
    page_size: int = Field(100, ge=SMALLEST_PAGE, le=100, description="posts asked for at a time")
    total_seconds: float = Field(
        25.0, gt=0, le=300, description="seconds after which a read asks no more and a request ends"
    )


@dataclass(frozen=True, slots=True)
class _Lane:
    """One listing: a search for `what`, or the mentions or own posts of the user with the id `what`."""

    kind: str
    what: str
    author: str = ""

    @property
    def key(self) -> str:
        return f"{self.kind}:{fingerprint(self.what) if self.kind == 'search' else self.what}"


class X:
    """Reads posts about the brands, the brand's own timeline, and what became of posts already known."""

    def __init__(self, settings: Settings, http: Http | None = None) -> None:  # noqa: ARG002
        """Touch no network. The given client stays unused: tweepy gets one that trusts `api_url` only."""
        self._settings = settings
        host = host_of(settings.api_url)
        own = Http(trusted=(host,), total_seconds=settings.total_seconds, user_agent="earful/0.1")
        self._adapter = ThroughHttp(
            own, total_seconds=settings.total_seconds, swap={"https://api.twitter.com": settings.api_url}
        )
        self._client = tweepy.Client(
            settings.bearer_token.get_secret_value(), return_type=dict, wait_on_rate_limit=False
        )
        self._adapter.mount(self._client.session)
        # What each stream of reads (search, own timeline) spent this month, as far as this process knows.
        self._spent: dict[str, tuple[str, float]] = {}
        self._unbooked = 0.0

    def fetch(self, request: Request) -> Batch:
        """Read one page: of a search for `request.terms`, then of the mentions of the accounts in the settings."""
        walk, ledger = self._opened("fetch", request)
        lanes = []
        if self._settings.search:
            queries = any_of(request.terms, limit=QUERY_LIMIT, suffix=self._settings.search_suffix, handles=True)
            lanes = [_Lane("search", query) for query in queries]
        lanes += [
            _Lane("mentions", one) for one, _ in self._users(self._settings.mentions_of, walk, ledger, request.now)
        ]
        return self._page("fetch", lanes, walk, ledger, request)

    def fetch_own(self, accounts: tuple[str, ...], request: Request) -> Batch:
        """Read one page of what the accounts (handles or user ids) posted themselves, replies included."""
        walk, ledger = self._opened("own", request)
        lanes = [_Lane("own", one, author) for one, author in self._users(accounts, walk, ledger, request.now)]
        return self._page("own", lanes, walk, ledger, request)

    def refresh(self, ids: tuple[str, ...], request: Request) -> Batch:
        """Look up to 100 known posts up again: those that are gone come back as `deleted`, edited ones as posts.

        Its cost is booked with the next `fetch`; the given cursor comes back as it was.
        """
        self._adapter.begin()
        asked = [one for one in dict.fromkeys(ids) if is_id(one)][:100]
        if not asked:
            return Batch((), request.cursor)
        self._afford("refresh", Ledger(None, request.now), self._settings.post_price, request.now, len(asked))
        body = self._call(request.now, self._client.get_tweets, asked, **self._fields())
        found = list_in(body, "data")
        newer = {
            latest_of(item): item for item in found if isinstance(item, dict) and latest_of(item) != item.get("id")
        }
        cost = len(found)
        if newer:
            # An edit makes a new id; asked for the old one, X shows the old words.
            body_of_newer = self._call(request.now, self._client.get_tweets, list(newer), **self._fields())
            found += list_in(body_of_newer, "data")
            cost += len(newer)
        posts, aside = self._posts(found, users_in(body), request.source, _Lane("search", ""))
        self._unbooked += cost * self._settings.post_price
        edited = tuple(post for post in posts if post.edited_at)
        quota = self._quota(request.now, cost * self._settings.post_price)
        return Batch(edited, request.cursor, quota=quota, deleted=gone_in(body, asked), aside=aside)

    def _opened(self, stream: str, request: Request) -> tuple[Walk, Ledger]:
        self._adapter.begin()
        walk = Walk.load(request.cursor)
        ledger = Ledger(walk.extra.get("spent"), request.now)
        self._spent[stream] = (ledger.month, ledger.spent)
        ledger.spent += self._unbooked
        return walk, ledger

    def _page(self, stream: str, lanes: list[_Lane], walk: Walk, ledger: Ledger, request: Request) -> Batch:
        by_key = {lane.key: lane for lane in lanes}
        walk.begin(by_key, request.now, request.since, OVERLAP)
        lane = by_key.get(walk.lane)
        if lane is None:
            return Batch((), self._saved(stream, walk, ledger))
        price = self._settings.post_price if lane.kind == "search" else self._settings.owned_price
        worst = price + (self._settings.user_price if self._settings.expand_authors else 0)
        state = self._afford(stream, ledger, worst, request.now)
        if request.allowance is not None and request.allowance <= 0 and state.not_before is None:
            state = BudgetState(state.fraction, 0, request.now + UNKNOWN_WAIT, used_up=False)
        if state.not_before is not None:
            cursor = self._saved(stream, walk, ledger)
            return Batch((), cursor, complete=False, not_before=state.not_before)
        bound = [self._settings.page_size, state.allowance_posts]
        size = max(SMALLEST_PAGE, min(bound if request.allowance is None else [*bound, request.allowance]))
        body, gaps = self._read(lane, walk, size, request.now)
        return self._batch(stream, lane, walk, ledger, request, body, gaps)

    def _batch(
        self, stream: str, lane: _Lane, walk: Walk, ledger: Ledger, request: Request, body: dict[str, Any],
        gaps: tuple[Gap, ...],
    ) -> Batch:  # fmt: skip
        found = list_in(body, "data")
        users = users_in(body)
        price = self._settings.post_price if lane.kind == "search" else self._settings.owned_price
        cost = ledger.book((str(item["id"]) for item in found if isinstance(item, dict) and "id" in item), price)
        cost += ledger.book((f"u{one}" for one in users), self._settings.user_price)
        posts, aside = self._posts(found, users, request.source, lane)
        walk.note(post.edited_at or post.posted_at for post in posts)
        meta = body.get("meta")
        token = meta.get("next_token") if isinstance(meta, dict) else None
        complete = False
        if not isinstance(token, str) or not token:
            if walk.count >= TIMELINE_END.get(lane.kind, walk.count + 1):
                gaps += walk.unread(f"X shows only the newest {walk.count} posts of a timeline")
            complete = walk.close_lane()
        elif not walk.turn(token):
            gaps += walk.unread("X gave the same page again and again")
            complete = walk.close_lane()
        notices = self._notices(stream, ledger)
        quota = self._quota(request.now, cost)
        cursor = self._saved(stream, walk, ledger)
        wait = quota.reset_at if quota.remaining == 0 and not complete else None
        return Batch(posts, cursor, complete, quota, (), aside, gaps, wait, notices)

    def _read(self, lane: _Lane, walk: Walk, size: int, now: datetime) -> tuple[dict[str, Any], tuple[Gap, ...]]:
        """Ask for the page that the walk is at; where X no longer reaches back so far, begin at where it does."""
        gaps: tuple[Gap, ...] = ()
        reason = "X's search reaches back seven days only"
        if lane.kind == "search" and not walk.token:
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
        known = mark is not None and walk.floor == mark.high - round(OVERLAP.total_seconds() * 1000)
        wanted: dict[str, Any] = {"max_results": size, **self._fields()}
        if known and walk.floor > SNOWFLAKE_EPOCH:
            wanted["since_id"] = str((walk.floor - SNOWFLAKE_EPOCH) << 22)
        else:
            wanted["start_time"] = f"{moment(walk.floor):%Y-%m-%dT%H:%M:%SZ}"
        if walk.token:
            wanted["next_token" if lane.kind == "search" else "pagination_token"] = walk.token
        if lane.kind == "search":
            body = self._call(now, self._client.search_recent_tweets, lane.what, **wanted)
        elif lane.kind == "mentions":
            body = self._call(now, self._client.get_users_mentions, lane.what, **wanted)
        else:
            body = self._call(now, self._client.get_users_tweets, lane.what, exclude=["retweets"], **wanted)
        if "data" not in body and not isinstance(body.get("meta"), dict):
            raise Nonsense("X answered without data", "Nothing to do; it is tried again.")
        return body

    def _fields(self) -> dict[str, Any]:
        if not self._settings.expand_authors:
            return {"tweet_fields": POST_FIELDS}
        return {
            "tweet_fields": POST_FIELDS,
            "expansions": ["author_id"],
            "user_fields": ["username", "name", "public_metrics"],
        }

    def _call(self, now: datetime, ask: Callable[..., Any], *arguments: Any, **named: Any) -> dict[str, Any]:
        """Ask through tweepy and give the JSON object, or raise the error that fits what came back."""
        try:
            body = ask(*arguments, **named)
        except ConnectorError:
            raise
        except Exception as error:  # noqa: BLE001 - tweepy lets KeyError, AttributeError and more out on odd answers
            answer = self._adapter.last
            if answer is not None and answer.status >= 300:
                raise error_of(answer, now) from None
            raise Nonsense(
                f"X's answer could not be read ({type(error).__name__})",
                "Check api_url; a proxy or a login page may stand in between.",
            ) from None
        if not isinstance(body, dict):
            raise Nonsense(f"X answered with a {type(body).__name__} instead of an object", "Check api_url.")
        if "data" not in body and "meta" not in body and not gone_in(body, None):
            raise Nonsense(
                f"X answered with errors and without data{told_in(body)}", "Nothing to do; it is tried again."
            )
        return body

    def _users(self, accounts: Iterable[str], walk: Walk, ledger: Ledger, now: datetime) -> list[tuple[str, str]]:
        """Give (user id, handle) of each account, looking a handle up once and keeping it in the cursor."""
        held = walk.extra.get("users")
        known: dict[str, str] = dict(held) if isinstance(held, dict) else {}
        found = []
        for account in accounts:
            handle = account.strip().removeprefix("@").casefold()
            if handle.isascii() and handle.isdigit():
                found.append((handle, handle))
                continue
            if handle not in known:
                known[handle] = self._look_up(handle, now)
                ledger.spent += self._settings.user_price
            found.append((known[handle], handle))
        walk.extra["users"] = known
        return found

    def _look_up(self, handle: str, now: datetime) -> str:
        remedy = "Check the handles in mentions_of and in the brand's accounts."
        if not re.fullmatch(r"[a-z0-9_]{1,50}", handle):
            raise Refused("an account of X is no handle (letters, digits and _ only)", remedy)
        body = self._call(now, self._client.get_user, username=handle)
        data = body.get("data")
        if not isinstance(data, dict) or not is_id(data.get("id")):
            raise Refused(f"X knows no account @{handle}", remedy)
        return str(data["id"])

    def _afford(
        self, stream: str, ledger: Ledger, price: float, now: datetime, least: int = SMALLEST_PAGE
    ) -> BudgetState:
        """Say how many posts may be read now; raise NoCredit when the month's money is gone."""
        budget = self._settings.monthly_budget
        if budget is None:
            return BudgetState(0.0, self._settings.page_size, None, used_up=False)
        state = budget_state(self._spent_in_all(stream, ledger), budget, now, price, least)
        if state.used_up and state.not_before is not None:
            raise NoCredit(
                f"X: the monthly budget of {budget:g} USD is used up",
                f"Raise monthly_budget, or wait: reading goes on at {state.not_before:%d %B, %H:%M} UTC.",
            )
        return state

    def _spent_in_all(self, stream: str, ledger: Ledger) -> float:
        """Add up this month's spending of every stream; what look-ups cost is in the ledger of a stream already."""
        others = sum(cost for name, (month, cost) in self._spent.items() if name != stream and month == ledger.month)
        return ledger.spent + others + (self._unbooked if stream == "refresh" else 0.0)

    def _notices(self, stream: str, ledger: Ledger) -> tuple[str, ...]:
        budget = self._settings.monthly_budget
        if not budget or ledger.warned or self._spent_in_all(stream, ledger) < WARN_AT * budget:
            return ()
        ledger.warned = True
        return (
            f"X: {WARN_AT:.0%} of the monthly budget of {budget:g} USD is used; at 100 % reading stops until the 1st.",
        )

    def _saved(self, stream: str, walk: Walk, ledger: Ledger) -> str:
        self._spent[stream] = (ledger.month, ledger.spent)
        self._unbooked = 0.0
        walk.extra["spent"] = ledger.held()
        return walk.dump()

    def _quota(self, now: datetime, cost: float) -> Quota:
        answer = self._adapter.last
        remaining = answer.headers.get("x-rate-limit-remaining", "") if answer else ""
        if not (answer and remaining.isascii() and remaining.isdigit()):
            return Quota(cost=cost)
        return Quota(int(remaining), reset_at(answer.headers, now), cost)

    def _posts(
        self, found: list[Any], users: Mapping[str, Mapping[str, Any]], source: str, lane: _Lane
    ) -> tuple[tuple[Post, ...], tuple[Aside, ...]]:
        posts: list[Post] = []
        aside: list[Aside] = []
        for item in found:
            try:
                post = post_of(item, users, source, lane.author)
            except (ValueError, TypeError, KeyError, OverflowError) as error:
                aside.append(Aside(raw_of(item).encode(), str(error) or type(error).__name__))
                continue
            # In a timeline a repost is somebody else's words; a search returns reposts only if it was told to.
            if lane.kind == "search" or not referenced(item, "retweeted"):
                posts.append(post)
        if len(aside) == len(found) >= MANY:
            raise Nonsense(f"X: none of {len(found)} posts could be read ({aside[0].reason})", "Look for an update.")
        return tuple(posts), tuple(aside)
