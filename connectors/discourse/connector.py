"""A forum that runs Discourse, by its newest posts (https://docs.discourse.org).

Every post of the forum is read, the newest first, whatever its words: who answers in the topic of a case is seen by it.
A post is named by its topic and its number there, since that is how a reply says what it answers. What our own accounts
wrote comes from their activity, which also says what each answers.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, Field, SecretStr

from connectors import Batch, Closed, ConnectorError, Post, Refused, Request
from connectors.answers import Answer
from connectors.http import Http, host_of
from connectors.listing import Gone, Listed, get_object, list_of, read_page
from connectors.pagination import Walk
from connectors.text import clean, parse_time, plain, raw_of

LANE = "posts"
OVERLAP = timedelta(hours=6)  # a post that waited for a moderator appears under its old time
WINDOW = 50  # ids of one page
MOST_EMPTY = 20  # pages without a public post, one after the other
ACTIONS = "4,5"  # new topics and replies: app/models/user_action.rb of Discourse
_NAME = re.compile(r"[\w.-]{1,60}")
_POST = re.compile(r"([0-9]{1,12})/([0-9]{1,9})")
_KEY = "Check api_key and api_username; the key needs the scopes posts:list and users:show, or all read scopes."


class Settings(BaseModel, frozen=True, extra="forbid"):
    """Options of a `discourse` source; a public forum needs no key."""

    api_url: str = Field(pattern=r"^https?://[^\s?#@]+$", description="The forum's address.")
    own: bool = Field(default=False, description="true: your own forum; every post in it counts as about the brand.")
    api_key: SecretStr | None = Field(default=None, description="For a forum that only members can read.")
    api_username: str = Field(default="system", pattern=r"^[\w.-]{1,60}$", description="Whom the key acts for.")


class Discourse:
    """Reads what people write in one forum."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._address = settings.api_url.rstrip("/")
        self._host = host_of(settings.api_url)

    def fetch(self, request: Request) -> Batch:
        """Read one page of the forum's posts. The forum is not searched: Earful looks for the brand's words itself."""
        walk = Walk.load(request.cursor)
        walk.begin([LANE], request.now, request.since, OVERLAP)

        def ask(walk: Walk) -> Listed:
            document = self._get("/posts.json", request, {"before": walk.token} if walk.token else {})
            listed = list_of(document, "latest_posts", self._host)
            ids = [each["id"] for each in listed if isinstance(each, dict) and isinstance(each.get("id"), int)]
            # A page is a window of 50 ids, of which none may be public; `before` belongs to the page itself.
            empty = 0 if ids else int(walk.extra.get("empty") or 0) + 1
            walk.extra["empty"] = empty
            below = min(ids) - 1 if ids else int(walk.token or 0) - WINDOW
            return Listed(listed, str(below) if below > 0 and empty <= MOST_EMPTY else "")

        def posts_of(each: Any) -> list[Post]:
            found = self._post(each, request.source)
            return [replace(found, addressed=("*",)) if self._settings.own else found]

        return read_page(walk, request, self._host, ask, posts_of)

    def fetch_own(self, accounts: tuple[str, ...], request: Request) -> Batch:
        """Read one page of what the users `accounts` wrote."""
        names = sorted({name.lstrip("@") for name in accounts if _NAME.fullmatch(name.lstrip("@"))})
        if accounts and not names:
            raise ConnectorError(
                f"{request.source}: one of the brand's accounts is not a user name of the forum",
                "Write the user names.",
            )
        walk = Walk.load(request.cursor)
        walk.begin(names, request.now, request.since, OVERLAP)
        name = walk.lane

        def ask(walk: Walk) -> Listed:
            offset = int(walk.token) if walk.token.isdecimal() else 0
            asked: dict[str, str | int] = {"username": name, "filter": ACTIONS, "offset": offset}
            listed = list_of(self._get("/user_actions.json", request, asked), "user_actions", self._host)
            return Listed(listed, str(offset + len(listed)) if listed else "")

        return read_page(walk, request, self._host, ask, lambda each: [self._own(each, name, request.source)])

    asks_at_once = 20

    def refresh(self, ids: tuple[str, ...], request: Request) -> Batch:
        """Look known posts up again: one that was deleted is 404, or says so."""
        gone: list[str] = []
        stands = False
        for native_id in ids:
            found = _POST.fullmatch(native_id)
            if not found:
                continue
            try:
                document = self._get(f"/posts/by_number/{found[1]}/{found[2]}.json", request)
            except Closed:
                gone.append(native_id)
                continue
            stands = True
            gone += [native_id] if _is_gone(document) else []
        if gone and not stands:  # is this the forum at all?
            self._get("/site/basic-info.json", request)
        return Batch((), request.cursor, deleted=tuple(gone))

    def _get(self, path: str, request: Request, params: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {}
        if self._settings.api_key is not None:
            headers = {
                "Api-Key": self._settings.api_key.get_secret_value(),
                "Api-Username": self._settings.api_username,
            }
        found, _ = get_object(
            self._http, self._address + path, request.now, params=params, headers=headers, refusal=self._refusal
        )
        return found

    def _refusal(self, answer: Answer, _said: object) -> ConnectorError | None:
        message = f"{self._host} answered {answer.status}"
        if answer.status in {401, 403}:
            hint = _KEY if self._settings.api_key is not None else "This forum wants members only: set api_key."
            return Refused(message, hint)
        return Closed(message, "Check api_url and the names of your accounts.") if answer.status in {404, 410} else None

    def _post(self, each: Any, source: str) -> Post:
        """Read one post; the one place that knows Discourse's field names. A ValueError says what is wrong with it."""
        if not isinstance(each, dict):
            raise ValueError("a post is not an object")
        topic, number, above = (each.get(name) for name in ("topic_id", "post_number", "reply_to_post_number"))
        posted_at, changed_at = parse_time(each.get("created_at")), parse_time(each.get("updated_at"))
        author, words, title = each.get("username"), each.get("cooked"), each.get("topic_title")
        if not _is_number(topic) or not _is_number(number):
            raise ValueError("topic_id or post_number is missing or not a number")
        name = f"{topic}/{number}"
        if _is_gone(each):
            raise Gone(name)
        if posted_at is None:
            raise ValueError("created_at is missing or not a time")
        if not isinstance(author, str) or not isinstance(words, str):
            raise ValueError("username or cooked is missing")
        version, full_name = each.get("version"), each.get("name")
        edited = isinstance(version, int) and version > 1 and changed_at is not None and changed_at > posted_at
        heading = plain(title).replace("\n", " ") if isinstance(title, str) and number == 1 else ""
        return Post(
            source=source,
            native_id=name,
            url=f"{self._address}/t/{topic}/{number}",
            author=clean(author),
            author_name=clean(full_name) if isinstance(full_name, str) else "",
            author_id=str(each["user_id"]) if _is_number(each.get("user_id")) else "",
            title=heading,
            text=plain(words) or heading,
            posted_at=posted_at,
            edited_at=changed_at if edited else None,
            parent_id=f"{topic}/{above}" if _is_number(above) else f"{topic}/1" if number != 1 else "",
            thread_id=f"{topic}/1" if number != 1 else "",
            raw=raw_of(each),
        )

    def _own(self, each: Any, name: str, source: str) -> Post:
        """Read one entry of a user's activity: an excerpt, and what it answers."""
        if not isinstance(each, dict):
            raise ValueError("an action is not an object")
        number, excerpt = each.get("post_number"), each.get("excerpt")
        return replace(
            self._post({**each, "cooked": excerpt if isinstance(excerpt, str) else "", "username": name}, source),
            url=f"{self._address}/t/{each.get('topic_id')}/{number}",
        )


def _is_gone(each: dict[str, Any]) -> bool:
    return bool(each.get("deleted_at") or each.get("user_deleted") or each.get("deleted"))


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**12
