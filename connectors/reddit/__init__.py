"""Reddit: `connector` asks, `responses` reads what Reddit says."""

from __future__ import annotations

from connectors.about import About
from connectors.reddit.connector import Reddit, Settings

ABOUT = About(
    reads="submissions with the brand's words, and the comments of subreddits that you name",
    key="client id and secret of an app of type script, once Reddit has approved your request",
    key_from="https://www.reddit.com/prefs/apps",
    misses="comments elsewhere: Reddit's search finds submissions only; private subreddits",
    page="connect-reddit.md",
)

__all__ = ["Reddit", "Settings"]
