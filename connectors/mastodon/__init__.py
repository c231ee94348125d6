"""Mastodon: `connector` reads one server; `reply` answers there, where settings switch that on."""

from __future__ import annotations

from connectors.about import About
from connectors.mastodon.connector import Mastodon, Settings

ABOUT = About(
    reads="hashtags made from the brand's words, on one server; with a token also its search and your mentions",
    key="optional: an access token of the brand's account, with the scope read",
    misses="posts without your hashtags, and what your server has not seen: no server sees the whole network",
    page="connect/mastodon.md",
)

__all__ = ["Mastodon", "Settings"]
