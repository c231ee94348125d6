"""YouTube: `connector` reads it; `reply` answers there, where settings switch that on."""

from __future__ import annotations

from connectors.about import About
from connectors.youtube.connector import Settings, YouTube

ABOUT = About(
    reads="comments on your own channel, videos with the brand's words, and the comments below these",
    key="an API key of Google Cloud for YouTube Data API v3",
    key_from="https://console.cloud.google.com/apis/credentials",
    price="free, 100 searches and 10,000 units per day",
    misses="comments held for review, community posts, live chat, what is only said in a video",
    page="connect/youtube.md",
)

__all__ = ["Settings", "YouTube"]
