"""X: `connector` asks, `responses` reads what X says."""

from __future__ import annotations

from connectors.x.connector import Settings, X

__all__ = ["Settings", "X"]
