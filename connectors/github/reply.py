"""Answering on GitHub, below an issue or in a discussion, as the account of a token that may write there.

Discussions are written by another API (`discussions`). Below an issue a comment knows no parent but the issue; whoever
is answered is named in it. GitHub has no key against doubles: what was lost is looked for among the comments.
https://docs.github.com/rest/issues/comments
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field, SecretStr

from connectors import Nonsense, Post
from connectors.answers import Answer
from connectors.github.connector import NETWORK, Settings
from connectors.github.discussions import Discussions, is_node, place_of
from connectors.http import Http, json_of
from connectors.text import parse_time, safe_url
from connectors.writing import CLOCKS, NotWritten, Standing, Unsure, Written, bare, delete, send, sound

LONGEST = 65_536  # characters of a comment
PAGE = 100  # comments that are looked through
_REPOSITORY = r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}"
_PLACE = re.compile(rf"({_REPOSITORY})#([0-9]{{1,10}})(?:/[0-9]{{1,15}})?")
_OURS = re.compile(rf"({_REPOSITORY})#([0-9]{{1,10}})/([0-9]{{1,15}})")
_RENEW = "Make a fine-grained token that may write issues and discussions there, write it into the settings, reload."


class ReplySettings(BaseModel, frozen=True, extra="forbid"):
    """What a `github` source with `reply = true` needs beside."""

    reply_token: SecretStr = Field(
        description="A fine-grained token of the account that answers: Issues and Discussions, read and write."
    )


class GitHubReply:
    """Comments on issues and in discussions."""

    network = NETWORK
    price = ""
    looks_up = True
    takes_back = True

    def __init__(self, settings: ReplySettings, reading: Settings, http: Http) -> None:
        self._token = settings.reply_token
        self._http = http
        self._address = reading.api_url.rstrip("/")
        self._me = ""
        self._discussions = Discussions(http, reading.api_url, self._headers, _RENEW)

    def standing(self, now: datetime) -> Standing:
        """https://docs.github.com/rest/users/users#get-the-authenticated-user"""
        me = self._read("/user", now)
        login = me.get("login") if isinstance(me, dict) else None
        if not isinstance(login, str) or not re.fullmatch(r"[\w-]{1,60}(\[bot\])?", login):
            raise Nonsense(f"{NETWORK} sent something that is not an account", "Check api_url.")
        self._me = login
        return Standing(f"@{login}", LONGEST)

    def opening(self, post: Post) -> str:
        """Below others' words, who is meant."""
        return f"@{post.author} " if post.parent_id and post.author and post.author != "ghost" else ""

    def refusal(self, post: Post) -> str:
        """What is neither of an issue nor of a discussion."""
        known = _PLACE.fullmatch(post.native_id) or place_of(post)
        return "" if known else "only issues and discussions can be answered from here; answer on GitHub"

    def length(self, text: str) -> int:
        """As everybody counts."""
        return len(text)

    def reply(self, post: Post, text: str, _key: str, now: datetime) -> Written:
        """https://docs.github.com/rest/issues/comments#create-an-issue-comment"""
        if (discussed := place_of(post)) is not None:
            return self._discussions.reply(discussed, text, now)
        place = _PLACE.fullmatch(post.native_id)
        if place is None:
            raise NotWritten(f"{NETWORK}: this is neither an issue nor a discussion", "Answer it on GitHub itself.")
        address = f"{self._address}/repos/{place[1]}/issues/{place[2]}/comments"
        headers = {**self._headers(), "Content-Type": "application/json"}
        found, _ = send(self._http, "POST", address, headers, json.dumps({"body": text}).encode())
        written = _written(found, place)
        if written is None:
            raise Unsure(f"{NETWORK} took the reply and sent something that is not a comment")
        return written

    def look_up(self, post: Post, text: str, _key: str, since: datetime, now: datetime) -> Written | None:
        """Among the newest comments of the issue or discussion: ours, in these words."""
        if (discussed := place_of(post)) is not None:
            return self._discussions.look_up(discussed, text, since, now)
        place = _PLACE.fullmatch(post.native_id)
        if place is None:
            return None
        if not self._me:
            self.standing(now)
        for each in self._comments(place, since - CLOCKS, now):
            written = _written(each, place)
            user = each.get("user") if isinstance(each, dict) else None
            login = user.get("login") if isinstance(user, dict) else None
            if written is not None and login == self._me and bare(each.get("body")) == bare(text):
                return written
        return None

    def answers(self, native_id: str, now: datetime) -> int | None:
        """What others wrote in the issue since; only in a discussion has a comment answers of its own."""
        place = _OURS.fullmatch(native_id)
        if place is None:
            return self._discussions.answers(native_id, now)
        answer = self._get(f"/repos/{place[1]}/issues/comments/{place[3]}")
        if answer.status in {404, 410}:
            json_of(answer)
            return None
        ours = sound(answer, NETWORK, now, _RENEW)
        at = parse_time(ours.get("created_at")) if isinstance(ours, dict) else None
        if at is None:
            raise Nonsense(f"{NETWORK} sent something that is not a comment", "Check api_url.")
        later = [each.get("id") for each in self._comments(place, at, now) if isinstance(each, dict)]
        return sum(1 for each in later if isinstance(each, int) and each > int(place[3]))

    def take_back(self, native_id: str, now: datetime) -> None:
        """https://docs.github.com/rest/issues/comments#delete-an-issue-comment"""
        place = _OURS.fullmatch(native_id)
        if place is None and not is_node(native_id):
            raise NotWritten(f"{NETWORK}: this is not a comment of ours", "Delete it on GitHub itself.")
        if place is None:
            delete(lambda: self._discussions.delete(native_id), lambda: self.answers(native_id, now))
            return
        address = f"{self._address}/repos/{place[1]}/issues/comments/{place[3]}"
        delete(
            lambda: send(self._http, "DELETE", address, self._headers()),
            lambda: self.answers(native_id, now),
        )

    def _comments(self, place: re.Match[str], since: datetime, now: datetime) -> list[Any]:
        params: dict[str, str | int] = {"since": since.strftime("%Y-%m-%dT%H:%M:%SZ"), "per_page": PAGE}
        found = sound(self._get(f"/repos/{place[1]}/issues/{place[2]}/comments", params), NETWORK, now, _RENEW)
        if not isinstance(found, list):
            raise Nonsense(f"{NETWORK} sent something that is not a list of comments", "Check api_url.")
        return found

    def _headers(self) -> dict[str, str]:
        return {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self._token.get_secret_value()}",
            "X-GitHub-Api-Version": "2022-11-28",
        }

    def _get(self, path: str, params: dict[str, str | int] | None = None) -> Answer:
        return self._http.get(self._address + path, params=params, headers=self._headers())

    def _read(self, path: str, now: datetime) -> Any:
        return sound(self._get(path), NETWORK, now, _RENEW)


def _written(each: Any, place: re.Match[str]) -> Written | None:
    number, at = (each.get("id"), parse_time(each.get("created_at"))) if isinstance(each, dict) else (None, None)
    if not isinstance(number, int) or at is None:
        return None
    return Written(f"{place[1]}#{place[2]}/{number}", safe_url(each.get("html_url")), at)
