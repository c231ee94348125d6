"""A Jetstream server on loopback (websocket by hand, no library), and events as Jetstream writes them.

    with FakeJetstream() as server:
        server.events = [event(at, "Acme is slow"), deletion(at, "3k2a")]
        server.mode = "hang"                       # one of MODES, or a three-digit status

It replays the events whose time is at or after `cursor`, answers pings, and then keeps the line open, as the real one.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import socketserver
import struct
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.certificates import Certificate
from tests.fakes.server import PAGE, Seen

MODES = {
    "ok": "shake hands, send the events, answer pings",
    "hang": "take the request and never answer",
    "drip": "the handshake at one byte a second",
    "drip-frames": "shake hands, then the events at one byte a second",
    "drop": "take the request, then reset the connection",
    "html": "a web page with status 200 instead of a handshake",
    "empty": "status 200 and nothing in it",
    "truncated": "shake hands, then only the first half of every event",
    "cut": "send half of the events, and half a frame, and hang up",
    "deaf": "shake hands, send the events, and answer no ping",
    "farewell": "send half of the events, then a close frame",
    "nonsense": "shake hands, then frames of a kind that does not exist",
}
DID = "did:plc:ada"


def microseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def event(at: datetime, text: Any, key: str = "", did: str = DID, **record: Any) -> dict[str, Any]:
    """One new post; `record` overrides or adds fields of app.bsky.feed.post."""
    return {
        "did": did,
        "time_us": microseconds(at),
        "kind": "commit",
        "commit": {
            "rev": "3l3",
            "operation": "create",
            "collection": "app.bsky.feed.post",
            "rkey": key or f"k{microseconds(at)}",
            "record": {
                "$type": "app.bsky.feed.post",
                "createdAt": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                "langs": ["en"],
                "text": text,
                **record,
            },
            "cid": "bafy",
        },
    }


def deletion(at: datetime, key: str, collection: str = "app.bsky.feed.post") -> dict[str, Any]:
    commit = {"rev": "3l4", "operation": "delete", "collection": collection, "rkey": key}
    return {"did": DID, "time_us": microseconds(at), "kind": "commit", "commit": commit}


class FakeJetstream:
    """`events` are dicts, or text that is sent as it is. `ledger` holds every handshake asked for."""

    def __init__(self) -> None:
        self.mode = "ok"
        self.events: list[Any] = []
        self.ledger: list[Seen] = []
        self.stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.fake = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"ws://{self.host}"

    def __enter__(self) -> FakeJetstream:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def secure(self, certificate: Certificate) -> None:
        """Speak TLS from now on; call it before the server runs."""
        context = certificate.server_context()
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"wss://{self.host}"

    def after(self, cursor: int) -> Iterable[str]:
        """The events from `cursor` on, as the text of their messages."""
        for each in self.events:
            if isinstance(each, str) or each.get("time_us", cursor) >= cursor:
                # Go writes these signs as escapes.
                text = each if isinstance(each, str) else json.dumps(each, ensure_ascii=False, separators=(",", ":"))
                yield text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    fake: FakeJetstream

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what a page of a stream ends with."""


class _Handler(socketserver.StreamRequestHandler):
    timeout = 60
    server: _Server

    def handle(self) -> None:
        fake, mode = self.server.fake, self.server.fake.mode
        seen = self._request(fake)
        if mode == "hang":
            fake.stopping.wait(60)
        elif mode == "drop":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif mode == "html":
            self._answer("200 OK", PAGE)
        elif mode == "empty":
            self._answer("200 OK", b"")
        elif mode.isdigit():
            self._answer(f"{mode} Because", b'{"error":"because"}')
        else:
            self._stream(fake, mode, seen)

    def _request(self, fake: FakeJetstream) -> Seen:
        method, target, _ = self.rfile.readline().decode().split(" ", 2)
        headers: dict[str, str] = {}
        while line := self.rfile.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        parts = urlsplit(target)
        seen = Seen(len(fake.ledger) + 1, method, parts.path, parse_qs(parts.query), headers, b"")
        fake.ledger.append(seen)
        return seen

    def _answer(self, status: str, body: bytes) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)

    def _stream(self, fake: FakeJetstream, mode: str, seen: Seen) -> None:
        key = seen.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        hello = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        hello += [f"Sec-WebSocket-Accept: {accept}", "", ""]
        self._write(fake, "\r\n".join(hello).encode(), slowly=mode == "drip")
        messages = list(fake.after(int(seen.one("cursor", "0"))))
        if mode == "nonsense":
            self.wfile.write(b"\x83\x00" * 8)
        if mode in {"cut", "farewell"}:
            messages = messages[: len(messages) // 2]
        for text in messages:
            half = text[: len(text) // 2] if mode == "truncated" else text
            self._write(fake, _frame(1, half.encode("utf-8", "surrogatepass")), slowly=mode == "drip-frames")
        if mode == "cut":
            self.wfile.write(_frame(1, b"half of this never comes")[:9])
        elif mode == "farewell":
            self.wfile.write(_frame(8, struct.pack(">H", 1001)))
        else:
            self._answer_pings(fake, deaf=mode == "deaf")

    def _write(self, fake: FakeJetstream, data: bytes, *, slowly: bool) -> None:
        if not slowly:
            self.wfile.write(data)
            return
        for position in range(len(data)):
            self.wfile.write(data[position : position + 1])
            if fake.stopping.wait(1):
                return

    def _answer_pings(self, fake: FakeJetstream, *, deaf: bool) -> None:
        """Until the client hangs up: read its (masked, short) frames."""
        with contextlib.suppress(OSError, ValueError):
            while not fake.stopping.is_set():
                head = self.rfile.read(2)
                if len(head) < 2:
                    return
                mask = self.rfile.read(4)
                data = bytes(byte ^ mask[place % 4] for place, byte in enumerate(self.rfile.read(head[1] & 0x7F)))
                if head[0] & 0x0F == 9 and not deaf:
                    self.wfile.write(_frame(10, data))


def _frame(opcode: int, data: bytes) -> bytes:
    """One whole frame from a server: never masked."""
    if len(data) < 126:
        return bytes([0x80 | opcode, len(data)]) + data
    if len(data) < 65_536:
        return bytes([0x80 | opcode, 126]) + struct.pack(">H", len(data)) + data
    return bytes([0x80 | opcode, 127]) + struct.pack(">Q", len(data)) + data
