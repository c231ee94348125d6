"""Links that act for one person on one case: signed, bound to a purpose, and short-lived. Pure.

A token is base64url(version, key id, case id, recipient, purpose, expiry) with an HMAC-SHA256 over all of it. Whoever
holds it may do that one thing, so a GET only shows a page and only a POST acts: mail scanners open every link.
Two keys live at once: new tokens are signed with the current one, the one before stays until its tokens have expired.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

LIFE = timedelta(days=7)  # how long a link in a mail should work

Refusal = Literal["malformed", "too_long", "unknown_key", "forged", "wrong_purpose", "expired"]

_VERSION = 1
_LONGEST = 4096  # characters; what is longer is not read at all
_MAC = hashlib.sha256().digest_size
_LEAST_KEY = 16  # bytes; below that a key can be guessed


class LinkRefused(Exception):
    """This token opens nothing. `kind` is for our own log; the text, which a client may see, is always the same."""

    def __init__(self, kind: Refusal) -> None:
        super().__init__("This link is not valid, or not any more. Please open the case from a newer message.")
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Claim:
    """What a token says, once it is proven that we wrote it."""

    case_id: str
    recipient: str
    purpose: str
    expires_at: datetime
    key_id: str


@dataclass(frozen=True)
class Signer:
    """Writes tokens under the key named `current` and reads those of every key in `keys` (id -> secret bytes)."""

    keys: Mapping[str, bytes] = field(repr=False)
    current: str

    def __post_init__(self) -> None:
        if self.current not in self.keys:
            raise ValueError(f"the current signing key {self.current!r} is not among the keys")
        for key_id, key in self.keys.items():
            if len(key) < _LEAST_KEY:
                raise ValueError(f"the signing key {key_id!r} is shorter than {_LEAST_KEY} bytes")
            if not 0 < len(key_id.encode()) < 256:
                raise ValueError("the id of a signing key has 1 to 255 bytes")

    def sign(self, case_id: str, recipient: str, purpose: str, expires_at: datetime) -> str:
        """Return a token of URL-safe characters. `expires_at` is aware, and kept to the second."""
        if expires_at.tzinfo is None:
            raise ValueError("expires_at needs a zone")
        name = self.current.encode()
        content = json.dumps([case_id, recipient, purpose, int(expires_at.timestamp())], separators=(",", ":"))
        body = bytes((_VERSION, len(name))) + name + content.encode()
        token = _encode(body + _mac(self.keys[self.current], body))
        if len(token) > _LONGEST:
            raise ValueError(f"a link for this case, recipient and purpose would be longer than {_LONGEST} characters")
        return token

    def read(self, token: str, purpose: str, now: datetime) -> Claim:
        """Return what the token claims, or raise LinkRefused: it was not written by us, for this, or not for so late.

        What was not signed is never looked into, and a signature is computed whatever the key id says.
        """
        if len(token) > _LONGEST:
            raise LinkRefused("too_long")
        sealed = _decode(token)
        if len(sealed) < 2 + _MAC or sealed[0] != _VERSION or len(sealed) < 2 + sealed[1] + _MAC:
            raise LinkRefused("malformed")
        body, given = sealed[:-_MAC], sealed[-_MAC:]
        key_id = body[2 : 2 + body[1]].decode("utf-8", "replace")
        key = self.keys.get(key_id)
        genuine = hmac.compare_digest(_mac(key or bytes(_MAC), body), given)
        if key is None:
            raise LinkRefused("unknown_key")
        if not genuine:
            raise LinkRefused("forged")
        case_id, recipient, written_for, seconds = json.loads(body[2 + body[1] :])
        if written_for != purpose:
            raise LinkRefused("wrong_purpose")
        expires_at = datetime.fromtimestamp(seconds, UTC)
        if now >= expires_at:
            raise LinkRefused("expired")
        return Claim(case_id, recipient, written_for, expires_at, key_id)


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, b"earful link\0" + body, hashlib.sha256).digest()


def _encode(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _decode(token: str) -> bytes:
    try:
        sealed = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise LinkRefused("malformed") from None
    # Base64 leaves bits of its last character unused: without this, several tokens would read as one.
    if _encode(sealed) != token:
        raise LinkRefused("malformed")
    return sealed
