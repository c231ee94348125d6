"""Bluesky: `connector` reads the stream and asks, `responses` reads what Bluesky says.

`reply` answers there, where settings switch that on.
"""

from __future__ import annotations

from connectors.about import About
from connectors.bluesky.connector import Bluesky, Settings

ABOUT = About(
    reads="every public post on Bluesky with the brand's words, as it is written",
    misses="what was written before the source was added, or longer ago than the server keeps (36 hours)",
    page="connect/bluesky.md",
)

__all__ = ["Bluesky", "Settings"]
