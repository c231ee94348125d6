"""Places whose feeds are read by a name: "medium:TAG" stands for the address of Medium's feed of that tag.

The addresses are those that the places themselves tell of; none was tried against the real service:
https://help.medium.com/hc/en-us/articles/214874118, https://dev.to (/feed/tag/TAG), https://lobste.rs/about,
https://support.substack.com (NAME.substack.com/feed), https://www.google.com/alerts (delivery: RSS feed).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Place:
    """A place: the address of its feeds, what may stand in it, and how it is written in settings."""

    address: str
    pattern: str
    example: str


_WORD = r"[\w.-]{1,80}"
_HOST = r"[a-z0-9-]+(?:\.[a-z0-9-]+)+"
PLACES: Mapping[str, Place] = {
    "medium": Place("https://medium.com/feed/tag/{}", _WORD, "medium:acme"),
    "substack": Place("https://{}.substack.com/feed", r"[a-z0-9-]{1,63}", "substack:acme"),
    "devto": Place("https://dev.to/feed/tag/{}", r"\w{1,80}", "devto:acme"),
    "lobsters": Place("https://lobste.rs/{}.rss", r"newest|comments|t/[\w.+-]{1,80}", "lobsters:newest"),
    "alerts": Place("https://www.google.com/alerts/feeds/{}", r"\d{1,30}/\d{1,30}", "alerts:0123456789/9876543210"),
    "status": Place("https://{}/history.rss", _HOST, "status:status.acme.example"),
    "appstore": Place(
        "https://itunes.apple.com/{}/sortBy=mostRecent/xml",
        r"[a-z]{2}/rss/customerreviews/id=\d{1,20}",
        "appstore:us/1234567890",
    ),
}


def address_of(feed: str) -> str:
    """The address that a feed of the settings stands for; one that is no place is given back as it is.

    A ValueError says how the place is written.
    """
    name, colon, rest = feed.strip().partition(":")
    place = PLACES.get(name.casefold())
    if not colon or place is None:
        return feed
    if name.casefold() == "appstore":
        rest = re.sub(r"^([a-z]{2})/(\d+)$", r"\1/rss/customerreviews/id=\2", rest)
    if not re.fullmatch(place.pattern, rest, re.ASCII):
        raise ValueError(f'write it as "{place.example}"')
    return place.address.format(quote(rest, safe="/=+"))
