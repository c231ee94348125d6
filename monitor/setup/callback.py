"""Waits on this machine for the browser to come back from a network's page with a code (RFC 8252, section 7.3)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PORT = 8323  # the page has 8321; networks want the whole address registered, so it stays the same
PATH = "/callback"
_AT_ONCE = 8  # connections; whoever on this machine opens more is hung up on
_DONE = b"<!doctype html><meta charset=utf-8><title>Earful</title><p>Done. You can close this window."
_ODD = b"<!doctype html><meta charset=utf-8><title>Earful</title><p>This is not the sign-in that was begun last."


def redirect_of(port: int) -> str:
    """The address that the browser is sent back to."""
    return f"http://127.0.0.1:{port}{PATH}"


class Callback(ThreadingHTTPServer):
    """Takes one request that `fits`; everything else is answered and forgotten."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, fits: Callable[[str], bool]) -> None:
        """Listen on loopback only. OSError where the port is taken."""
        super().__init__(("127.0.0.1", port), _Handler)
        self.fits = fits
        self.came = ""
        self.done = threading.Event()
        self._room = threading.Semaphore(_AT_ONCE)

    def wait(self, seconds: float) -> str:
        """The address that the browser came with; "" if none came in time."""
        return self.came if self.done.wait(seconds) else ""

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a thread for a connection, where there is room."""
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection, and make room for the next."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is nothing to tell of."""


@contextmanager
def listening(port: int, fits: Callable[[str], bool]) -> Iterator[Callback]:
    """Listen until the block ends."""
    server = Callback(port, fits)
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="callback", daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    timeout = 5  # seconds of silence

    def do_GET(self) -> None:
        server: Callback = self.server  # type: ignore[assignment]
        fits = self.path.startswith(f"{PATH}?") and server.fits(self.path)
        self.send_response(200 if fits else 404)
        body = _DONE if fits else _ODD
        for name, value in (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", "default-src 'none'"),
            ("Referrer-Policy", "no-referrer"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        if fits and not server.done.is_set():
            server.came = self.path
            server.done.set()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """The address holds a code: it is written nowhere."""
