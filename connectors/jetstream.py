"""One connection to a stream of text messages over a websocket, with an end to everything it does.

websocket-client's own time-outs stop neither a server that sends one byte a second nor one that never says anything;
here the socket itself knows the deadline, and a silent server is asked with a ping whether it is still there.
"""

from __future__ import annotations

import socket
import time
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import websocket

from connectors import ConnectorError, Nonsense
from connectors.answers import Answer, error_for
from connectors.tls import authorities, handshake_failed, handshake_late

MOST_BYTES = 150_000_000
_AGAIN = "Nothing to do; Earful will retry."


class Stuck(ConnectorError):
    """The stream stopped for a reason that may pass; what was read before it is good."""


class Stream:
    """One connection; it lasts `seconds` at most. After `quiet` seconds of silence the server is pinged."""

    def __init__(self, base: str, seconds: float, quiet: float) -> None:
        self._base = base.rstrip("/")
        self._parts = urlsplit(self._base)
        self._host = self._parts.hostname or "the server"
        self._seconds = seconds
        self._quiet = min(quiet, seconds / 4)
        self._ends = 0.0
        self._socket: _TimedSocket | None = None
        self._client: Any = None

    def open(self, path: str, now: datetime) -> None:
        """Connect and shake hands; the errors are those of a connector."""
        self._ends = time.monotonic() + self._seconds
        if self._parts.scheme not in {"ws", "wss"} or not self._parts.hostname:
            raise ConnectorError(f"{self._host}: api_url is not a stream's address", "Set api_url to wss://host.")
        try:
            self._socket = _TimedSocket(self._connect(), self._ends)
            self._client = websocket.WebSocket(skip_utf8_validation=True)
            self._client.connect(
                self._base + path, socket=self._socket, suppress_origin=True, redirect_limit=0, http_no_proxy=["*"]
            )
        except websocket.WebSocketBadStatusException as error:
            raise self._refused(error, now) from None
        except websocket.WebSocketTimeoutException:
            raise Stuck(f"{self._host} did not answer in time ({self._seconds:g} s)", _AGAIN) from None
        except websocket.WebSocketConnectionClosedException:
            raise Stuck(f"{self._host} closed the connection before answering", _AGAIN) from None
        except (websocket.WebSocketException, ValueError):
            raise Nonsense(f"{self._host} does not support websockets", "Check api_url.") from None
        except socket.gaierror:
            raise ConnectorError(f"can't resolve {self._host} (DNS)", "Check api_url and the network.") from None
        except OSError as error:
            raise Stuck(f"{self._host}: no connection ({type(error).__name__})", _AGAIN) from None

    def message(self) -> str | None:
        """Give the next message; None when the server is there and has nothing more to say."""
        asked = False
        self._timed().wait = self._quiet
        while True:
            try:
                opcode, frame = self._client.recv_data_frame(control_frame=True)
            except websocket.WebSocketTimeoutException:
                if time.monotonic() >= self._ends:
                    raise Stuck(f"{self._host} went silent", _AGAIN) from None
                if not asked:
                    self._ask()
                    asked = True
                    self._timed().wait = self._seconds
                continue
            except (websocket.WebSocketConnectionClosedException, OSError):
                raise Stuck(f"{self._host} closed the connection", _AGAIN) from None
            except websocket.WebSocketException:
                raise Nonsense(f"{self._host} broke the websocket protocol", "Check api_url.") from None
            if opcode == websocket.ABNF.OPCODE_TEXT:
                return str(frame.data.decode("utf-8", "replace"))
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                raise Stuck(f"{self._host} closed the stream", _AGAIN)
            if opcode == websocket.ABNF.OPCODE_PONG and asked:
                return None

    def close(self) -> None:
        """Hang up without waiting for the other side's farewell."""
        if self._socket is not None:
            self._socket.close()

    def _timed(self) -> _TimedSocket:
        if self._socket is None:
            raise ConnectorError(f"{self._host}: the stream is not open")
        return self._socket

    def _ask(self) -> None:
        try:
            self._client.ping()
        except (websocket.WebSocketException, OSError):
            raise Stuck(f"{self._host} closed the connection", _AGAIN) from None

    def _connect(self) -> socket.socket:
        secure = self._parts.scheme == "wss"
        address = (self._host, self._parts.port or (443 if secure else 80))
        patience = min(5.0, self._seconds)
        plain = socket.create_connection(address, timeout=patience)
        if not secure:
            return plain
        try:
            return authorities().wrap_socket(plain, server_hostname=self._host)
        except TimeoutError:
            plain.close()
            raise handshake_late(self._host, patience) from None
        except OSError as error:  # SSLError is one
            plain.close()
            raise handshake_failed(self._host, error) from None
        except BaseException:
            plain.close()
            raise

    def _refused(self, error: Any, now: datetime) -> ConnectorError:
        """Say why the server shook no hands: its status is that of any web server."""
        headers = {str(key).lower(): str(value) for key, value in dict(error.resp_headers or {}).items()}
        said = error_for(Answer(error.status_code, headers, b"", self._base), self._host, now)
        return said or Nonsense(
            f"{self._host} answered {error.status_code} with something that is not a stream",
            "Check api_url; a proxy, login page or block may be in between.",
        )


class _TimedSocket:
    """A socket whose every step ends at the deadline, or after `wait` seconds without a byte."""

    def __init__(self, inner: socket.socket, ends: float) -> None:
        self._inner = inner
        self._ends = ends
        self._read = 0
        self.wait = ends - time.monotonic()

    def recv(self, size: int) -> bytes:
        """Read, or raise TimeoutError."""
        self._arm(self.wait)
        data = self._inner.recv(size)
        self._read += len(data)
        if self._read > MOST_BYTES:
            raise ConnectionAbortedError("more than a page may hold")
        return data

    def send(self, data: bytes) -> int:
        """Write, or raise TimeoutError."""
        self._arm(self._ends - time.monotonic())
        return self._inner.send(data)

    def gettimeout(self) -> float:
        """Never 0: that would mean a socket that does not wait."""
        return max(self._ends - time.monotonic(), 0.001)

    def settimeout(self, _: float | None) -> None:
        """The deadline stands, whatever the library asks for."""

    def fileno(self) -> int:
        """The number that the system knows it by."""
        return self._inner.fileno()

    def shutdown(self, how: int) -> None:
        """End one direction."""
        self._inner.shutdown(how)

    def close(self) -> None:
        """Close the socket."""
        self._inner.close()

    def _arm(self, wait: float) -> None:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        self._inner.settimeout(max(min(wait, left), 0.001))
