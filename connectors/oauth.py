"""Signing in at a network as a person: OAuth 2.0 by authorization code with PKCE, and the renewal of what comes of it.

RFC 6749 (sections 4.1 and 6) with RFC 7636 and, for the way back to this machine, RFC 8252. Two form posts over our own
client: no library does what is hard here, which is to save a token that is good for one use before it is used. Nothing
here keeps anything; whoever keeps the tokens hands a connector a function that gives the one of this moment.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import parse_qs, urlencode, urlsplit

from connectors import Account, ConnectorError, Nonsense, Quota, Refused
from connectors.answers import Answer, error_for
from connectors.http import Http, json_of

MOST_BYTES = 100_000  # of an answer that holds two tokens
USUAL, LONGEST = timedelta(hours=2), timedelta(days=90)  # how long a token is good where it is not said, and at most
_TOKEN = re.compile(r"[\x21-\x7e]{1,8000}")
_CODE = re.compile(r"[\x21-\x7e]{1,2000}")
# What says that a code or a token is refused for good. X answers invalid_request, with "Value passed for the token was
# invalid", where RFC 6749 wants invalid_grant.
_ENDED = frozenset({"invalid_grant", "invalid_request"})
_WRONG_CLIENT = frozenset({"invalid_client", "unauthorized_client"})


class GrantEnded(Refused):
    """The network refuses the code or the token for good: somebody has to sign in again."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Where and for what one signs in at a network. `owner_asked` is asked of whoever signs in, "" for nothing.

    `network` and `console` (where the app is registered) are for messages.
    """

    network: str
    client_id: str
    authorize_url: str
    token_url: str
    scopes: tuple[str, ...]
    console: str
    owner_asked: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """What the network gave: the token to read with, and the one that renews it, which is often good for one use."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    lasts: timedelta
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Access:
    """What a connector reads with now, whose it is, and whether that account owns the app. `again`: how to sign in."""

    token: str = field(repr=False)
    account: Account
    owns_app: bool
    again: str


# (now, the token that the network has just refused or "") -> what to read with. Raises a ConnectorError.
Tokens = Callable[[datetime, str], Access]


class SignsIn(Protocol):
    """A connector that may read as a person: where the `sign_in` of its settings says how, and is not None."""

    def sign_in_with(self, tokens: Tokens) -> None:
        """Read with what `tokens` gives from now on."""
        ...

    def who(self, now: datetime) -> tuple[Account, Quota]:
        """Ask the network who has signed in, and say what that cost."""
        ...


def new_verifier() -> str:
    """A secret for one sign-in; only its hash goes through the browser."""
    return secrets.token_urlsafe(64)


def address_of(sign_in: SignIn, redirect: str, state: str, verifier: str) -> str:
    """The page of the network where a person agrees. It holds no secret."""
    proof = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": sign_in.client_id,
        "redirect_uri": redirect,
        "scope": " ".join(sign_in.scopes),
        "state": state,
        "code_challenge": proof,
        "code_challenge_method": "S256",
    }
    return f"{sign_in.authorize_url}?{urlencode(asked)}"


def code_in(came: str, state: str, network: str) -> str:
    """The code in the address that the browser was sent back to, or the code alone as a person copied it.

    Raises Refused where the person declined, and a ConnectorError where it belongs to another sign-in.
    """
    text = came.strip()
    if "=" not in text and _CODE.fullmatch(text) and "/" not in text:
        return text
    query = urlsplit(text).query if "?" in text else text
    try:
        found = parse_qs(query, max_num_fields=20)
    except ValueError:
        found = {}
    code = found.get("code", [""])[0]
    if not _CODE.fullmatch(code) and "error" not in found:
        raise ConnectorError("there is no code in it", "Copy the whole address that the browser ended at.")
    if not secrets.compare_digest(found.get("state", [""])[0].encode("utf-8", "replace"), state.encode()):
        raise ConnectorError("it belongs to another sign-in", "Use the address that was shown last.")
    if "error" in found:
        raise Refused(f"{network} did not allow it", "Nobody agreed on its page, or the app may not ask for this.")
    return code


def exchange(sign_in: SignIn, http: Http, code: str, verifier: str, redirect: str, now: datetime) -> Grant:
    """Turn a code into tokens. GrantEnded where it is too old: X takes one for 30 seconds."""
    asked = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier, "redirect_uri": redirect}
    return _grant(sign_in, _post(sign_in, http, asked, now), "")


def renew(sign_in: SignIn, http: Http, refresh_token: str, now: datetime) -> Grant:
    """Ask for new tokens with the one that renews them. It is spent once the network has answered, or even before."""
    body = _post(sign_in, http, {"grant_type": "refresh_token", "refresh_token": refresh_token}, now)
    return _grant(sign_in, body, refresh_token)


def lacking(sign_in: SignIn, grant: Grant) -> tuple[str, ...]:
    """The permissions that were asked for and not given."""
    return tuple(each for each in sign_in.scopes if each not in grant.scopes)


def _post(sign_in: SignIn, http: Http, asked: Mapping[str, str], now: datetime) -> dict[str, Any]:
    # A public client, as an app on somebody's own machine is one (RFC 8252, 8.5): its id, and no secret to keep.
    body = urlencode({**asked, "client_id": sign_in.client_id}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    answer = http.send("POST", sign_in.token_url, headers=headers, body=body, cap=MOST_BYTES)
    if 400 <= answer.status < 500 and answer.status != 429:
        raise _refusal(sign_in, answer)
    error = error_for(answer, sign_in.network, now)
    if error is not None:
        raise error
    found = json_of(answer)
    if not isinstance(found, dict):
        raise Nonsense(f"{sign_in.network} answered without tokens", "Earful will retry.")
    return found


def _refusal(sign_in: SignIn, answer: Answer) -> ConnectorError:
    try:
        body = json_of(answer)
    except Nonsense:
        body = {}
    word = str(body.get("error", "")) if isinstance(body, dict) else ""
    network = sign_in.network
    if answer.status == 400 and word in _ENDED:
        return GrantEnded(f"{network} refuses the token or code ({word})")
    if word in _WRONG_CLIENT:
        return Refused(
            f"{network} does not know this app ({word})",
            f"Check client_id at {sign_in.console}: the app must be of a type without a client secret (a native app).",
        )
    # Also a proxy or a bot check: nothing that says the token is at an end, so that is not believed.
    return ConnectorError(f"{network} answered {answer.status} to the sign-in", "Earful will retry.")


def _grant(sign_in: SignIn, body: Mapping[str, Any], before: str) -> Grant:
    access, renewing, scopes = body.get("access_token"), body.get("refresh_token", before), body.get("scope")
    if not isinstance(access, str) or not _TOKEN.fullmatch(access):
        raise Nonsense(f"{sign_in.network} answered without a usable access_token", "Earful will retry.")
    if not isinstance(renewing, str) or not (_TOKEN.fullmatch(renewing) or not renewing):
        raise Nonsense(f"{sign_in.network} answered without a usable refresh_token", "Earful will retry.")
    # "If identical to the scope requested" it may be left out: RFC 6749, 5.1.
    given = tuple(scopes.split()[:100]) if isinstance(scopes, str) else sign_in.scopes
    seconds = body.get("expires_in")
    sane = isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds < LONGEST.total_seconds()
    return Grant(access, renewing, timedelta(seconds=seconds) if sane else USUAL, given)  # type: ignore[arg-type]
