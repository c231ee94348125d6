"""Slack: `channel` posts and edits, `blocks` lays it out, `errors` reads refusals, `socket_mode` hears presses."""

from __future__ import annotations

from alerts.slack.channel import Settings, Slack

__all__ = ["Settings", "Slack"]
