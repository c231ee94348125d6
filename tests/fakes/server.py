"""A loopback HTTP server that answers by path, writes down every request, and misbehaves on demand.

    with FakeServer() as server:
        server.route("/api/posts", {"posts": []})                       # JSON, text or bytes: always this
        server.route("/api/pages", [first, second])                     # one answer a request; the last one stays
        server.route("/api/echo", lambda seen: Reply(json={"q": seen.query}))
        server.misbehave("429", at=2)                                   # the second request only
        server.mode = "hang"                                            # every request from now on
        client.get(server.url + "/api/posts")
        assert server.ledger[0].query == {"tag": ["acme"]}

A mode is one of MODES, a three-digit status, or a whole Reply. Requests are counted from 1, over all paths. A path
that ends in "*" answers for everything that begins so; the longest such path wins, and an exact one before all.
"""

from __future__ import annotations

import contextlib
import gzip
import json as json_library
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.certificates import Certificate

MODES = {
    "ok": "answer as routed",
    "hang": "take the request and never answer (until the server stops)",
    "drip": "the right headers, then the body at one byte a second",
    "drip-headers": "the headers at one byte a second",
    "drop": "take the request, then reset the connection without an answer",
    "cut": "announce the whole body, send half of it, close",
    "html": "200 with a web page, whatever was asked",
    "truncated": "200, a proper length, but only the first half of the document",
    "empty": "200 with nothing in it",
    "bomb": "200, gzip, 200 MB of zeros",
}
_ROUTED = frozenset({"ok", "truncated", "cut", "drip", "drip-headers"})  # modes in which the routes are asked
PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body><p>Please sign in.</p></body></html>"
_BOMB_PIECE = gzip.compress(bytes(10_000_000), 9)


@dataclass(frozen=True)
class Seen:
    """One request as it arrived. Header names are lower-case; `query` holds a list for each name."""

    number: int
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The request's body, read as JSON."""
        return json_library.loads(self.body)

    def one(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.query.get(name, [default])[0]


@dataclass(frozen=True)
class Reply:
    """What to answer: `json` if it is given, else `body`."""

    status: int = 200
    json: Any = None
    body: bytes | str = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> tuple[bytes, str]:
        """The body's bytes and their content type."""
        if self.json is not None:
            return json_library.dumps(self.json).encode(), "application/json; charset=utf-8"
        body = self.body.encode("utf-8", "surrogatepass") if isinstance(self.body, str) else self.body
        return body, "text/html" if body[:1] == b"<" else "application/octet-stream"


Answering = Callable[[Seen], Any]


class FakeServer:
    """The server; `url` is its base address, `host` what an operator would write ("127.0.0.1:port")."""

    def __init__(self) -> None:
        self.mode: str | Reply = "ok"
        self.ledger: list[Seen] = []
        self.stopping = threading.Event()
        self.clock: Callable[[], float] = time.time  # what its answers are dated by
        self._at: dict[int, str | Reply] = {}
        self._routes: dict[str, Answering] = {}
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.fake = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.host}"

    def __enter__(self) -> FakeServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def secure(self, certificate: Certificate) -> None:
        """Speak TLS from now on; call it before the server runs. A handshake that fails is the client's to tell."""
        context = certificate.server_context()
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://{self.host}"

    def route(self, path: str, answer: Any) -> None:
        """Answer `path` with a value, with a list of Replies or values one by one, or with what a function returns.

        A plain list is one JSON document only inside `Reply(json=[...])`: here it means "one answer a request".
        """
        if callable(answer) and not isinstance(answer, type):
            self._routes[path] = answer
        elif isinstance(answer, list):
            self._routes[path] = _one_by_one(answer)
        else:
            self._routes[path] = lambda _: answer

    def misbehave(self, mode: str | Reply, *, at: int) -> None:
        """Use `mode` for the request with this number only (the next one is `len(server.ledger) + 1`)."""
        self._at[at] = mode

    def paths(self) -> list[str]:
        """Every path asked so far, in order."""
        return [seen.path for seen in self.ledger]

    def note(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Seen:
        """Write one request into the ledger."""
        parts = urlsplit(target)
        with self._lock:
            seen = Seen(
                len(self.ledger) + 1, method, parts.path, parse_qs(parts.query, keep_blank_values=True), headers, body
            )
            self.ledger.append(seen)
        return seen

    def mode_of(self, seen: Seen) -> str | Reply:
        """The mode that stands for this request."""
        return self._at.get(seen.number, self.mode)

    def reply_to(self, seen: Seen) -> Reply:
        """What the routes say."""
        answering = self._routes.get(seen.path)
        if answering is None:
            fitting = [p for p in self._routes if p.endswith("*") and seen.path.startswith(p[:-1])]
            if not fitting:
                return Reply(404, json={"error": "no such route in the fake"})
            answering = self._routes[max(fitting, key=len)]
        with self._lock:
            answer = answering(seen)
        if isinstance(answer, Reply):
            return answer
        return Reply(body=answer) if isinstance(answer, bytes | str) else Reply(json=answer)


def _one_by_one(answers: Sequence[Any]) -> Answering:
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    fake: FakeServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gives up in the middle is what many tests are about: nothing to print."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        fake: FakeServer = self.server.fake  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {key.lower(): value for key, value in self.headers.items()}
        seen = fake.note(self.command, self.path, headers, body)
        mode = fake.mode_of(seen)
        taken = None if isinstance(mode, Reply) or mode not in _ROUTED else fake.reply_to(seen)
        if taken is not None:
            mode = fake.mode_of(seen)  # a route may decide that its answer gets lost, once it has taken what came
        self._behave(fake, mode, taken)

    def _behave(self, fake: FakeServer, mode: str | Reply, taken: Reply | None) -> None:
        if isinstance(mode, Reply):
            self._send(mode)
        elif mode.isdigit():
            self._send(Reply(int(mode), json={"error": f"status {mode}"}))
        elif mode == "hang":
            self.close_connection = True
            fake.stopping.wait(60)
        elif mode == "drop":
            self._reset()
        elif mode == "html":
            self._send(Reply(body=PAGE))
        elif mode == "empty":
            self._send(Reply())
        elif mode == "bomb":
            self._bomb()
        elif taken is not None:
            self._misshape(fake, mode, taken)
        else:
            raise ValueError(f"unknown mode {mode!r}; the modes are {', '.join(MODES)}")

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815

    def date_time_string(self, timestamp: float | None = None) -> str:
        fake: FakeServer = self.server.fake  # type: ignore[attr-defined]
        return super().date_time_string(fake.clock() if timestamp is None else timestamp)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """The ledger is the log."""

    def _send(self, reply: Reply) -> None:
        body, content_type = reply.encoded()
        self._head(reply, content_type, len(body))
        self.wfile.write(b"" if self.command == "HEAD" or reply.status in {204, 304} else body)
        self.wfile.flush()

    def _head(self, reply: Reply, content_type: str, length: int) -> None:
        names = {name.lower() for name in reply.headers}
        self.send_response(reply.status)
        if "content-type" not in names:
            self.send_header("Content-Type", content_type)
        if "content-length" not in names and "transfer-encoding" not in names:
            self.send_header("Content-Length", str(length))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _misshape(self, fake: FakeServer, mode: str, reply: Reply) -> None:
        body, content_type = reply.encoded()
        if mode == "ok":
            self._send(reply)
        elif mode == "truncated":
            self._send(Reply(reply.status, body=body[: len(body) // 2], headers={"Content-Type": content_type}))
        elif mode == "cut":
            self._head(reply, content_type, len(body))
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        elif mode == "drip":
            self._head(reply, content_type, len(body))
            self._drip(fake, body)
        elif mode == "drip-headers":
            self._drip(fake, f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    def _drip(self, fake: FakeServer, data: bytes) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            for byte in _bytes_of(data):
                self.wfile.write(byte)
                self.wfile.flush()
                if fake.stopping.wait(1):
                    return

    def _bomb(self) -> None:
        self._head(Reply(headers={"Content-Encoding": "gzip"}), "application/json", len(_BOMB_PIECE) * 20)
        self.close_connection = True
        with contextlib.suppress(OSError):
            for _ in range(20):
                self.wfile.write(_BOMB_PIECE)

    def _reset(self) -> None:
        self.close_connection = True
        # Linger 0 turns the close into a reset: what a dying server or a firewall looks like from outside.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def _bytes_of(data: bytes) -> Iterator[bytes]:
    for position in range(len(data)):
        yield data[position : position + 1]
