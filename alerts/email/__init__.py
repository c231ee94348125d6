"""Mail: `channel` sends by SMTP, `templates` fills `mails/`, the alert and the weekly letter."""

from __future__ import annotations

from alerts.email.channel import Email, Settings

__all__ = ["Email", "Settings"]
