"""GitHub: issues and discussions about the brand, and all that is written in its own repositories.

Issues come by the REST API (https://docs.github.com/rest/search/search and .../rest/issues), discussions by GraphQL,
which needs a token (https://docs.github.com/graphql/guides/using-the-graphql-api-for-discussions). Lists of own
repositories are asked for with the ETag of the last time: an answer 304 costs nothing of the hour's calls
(https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api). A limit that is reached may
say 403: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, Field, SecretStr, field_validator

from connectors import Batch, Closed, ConnectorError, Conversation, Nonsense, Post, Quota, RateLimited, Refused, Request
from connectors.answers import Answer, retry_after
from connectors.conversations import one_by_one
from connectors.http import Http, json_of
from connectors.listing import Listed, by_name, get_object, list_of, object_of, part, read_page, sort_out
from connectors.pagination import Walk, fingerprint, moment
from connectors.text import clean, parse_time, raw_of, safe_url, text_of

NETWORK = "GitHub"
PAGE = 100
MOST_PAGES = 5  # of the comments in one conversation
MOST_SHOWN = 1_000  # hits of one search that can be seen at all
OVERLAP = timedelta(hours=1)
# Plain words beside the Markdown: https://docs.github.com/rest/using-the-rest-api/getting-started-with-the-rest-api
WORDS_ONLY = "application/vnd.github.text+json"
_REPOSITORY = re.compile(r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}")
_ISSUE = re.compile(rf"({_REPOSITORY.pattern})#([0-9]{{1,10}})")
_COMMENT = re.compile(rf"({_REPOSITORY.pattern})#[0-9]{{1,10}}/([0-9]{{1,15}})")
_DISCUSSION = re.compile(r"([A-Za-z0-9-]{1,39})/([A-Za-z0-9._-]{1,100})/discussions/([0-9]{1,10})")
_ACCESS = "Check the token and what it may read; a fine-grained token needs Issues and Discussions, read-only."

_POST = "id number title bodyText url createdAt lastEditedAt author { login ... on User { databaseId } }"
_SEARCH = f"""query($words: String!, $after: String) {{
  search(type: DISCUSSION, query: $words, first: 50, after: $after) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{ ... on Discussion {{ {_POST} repository {{ nameWithOwner }} }} }}
  }}
}}"""
_SAID = _POST.replace("number title ", "")
_ONE = f"""query($owner: String!, $name: String!, $number: Int!) {{
  repository(owner: $owner, name: $name) {{ discussion(number: $number) {{
    comments(last: 50) {{ nodes {{ {_SAID} replies(last: 50) {{ nodes {{ {_SAID} }} }} }} }}
  }} }}
}}"""


class Settings(BaseModel, frozen=True, extra="forbid"):
    """Options of a `github` source."""

    token: SecretStr | None = Field(default=None, description="Reads more often, and discussions; needs no scope.")
    repositories: tuple[str, ...] = Field(default=(), description='Your own, read whole: "owner/name".')
    search: bool = Field(default=True, description="Search all public issues for the brands' words.")
    discussions: bool = Field(default=True, description="Search discussions too; only with a token.")
    api_url: str = Field(
        default="https://api.github.com",
        pattern=r"^https?://[^\s?#@]+$",
        description="The API; for your own server too.",
    )

    @field_validator("repositories")
    @classmethod
    def _named(cls, repositories: tuple[str, ...]) -> tuple[str, ...]:
        for each in repositories:
            if not _REPOSITORY.fullmatch(each):
                raise ValueError('write each repository as "owner/name"')
        return repositories


def graphql_of(api_url: str) -> str:
    """Where GraphQL is: beside the REST API, also on a server of one's own, whose REST API ends in /api/v3."""
    address = api_url.rstrip("/")
    return (address.removesuffix("/v3") if address.endswith("/api/v3") else address) + "/graphql"


class GitHub:
    """Reads issues, their comments and discussions."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._address = settings.api_url.rstrip("/")
        # Without a token an hour has 60 calls, which are for reading.
        self.asks_at_once = 20 if settings.token is not None else 1

    def fetch(self, request: Request) -> Batch:
        """Read one page: of a search, or of an own repository, where everything speaks to us."""
        walk, now = Walk.load(request.cursor), request.now
        walk.begin(self._lanes(request.terms), now, request.since, OVERLAP)
        kind, _, name = walk.lane.partition(":")

        def ask(walk: Walk) -> Listed:
            if kind.startswith("discussions"):
                return self._discussions(kind, name, walk, now)
            return self._search(name, walk, now) if kind == "search" else self._own(kind, name, walk, now)

        def posts_of(each: Any) -> list[Post]:
            if isinstance(each, dict) and ("pull_request" in each or "/pull/" in text_of(each.get("html_url"))):
                return []  # work on the code, not a word to us
            if kind.startswith("discussions"):
                return [_discussion(each, request.source)] if each else []
            found = _issue(each, request.source) if kind != "comments" else _comment(each, request.source)
            return [found if kind == "search" else replace(found, addressed=("*",))]

        batch = read_page(walk, request, NETWORK, ask, posts_of)
        ours = kind == "discussions-of"
        return replace(batch, posts=tuple(replace(post, addressed=("*",)) for post in batch.posts)) if ours else batch

    most_conversations = 20

    def fetch_conversations(self, conversations: tuple[Conversation, ...], request: Request) -> Batch:
        """Read the comments below some issues and discussions since, one call each."""
        quota: Quota | None = None

        def read(one: Conversation) -> list[Post]:
            nonlocal quota
            said, quota = self._below(one, request)
            return [replace(each, thread_id=one.thread) for each in said if each.posted_at >= one.since]

        found = one_by_one(conversations[: self.most_conversations], read)
        return Batch(found.posts, request.cursor, quota=quota, not_before=found.not_before, unread=found.unread)

    def refresh(self, ids: tuple[str, ...], request: Request) -> Batch:
        """Ask after known issues and comments: one that is not there, or says 410, is gone. Discussions are left."""
        gone: list[str] = []
        quota: Quota | None = None
        for native_id in ids:
            issue, comment = _ISSUE.fullmatch(native_id), _COMMENT.fullmatch(native_id)
            if issue:
                path = f"/repos/{issue[1]}/issues/{issue[2]}"
            elif comment:
                path = f"/repos/{comment[1]}/issues/comments/{comment[2]}"
            else:
                continue
            try:
                _, answer = self._get(path, request.now)
                quota = _quota(answer)
            except Closed:
                gone.append(native_id)
        if gone and len(gone) == len(ids):  # none of them is there: is this the API at all?
            self._get("/rate_limit", request.now)
        return Batch((), request.cursor, quota=quota, deleted=tuple(gone))

    def _lanes(self, terms: tuple[str, ...]) -> list[str]:
        words = sorted({found for found in map(_words, terms) if found})
        lanes = [f"search:{each}" for each in words] if self._settings.search else []
        own = sorted(set(self._settings.repositories))
        lanes += [f"{kind}:{each}" for each in own for kind in ("issues", "comments")]
        if self._settings.token is not None and self._settings.discussions:
            lanes += [f"discussions:{each}" for each in words] + [f"discussions-of:{each}" for each in own]
        return lanes

    def _search(self, words: str, walk: Walk, now: datetime) -> Listed:
        """One page of a search; behind the last that GitHub shows it goes on with a search of what is older."""
        until, _, place = walk.token.rpartition(" ")
        number = int(place) if place.isdecimal() and len(place) < 6 else 1
        since = f"{moment(walk.floor):%Y-%m-%dT%H:%M:%SZ}"
        span = f"created:{since}..{until}" if until else f"created:>={since}"
        asked: dict[str, str | int] = {
            "q": f'"{words}" is:issue {span}', "sort": "created", "order": "desc", "per_page": PAGE, "page": number,
        }  # fmt: skip
        document, answer = self._get("/search/issues", now, asked)
        items = list_of(document, "items", NETWORK)
        if len(items) < PAGE:
            # A search that took too long: https://docs.github.com/rest/search/search#timeouts-and-incomplete-results
            return Listed(items, "", _quota(answer), partial=document.get("incomplete_results") is True)
        if (number + 1) * PAGE <= MOST_SHOWN:
            return Listed(items, f"{until} {number + 1}", _quota(answer))
        times = [at for each in items if isinstance(each, dict) and (at := parse_time(each.get("created_at")))]
        return Listed(items, f"{min(times):%Y-%m-%dT%H:%M:%SZ} 1" if times else "", _quota(answer))

    def _own(self, kind: str, repository: str, walk: Walk, now: datetime) -> Listed:
        """Issues or comments of an own repository; the first page only if it is another one than last time."""
        number, key = _page(walk), fingerprint(walk.lane)
        asked: dict[str, str | int] = {"sort": "created", "direction": "desc", "per_page": PAGE, "page": number}
        held = walk.extra.get("etags")
        etags = held if isinstance(held, dict) else {}
        tag = etags.get(key) if number == 1 else None
        path = f"/repos/{repository}/issues" + ("/comments" if kind == "comments" else "")
        asked |= {"state": "all"} if kind == "issues" else {}
        headers = {"If-None-Match": tag} if isinstance(tag, str) else {}
        answer = self._http.get(self._address + path, params=asked, headers={**self._headers(), **headers})
        if answer.status == 304:
            return Listed((), quota=_quota(answer))
        items = _listed(answer, now)
        if number == 1 and (now_tag := answer.headers.get("etag", ""))[:200].isascii():
            walk.extra["etags"] = dict([*etags.items(), (key, now_tag[:200])][-200:])
        return Listed(items, str(number + 1) if len(items) == PAGE else "", _quota(answer))

    def _discussions(self, kind: str, name: str, walk: Walk, now: datetime) -> Listed:
        where = f"repo:{name}" if kind == "discussions-of" else f'"{name}"'
        words = f"{where} created:>={moment(walk.floor):%Y-%m-%dT%H:%M:%SZ} sort:created-desc"
        found = part(self._graphql(_SEARCH, {"words": words, "after": walk.token or None}, now), "search")
        more = part(found, "pageInfo")
        after = text_of(more.get("endCursor")) if more.get("hasNextPage") is True else ""
        return Listed(list_of(found, "nodes", NETWORK), after)

    def _below(self, one: Conversation, request: Request) -> tuple[list[Post], Quota | None]:
        if found := _ISSUE.fullmatch(one.thread):
            return self._comments(f"/repos/{found[1]}/issues/{found[2]}/comments", one.since, request)
        if (found := _DISCUSSION.fullmatch(one.thread)) and self._settings.token is not None:
            asked_for = {"owner": found[1], "name": found[2], "number": int(found[3])}
            held = part(self._graphql(_ONE, asked_for, request.now), "repository", "discussion", "comments")
            nodes = held.get("nodes")
            said = [each for each in nodes if isinstance(each, dict)] if isinstance(nodes, list) else []
            more = [(text_of(each.get("id")), part(each, "replies").get("nodes")) for each in said]
            items = [(one.thread, each) for each in said]
            items += [(above, each) for above, listed in more if isinstance(listed, list) for each in listed]
            return [_said(each, above, request.source) for above, each in items if _is_sound(each)], None
        return [], None

    def _comments(self, path: str, since: datetime, request: Request) -> tuple[list[Post], Quota | None]:
        """The comments below one issue, which come the oldest first."""
        posts: list[Post] = []
        asked: dict[str, str | int] = {"since": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "per_page": PAGE}
        for number in range(1, MOST_PAGES + 1):
            answer = self._http.get(self._address + path, params={**asked, "page": number}, headers=self._headers())
            items = _listed(answer, request.now)
            posts += sort_out(items, lambda each: [_comment(each, request.source)], NETWORK).posts
            if len(items) < PAGE:
                break
        return by_name(posts), _quota(answer)

    def _graphql(self, query: str, variables: Mapping[str, object], now: datetime) -> dict[str, Any]:
        """GraphQL says its errors with status 200."""
        asked = {"query": query, "variables": dict(variables)}
        document, _ = self._http.post_json(graphql_of(self._address), json=asked, headers=self._headers())
        found = part(document, "data")
        errors = document.get("errors") if isinstance(document, dict) else None
        if errors and not any(found.values()):
            kinds = {clean(str(part(each).get("type", "")))[:40] for each in errors if isinstance(each, dict)}
            message = f"{NETWORK} refused to list discussions ({', '.join(sorted(kinds))})"
            if "RATE_LIMITED" in kinds:
                raise RateLimited(message, now + timedelta(minutes=15), "Nothing to do; Earful will retry.")
            raise Closed(message, _ACCESS)
        if not found:
            raise Nonsense(f"{NETWORK} answered without data", "Check api_url; Earful will retry.")
        return found

    def _get(
        self, path: str, now: datetime, params: Mapping[str, str | int] | None = None
    ) -> tuple[dict[str, Any], Answer]:
        url = self._address + path
        return get_object(
            self._http, url, now, params=params, headers=self._headers(),
            refusal=lambda answer, said: _refusal(answer, said, now),
        )  # fmt: skip

    def _headers(self) -> dict[str, str]:
        held = {"Accept": WORDS_ONLY, "X-GitHub-Api-Version": "2022-11-28"}
        if self._settings.token is not None:
            held["Authorization"] = f"Bearer {self._settings.token.get_secret_value()}"
        return held


def _refusal(answer: Answer, said: Mapping[str, Any], now: datetime) -> ConnectorError | None:
    """A limit that is reached says 403 or 429; what is not there, gone, or turned off says 404 or 410."""
    message, words = f"{NETWORK} answered {answer.status}", str(said.get("message", "")).lower()
    spent = answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers
    if answer.status in {403, 429} and (spent or "rate limit" in words):
        at = retry_after(answer.headers, now) or now + timedelta(minutes=1)
        return RateLimited(
            f"{message}: too many requests", at, "Nothing to do; Earful will retry. A token allows more."
        )
    if answer.status in {404, 410, 451}:
        return Closed(message, "Check the names under repositories, and what the token may read.")
    if answer.status == 422:
        return Refused(
            f"{message}: the search was rejected", "A word of the brands' queries may be too long for GitHub."
        )
    return Refused(message, _ACCESS) if answer.status in {401, 403} else None


def _listed(answer: Answer, now: datetime) -> list[Any]:
    """An answer that is a list by itself; an error is an object."""
    if answer.status >= 400:
        object_of(answer, now, lambda answer, said: _refusal(answer, said, now))
    found = json_of(answer)
    if not isinstance(found, list):
        raise Nonsense(f"{NETWORK} answered with something that is not a list", "Check api_url.")
    return found


def _quota(answer: Answer) -> Quota | None:
    left, at = answer.headers.get("x-ratelimit-remaining", ""), answer.headers.get("x-ratelimit-reset", "")
    return Quota(int(left[:9]), parse_time(at)) if left.isdecimal() else None


def _page(walk: Walk) -> int:
    return int(walk.token) if walk.token.isdecimal() and len(walk.token) < 6 else 1


def _words(term: str) -> str:
    return " ".join(re.sub(r'["\\:]', " ", clean(term)).split())[:200]


def _issue(each: Any, source: str) -> Post:
    """Read one issue: https://docs.github.com/rest/issues/issues. A ValueError says what is wrong with it."""
    address = text_of(each.get("html_url")) if isinstance(each, dict) else ""
    found = re.search(rf"/({_REPOSITORY.pattern})/issues/([0-9]{{1,10}})$", address)
    title = each.get("title") if isinstance(each, dict) else None
    if not found or not isinstance(title, str):
        raise ValueError("html_url or title is missing, or not an issue's")
    words = each.get("body_text", each.get("body"))
    post = _written(each, f"{found[1]}#{found[2]}", words if words is not None else "", source)
    return replace(post, title=clean(title).replace("\n", " "), text=post.text or clean(title))


def _comment(each: Any, source: str) -> Post:
    """Read one comment: https://docs.github.com/rest/issues/comments"""
    address = text_of(each.get("html_url")) if isinstance(each, dict) else ""
    found = re.search(rf"/({_REPOSITORY.pattern})/issues/([0-9]{{1,10}})#issuecomment-([0-9]{{1,15}})$", address)
    if not found:
        raise ValueError("html_url is missing, or not a comment's")
    issue, changed_at = f"{found[1]}#{found[2]}", parse_time(each.get("updated_at"))
    post = _written(each, f"{issue}/{found[3]}", each.get("body_text", each.get("body")), source)
    edited_at = changed_at if changed_at and changed_at > post.posted_at else None
    return replace(post, parent_id=issue, thread_id=issue, edited_at=edited_at)


def _written(each: Mapping[str, Any], native_id: str, words: object, source: str) -> Post:
    """What issues and comments have in common."""
    posted_at, user = parse_time(each.get("created_at")), part(each, "user")
    if posted_at is None:
        raise ValueError("created_at is missing or not a time")
    if not isinstance(words, str):
        raise ValueError("body_text is missing or not a text")
    return Post(
        source=source,
        native_id=native_id,
        url=safe_url(each.get("html_url")),
        author=clean(text_of(user.get("login"))) or "ghost",  # whose account is gone
        author_id=text_of(user.get("id")),
        text=clean(words).strip(),
        posted_at=posted_at,
        raw=raw_of({name: value for name, value in each.items() if name not in {"body", "body_html", "repository"}}),
    )


def _discussion(each: Any, source: str) -> Post:
    """Read one discussion that a search found."""
    repository, number, title = part(each, "repository").get("nameWithOwner"), each.get("number"), each.get("title")
    name = f"{repository}/discussions/{number}"
    if not _DISCUSSION.fullmatch(name) or not isinstance(title, str):
        raise ValueError("repository, number or title is missing")
    post = _said(each, "", source)
    return replace(
        post, native_id=name, title=clean(title).replace("\n", " "), text=post.text or clean(title), thread_id=""
    )


def _is_sound(each: Any) -> bool:
    texts = isinstance(each, dict) and isinstance(each.get("id"), str) and isinstance(each.get("bodyText"), str)
    return texts and parse_time(each.get("createdAt")) is not None


def _said(each: Any, above: str, source: str) -> Post:
    """Read what somebody wrote in a discussion, in GraphQL's names."""
    if not _is_sound(each):
        raise ValueError("id, bodyText or createdAt is missing")
    posted_at, author = parse_time(each["createdAt"]), part(each, "author")
    assert posted_at is not None
    return Post(
        source=source,
        native_id=each["id"],
        url=safe_url(each.get("url")),
        author=clean(text_of(author.get("login"))) or "ghost",
        author_id=text_of(author.get("databaseId")),
        text=clean(each["bodyText"]).strip(),
        posted_at=posted_at,
        edited_at=parse_time(each.get("lastEditedAt")),
        parent_id=above,
        thread_id=above,
        raw=raw_of(each),
    )
