"""A Discourse forum: `connector` reads it; `reply` answers there, where settings switch that on."""

from __future__ import annotations

from connectors.about import About
from connectors.discourse.connector import Discourse, Settings

ABOUT = About(
    reads="every new post of one Discourse forum",
    key="the forum's address; for members only, an API key that an admin makes",
    misses="private messages, chat, and categories that the key can't see",
    page="connect/discourse.md",
)

__all__ = ["Discourse", "Settings"]
