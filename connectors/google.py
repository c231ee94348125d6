"""What Google's APIs have in common: what their errors say, and a token for a service account or in a person's name.

https://developers.google.com/identity/protocols/oauth2/service-account#httprest and, for a person who has agreed once,
https://developers.google.com/identity/protocols/oauth2/web-server#offline: that refresh token stays the same.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from pydantic import SecretStr

from connectors import ConnectorError, Nonsense, RateLimited, Refused
from connectors.answers import Answer, retry_after
from connectors.http import Http, host_of
from connectors.listing import object_of, part
from connectors.signing import signed
from connectors.text import clean

TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 (an address) - where a file names no other
_SPARE = timedelta(minutes=1)  # a token is not used to its last second
_OVER_QUOTA = frozenset(
    {"quotaExceeded", "rateLimitExceeded", "userRateLimitExceeded", "dailyLimitExceeded", "RESOURCE_EXHAUSTED"}
)
_BAD_KEY = frozenset({"keyInvalid", "API_KEY_INVALID", "keyExpired", "API_KEY_SERVICE_BLOCKED", "accessNotConfigured"})


class _Access(ABC):
    """Who asks, by a file of credentials: what it holds, and the token that was had for it."""

    _needs: tuple[str, ...]  # texts in the file
    _none: tuple[str, str]  # what is said, and what to do, where it is not such a file
    _refused: tuple[str, str]  # to whom a token is refused, and what to do

    def __init__(self, credentials: SecretStr, http: Http) -> None:
        self._credentials = credentials
        self._http = http
        self._token = ""
        self._until: datetime | None = None

    def headers(self, now: datetime) -> dict[str, str]:
        """The header that says who asks; a token is fetched when there is none that is still good."""
        if self._until is None or not now < self._until <= now + timedelta(days=1):
            self._fetch(now)
        return {"Authorization": f"Bearer {self._token}"}

    @abstractmethod
    def _form(self, held: Mapping[str, str], now: datetime) -> dict[str, str]:
        """What is sent for a token, by what the file holds."""

    def _fetch(self, now: datetime) -> None:
        held = self._held()
        form = urlencode(self._form(held, now)).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        answer = self._http.send("POST", held["token_uri"], headers=kind, body=form, cap=100_000)
        found = object_of(answer, now, self._refusal)
        token, lives = found.get("access_token"), found.get("expires_in")
        if not isinstance(token, str) or not token.isascii() or isinstance(lives, bool) or not isinstance(lives, int):
            raise Nonsense(f"{host_of(held['token_uri'])} answered without access_token", "Earful will retry.")
        self._token = token
        self._until = now + timedelta(seconds=min(max(lives, 0), 3600)) - _SPARE

    def _held(self) -> dict[str, str]:
        try:
            held = json.loads(self._credentials.get_secret_value())
        except (ValueError, RecursionError):
            held = None
        held = {"token_uri": TOKEN_URL, **held} if isinstance(held, dict) else {}
        if not all(isinstance(held.get(name), str) for name in (*self._needs, "token_uri")):
            raise Refused(*self._none)
        return {name: held[name] for name in (*self._needs, "token_uri")}

    def _refusal(self, answer: Answer, said: Mapping[str, Any]) -> ConnectorError | None:
        code = clean(str(said.get("error", "")))[:60]
        if answer.status not in {400, 401, 403} or not code:
            return None
        who, remedy = self._refused
        return Refused(f"Google answered {answer.status} ({code}) to {who}", remedy)


class ServiceAccount(_Access):
    """An account of a program, by the key file that Google Cloud gives out."""

    _needs = ("client_email", "private_key", "private_key_id")
    _none = (
        "credentials is not the key file of a service account",
        "Put the downloaded JSON file there, whole: { file = ... }.",
    )
    _refused = (
        "the service account",
        "Check that the key was not deleted and that this machine's clock is right (timedatectl).",
    )

    def __init__(self, credentials: SecretStr, scope: str, http: Http) -> None:
        super().__init__(credentials, http)
        self._scope = scope

    def _form(self, held: Mapping[str, str], now: datetime) -> dict[str, str]:
        began = int(now.timestamp())
        claims = {"iss": held["client_email"], "scope": self._scope, "aud": held["token_uri"]}
        assertion = signed(
            "RS256",
            SecretStr(held["private_key"]),
            {**claims, "iat": began, "exp": began + 3600},
            key_id=held["private_key_id"],
            where="credentials",
        )
        return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}


class PersonsAccess(_Access):
    """What a person has agreed to once, by the id and secret of a client of one's own and the refresh token."""

    _needs = ("client_id", "client_secret", "refresh_token")
    _none = (
        "credentials does not hold client_id, client_secret and refresh_token",
        "Write them as JSON into one file: { file = ... }.",
    )
    _refused = (
        "the refresh token",
        "Agree again and put the new refresh token there. While the app's publishing status is Testing, Google ends "
        "each after seven days: set it to In production.",
    )

    def _form(self, held: Mapping[str, str], now: datetime) -> dict[str, str]:  # noqa: ARG002
        return {"grant_type": "refresh_token", **{name: held[name] for name in self._needs}}


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
