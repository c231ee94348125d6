"""Reviews of one's own places on Google Maps and in Google Search, with our reply in each, by the Business Profile API.

https://developers.google.com/my-business/reference/rest/v4/accounts.locations.reviews/list lists them, the last changed
first; https://developers.google.com/my-business/reference/rest/v4/accounts.locations.reviews/get answers NOT_FOUND for
one that was deleted. Google lets a project in by hand (https://developers.google.com/my-business/content/prereqs):
until then its quota is 0 and every call answers 429.

A review is placed at its last change. Our reply does not move it, so each read looks `overlap` back for replies, and
once a day `rescan`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, Field, SecretStr, field_validator

from connectors import Batch, Closed, ConnectorError, Nonsense, Post, RateLimited, Refused, Request
from connectors.about import About
from connectors.answers import Answer
from connectors.durations import Span
from connectors.google import PersonsAccess, refusal
from connectors.http import Http
from connectors.listing import Listed, get_object, overlap_of, part, read_page
from connectors.pagination import Walk
from connectors.text import clean, parse_time, raw_of, safe_url

ABOUT = About(
    reads="reviews of your own places on Google Maps and Search, stars without words too, with your reply in each",
    key="an OAuth client and a refresh token, once Google has approved your project for the Business Profile APIs",
    key_from="https://developers.google.com/my-business/content/prereqs",
    misses="reviews of places that you don't manage or that are not verified; questions and answers",
    page="connect/googlebusiness.md",
)

NETWORK = "Google Business Profile"
PAGE = 50  # the most that Google gives at once
AGAIN = timedelta(minutes=15)  # after the quota is used up
_NAMES = frozenset({"reviews", "averageRating", "totalReviewCount", "nextPageToken"})
_STARS = {"ONE": 1.0, "TWO": 2.0, "THREE": 3.0, "FOUR": 4.0, "FIVE": 5.0}
_UNSEEN = frozenset({"PENDING", "REJECTED"})  # states of a reply
_PLACE = re.compile(r"accounts/\d{1,30}/locations/\d{1,30}", re.ASCII)
_REVIEW = re.compile(r"accounts/\d{1,30}/locations/\d{1,30}/reviews/[\w-]{1,300}", re.ASCII)
_ROLE = (
    "The person who agreed must be an owner or manager of this place, and the Google My Business API must be enabled "
    "in the project of the OAuth client."
)
_NOT_LET_IN = "If the quota is 0 in Google's console, the project is not approved yet; else nothing to do."
# Google sends its translation along, in one text with the original: that is what the person wrote.
_ORIGINAL = re.compile(r"^\(Translated by Google\).*?\n\s*\(Original\)\s*\n", re.DOTALL)
_TRANSLATION = re.compile(r"\n\s*\(Translated by Google\).*", re.DOTALL)


class Settings(BaseModel, frozen=True, extra="forbid"):
    """Options of a `googlebusiness` source: a person's agreement, and the places."""

    credentials: SecretStr = Field(
        description="JSON with client_id, client_secret and refresh_token, in one file: { file = ... }."
    )
    locations: tuple[str, ...] = Field(min_length=1, description='The places: "accounts/123/locations/456".')
    overlap: Span = Field(default=timedelta(days=7), description="How far back each read looks for your replies.")
    rescan: Span = Field(default=timedelta(days=60), description="How far back the daily deep read looks.")
    api_url: str = Field(
        default="https://mybusiness.googleapis.com", pattern=r"^https?://[^\s?#@]+$", description="The API."
    )

    @field_validator("locations")
    @classmethod
    def _named(cls, places: tuple[str, ...]) -> tuple[str, ...]:
        for place in places:
            if not _PLACE.fullmatch(place):
                raise ValueError("write each place as accounts/NUMBER/locations/NUMBER")
        return places


class GoogleBusiness:
    """Reads the reviews of the places, each with the owner's reply in it."""

    replies_inside = True

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._address = settings.api_url.rstrip("/")
        self._access = PersonsAccess(settings.credentials, http)

    def fetch(self, request: Request) -> Batch:
        """Read one page of one place's reviews. Each is about the brand whose place it is, whatever its words."""
        walk = Walk.load(request.cursor)
        overlap = overlap_of(walk, request.now, self._settings.overlap, self._settings.rescan)
        walk.begin(sorted(set(self._settings.locations)), request.now, request.since, overlap)
        place = walk.lane

        def ask(walk: Walk) -> Listed:
            params: dict[str, str | int] = {"pageSize": PAGE, "orderBy": "updateTime desc"}
            if walk.token:
                params["pageToken"] = walk.token
            try:
                document = self._get(f"{place}/reviews", request.now, params)
            except Refused as error:  # of this place: others may be open
                raise Closed(error.message, error.remedy) from error
            listed, token = document.get("reviews", []), document.get("nextPageToken")
            if not isinstance(listed, list) or not document.keys() <= _NAMES:  # no reviews at all are {}
                raise Nonsense(f"{NETWORK} answered without reviews", "Check api_url; Earful will retry.")
            return Listed(listed, token if isinstance(token, str) else "")

        return read_page(walk, request, NETWORK, ask, lambda each: [_post(each, place, request.source)])

    asks_at_once = 20

    def refresh(self, ids: tuple[str, ...], request: Request) -> Batch:
        """Ask after known reviews: one that its author or Google took away is NOT_FOUND. Edits are found by `fetch`."""
        gone: list[str] = []
        for native_id in ids:
            if not _REVIEW.fullmatch(native_id):
                continue
            try:
                self._get(native_id, request.now)
            except _NotThere:
                gone.append(native_id)
        if gone and len(gone) == len(ids):  # none of them stands: is this the API at all?
            self._get(f"{self._settings.locations[0]}/reviews", request.now, {"pageSize": 1})
        return Batch((), request.cursor, deleted=tuple(gone))

    def _get(self, name: str, now: datetime, params: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        document, _ = get_object(
            self._http, f"{self._address}/v4/{name}", now, params=params, headers=self._access.headers(now),
            refusal=lambda answer, said: _refusal(answer, said, now),
        )  # fmt: skip
        return document


class _NotThere(Closed):
    """What was asked for does not exist, or is not shown to us."""


def _refusal(answer: Answer, said: Mapping[str, Any], now: datetime) -> ConnectorError | None:
    if answer.status == 404 and part(said, "error"):
        return _NotThere(f"{NETWORK} answered 404 (NOT_FOUND)", "Check locations, and that the place is verified.")
    found: ConnectorError | None = refusal(NETWORK, now, now + AGAIN, _ROLE)(answer, said)
    if isinstance(found, RateLimited):
        return RateLimited(found.message, found.retry_at, f"Earful will retry. {_NOT_LET_IN}")
    return found


def _post(each: Any, place: str, source: str) -> Post:
    """Read one review; the one place that knows Google's field names. A ValueError says what is wrong with it.

    https://developers.google.com/my-business/reference/rest/v4/accounts.locations.reviews#Review
    """
    name = each.get("reviewId") if isinstance(each, dict) else None
    native_id = f"{place}/reviews/{name}"
    if not isinstance(name, str) or not _REVIEW.fullmatch(native_id):
        raise ValueError("reviewId is missing or not a review's id")
    stars = _STARS.get(str(each.get("starRating")))
    changed_at = parse_time(each.get("updateTime")) or parse_time(each.get("createTime"))
    if stars is None:
        raise ValueError("starRating is missing or not a number of stars")
    if changed_at is None:
        raise ValueError("updateTime is missing or not a time")
    words = each.get("comment", "")
    if not isinstance(words, str):
        raise ValueError("comment is not a text")
    reply, author = part(each, "reviewReply"), part(each, "reviewer").get("displayName")
    # One that Google still checks, or has refused, is not seen by the customer.
    replied_at = parse_time(reply.get("updateTime")) if reply.get("reviewReplyState") not in _UNSEEN else None
    media = each.get("reviewMediaItems")
    shown = [one for one in media if isinstance(one, dict)] if isinstance(media, list) else []
    videos = sum(bool(one.get("videoUrl")) for one in shown)
    return Post(
        source=source,
        native_id=native_id,
        url=safe_url(each.get("reviewReplyUrl")) or "https://business.google.com/reviews",  # all of one's places
        author=clean(author).strip() if isinstance(author, str) and author.strip() else f"Google user {name[-6:]}",
        text=_written(words),
        posted_at=changed_at,
        rating=stars,
        raw=raw_of(each),
        reply_text=_written(str(reply.get("comment", ""))) if replied_at else "",
        replied_at=replied_at,
        addressed=(place, "*"),
        pictures=len(shown) - videos,
        videos=videos,
    )


def _written(words: str) -> str:
    """What the person wrote, without Google's translation of it."""
    text = clean(words).strip()
    return _TRANSLATION.sub("", _ORIGINAL.sub("", text, count=1)).strip() or text
