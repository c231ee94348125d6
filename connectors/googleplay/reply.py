"""Replying to a review on Google Play, by a service account of its own with the right to reply to reviews.

A review has one reply at most, and a new one would replace it: so the review is asked for first, and a reply that is
there is never overwritten. Google has no call that deletes one.
https://developers.google.com/android-publisher/api-ref/rest/v3/reviews/reply
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from pydantic import BaseModel, Field, SecretStr

from connectors import Post
from connectors.answers import Answer
from connectors.google import ServiceAccount
from connectors.googleplay.connector import NETWORK, SCOPE, Settings
from connectors.http import Http, json_of
from connectors.listing import part
from connectors.text import parse_time
from connectors.writing import CLOCKS, NotWritten, Standing, Unsure, Written, bare, nothing_sent_yet, send, sound_object

LONGEST = 350  # characters, approximately, as the reference says
INSIDE = "reply to "  # how a reply inside a review is called: it has no address of its own
_ROLE = 'In Play Console, give this service account "Reply to reviews" for the app; that can take a day to count.'


class ReplySettings(BaseModel, frozen=True, extra="forbid"):
    """What a `googleplay` source with `reply = true` needs beside."""

    reply_credentials: SecretStr = Field(
        description="The JSON key file of a service account for replies alone, whole: { file = ... }."
    )


class GooglePlayReply:
    """Replies to reviews of the source's apps."""

    network = NETWORK
    price = ""
    looks_up = True
    takes_back = False

    def __init__(self, settings: ReplySettings, reading: Settings, http: Http) -> None:
        self._http = http
        self._address = reading.api_url.rstrip("/")
        self._packages = reading.packages
        self._account = ServiceAccount(settings.reply_credentials, SCOPE, http)

    def standing(self, now: datetime) -> Standing:
        """Whether the account may; customers see the reply as the developer's."""
        self._read(f"{self._reviews(self._packages[0])}", now, {"maxResults": 1})
        return Standing("the app's developer", LONGEST)

    def opening(self, _post: Post) -> str:
        """Nothing: it is shown below the review."""
        return ""

    def refusal(self, post: Post) -> str:
        """Nothing, where it is known which app it is about."""
        return "" if self._package(post) else "this review's app is not among packages; reply in Play Console"

    def length(self, text: str) -> int:
        """As everybody counts."""
        return len(text)

    def reply(self, post: Post, text: str, _key: str, now: datetime) -> Written:
        """The review is asked for first: whether it stands, and whether it has a reply."""
        with nothing_sent_yet():
            stands = self._comment(post, now)
            headers = self._account.headers(now)
        if stands:
            raise NotWritten("the review has a reply already", "Change that one in Play Console.")
        address = f"{self._reviews(self._package(post))}/{quote(post.native_id, safe='')}:reply"
        headers = {**headers, "Content-Type": "application/json"}
        found, _ = send(self._http, "POST", address, headers, json.dumps({"replyText": text}).encode(), refuses=_ROLE)
        at = parse_time(part(found, "result", "lastEdited").get("seconds"))
        if at is None:
            raise Unsure(f"{NETWORK} took the reply and sent something that is not its result")
        return Written(f"{INSIDE}{post.native_id}", post.url, at)

    def look_up(self, post: Post, text: str, _key: str, since: datetime, now: datetime) -> Written | None:
        """The reply of the review, if it is ours in these words."""
        held = self._comment(post, now)
        at = parse_time(part(held, "lastModified").get("seconds"))
        if at is None or at < since - CLOCKS or bare(held.get("text")) != bare(text):
            return None
        return Written(f"{INSIDE}{post.native_id}", post.url, at)

    def answers(self, native_id: str, _now: datetime) -> int | None:
        """Nobody can answer a reply there; it is never asked, since none can be deleted."""
        return 0 if native_id.startswith(INSIDE) else None

    def take_back(self, _native_id: str, _now: datetime) -> None:
        """Google has no call for it."""
        raise NotWritten(f"{NETWORK} can't delete a reply", "Change or delete it in Play Console.")

    def _package(self, post: Post) -> str:
        named = parse_qs(urlsplit(post.url).query).get("id", [""])[0]
        return named if named in self._packages else self._packages[0] if len(self._packages) == 1 else ""

    def _reviews(self, package: str) -> str:
        return f"{self._address}/androidpublisher/v3/applications/{quote(package, safe='')}/reviews"

    def _comment(self, post: Post, now: datetime) -> Mapping[str, Any]:
        """The developer's comment in a review, empty for none. NotWritten where the review is gone."""
        address = f"{self._reviews(self._package(post))}/{quote(post.native_id, safe='')}"
        answer = self._get(address, now, {})
        if answer.status == 404:
            json_of(answer)  # the 404 of a proxy is a web page, and says nothing
            raise NotWritten(f"{NETWORK}: the review was deleted", "Nothing was sent; close the case.")
        comments = sound_object(answer, NETWORK, now, _ROLE).get("comments")
        listed = comments if isinstance(comments, list) else []
        return next((held for one in reversed(listed) if (held := part(one, "developerComment"))), {})

    def _get(self, address: str, now: datetime, params: dict[str, str | int]) -> Answer:
        headers = {"Accept": "application/json", **self._account.headers(now)}
        return self._http.get(address, params=params, headers=headers)

    def _read(self, address: str, now: datetime, params: dict[str, str | int]) -> Any:
        return sound_object(self._get(address, now, params), NETWORK, now, _ROLE)
