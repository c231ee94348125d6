"""A Slack on 127.0.0.1 that keeps Slack's real limits, writes down what it accepted, and misbehaves on demand.

    with FakeSlack() as slack:
        channel = Slack(Settings(token=SecretStr(slack.token), api_url=slack.api_url))
        channel.send(alert, "#care")
        slack.misbehave("429:30")                 # the next request; misbehave(mode, at=7): the seventh from the start
        slack.accepted[0]["metadata"]             # append-only: every post and edit that was accepted
        slack.messages[0]                         # a message as it stands now
        slack.reads(slack.messages[0])            # what a person would read of it
        slack.press("12", "take")                 # over Socket Mode; returns once it was acknowledged, or not

As a program: `python -m tests.fakes.slack --port 0 --ledger FILE [--mode MODE] [--at 3=drop --at 5=429:2]` prints
`{"api_url": ..., "token": ..., "app_token": ..., "webhook_url": ...}` in one line, and appends each accepted message to
FILE as one JSON object a line; a FILE that is there already is read first, so a restart forgets nothing.

Modes: ok · 429 or 429:SECONDS · 500, 502, 503, 504 · error:CODE (ok: false) · drop (accepted, then the line breaks) ·
lose (the line breaks, nothing is taken) · hang (accepted, never answered) · drip (accepted, three bytes a second) ·
html (a proxy's page) · redirect · nonsense (JSON that is no object) · truncated.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import html
import itertools
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

TOKEN = "xoxb-fake-bot-token"
APP_TOKEN = "xapp-fake-app-token"
HOOK = "/services/T0FAKETEAM/B0FAKEBOT/fake-hook-secret"
TRIGGER = "12466734323.1395872398"  # with which windows can be opened; any other has expired
TEAM, BOT, BOT_USER, APP = "T0FAKETEAM", "B0FAKEBOT", "U0FAKEBOT", "A0FAKEAPP"
SCOPES = ("chat:write", "channels:history", "groups:history", "channels:read", "groups:read", "im:write", "users:read")
_READS = {"conversations.history": "channels:history", "conversations.replies": "channels:history"}
_READS |= {"conversations.list": "channels:read", "conversations.open": "im:write", "users.info": "users:read"}


class FakeSlack:
    """See the module. Close it, or use it in a `with`."""

    def __init__(self, port: int = 0, ledger: Path | None = None, scopes: tuple[str, ...] = SCOPES) -> None:
        self.token, self.app_token, self.scopes = TOKEN, APP_TOKEN, scopes
        self.mode = "ok"
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.accepted: list[dict[str, Any]] = []
        self.messages: list[dict[str, Any]] = []
        self.acknowledged: list[str] = []
        self.views: list[dict[str, Any]] = []  # that were opened, each as it stands now
        self.updates: list[dict[str, Any]] = []  # every change of one
        self.closed_channels: dict[str, str] = {}  # channel id -> error code: "is_archived", "not_in_channel", ...
        self.group_members = ["U0ANA00001", "U0BEN00001"]
        self.hide_metadata = False
        self.on_connect: Callable[[], None] = lambda: None  # in a thread of its own, whenever somebody listens
        self.page_size = 200
        self.stopping = threading.Event()
        self.clock: Callable[[], float] = time.time
        self._at: dict[int, str] = {}
        self._lock = threading.Condition()
        self._sockets: list[socket.socket] = []
        self._envelopes = itertools.count(1)
        self._last_ts = 0.0
        self._file = ledger
        if ledger is not None and ledger.exists():
            for line in ledger.read_text("utf-8").splitlines():
                self._keep(json.loads(line))
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.slack = self
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self.api_url, self.webhook_url = f"http://{self.address}/api/", f"http://{self.address}{HOOK}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, and let go of everybody who hangs."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        with self._lock:
            for held in self._sockets:
                with contextlib.suppress(OSError):
                    held.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    def misbehave(self, mode: str, at: int | None = None) -> None:
        """Answer the next request, or the one with the number `at` (from 1), in this mode."""
        with self._lock:
            self._at[len(self.requests) + 1 if at is None else at] = mode

    def channel_id(self, name: str) -> str:
        """Every channel exists, and so does every person; its id follows from its name."""
        if re.fullmatch(r"[CDG][A-Z0-9]{7,}", name):
            return name
        kind = "D" if re.fullmatch(r"[UW][A-Z0-9]{7,}", name) else "C"
        return kind + hashlib.sha256(name.lstrip("#").encode()).hexdigest()[:9].upper()

    # --- what it has

    @staticmethod
    def reads(message: dict[str, Any]) -> str:
        """The words a person sees: every text of the blocks (of the message, where there are none), and the links."""
        if not message.get("blocks"):
            return html.unescape(message["text"])
        found: list[str] = []
        for thing in _walk(message["blocks"]):
            if thing.get("type") in {"plain_text", "mrkdwn"}:
                found.append(html.unescape(thing["text"]))
            if "url" in thing:
                found.append(thing["url"])
        return "\n".join(found)

    @staticmethod
    def control_sequences(message: dict[str, Any]) -> list[str]:
        """Whatever Slack would take for a mention or a link of its own, in the blocks and in the text."""
        texts = [thing["text"] for thing in _walk(message.get("blocks") or []) if isinstance(thing.get("text"), str)]
        return re.findall(r"<[^>]*>?", "\n".join([message["text"], *texts]))

    # --- Socket Mode

    def connected(self, seconds: float = 5.0) -> bool:
        """Wait until somebody listens on the socket."""
        with self._lock:
            return self._lock.wait_for(lambda: bool(self._sockets), seconds)

    def press(
        self,
        case_id: str,
        verb: str,
        *,
        user: str = "U0ANA00001",
        name: str = "ana",
        team: str = TEAM,
        chosen: str = "",
        message: dict[str, Any] | None = None,
        envelope_id: str = "",
        wait: float = 5.0,
        trigger: str = TRIGGER,
    ) -> tuple[str, bool]:
        """Press a button (or choose `chosen` in a menu); returns the envelope's id, and whether it was acknowledged."""
        payload = block_actions(case_id, verb, user, name, team, chosen, message) | {"trigger_id": trigger}
        return self.interact(payload, envelope_id, wait)

    def submit(self, whom: str, note: str = "", *, user: str = "U0ANA00001", name: str = "ana") -> tuple[str, bool]:
        """Choose somebody in the window that was opened last, and press its button."""
        return self.interact(view_submission(self.views[-1], whom, note, user, name))

    def write(self, text: str, *, user: str = "U0ANA00001", name: str = "ana") -> tuple[str, bool]:
        """Write a reply in the window that was opened last, and press its button."""
        return self.interact(reply_submission(self.views[-1], text, user, name))

    def draft(self, text: str, *, user: str = "U0ANA00001", name: str = "ana") -> tuple[str, bool]:
        """Press Draft in the window that was opened last, with this text in its box."""
        made = reply_submission(self.views[-1], text, user, name)
        button = next(each for block in made["view"]["blocks"] for each in block.get("elements", ()))
        made |= {"type": "block_actions", "actions": [{**button, "action_ts": "1767225600.000100"}]}
        made["view"]["id"] = f"V{len(self.views)}"
        return self.interact(made)

    def command(self, text: str, *, user: str = "U0ANA00001", name: str = "ana") -> tuple[str, bool]:
        """Write "/earful ..." in a channel; the answer goes to the webhook."""
        asked = {
            "command": "/earful", "text": text, "user_id": user, "user_name": name, "team_id": TEAM,
            "channel_id": "C0ANYWHERE", "response_url": self.webhook_url, "trigger_id": TRIGGER,
        }  # fmt: skip
        return self.interact(asked, kind="slash_commands")

    def choose(self, message: dict[str, Any], *, user: str = "U0ANA00001", name: str = "ana") -> tuple[str, bool]:
        """Choose "Make this a case" in the menu of a message."""
        chosen = {
            "type": "message_action", "callback_id": "earful_make_case", "team": {"id": TEAM, "domain": "care"},
            "channel": {"id": "C0ANYWHERE"}, "user": {"id": user, "name": name}, "message": message,
            "response_url": self.webhook_url, "trigger_id": TRIGGER,
        }  # fmt: skip
        return self.interact(chosen)

    def interact(
        self, payload: dict[str, Any], envelope_id: str = "", wait: float = 5.0, kind: str = "interactive"
    ) -> tuple[str, bool]:
        """Deliver an interaction; returns the envelope's id, and whether it was acknowledged."""
        envelope_id = envelope_id or f"envelope-{next(self._envelopes)}"
        with self._lock:
            before = self.acknowledged.count(envelope_id)
        self.deliver({"type": kind, "envelope_id": envelope_id, "payload": payload})
        with self._lock:
            return envelope_id, self._lock.wait_for(lambda: self.acknowledged.count(envelope_id) > before, wait)

    def deliver(self, envelope: dict[str, Any]) -> None:
        """Put anything on the newest socket."""
        with self._lock:
            _send_frame(self._sockets[-1], json.dumps({"accepts_response_payload": False, **envelope}).encode())

    # --- the methods

    def answer(self, path: str, said: dict[str, Any], token: str) -> tuple[int, dict[str, str], bytes, str]:
        """Count the request, do what it asks, and return what to answer, and in which mode."""
        with self._lock:
            method = path.removeprefix("/api/")
            self.requests.append((method, said))
            mode = self._at.pop(len(self.requests), self.mode)
            refused = _refusal(mode)
            if refused or mode == "lose":
                return (*(refused or (0, {}, b"")), mode)
            if path == HOOK:
                status, text = self._hook(said)
                return status, {}, text.encode(), mode
            result = {"ok": False, "error": "unknown_method", "req_method": method}
            call = getattr(self, "_" + method.replace(".", "_"), None)
            if token != (self.app_token if method == "apps.connections.open" else self.token):
                result = {"ok": False, "error": "invalid_auth"}
            elif method in _READS and _READS[method] not in self.scopes:
                result = {"ok": False, "error": "missing_scope", "needed": _READS[method], "provided": "chat:write"}
            elif call is not None:
                result = call(said)
            return 200, {"x-oauth-scopes": ",".join(self.scopes)}, json.dumps(result).encode(), mode

    def _hook(self, said: dict[str, Any]) -> tuple[int, str]:
        if not said.get("text") and not said.get("blocks"):
            return 400, "no_text"
        if _fault(said):
            return 400, "invalid_payload" if _fault(said) == "metadata_too_large" else _fault(said)
        self._accept("webhook", {**said, "channel": "C0WEBHOOK1", "ts": self._timestamp()})
        return 200, "ok"

    def _chat_postMessage(self, said: dict[str, Any]) -> dict[str, Any]:
        channel = self.channel_id(said.get("channel", ""))
        if wrong := self.closed_channels.get(channel) or _fault(said):
            return {"ok": False, "error": wrong}
        kept = {**said, "channel": channel, "ts": self._timestamp(), "bot_id": BOT}
        self._accept("chat.postMessage", kept)
        return {"ok": True, "channel": channel, "ts": kept["ts"], "message": {"type": "message", "bot_id": BOT}}

    def _chat_update(self, said: dict[str, Any]) -> dict[str, Any]:
        there = self._find(said.get("channel"), said.get("ts"))
        if there is None:
            return {"ok": False, "error": "message_not_found"}
        if wrong := _fault(said):
            return {"ok": False, "error": wrong}
        self._accept("chat.update", {**there, **said})
        return {"ok": True, "channel": said["channel"], "ts": said["ts"], "text": said.get("text", "")}

    def _chat_postEphemeral(self, said: dict[str, Any]) -> dict[str, Any]:
        channel = self.channel_id(said.get("channel", ""))
        self.accepted.append({"method": "chat.postEphemeral", **said, "channel": channel})  # in no history
        return {"ok": True, "message_ts": self._timestamp()}

    def _views_open(self, said: dict[str, Any]) -> dict[str, Any]:
        view = said.get("view")
        view = json.loads(view) if isinstance(view, str) else view  # slack_sdk sends it as text
        if said.get("trigger_id") != TRIGGER:
            return {"ok": False, "error": "expired_trigger_id"}
        if not view or len(view["title"]["text"]) > 24 or len(view["private_metadata"]) > 3000:
            return {"ok": False, "error": "invalid_arguments"}
        self.views.append(view)
        return {"ok": True, "view": {"id": f"V{len(self.views)}", **view}}

    def _views_update(self, said: dict[str, Any]) -> dict[str, Any]:
        view = said.get("view")
        view = json.loads(view) if isinstance(view, str) else view
        if said.get("view_id") != f"V{len(self.views)}":
            return {"ok": False, "error": "not_found"}
        if not view or len(view["title"]["text"]) > 24 or len(view["private_metadata"]) > 3000:
            return {"ok": False, "error": "invalid_arguments"}
        self.updates.append(view)
        self.views[-1] = view
        return {"ok": True, "view": {"id": said["view_id"], **view}}

    def _conversations_history(self, said: dict[str, Any]) -> dict[str, Any]:
        return self._page(said, [m for m in self.messages if not m.get("thread_ts")])

    def _conversations_replies(self, said: dict[str, Any]) -> dict[str, Any]:
        root = said.get("ts")
        return self._page(said, [m for m in self.messages if root in {m["ts"], m.get("thread_ts")}])

    def _page(self, said: dict[str, Any], messages: list[dict[str, Any]]) -> dict[str, Any]:
        if wrong := self.closed_channels.get(said.get("channel", "")):
            return {"ok": False, "error": wrong}
        oldest = float(said.get("oldest") or 0)
        fitting = [m for m in messages if m["channel"] == said.get("channel") and float(m["ts"]) >= oldest][::-1]
        start = int(base64.b64decode(said["cursor"])) if said.get("cursor") else 0
        size = min(int(said.get("limit") or 100), self.page_size)
        shown = [{"type": "message", **m} for m in fitting[start : start + size]]
        if self.hide_metadata or str(said.get("include_all_metadata")) not in {"1", "True", "true"}:
            shown = [{key: value for key, value in m.items() if key != "metadata"} for m in shown]
        more = start + size < len(fitting)
        cursor = base64.b64encode(str(start + size).encode()).decode() if more else ""
        return {"ok": True, "messages": shown, "has_more": more, "response_metadata": {"next_cursor": cursor}}

    def _conversations_list(self, said: dict[str, Any]) -> dict[str, Any]:
        names = {"general", "care", *(m["asked"].lstrip("#") for m in self.accepted if m["asked"].startswith("#"))}
        channels = [{"id": self.channel_id(name), "name": name, "is_channel": True} for name in sorted(names)]
        return {"ok": True, "channels": channels, "response_metadata": {"next_cursor": ""}}

    def _conversations_open(self, said: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "channel": {"id": self.channel_id(said.get("users", ""))}}

    def _auth_test(self, said: dict[str, Any]) -> dict[str, Any]:
        names = {"url": "https://fake.slack.example/", "team": "Harbour Tea", "user": "earful"}
        return {"ok": True, **names, "team_id": TEAM, "user_id": BOT_USER, "bot_id": BOT}

    def _users_info(self, said: dict[str, Any]) -> dict[str, Any]:
        user = said.get("user", "")
        return {"ok": True, "user": {"id": user, "team_id": TEAM, "name": "ana", "real_name": "Ana Example"}}

    def _usergroups_users_list(self, said: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "users": self.group_members}

    def _apps_connections_open(self, said: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "url": f"ws://{self.address}/link/?ticket=one-time-ticket&app_id={APP}"}

    # --- keeping

    def _timestamp(self) -> str:
        self._last_ts = max(self.clock(), self._last_ts + 0.000_002)
        return f"{self._last_ts:.6f}"

    def _accept(self, method: str, said: dict[str, Any]) -> None:
        line = {"method": method, "asked": str(self.requests[-1][1].get("channel", "")), **said}
        self._keep(line)
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as ledger:
                ledger.write(json.dumps(line) + "\n")

    def _keep(self, line: dict[str, Any]) -> None:
        self.accepted.append(line)
        message = {key: value for key, value in line.items() if key not in {"method", "asked"}}
        there = self._find(message["channel"], message["ts"])
        if there is None:
            self.messages.append(message)
        else:
            there.update(message, edited={"user": BOT_USER, "ts": message["ts"]})
        self._last_ts = max(self._last_ts, float(message["ts"]))

    def _find(self, channel: object, timestamp: object) -> dict[str, Any] | None:
        return next((m for m in self.messages if (m["channel"], m["ts"]) == (channel, timestamp)), None)

    def hold_socket(self, held: socket.socket) -> None:
        """Speak Socket Mode until the other side goes away."""
        with self._lock:
            _send_frame(held, json.dumps({"type": "hello", "num_connections": 1}).encode())
            self._sockets.append(held)
            self._lock.notify_all()
        threading.Thread(target=self.on_connect, daemon=True).start()
        try:
            while (frame := _read_frame(held)) is not None:
                opcode, data = frame
                if opcode == 9:
                    with self._lock:
                        _send_frame(held, data, opcode=10)
                elif opcode == 1:
                    with self._lock:
                        self.acknowledged.append(json.loads(data)["envelope_id"])
                        self._lock.notify_all()
        finally:
            with self._lock:
                self._sockets.remove(held)


def block_actions(
    case_id: str, verb: str, user: str, name: str, team: str, chosen: str, message: dict[str, Any] | None
) -> dict[str, Any]:
    """The payload of a press, in the shape of https://docs.slack.dev/reference/interaction-payloads/block_actions-payload"""
    action: dict[str, Any] = {"action_id": f"earful:{verb}", "block_id": "b1", "action_ts": "1767225600.000100"}
    if chosen:
        words = {"type": "plain_text", "text": "Chosen"}
        action |= {"type": "static_select", "selected_option": {"text": words, "value": f"{chosen}|{case_id}"}}
    else:
        action |= {"type": "button", "value": case_id, "text": {"type": "plain_text", "text": "Pressed"}}
    place = message or {"channel": "C0CARE0001", "ts": "1767225599.000200"}
    return {
        "type": "block_actions",
        "team": {"id": team, "domain": "fake"},
        "user": {"id": user, "username": name, "name": name, "team_id": team},
        "api_app_id": APP,
        "container": {"type": "message", "message_ts": place["ts"], "channel_id": place["channel"]},
        "channel": {"id": place["channel"], "name": "care"},
        "message": {"type": "message", "ts": place["ts"]},
        "actions": [action],
    }


def view_submission(view: dict[str, Any], whom: str, note: str, user: str, name: str) -> dict[str, Any]:
    """The payload of a window that was sent off, in the shape of
    https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
    """
    values = {
        "who": {"who": {"type": "users_select", "selected_user": whom}},
        "note": {"note": {"type": "plain_text_input", "value": note or None}},
    }
    return {
        "type": "view_submission",
        "team": {"id": TEAM, "domain": "fake"},
        "user": {"id": user, "username": name, "name": name, "team_id": TEAM},
        "api_app_id": APP,
        "trigger_id": TRIGGER,
        "view": {"id": "V1", **view, "state": {"values": values}},
    }


def reply_submission(view: dict[str, Any], text: str, user: str, name: str) -> dict[str, Any]:
    """The payload of the window in which a reply was written; Slack lets nobody write more than its box holds."""
    box = view["blocks"][-1]["element"]
    assert len(text) <= box["max_length"], "Slack would not send this off"
    made = view_submission(view, "", "", user, name)
    place = view["blocks"][-1]["block_id"]
    made["view"]["state"] = {"values": {place: {"reply": {"type": "plain_text_input", "value": text or None}}}}
    return made


def _refusal(mode: str) -> tuple[int, dict[str, str], bytes] | None:
    """What the modes answer that accept nothing."""
    name, _, detail = mode.partition(":")
    if name == "429":
        headers = {"Retry-After": detail} if detail else {}
        return 429, headers, b'{"ok":false,"error":"ratelimited"}'
    if name.isdigit():
        return int(name), {}, b"<html><body>upstream error</body></html>"
    fixed = {
        "error": (200, {}, json.dumps({"ok": False, "error": detail}).encode()),
        "html": (200, {"Content-Type": "text/html"}, b"<!doctype html><title>Sign in</title><p>Please sign in."),
        "redirect": (302, {"Location": "/services/elsewhere"}, b""),
        "nonsense": (200, {}, b'["ok", true]'),
        "truncated": (200, {}, b'{"ok": true, "chan'),
    }
    return fixed.get(name)


def _fault(said: dict[str, Any]) -> str:
    """Slack's own limits, and the answer it gives past them."""
    blocks = said.get("blocks") or []
    if not said.get("text") and not blocks:
        return "no_text"
    if len(said.get("text") or "") > 40_000:
        return "msg_too_long"
    if len(blocks) > 50 or any(_block_fault(block) for block in blocks):
        return "invalid_blocks"
    if sum(len(thing["text"]) for thing in _walk(blocks) if isinstance(thing.get("text"), str)) > 13_200:
        return "msg_blocks_too_long"
    about = said.get("metadata")
    if about is not None:
        if set(about) != {"event_type", "event_payload"} or not re.fullmatch(r"[a-z0-9_]+", about["event_type"]):
            return "invalid_metadata_format"
        if len(json.dumps(about["event_payload"])) > 8_000:
            return "metadata_too_large"
    return ""


_TEXT_LIMITS = {"section": 3_000, "header": 150, "button": 75, "option": 75, "label": 75, "placeholder": 150}


def _block_fault(block: dict[str, Any]) -> bool:
    kind = block.get("type")
    if kind in {"section", "header"}:
        accessory = block.get("accessory")
        return _text_fault(block["text"], _TEXT_LIMITS[kind]) or bool(accessory and _element_fault(accessory))
    if kind == "context":
        return not 1 <= len(block["elements"]) <= 10 or any(_text_fault(e, 2_000) for e in block["elements"])
    if kind == "actions":
        names = [element["action_id"] for element in block["elements"]]
        many = not 1 <= len(names) <= 25 or len(set(names)) != len(names)
        return many or any(_element_fault(element) for element in block["elements"])
    return kind != "divider"


def _element_fault(element: dict[str, Any]) -> bool:
    if len(element["action_id"]) > 255:
        return True
    if element["type"] == "button":
        wide = len(element.get("value", "")) > 2_000 or len(element.get("url", "")) > 3_000
        return wide or _text_fault(element["text"], 75) or element.get("style", "primary") not in {"primary", "danger"}
    if element["type"] == "static_select":
        groups = element.get("option_groups") or [{"options": element["options"]}]
        options = [option for group in groups for option in group["options"]]
        values = [option["value"] for option in options]
        return (
            not 1 <= len(options) <= 100
            or len(set(values)) != len(values)
            or any(not 1 <= len(value) <= 150 for value in values)
            or any(_text_fault(option["text"], 75) for option in options)
            or any(_text_fault(group["label"], 75) for group in groups if "label" in group)
            or _text_fault(element["placeholder"], 150)
        )
    return True


def _text_fault(thing: dict[str, Any], limit: int) -> bool:
    return thing.get("type") not in {"plain_text", "mrkdwn"} or not 1 <= len(thing["text"]) <= limit


def _walk(thing: Any) -> Any:
    """Every object in the blocks, in the order a person sees them."""
    if isinstance(thing, dict):
        yield thing
        for value in thing.values():
            yield from _walk(value)
    elif isinstance(thing, list):
        for value in thing:
            yield from _walk(value)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    slack: FakeSlack

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path.startswith("/link/") and "Sec-WebSocket-Key" in self.headers:
            _shake_hands(self.connection, self.headers["Sec-WebSocket-Key"])
            self.server.slack.hold_socket(self.connection)
            self.close_connection = True
            return
        self.do_POST()

    def do_POST(self) -> None:
        slack = self.server.slack
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        address = urlsplit(self.path)
        said: dict[str, Any] = dict(parse_qsl(address.query))
        if raw.startswith(b"{"):
            said |= json.loads(raw)
        else:
            said |= dict(parse_qsl(raw.decode()))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        status, headers, body, mode = slack.answer(address.path, said, token)
        self.close_connection = True
        if mode in {"drop", "lose"}:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        if mode == "hang":
            slack.stopping.wait(60)
            return
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if mode == "drip":
            for byte in body:
                self.wfile.write(bytes([byte]))
                if slack.stopping.wait(0.3):
                    return
        else:
            self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Say nothing: tests speak."""


def _shake_hands(held: socket.socket, key: str) -> None:
    magic = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
    proof = base64.b64encode(hashlib.sha1(magic.encode()).digest()).decode()
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    held.sendall("\r\n".join([*lines, f"Sec-WebSocket-Accept: {proof}", "", ""]).encode())


def _send_frame(held: socket.socket, data: bytes, opcode: int = 1) -> None:
    size = len(data)
    head = bytes([0x80 | opcode, size]) if size < 126 else struct.pack("!BBH", 0x80 | opcode, 126, size)
    held.sendall((head if size < 65_536 else struct.pack("!BBQ", 0x80 | opcode, 127, size)) + data)


def _read_frame(held: socket.socket) -> tuple[int, bytes] | None:
    """Read one frame of a client (masked, not fragmented); None when it is gone."""
    with contextlib.suppress(OSError, EOFError):
        first, second = _exactly(held, 2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", _exactly(held, 2))
        elif size == 127:
            (size,) = struct.unpack("!Q", _exactly(held, 8))
        mask = _exactly(held, 4) if second & 0x80 else bytes(4)
        data = bytes(byte ^ mask[place % 4] for place, byte in enumerate(_exactly(held, size)))
        return None if first & 0x0F == 8 else (first & 0x0F, data)
    return None


def _exactly(held: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = held.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def main() -> None:
    """Run until the input ends or Ctrl-C."""
    parser = argparse.ArgumentParser(description="A Slack on 127.0.0.1 for tests.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ledger", type=Path)
    parser.add_argument("--mode", default="ok")
    parser.add_argument("--at", action="append", default=[], metavar="NUMBER=MODE")
    given = parser.parse_args()
    with FakeSlack(given.port, given.ledger) as slack:
        slack.mode = given.mode
        for one in given.at:
            number, _, mode = one.partition("=")
            slack.misbehave(mode, at=int(number))
        addresses = {"api_url": slack.api_url, "token": TOKEN, "app_token": APP_TOKEN, "webhook_url": slack.webhook_url}
        print(json.dumps(addresses), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            slack.stopping.wait()


if __name__ == "__main__":
    main()
