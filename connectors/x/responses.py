"""Reads X's answers: a post, who is gone, and what a refusal means. Pure.

Field names: https://docs.x.com/x-api/fundamentals/data-dictionary. Newer ones (`note_post` for
`note_tweet`) are read too.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeGuard

from connectors import ConnectorError, NoCredit, Nonsense, Post, RateLimited, Refused
from connectors.answers import Answer
from connectors.pagination import moment
from connectors.text import clean, parse_time, raw_of

LONGEST_WAIT = timedelta(minutes=15)
UNKNOWN_WAIT = timedelta(minutes=1)
SNOWFLAKE_EPOCH = 1_288_834_974_657
# What comes along with posts, and the key that names each.
_INCLUDED = (("users", "id"), ("media", "media_key"), ("polls", "id"), ("tweets", "id"))
# What a media key begins with, as X writes them: 3_ a photo; 7_ a video, 13_ one of an advertiser, 16_ a GIF.
PICTURES, VIDEOS = frozenset({"3"}), frozenset({"7", "13", "16"})
_NOT_THERE = frozenset({"resource-not-found", "not-authorized-for-resource", "resource-unavailable"})


class TooOld(ConnectorError):
    """X refuses the time or the page that we want to go on from."""


@dataclass(frozen=True, slots=True)
class Includes:
    """What came along with the posts of an answer, by id: https://docs.x.com/x-api/fundamentals/expansions"""

    users: Mapping[str, Mapping[str, Any]]
    media: Mapping[str, Mapping[str, Any]]
    polls: Mapping[str, Mapping[str, Any]]
    posts: Mapping[str, Mapping[str, Any]]


def post_of(item: Any, includes: Includes, source: str, author: str, addressed: tuple[str, ...] = ()) -> Post:
    """Read one post; ValueError says what is wrong with it. Field names: https://docs.x.com/x-api/fundamentals/data-dictionary"""
    if not isinstance(item, dict):
        raise ValueError("not an object")
    native_id, text, author_id = item.get("id"), item.get("text"), item.get("author_id")
    if not is_id(native_id):
        raise ValueError("id is not a post id")
    if not isinstance(text, str):
        raise ValueError("text is not a text")
    if not is_id(author_id):
        raise ValueError("author_id is not a user id")
    note = item.get("note_tweet") or item.get("note_post")
    if isinstance(note, dict) and isinstance(note.get("text"), str):
        text = note["text"]
    versions = versions_of(item)
    posted_at = time_of(versions[0]) or parse_time(item.get("created_at"))
    if posted_at is None:
        raise ValueError("neither created_at nor the id tells a time")
    user = includes.users.get(author_id, {})
    name = user.get("username")
    handle = name if isinstance(name, str) and re.fullmatch(r"\w{1,50}", name, re.ASCII) else ""
    thread = item.get("conversation_id")
    answered = item.get("in_reply_to_user_id")
    pictures, videos = _shown(item)
    return Post(
        source=source,
        native_id=versions[0],
        url=f"https://x.com/{handle or 'i'}/status/{native_id}",
        author=handle or author or author_id,
        author_name=clean(user["name"]) if isinstance(user.get("name"), str) else "",
        text="\n".join(clean(html.unescape(words)) for words in (text, *_attached(item, includes))),
        posted_at=posted_at,
        lang=language_of(item.get("lang")),
        reach=reach_of(item, user),
        parent_id=referenced(item, "replied_to"),
        parent_author=_answered(item, includes.users),
        parent_text=_answered_words(item, includes.posts),
        thread_id=thread if is_id(thread) and thread != versions[0] else "",
        edited_at=time_of(versions[-1]) if len(versions) > 1 else None,
        raw=raw_of(item),
        author_id=author_id,
        pictures=pictures,
        videos=videos,
        addressed=(*addressed, answered) if is_id(answered) else addressed,
    )


def handle_of(account: str) -> str:
    """Write an account as X names it: without the @, in small letters."""
    return account.strip().removeprefix("@").casefold()


def knows_nobody(body: Mapping[str, Any]) -> bool:
    """Say whether an answer without data only says that what was asked for is not there, or shown to nobody."""
    errors = body.get("errors")
    kinds = [str(each.get("type", "")) for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
    return any(kind.rpartition("/")[2] in _NOT_THERE for kind in kinds)


def _answered(item: Mapping[str, Any], users: Mapping[str, Mapping[str, Any]]) -> str:
    """Whom a post answers, named as authors are: by handle where users were asked for, else by id."""
    user_id = item.get("in_reply_to_user_id")
    if not is_id(user_id):
        return ""
    name = users.get(user_id, {}).get("username")
    return name if isinstance(name, str) and re.fullmatch(r"\w{1,50}", name, re.ASCII) else user_id


def _answered_words(item: Mapping[str, Any], posts: Mapping[str, Mapping[str, Any]]) -> str:
    """What a reply answers, where that came along."""
    text = posts.get(referenced(item, "replied_to"), {}).get("text")
    return clean(html.unescape(text)) if isinstance(text, str) else ""


def is_id(value: object) -> TypeGuard[str]:
    """Say whether this is an id as X writes them: up to 19 digits."""
    return isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value, re.ASCII) is not None


def time_of(post_id: str) -> datetime | None:
    """Read the time inside an id ("snowflake"); ids from before November 2010 hold none."""
    stamp = int(post_id) >> 22
    return moment(stamp + SNOWFLAKE_EPOCH) if stamp > 1_000_000 else None


def versions_of(item: Mapping[str, Any]) -> list[str]:
    """Give the ids of a post's versions, oldest first. An edit makes a new id; the first one stays its name here."""
    history = item.get("edit_history_tweet_ids") or item.get("edit_history_post_ids")
    versions = [one for one in history if is_id(one)] if isinstance(history, list) else []
    return sorted({*versions, item["id"]}, key=int)


def latest_of(item: Mapping[str, Any]) -> object:
    """Give the id of a post's newest version."""
    return versions_of(item)[-1] if is_id(item.get("id")) else item.get("id")


def language_of(value: object) -> str:
    """X tags what it cannot tell as und, qme, qht and the like, and no language as zxx."""
    found = value if isinstance(value, str) and re.fullmatch(r"[A-Za-z-]{2,10}", value) else ""
    return "" if found in {"und", "zxx"} or (found.startswith("q") and len(found) == 3) else found


def reach_of(item: Mapping[str, Any], user: Mapping[str, Any]) -> int | None:
    """The author's followers where we paid for them, else how often the post was shown."""
    for metrics, key in (
        (user.get("public_metrics"), "followers_count"),
        (item.get("public_metrics"), "impression_count"),
    ):
        number = metrics.get(key) if isinstance(metrics, dict) else None
        if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**53:
            return number
    return None


def referenced(item: Mapping[str, Any], kind: str) -> str:
    """Give the id of the post that this one answers, quotes or reposts ("replied_to", "quoted", "retweeted")."""
    referenced = item.get("referenced_tweets") or item.get("referenced_posts")
    for one in referenced if isinstance(referenced, list) else []:
        if isinstance(one, dict) and one.get("type") == kind and is_id(one.get("id")):
            return str(one["id"])
    return ""


def list_in(body: Mapping[str, Any], key: str) -> list[Any]:
    """Give the list under `key`, empty when X left it out; anything else there is Nonsense."""
    found = body.get(key, [])
    if not isinstance(found, list):
        raise Nonsense(f"X's {key} is a {type(found).__name__} instead of a list", "Check api_url.")
    return list(found)


def includes_in(body: Mapping[str, Any]) -> Includes:
    """Give what came along with the posts of an answer; what is malformed is left out."""
    includes = body.get("includes")
    found = includes if isinstance(includes, dict) else {}
    return Includes(*(_by_id(found.get(kind), key) for kind, key in _INCLUDED))


def _by_id(found: object, key: str) -> dict[str, Mapping[str, Any]]:
    items = found if isinstance(found, list) else []
    return {item[key]: item for item in items if isinstance(item, dict) and isinstance(item.get(key), str)}


def _attached(item: Mapping[str, Any], includes: Includes) -> list[str]:
    """The words that people wrote outside the text: the choices of a poll, and what a picture shows."""
    attachments = item.get("attachments")
    named = attachments if isinstance(attachments, dict) else {}
    polls = [includes.polls.get(one, {}).get("options") for one in _texts(named.get("poll_ids"))]
    options = [option for poll in polls if isinstance(poll, list) for option in poll if isinstance(option, dict)]
    shown = [includes.media.get(one, {}).get("alt_text") for one in _texts(named.get("media_keys"))]
    return [words for words in (*(option.get("label") for option in options), *shown) if isinstance(words, str)]


def _shown(item: Mapping[str, Any]) -> tuple[int, int]:
    """How many pictures and videos a post shows: their keys begin with the kind, so that none has to be paid for."""
    attachments = item.get("attachments")
    keys = _texts(attachments.get("media_keys")) if isinstance(attachments, dict) else []
    kinds = [key.partition("_")[0] for key in keys]
    return sum(kind in PICTURES for kind in kinds), sum(kind in VIDEOS for kind in kinds)


def _texts(found: object) -> list[str]:
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def gone_in(body: Mapping[str, Any], asked: list[str] | None) -> tuple[str, ...]:
    """Give the ids that X says are deleted, protected or withheld, of those that were asked for (None: any)."""
    errors = body.get("errors")
    gone = []
    for error in errors if isinstance(errors, list) else []:
        if not isinstance(error, dict) or error.get("parameter") not in {"id", "ids", "username"}:
            continue
        kind = str(error.get("type", "")).rpartition("/")[2]
        one = error.get("resource_id") or error.get("value")
        known = kind in _NOT_THERE
        if known and isinstance(one, str) and (asked is None or one in asked):
            gone.append(one)
    return tuple(dict.fromkeys(gone))


def told_in(body: Mapping[str, Any]) -> str:
    """Give the title of X's first error, which names a kind and never a text or a key."""
    errors = body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else body
    title = first.get("title") if isinstance(first, dict) else None
    return f" ({title})" if isinstance(title, str) and re.fullmatch(r"[A-Za-z -]{1,40}", title) else ""


def error_of(answer: Answer, now: datetime, again: str = "") -> ConnectorError:
    """Turn a refusal into the error that fits. Bodies tell apart what shares a status; they are never quoted.

    `again` is how to sign in again, where a person has signed in.
    """
    said = answer.body[:20_000].decode("utf-8", "replace").casefold()
    status = answer.status
    if status == 402 or "usagecapexceeded" in said or "usage-capped" in said:
        return _unpaid(status)
    if status == 429:
        return RateLimited("X: too many requests (429)", reset_at(answer.headers, now), "Nothing to do.")
    if status in {401, 403}:
        return _refused(status, said, again)
    if status == 400 and re.search(r"since_id|start_time|next_token|pagination_token", said):
        return TooOld("X refuses the time or page to continue from (400)", "Check this machine's clock.")
    if status >= 500:
        return ConnectorError(f"X has an internal error ({status})", "Nothing to do; Earful will retry.")
    return ConnectorError(f"X rejected the request ({status})", "Check search, mentions_of and api_url.")


def _unpaid(status: int) -> NoCredit:
    if status == 402:
        return NoCredit("X: the account has no credit left (402)", "Buy credit in console.x.com, Billing.")
    return NoCredit(
        "X: the account's monthly cap of posts is reached (UsageCapExceeded)",
        "Raise the cap in console.x.com, or wait for next month. This is not a rate limit.",
    )


def _refused(status: int, said: str, again: str) -> Refused:
    if "client-not-enrolled" in said or "client-forbidden" in said:
        return Refused(
            "X: the app is not enrolled in the API (client-not-enrolled)",
            "In console.x.com enrol the app: attach it to a project with pay-per-use access, then make a new token.",
        )
    if again and status == 401:
        return Refused("X rejects a token that it has just given (401)", f"Sign in again: {again}")
    if again:
        return Refused("X refuses this request (403)", f"Check in console.x.com what the app may read; then: {again}")
    if status == 401:
        return Refused("X rejects the bearer token (401)", "Make a new one in console.x.com; set bearer_token.")
    return Refused("X refuses this request (403)", "Check in console.x.com what the app may read.")


def reset_at(headers: Mapping[str, str], now: datetime) -> datetime:
    """When to come back: by X's own clock if it tells it, within one second and fifteen minutes from `now`."""
    try:
        reset = datetime.fromtimestamp(float(headers.get("x-rate-limit-reset", "")), UTC)
    except (ValueError, OverflowError, OSError):
        return now + UNKNOWN_WAIT
    try:
        theirs = parsedate_to_datetime(headers.get("date", "")).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        theirs = now
    wait = reset - theirs
    # A reset in the past tells nothing; asking again at once would only hammer.
    wait = UNKNOWN_WAIT if wait <= timedelta(0) else wait
    return now + min(max(wait, timedelta(seconds=1)), LONGEST_WAIT)
