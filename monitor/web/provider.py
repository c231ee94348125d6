"""A provider of sign-on, by OpenID Connect: where to send somebody, and what it says of whom it sent back.

Authlib (the extra `oidc`) speaks the protocol and proves what comes back: the code flow with PKCE, the signature by
the provider's published keys, issuer, audience, times and nonce. https://openid.net/specs/openid-connect-core-1_0.html
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from monitor.people.roles import ROLES, Role
from monitor.settings.models import Oidc
from monitor.text.normalize import safe_line
from monitor.timeouts import Overran, within

T = TypeVar("T")
SECONDS = 10.0  # for all that one answer of the provider takes
_AT_ONCE = 2  # a provider that hangs must not hold all of the page's threads
_KEPT = timedelta(hours=1)
_SCOPE = "openid profile email"
_LARGEST = 1_000_000
# Signatures by a key that only the provider has; never a shared secret, never none.
_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})


class ProviderError(Exception):
    """The provider cannot be asked, or what it said proves nothing; the message is for the log, without secrets."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the provider vouches for. `subject` is theirs for ever; the name may change."""

    subject: str
    name: str
    email: str  # only one that the provider has verified
    role: Role
    authenticated_at: datetime | None


class Provider:
    """One provider, as settings name it. Its description and keys are asked for once an hour."""

    def __init__(self, settings: Oidc, back: str) -> None:
        self.settings = settings
        self._back = back
        self._guard = threading.BoundedSemaphore(_AT_ONCE)
        self._known: tuple[datetime, dict[str, Any]] | None = None
        self._keys: dict[str, Any] | None = None

    def address(self, *, state: str, nonce: str, verifier: str, again: bool, now: datetime) -> str:
        """Where to send somebody; `again` asks the provider to make sure of them anew, whatever it remembers."""
        more = {"prompt": "login", "max_age": "0"} if again else {}

        def make() -> str:
            with self._session() as session:
                address, _ = session.create_authorization_url(
                    self._description(now)["authorization_endpoint"],
                    state=state,
                    nonce=nonce,
                    code_verifier=verifier,
                    **more,
                )
                return str(address)

        return self._within(make)

    def person(self, code: str, *, nonce: str, verifier: str, now: datetime) -> Person:
        """Whom the provider vouches for by this code. Raises ProviderError."""

        def ask() -> Mapping[str, Any]:
            with self._session() as session:
                described = self._description(now)
                token = session.fetch_token(
                    described["token_endpoint"], code=code, code_verifier=verifier, grant_type="authorization_code"
                )
            return self._proven(token, nonce, described, now)

        return self._read(self._within(ask))

    def _session(self) -> Any:
        from authlib.integrations.requests_client import OAuth2Session

        secret = self.settings.client_secret
        session = OAuth2Session(
            self.settings.client_id,
            secret.get_secret_value() if secret is not None else None,
            token_endpoint_auth_method="client_secret_basic" if secret is not None else "none",
            scope=_SCOPE,
            redirect_uri=self._back,
            code_challenge_method="S256",
            default_timeout=SECONDS,
        )
        session.trust_env = False
        return session

    def _within(self, work: Callable[[], T]) -> T:
        from authlib.common.errors import AuthlibBaseError
        from joserfc.errors import JoseError
        from requests import RequestException

        if not self._guard.acquire(blocking=False):
            raise ProviderError("too many logins are waiting for the provider")
        try:
            return within(SECONDS, work, "oidc")
        except Overran as error:
            raise ProviderError(f"the provider did not answer: {error}") from None
        except (RequestException, AuthlibBaseError, JoseError) as error:
            raise ProviderError(f"the provider's answer can't be trusted: {type(error).__name__}") from None
        except (ValueError, KeyError, TypeError) as error:
            raise ProviderError(f"the provider's answer made no sense: {type(error).__name__}") from None
        finally:
            self._guard.release()

    def _description(self, now: datetime) -> dict[str, Any]:
        if self._known is not None and now - self._known[0] < _KEPT:
            return self._known[1]
        issuer = self.settings.issuer.rstrip("/")
        found = self._json(f"{issuer}/.well-known/openid-configuration")
        if str(found.get("issuer", "")).rstrip("/") != issuer:
            raise ProviderError("the provider's name differs from `issuer`")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if urlsplit(str(found[name])).scheme != urlsplit(issuer).scheme and not str(found[name]).startswith(
                "https:"
            ):
                raise ProviderError(f"the provider's {name} is not an https address")
        self._known, self._keys = (now, found), None
        return found

    def _json(self, address: str) -> dict[str, Any]:
        import requests

        session = requests.Session()
        session.trust_env = False
        with session, session.get(address, timeout=SECONDS, allow_redirects=False, stream=True) as answer:
            if answer.status_code != 200:
                raise ProviderError(f"the provider answered {answer.status_code}")
            body = answer.raw.read(_LARGEST, decode_content=True)
        found = json.loads(body)
        if not isinstance(found, dict):
            raise ProviderError("the provider's answer is not an object")
        return found

    def _proven(self, token: Any, nonce: str, described: dict[str, Any], now: datetime) -> Mapping[str, Any]:
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError
        from joserfc.jwk import KeySet
        from joserfc.jws import JWSRegistry

        offered = described.get("id_token_signing_alg_values_supported") or ["RS256"]
        registry = JWSRegistry(algorithms=sorted(_ALGORITHMS & set(offered)), strict_check_header=False)
        raw = token["id_token"]
        if self._keys is None:
            self._keys = self._json(described["jwks_uri"])
        try:
            read = jwt.decode(raw, key=KeySet.import_key_set(cast(Any, self._keys)), registry=registry)
        except InvalidKeyIdError:  # it has changed its keys since
            self._keys = self._json(described["jwks_uri"])
            read = jwt.decode(raw, key=KeySet.import_key_set(cast(Any, self._keys)), registry=registry)
        claims = CodeIDToken(
            read.claims,
            read.header,
            {
                "iss": {"essential": True, "value": described["issuer"]},
                "aud": {"essential": True, "value": self.settings.client_id},
            },
            {"nonce": nonce, "client_id": self.settings.client_id, "access_token": token.get("access_token")},
        )
        claims.validate(now=int(now.timestamp()), leeway=60)
        return cast(Mapping[str, Any], claims)

    def _read(self, claims: Mapping[str, Any]) -> Person:
        when = claims.get("auth_time")
        email = str(claims.get("email") or "") if claims.get("email_verified") is True else ""
        name = safe_line(str(claims.get(self.settings.name_claim) or claims.get("preferred_username") or ""))
        subject = f"{str(claims['iss']).rstrip('/')} {claims['sub']}"
        moment = datetime.fromtimestamp(when).astimezone() if isinstance(when, (int, float)) else None
        return Person(subject, " ".join(name.split())[:64], email, self._role(claims), moment)

    def _role(self, claims: Mapping[str, Any]) -> Role:
        """The highest role that one of the person's groups has; `otherwise` for whoever is in none of them."""
        found: Any = claims
        for part in self.settings.role_claim.split("."):  # "realm_access.roles", as Keycloak nests them
            found = found.get(part) if isinstance(found, Mapping) else None
        several = found if isinstance(found, list) else [found]
        groups = {each for each in several if isinstance(each, str)}
        for role in reversed(ROLES):
            if groups & set(self.settings.roles.get(cast(Any, role), ())):
                return role
        return self.settings.otherwise
