"""Bluesky: `connector` reads the stream and asks, `responses` reads what Bluesky says."""

from __future__ import annotations

from connectors.bluesky.connector import Bluesky, Settings

__all__ = ["Bluesky", "Settings"]
