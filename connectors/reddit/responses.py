"""Reads Reddit's answers: a post, who is gone, what is left of the limit, and what a refusal means. Pure.

Field names: https://www.reddit.com/dev/api; with raw_json=1 texts carry no entities.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from connectors import Closed, ConnectorError, Nonsense, Post, RateLimited, Refused
from connectors.text import clean, raw_of, safe_url

LONGEST_WAIT = timedelta(minutes=15)
UNKNOWN_WAIT = timedelta(minutes=1)
# https://www.reddit.com/r/redditdev/comments/1wubcvf/moving_data_api_apps_to_the_developer_platform/
KEY_REFUSED = (
    "Check client_id and client_secret at reddit.com/prefs/apps. Apps that are not registered "
    "(developers.reddit.com/app-registration) are refused from 12 January 2027, all from March 2027; new keys are "
    "no longer given."
)
ENDS = datetime(2027, 4, 1, tzinfo=UTC)  # by then all of the public API is closed
ENDING = (
    "Reddit refuses apps that are not registered from 12 January 2027, and ends its public API in March 2027: "
    "register yours at developers.reddit.com/app-registration, and plan for what comes after (docs/connect-reddit.md)"
)
_GONE = frozenset({"[deleted]", "[removed]", "[ removed by reddit ]"})


class Removed(Exception):
    """The author or a moderator has taken the post away."""

    def __init__(self, native_id: str) -> None:
        super().__init__(native_id)
        self.native_id = native_id


class Elsewhere(Nonsense):
    """Reddit redirects: for a subreddit, its way of saying that there is none of that name."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many calls are left, until when; None where Reddit did not say."""

    remaining: int | None = None
    reset_at: datetime | None = None


def children_of(body: object) -> tuple[list[Any], str]:
    """Give the items of a listing and the name to go on after; anything that is no listing is Nonsense."""
    data = body.get("data") if isinstance(body, dict) else None
    children = data.get("children") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(children, list):
        raise Nonsense("Reddit answered without a listing", "Check oauth_url; a login page may be in between.")
    after = data.get("after")
    return children, after if isinstance(after, str) and re.fullmatch(r"t\d_[0-9a-z]{1,13}", after) else ""


def comments_in(found: list[Any]) -> tuple[list[Any], dict[str, str]]:
    """The comments of a thread's answer (its submission, then the tree of them), and who wrote what, by name."""
    items: list[Any] = []
    authors: dict[str, str] = {}
    open_branches: list[Any] = [each for part in found for each in children_of(part)[0]]
    while open_branches and len(items) < 5_000:
        item = open_branches.pop()
        data = item.get("data") if isinstance(item, dict) else None
        if not isinstance(data, dict) or item.get("kind") == "more":
            continue
        name, author, replies = data.get("name"), data.get("author"), data.get("replies")
        if isinstance(name, str) and isinstance(author, str):
            authors[name] = clean(author).strip()
        if item.get("kind") == "t1":
            items.append(item)
        if isinstance(replies, dict):
            open_branches += children_of(replies)[0]
    return items, authors


def post_of(item: Any, source: str) -> Post:
    """Read one submission (t3) or comment (t1). ValueError says what is wrong with it, Removed that it is gone."""
    data = item.get("data") if isinstance(item, dict) else None
    if not isinstance(data, dict):
        raise ValueError("no object with data")
    name = data.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"t[13]_[0-9a-z]{1,13}", name):
        raise ValueError("name is not the id of a submission or comment")
    comment = name.startswith("t1_")
    author, body = data.get("author"), data.get("body" if comment else "selftext")
    nobody = author is None and "author" in data
    if nobody or _is_gone(author) or _is_gone(body) or data.get("removed_by_category"):
        raise Removed(name)
    title = "" if comment else data.get("title")
    if not isinstance(author, str) or not author.strip():
        raise ValueError("author is not a name")
    if not isinstance(body, str) or not isinstance(title, str) or not (comment or title.strip()):
        raise ValueError("the words are not a text")
    posted_at = _time(data.get("created_utc"))
    if posted_at is None:
        raise ValueError("created_utc is not a time")
    title, body = clean(title).strip(), clean(body).strip()
    pictures, videos = _shown(data)
    return Post(
        source=source,
        native_id=name,
        url=_link(data, name, comment),
        author=clean(author).strip(),
        text="\n\n".join(each for each in (title, body, *_also_said(data, title, body)) if each),
        posted_at=posted_at,
        title=title,
        reach=_score(data.get("score")),
        parent_id=_fullname(data.get("parent_id")) if comment else "",
        parent_text=clean(data["link_title"]).strip() if comment and isinstance(data.get("link_title"), str) else "",
        thread_id=_fullname(data.get("link_id")) if comment else "",
        edited_at=_time(data.get("edited")),
        raw=raw_of(item),
        pictures=pictures,
        videos=videos,
    )


def _shown(data: Mapping[str, Any]) -> tuple[int, int]:
    """How many pictures and videos a submission shows itself, or a comment has in it; a link elsewhere shows none."""
    gallery, inside = data.get("gallery_data"), data.get("media_metadata")
    if data.get("is_video") is True:
        return 0, 1
    pictures = len(_listed(gallery.get("items"))) if isinstance(gallery, dict) else 0
    pictures = pictures or (len(inside) if isinstance(inside, dict) else 0)
    return pictures or int(data.get("post_hint") == "image"), 0


def _also_said(data: Mapping[str, Any], title: str, body: str) -> list[str]:
    """The words outside a submission's own text: what a crosspost passes on, a poll's choices, a gallery's captions."""
    found: list[object] = []
    for parent in _listed(data.get("crosspost_parent_list")):
        if isinstance(parent, dict):
            found += [parent.get("title"), parent.get("selftext"), *_also_said(parent, "", "")]
    poll, gallery = data.get("poll_data"), data.get("gallery_data")
    choices = _listed(poll.get("options")) if isinstance(poll, dict) else []
    pictures = _listed(gallery.get("items")) if isinstance(gallery, dict) else []
    found += [each.get("text") for each in choices if isinstance(each, dict)]
    found += [each.get("caption") for each in pictures if isinstance(each, dict)]
    words = [clean(each).strip() for each in found if isinstance(each, str) and not _is_gone(each)]
    return [each for each in dict.fromkeys(words) if each not in {"", title, body}]


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_gone(value: object) -> bool:
    return isinstance(value, str) and value.strip().casefold() in _GONE


def _link(data: Mapping[str, Any], name: str, comment: bool) -> str:
    permalink = data.get("permalink")
    if isinstance(permalink, str) and permalink.startswith("/r/"):
        found = safe_url(f"https://www.reddit.com{permalink}")
        if found:
            return found
    if comment:
        return f"https://www.reddit.com/comments/{_fullname(data.get('link_id'))[3:] or '_'}/_/{name[3:]}"
    return f"https://www.reddit.com/comments/{name[3:]}"


def _fullname(value: object) -> str:
    return value if isinstance(value, str) and re.fullmatch(r"t\d_[0-9a-z]{1,13}", value) else ""


def _score(value: object) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
    return value if whole else None  # type: ignore[return-value]


def _time(value: object) -> datetime | None:
    """Read seconds since 1970; False (never edited) and anything before Reddit or in the far future is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return datetime.fromtimestamp(value, UTC) if 1_100_000_000 <= value <= 7_000_000_000 else None


def limits_in(headers: Mapping[str, str], now: datetime) -> Limits:
    """Read what is left of the limit; a header that is missing or no number tells nothing."""
    remaining, reset = _number(headers.get("x-ratelimit-remaining")), _number(headers.get("x-ratelimit-reset"))
    if remaining is None:
        return Limits()
    return Limits(max(0, math.floor(remaining)), now + _held(reset))


def error_of(status: int, headers: Mapping[str, str], said: str, now: datetime, token: bool = False) -> ConnectorError:
    """Turn a refusal into the error that fits. `token`: it was the request for a token. The body is never quoted."""
    where = "Reddit's token service" if token else "Reddit"
    if status == 429:
        wait = _retry_after(headers, now)
        return RateLimited(f"{where}: too many requests (429)", now + wait, "Nothing to do; Earful will retry.")
    if status in {401, 403, 404, 410} or (token and status == 400):
        return _refused(status, said, where, token)
    if status < 400:
        return Elsewhere(f"{where} redirects elsewhere ({status})", "Check the names in subreddits and the addresses.")
    if status >= 500:
        return ConnectorError(f"{where} has an internal error ({status})", "Nothing to do; Earful will retry.")
    return ConnectorError(f"{where} rejected the request ({status})", "Check this source's options.")


def _refused(status: int, said: str, where: str, token: bool) -> Refused:
    if status in {404, 410}:
        said_of = re.search(r'"reason": ?"(\w{3,20})"', said)
        why = f"{status}, {said_of[1]}" if said_of else f"{status}"
        if token:
            return Refused(f"{where} has no such page ({why})", "Check reddit_url.")
        return Closed(f"{where} has no such page ({why})", "Check subreddits and the brand's accounts.")
    if "network policy" in said or "whoa there" in said:
        return Refused(
            f"{where} blocks this network ({status})",
            "Set your own user_agent, or read from another network.",
        )
    closed = re.search(r'"reason": ?"(\w{3,20})"', said)
    if closed and not token:
        return Closed(f"{where}: a subreddit is closed to Earful ({status}, {closed[1]})", "Remove it from subreddits.")
    return Refused(f"{where} refuses the app's key ({status})", KEY_REFUSED)


def _retry_after(headers: Mapping[str, str], now: datetime) -> timedelta:
    said = headers.get("retry-after", "")
    seconds = _number(said)
    if seconds is None and said:
        try:
            seconds = (parsedate_to_datetime(said).astimezone(UTC) - now).total_seconds()
        except (ValueError, TypeError, OverflowError):
            seconds = None
    return _held(_number(headers.get("x-ratelimit-reset")) if seconds is None else seconds)


def _held(seconds: float | None) -> timedelta:
    """Keep a wait between one second and fifteen minutes; one that is missing or past is a minute."""
    if seconds is None or seconds <= 0:
        return UNKNOWN_WAIT
    return timedelta(seconds=min(max(seconds, 1.0), LONGEST_WAIT.total_seconds()))


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
