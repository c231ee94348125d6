"""Slack: `channel` posts and edits by `client`, `blocks` lays it out, `errors` reads refusals, `socket_mode` hears."""

from __future__ import annotations

from alerts.slack.channel import Slack
from alerts.slack.settings import Settings

__all__ = ["Settings", "Slack"]
