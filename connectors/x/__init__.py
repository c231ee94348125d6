"""X: `connector` walks, `client` asks through tweepy, `responses` reads what X says, `spending` counts the money."""

from __future__ import annotations

from connectors.x.connector import X
from connectors.x.settings import Settings

__all__ = ["Settings", "X"]
