"""Lets libraries built on requests (tweepy, praw) speak through our own client, so that its promises hold for them too.

requests' time-outs stop neither a server that sends a byte a second nor a decompression bomb, and tweepy sets none at
all (https://github.com/tweepy/tweepy/issues/2024). Mounted on the library's session, this adapter gives each request
to `connectors.http.Http`: a total deadline, a cap on the body, checked redirects, no cookies, no `.netrc`.
"""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from connectors import ConnectorError
from connectors.answers import Answer
from connectors.http import Http, host_of

BEGINNING = 20_000  # bytes
# Said by requests for itself; our client makes its own.
_OWN_HEADERS = frozenset({"accept-encoding", "connection", "content-length", "cookie", "host", "transfer-encoding"})


class ThroughHttp(BaseAdapter):
    """A transport for `requests` over our client. `swap` sends what is meant for one base address to another.

    `last` is the newest whole answer, None when there was none: the libraries' exceptions do not always carry it.
    `begin` starts the total deadline over everything that one fetch asks.
    """

    def __init__(self, http: Http, *, total_seconds: float, swap: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.last: Answer | None = None
        self._http = http
        self._total_seconds = total_seconds
        self._ends = 0.0
        self._swap = {old.rstrip("/"): new.rstrip("/") for old, new in (swap or {}).items()}

    def begin(self) -> None:
        """Start the deadline anew; every request from now on shares it."""
        self._ends = time.monotonic() + self._total_seconds
        self.last = None

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Ask, and hand back a response whose body is already read. Raises ConnectorError, never requests' own."""
        url = self._swapped(request.url or "")
        if time.monotonic() >= self._ends:
            raise ConnectorError(
                f"{host_of(url)} did not answer in time ({self._total_seconds:g} s in all)",
                "Nothing to do; Earful will retry.",
            )
        self.last = None
        headers = {_text(key): _text(value) for key, value in request.headers.items()}
        kept = {key: value for key, value in headers.items() if key.lower() not in _OWN_HEADERS}
        body = request.body.encode() if isinstance(request.body, str) else request.body
        answer = self._http.send(request.method or "GET", url, headers=kept, body=body or None)
        # Of a refusal the beginning says what it is; more than that is not held until the next call.
        self.last = replace(answer, body=answer.body[:BEGINNING])
        return _response(answer, request)

    def close(self) -> None:
        """Close what our client holds open."""
        self._http.close()

    def mount(self, session: requests.Session) -> None:
        """Become the only way out of `session`, whatever the environment says of proxies and `.netrc`."""
        session.trust_env = False
        session.adapters.clear()
        session.mount("https://", self)
        session.mount("http://", self)

    def _swapped(self, url: str) -> str:
        for old, new in self._swap.items():
            if url == old or url.startswith((f"{old}/", f"{old}?")):
                return new + url[len(old) :]
        return url


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _response(answer: Answer, request: requests.PreparedRequest) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers = CaseInsensitiveDict(answer.headers)
    response.url = answer.url
    response.request = request
    response.encoding = "utf-8"
    response.reason = HTTPStatus(answer.status).phrase if answer.status in HTTPStatus._value2member_map_ else ""
    response.raw = io.BytesIO(answer.body)
    return response
