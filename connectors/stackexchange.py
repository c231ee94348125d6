"""One site of Stack Exchange: questions with the brand's words or tags, what is answered there, by the API 2.3.

https://api.stackexchange.com/docs. Two rules come with every answer: `backoff` is how many seconds this method must be
left alone, and `quota_remaining` what is left of the day (300 calls per address, 10,000 with a key that is free:
https://api.stackexchange.com/docs/throttle). Answers are always compressed; an error is 400 with an `error_id`
(https://api.stackexchange.com/docs/error-handling).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, Field, SecretStr

from connectors import Account, Batch, ConnectorError, Conversation, Post, Quota, RateLimited, Refused, Request
from connectors.about import About
from connectors.answers import Answer
from connectors.http import Http
from connectors.listing import Listed, get_object, list_of, part, read_page, sort_out
from connectors.pagination import Walk
from connectors.text import clean, parse_time, plain, raw_of, safe_url

NETWORK = "Stack Exchange"
PAGE = 100
FEW_LEFT = 200  # calls of a day: from there on they are spread over what is left of it
RESERVE = 20
OVERLAP = timedelta(hours=6)
MOST_PAGES = 5  # of the answers in conversations
_POST = re.compile(r"([0-9]{1,12})")
_COMMENT = re.compile(r"c([0-9]{1,12})")
_OWN_DOMAIN = frozenset({"stackoverflow", "serverfault", "superuser", "askubuntu", "stackapps"})  # ".com"
_KEY = "Check the key, or register the app again at stackapps.com."


ABOUT = About(
    reads="questions with the brand's words or tags on one site of Stack Exchange, and what is answered to cases",
    key="optional: the key of an app that you register",
    key_from="https://stackapps.com/apps/oauth/register",
    price="free; 300 calls per day, 10,000 with a key",
    misses="new answers below other people's questions, unless these have a case; chat",
    page="connect/stackexchange.md",
)


class Settings(BaseModel, frozen=True, extra="forbid"):
    """Options of a `stackexchange` source; it needs no key, and reads more often with one."""

    site: str = Field(
        default="stackoverflow", pattern=r"^[a-z0-9.-]{2,60}$", description="The site, as in its address."
    )
    tagged: tuple[str, ...] = Field(default=(), description="Tags about you; their questions count whatever they say.")
    search: bool = Field(default=True, description="Search questions for the brands' words.")
    key: SecretStr | None = Field(default=None, description="A key of stackapps.com: 10,000 calls per day, not 300.")
    api_url: str = Field(
        default="https://api.stackexchange.com/2.3", pattern=r"^https?://[^\s?#@]+$", description="The API."
    )


class StackExchange:
    """Reads questions that are new, and answers and comments below those that have a case."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._address = settings.api_url.rstrip("/")

    def fetch(self, request: Request) -> Batch:
        """Read one page of questions with one of `request.terms`, or with one of the tags."""
        terms = {words for words in map(_words, request.terms) if words} if self._settings.search else set()
        walk = Walk.load(request.cursor)
        lanes = [f"tag:{one.lower()}" for one in self._settings.tagged] + [f"search:{one}" for one in sorted(terms)]
        walk.begin(lanes, request.now, request.since, OVERLAP)
        kind, _, name = walk.lane.partition(":")

        def ask(walk: Walk) -> Listed:
            number = int(walk.token) if walk.token.isdecimal() else 1
            asked: dict[str, str | int] = {
                "order": "desc", "sort": "creation", "filter": "withbody", "pagesize": PAGE, "page": number,
                "fromdate": walk.floor // 1000,
            }  # fmt: skip
            path, what = ("/questions", "tagged") if kind == "tag" else ("/search/advanced", "q")
            return self._list(path, {**asked, what: name if kind == "tag" else f'"{name}"'}, request.now, number)

        def posts_of(each: Any) -> list[Post]:
            found = self._post(each, request.source)
            return [replace(found, addressed=("*",)) if kind == "tag" else found]

        return read_page(walk, request, NETWORK, ask, posts_of)

    most_conversations = 50

    def fetch_conversations(self, conversations: tuple[Conversation, ...], request: Request) -> Batch:
        """Read what was said below some questions since: answers, and comments on question and answers, all at once."""
        since = {
            one.thread: one.since for one in conversations[: self.most_conversations] if _POST.fullmatch(one.thread)
        }
        if not since:
            return Batch((), request.cursor)
        earliest, threads = int(min(since.values()).timestamp()), ";".join(since)
        answers, quota, wait = self._all(f"/questions/{threads}/answers", earliest, request)
        # Comments bear the id of what they stand below: the questions, and the answers that are known of here.
        known = {post.native_id: post.thread_id for post in answers}
        known |= {each: one.thread for one in conversations for each in one.posts if _POST.fullmatch(each)}
        below = ";".join(list(dict.fromkeys([*since, *known]))[:PAGE])
        comments: list[Post] = []
        if wait is None:
            comments, quota, wait = self._all(f"/posts/{below}/comments", earliest, request)
        comments = [replace(post, thread_id=known.get(post.parent_id, post.parent_id)) for post in comments]
        kept = [post for post in (*answers, *comments) if post.posted_at >= since.get(post.thread_id, request.now)]
        return Batch(tuple(kept), request.cursor, quota=quota, not_before=wait)

    asks_at_once = PAGE

    def refresh(self, ids: tuple[str, ...], request: Request) -> Batch:
        """Ask after known posts and comments, a hundred in one call: what is not in the answer is gone."""
        gone: list[str] = []
        quota: Quota | None = None
        wait: datetime | None = None
        for path, pattern, name in (("posts", _POST, "post_id"), ("comments", _COMMENT, "comment_id")):
            asked = {found[1]: one for one in ids if (found := pattern.fullmatch(one))}
            if not asked:
                continue
            listed = self._list(f"/{path}/{';'.join(asked)}", {"pagesize": PAGE}, request.now, 1)
            quota, wait = listed.quota, listed.not_before
            there = {str(each.get(name)) for each in listed.items if isinstance(each, dict)}
            gone += [one for number, one in asked.items() if number not in there]
        return Batch((), request.cursor, quota=quota, deleted=tuple(gone), not_before=wait)

    def identify(self, handles: tuple[str, ...], request: Request) -> tuple[dict[str, Account], Quota]:
        """Look up users by their numbers: a name is not one person's alone here."""
        numbers = [one for one in handles if _POST.fullmatch(one)][:PAGE]
        if not numbers:
            return {}, Quota()
        listed = self._list(f"/users/{';'.join(numbers)}", {"pagesize": PAGE}, request.now, 1)
        names = {
            str(each.get("user_id")): plain(str(each.get("display_name", "")))
            for each in listed.items
            if isinstance(each, dict)
        }
        return {one: Account(one if one in names else "", names.get(one, "")) for one in numbers}, Quota()

    def _post(self, each: Any, source: str) -> Post:
        """Read an item; answers and comments come without `link`, which the default filters leave out of these."""
        post = _post(each, source)
        return post if post.url else replace(post, url=_url(self._settings.site, post.native_id))

    def _all(self, path: str, earliest: int, request: Request) -> tuple[list[Post], Quota | None, datetime | None]:
        """Every page of a listing since a moment, up to a bound; stops where we are asked to wait."""
        posts: list[Post] = []
        asked: dict[str, str | int] = {"order": "desc", "sort": "creation", "filter": "withbody", "fromdate": earliest}
        for number in range(1, MOST_PAGES + 1):
            listed = self._list(path, {**asked, "pagesize": PAGE, "page": number}, request.now, number)
            posts += sort_out(listed.items, lambda each: [self._post(each, request.source)], NETWORK).posts
            if not listed.next or listed.not_before is not None:
                break
        return posts, listed.quota, listed.not_before

    def _list(self, path: str, params: Mapping[str, str | int], now: datetime, number: int) -> Listed:
        key = {"key": self._settings.key.get_secret_value()} if self._settings.key else {}
        document, _ = get_object(
            self._http, self._address + path, now, params={**params, **key, "site": self._settings.site},
            refusal=lambda answer, said: _refusal(answer, said, now),
        )  # fmt: skip
        items, left, backoff = (
            list_of(document, "items", NETWORK),
            document.get("quota_remaining"),
            document.get("backoff"),
        )
        known = left if isinstance(left, int) and not isinstance(left, bool) else None
        seconds = backoff if isinstance(backoff, int) and 0 < backoff <= 86_400 else 0
        wait = max(timedelta(seconds=seconds), _pace(known, now))
        return Listed(
            items,
            str(number + 1) if document.get("has_more") is True else "",
            Quota(known) if known is not None else None,
            now + wait if wait else None,
        )


def _pace(left: int | None, now: datetime) -> timedelta:
    """How long to rest so that the calls that are left last until the day ends (in UTC); nothing while there are many.

    Reading, conversations and questions after deletions rest each for themselves: hence three times as long.
    """
    if left is None or left >= FEW_LEFT:
        return timedelta()
    at = now.astimezone(UTC)
    midnight = (at + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight - at) / max(left - RESERVE, 1) * 3 if left > RESERVE else midnight - at


def _refusal(answer: Answer, said: Mapping[str, Any], now: datetime) -> ConnectorError | None:
    """An error by its id: https://api.stackexchange.com/docs?tab=type#docs"""
    number, name = said.get("error_id"), clean(str(said.get("error_name", "")))[:60]
    if not isinstance(number, int):
        return None
    message = f"{NETWORK} answered {answer.status} ({number} {name})"
    if number == 502:  # throttle_violation: the day is used up, or a backoff was not kept
        seconds = re.search(r"(\d{1,6}) seconds", str(said.get("error_message", "")))
        wait = timedelta(seconds=min(int(seconds[1]), 86_400)) if seconds else timedelta(minutes=15)
        return RateLimited(message, now + wait, "Nothing to do; Earful will retry. A free key allows 10,000 calls.")
    if number in {401, 402, 403, 405, 406, 409}:
        return Refused(message, _KEY)
    if number in {400, 404}:
        return Refused(message, "Check site and tagged in this source's settings.")
    return None


def _words(term: str) -> str:
    return " ".join(re.sub(r'["\\\[\]:]', " ", clean(term)).split())[:200]


def _post(each: Any, source: str) -> Post:
    """Read a question, an answer or a comment; the one place that knows the field names.

    https://api.stackexchange.com/docs/types/question, .../answer and .../comment: texts are HTML, titles are escaped.
    """
    if not isinstance(each, dict):
        raise ValueError("an item is not an object")
    numbers = {name: _number(each.get(f"{name}_id")) for name in ("comment", "answer", "question", "post")}
    kind = next((name for name in ("comment", "answer", "question") if numbers[name]), "")
    posted_at, words, owner = parse_time(each.get("creation_date")), each.get("body"), part(each, "owner")
    if not kind:
        raise ValueError("question_id, answer_id and comment_id are missing")
    if posted_at is None:
        raise ValueError("creation_date is missing or not a time")
    if not isinstance(words, str):
        raise ValueError("body is missing or not a text")
    author = owner.get("display_name")  # of whoever left, it or the whole owner may be absent
    edited_at, title, score = parse_time(each.get("last_edit_date")), each.get("title"), each.get("score")
    above = numbers["post"] if kind == "comment" else numbers["question"] if kind == "answer" else ""
    number = numbers[kind]
    return Post(
        source=source,
        native_id=f"c{number}" if kind == "comment" else number,
        url=safe_url(each.get("link")),
        author=plain(author).replace("\n", " ") if isinstance(author, str) else "deleted user",
        author_id=_number(owner.get("user_id")),
        title=plain(title).replace("\n", " ") if isinstance(title, str) and kind == "question" else "",
        text=plain(words),
        posted_at=posted_at,
        edited_at=edited_at if edited_at and edited_at > posted_at else None,
        reach=score if isinstance(score, int) and 0 <= score < 2**53 else None,
        parent_id=above,
        thread_id=above,
        raw=raw_of(each),
    )


def _url(site: str, native_id: str) -> str:
    """The short address of a question, answer or comment on a site, as its `api_site_parameter` names it.

    https://api.stackexchange.com/docs/sites: "stackoverflow", "es.stackoverflow", "unix", "mathoverflow.net".
    """
    if site.endswith((".com", ".net")):
        host = site
    elif site.rpartition(".")[2] in _OWN_DOMAIN:
        host = f"{site}.com"
    else:
        host = f"{site}.stackexchange.com"
    comment = _COMMENT.fullmatch(native_id)
    return f"https://{host}/posts/comments/{comment[1]}" if comment else f"https://{host}/q/{native_id}"


def _number(value: object) -> str:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**12 else ""
