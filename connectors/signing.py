"""Signed tokens (JWT, RFC 7519) by which a program proves who it is: App Store Connect's keys, Google's accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import SecretStr

from connectors import Refused


def signed(
    algorithm: Literal["ES256", "RS256"], key: SecretStr, claims: Mapping[str, object], *, key_id: str, where: str
) -> str:
    """Sign `claims` with a private key in PEM. Refused where the key is none of its kind; the message holds none of it.

    `where` names the setting that holds the key, for people.
    """
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, RSAKey

    kind = ECKey if algorithm == "ES256" else RSAKey
    pem = key.get_secret_value().replace("\\n", "\n")  # a line of an environment file has no other way to say it
    try:
        return jwt.encode({"alg": algorithm, "kid": key_id, "typ": "JWT"}, dict(claims), kind.import_key(pem))
    except (JoseError, ValueError, TypeError):
        raise Refused(
            f"{where} does not hold a private key for {algorithm}", "Put the whole file there as you downloaded it."
        ) from None
