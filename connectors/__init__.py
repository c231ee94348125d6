"""Where posts come from: one file a network, its settings in it.

This package owns what every connector speaks: `Post`, `Request`, `Batch`, the few errors, and `KINDS`. It imports
nothing of ours. A connector reads; it knows no brand, score, store or clock. What can write in public is a file of its
own beside it (`WRITERS`, and `writing` says what those speak). The way in is `fetch`; where the network
shows the brand's own replies there is `fetch_own` beside it.

To add a network: one file here with a `Settings` and a class with `fetch`, and one line in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from connectors.values import value_class

# kind -> "module:class". A library that nobody configured is never imported.
KINDS: dict[str, str] = {
    "replay": "connectors.replay:Replay",
    "hackernews": "connectors.hackernews:HackerNews",
    "rss": "connectors.rss.connector:Rss",
    "mastodon": "connectors.mastodon:Mastodon",
    "bluesky": "connectors.bluesky:Bluesky",
    "x": "connectors.x:X",
    "reddit": "connectors.reddit:Reddit",
    "inbound": "connectors.inbound.connector:Inbound",
    "imap": "connectors.imap:Imap",
    "appstore": "connectors.appstore:AppStore",
    "googleplay": "connectors.googleplay:GooglePlay",
    "googlebusiness": "connectors.googlebusiness:GoogleBusiness",
    "instagram": "connectors.instagram:Instagram",
    "youtube": "connectors.youtube:YouTube",
    "github": "connectors.github:GitHub",
    "stackexchange": "connectors.stackexchange:StackExchange",
    "discourse": "connectors.discourse:Discourse",
    "lemmy": "connectors.lemmy:Lemmy",
}

# kind -> "module:class" of its writing half, which is loaded for no source but one with `reply = true`.
WRITERS: dict[str, str] = {
    "mastodon": "connectors.mastodon.reply:MastodonReply",
    "bluesky": "connectors.bluesky.reply:BlueskyReply",
    "github": "connectors.github.reply:GitHubReply",
    "discourse": "connectors.discourse.reply:DiscourseReply",
    "appstore": "connectors.appstore.reply:AppStoreReply",
    "googleplay": "connectors.googleplay.reply:GooglePlayReply",
    "x": "connectors.x.reply:XReply",
    "youtube": "connectors.youtube.reply:YouTubeReply",
}

# kind -> "module:class" of a tracker of issues; it is loaded where settings name one.
TRACKERS: dict[str, str] = {
    "github": "connectors.trackers.github:GitHubTracker",
    "jira": "connectors.trackers.jira:JiraTracker",
}

# Networks that tell of deletions only when they are asked: their connectors have `refresh`, which takes known posts and
# says what is gone. `asks_at_once` is how many it takes, `asking_price` what each costs in US dollars.
ASKED_AFTER = frozenset(
    {"x", "reddit", "hackernews", "mastodon", "bluesky", "appstore", "youtube", "github", "stackexchange"}
    | {"discourse", "lemmy", "googlebusiness", "instagram"}
)

# How long posts of a network are kept where settings do not say: X wants what was deleted there gone within a day, and
# to ask after each post every day costs money. https://docs.x.com/developer-terms/policy
RETENTION: dict[str, timedelta] = {"x": timedelta(days=30)}


@value_class(frozen=True, slots=True)
class Post:
    """What a network shows, in plain text (no tags, no entities). Times are aware and in UTC.

    `parent_id` and `thread_id` are native ids of the same source, empty when the post starts its own thread;
    `parent_author` is whom the post answers, named as `author` is, where the network says so. `parent_text` is what it
    answers, or the title of the conversation, where that came in the same call: it is judged with the post, and never
    stored.
    `reach` is the network's own number (followers, points), `rating` stars from 1 to 5. `raw` is the network's JSON,
    as text. `reply_text` and `replied_at` are filled where a review carries the business's answer inside it.
    `author_id` is the network's own id of the author where it has one beside the name; `addressed` are the accounts
    (ids or names, "*" for the account that we read with) that the network says the post speaks to. `unsearchable`: a
    search found it, and its author has marked the account as not to be found by one. `pictures` and `videos` are how
    many the post shows, where the network tells; none of them is fetched. `out_of` is the best score where `rating` was
    given on a scale other than five stars: 10 for "would you recommend us".
    """

    source: str
    native_id: str
    url: str
    author: str
    text: str
    posted_at: datetime
    author_name: str = ""
    title: str = ""
    lang: str = ""
    reach: int | None = None
    rating: float | None = None
    parent_id: str = ""
    parent_author: str = ""
    parent_text: str = ""
    thread_id: str = ""
    edited_at: datetime | None = None
    raw: str = ""
    reply_text: str = ""
    replied_at: datetime | None = None
    author_id: str = ""
    addressed: tuple[str, ...] = ()
    unsearchable: bool = False
    pictures: int = 0
    videos: int = 0
    out_of: float | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What to read: the positive words and phrases of all brands' queries, and where the last read stopped.

    `cursor` is what the last `Batch` gave, empty at the first read; then `since` bounds the look-back. `allowance` is
    how many posts may be read now (None: no bound beyond the connector's own page size). `accounts` are the brands' own
    accounts here, as settings name them, with the ids that they stand for ("" while that is not known); `spent` is what
    this source cost in this month so far, in US dollars, as the store knows it. `wants` says of what a post says
    whether it may be about a brand, by the queries themselves: for a stream, which cannot be searched.
    """

    source: str
    terms: tuple[str, ...]
    cursor: str
    now: datetime
    since: datetime
    allowance: int | None = None
    accounts: Mapping[str, str] = field(default_factory=dict)
    spent: float = 0.0
    wants: Callable[[str], bool] | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Who stands behind a handle: the network's own id, which outlives a new name, and the name that posts show.

    An empty `id`: the network knows nobody of that handle.
    """

    id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Quota:
    """What the network says is left: calls until `reset_at`, and what this read cost in US dollars."""

    remaining: int | None = None
    reset_at: datetime | None = None
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Aside:
    """One malformed item, set aside with its bytes so that the other ninety-nine go on."""

    raw: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A span that the network no longer shows us: what was posted in it was not seen."""

    start: datetime
    end: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """One page of a walk. Call again with `cursor` until `complete`.

    The cursor is opaque to everybody else: it holds the high water and the walk under way. Its high water moves only
    when the walk is whole. `deleted` are native ids that the network says are gone, `gone` the ids of authors
    whose accounts are gone with all that they wrote; `not_before` asks the collector to
    leave the source alone until then, although nothing failed; a walk that is not complete goes on after it.
    `notices` are sentences for the operator ("80% of the monthly budget is used"): they may be given with every page
    or only when it begins; each is told once while it lasts, and at most once a day. `unread` are the threads of the
    conversations asked for that could not be read: they are read from the same moment the next time.
    """

    posts: tuple[Post, ...]
    cursor: str
    complete: bool = True
    quota: Quota | None = None
    deleted: tuple[str, ...] = ()
    aside: tuple[Aside, ...] = ()
    gaps: tuple[Gap, ...] = ()
    not_before: datetime | None = None
    notices: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


class ConnectorError(Exception):
    """The read failed and may work later. `remedy` says what a person can do; neither holds a secret."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class Unreached(ConnectorError):
    """No connection was made: nothing of the request has left this machine."""


class RateLimited(ConnectorError):
    """The network asks us to wait until `retry_at` (None: it did not say)."""

    def __init__(self, message: str, retry_at: datetime | None = None, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.retry_at = retry_at


class Refused(ConnectorError):
    """The credentials are refused: asking again is useless until a person has changed something."""


class Closed(Refused):
    """One place (a subreddit, a feed, an account, a search) is closed to us or gone; the others may well be open.

    A connector that reads several places raises it only where none is left; else it says so in a notice, goes on with
    the others, and asks the closed one again once a day.
    """


class NoCredit(ConnectorError):
    """The account has no credit left or its monthly cap is reached; a person has to pay or wait."""


class Nonsense(ConnectorError):
    """The answer is not what the network's documentation says (a login page, half a document, errors without data)."""


class Connector(Protocol):
    """One configured source. It is made without touching the network, and used by one thread at a time."""

    def fetch(self, request: Request) -> Batch:
        """Read one page of posts that may be about `request.terms`, or raise a ConnectorError."""
        ...


class OwnReader(Protocol):
    """A connector that can also read the brand's own account, to see that somebody has answered."""

    def fetch_own(self, accounts: tuple[str, ...], request: Request) -> Batch:
        """Read one page of what `accounts` posted themselves; `parent_id` says whom each post answers."""
        ...


class AccountReader(Protocol):
    """A connector of a network where a handle stands for an id that posts may show in its place."""

    def identify(self, handles: tuple[str, ...], request: Request) -> tuple[dict[str, Account], Quota]:
        """Look up who stands behind `handles`, and say what that cost; those left out could not be one here."""
        ...


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation whose replies are to be read: its native id, and the newest posts in it that are known.

    `since` is the newest moment up to which its replies were read before. What `fetch_conversations` gives carries
    `thread` as the `thread_id` of each post, whatever the network calls it.
    """

    thread: str
    posts: tuple[str, ...]
    since: datetime


class ConversationReader(Protocol):
    """A connector that can read the replies in a conversation, whether or not they hold a word that is looked for."""

    most_conversations: int  # how many may be asked for at once

    def fetch_conversations(self, conversations: tuple[Conversation, ...], request: Request) -> Batch:
        """Read what was said in these conversations since; the cursor, where one is kept, is this reader's own."""
        ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """One body as it came in at the door, or one part of a file: its number, when it came, and its bytes."""

    n: int
    at: datetime
    body: bytes


# (the number up to which all was read, now) -> what waits, oldest first, and sentences for the operator. What was read
# is let go of by asking.
Waiting = Callable[[int, datetime], tuple[Sequence[Arrival], tuple[str, ...]]]


class Receiver(Protocol):
    """A connector that asks no network: others bring its posts to us, where they wait until it reads them."""

    def receive_from(self, waiting: Waiting) -> None:
        """Read from `waiting` from now on; without it nothing ever waits."""
        ...
