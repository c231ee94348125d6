"""What is asked of Earful in Slack without a button: `/earful ...`, and "Make this a case" in a message's menu.

Both come as presses do, and are kept as those are. They are answered at the address that Slack sends along, which
works in every conversation, also where the bot is no member, five times within half an hour.
https://docs.slack.dev/interactivity/implementing-slash-commands
https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload
"""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlsplit

COMMAND, MAKE_CASE = "command", "make_case"  # what a press says of these two
NAME = "/earful"
SHORTCUT = "earful_make_case"  # the callback id of the manifest
LONGEST = 4_000  # characters of a message that becomes a case; Slack's own limit for one block is 3,000
WORDS = 300  # characters behind /earful
_ANSWERS = "https://hooks.slack.com/"
_LINKED = re.compile(r"<([^<>|]{1,2000})(?:\|([^<>]{0,500}))?>")
_ADDRESS = re.compile(r"https?://[^\s<>|]+")


def answer_address(given: str, api_url: str) -> str:
    """Where an answer may be sent: at Slack, or where its API is for a gateway or a test; "" for anywhere else."""
    if len(given) > 500:
        return ""
    ours, theirs = urlsplit(api_url), urlsplit(given)
    same = bool(ours.netloc) and (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)
    return given if same or given.startswith(_ANSWERS) else ""


def plain(text: str) -> str:
    """Slack's own form of a text as plain words: names of links instead of signs, no entities."""
    shown = _LINKED.sub(lambda found: (found[2] or found[1]).removeprefix("mailto:"), text[: LONGEST * 2])
    return html.unescape(shown).strip()[:LONGEST]


def address_of(payload: dict[str, Any]) -> str:
    """Where what the message speaks of can be seen: the first link in it, else the message itself; "" for neither."""
    message = payload.get("message")
    text = str(message.get("text", "")) if isinstance(message, dict) else ""
    if found := _ADDRESS.search(text):
        return html.unescape(found[0])[:2000]
    team, channel = payload.get("team"), payload.get("channel")
    domain = str(team.get("domain", "")) if isinstance(team, dict) else ""
    place = str(channel.get("id", "")) if isinstance(channel, dict) else ""
    moment = str(message.get("ts", "")) if isinstance(message, dict) else ""
    if not re.fullmatch(r"[a-z0-9-]{1,60}", domain) or not re.fullmatch(r"[A-Z0-9]{2,30}", place):
        return ""
    stamp = moment.replace(".", "")
    return f"https://{domain}.slack.com/archives/{place}/p{stamp}" if stamp.isascii() and stamp.isdecimal() else ""
