"""Whether a body at the door comes from who shares its secret: by a signature over its raw bytes, or by a token.

Ours is the one that Earful's own webhooks bear: `Earful-Signature: t=1767225600,v1=HEX`, an HMAC-SHA256 under the
secret over the time, a dot and the body; it is good for five minutes. Some services sign in ways of their own, over the
body alone. Who can do neither sends the token, as `Authorization: Bearer TOKEN` or as the password of a basic login.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

FRESH = 300  # seconds that a signature may be old, and a clock be off
_HEX, _BASE64 = "(?P<proof>[0-9a-f]{64})", "(?P<proof>[A-Za-z0-9+/]{43}=)"


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a signature is written: in which header (in small letters), and as what."""

    header: str
    pattern: re.Pattern[str]

    def found(self, headers: Mapping[str, str]) -> re.Match[str] | None:
        """The signature of a request, if it bears one of this form."""
        return self.pattern.fullmatch(headers.get(self.header, ""))

    def proves(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
        """Whether the signature of a request is that of this body under the secret; in constant time."""
        found = self.found(headers)
        if found is None:
            return False
        signed = f"{found['t']}.".encode() + body if "t" in self.pattern.groupindex else body
        digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
        given = found["proof"]
        return hmac.compare_digest(digest.hex() if len(given) == 64 else base64.b64encode(digest).decode(), given)


OURS = Scheme("earful-signature", re.compile(f"t=(?P<t>[0-9]{{1,12}}),v1={_HEX}", re.ASCII))
# https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
GITHUB = Scheme("x-hub-signature-256", re.compile(f"sha256={_HEX}", re.ASCII))
# https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks; Data Center signs like this, too.
JIRA = Scheme("x-hub-signature", re.compile(f"sha256={_HEX}", re.ASCII))
# https://meta.discourse.org/t/configure-webhooks-that-trigger-on-discourse-events/49045
DISCOURSE = Scheme("x-discourse-event-signature", re.compile(f"sha256={_HEX}", re.ASCII))
# https://www.typeform.com/developers/webhooks/secure-your-webhooks/
TYPEFORM = Scheme("typeform-signature", re.compile(f"sha256={_BASE64}", re.ASCII))


@dataclass(frozen=True, slots=True)
class Proof:
    """What a source demands of whoever brings it something; "" for a secret or a token that is not used."""

    scheme: Scheme = OURS
    secret: str = ""
    token: str = ""

    @property
    def is_open(self) -> bool:
        """Whether anybody may bring anything at all."""
        return bool(self.secret or self.token)

    def bears_token(self, headers: Mapping[str, str]) -> bool:
        """Whether a request bears the token; compared in constant time."""
        given = _token(headers.get("authorization", ""))
        return bool(self.token) and hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())

    def unproved(self, headers: Mapping[str, str], now: datetime) -> str:
        """Why a request cannot be proved, from its head alone; "" where it may be."""
        if self.bears_token(headers):
            return ""
        if not self.secret:
            return "it bears no token, or a wrong one"
        found = self.scheme.found(headers)
        if found is None:
            return f"it bears no {self.scheme.header} of the right form"
        stamp = found.groupdict().get("t")
        if stamp is not None and abs(now.timestamp() - int(stamp)) > FRESH:
            return "its signature is more than five minutes old, or one of the clocks is wrong"
        return ""

    def proved(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether a request that `unproved` let through is whose it says."""
        return self.bears_token(headers) or (bool(self.secret) and self.scheme.proves(headers, body, self.secret))

    def mark(self, headers: Mapping[str, str]) -> str:
        """What makes a request the one it is, besides its body; "" where nothing tells it from one that is repeated.

        With our signature its time; with a service's nothing but the body, which bears an id of the service's own. A
        token says nothing: two customers may well say the same, so only an `Idempotency-Key` marks a repetition.
        """
        if not self.bears_token(headers):
            return "signed " + headers[self.scheme.header]
        key = headers.get("idempotency-key", "")
        return f"key {key}" if key else ""


def _token(authorization: str) -> str:
    kind, _, given = authorization.partition(" ")
    if kind.casefold() == "bearer":
        return given.strip()
    if kind.casefold() != "basic":
        return ""
    try:
        return base64.b64decode(given.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
