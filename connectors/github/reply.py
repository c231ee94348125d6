"""Answering below an issue on GitHub, as the account of a token that may write issues.

A comment knows no parent but its issue; whoever is answered is named in it. GitHub has no key against doubles: what was
lost is looked for among the issue's comments. https://docs.github.com/rest/issues/comments
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field, SecretStr

from connectors import Nonsense, Post
from connectors.github.connector import NETWORK, Settings
from connectors.http import Answer, Http, json_of
from connectors.text import parse_time, safe_url
from connectors.writing import CLOCKS, NotWritten, Standing, Unsure, Written, bare, delete, send, sound

LONGEST = 65_536  # characters of a comment
PAGE = 100  # comments that are looked through
_REPOSITORY = r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}"
_PLACE = re.compile(rf"({_REPOSITORY})#([0-9]{{1,10}})(?:/[0-9]{{1,15}})?")
_OURS = re.compile(rf"({_REPOSITORY})#([0-9]{{1,10}})/([0-9]{{1,15}})")
_RENEW = "Make a fine-grained token that may write issues in these repositories, write it into the settings, reload."


class ReplySettings(BaseModel, frozen=True, extra="forbid"):
    """What a `github` source with `reply = true` needs beside."""

    reply_token: SecretStr = Field(
        description="A fine-grained token of the account that answers: Issues, read and write."
    )


class GitHubReply:
    """Comments on issues. Discussions are written by another API, and are answered on GitHub itself."""

    network = NETWORK
    price = ""
    looks_up = True
    takes_back = True

    def __init__(self, settings: ReplySettings, reading: Settings, http: Http) -> None:
        self._token = settings.reply_token
        self._http = http
        self._address = reading.api_url.rstrip("/")
        self._me = ""

    def standing(self, now: datetime) -> Standing:
        """https://docs.github.com/rest/users/users#get-the-authenticated-user"""
        me = self._read("/user", now)
        login = me.get("login") if isinstance(me, dict) else None
        if not isinstance(login, str) or not re.fullmatch(r"[\w-]{1,60}(\[bot\])?", login):
            raise Nonsense(f"{NETWORK} sent something that is not an account", "Check api_url.")
        self._me = login
        return Standing(f"@{login}", LONGEST)

    def opening(self, post: Post) -> str:
        """Below an issue with many voices, who is meant."""
        return f"@{post.author} " if post.parent_id and post.author and post.author != "ghost" else ""

    def refusal(self, post: Post) -> str:
        """Discussions can't be answered by this way."""
        return "" if _PLACE.fullmatch(post.native_id) else "discussions can't be answered from here; answer on GitHub"

    def length(self, text: str) -> int:
        """As everybody counts."""
        return len(text)

    def reply(self, post: Post, text: str, _key: str, _now: datetime) -> Written:
        """https://docs.github.com/rest/issues/comments#create-an-issue-comment"""
        place = _PLACE.fullmatch(post.native_id)
        if place is None:
            raise NotWritten(f"{NETWORK}: this is not an issue", "Answer it on GitHub itself.")
        address = f"{self._address}/repos/{place[1]}/issues/{place[2]}/comments"
        headers = {**self._headers(), "Content-Type": "application/json"}
        found, _ = send(self._http, "POST", address, headers, json.dumps({"body": text}).encode())
        written = _written(found, place)
        if written is None:
            raise Unsure(f"{NETWORK} took the reply and sent something that is not a comment")
        return written

    def look_up(self, post: Post, text: str, _key: str, since: datetime, now: datetime) -> Written | None:
        """Among the newest comments of the issue: ours, in these words."""
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
        """What others wrote in the issue since; a comment has no answers of its own."""
        place = _OURS.fullmatch(native_id)
        if place is None:
            return None
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
        if place is None:
            raise NotWritten(f"{NETWORK}: this is not a comment of ours", "Delete it on GitHub itself.")
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
