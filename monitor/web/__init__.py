"""The page for the staff, the signed links, the API and the health answers."""

from __future__ import annotations

from importlib import import_module

# Every module that declares routes.
_PAGES = (
    "links", "login", "single_sign_on", "you", "inbox", "triage", "waiting", "case", "erase", "hold", "mentions",
    "insights", "sources", "team_settings", "people", "audit", "api", "metrics", "digest_links", "duty", "replying",
    "goodwill", "competitors", "incidents", "causes", "issues", "take_links", "translating", "ask", "drafting",
)  # fmt: skip


def pages_of() -> None:
    """Have every route declared."""
    for name in _PAGES:
        import_module(f"monitor.web.{name}")
