"""Answering in a Discourse forum, by a key that acts for one account. https://docs.discourse.org/#tag/Posts

A forum has no key against doubles, but refuses what is too like a post of a moment ago; what was lost is looked for
among the account's newest posts, by its raw text.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field, SecretStr

from connectors import Nonsense, Post
from connectors.answers import Answer
from connectors.discourse.connector import Settings
from connectors.http import Http, host_of, json_of
from connectors.text import parse_time
from connectors.writing import (
    CLOCKS,
    NotWritten,
    Standing,
    Unsure,
    Written,
    bare,
    delete,
    nothing_sent_yet,
    send,
    sound,
)

LONGEST = 32_000  # characters; a forum's own limit may be less, and is then told with its refusal
ACTIONS = "4,5"  # new topics and replies
RECENT = 8  # own posts that are looked at
_PLACE = re.compile(r"([0-9]{1,12})/([0-9]{1,9})")
_RENEW = "Have an admin make a key for this account with the scopes posts:create, posts:delete and the read scopes."


class ReplySettings(BaseModel, frozen=True, extra="forbid"):
    """What a `discourse` source with `reply = true` needs beside."""

    reply_key: SecretStr = Field(description="An API key that an admin made for the account that answers.")
    reply_username: str = Field(pattern=r"^[\w.-]{1,60}$", description="That account.")


class DiscourseReply:
    """Answers in one forum."""

    network = "Discourse"
    price = ""
    looks_up = True
    takes_back = True

    def __init__(self, settings: ReplySettings, reading: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._address = reading.api_url.rstrip("/")
        self._host = host_of(reading.api_url)

    def standing(self, now: datetime) -> Standing:
        """The account that the key acts for; asking for it shows whether the key still does."""
        found = self._read(f"/u/{self._settings.reply_username}.json", now)
        user = found.get("user") if isinstance(found, dict) else None
        name = user.get("username") if isinstance(user, dict) else None
        if not isinstance(name, str) or not re.fullmatch(r"[\w.-]{1,60}", name):
            raise Nonsense(f"{self._host} sent something that is not an account", "Check api_url.")
        return Standing(f"@{name}", LONGEST)

    def opening(self, _post: Post) -> str:
        """Nothing: a forum tells whoever is answered."""
        return ""

    def refusal(self, _post: Post) -> str:
        """Nothing; a closed topic is for the forum to refuse."""
        return ""

    def length(self, text: str) -> int:
        """As everybody counts."""
        return len(text)

    def reply(self, post: Post, text: str, _key: str, now: datetime) -> Written:
        """https://docs.discourse.org/#tag/Posts/operation/createTopicPostPM"""
        place = self._place(post)
        with nothing_sent_yet():
            if self._standing_post(post.native_id, now) is None:
                raise NotWritten(f"{self._host}: the post was deleted", "Nothing was sent; close the case.")
        body = {"raw": text, "topic_id": int(place[1]), "reply_to_post_number": int(place[2])}
        headers = {**self._headers(), "Content-Type": "application/json"}
        found, _ = send(self._http, "POST", f"{self._address}/posts.json", headers, json.dumps(body).encode())
        if isinstance(found, dict) and found.get("action") == "enqueued":
            raise Unsure(f"{self._host} holds the reply for a moderator")
        written = self._written(found)
        if written is None:
            raise Unsure(f"{self._host} took the reply and sent something that is not a post")
        return written

    def look_up(self, post: Post, text: str, _key: str, since: datetime, now: datetime) -> Written | None:
        """Among the account's newest posts in this topic, the one whose raw text it is."""
        place = self._place(post)
        asked: dict[str, str | int] = {"username": self._settings.reply_username, "filter": ACTIONS}
        found = self._read("/user_actions.json", now, asked)
        listed = found.get("user_actions") if isinstance(found, dict) else None
        if not isinstance(listed, list):
            raise Nonsense(f"{self._host} answered without user_actions", "Check api_url.")
        there = [each for each in listed if isinstance(each, dict) and each.get("topic_id") == int(place[1])]
        for each in there[:RECENT]:
            at = parse_time(each.get("created_at"))
            if at is None or at < since - CLOCKS:
                continue
            whole = self._standing_post(f"{place[1]}/{each.get('post_number')}", now)
            if whole is not None and bare(whole.get("raw")) == bare(text):
                return self._written(whole)
        return None

    def answers(self, native_id: str, now: datetime) -> int | None:
        """As the forum counts them."""
        whole = self._standing_post(native_id, now)
        if whole is None:
            return None
        count = whole.get("reply_count")
        return count if isinstance(count, int) else 0

    def take_back(self, native_id: str, now: datetime) -> None:
        """https://docs.discourse.org/#tag/Posts/operation/deletePost"""
        with nothing_sent_yet():
            whole = self._standing_post(native_id, now)
        if whole is not None:
            delete(
                lambda: send(self._http, "DELETE", f"{self._address}/posts/{whole.get('id')}.json", self._headers()),
                lambda: self.answers(native_id, now),
            )

    def _place(self, post: Post) -> re.Match[str]:
        place = _PLACE.fullmatch(post.native_id)
        if place is None:
            raise NotWritten(f"{self._host}: this is not a post", "Answer it in the forum itself.")
        return place

    def _standing_post(self, native_id: str, now: datetime) -> dict[str, Any] | None:
        """A post with its raw text; None where it is not there any more."""
        answer = self._get(f"/posts/by_number/{native_id}.json")
        if answer.status in {404, 410}:
            json_of(answer)  # the 404 of a proxy is a web page, and says nothing
            return None
        found = sound(answer, self._host, now, _RENEW)
        if not isinstance(found, dict) or not isinstance(found.get("id"), int):
            raise Nonsense(f"{self._host} sent something that is not a post", "Check api_url.")
        return None if found.get("deleted_at") or found.get("user_deleted") else found

    def _written(self, each: Any) -> Written | None:
        held = each if isinstance(each, dict) else {}
        topic, number, at = held.get("topic_id"), held.get("post_number"), parse_time(held.get("created_at"))
        if not isinstance(topic, int) or not isinstance(number, int) or at is None:
            return None
        return Written(f"{topic}/{number}", f"{self._address}/t/{topic}/{number}", at)

    def _headers(self) -> dict[str, str]:
        return {
            "Api-Key": self._settings.reply_key.get_secret_value(),
            "Api-Username": self._settings.reply_username,
        }

    def _get(self, path: str, params: dict[str, str | int] | None = None) -> Answer:
        headers = {"Accept": "application/json", **self._headers()}
        return self._http.get(self._address + path, params=params, headers=headers)

    def _read(self, path: str, now: datetime, params: dict[str, str | int] | None = None) -> Any:
        return sound(self._get(path, params), self._host, now, _RENEW)
