"""A provider of sign-on on 127.0.0.1: its description, its keys, and codes that it gives for whoever it is told to.

with FakeProvider() as provider:
    answer = browser.get("/login/provider")                      # where Earful sends the person
    back = provider.sign_in(answer.headers["location"], now=NOW, name="Ana", groups=["care"])
    browser.get(back)                                            # where the provider sends them back
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import datetime
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from tests.fakes.server import FakeServer, Reply, Seen

CLIENT, SECRET = "earful", "the-client-secret-of-the-test"


class FakeProvider:
    """See the module. Close it, or use it in a `with`."""

    def __init__(self) -> None:
        self.server = FakeServer()
        self.issuer = f"{self.server.url}/realm"
        self.key = ECKey.generate_key("P-256", {"kid": "one", "use": "sig", "alg": "ES256"})
        self.signed_with: Any = self.key
        self.algorithm = "ES256"
        self.asked: list[dict[str, str]] = []  # what each person was sent here with
        self._codes: dict[str, tuple[dict[str, str], dict[str, Any]]] = {}

    def __enter__(self) -> Self:
        self.server.__enter__()
        self.server.route("/realm/.well-known/openid-configuration", lambda _seen: self._description())
        self.server.route("/realm/keys", lambda _seen: {"keys": [self.key.as_dict(private=False)]})
        self.server.route("/realm/token", self._token)
        return self

    def __exit__(self, *error: object) -> None:
        self.server.__exit__(*error)

    def _description(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
        }

    def forge(self) -> None:
        """From now on tokens are signed with the client's secret, as an attacker who knows it could."""
        self.signed_with, self.algorithm = OctKey.import_key(SECRET), "HS256"

    def sign_in(
        self, address: str, *, now: datetime, sub: str = "s1", at: datetime | None = None, **claims: Any
    ) -> str:
        """Somebody logs in here; the path and query by which they come back. `at` is when they really did."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        self.asked.append(asked)
        code = secrets.token_urlsafe(16)
        moment = int(now.timestamp())
        said = {
            "iss": self.issuer, "aud": CLIENT, "sub": sub, "iat": moment, "exp": moment + 300, "nonce": asked["nonce"],
            "auth_time": moment, **claims,
        }  # fmt: skip
        self._codes[code] = (asked, {name: value for name, value in said.items() if value is not None})
        return f"{urlsplit(asked['redirect_uri']).path}?{urlencode({'code': code, 'state': asked['state']})}"

    def _token(self, seen: Seen) -> Any:
        form = {name: values[0] for name, values in parse_qs(seen.body.decode()).items()}
        given = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if seen.headers.get("authorization") != f"Basic {given}" or form.get("code") not in self._codes:
            return Reply(status=400, json={"error": "invalid_grant"})
        asked, claims = self._codes.pop(form["code"])
        proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if proof != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return Reply(status=400, json={"error": "invalid_grant"})
        header = {"alg": self.algorithm, "kid": "one"}
        signed = jwt.encode(header, claims, self.signed_with, algorithms=[self.algorithm])
        return {"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": signed}
