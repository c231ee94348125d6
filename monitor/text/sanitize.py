"""A post made safe as it comes in: whatever a network sent, what comes out can be stored, shown and sent."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from math import isfinite

from connectors import Post
from connectors.text import clean

RAW = 65536
PARENT = 1_000  # characters of what a post answers: enough to know what it speaks of
LONGEST_KEY = 400  # characters; PostgreSQL takes 2,704 bytes into an index
LARGEST = 2**62
MOST_SHOWN = 999  # pictures or videos of one post
MOST_ADDRESSED = 100  # accounts that one post speaks to
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def tidy(post: Post, now: datetime | None = None) -> Post:
    """A post whose every value can be stored, shown and sent: no NUL, no lone surrogate, no number without end.

    With `now`, a post from the future is taken as written now: it would be newer than every answer, for ever.
    """
    return Post(
        source=post.source,
        native_id=_key(post.native_id) or _key(repr((post.author, post.posted_at, post.text))),
        url=clean(post.url) if post.url.startswith(("http://", "https://")) else "",
        author=clean(post.author)[:200],
        text=clean(post.text),
        posted_at=_bounded(post.posted_at, now),
        author_name=clean(post.author_name)[:200] if post.author_name else "",
        title=clean(post.title) if post.title else "",
        lang=clean(post.lang)[:16] if post.lang else "",
        reach=None if post.reach is None else max(min(post.reach, LARGEST), 0),
        rating=post.rating if post.rating is not None and isfinite(post.rating) else None,
        parent_id=_key(post.parent_id) if post.parent_id else "",
        parent_author=clean(post.parent_author)[:200],
        parent_text=clean(post.parent_text)[:PARENT] if post.parent_text else "",
        thread_id=_key(post.thread_id) if post.thread_id else "",
        edited_at=_bounded(post.edited_at, now) if post.edited_at else None,
        raw=clean(post.raw)[:RAW] if post.raw else "",
        reply_text=clean(post.reply_text) if post.reply_text else "",
        replied_at=_bounded(post.replied_at, now) if post.replied_at else None,
        author_id=_key(post.author_id) if post.author_id else "",
        addressed=tuple(clean(each)[:LONGEST_KEY] for each in post.addressed[:MOST_ADDRESSED]),
        unsearchable=post.unsearchable is True,
        pictures=max(min(post.pictures, MOST_SHOWN), 0),
        videos=max(min(post.videos, MOST_SHOWN), 0),
        out_of=post.out_of if post.out_of is not None and isfinite(post.out_of) else None,
    )


def _bounded(moment: datetime, now: datetime | None) -> datetime:
    """A moment that every zone can show, and with `now` none to come."""
    return max(EARLIEST, min(moment, now or LATEST))


def _key(text: str) -> str:
    """A network's id, short enough for an index; of a long one its beginning and a digest stay."""
    key = clean(text)
    if len(key) <= LONGEST_KEY:
        return key
    return f"{key[: LONGEST_KEY - 33]}~{blake2b(key.encode(), digest_size=16).hexdigest()}"
