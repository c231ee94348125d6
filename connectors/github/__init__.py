"""GitHub: `connector` reads it; `reply` answers there, where settings switch that on."""

from __future__ import annotations

from connectors.about import About
from connectors.github.connector import GitHub, Settings

ABOUT = About(
    reads="issues and discussions with the brand's words, and everything in your own repositories",
    key="optional: a fine-grained token that only reads",
    key_from="https://github.com/settings/personal-access-tokens",
    price="free; a token reads more often, and discussions",
    misses="new comments in other people's old issues, code and pull requests; discussions without a token",
    page="connect/github.md",
)

__all__ = ["GitHub", "Settings"]
