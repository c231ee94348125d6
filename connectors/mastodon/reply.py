"""Answering on Mastodon, as the account of a token that may write.

A reply is public in the way of what it answers: below an unlisted post it is unlisted. The server hears our key with
it and makes one status of two requests for an hour. https://docs.joinmastodon.org/methods/statuses/#create
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from pydantic import BaseModel, Field, SecretStr

from connectors import Nonsense, Post
from connectors.answers import Answer
from connectors.http import Http, json_of
from connectors.mastodon.connector import Settings
from connectors.text import clean, parse_time, plain, safe_url, text_of
from connectors.writing import (
    CLOCKS,
    COUNTED_LINK,
    NotWritten,
    Standing,
    Unsure,
    Written,
    delete,
    nothing_sent_yet,
    send,
    sound,
)

LONGEST = 500  # where the server does not say
OF_A_LINK = 23  # characters that every link counts for, however long it is
RECENT = 40  # own posts that are looked through
_NAMED = re.compile(r"(?<![\w/])@(\w+(?:[\w.-]+\w)?)@[\w.-]+\w")
_RENEW = "Create a token with write:statuses, profile and read:statuses for the account, then reload."


class ReplySettings(BaseModel, frozen=True, extra="forbid"):
    """What a `mastodon` source with `reply = true` needs beside."""

    reply_token: SecretStr = Field(
        description="A token of its own for the account that answers: write:statuses, profile, read:statuses."
    )


class MastodonReply:
    """Answers on the server that the source reads."""

    network = "Mastodon"
    price = ""
    looks_up = True
    takes_back = True

    def __init__(self, settings: ReplySettings, reading: Settings, http: Http) -> None:
        self._token = settings.reply_token
        self._http = http
        self._base = reading.api_url.rstrip("/")
        self._host = urlsplit(self._base).hostname or "the server"
        self._me = ""

    def standing(self, now: datetime) -> Standing:
        """The token's account, and the longest status that the server takes."""
        me = self._read("/api/v1/accounts/verify_credentials", now)
        name = me.get("acct") if isinstance(me, dict) else None
        if not isinstance(name, str) or not name or not isinstance(me.get("id"), str):
            raise Nonsense(f"{self._host} sent something that is not an account", "Check api_url.")
        self._me = me["id"]
        found: Any = self._read("/api/v2/instance", now)
        for key in ("configuration", "statuses", "max_characters"):
            found = found.get(key) if isinstance(found, dict) else None
        longest = found if isinstance(found, int) and 0 < found < 1_000_000 else LONGEST
        return Standing(f"@{clean(name)}@{self._host}", longest)

    def opening(self, post: Post) -> str:
        """Only who is named in a reply hears of it."""
        return f"@{post.author.lstrip('@')} " if post.author else ""

    def refusal(self, _post: Post) -> str:
        """Nothing: whoever may see a post may answer it."""
        return ""

    def length(self, text: str) -> int:
        """Links count for 23 characters, and of "@name@server" the name alone."""
        return len(_NAMED.sub(r"@\1", COUNTED_LINK.sub("x" * OF_A_LINK, text)))

    def reply(self, post: Post, text: str, key: str, now: datetime) -> Written:
        """One call; the post itself is asked for first, for how public it is."""
        fields = {"status": text, "in_reply_to_id": post.native_id, "visibility": self._visibility(post, now)}
        headers = {
            **self._headers(),
            "Idempotency-Key": key,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        status, _ = send(self._http, "POST", f"{self._base}/api/v1/statuses", headers, urlencode(fields).encode())
        written = _written(status)
        if written is None:
            raise Unsure(f"{self._host} took the reply and sent something that is not a status")
        return written

    def look_up(self, post: Post, text: str, _key: str, since: datetime, now: datetime) -> Written | None:
        """Among the account's newest posts: the one that answers this post in these words."""
        if not self._me:
            self.standing(now)
        path = f"/api/v1/accounts/{quote(self._me, safe='')}/statuses"
        found = self._read(path, now, {"limit": RECENT, "exclude_reblogs": "true"})
        if not isinstance(found, list):
            raise Nonsense(f"{self._host} sent something that is not a list of posts", "Check api_url.")
        for status in found:
            written = _written(status)
            if written is None or status.get("in_reply_to_id") != post.native_id or written.at < since - CLOCKS:
                continue
            if _bare(plain(text_of(status.get("content")))) == _bare(text):
                return written
        return None

    def answers(self, native_id: str, now: datetime) -> int | None:
        """As the server counts them."""
        answer = self._get(f"/api/v1/statuses/{quote(native_id, safe='')}")
        if answer.status in {404, 410}:
            json_of(answer)  # the 404 of a proxy is a web page, and says nothing
            return None
        status = sound(answer, self._host, now, _RENEW)
        count = status.get("replies_count") if isinstance(status, dict) else None
        if not isinstance(count, int):
            raise Nonsense(f"{self._host} sent something that is not a status", "Check api_url.")
        return count

    def take_back(self, native_id: str, now: datetime) -> None:
        """https://docs.joinmastodon.org/methods/statuses/#delete"""
        address = f"{self._base}/api/v1/statuses/{quote(native_id, safe='')}"
        delete(
            lambda: send(self._http, "DELETE", address, self._headers()),
            lambda: self.answers(native_id, now),
        )

    def _visibility(self, post: Post, now: datetime) -> str:
        """A reply is never more public than what it answers. What is gone can't be answered any more."""
        with nothing_sent_yet():
            answer = self._get(f"/api/v1/statuses/{quote(post.native_id, safe='')}")
            if answer.status in {404, 410}:
                raise NotWritten(f"{self._host}: the post was deleted", "Nothing was sent; close the case.")
            status = sound(answer, self._host, now, _RENEW)
        visibility = status.get("visibility") if isinstance(status, dict) else None
        if visibility not in {"public", "unlisted"}:
            raise NotWritten(
                f"{self._host}: the post is no longer public; nothing was sent", f"Answer it on {self._host} itself."
            )
        return str(visibility)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token.get_secret_value()}"}

    def _get(self, path: str, params: dict[str, str | int] | None = None) -> Answer:
        headers = {"Accept": "application/json", **self._headers()}
        return self._http.get(self._base + path, params=params, headers=headers)

    def _read(self, path: str, now: datetime, params: dict[str, str | int] | None = None) -> Any:
        return sound(self._get(path, params), self._host, now, _RENEW)


def _written(status: Any) -> Written | None:
    """A status as what was written; None where it is none."""
    if not isinstance(status, dict) or not isinstance(status.get("id"), str) or not status["id"]:
        return None
    at = parse_time(status.get("created_at"))
    return Written(status["id"], safe_url(status.get("url")), at) if at is not None else None


def _bare(text: str) -> str:
    """A text as it is compared: a server shows "@name@server" as "@name", and parts lines in its own way."""
    return " ".join(_NAMED.sub(r"@\1", clean(text)).split()).casefold()
