"""Answering comments on YouTube, in the name of a person who has agreed to it once for the brand's channel.

YouTube threads have two floors: a reply to a reply is one to its thread, and whoever is meant is named in it.
https://developers.google.com/youtube/v3/docs/comments/insert
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field, SecretStr

from connectors import Nonsense, Post, Refused
from connectors.google import PersonsAccess
from connectors.http import Http
from connectors.listing import part
from connectors.text import clean, parse_time
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
    sound_object,
)
from connectors.youtube.connector import NETWORK, Settings

LONGEST = 10_000  # characters of a comment
_COMMENT = re.compile(r"[\w.-]{12,200}")  # a video has eleven letters
_AGREE = "Agree once more with the scope youtube.force-ssl for the brand's channel, and put the new file there."


class ReplySettings(BaseModel, frozen=True, extra="forbid"):
    """What a `youtube` source with `reply = true` needs beside."""

    reply_credentials: SecretStr = Field(
        description="client_id, client_secret and refresh_token of who agreed for the channel, as JSON: { file = ... }."
    )


class YouTubeReply:
    """Answers comments as one channel. A video that somebody else made is answered on YouTube itself."""

    network = NETWORK
    price = ""
    looks_up = True
    takes_back = True

    def __init__(self, settings: ReplySettings, reading: Settings, http: Http) -> None:
        self._http = http
        self._address = reading.api_url.rstrip("/")
        self._access = PersonsAccess(settings.reply_credentials, http)
        self._me = ""

    def standing(self, now: datetime) -> Standing:
        """https://developers.google.com/youtube/v3/docs/channels/list with `mine`"""
        found = self._read("channels", now, {"part": "snippet", "mine": "true"})
        listed = found.get("items")
        first = listed[0] if isinstance(listed, list) and listed else None
        number, title = (first.get("id") if isinstance(first, dict) else None), part(first, "snippet").get("title")
        if not isinstance(number, str) or not isinstance(title, str):
            raise Refused(f"{NETWORK}: whoever agreed has no channel", _AGREE)
        self._me = number
        return Standing(" ".join(clean(title).split())[:80], LONGEST)

    def opening(self, post: Post) -> str:
        """Below another reply, who is meant."""
        return f"{post.author if post.author.startswith('@') else f'@{post.author}'} " if post.parent_id else ""

    def refusal(self, post: Post) -> str:
        """A video is no comment."""
        return "" if _COMMENT.fullmatch(post.native_id) else "only comments can be answered from here"

    def length(self, text: str) -> int:
        """As everybody counts."""
        return len(text)

    def reply(self, post: Post, text: str, _key: str, now: datetime) -> Written:
        """The comment is asked for first: whether it stands."""
        if why := self.refusal(post):
            raise NotWritten(why, "Nothing was sent.")
        with nothing_sent_yet():
            if not self._comments({"id": post.native_id}, now):
                raise NotWritten(f"{NETWORK}: the comment was deleted", "Nothing was sent; close the case.")
            headers = self._access.headers(now)
        body = json.dumps({"snippet": {"parentId": _thread(post), "textOriginal": text}}).encode()
        headers = {**headers, "Content-Type": "application/json"}
        found, _ = send(self._http, "POST", f"{self._address}/comments?part=snippet", headers, body)
        written = _written(found, post)
        if written is None:
            raise Unsure(f"{NETWORK} took the reply and sent something that is not a comment")
        return written

    def look_up(self, post: Post, text: str, _key: str, since: datetime, now: datetime) -> Written | None:
        """Among the newest replies of the thread: ours, in these words."""
        if not self._me:
            self.standing(now)
        asked = {"parentId": _thread(post), "maxResults": "100", "textFormat": "plainText"}
        for each in self._comments(asked, now):
            written, held = _written(each, post), part(each, "snippet")
            ours = part(held, "authorChannelId").get("value") == self._me
            same = bare(held.get("textOriginal") or held.get("textDisplay")) == bare(text)
            if written is not None and ours and same and written.at >= since - CLOCKS:
                return written
        return None

    def answers(self, native_id: str, now: datetime) -> int | None:
        """How many replies came after ours in its thread; None where ours is gone."""
        found = self._comments({"id": native_id}, now)
        if not found:
            return None
        at = parse_time(part(found[0], "snippet").get("publishedAt"))
        parent = part(found[0], "snippet").get("parentId") or native_id.partition(".")[0]
        later = self._comments({"parentId": str(parent), "maxResults": "100", "textFormat": "plainText"}, now)
        times = [parse_time(part(each, "snippet").get("publishedAt")) for each in later if each.get("id") != native_id]
        return sum(1 for each in times if each is not None and at is not None and each >= at)

    def take_back(self, native_id: str, now: datetime) -> None:
        """https://developers.google.com/youtube/v3/docs/comments/delete"""
        if not _COMMENT.fullmatch(native_id):
            raise NotWritten(f"{NETWORK}: this is not a comment of ours", "Delete it on YouTube itself.")
        with nothing_sent_yet():
            headers = self._access.headers(now)
        delete(
            lambda: send(self._http, "DELETE", f"{self._address}/comments?id={native_id}", headers),
            lambda: self.answers(native_id, now),
        )

    def _comments(self, params: dict[str, str], now: datetime) -> list[dict[str, Any]]:
        found = self._read("comments", now, {"part": "snippet", **params}).get("items")
        if not isinstance(found, list):
            raise Nonsense(f"{NETWORK} answered without items", "Check api_url.")
        return [each for each in found if isinstance(each, dict)]

    def _read(self, what: str, now: datetime, params: dict[str, str]) -> dict[str, Any]:
        headers = {"Accept": "application/json", **self._access.headers(now)}
        return sound_object(
            self._http.get(f"{self._address}/{what}", params=params, headers=headers), NETWORK, now, _AGREE
        )


def _thread(post: Post) -> str:
    return post.thread_id if _COMMENT.fullmatch(post.thread_id) else post.native_id


def _written(each: Any, post: Post) -> Written | None:
    number = each.get("id") if isinstance(each, dict) else None
    at = parse_time(part(each, "snippet").get("publishedAt"))
    if not isinstance(number, str) or not _COMMENT.fullmatch(number) or at is None:
        return None
    return Written(number, re.sub(r"([?&]lc=)[^&]*", rf"\g<1>{number}", post.url), at)
