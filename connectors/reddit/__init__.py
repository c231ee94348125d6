"""Reddit: `connector` asks, `responses` reads what Reddit says."""

from __future__ import annotations

from connectors.about import About
from connectors.reddit.connector import Reddit, Settings

ABOUT = About(
    reads="submissions with the brand's words, and the comments of subreddits that you name",
    key="client id and secret of an app that you have: Reddit takes no new requests since 31 October 2026",
    key_from="https://www.reddit.com/prefs/apps",
    misses="comments elsewhere: Reddit's search finds submissions only; private subreddits; from 12 January 2027 "
    "anything for an app that is not registered, and from March 2027 anything at all: Reddit ends its public API",
    page="connect-reddit.md",
)

__all__ = ["Reddit", "Settings"]
