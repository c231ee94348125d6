"""One polite client for every connector that speaks plain HTTP: deadlines, caps, address check, status -> error.

What it promises, whatever the other side does: a call ends within `total_seconds` even when the answer drips one byte
a second; a body is cut at its cap after decompression, so a gzip bomb costs no memory; redirects are few, are checked
one by one and carry no credentials to another host; a host that the operator did not write is only reached at a public
address, and the connection is made to the very address that was checked (so a name cannot be rebound in between).
Large answers of all sources take turns (see room).
Every failure is a ConnectorError that names the host and says what to do; no message holds a path, a query or a body.
"""

from __future__ import annotations

import json as json_library
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2
from pydantic import SecretStr

from connectors import ConnectorError, Nonsense, room, server_dates
from connectors.answers import Answer, error_for
from connectors.sockets import CONNECT_SECONDS, READ_SECONDS, Backend, pool
from connectors.tls import authorities
from connectors.unpacking import unpacked

MAX_REDIRECTS = 3
# Of one answer, unpacked. Whole pages of long posts stay far below; what is longer is no page that was asked for.
MOST_BYTES = 5_000_000
LARGE_SECONDS = 15.0  # in which the rest of a large answer has to come: others wait for its room

# Answers that are being read as JSON: one after the other, so that many large ones are not held as text at once.
_READING = threading.Lock()

Params = Mapping[str, str | int | float | Sequence[str]]

# The client's own log writes whole addresses, and with them the secrets that some networks want in the query.
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)

# Headers that may follow a redirect to another host: none that says who we are.
_HARMLESS = frozenset({"accept", "accept-language", "user-agent", "accept-encoding"})


class Http:
    """A client for one source; making it touches no network. It may be used by several threads, each call by one.

    `trusted` are the hosts that the operator wrote ("example.org" or "127.0.0.1:8080"): they may live at private
    addresses. Everything else must be public. Proxies named in the environment are not used.
    """

    def __init__(
        self,
        *,
        trusted: Iterable[str] = (),
        user_agent: str = "earful/0.2 (+self-hosted)",
        total_seconds: float = 45.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._trusted = frozenset(host.lower().strip() for host in trusted)
        self._user_agent = user_agent
        self._total_seconds = total_seconds
        self._clock = clock
        self._clients: dict[bool, tuple[httpx2.Client, Backend]] = {}
        self._lock = threading.Lock()

    def get(
        self, url: str, *, params: Params | None = None, headers: Mapping[str, str] | None = None, cap: int = MOST_BYTES
    ) -> Answer:
        """Read `url`, following redirects. Any status comes back as an Answer; what never arrived raises."""
        return self._walk("GET", url, params, headers, cap=cap)

    def get_json(
        self, url: str, *, params: Params | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[object, Answer]:
        """Read JSON. A status of 400 or more raises the error that fits it, a page instead of data Nonsense."""
        return self._read_json("GET", url, params, {"Accept": "application/json", **(headers or {})})

    def post_json(self, url: str, *, json: object, headers: Mapping[str, str] | None = None) -> tuple[object, Answer]:
        """Send `json` and read JSON, as `get_json` does. A redirect is refused: the body would go astray."""
        sent = {"Accept": "application/json", "Content-Type": "application/json", **(headers or {})}
        return self._read_json("POST", url, None, sent, json_library.dumps(json).encode())

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        cap: int = MOST_BYTES,
    ) -> Answer:
        """Send a request that a network's own library made (see adapter.py). Any status comes back as an Answer."""
        return self._walk(method, url, None, headers, body=body, cap=cap)

    def close(self) -> None:
        """Close what is open; the client can be used again."""
        with self._lock:
            clients, self._clients = self._clients, {}
        for client, _ in clients.values():
            client.close()

    def _read_json(
        self, method: str, url: str, params: Params | None, headers: Mapping[str, str], body: bytes | None = None
    ) -> tuple[object, Answer]:
        with room.answer():  # its bytes and its text are gone when this ends
            return self._judged(self._walk(method, url, params, headers, body=body))

    def _judged(self, answer: Answer) -> tuple[object, Answer]:
        error = error_for(answer, host_of(answer.url), self._clock())
        if error is not None:
            raise error
        # Whoever asked for JSON has no use for its bytes beside it.
        return json_of(answer), replace(answer, body=b"")

    def _walk(
        self,
        method: str,
        url: str,
        params: Params | None,
        headers: Mapping[str, str] | None,
        *,
        body: bytes | None = None,
        cap: int = MOST_BYTES,
    ) -> Answer:
        """Follow redirects by hand, so that each hop is checked and loses what is not its business."""
        deadline = time.monotonic() + self._total_seconds
        target = _parsed(url, params)
        first = target
        sent = dict(headers or {})
        for _ in range(MAX_REDIRECTS + 1):
            # A redirect may come back to the host that the operator wrote, but never reach for another private one.
            trusted = self._is_trusted(target) and _origin(target) == _origin(first)
            answer = self._once(method, target, sent, body=body, cap=cap, trusted=trusted, deadline=deadline)
            location = answer.headers.get("location", "")
            if answer.status not in {301, 302, 303, 307, 308} or not location:
                return answer
            if method != "GET":
                raise ConnectorError(
                    f"{target.host} answered {answer.status} (moved)", "Set this source's api_url to the new address."
                )
            target, sent = next_hop(target, location, sent)
        raise ConnectorError(
            f"{first.host} redirects more than {MAX_REDIRECTS} times", "Use the final address in the settings."
        )

    def _once(
        self,
        method: str,
        target: httpx2.URL,
        headers: Mapping[str, str],
        *,
        body: bytes | None,
        cap: int,
        trusted: bool,
        deadline: float,
    ) -> Answer:
        client, backend = self._client(trusted)
        backend.deadline.at, backend.deadline.seconds = deadline, self._total_seconds
        where = target.host
        sent = {"User-Agent": self._user_agent, **headers, "Accept-Encoding": "gzip, deflate"}
        try:
            with client.stream(method, target, headers=sent, content=body) as response, room.answer() as page:

                def larger() -> None:
                    """Wait for the turn of a large answer, and have it come without delay once it is there."""
                    if not page.take(cap, deadline):
                        raise _no_turn(where)
                    backend.deadline.at = min(deadline, time.monotonic() + LARGE_SECONDS)

                coding = response.headers.get("content-encoding", "")
                read = unpacked(coding, response.iter_raw(), cap, where, larger)
                page.shrink(len(read))
        except httpx2.TimeoutException as error:
            raise backend.late(where) from error
        except httpx2.RemoteProtocolError as error:
            raise Nonsense(f"{where} cut its answer off", "Earful will retry.") from error
        except httpx2.TransportError as error:
            raise ConnectorError(
                f"{where}: the connection was lost ({type(error).__name__})", "Earful will retry."
            ) from error
        except httpx2.InvalidURL as error:
            raise _bad_address() from error
        except (UnicodeError, ValueError) as error:
            # A header that cannot be sent, or one that cannot be read.
            raise ConnectorError(f"{where}: the request or the answer is not valid HTTP") from error
        lowered = {key.lower(): value for key, value in response.headers.items()}
        server_dates.note(where, lowered.get("date", ""))
        return Answer(response.status_code, lowered, read, str(target))

    def _client(self, trusted: bool) -> tuple[httpx2.Client, Backend]:
        # Two pools: a connection opened to a trusted address must not be reused by a request that may not go there.
        with self._lock:
            if trusted not in self._clients:
                backend = Backend(checked=not trusted)
                client = httpx2.Client(
                    transport=_Transport(backend),
                    timeout=httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS),
                    follow_redirects=False,
                    trust_env=False,
                    cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
                )
                self._clients[trusted] = (client, backend)
            return self._clients[trusted]

    def _is_trusted(self, target: httpx2.URL) -> bool:
        host = target.host.lower()
        return host in self._trusted or f"{host}:{_port(target)}" in self._trusted


def json_of(answer: Answer) -> object:
    """Read a body as JSON, or raise Nonsense: a web page, nothing at all, half a document, brackets without end."""
    with _READING:
        return _json_of(answer)


def _json_of(answer: Answer) -> object:
    where = host_of(answer.url)
    text = answer.body.decode("utf-8-sig", "replace")
    if not text or text.isspace():
        raise Nonsense(f"{where} answered {answer.status} with nothing in it", "Earful will retry.")
    if text[:1000].lstrip().startswith("<"):
        raise Nonsense(
            f"{where} answered {answer.status} with a web page instead of data",
            "Check api_url; a proxy, login page or block may be in between.",
        )
    try:
        return json_library.loads(text)
    except RecursionError:
        raise Nonsense(f"{where} sent JSON that is nested too deeply", "Check api_url.") from None
    except ValueError:
        raise Nonsense(f"{where} sent invalid or incomplete JSON", "Earful will retry.") from None


def host_of(url: str) -> str:
    """Give the host of an address, for messages: never its path, query or password."""
    try:
        return httpx2.URL(url).host or "the source"
    except httpx2.InvalidURL:
        return "the source"


def hosts_written(settings: object) -> tuple[str, ...]:
    """Collect the hosts of every address in a kind's settings, as `trusted` wants them: the operator wrote these."""
    found: list[str] = []
    for value in (getattr(settings, name, None) for name in getattr(type(settings), "model_fields", ())):
        for each in value if isinstance(value, tuple | list) else (value,):
            text = each.get_secret_value() if isinstance(each, SecretStr) else each
            if isinstance(text, str) and re.match(r"(?:https?|wss?)://", text):
                try:
                    url = httpx2.URL(text)
                except httpx2.InvalidURL:
                    continue
                found.append(f"{url.host}:{url.port}" if url.port else url.host)
    return tuple(dict.fromkeys(found))


def _bad_address() -> ConnectorError:
    return ConnectorError("an address is not a web address (http or https)", "Check the addresses in the settings.")


def _parsed(url: str, params: Params | None) -> httpx2.URL:
    try:
        target = httpx2.URL(url)
        if params:
            target = target.copy_merge_params(dict(params))
    except (httpx2.InvalidURL, UnicodeError, ValueError, TypeError) as error:
        raise _bad_address() from error
    if target.scheme not in {"http", "https"} or not target.host:
        raise _bad_address()
    return target


def _port(target: httpx2.URL) -> int:
    return target.port or (443 if target.scheme == "https" else 80)


def _origin(target: httpx2.URL) -> tuple[str, str, int]:
    return target.scheme, target.host.lower(), _port(target)


def next_hop(target: httpx2.URL, location: str, headers: dict[str, str]) -> tuple[httpx2.URL, dict[str, str]]:
    """Say where a redirect leads and which headers may go along: to another host, none that says who we are."""
    try:
        following = target.join(location)
    except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
        raise ConnectorError(f"{target.host} redirects to something that is not an address") from error
    if following.scheme not in {"http", "https"} or not following.host:
        raise ConnectorError(f"{target.host} redirects to something that is not a web address", "Check the address.")
    if target.scheme == "https" and following.scheme == "http":
        raise ConnectorError(f"{target.host} redirects from https to http, which is refused", "Check the address.")
    same_host = following.host.lower() == target.host.lower() and _port(following) == _port(target)
    if not same_host and target.scheme == "http" and following.scheme == "https":
        # The usual move from http to https on the same host keeps its headers.
        same_host = following.host.lower() == target.host.lower() and (_port(target), _port(following)) == (80, 443)
    if same_host:
        return following, headers
    return following.copy_with(userinfo=b""), {k: v for k, v in headers.items() if k.lower() in _HARMLESS}


def _no_turn(where: str) -> ConnectorError:
    return ConnectorError(
        f"{where} sent a large answer while other sources did too, and its turn did not come in time",
        "Earful will retry. If this continues, request less at a time, or read fewer sources here.",
    )


class _Transport(httpx2.HTTPTransport):
    """httpx2's own transport over a pool whose sockets we make; the library has no public argument for that."""

    def __init__(self, backend: Backend) -> None:
        context = authorities()
        super().__init__(verify=context, trust_env=False)
        self._pool = pool(context, backend)
