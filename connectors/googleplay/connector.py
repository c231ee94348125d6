"""Reviews of one's own apps on Google Play, with our reply in each, by the Android Publisher API.

https://developers.google.com/android-publisher/api-ref/rest/v3/reviews/list and, for what is shown and how often it may
be asked, https://developers.google.com/android-publisher/reply-to-reviews: reviews with words of the production version
that were written or changed in the last week, the last changed first; 200 reads an hour for each app.

A review says only when it was changed last. Our reply does not move it, so each read looks `overlap` back for replies,
and once a day over the whole week.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, Field, SecretStr

from connectors import Batch, Closed, Gap, Nonsense, Post, Refused, Request
from connectors.durations import Span
from connectors.google import ServiceAccount, refusal
from connectors.http import Http
from connectors.listing import Listed, get_object, overlap_of, part, read_page
from connectors.pagination import Walk
from connectors.text import clean, parse_time, raw_of

NETWORK = "Google Play"
SCOPE = "https://www.googleapis.com/auth/androidpublisher"
PAGE = 100
SHOWN = timedelta(days=7)  # what the API shows at all
AGAIN = timedelta(minutes=15)  # after the hour's reads are used up
_NAMES = frozenset({"reviews", "tokenPagination", "pageInfo"})
_ROLE = (
    'In Play Console, under Users and permissions, give the service account "Reply to reviews" for the app; '
    "in Google Cloud, enable the Google Play Android Developer API."
)


class Settings(BaseModel, frozen=True, extra="forbid"):
    """Options of a `googleplay` source: a service account, and the apps."""

    credentials: SecretStr = Field(description="The service account's JSON key file, whole: { file = ... }.")
    packages: tuple[str, ...] = Field(min_length=1, description='Package names of the apps: "com.example.app".')
    overlap: Span = Field(default=timedelta(days=2), description="How far back each read looks for your replies.")
    api_url: str = Field(
        default="https://androidpublisher.googleapis.com", pattern=r"^https?://[^\s?#@]+$", description="The API."
    )


class GooglePlay:
    """Reads the reviews of the apps, each with the developer's reply in it."""

    replies_inside = True

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._address = settings.api_url.rstrip("/")
        self._account = ServiceAccount(settings.credentials, SCOPE, http)

    def fetch(self, request: Request) -> Batch:
        """Read one page of one app's reviews. Every review is about the brand whose app it is, whatever its words."""
        walk, now = Walk.load(request.cursor), request.now
        overlap = overlap_of(walk, now, self._settings.overlap, SHOWN)
        walk.begin(sorted(set(self._settings.packages)), now, request.since, overlap)
        package = walk.lane
        gaps: tuple[Gap, ...] = ()
        if not walk.token:
            gaps = walk.lift(now - SHOWN, "Google Play shows the reviews of the last seven days only")

        def ask(walk: Walk) -> Listed:
            params: dict[str, str | int] = {"maxResults": PAGE}
            if walk.token:
                params["token"] = walk.token
            address = f"{self._address}/androidpublisher/v3/applications/{quote(package, safe='')}/reviews"
            said, headers = refusal(NETWORK, now, now + AGAIN, _ROLE), self._account.headers(now)
            try:
                document, _ = get_object(self._http, address, now, params=params, headers=headers, refusal=said)
            except Refused as error:  # of this app: others may be open, and a permission takes up to a day
                raise Closed(error.message, error.remedy) from error
            listed, token = document.get("reviews", []), part(document, "tokenPagination").get("nextPageToken")
            if not isinstance(listed, list) or not document.keys() <= _NAMES:  # no reviews at all are {}
                raise Nonsense("Google Play answered without reviews", "Check api_url; Earful will retry.")
            return Listed(listed, token if isinstance(token, str) else "")

        batch = read_page(walk, request, NETWORK, ask, lambda each: [_post(each, package, request.source)])
        return replace(batch, gaps=(*gaps, *batch.gaps))


def _post(each: Any, package: str, source: str) -> Post:
    """Read one review; the one place that knows Google's field names. A ValueError says what is wrong with it.

    https://developers.google.com/android-publisher/api-ref/rest/v3/reviews#Review
    """
    name = each.get("reviewId") if isinstance(each, dict) else None
    if not isinstance(name, str) or not 0 < len(name) <= 300:
        raise ValueError("reviewId is missing or not a text")
    comments = each.get("comments")
    listed = comments if isinstance(comments, list) else []
    theirs = next((held for one in listed if (held := part(one, "userComment"))), {})
    ours = next((held for one in reversed(listed) if (held := part(one, "developerComment"))), {})
    changed_at, stars, words = _time(theirs), theirs.get("starRating"), theirs.get("text")
    if changed_at is None:
        raise ValueError("userComment.lastModified is missing or not a time")
    if isinstance(stars, bool) or not isinstance(stars, int) or not 1 <= stars <= 5:
        raise ValueError("starRating is missing or not a number of stars")
    if not isinstance(words, str):
        raise ValueError("text is missing or not a text")
    title, tab, body = words.partition("\t")  # where somebody could write both, as the reference says
    replied_at, reply, author = _time(ours), ours.get("text"), each.get("authorName")
    language = theirs.get("reviewerLanguage")
    return Post(
        source=source,
        native_id=name,
        url=f"https://play.google.com/store/apps/details?id={quote(package, safe='')}&reviewId={quote(name, safe='')}",
        author=clean(author) if isinstance(author, str) and author else f"Google user {name[-6:]}",
        title=clean(title).strip() if tab else "",
        text=clean(body if tab else words).strip(),
        posted_at=changed_at,
        lang=clean(language)[:20] if isinstance(language, str) else "",
        rating=float(stars),
        raw=raw_of(each),
        reply_text=clean(reply) if replied_at and isinstance(reply, str) else "",
        replied_at=replied_at,
        addressed=(package, "*"),
    )


def _time(comment: Mapping[str, Any]) -> datetime | None:
    return parse_time(part(comment, "lastModified").get("seconds"))
