"""Google Play: `connector` reads it; `reply` answers there, where settings switch that on."""

from __future__ import annotations

from connectors.about import About
from connectors.googleplay.connector import GooglePlay, Settings

ABOUT = About(
    reads="reviews of your own apps on Google Play, written or edited in the last week, with your reply in each",
    key='a service account\'s key, with the permission "Reply to reviews" in Play Console',
    key_from="https://console.cloud.google.com/iam-admin/serviceaccounts",
    misses="stars without words, what is older than a week, and what was deleted: Google doesn't show either",
    page="connect/googleplay.md",
)

__all__ = ["GooglePlay", "Settings"]
