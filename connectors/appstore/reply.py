"""Responding to a review in the App Store, by a key of its own with the role Customer Support.

A review has one response at most, and a new one would replace it: so the review is asked for first, and a response that
is there is never overwritten. Apple shows a response after a while; its time is when it was last changed.
https://developer.apple.com/documentation/appstoreconnectapi/customer-review-responses
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field, SecretStr

from connectors import Post
from connectors.answers import Answer
from connectors.appstore.connector import NETWORK, TOKEN_LIVES, Settings
from connectors.http import Http, json_of
from connectors.listing import part
from connectors.signing import signed
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
    sound_object,
)

LONGEST = 5_970  # characters
INSIDE = "reply to "  # how a response inside a review is called: it has no address of its own
_REVIEW = re.compile(r"[0-9A-Za-z-]{1,80}")
_ROLE = "Make a key with the role Customer Support for replies, write it into this source's settings, then reload."


class ReplySettings(BaseModel, frozen=True, extra="forbid"):
    """What an `appstore` source with `reply = true` needs beside."""

    reply_key_id: str = Field(pattern=r"^[A-Za-z0-9]{4,40}$", description="The id of a key for replies alone.")
    reply_private_key: SecretStr = Field(description="Its AuthKey_....p8, whole: { file = ... }.")
    reply_issuer_id: str = Field(default="", pattern=r"^[0-9A-Za-z-]{0,60}$", description="Of a team's key.")


class _Gone(NotWritten):
    """The review was deleted, and what stood below it with it."""


class AppStoreReply:
    """Responds to reviews of the apps that the key is for."""

    network = "the App Store"
    price = ""
    looks_up = True
    takes_back = True

    def __init__(self, settings: ReplySettings, reading: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._address = reading.api_url.rstrip("/")

    def standing(self, now: datetime) -> Standing:
        """Whether the key is good; customers see the response as the developer's."""
        self._read("/v1/apps", now, {"limit": 1})
        return Standing("the app's developer", LONGEST)

    def opening(self, _post: Post) -> str:
        """Nothing: it is shown below the review."""
        return ""

    def refusal(self, _post: Post) -> str:
        """Nothing."""
        return ""

    def length(self, text: str) -> int:
        """As everybody counts."""
        return len(text)

    def reply(self, post: Post, text: str, _key: str, now: datetime) -> Written:
        """https://developer.apple.com/documentation/appstoreconnectapi/post-v1-customerreviewresponses"""
        with nothing_sent_yet():
            response = self._response(post.native_id, now)
        if response is not None:
            raise NotWritten("the review has a response already", "Change that one in App Store Connect.")
        review = {"data": {"type": "customerReviews", "id": post.native_id}}
        data = {
            "type": "customerReviewResponses",
            "attributes": {"responseBody": text},
            "relationships": {"review": review},
        }
        headers = {**self._headers(now), "Content-Type": "application/json"}
        address = f"{self._address}/v1/customerReviewResponses"
        found, _ = send(self._http, "POST", address, headers, json.dumps({"data": data}).encode(), refuses=_ROLE)
        written = _written(part(found, "data"), post)
        if written is None:
            raise Unsure(f"{NETWORK} took the reply and sent something that is not a response")
        return written

    def look_up(self, post: Post, text: str, _key: str, since: datetime, now: datetime) -> Written | None:
        """The response of the review, if it is ours in these words."""
        response = self._response(post.native_id, now)
        written = _written(response, post)
        if written is None or written.at < since - CLOCKS:
            return None
        return written if bare(part(response, "attributes").get("responseBody")) == bare(text) else None

    def answers(self, native_id: str, now: datetime) -> int | None:
        """None where there is no response; a response cannot be answered."""
        return None if self._ours(native_id, now) is None else 0

    def take_back(self, native_id: str, now: datetime) -> None:
        """https://developer.apple.com/documentation/appstoreconnectapi/delete-v1-customerreviewresponses-_id_"""
        with nothing_sent_yet():
            response = self._ours(native_id, now)
        if response is not None:
            address = f"{self._address}/v1/customerReviewResponses/{response['id']}"
            delete(
                lambda: send(self._http, "DELETE", address, self._headers(now), refuses=_ROLE),
                lambda: self.answers(native_id, now),
            )

    def _ours(self, native_id: str, now: datetime) -> dict[str, Any] | None:
        """The response that we wrote; None where it is gone, by itself or with its review."""
        try:
            return self._response(native_id.removeprefix(INSIDE), now)
        except _Gone:
            return None

    def _response(self, review: str, now: datetime) -> dict[str, Any] | None:
        """The response that a review has; None for none. NotWritten where the review is gone, or is none."""
        if not _REVIEW.fullmatch(review):
            raise NotWritten(f"{NETWORK}: this is not a review", "Respond in App Store Connect itself.")
        answer = self._get(f"/v1/customerReviews/{review}", now, {"include": "response"})
        if answer.status == 404:
            json_of(answer)  # the 404 of a proxy is a web page, and says nothing
            raise _Gone(f"{NETWORK}: the review was deleted", "Nothing was sent; close the case.")
        found = sound_object(answer, NETWORK, now, _ROLE)
        wanted = part(found, "data", "relationships", "response", "data").get("id")
        for each in found.get("included") or () if isinstance(found, dict) else ():
            if isinstance(each, dict) and isinstance(wanted, str) and each.get("id") == wanted:
                return each
        return None

    def _headers(self, now: datetime) -> dict[str, str]:
        given, began = self._settings, int(now.timestamp())
        who = {"iss": given.reply_issuer_id} if given.reply_issuer_id else {"sub": "user"}
        claims = {**who, "iat": began, "exp": began + int(TOKEN_LIVES.total_seconds()), "aud": "appstoreconnect-v1"}
        key = given.reply_private_key
        token = signed("ES256", key, claims, key_id=given.reply_key_id, where="reply_private_key")
        return {"Authorization": f"Bearer {token}"}

    def _get(self, path: str, now: datetime, params: dict[str, str | int]) -> Answer:
        headers = {"Accept": "application/json", **self._headers(now)}
        return self._http.get(self._address + path, params=params, headers=headers)

    def _read(self, path: str, now: datetime, params: dict[str, str | int]) -> Any:
        return sound_object(self._get(path, now, params), NETWORK, now, _ROLE)


def _written(response: Any, post: Post) -> Written | None:
    at = parse_time(part(response, "attributes").get("lastModifiedDate"))
    return Written(f"{INSIDE}{post.native_id}", post.url, at) if at is not None else None
