"""What Slack tells of a press, a command or a chosen message: read, and of signed requests proved first."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from alerts import wording
from alerts.slack import commands
from alerts.slack.blocks import HAND_OVER, LINK_VERBS, NOTE, SAID
from alerts.slack.errors import word
from alerts.slack.reply_window import DRAFT, REPLY, written_in

FRESH = 300  # seconds; Slack's own advice for signed requests
LARGEST = 1_000_000  # bytes of a signed request; a press with its whole message is about 10,000


@dataclass(frozen=True, slots=True)
class Press:
    """Somebody pressed a button of ours, or chose in a menu. `at_text` is Slack's time of it, seconds as text."""

    case_id: str
    verb: str
    value: str
    user_id: str
    user_name: str
    team_id: str
    channel: str
    message_ts: str
    at_text: str
    envelope_id: str
    note: str = ""  # what was written beside it
    trigger_id: str = ""  # with which a window can be opened, for three seconds
    about: str = ""  # what a window of a reply carried; of a message that becomes a case its address
    answer_url: str = ""  # where whoever asked is answered, for half an hour

    @property
    def asks_first(self) -> bool:
        """Whether it changes nothing yet: who, or which address, is still to be said in a window of its own."""
        return (self.verb, self.value) == ("hand_over", "to") or (self.verb == "said" and not self.note)


class PressRefused(Exception):
    """This is no press of ours: forged, stale, from another workspace, or out of shape. Nothing may follow from it."""


def read_press(payload: Any, envelope_id: str, team: str = "") -> Press | None:
    """Read an interaction; None if nothing was pressed that concerns us (a link was opened, another app's button).

    Raises PressRefused. https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
    """
    if isinstance(payload, dict) and (payload.get("type") == "view_submission" or _asks_for_a_draft(payload)):
        return _read_window(payload, envelope_id, team)
    if isinstance(payload, dict) and payload.get("command") == commands.NAME:
        return _read_command(payload, envelope_id, team)
    if isinstance(payload, dict) and payload.get("type") == "message_action":
        return _read_shortcut(payload, envelope_id, team)
    if not isinstance(payload, dict) or payload.get("type") != "block_actions":
        return None
    actions = payload.get("actions")
    action = actions[0] if isinstance(actions, list) and actions else None
    name = _part(action, "action_id")
    if not name.startswith("earful:") or name.removeprefix("earful:") in LINK_VERBS:
        return None
    verb, value, case_id = _meaning(action, name.removeprefix("earful:"))
    if not re.fullmatch(r"[a-z][a-z_]{0,40}", verb) or not _is_case(case_id):
        raise PressRefused("it names no case, or nothing to do")
    user, user_name, from_team = _who(payload, team)
    return Press(
        case_id=case_id,
        verb=verb,
        value=wording.excerpt(value, 200),
        user_id=user,
        user_name=user_name,
        team_id=from_team,
        channel=(_part(payload, "container", "channel_id") or _part(payload, "channel", "id"))[:30],
        message_ts=(_part(payload, "container", "message_ts") or _part(payload, "message", "ts"))[:30],
        at_text=_part(action, "action_ts")[:30],
        envelope_id=envelope_id,
        trigger_id=_part(payload, "trigger_id")[:200] if verb in {"hand_over", "said", "write"} else "",
    )


def _read_window(payload: dict[str, Any], envelope_id: str, team: str) -> Press | None:
    """Read what was said in the window of "Hand over to …"; None for a window of another app's.

    https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
    """
    if _part(payload, "view", "callback_id") == REPLY:
        return _read_reply(payload, envelope_id, team)
    if _part(payload, "view", "callback_id") == SAID:
        return _read_said(payload, envelope_id, team)
    if _part(payload, "view", "callback_id") != HAND_OVER:
        return None
    about = _carried(_part(payload, "view", "private_metadata"))
    chosen = _part(payload, "view", "state", "values", "who", "who", "selected_user")
    if not _is_case(_part(about, "case")) or not re.fullmatch(r"[A-Z0-9]{2,30}", chosen):
        raise PressRefused("it names no case, or nobody to hand it to")
    note = wording.excerpt(_part(payload, "view", "state", "values", "note", "note", "value"), NOTE)
    return _of_window(payload, about, envelope_id, team, verb="assign", note=note, value=chosen)


def _read_said(payload: dict[str, Any], envelope_id: str, team: str) -> Press:
    """Read at which address we have said so publicly."""
    about = _carried(_part(payload, "view", "private_metadata"))
    url = wording.link(_part(payload, "view", "state", "values", "said", "url", "value"))
    if not _is_case(_part(about, "case")) or not url:
        raise PressRefused("it names no incident, or no address")
    return _of_window(payload, about, envelope_id, team, verb="said", note=url)


def _carried(metadata: str) -> Any:
    """What a window carries of the message below which it was opened; None for what is not ours."""
    try:
        return json.loads(metadata)
    except (ValueError, RecursionError):
        return None


def _of_window(
    payload: dict[str, Any], about: Any, envelope_id: str, team: str, *, verb: str, note: str, value: str = ""
) -> Press:
    """What was said in a window about the case that it carries, with the message below which it was opened."""
    user, user_name, from_team = _who(payload, team)
    return Press(
        case_id=_part(about, "case"),
        verb=verb,
        value=value,
        user_id=user,
        user_name=user_name,
        team_id=from_team,
        channel=_part(about, "channel")[:30],
        message_ts=_part(about, "ts")[:30],
        at_text="",
        envelope_id=envelope_id,
        note=note,
    )


def _read_reply(payload: dict[str, Any], envelope_id: str, team: str) -> Press:
    """Read what was written in the window of "Reply …", to the letter; `value` is the window's id, to change it."""
    carried = _part(payload, "view", "private_metadata")[:3_000]
    about = _carried(carried)
    case_id = _part(about, "case")
    if not _is_case(case_id):
        raise PressRefused("it names no case")
    user, user_name, from_team = _who(payload, team)
    return Press(
        case_id=case_id,
        verb=DRAFT if payload["type"] == "block_actions" else "write_sent",
        value=_part(payload, "view", "id")[:60],
        user_id=user,
        user_name=user_name,
        team_id=from_team,
        channel=_part(about, "channel")[:30],
        message_ts="",
        at_text="",
        envelope_id=envelope_id,
        note=written_in(payload["view"].get("state", {}).get("values") if _is_state(payload) else None),
        about=carried,
    )


def _read_command(payload: dict[str, Any], envelope_id: str, team: str) -> Press:
    """Read what was asked with /earful; its fields lie flat."""
    person = {"id": _part(payload, "user_id"), "name": _part(payload, "user_name")}
    user, user_name, from_team = _who({"user": person, "team": {"id": _part(payload, "team_id")}}, team)
    return Press(
        case_id="",
        verb=commands.COMMAND,
        value=wording.excerpt(commands.plain(_part(payload, "text")), commands.WORDS),
        user_id=user,
        user_name=user_name,
        team_id=from_team,
        channel=_part(payload, "channel_id")[:30],
        message_ts="",
        at_text="",
        envelope_id=envelope_id,
        answer_url=_part(payload, "response_url"),
    )


def _read_shortcut(payload: dict[str, Any], envelope_id: str, team: str) -> Press | None:
    """Read which message is to be a case; None for a shortcut of another app's."""
    if _part(payload, "callback_id") != commands.SHORTCUT:
        return None
    user, user_name, from_team = _who(payload, team)
    return Press(
        case_id="",
        verb=commands.MAKE_CASE,
        value="",
        user_id=user,
        user_name=user_name,
        team_id=from_team,
        channel=_part(payload, "channel", "id")[:30],
        message_ts=(_part(payload, "message", "ts") or _part(payload, "message_ts"))[:30],
        at_text="",
        envelope_id=envelope_id,
        note=commands.plain(_part(payload, "message", "text")),
        about=commands.address_of(payload),
        answer_url=_part(payload, "response_url"),
    )


def _is_case(case_id: str) -> bool:
    return 0 < len(case_id) <= 200 and case_id.isprintable()


def _who(payload: dict[str, Any], team: str) -> tuple[str, str, str]:
    """Return the id, name and workspace of who pressed; raise PressRefused for one of another workspace.

    A channel that is shared with another company brings its people: `team` is then ours, and `user.team_id` theirs.
    """
    named = [_part(payload, "user", "team_id"), _part(payload, "team", "id")]
    from_team = next((each for each in named if each), "")
    strange = {each for each in named if each and each != (team or from_team)}
    if strange or (team and not from_team):
        raise PressRefused(f"it comes from the workspace {word(min(strange, default=''))}")
    user = _part(payload, "user", "id")
    if not re.fullmatch(r"[A-Z0-9]{2,30}", user):
        raise PressRefused("it names nobody")
    name = wording.excerpt(_part(payload, "user", "username") or _part(payload, "user", "name"), 80)
    return user, name, from_team[:30]


def press_from_http(
    headers: Mapping[str, str], body: bytes, signing_secret: str, now: datetime, team: str = ""
) -> Press | None:
    """Read a signed request of Slack's; `body` as it came, byte for byte. Raises PressRefused: answer 401.

    https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    given = {name.lower(): value for name, value in headers.items()}
    stamp = given.get("x-slack-request-timestamp", "")
    if len(body) > LARGEST:
        raise PressRefused("it is far too long")
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
        raise PressRefused("its time is not a number")
    if abs(now.timestamp() - int(stamp)) > FRESH:
        raise PressRefused("it is more than five minutes old")
    if not signing_secret:
        raise PressRefused("there is no signing_secret to verify it with")
    proof = "v0=" + hmac.new(signing_secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    said = given.get("x-slack-signature", "").encode("utf-8", "replace")
    if not hmac.compare_digest(proof.encode(), said):
        raise PressRefused("its signature is not Slack's")
    try:
        fields = {name: value for name, (value,) in parse_qs(body.decode(), max_num_fields=40).items()}
        payload = fields if "command" in fields else json.loads(fields["payload"])
    except (ValueError, KeyError, RecursionError):
        raise PressRefused("there is no payload in it") from None
    return read_press(payload, hashlib.sha256(body).hexdigest()[:32], team)


def _asks_for_a_draft(payload: dict[str, Any]) -> bool:
    """Whether a button in the window of a reply was pressed, while that stays open."""
    return payload.get("type") == "block_actions" and _part(payload, "view", "callback_id") == REPLY


def _is_state(payload: dict[str, Any]) -> bool:
    view = payload.get("view")
    return isinstance(view, dict) and isinstance(view.get("state"), dict)


def _meaning(action: Any, verb: str) -> tuple[str, str, str]:
    """Return verb, value and case: a button's value is the case; a menu's choice is "verb:value|case"."""
    chosen = _part(action, "selected_option", "value")
    if not chosen:
        return verb, "", _part(action, "value")
    said, _, case_id = chosen.partition("|")
    verb, _, value = said.partition(":")
    return verb, value, case_id


def _part(thing: Any, *path: str) -> str:
    """Follow a path of keys to a text; anything else on the way is an empty one."""
    for key in path:
        thing = thing.get(key) if isinstance(thing, dict) else None
    return thing if isinstance(thing, str) else ""
