"""What an address says of whom it reaches."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def leads_somewhere(address: str, schemes: frozenset[str]) -> bool:
    """Whether an address has one of these schemes and a host, and its port, if it has one, is a number up to 65535."""
    try:
        parts = urlsplit(address)
        _ = parts.port  # read for its ValueError
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname) and address.split() == [address]
