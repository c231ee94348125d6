"""Mastodon, by the tag feeds of one server. The cursor is a walk down each feed.

Given a token, also by the server's search, and by the mentions in that account's notifications: "@brand" without the
tag stands in no feed. Posts for named people only ("direct") are nobody else's business and are left out.

Posts from other servers arrive late and then get ids of their own (old) time, so what is newer than the last id seen
is not all that is new: every read goes an hour below the newest post known, and once a day 72 hours.
https://docs.joinmastodon.org/methods/timelines/#tag
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, Field, SecretStr

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
from connectors.answers import Answer, error_for
from connectors.conversations import one_by_one
from connectors.http import Http, json_of
from connectors.pagination import Walk, is_below, milliseconds, moment
from connectors.text import clean, parse_time, plain, raw_of, safe_url, text_of

PAGE = 40
OVERLAP = timedelta(minutes=60)
DEEP_OVERLAP = timedelta(hours=72)
DEEP_EVERY = timedelta(hours=24)
MOST_REFRESHED = 20
MOST_ROOTS = 10  # of a page
ROOTS_IN_TURN, ROOT_TURN = 60, timedelta(minutes=5)  # of the 300 calls that a server takes meanwhile
ROOTS_KEPT = 5_000  # replies whose thread is known: each read shows those of the last hour again
MOST_BRANCHES = 5  # of one conversation, a call each
FEW = 3
MENTIONS = "mentions:"  # a lane of its own
SEARCHES = frozenset({"tag", "search"})  # lanes that find what nobody has sent us
# What each kind of lane is to people, and what they can do where it is closed.
_PLACES = {
    "tag": ("the tag {}", "Check in a browser whether that server shows it."),
    "search": ("the search", "Give the token read:search, or ignore this; tags are read anyway."),
    "mentions": ("the account's notifications", "Give the token read:notifications."),
    "own": ("the posts of {}", "Check the brand's accounts for this source."),
}
_CLOSED = (
    "Add an access_token from an account on that server to this source, or set api_url to a server "
    "whose tag feeds are open."
)


class Settings(BaseModel, frozen=True, extra="forbid"):
    """Options of a `mastodon` source."""

    api_url: str = Field(default="https://mastodon.social", description="The server to read.")
    tags: tuple[str, ...] = Field(
        default=(), description="Hashtags to read, without #; empty: the brands' query terms without spaces."
    )
    access_token: SecretStr | None = Field(
        default=None,
        description="A token of the brand's account: read:statuses, read:search, read:notifications, read:accounts.",
    )
    skip_bots: bool = Field(default=False, description="Skip accounts marked as bots.")
    find_roots: bool = Field(
        default=True, description="Look up the first post of a reply's thread; one more call per reply."
    )


class Mastodon:
    """Reads one server. Nothing is asked before the first fetch."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._base = settings.api_url.rstrip("/")
        self._host = urlsplit(self._base).hostname or "the server"
        self._roots: dict[str, str] = {}  # reply -> first post of its thread, "" for none
        self._asked_for_roots: list[datetime] = []

    def fetch(self, request: Request) -> Batch:
        """Read one page of one tag's feed (or of the search for one term)."""
        lanes = [f"tag:{tag}" for tag in self._tags(request.terms)]
        if self._settings.access_token is not None:
            lanes += [f"search:{term}" for term in sorted({clean(term).strip() for term in request.terms} - {""})]
            lanes += [MENTIONS]
        if not lanes:
            raise ConnectorError(f"{self._host}: no tags to read", "Set `tags` for this source, without #.")
        return self._page(request, lanes)

    def fetch_own(self, accounts: tuple[str, ...], request: Request) -> Batch:
        """Read one page of what one of `accounts` ("name" or "name@server") has posted, replies included."""
        given = {_account(name, self._host): clean(name).strip().removeprefix("@") for name in accounts}
        names = sorted(name for name in given if name)
        if not names:
            return Batch((), request.cursor or Walk().dump())
        return self._page(request, [f"own:{name}" for name in names], given)

    def identify(self, handles: tuple[str, ...], request: Request) -> tuple[dict[str, Account], Quota]:
        """Look accounts up by the server's own id of them: "name" is one of its own, "name@server" another's."""
        found: dict[str, Account] = {}
        for handle in handles:
            name = _account(handle, self._host)
            if not re.fullmatch(r"[\w.-]+(@[\w.:-]+)?", name):
                continue
            answer = self._get("/api/v1/accounts/lookup", {"acct": name})
            full = name if "@" in name else f"{name}@{self._host}"
            if answer.status in {400, 401, 403, 404, 410, 422}:
                found[handle] = Account("", full)
                continue
            known = self._sound(answer, request.now)
            found[handle] = Account(known["id"] if _has_id(known) else "", full)
        return found, Quota()

    def refresh(self, ids: tuple[str, ...], request: Request) -> Batch:
        """Look at most 20 known posts up again: edits come as posts, what is gone as `deleted`.

        Gone is what the server itself says is gone: the 404 of a proxy is a web page, and raises Nonsense.
        https://docs.joinmastodon.org/methods/statuses/#404-not-found
        """
        found: list[Any] = []
        deleted: list[str] = []
        quota: Quota | None = None
        for native_id in ids[:MOST_REFRESHED]:
            answer = self._get(f"/api/v1/statuses/{quote(native_id, safe='')}")
            quota = _quota(answer)
            if answer.status in {404, 410}:
                json_of(answer)
                deleted.append(native_id)
            else:
                found.append(self._sound(answer, request.now))
        read, aside = self._read(found, request.source)
        posts = tuple(post for post, _ in read)
        return Batch(posts, request.cursor, quota=quota, deleted=tuple(deleted), aside=tuple(aside))

    most_conversations = 20

    def fetch_conversations(self, conversations: tuple[Conversation, ...], request: Request) -> Batch:
        """Read the replies of some threads, by the context of a post that is known in each.

        A context holds what stands above and below a post, and no other branch: several people who answered one post
        need a call each.
        https://docs.joinmastodon.org/methods/statuses/#context
        """
        quota: Quota | None = None

        def context(start: str) -> list[Any]:
            nonlocal quota
            answer = self._get(f"/api/v1/statuses/{quote(start, safe='')}/context")
            quota = _quota(answer)
            if answer.status in {404, 410}:
                return []  # the post is gone; whether it is to be removed is for `refresh` to say
            found = self._sound(answer, request.now)
            parts = found if isinstance(found, dict) else {}
            ancestors, descendants = parts.get("ancestors"), parts.get("descendants")
            if not isinstance(ancestors, list) or not isinstance(descendants, list):
                raise Nonsense(f"{self._host} sent something that is not a thread", "Check api_url.")
            return [*ancestors, *descendants]

        def read(conversation: Conversation) -> list[Post]:
            found: dict[str, Any] = {}
            asked: list[str] = []
            while len(asked) < MOST_BRANCHES:
                known = reversed(conversation.posts or (conversation.thread,))  # the oldest first
                start = next((each for each in known if each not in found and each not in asked), "")
                if not start:
                    break
                # Where they are too many, what all of them answer shows the most.
                asked.append(start if len(asked) < MOST_BRANCHES - 1 else conversation.thread)
                found |= {each["id"]: each for each in context(asked[-1]) if _has_id(each)}
            said, _ = self._read(list(found.values()), request.source)
            return [
                replace(post, thread_id=conversation.thread)
                for post, bot in said
                if post.posted_at >= conversation.since and not (bot and self._settings.skip_bots)
            ]

        found = one_by_one(conversations[: self.most_conversations], read)
        return Batch(found.posts, request.cursor, quota=quota, not_before=found.not_before, unread=found.unread)

    def _page(self, request: Request, lanes: list[str], given: Mapping[str, str] | None = None) -> Batch:
        walk = Walk.load(request.cursor)
        deep = self._deep(walk, request.now)
        if MENTIONS in lanes and not self._reads_for_brand(walk, request):
            lanes.remove(MENTIONS)
        walk.begin(lanes, request.now, request.since, DEEP_OVERLAP if deep else OVERLAP)
        lane, floor = walk.lane, moment(walk.floor)
        try:
            statuses, last, answer = self._ask(walk, request)
        except ConnectorError as error:
            if not walk.shut(error, request.now):
                raise
            return Batch((), walk.dump(), not walk.lane, notices=walk.notices())
        if not statuses and not walk.token and lane.startswith("tag:") and (deep or not walk.marks):
            self._check_open(request.now)
        read, aside = self._read(statuses, request.source, lane.partition(":")[0])
        known = walk.note(((post.native_id, post.posted_at) for post, _ in read), request.now)
        if lane == MENTIONS:
            read = [(replace(post, addressed=("*", *post.addressed)), bot) for post, bot in read]
        posts = [post for post, bot in read if post.posted_at >= floor and not (bot and self._settings.skip_bots)]
        if given is not None:
            # Named as the settings name it, so that "us" and "us@server" are the same account to whoever compares.
            posts = [replace(post, author=given[lane.removeprefix("own:")]) for post in posts]
        gaps = self._turn(walk, "" if known else last, _times(statuses), floor)
        if self._settings.find_roots and given is None:
            posts = self._with_roots(posts, request.now)
        if not walk.lane and deep:
            walk.extra["deep_at"] = milliseconds(request.now)
        if not walk.lane:
            walk.extra.pop("deep", None)
        cursor, notices = walk.dump(), walk.notices()
        return Batch(tuple(posts), cursor, not walk.lane, _quota(answer), (), tuple(aside), gaps, notices=notices)

    def _reads_for_brand(self, walk: Walk, request: Request) -> bool:
        """Whether the token is the brand's own account's, so that its notifications speak to the brand.

        Where nobody says which accounts are the brand's, or the server does not say whose the token is, it is.
        """
        ours = {one for one in request.accounts.values() if one}
        if not ours:
            return True
        if not isinstance(walk.extra.get("me"), str):
            answer = self._get("/api/v1/accounts/verify_credentials")
            me = json_of(answer) if answer.status == 200 else None
            walk.extra["me"] = me["id"] if isinstance(me, dict) and _has_id(me) else ""
        return not walk.extra["me"] or walk.extra["me"] in ours

    def _deep(self, walk: Walk, now: datetime) -> bool:
        """Whether this walk goes deep; what was decided at its beginning stands until it is whole."""
        if not walk.lane:
            last = walk.extra.setdefault("deep_at", milliseconds(now))
            # A time that is still to come was written by a clock that was ahead.
            due = not isinstance(last, int) or not timedelta() <= now - moment(last) < DEEP_EVERY
            walk.extra["deep"] = due
        return walk.extra.get("deep") is True

    def _turn(self, walk: Walk, last: str, times: list[datetime], floor: datetime) -> tuple[Gap, ...]:
        """Go to the next page, or end the lane at its floor, its end, or a server that repeats itself."""
        if last and not is_below(times, floor):
            if walk.turn(last):
                return ()
            gaps = walk.stuck(self._host)
            walk.close_lane()
            return gaps
        walk.close_lane()
        return ()

    def _ask(self, walk: Walk, request: Request) -> tuple[list[Any], str, Answer]:
        """Ask for the page that the walk is at: its statuses, the id to go on after, and the answer itself."""
        kind, _, name = walk.lane.partition(":")
        limit = PAGE if request.allowance is None else max(1, min(PAGE, request.allowance))
        params: dict[str, str | int] = {"limit": limit}
        if walk.token:
            params["max_id"] = walk.token
        if kind == "tag":
            answer = self._get(f"/api/v1/timelines/tag/{quote(name, safe='')}", params)
        elif kind == "search":
            words = f'"{name}"' if " " in name else name
            answer = self._get("/api/v2/search", {**params, "q": words, "type": "statuses"})
        elif kind == "mentions":
            answer = self._get("/api/v1/notifications", {**params, "types[]": "mention"})
        else:
            known = self._known(walk, name, request.now)
            params["exclude_reblogs"] = "true"
            answer = self._get(f"/api/v1/accounts/{quote(known, safe='')}/statuses", params)
        if answer.status in {403, 404, 410, 422, 451}:
            what, remedy = _PLACES[kind]
            remedy = remedy if self._settings.access_token is not None or kind == "own" else _CLOSED
            raise Closed(f"{self._host} answered {answer.status} for {what.format(name)}", remedy)
        found = self._sound(answer, request.now)
        if kind == "search" and isinstance(found, dict):
            found = found.get("statuses")
        if not isinstance(found, list):
            raise Nonsense(f"{self._host} sent something that is not a list of posts", "Check api_url.")
        last = next((each["id"] for each in reversed(found) if _has_id(each)), "")
        if kind == "mentions":
            found = [each.get("status") for each in found if isinstance(each, dict) and each.get("type") == "mention"]
        return found, last, answer

    def _known(self, walk: Walk, name: str, now: datetime) -> str:
        """The account's id on this server, asked once and kept in the cursor."""
        ids = walk.extra.setdefault("ids", {})
        if not isinstance(ids, dict):
            ids = walk.extra["ids"] = {}
        if not isinstance(ids.get(name), str):
            answer = self._get("/api/v1/accounts/lookup", {"acct": name})
            if answer.status in {404, 410}:
                raise Closed(
                    f"{self._host} has no account {name}",
                    "Check the brand's accounts for this source: write name, or name@server for another server.",
                )
            found = self._sound(answer, now)
            if not _has_id(found):
                raise Nonsense(f"{self._host} sent something that is not an account", "Check api_url.")
            ids[name] = found["id"]
        return str(ids[name])

    def _get(self, path: str, params: dict[str, str | int] | None = None) -> Answer:
        headers = {"Accept": "application/json"}
        if self._settings.access_token is not None:
            headers["Authorization"] = f"Bearer {self._settings.access_token.get_secret_value()}"
        return self._http.get(self._base + path, params=params, headers=headers)

    def _sound(self, answer: Answer, now: datetime) -> Any:
        """The answer's JSON, or the error that its status stands for."""
        if answer.status in {401, 403, 422} and self._settings.access_token is None:
            raise Refused(f"{self._host} answered {answer.status}: it shows this to members only", _CLOSED)
        error = error_for(answer, self._host, now)
        if error is not None:
            raise error
        return json_of(answer)

    def _check_open(self, now: datetime) -> None:
        """Tell a tag that nobody uses from a server that has closed its feeds: since 4.5 both are an empty list."""
        answer = self._get("/api/v2/instance")
        if answer.status >= 400:  # an older server, or another software: nothing to learn here
            return
        access: Any = self._sound(answer, now)
        for key in ("configuration", "timelines_access", "hashtag_feeds"):
            access = access.get(key) if isinstance(access, dict) else None
        if not isinstance(access, dict):
            return
        allowed = {"public", "authenticated"} if self._settings.access_token is not None else {"public"}
        said = {access.get("local", "public"), access.get("remote", "public")}
        if not said & allowed:
            raise Closed(f"{self._host} has closed its tag feeds ({', '.join(sorted(map(str, said)))})", _CLOSED)

    def _read(self, statuses: list[Any], source: str, lane: str = "") -> tuple[list[tuple[Post, bool]], list[Aside]]:
        """Read post by post: the sound ones with whether a bot wrote them, the others with their bytes."""
        read: list[tuple[Post, bool]] = []
        aside: list[Aside] = []
        for status in statuses:
            try:
                if isinstance(status, dict) and (status.get("reblog") or status.get("visibility") == "direct"):
                    continue
                post, account = self._post(status, source), status["account"]
                post = replace(
                    post, unsearchable=lane in SEARCHES and _unsearchable(account, by_words=lane == "search")
                )
                read.append((post, account.get("bot") is True))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                reason = str(error) if type(error) is ValueError else f"{type(error).__name__} at {error}"
                aside.append(Aside(raw_of(status).encode(), reason[:200]))
        # A handful alone on a page is set aside: refusing it would hold the walk there for ever.
        if len(aside) > FEW and not read:
            raise Nonsense(
                f"{self._host} sent {len(aside)} posts, none of them readable", "Is api_url a Mastodon server?"
            )
        return read, aside

    def _post(self, status: Any, source: str) -> Post:
        """The one place that knows the names of a status's fields. https://docs.joinmastodon.org/entities/Status/"""
        if not _has_id(status):
            raise ValueError("the id is not a text")
        posted_at = parse_time(status["created_at"])
        content, account = status["content"], status["account"]
        if posted_at is None or not isinstance(content, str):
            raise ValueError("created_at is not a time" if posted_at is None else "content is not text")
        author = account["acct"]
        if not isinstance(author, str) or not author:
            raise ValueError("acct is not text")
        parent = text_of(status.get("in_reply_to_id"))
        words = [plain(text_of(status.get("spoiler_text"))), plain(content), *_also_said(status)]
        reach = account.get("followers_count")
        pictures, videos = _shown(status)
        return Post(
            source=source,
            native_id=status["id"],
            url=safe_url(status.get("url")) or safe_url(status.get("uri")) or self._page_of(author, status["id"]),
            author=clean(author if "@" in author else f"{author}@{self._host}"),
            author_name=clean(text_of(account.get("display_name"))),
            text="\n".join(each for each in words if each),
            posted_at=posted_at,
            lang=clean(text_of(status.get("language"))),
            reach=reach if isinstance(reach, int) and 0 <= reach < 2**53 else None,
            parent_id=parent,
            parent_author=self._answered(status),
            thread_id=parent or status["id"],
            edited_at=parse_time(status.get("edited_at")),
            raw=raw_of(status),
            author_id=account["id"] if _has_id(account) else "",
            addressed=self._addressed(status),
            pictures=pictures,
            videos=videos,
        )

    def _addressed(self, status: Mapping[str, Any]) -> tuple[str, ...]:
        """Whom a status speaks to: those it names, and the author of what it answers, by this server's ids."""
        named = status.get("mentions")
        found = [text_of(status.get("in_reply_to_account_id"))]
        for each in named if isinstance(named, list) else []:
            if isinstance(each, dict):
                account = clean(text_of(each.get("acct"))).casefold()
                full = account if "@" in account else f"{account}@{self._host}"
                found += [text_of(each.get("id")), full if account else ""]
        return tuple(dict.fromkeys(one for one in found if one))

    def _answered(self, status: dict[str, Any]) -> str:
        """Whom a reply answers: the account is given by its id, its name stands among those mentioned."""
        wanted, mentioned = status.get("in_reply_to_account_id"), status.get("mentions")
        if isinstance(wanted, str) and wanted and wanted == status["account"].get("id"):
            acct = status["account"].get("acct")
        else:
            each = mentioned if isinstance(mentioned, list) else []
            acct = next((one.get("acct") for one in each if isinstance(one, dict) and one.get("id") == wanted), None)
        if not wanted or not isinstance(acct, str) or not acct:
            return ""
        return clean(acct if "@" in acct else f"{acct}@{self._host}")

    def _page_of(self, author: str, native_id: str) -> str:
        return f"{self._base}/@{quote(author)}/{quote(native_id, safe='')}"

    def _with_roots(self, posts: list[Post], now: datetime) -> list[Post]:
        """Replace a reply's thread by the first post of it, for a few replies a page; a failure leaves it as it is.

        What was said of a reply once is said of it whenever it is read again: its thread stays the same.
        """
        self._asked_for_roots = [at for at in self._asked_for_roots if timedelta() <= now - at < ROOT_TURN]
        left = min(MOST_ROOTS, ROOTS_IN_TURN - len(self._asked_for_roots))
        known: list[Post] = []
        for post in posts:
            if post.parent_id and post.native_id not in self._roots:
                if left > 0:
                    left -= 1
                    self._asked_for_roots.append(now)
                    self._roots[post.native_id] = self._root(post.native_id)
                else:
                    self._roots[post.native_id] = ""
            root = self._roots.get(post.native_id, "")
            known.append(replace(post, thread_id=root) if root else post)
        for oldest in list(self._roots)[: max(len(self._roots) - ROOTS_KEPT, 0)]:
            del self._roots[oldest]
        return known

    def _root(self, native_id: str) -> str:
        try:
            answer = self._get(f"/api/v1/statuses/{quote(native_id, safe='')}/context")
            found = json_of(answer) if answer.status < 400 else None
        except ConnectorError:
            return ""
        ancestors = found.get("ancestors") if isinstance(found, dict) else None
        return ancestors[0]["id"] if isinstance(ancestors, list) and ancestors and _has_id(ancestors[0]) else ""

    def _tags(self, terms: Iterable[str]) -> list[str]:
        """A tag holds letters, digits and underscores, and not digits alone."""
        words = self._settings.tags or terms
        tags = {re.sub(r"\W", "", clean(word)).casefold() for word in words}
        return sorted(tag for tag in tags if tag and not tag.isdigit())


def _times(statuses: Iterable[Any]) -> list[datetime]:
    """When the posts of a page were written, those among them that are left out, too: a page of private ones is no
    reason to look further back."""
    found = (parse_time(each.get("created_at")) for each in statuses if isinstance(each, dict))
    return [at for at in found if at is not None]


def _shown(status: Mapping[str, Any]) -> tuple[int, int]:
    """How many pictures and videos a status shows; a GIF is a short video there, and what is unknown a picture."""
    media = status.get("media_attachments")
    kinds = [each.get("type") for each in media if isinstance(each, dict)] if isinstance(media, list) else []
    return sum(kind in {"image", "unknown"} for kind in kinds), sum(kind in {"video", "gifv"} for kind in kinds)


def _also_said(status: Mapping[str, Any]) -> list[str]:
    """The words that people wrote outside the text: the choices of a poll, and what a picture shows."""
    poll, media = status.get("poll"), status.get("media_attachments")
    options = poll.get("options") if isinstance(poll, dict) else None
    choices = [each.get("title") for each in options if isinstance(each, dict)] if isinstance(options, list) else []
    shown = [each.get("description") for each in media if isinstance(each, dict)] if isinstance(media, list) else []
    return [plain(each) for each in (*choices, *shown) if isinstance(each, str)]


def _has_id(thing: Any) -> bool:
    return (
        isinstance(thing, dict)
        and isinstance(thing.get("id"), str)
        and re.fullmatch(r"[\w-]+", thing["id"]) is not None
    )


def _unsearchable(account: Mapping[str, Any], *, by_words: bool) -> bool:
    """Whether an author does not want to be found: #nobot in their note, or left out of directories and suggestions.

    `indexable` is about the search for words, and off until somebody turns it on: it says nothing of hashtags, which
    are written to be found. https://docs.joinmastodon.org/entities/Account/
    """
    note = plain(text_of(account.get("note"))).casefold()
    nobot = re.search(r"(?<![\w#])#nobots?(?!\w)", note) is not None
    return nobot or account.get("discoverable") is False or (by_words and account.get("indexable") is False)


def _account(name: str, host: str) -> str:
    """Write an account as the server's look-up wants it: without the first @, and without the server's own name."""
    return clean(name).strip().removeprefix("@").casefold().removesuffix(f"@{host.casefold()}")


def _quota(answer: Answer) -> Quota | None:
    remaining = answer.headers.get("x-ratelimit-remaining", "")
    if not remaining.isascii() or not remaining.isdigit():
        return None
    return Quota(int(remaining[:9]), parse_time(answer.headers.get("x-ratelimit-reset", "")))
