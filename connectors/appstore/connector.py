"""Reviews of one's own apps in the App Store, with our answer in each, by the App Store Connect API.

https://developer.apple.com/documentation/appstoreconnectapi/get-v1-apps-_id_-customerreviews

A review says when it was written, not when it was changed or answered, so each read looks `overlap` back and once a day
`rescan`: an answer, or other words than before, show only when a review is read again. The token is signed for each
request and lives for 20 minutes at most:
https://developer.apple.com/documentation/appstoreconnectapi/generating-tokens-for-api-requests
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from pydantic import BaseModel, Field, SecretStr

from connectors import Batch, Closed, ConnectorError, Post, Quota, Refused, Request
from connectors.answers import Answer
from connectors.durations import Span
from connectors.http import Http
from connectors.listing import Listed, get_object, list_of, overlap_of, part, read_page
from connectors.pagination import Walk, milliseconds, moment
from connectors.signing import signed
from connectors.text import clean, parse_time, raw_of

NETWORK = "App Store Connect"
PAGE = 200  # the most that Apple gives at once
TOKEN_LIVES = timedelta(minutes=15)  # Apple refuses more than 20; the rest is for a clock that is ahead
LOOK_FOR_APPS_EVERY = timedelta(days=1)
_ROLE = "The key needs the role Customer Support (or one above it) for these apps: Users and Access, Integrations."
_APP = re.compile(r"[0-9]{1,20}")
_REVIEW = re.compile(r"[0-9A-Za-z_-]{1,100}")


class Settings(BaseModel, frozen=True, extra="forbid"):
    """Options of an `appstore` source: a key of App Store Connect."""

    key_id: str = Field(pattern=r"^[A-Za-z0-9]{4,40}$", description="The key's id, as App Store Connect shows it.")
    private_key: SecretStr = Field(description="The downloaded AuthKey_....p8, whole: { file = ... }.")
    issuer_id: str = Field(default="", pattern=r"^[0-9A-Za-z-]{0,60}$", description="Of a team's key; empty: your own.")
    apps: tuple[str, ...] = Field(default=(), description="Apple ids of the apps; empty: all that the key shows.")
    overlap: Span = Field(default=timedelta(days=3), description="How far back each read looks for answers and edits.")
    rescan: Span = Field(default=timedelta(days=30), description="How far back the daily deep read looks.")
    api_url: str = Field(
        default="https://api.appstoreconnect.apple.com", pattern=r"^https?://[^\s?#@]+$", description="The API."
    )


class AppStore:
    """Reads the reviews of the apps, each with the developer's response in it."""

    replies_inside = True

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._address = settings.api_url.rstrip("/")

    def fetch(self, request: Request) -> Batch:
        """Read one page of one app's reviews. Every review is about the brand whose app it is, whatever its words."""
        walk = Walk.load(request.cursor)
        apps = self._apps(walk, request.now)
        overlap = overlap_of(walk, request.now, self._settings.overlap, self._settings.rescan)
        walk.begin(apps, request.now, request.since, overlap)
        app = walk.lane
        answers: dict[str, Mapping[str, Any]] = {}

        def ask(walk: Walk) -> Listed:
            params: dict[str, str | int] = {"include": "response", "sort": "-createdDate", "limit": PAGE}
            if walk.token:
                params["cursor"] = walk.token
            document, answer = self._get(f"/v1/apps/{quote(app)}/customerReviews", request.now, params)
            for each in document.get("included") or ():
                if isinstance(each, dict) and each.get("type") == "customerReviewResponses":
                    answers[str(each.get("id"))] = part(each, "attributes")
            items = list_of(document, "data", NETWORK)
            return Listed(items, _next(document), _quota(answer))

        return read_page(walk, request, NETWORK, ask, lambda each: [_post(each, app, answers, request.source)])

    asks_at_once = 20

    def refresh(self, ids: tuple[str, ...], request: Request) -> Batch:
        """Ask after known reviews: one that its author or Apple took away is 404. What was edited, `fetch` finds."""
        gone: list[str] = []
        quota: Quota | None = None
        for native_id in ids:
            if not _REVIEW.fullmatch(native_id):
                continue
            try:
                _, answer = self._get(f"/v1/customerReviews/{native_id}", request.now)
            except _NotThere:
                gone.append(native_id)
            else:
                quota = _quota(answer)
        if gone and len(gone) == len(ids):  # none of them stands: is this the API at all?
            self._get("/v1/apps", request.now, {"limit": 1})
        return Batch((), request.cursor, quota=quota, deleted=tuple(gone))

    def _apps(self, walk: Walk, now: datetime) -> list[str]:
        """The apps to read: as settings name them, else those that the key shows, looked up once a day."""
        if self._settings.apps:
            return sorted(set(self._settings.apps))
        held, at = walk.extra.get("apps"), walk.extra.get("apps_at")
        known = [each for each in held if isinstance(each, str)] if isinstance(held, list) else []
        if known and isinstance(at, int) and timedelta() <= now - moment(at) < LOOK_FOR_APPS_EVERY:
            return known
        document, _ = self._get("/v1/apps", now, {"limit": PAGE})
        listed = list_of(document, "data", NETWORK)
        found = sorted({str(each.get("id")) for each in listed if isinstance(each, dict)})
        apps = [each for each in found if _APP.fullmatch(each)]
        if not apps:
            raise Refused("App Store Connect shows this key no app", _ROLE)
        walk.extra |= {"apps": apps, "apps_at": milliseconds(now)}
        return apps

    def _get(
        self, path: str, now: datetime, params: Mapping[str, str | int] | None = None
    ) -> tuple[dict[str, Any], Answer]:
        headers = {"Authorization": f"Bearer {self._token(now)}"}
        return get_object(self._http, self._address + path, now, params=params, headers=headers, refusal=_refusal)

    def _token(self, now: datetime) -> str:
        who = {"iss": self._settings.issuer_id} if self._settings.issuer_id else {"sub": "user"}
        began = int(now.timestamp())
        claims = {**who, "iat": began, "exp": began + int(TOKEN_LIVES.total_seconds()), "aud": "appstoreconnect-v1"}
        return signed("ES256", self._settings.private_key, claims, key_id=self._settings.key_id, where="private_key")


class _NotThere(Closed):
    """What was asked for does not exist, or is not shown to this key; other apps may well be."""


def _refusal(answer: Answer, said: Mapping[str, Any]) -> ConnectorError | None:
    """Name what App Store Connect refuses for: https://developer.apple.com/documentation/appstoreconnectapi/errorresponse"""
    errors = said.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    code = clean(str(first.get("code", "")))[:60]
    if not code:
        return None
    message = f"App Store Connect answered {answer.status} ({code})"
    if answer.status == 401:
        return Refused(message, "Check key_id, issuer_id and private_key, and this machine's clock (timedatectl).")
    if answer.status == 403:
        return Closed(message, _ROLE)  # a key may be for some apps only
    return _NotThere(message, "Check the ids under apps.") if answer.status == 404 else None


def _next(document: Mapping[str, Any]) -> str:
    """The next page's cursor out of the link to it: the link itself, with our token, is never followed."""
    link = part(document, "links").get("next")
    try:
        found = parse_qs(urlsplit(link).query).get("cursor", [""]) if isinstance(link, str) else [""]
    except ValueError:
        return ""
    return found[0][:2000]


def _quota(answer: Answer) -> Quota | None:
    """What is left of this hour: https://developer.apple.com/documentation/appstoreconnectapi/identifying-rate-limits"""
    found = re.search(r"user-hour-rem:\s*(\d{1,9})", answer.headers.get("x-rate-limit", ""))
    return Quota(int(found[1])) if found else None


def _post(each: Any, app: str, answers: Mapping[str, Mapping[str, Any]], source: str) -> Post:
    """Read one review; the one place that knows Apple's field names. A ValueError says what is wrong with it."""
    if not isinstance(each, dict) or not isinstance(each.get("id"), str) or not _REVIEW.fullmatch(each["id"]):
        raise ValueError("id is missing or not a text")
    held = part(each, "attributes")
    posted_at, stars = parse_time(held.get("createdDate")), held.get("rating")
    title, words, author = (held.get(name) or "" for name in ("title", "body", "reviewerNickname"))
    if posted_at is None:
        raise ValueError("createdDate is missing or not a time")
    if isinstance(stars, bool) or not isinstance(stars, int) or not 1 <= stars <= 5:
        raise ValueError("rating is missing or not a number of stars")
    if not (isinstance(title, str) and isinstance(words, str) and isinstance(author, str)):
        raise ValueError("title, body or reviewerNickname is not a text")
    answer = answers.get(str(part(each, "relationships", "response", "data").get("id")), {})
    # One that is still being published is not seen by the customer yet.
    replied_at = parse_time(answer.get("lastModifiedDate")) if answer.get("state") == "PUBLISHED" else None
    reply = answer.get("responseBody")
    return Post(
        source=source,
        native_id=each["id"],
        url=f"https://apps.apple.com/app/id{app}?see-all=reviews",
        author=clean(author),
        title=clean(title).replace("\n", " "),
        text=clean(words).strip(),
        posted_at=posted_at,
        rating=float(stars),
        raw=raw_of(each),
        reply_text=clean(reply) if replied_at and isinstance(reply, str) else "",
        replied_at=replied_at,
        addressed=(app, "*"),
    )
