"""The sockets under the HTTP client: every step knows the whole call's deadline, and private addresses are refused."""

from __future__ import annotations

import ipaddress
import math
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpcore2

from connectors import ConnectorError, Unreached
from connectors.tls import handshake_failed, handshake_late

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0


def pool(context: ssl.SSLContext, backend: Backend) -> httpcore2.ConnectionPool:
    """Keep a few connections open for a few seconds, all of them made by `backend`."""
    return httpcore2.ConnectionPool(
        ssl_context=context,
        max_connections=20,
        max_keepalive_connections=10,
        keepalive_expiry=5.0,
        network_backend=backend,
    )


class Deadline(threading.local):
    """When the call that this thread is making must end (monotonic seconds), and how long it was given."""

    at: float = math.inf
    seconds: float = 0.0


class Backend(httpcore2.NetworkBackend):
    """Makes the sockets: names are looked up within the deadline and, if `checked`, only public addresses are used."""

    def __init__(self, *, checked: bool) -> None:
        self._checked = checked
        self._inner = httpcore2.SyncBackend()
        self.deadline = Deadline()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first address that answers, of those that may be used."""
        addresses = _addresses(host, port, self.left(host, timeout))
        if self._checked:
            addresses = [address for address in addresses if is_public(address)]
            if not addresses:
                raise Unreached(
                    f"{host} is at a private address, which is refused",
                    "If this host is yours, write it in the settings of the source itself.",
                )
        for number, address in enumerate(addresses[:4], start=1):
            last = number == min(len(addresses), 4)
            # An address that swallows packets (IPv6 on half-configured hosts) must leave time for the next one.
            patience = self.left(host, timeout) / (1 if last else 2)
            try:
                stream = self._inner.connect_tcp(address, port, patience, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                if last:
                    raise _unreachable(host, error) from error
            else:
                return _Stream(stream, host, self)
        raise Unreached(f"{host} has no address", "Check the spelling of the address and the network.")

    def left(self, where: str, timeout: float | None) -> float:
        """Seconds that this step may take: its own bound, or what is left of the whole call's."""
        left = self.deadline.at - time.monotonic()
        if left <= 0:
            raise self.late(where)
        return left if timeout is None else min(left, timeout)

    def late(self, where: str) -> ConnectorError:
        """Say that the answer did not come in time, and which time that was."""
        whole = time.monotonic() >= self.deadline.at
        bound = f"{self.deadline.seconds:g} s in all" if whole else f"{READ_SECONDS:g} s"
        return ConnectorError(f"{where} did not answer in time ({bound})", "Nothing to do; Earful will retry.")


class _Stream(httpcore2.NetworkStream):
    """A socket whose every read and write knows the deadline of the whole call, so that a drip cannot outlast it."""

    def __init__(self, inner: httpcore2.NetworkStream, host: str, backend: Backend) -> None:
        self._inner = inner
        self._host = host
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._backend.left(self._host, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._backend.left(self._host, timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        patience = self._backend.left(self._host, timeout)
        try:
            inner = self._inner.start_tls(ssl_context, server_hostname, patience)
        except httpcore2.ConnectTimeout as error:
            raise handshake_late(self._host, patience) from error
        except httpcore2.ConnectError as error:
            raise handshake_failed(self._host, error.__cause__) from error
        return _Stream(inner, self._host, self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _unreachable(host: str, error: Exception) -> Unreached:
    cause = error.__cause__
    if isinstance(error, httpcore2.ConnectTimeout):
        what = "no connection within the time"
    elif isinstance(cause, ConnectionRefusedError):
        what = "the connection was refused"
    else:
        what = "the network does not reach it"
    return Unreached(f"{host}: {what}", "Check the address and this machine's network; Earful will retry.")


def _addresses(host: str, port: int, patience: float) -> list[str]:
    """Look `host` up without waiting longer than `patience`: the system's own look-up knows no time-out."""
    found: list[str] = []
    failed: list[OSError | UnicodeError] = []

    def look_up() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            failed.append(error)
        else:
            found.extend(dict.fromkeys(str(entry[4][0]) for entry in entries))

    thread = threading.Thread(target=look_up, name="earful-look-up", daemon=True)
    thread.start()
    thread.join(patience)
    remedy = "Check the spelling of the address and this machine's network (DNS)."
    if failed:
        raise Unreached(f"can't resolve {host} (DNS)", remedy) from failed[0]
    if thread.is_alive():
        raise Unreached(f"{host}: looking the name up (DNS) took too long", remedy)
    return list(found)


def is_public(address: str) -> bool:
    """Tell whether an IP address may be reached by a name that came from outside (a redirect, a feed).

    Not: loopback, private, link-local, multicast, unique-local, carrier-grade NAT, unspecified, and every way to wrap
    such an address into IPv6 (mapped, 6to4, Teredo, NAT64).
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.teredo is not None or ip in ipaddress.ip_network("::/96"):
            return False
        inside = ip.ipv4_mapped or ip.sixtofour
        if ip in ipaddress.ip_network("64:ff9b::/96"):
            inside = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(str(inside))
        if ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)
