"""What Slack refuses, and what follows for us: wait, shorten, or call a person. Pure.

Codes: https://docs.slack.dev/reference/methods/chat.postMessage#errors. A code we do not know is never permanent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerts import ChannelError

_TOO_LARGE = {
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_metadata_format",
    "invalid_metadata_schema",
    "metadata_too_large",
    "msg_blocks_too_long",
    "msg_too_long",
    "no_text",
}
_GONE = {"cant_update_message", "edit_window_closed", "message_not_found", "thread_locked", "thread_not_found"}
_KEY = "create a new bot token (api.slack.com/apps, OAuth & Permissions) and set it as `token`"
APP_KEY = "create an app token with connections:write (api.slack.com/apps, Basic Information) and set it as `app_token`"
_INVITE = "invite the bot to that channel (/invite @bot), or correct the channel in settings.toml"
_ALLOW = "ask a workspace admin to let the app post in that channel, or name another one in settings.toml"
_PERSON = "correct the person's Slack id in settings.toml (profile, three dots, Copy member ID)"
_SCOPE = "add the scope to the app (api.slack.com/apps, OAuth & Permissions) and install it again"
# What concerns the key, and so every target of the channel.
KEY = {
    "invalid_auth": _KEY,
    "not_authed": _KEY,
    "token_revoked": _KEY,
    "token_expired": _KEY,
    "account_inactive": _KEY,
    "not_allowed_token_type": _KEY,
    "org_login_required": _KEY,
    "team_access_not_granted": "ask the organisation's admin to approve the app for this workspace",
    "missing_scope": _SCOPE,
}
# What concerns one place or person; the others of the channel are told as ever.
PLACE = {
    "channel_not_found": _INVITE,
    "not_in_channel": _INVITE,
    "is_archived": "unarchive that channel in Slack, or name another one in settings.toml",
    "user_not_found": _PERSON,
    "users_not_found": _PERSON,
    "user_not_visible": _PERSON,
    "user_disabled": "that person has left Slack; name someone else in settings.toml",
    "cannot_dm_bot": _PERSON,
    "messages_tab_disabled": "turn on the Messages tab of the app (api.slack.com/apps, App Home)",
    "restricted_action": _ALLOW,
    "restricted_action_read_only_channel": _ALLOW,
    "restricted_action_thread_only_channel": _ALLOW,
    "restricted_action_non_threadable_channel": _ALLOW,
    "no_permission": _ALLOW,
    "access_denied": _ALLOW,
    "ekm_access_denied": _ALLOW,
    "channel_is_limited_access": _ALLOW,
}
_HOOK = "create a new incoming webhook (api.slack.com/apps) and set it as `webhook_url`"


def api_error(status: int, data: Any, headers: Mapping[str, str]) -> ChannelError:
    """Translate a refusal of the Web API: its status, its JSON, its headers."""
    said = data if isinstance(data, dict) else {}
    code = _code(said.get("error"))
    if code in KEY:
        needed = f" {word(said['needed'])}" if code == "missing_scope" and said.get("needed") else ""
        return ChannelError(f"Slack: {code}{needed}", channel_broken=True, remedy=KEY[code])
    if code in PLACE:
        return ChannelError(f"Slack: {code}", target_broken=True, remedy=PLACE[code])
    return _common("Slack", status, code, headers)


def hook_error(status: int, body: bytes, headers: Mapping[str, str]) -> ChannelError:
    """Translate a refusal of an incoming webhook, which answers in plain words.

    https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
    """
    code = _code(body[:60].decode("utf-8", "replace").strip())
    if code in {"invalid_payload"} or status == 413:
        return ChannelError(f"Slack's webhook: {code or 'too large'}", too_large=True)
    if code and code not in _TOO_LARGE and status in {400, 401, 403, 404, 410}:
        return ChannelError(f"Slack's webhook: {code}", channel_broken=True, remedy=_HOOK)
    return _common("Slack's webhook", status, code, headers)


def _common(who: str, status: int, code: str, headers: Mapping[str, str]) -> ChannelError:
    if status == 429 or code in {"ratelimited", "rate_limited", "rollup_error"}:
        return ChannelError(f"{who}: asks to wait", retry_after=_wait(headers))
    if code in _TOO_LARGE:
        return ChannelError(f"{who}: {code}", too_large=True)
    if code in _GONE:
        return ChannelError(f"{who}: {code}", permanent=True, gone=code == "message_not_found")
    if code:
        return ChannelError(f"{who}: {code}")
    # A gateway that gave up waiting does not know what became of the request behind it.
    return ChannelError(f"{who}: answered {status}, but not like Slack (a proxy?)", outcome_unknown=status == 504)


def unsure(why: str) -> ChannelError:
    """Say that a look-up found no answer either way."""
    return ChannelError(f"Slack: can't tell whether the message arrived: {why}", outcome_unknown=True)


def loses_the_channel(error: ChannelError) -> bool:
    """Whether nothing at all will go through with this token, as against one place that it may not read."""
    return error.remedy == _KEY


def word(value: object) -> str:
    """Return a short single line of what Slack said, fit for a log."""
    return " ".join(str(value)[:60].split())


def _code(value: object) -> str:
    """Accept what looks like one of Slack's codes; anything else might be a page, or echo what we sent."""
    return value if isinstance(value, str) and len(value) < 60 and value.replace("_", "").isalnum() else ""


def _wait(headers: Mapping[str, str]) -> float:
    """Read Retry-After in seconds, within reason; Slack always sends it, a gateway may not."""
    given = {name.lower(): value for name, value in headers.items()}.get("retry-after", "")
    return float(min(max(int(given), 1), 3600)) if given.isdecimal() and len(given) < 10 else 30.0
