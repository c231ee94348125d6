"""Bluesky, by Jetstream: every post of the network goes by, and the few that hold one of our terms are kept.

The cursor is the time (in microseconds) up to which the stream has been read; it only ever moves forward. Each fetch
connects, reads from there until now or until the page is full, and hangs up. No account is needed.
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

from connectors import Aside, Batch, ConnectorError, Gap, Nonsense, Post, Request
from connectors.durations import Span
from connectors.http import Http
from connectors.jetstream import Stream, Stuck
from connectors.pagination import Walk, moment
from connectors.text import clean, parse_time, raw_of, text_of

POST = "app.bsky.feed.post"
OVERLAP = timedelta(seconds=5)
CLOCKS_DIFFER = timedelta(hours=1)
NOW_ENOUGH = timedelta(seconds=2)
PAGE = 200
OWN_PAGE = 50
MOST_DELETED = 2000
MOST_HANDLES = 25
FEW = 3
_TIME = re.compile(r'"time_us"\s*:\s*(\d{1,18})')
_DELETE = re.compile(r'"operation"\s*:\s*"delete"')
_DID = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]{1,200}")
_KEY = re.compile(r"[A-Za-z0-9._:~-]{1,512}")


class Settings(BaseModel, frozen=True, extra="forbid"):
    """Options of a `bluesky` source."""

    api_url: str = Field(
        default="wss://jetstream2.us-east.bsky.network", description="The Jetstream server that is listened to."
    )
    appview_url: str = Field(
        default="https://public.api.bsky.app", description="Where handles and the brand's own posts are looked up."
    )
    look_back: Span = Field(
        default=timedelta(minutes=15), description="How far the first read goes back: an hour is 200,000 posts."
    )
    kept_for: Span = Field(default=timedelta(hours=36), description="How long that server keeps what went by.")
    resolve_handles: bool = Field(default=True, description="Look up the handle and followers of who wrote a match.")
    page_seconds: float = Field(default=20.0, gt=0, le=300, description="How long one page of the stream may take.")
    quiet_seconds: float = Field(
        default=2.0, gt=0, le=60, description="After this silence the server is asked whether it is still there."
    )


@dataclass(slots=True)
class _Page:
    """What one connection has brought so far. `reached` is the time of the newest event that was taken in whole."""

    reached: int
    posts: list[Post] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)
    foreign: int = 0


class Bluesky:
    """Listens to one Jetstream server. Nothing is asked before the first fetch."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._host = urlsplit(settings.api_url).hostname or "the server"
        self._profiles: dict[str, tuple[str, int | None]] = {}

    def fetch(self, request: Request) -> Batch:
        """Read the stream on from the cursor for at most `page_seconds`."""
        pieces = sorted({piece for term in request.terms if (piece := _piece(term))})
        if not pieces:
            raise ConnectorError(
                f"{self._host}: there is no word to listen for", "Give the brand's query a word or a phrase."
            )
        reached, start, gaps = self._start(request)
        page = _Page(reached)
        complete = self._listen(page, start, _finder(pieces), request)
        if page.foreign > FEW and not page.posts:
            raise Nonsense(
                f"{self._host} sent {page.foreign} events that are not Jetstream's", "Check api_url of this source."
            )
        posts = self._named(page.posts) if self._settings.resolve_handles else page.posts
        cursor = json.dumps({"reached": page.reached, "walking": not complete})
        return Batch(
            tuple(posts), cursor, complete, deleted=tuple(page.deleted), aside=tuple(page.aside), gaps=tuple(gaps)
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
        address = f"{self._settings.appview_url.rstrip('/')}/xrpc/app.bsky.feed.getAuthorFeed"
        found, _ = self._http.get_json(address, params=params)
        feed = found.get("feed") if isinstance(found, dict) else None
        if not isinstance(found, dict) or not isinstance(feed, list):
            raise Nonsense("Bluesky sent something that is no feed", "Check appview_url of this source.")
        read, aside = _own(feed, request.source)
        walk.note(post.posted_at for post in read)
        token = found.get("cursor")
        below = bool(read) and read[-1].posted_at < floor
        gaps: tuple[Gap, ...] = ()
        if not isinstance(token, str) or not token or below:
            walk.close_lane()
        elif not walk.turn(token):
            gaps = walk.unread("Bluesky gave the same page again and again")
            walk.close_lane()
        # Named as the settings name it: a handle there and a DID here would be two accounts.
        posts = tuple(replace(post, author=account) for post in read if post.posted_at >= floor)
        return Batch(posts, walk.dump(), not walk.lane, aside=tuple(aside), gaps=gaps)

    def _start(self, request: Request) -> tuple[int, int, list[Gap]]:
        """Up to where all is read, from where to ask, and what the server has forgotten since then."""
        try:
            kept = json.loads(request.cursor)
            reached, walking = int(kept["reached"]), kept["walking"] is True
            if not 0 <= reached < 2**62:
                raise ValueError("not a time")
        except (ValueError, TypeError, KeyError, RecursionError):
            reached = _microseconds(max(request.since, request.now - self._settings.look_back))
            return reached, reached, []
        # Inside a walk nothing is asked twice, or a page smaller than the overlap would never get on.
        start = reached + 1 if walking else reached - OVERLAP // timedelta(microseconds=1)
        oldest = _microseconds(request.now - self._settings.kept_for)
        if reached >= oldest:
            return reached, start, []
        reason = f"{self._host} keeps {self._settings.kept_for / timedelta(hours=1):g} hours, and we were away longer"
        return oldest, oldest, [Gap(_moment(reached), _moment(oldest), reason)]

    def _listen(self, page: _Page, start: int, finder: re.Pattern[str], request: Request) -> bool:
        """Read events into `page`. True when the stream has been read up to now, False when the page is full."""
        size = PAGE if request.allowance is None else max(1, min(PAGE, request.allowance))
        end, latest = _microseconds(request.now - NOW_ENOUGH), _microseconds(request.now + CLOCKS_DIFFER)
        began = page.reached
        settings = self._settings
        stream = Stream(settings.api_url, settings.page_seconds, settings.quiet_seconds)
        try:
            stream.open(f"/subscribe?wantedCollections={POST}&cursor={start}", request.now)
            while (message := stream.message()) is not None:
                at = _time(message, page.reached, latest)
                if at > page.reached and (len(page.posts) >= size or len(page.deleted) >= MOST_DELETED):
                    return False
                self._take(page, message, at, finder, request.source)
                page.reached = max(page.reached, at)
                if at >= end:
                    return True
            # Silent, but there: nothing newer has been said.
            return True
        except Stuck as stuck:
            # What has been read is kept; the next page shows whether the server is still in trouble.
            if page.reached > began:
                return False
            if page.foreign:
                raise Nonsense(f"{self._host} sent events that are not Jetstream's", "Check api_url.") from None
            raise ConnectorError(stuck.message, stuck.remedy) from None
        finally:
            stream.close()

    def _take(self, page: _Page, message: str, at: int, finder: re.Pattern[str], source: str) -> None:
        """Look at one event as text first: of a thousand, one is ours and some are deletions."""
        wanted = finder.search(message) is not None
        whole = message.endswith("}") and _TIME.search(message) is not None
        if whole and not wanted and not _DELETE.search(message):
            return
        try:
            event = json.loads(message)
            did, commit = _checked(event)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            page.foreign += 1
            if len(page.aside) < PAGE:
                page.aside.append(Aside(message.encode("utf-8", "replace")[:65536], f"not an event: {_fault(error)}"))
            return
        if not commit or commit.get("collection") != POST:
            return
        uri = f"at://{did}/{POST}/{commit['rkey']}"
        if commit.get("operation") == "delete":
            page.deleted.append(uri)
            return
        if not wanted:
            return
        try:
            post = _post(uri, did, commit["record"], _moment(at), source)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            page.aside.append(Aside(message.encode("utf-8", "replace")[:65536], _fault(error)))
            return
        # The words may have stood in an address or a name only.
        if finder.search(f"{post.text}\n{post.title}"):
            page.posts.append(replace(post, raw=raw_of(event)))

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
            handle, reach = self._profiles.get(post.author, ("", None))
            named.append(replace(post, author=handle or post.author, reach=reach))
        while len(self._profiles) > 5000:
            del self._profiles[next(iter(self._profiles))]
        return named

    def _profile(self, did: str) -> tuple[str, int | None]:
        address = f"{self._settings.appview_url.rstrip('/')}/xrpc/app.bsky.actor.getProfile"
        found, _ = self._http.get_json(address, params={"actor": did})
        if not isinstance(found, dict):
            return "", None
        reach = found.get("followersCount")
        handle = clean(text_of(found.get("handle"))).strip().casefold()
        # This is what Bluesky gives where a handle no longer points back to its account.
        handle = "" if handle == "handle.invalid" else handle
        return handle, reach if isinstance(reach, int) and 0 <= reach < 2**53 else None


def _time(message: str, reached: int, latest: int) -> int:
    """An event's time; one that cannot be, by our clock, must not carry the cursor past what is still to come."""
    found = _TIME.search(message)
    at = int(found[1]) if found else reached
    return at if at <= latest else reached


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


def _checked(event: Any) -> tuple[str, dict[str, Any]]:
    """Give an event's author and its commit (empty for other kinds), or raise what is wrong with its shape."""
    did, kind = event["did"], event["kind"]
    if not isinstance(did, str) or not _DID.fullmatch(did) or not isinstance(event["time_us"], int):
        raise ValueError("did or time_us is not what it should be")
    if kind != "commit":
        return did, {}
    commit = event["commit"]
    if not isinstance(commit, dict) or not isinstance(commit["rkey"], str) or not _KEY.fullmatch(commit["rkey"]):
        raise ValueError("the commit has no record key")
    if commit["operation"] != "delete" and not isinstance(commit["record"], dict):
        raise ValueError("the commit has no record")
    return did, commit


def _fault(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return "broken JSON"
    return str(error) if type(error) is ValueError else f"{type(error).__name__} at {str(error)[:60]}"


def _post(uri: str, did: str, record: Any, seen_at: datetime, source: str) -> Post:
    """The one place that knows the fields of app.bsky.feed.post. Its times are the author's word: never the future."""
    if not isinstance(record, dict) or not isinstance(record["text"], str):
        raise ValueError("text is no text")
    reply = record.get("reply") or {}
    parent, root = (_uri(reply.get(key)) for key in ("parent", "root"))
    langs = record.get("langs")
    embed = record.get("embed")
    card = embed.get("external") if isinstance(embed, dict) else None
    tags = record.get("tags")
    text = clean(record["text"])
    # Tags that the app shows below the text.
    loose = [clean(tag) for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return Post(
        source=source,
        native_id=uri,
        url=f"https://bsky.app/profile/{did}/post/{uri.rpartition('/')[2]}",
        author=did,
        text=" ".join([text, *(f"#{tag}" for tag in loose)]),
        posted_at=min(parse_time(record.get("createdAt")) or seen_at, seen_at),
        title=clean(text_of(card.get("title"))) if isinstance(card, dict) else "",
        lang=clean(langs[0]) if isinstance(langs, list) and langs and isinstance(langs[0], str) else "",
        parent_id=parent,
        thread_id=root or parent or uri,
    )


def _uri(reference: Any) -> str:
    uri = reference.get("uri") if isinstance(reference, dict) else None
    return clean(uri)[:1000] if isinstance(uri, str) and uri.startswith("at://") else ""


def _own(feed: list[Any], source: str) -> tuple[list[Post], list[Aside]]:
    """Read a feed's own posts; a repost (it has a `reason`) is somebody else's."""
    read: list[Post] = []
    aside: list[Aside] = []
    for each in feed:
        try:
            if each.get("reason"):
                continue
            view = each["post"]
            author = view["author"]
            seen_at = parse_time(view["indexedAt"])
            uri = _uri(view)
            if seen_at is None or not uri or not _DID.fullmatch(author["did"]):
                raise ValueError("indexedAt, uri or did is missing")
            post = _post(uri, author["did"], view["record"], seen_at, source)
            read.append(replace(post, author_name=clean(text_of(author.get("displayName"))), raw=raw_of(view)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            aside.append(Aside(raw_of(each).encode(), _fault(error)))
    if len(aside) > FEW and not read:
        raise Nonsense(f"Bluesky sent {len(aside)} posts, none of them readable", "Check appview_url of this source.")
    return read, aside


def _microseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _moment(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=min(microseconds, 2**57))
