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
DRAFT = "draft"  # the button that asks for a draft, while it is open
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
    shown = {
        "type": "modal",
        "callback_id": REPLY,
        "private_metadata": json.dumps(dict(window.carried)),
        "title": blocks._plain(title if len(title) <= 24 else "Reply", 24),
        "close": blocks._plain("Cancel", 24),
    }
    if window.waits:
        return {**shown, "blocks": [*said, _told(window)]}
    return {
        **shown,
        "submit": blocks._plain("Ask a lead" if window.needs_lead else "Post publicly", 24),
        "blocks": [
            *said,
            *_drafting(window),
            {
                "type": "input",
                "block_id": window.box,
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


def _drafting(window: ReplyWindow) -> list[dict[str, Any]]:
    """What was said of a draft, and the button that asks for one; nothing where no model is set up."""
    if not window.drafts:
        return []
    button = {
        "type": "button",
        "action_id": f"earful:{DRAFT}",
        "text": blocks._plain("Draft", 24),
        "value": window.case_id,
    }
    return [
        *([_told(window)] if window.told else []),
        {"type": "actions", "block_id": "drafting", "elements": [button]},
    ]


def _told(window: ReplyWindow) -> dict[str, Any]:
    return {"type": "section", "block_id": "told", "text": blocks._plain(window.told, 1_000)}


def written_in(values: Any) -> str:
    """What stands in the box, out of the state of a window; "" for nothing."""
    for block_id, block in values.items() if isinstance(values, dict) else ():
        box = block.get("reply") if isinstance(block, dict) and str(block_id).startswith("reply") else None
        if isinstance(box, dict) and isinstance(box.get("value"), str):
            return str(box["value"])[:LONGEST]
    return ""


def _said(head: str, text: str) -> dict[str, Any]:
    lines = f"{wording.excerpt(head, 100)}\n{wording.excerpt(text, 600)}"
    return {"type": "section", "text": {"type": "plain_text", "text": blocks.escape(lines), "emoji": False}}
