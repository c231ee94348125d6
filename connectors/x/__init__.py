"""X: `connector` walks, `client` asks through tweepy, `responses` reads what X says, `spending` counts the money.

`reply` answers there, where settings switch that on.
"""

from __future__ import annotations

from connectors.about import About
from connectors.x.connector import X
from connectors.x.settings import Settings

ABOUT = About(
    reads="public posts with the brand's words, and posts that mention your accounts",
    key="the bearer token of an app with credit; or its client ID, and you sign in with earful connect",
    key_from="https://console.x.com",
    price="$0.005 per post read; $0.001 for your own posts and mentions if the app's owner signs in; monthly_budget is "
    "the limit",
    misses="private messages and protected accounts; a search reaches back seven days",
    page="connect-x.md",
)

__all__ = ["Settings", "X"]
