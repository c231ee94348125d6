"""X's token endpoint: codes that fit their proof, tokens of two hours, refresh tokens that are good for one use.

Shapes: https://docs.x.com/fundamentals/authentication/oauth-2-0/user-access-token. A refresh token that is used again
ends the whole sign-in, and the answer is "invalid_request" with these words: both as others have seen it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from tests.fakes.server import Reply, Seen

LASTS = 7200


class SignIns:
    """What was given to one app. `spoil` changes each answer, `before` is called before one is given."""

    def __init__(self, client_id: str, now: Callable[[], datetime]) -> None:
        self.client_id = client_id
        self.now = now
        self.scopes = "users.read tweet.read offline.access"
        self.renewals = 0
        self.spoil: Callable[[dict[str, object]], object] = lambda body: body
        self.before: Callable[[], None] = lambda: None
        self._codes: dict[str, tuple[str, str, datetime]] = {}  # code -> proof, redirect, when
        self._access: dict[str, datetime] = {}  # token -> its end
        self._refresh: dict[str, bool] = {}  # token -> whether it was used
        self._count = 0

    def agree(self, address: str) -> str:
        """A person agrees on the page at `address`; where the browser is sent then."""
        asked = {name: each[0] for name, each in parse_qs(urlsplit(address).query).items()}
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert asked["client_id"] == self.client_id
        self._count += 1
        code = f"code-{self._count}"
        self._codes[code] = (asked["code_challenge"], asked["redirect_uri"], self.now())
        return f"{asked['redirect_uri']}?state={asked['state']}&code={code}"

    def give(self) -> dict[str, object]:
        """A pair of tokens, as after a sign-in."""
        self._count += 1
        access, refresh = f"access-CANARY-{self._count}", f"refresh-CANARY-{self._count}"
        self._access[access] = self.now() + timedelta(seconds=LASTS)
        self._refresh[refresh] = False
        return {
            "token_type": "bearer", "expires_in": LASTS, "access_token": access, "scope": self.scopes,
            "refresh_token": refresh,
        }  # fmt: skip

    def knows(self, token: str) -> bool:
        """Whether X reads with this token now."""
        return token in self._access and self.now() < self._access[token]

    def end_access(self) -> None:
        """No token reads any more, whatever was said of its end; those that renew are as before."""
        self._access.clear()

    def revoke(self) -> None:
        """The person takes the consent back."""
        self._access.clear()
        self._refresh.clear()

    def answer(self, seen: Seen) -> Reply:
        """What the endpoint says."""
        form = {name: each[0] for name, each in parse_qs(seen.body.decode()).items()}
        if form.get("client_id") != self.client_id:
            said = "Missing valid authorization header"
            return Reply(401, json={"error": "unauthorized_client", "error_description": said})
        self.before()
        if form.get("grant_type") == "refresh_token":
            return self._renewed(form["refresh_token"])
        proof, redirect, at = self._codes.pop(form.get("code", ""), ("", "", self.now()))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        fits = base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == proof and form.get("redirect_uri") == redirect
        if not fits or self.now() - at > timedelta(seconds=30):
            said = "Value passed for the authorization code was invalid."
            return Reply(400, json={"error": "invalid_request", "error_description": said})
        return self._reply(self.give())

    def _renewed(self, token: str) -> Reply:
        if self._refresh.get(token, True):
            self.revoke()
            said = "Value passed for the token was invalid."
            return Reply(400, json={"error": "invalid_request", "error_description": said})
        self._refresh[token] = True
        self.renewals += 1
        return self._reply(self.give())

    def _reply(self, body: dict[str, object]) -> Reply:
        found = self.spoil(body)
        return found if isinstance(found, Reply) else Reply(json=found)
