"""App Store Connect: `connector` reads it; `reply` answers there, where settings switch that on."""

from __future__ import annotations

from connectors.about import About
from connectors.appstore.connector import AppStore, Settings

ABOUT = About(
    reads="every review of your own apps in the App Store, in all countries, with your response in it",
    key="a key of App Store Connect with the role Customer Support",
    key_from="https://appstoreconnect.apple.com/access/integrations/api",
    misses="stars without words, and when a review was edited: Apple doesn't show either",
    page="connect/appstore.md",
)

__all__ = ["AppStore", "Settings"]
