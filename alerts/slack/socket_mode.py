"""What people press in Slack: over Socket Mode (no public address), or by signed requests to one that is public.

A press is handed to `on_press`, which writes it down durably, before its envelope is acknowledged; Slack waits three
seconds for that and else delivers the envelope again. So a press is heard at least once, and `envelope_id` says whether
it is the same one. https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from alerts import ChannelError, wording
from alerts.http import WireError, trusted
from alerts.slack.blocks import HAND_OVER, LINK_VERBS, NOTE
from alerts.slack.channel import Client, NotSlack, Settings, Slack, SlackBot, quiet_logger
from alerts.slack.errors import api_error, word
from alerts.slack.reply_window import LONGEST, REPLY

FRESH = 300  # seconds; Slack's own advice for signed requests
LARGEST = 1_000_000  # bytes of a signed request; a press with its whole message is about 10,000
_REMEMBERED = 1_000
_SLOWEST = 60.0  # seconds between two attempts to connect
_REFUSED = 300.0  # the same, while Slack does not take our token

_log = logging.getLogger(__name__)


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
    about: str = ""  # what a window of a reply carried

    @property
    def asks_whom(self) -> bool:
        """Whether it changes nothing yet: somebody is still to be chosen, in a window of its own."""
        return (self.verb, self.value) == ("hand_over", "to")


class PressRefused(Exception):
    """This is no press of ours: forged, stale, from another workspace, or out of shape. Nothing may follow from it."""


class Presses:
    """Listens for presses over Socket Mode. Made without touching the network; `start` returns at once."""

    def __init__(self, settings: Settings) -> None:
        if settings.app_token is None:
            raise ValueError("button presses need app_token = { env = ... } under the Slack channel")
        self._settings = settings
        self._bot = Slack(settings)
        self._client: _Socket | None = None
        self._lock = threading.Lock()
        self._heard: OrderedDict[str, None] = OrderedDict()
        self._on_press: Callable[[Press], None] = _nobody
        self._stopping = threading.Event()
        self._starter: threading.Thread | None = None

    @property
    def connected(self) -> bool:
        """Whether Slack can reach us now."""
        return self._client is not None and bool(self._client.is_connected())

    @property
    def trouble(self) -> str:
        """Why we are not connected, in one line; empty while all is well."""
        return "" if self._client is None or self.connected else self._client.trouble

    def start(self, on_press: Callable[[Press], None]) -> None:
        """Connect, and stay connected, in threads of our own. `on_press` must keep the press before it returns."""
        self._on_press = on_press
        self._stopping.clear()
        self._client = _Socket(self._settings)
        self._client.socket_mode_request_listeners.append(self._hear)
        self._starter = threading.Thread(target=self._connect, args=(self._client,), name="slack-socket", daemon=True)
        self._starter.start()

    def stop(self) -> None:
        """Hang up; a press that is being kept is still acknowledged. Takes a second or two."""
        self._stopping.set()
        client, self._client = self._client, None
        if self._starter is not None:
            self._starter.join(self._settings.timeout + 1)
        if client is not None:
            client.hang_up()

    def _connect(self, client: _Socket) -> None:
        """Try until the first connection stands; from then on slack_sdk looks after it."""
        wait = 1.0
        while not self._stopping.is_set():
            try:
                client.connect_to_new_endpoint()
                if client.is_connected():
                    return
            except (ChannelError, OSError) as error:
                _log.warning("slack: not receiving button presses yet: %s", error)
            if self._stopping.wait(wait):
                return
            wait = min(wait * 2, _SLOWEST)

    def _hear(self, client: Any, request: SocketModeRequest) -> None:
        """Keep a press, then acknowledge it. What is not kept is not acknowledged, so Slack says it again."""
        try:
            press = read_press(request.payload, request.envelope_id, self._settings.team)
        except PressRefused as refused:
            _log.warning("slack: ignored a press: %s", refused)
            press = None  # saying it again would not make it one
        if press is not None and press.asks_whom:
            client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
            ask_whom(self._bot, press)
            return
        if press is not None:
            with self._lock:
                if press.envelope_id not in self._heard:
                    try:
                        self._on_press(press)
                    except Exception as error:  # noqa: BLE001 - whatever went wrong, it is not kept
                        _log.error("slack: can't store a press (%s); Slack will send it again", type(error).__name__)
                        return
                    self._heard[press.envelope_id] = None
                    while len(self._heard) > _REMEMBERED:
                        self._heard.popitem(last=False)
        client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))


class _Socket(SocketModeClient):
    """slack_sdk's client, without its log and with a pause between attempts that fail."""

    def __init__(self, settings: Settings) -> None:
        token = settings.app_token.get_secret_value() if settings.app_token else ""
        super().__init__(app_token=token, web_client=Client(token, settings), logger=quiet_logger(), concurrency=2)
        self.web_client.ssl = trusted()  # else each connection reads all authorities of this machine again
        self.proxy = settings.proxy.get_secret_value() if settings.proxy else None
        self.trouble = "not connected yet"
        self._not_before = 0.0
        self._pause = 1.0

    def issue_new_wss_url(self) -> str:
        """Ask Slack for a one-time address. Raises ChannelError; after a failure it does not ask again at once."""
        if time.monotonic() < self._not_before:
            raise ChannelError(self.trouble)
        try:
            url = self.web_client.apps_connections_open(app_token=self.app_token)["url"]
            self._pause = 1.0
            return str(url)
        except WireError as wire:
            error = ChannelError(f"Slack: {wire.reason}")
        except NotSlack as strange:
            error = api_error(strange.answer.status, {}, strange.answer.headers)
        except SlackApiError as refused:
            response: Any = refused.response
            error = api_error(int(response.status_code), response.data, response.headers)
        self.trouble = f"{error.message}. {_app_remedy(error)}".strip()
        self._pause = min(self._pause * 2, _SLOWEST)
        wait = _REFUSED if error.channel_broken else error.retry_after or self._pause
        self._not_before = time.monotonic() + wait
        raise error

    def hang_up(self) -> None:
        """Close; first wake whoever waits on the socket or for a message: closing would wait for their time limits."""
        self.closed = True
        self.message_queue.put(None)
        held = getattr(self.current_session, "sock", None)
        if held is not None:
            try:
                held.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is gone already
        self.close()


def ask_whom(bot: Slack, press: Press) -> None:
    """Open the window for who pressed "Hand over to …"; where that fails they are told, and nothing has changed."""
    if not isinstance(bot, SlackBot):
        return
    try:
        bot.ask_whom(press.trigger_id, press.case_id, press.channel, press.message_ts)
    except ChannelError as error:
        _log.warning("slack: can't open the hand-over window: %s", error)
        words = "The window could not be opened, so nothing was changed. Press again, or use the web page."
        try:
            bot.whisper(press.channel, press.user_id, words)
        except ChannelError:
            pass  # they see that no window came


def _nobody(press: Press) -> None:
    """Keep nothing: nobody has started listening."""
    raise RuntimeError(f"not ready to store presses yet: {press.envelope_id}")


def _app_remedy(error: ChannelError) -> str:
    return "Create an app token with connections:write (api.slack.com/apps, Basic Information)" if error.remedy else ""


def read_press(payload: Any, envelope_id: str, team: str = "") -> Press | None:
    """Read an interaction; None if nothing was pressed that concerns us (a link was opened, another app's button).

    Raises PressRefused. https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
    """
    if isinstance(payload, dict) and payload.get("type") == "view_submission":
        return _read_window(payload, envelope_id, team)
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
        trigger_id=_part(payload, "trigger_id")[:200] if verb in {"hand_over", "write"} else "",
    )


def _read_window(payload: dict[str, Any], envelope_id: str, team: str) -> Press | None:
    """Read what was said in the window of "Hand over to …"; None for a window of another app's.

    https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
    """
    if _part(payload, "view", "callback_id") == REPLY:
        return _read_reply(payload, envelope_id, team)
    if _part(payload, "view", "callback_id") != HAND_OVER:
        return None
    try:
        about = json.loads(_part(payload, "view", "private_metadata"))
    except (ValueError, RecursionError):
        about = None
    case_id = _part(about, "case")
    chosen = _part(payload, "view", "state", "values", "who", "who", "selected_user")
    if not _is_case(case_id) or not re.fullmatch(r"[A-Z0-9]{2,30}", chosen):
        raise PressRefused("it names no case, or nobody to hand it to")
    user, user_name, from_team = _who(payload, team)
    return Press(
        case_id=case_id,
        verb="assign",
        value=chosen,
        user_id=user,
        user_name=user_name,
        team_id=from_team,
        channel=_part(about, "channel")[:30],
        message_ts=_part(about, "ts")[:30],
        at_text="",
        envelope_id=envelope_id,
        note=wording.excerpt(_part(payload, "view", "state", "values", "note", "note", "value"), NOTE),
    )


def _read_reply(payload: dict[str, Any], envelope_id: str, team: str) -> Press:
    """Read what was written in the window of "Reply …", to the letter."""
    carried = _part(payload, "view", "private_metadata")[:3_000]
    try:
        about = json.loads(carried)
    except (ValueError, RecursionError):
        about = None
    case_id = _part(about, "case")
    if not _is_case(case_id):
        raise PressRefused("it names no case")
    user, user_name, from_team = _who(payload, team)
    return Press(
        case_id=case_id,
        verb="write_sent",
        value="",
        user_id=user,
        user_name=user_name,
        team_id=from_team,
        channel=_part(about, "channel")[:30],
        message_ts="",
        at_text="",
        envelope_id=envelope_id,
        note=_part(payload, "view", "state", "values", "reply", "reply", "value")[:LONGEST],
        about=carried,
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
        (text,) = parse_qs(body.decode(), max_num_fields=10)["payload"]
        payload = json.loads(text)
    except (ValueError, KeyError, RecursionError):
        raise PressRefused("there is no payload in it") from None
    return read_press(payload, hashlib.sha256(body).hexdigest()[:32], team)


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
