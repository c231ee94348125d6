"""Mail: `channel` writes and sends, `conversation` speaks SMTP, `templates` fills `mails/`."""

from __future__ import annotations

from alerts.email.channel import Email
from alerts.email.settings import Settings

__all__ = ["Email", "Settings"]
