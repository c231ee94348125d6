"""The window in which somebody answers a case in public: what was said, who would post, and a box of the right length.

https://docs.slack.dev/reference/views/modal-views and
https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element
"""

from __future__ import annotations

import json
from typing import Any

from alerts import ReplyWindow, wording
from alerts.slack import blocks

REPLY = "earful:reply_window"  # how Slack calls back what was written in it
LONGEST = 3_000  # characters that a box of Slack's takes
_SHOWN = 6  # of what was said, the newest


def view(window: ReplyWindow) -> dict[str, Any]:
    """The window, as `views.open` takes it. What was seen travels in its metadata, and comes back with the press."""
    title = f"Reply · case {window.case_id}"
    said = [_said(head, text) for head, text in window.said[-_SHOWN:]]
    longest = max(min(window.longest, LONGEST), 1)
    how = "A lead approves it before it is posted." if window.needs_lead else "It is posted as soon as you press."
    price = f" {window.price}." if window.price else ""
    hint = f"At most {longest:,} characters. {how}{price}"
    return {
        "type": "modal",
        "callback_id": REPLY,
        "private_metadata": json.dumps(dict(window.carried)),
        "title": blocks._plain(title if len(title) <= 24 else "Reply", 24),
        "submit": blocks._plain("Ask a lead" if window.needs_lead else "Post publicly", 24),
        "close": blocks._plain("Cancel", 24),
        "blocks": [
            *said,
            {
                "type": "input",
                "block_id": "reply",
                "label": blocks._plain(f"Post publicly as {window.account} on {window.network}", 2_000),
                "hint": blocks._plain(hint, 2_000),
                "element": {
                    "type": "plain_text_input",
                    "action_id": "reply",
                    "multiline": True,
                    "max_length": longest,
                    **({"initial_value": window.opening[:longest]} if window.opening else {}),
                },
            },
        ],
    }


def _said(head: str, text: str) -> dict[str, Any]:
    lines = f"{wording.excerpt(head, 100)}\n{wording.excerpt(text, 600)}"
    return {"type": "section", "text": {"type": "plain_text", "text": blocks.escape(lines), "emoji": False}}
