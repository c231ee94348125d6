"""What people press in Slack: over Socket Mode (no public address), or by signed requests to one that is public.

A press is handed to `on_press`, which writes it down durably, before its envelope is acknowledged; Slack waits three
seconds for that and else delivers the envelope again. So a press is heard at least once, and `envelope_id` says whether
it is the same one. https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from alerts import ChannelError
from alerts.http import WireError, trusted
from alerts.slack.channel import Slack, SlackBot
from alerts.slack.client import Client, NotSlack, quiet_logger
from alerts.slack.errors import APP_KEY, api_error
from alerts.slack.payloads import Press, PressRefused, read_press
from alerts.slack.settings import Settings
from alerts.wording import with_remedy

_REMEMBERED = 1_000
_SLOWEST = 60.0  # seconds between two attempts to connect
_REFUSED = 300.0  # the same, while Slack does not take our token

_log = logging.getLogger(__name__)


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
        if press is not None and press.asks_first:
            client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
            ask_first(self._bot, press)
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
        self._longest = settings.timeout + 1
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
        self.trouble = with_remedy(error.message, APP_KEY if error.remedy else "")
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
        self._end_reading()
        self.close()

    def _end_reading(self) -> None:
        """Say that the session has ended until its reader hears it: as it begins it says itself that it has not.

        Closing waits for the reader without end. Whatever still holds it after a time limit ends with the process.
        """
        reader = self.current_session_runner
        reader.event.set()
        ends = time.monotonic() + self._longest
        while reader.is_alive():
            if time.monotonic() > ends:
                _log.warning("slack: a connection did not end in %g s; it is left to end by itself", self._longest)
                reader.thread = None  # type: ignore[assignment]  # as slack_sdk itself sets it
                return
            self.auto_reconnect_enabled, self.current_session_state.terminated = False, True
            self.disconnect()
            reader.thread.join(0.05)


def ask_first(bot: Slack, press: Press) -> None:
    """Open the window for who pressed "Hand over to …", or "We have said so publicly …".

    Where that fails they are told, and nothing has changed.
    """
    if not isinstance(bot, SlackBot):
        return
    try:
        ask = bot.ask_where if press.verb == "said" else bot.ask_whom
        ask(press.trigger_id, press.case_id, press.channel, press.message_ts)
    except ChannelError as error:
        _log.warning("slack: can't open a window: %s", error)
        words = "The window could not be opened, so nothing was changed. Press again, or use the web page."
        try:
            bot.whisper(press.channel, press.user_id, words)
        except ChannelError:
            pass  # they see that no window came


def _nobody(press: Press) -> None:
    """Keep nothing: nobody has started listening."""
    raise RuntimeError(f"not ready to store presses yet: {press.envelope_id}")
