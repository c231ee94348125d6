"""One HTTP request with an end: a total deadline that a slow drip cannot stretch, no redirects, a capped answer.

Python's own time limits are per read: a server that sends one byte a second holds a caller for hours. Here a timer
shuts the socket down when the time is over. What alerting must know above all is whether the request had left when it
failed, for then it may have been heard: `WireError.left`.
"""

from __future__ import annotations

import functools
import http.client
import os
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

# OpenSSL's numbers (X509_V_ERR_..., x509_vfy.h).
_CERTIFICATE = {
    **dict.fromkeys((9, 10), "its certificate has expired, going by this machine's clock; check the clock (NTP)"),
    **dict.fromkeys((62, 64), "its certificate is for another name; check the address"),
}
_UNTRUSTED = (
    "its certificate is not signed by an authority this machine trusts; behind a company proxy, set its PEM file in "
    "the environment variable SSL_CERT_FILE"
)
ANSWER_CAP = 10_000_000  # bytes; a page of Slack's history with metadata is far below


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the headers with lower-case names, and the body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_web_page(self) -> bool:
        """Whether a page for people came in place of a service's answer: a proxy's sign-in, or a web site."""
        return self.body.lstrip()[:1] == b"<"


_REACH = "check the address of that channel in the settings, and this machine's network (DNS, firewall, proxy)"


class WireError(Exception):
    """No whole answer came. `left`: the request was on its way, so it may have been heard. Names no address."""

    def __init__(self, reason: str, *, left: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.left = left
        self.remedy = "" if left else _REACH


class _Exchange:
    """Keeps hold of the socket of one request, so that a timer can end it from outside."""

    def __init__(self, seconds: float) -> None:
        self.left = False
        self.expired = False
        self._ends = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._hold: socket.socket | None = None

    def connect(self, address: tuple[str, int], *arguments: Any, **options: Any) -> socket.socket:
        """Open the socket and keep a second handle: TLS takes the first one over."""
        opened = socket.create_connection(address, *arguments, **options)
        with self._lock:
            self._hold = opened.dup()
            if self.expired:
                self._hold.shutdown(socket.SHUT_RDWR)
        return opened

    def may_leave(self) -> None:
        """Raise TimeoutError where the time is over: a process that stood still wakes up before its timer does."""
        if self.expired or time.monotonic() >= self._ends:
            self.expired = True
            raise TimeoutError

    def expire(self) -> None:
        """End the exchange now; whoever waits on the socket wakes up."""
        with self._lock:
            self.expired = True
            if self._hold is not None:
                try:
                    self._hold.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # the other side was quicker

    def close(self) -> None:
        """Give the second handle back."""
        with self._lock:
            if self._hold is not None:
                self._hold.close()


class _Watched:
    """A connection that tells its exchange when the first byte of the request (not of a proxy's tunnel) goes out."""

    sock: Any

    def __init__(self, *arguments: Any, exchange: _Exchange, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._exchange = exchange
        self._create_connection = exchange.connect

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]
            self._exchange.may_leave()
            self._exchange.left = True
        super().send(data)  # type: ignore[misc]


class _Plain(_Watched, http.client.HTTPConnection):
    """http://, watched."""


class _Secure(_Watched, http.client.HTTPSConnection):
    """https://, watched."""


def trusted() -> ssl.SSLContext:
    """Whom we trust: this machine's authorities and those that the environment names (a company's proxy has its own).

    Read once, and only if somebody speaks TLS.
    """
    return _trusted_with(os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", ""))


@functools.cache
def _trusted_with(_file: str, _folder: str) -> ssl.SSLContext:
    return ssl.create_default_context()  # OpenSSL looks into the environment by itself


class _Opener(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    def __init__(self, watched: _Exchange) -> None:
        urllib.request.HTTPHandler.__init__(self)
        self._watched = watched

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(functools.partial(_Plain, exchange=self._watched), req)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(functools.partial(_Secure, exchange=self._watched, context=trusted()), req)


class _Stay(urllib.request.HTTPErrorProcessor):
    """Every status is an answer. A redirect, for one, would carry our words to an address that nobody chose."""

    def http_response(self, request: urllib.request.Request, response: Any) -> Any:  # noqa: ARG002
        return response

    https_response = http_response


def exchange(request: urllib.request.Request, seconds: float, *, proxy: str = "", cap: int = ANSWER_CAP) -> Answer:
    """Send `request` and return its answer, whatever its status, within `seconds` in all. Raises WireError.

    An answer of more than `cap` bytes is none.

    The proxy of the environment is not used: only `proxy`, where the operator has set one.
    """
    watched = _Exchange(seconds)
    proxies = {"http": proxy, "https": proxy} if proxy else {}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies), _Opener(watched), _Stay())
    timer = threading.Timer(seconds, watched.expire)
    timer.daemon = True
    timer.start()
    try:
        with opener.open(request, timeout=seconds) as response:
            body = response.read(cap + 1)
            if watched.expired:  # a body of unknown length ends quietly when the socket is shut down
                raise TimeoutError
            if len(body) > cap:
                raise WireError("the answer is too long", left=True)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, headers, body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise WireError(_reason(error, watched, seconds), left=watched.left) from None
    finally:
        timer.cancel()
        watched.close()


def _reason(error: Exception, watched: _Exchange, seconds: float) -> str:
    """Say in words what went wrong, without the address: some addresses are secrets."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if watched.expired or isinstance(cause, TimeoutError):
        return f"no answer within {seconds:g} seconds" if watched.left else f"not reached within {seconds:g} seconds"
    if isinstance(cause, socket.gaierror):
        return "can't resolve its name (DNS)"
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    if isinstance(cause, ssl.SSLError):
        return _insecure(cause)
    if watched.left:
        return "the connection was lost before an answer came"
    return f"not reached ({type(cause).__name__})"


def _insecure(cause: ssl.SSLError) -> str:
    """Say why nothing was sent: OpenSSL's own words may name the host, so the number says the kind."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _CERTIFICATE.get(cause.verify_code, _UNTRUSTED)
    return f"the encrypted connection failed ({cause.reason or 'TLS'})"
