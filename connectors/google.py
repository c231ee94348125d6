"""What Google's APIs have in common: what their errors say, and a token for a service account.

https://developers.google.com/identity/protocols/oauth2/service-account#httprest
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from pydantic import SecretStr

from connectors import ConnectorError, Nonsense, RateLimited, Refused
from connectors.http import Answer, Http, host_of, retry_after
from connectors.listing import object_of, part
from connectors.signing import signed
from connectors.text import clean

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SPARE = timedelta(minutes=1)  # a token is not used to its last second
_OVER_QUOTA = frozenset(
    {"quotaExceeded", "rateLimitExceeded", "userRateLimitExceeded", "dailyLimitExceeded", "RESOURCE_EXHAUSTED"}
)
_BAD_KEY = frozenset({"keyInvalid", "API_KEY_INVALID", "keyExpired", "API_KEY_SERVICE_BLOCKED", "accessNotConfigured"})


class ServiceAccount:
    """An account of a program: the key file's content, and the token that it has now."""

    def __init__(self, credentials: SecretStr, scope: str, http: Http) -> None:
        self._credentials = credentials
        self._scope = scope
        self._http = http
        self._token = ""
        self._until: datetime | None = None

    def headers(self, now: datetime) -> dict[str, str]:
        """The header that says who asks; a token is fetched when there is none that is still good."""
        if self._until is None or not now < self._until <= now + timedelta(days=1):
            self._fetch(now)
        return {"Authorization": f"Bearer {self._token}"}

    def _fetch(self, now: datetime) -> None:
        account = self._account()
        began = int(now.timestamp())
        claims = {"iss": account["client_email"], "scope": self._scope, "aud": account["token_uri"]}
        assertion = signed(
            "RS256",
            SecretStr(account["private_key"]),
            {**claims, "iat": began, "exp": began + 3600},
            key_id=account["private_key_id"],
            where="credentials",
        )
        form = urlencode({"grant_type": _GRANT, "assertion": assertion}).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        answer = self._http.send("POST", account["token_uri"], headers=kind, body=form, cap=100_000)
        found = object_of(answer, now, _token_refusal)
        token, lives = found.get("access_token"), found.get("expires_in")
        if not isinstance(token, str) or not token.isascii() or isinstance(lives, bool) or not isinstance(lives, int):
            raise Nonsense(f"{host_of(account['token_uri'])} answered without access_token", "Earful will retry.")
        self._token = token
        self._until = now + timedelta(seconds=min(max(lives, 0), 3600)) - _SPARE

    def _account(self) -> dict[str, str]:
        try:
            held = json.loads(self._credentials.get_secret_value())
        except (ValueError, RecursionError):
            held = None
        names = ("client_email", "private_key", "private_key_id", "token_uri")
        if not isinstance(held, dict) or not all(isinstance(held.get(name), str) for name in names):
            raise Refused(
                "credentials is not the key file of a service account",
                "Put the downloaded JSON file there, whole: { file = ... }.",
            )
        return {name: held[name] for name in names}


def _token_refusal(answer: Answer, said: Mapping[str, Any]) -> ConnectorError | None:
    code = clean(str(said.get("error", "")))[:60]
    if answer.status not in {400, 401, 403} or not code:
        return None
    return Refused(
        f"Google answered {answer.status} ({code}) to the service account",
        "Check that the key was not deleted and that this machine's clock is right (timedatectl).",
    )


def reasons_of(said: Mapping[str, Any]) -> frozenset[str]:
    """Every word that an error of Google's gives for itself: https://cloud.google.com/apis/design/errors"""
    error = part(said, "error")
    several = [error.get(name) for name in ("errors", "details")]
    inside = [
        each.get("reason") for some in several if isinstance(some, list) for each in some if isinstance(each, dict)
    ]
    return frozenset(clean(each)[:60] for each in (error.get("status"), *inside) if isinstance(each, str))


def refusal(network: str, now: datetime, again: datetime | None, remedy: str) -> Any:
    """Say what an error means: over quota (whose status may be 403; asked `again` then), a bad key, no permission."""

    def read(answer: Answer, said: Mapping[str, Any]) -> ConnectorError | None:
        reasons = reasons_of(said)
        shown = ", ".join(sorted(reasons)) or "no reason given"
        message = f"{network} answered {answer.status} ({shown})"
        if reasons & _OVER_QUOTA and answer.status in {403, 429}:
            at = retry_after(answer.headers, now) or again
            return RateLimited(message, at, "Nothing to do; Earful will retry. See the quotas in Google's console.")
        if answer.status in {401, 403} or reasons & _BAD_KEY:
            return Refused(message, remedy)
        return None

    return read
