"""Reddit: `connector` asks, `responses` reads what Reddit says."""

from __future__ import annotations

from connectors.reddit.connector import Reddit, Settings

__all__ = ["Reddit", "Settings"]
