"""Whom secure connections (TLS) trust, and what it means when they fail: one answer for every client of this package.

Trusted are the authorities of this machine and, beside them, those that SSL_CERT_FILE and SSL_CERT_DIR name: the usual
way of telling programs of a company's own authority, which OpenSSL and so smtplib and Slack's client hear of as well.
A certificate may be mended by others at any time, so no fault here is a refusal: it is tried again, with back-off.
"""

from __future__ import annotations

import os
import ssl
from functools import cache
from pathlib import Path

from connectors import ConnectorError, Unreached

# Where distributions keep their list; some builds of Python were compiled for another one.
_KEPT_AT = (
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
)  # fmt: skip
# OpenSSL's numbers (X509_V_ERR_..., x509_vfy.h); the ssl module has no names for them.
_OUTSIDE_ITS_TIME = {9: "is not valid yet", 10: "has expired"}
_ANOTHER_NAME = frozenset({62, 64})
_SIGNED_BY_ITSELF = frozenset({18, 19})

_CLOCK = (
    "Check this machine's clock (NTP); if it is right, the server's owner must renew the certificate. "
    "Earful will retry."
)
_NAME = "Check the address; a company's proxy, a sign-in page or another server may answer in its place."
_AUTHORITY = (
    "Behind a company's proxy, or where the authority is your own: name its PEM file in the environment variable "
    "SSL_CERT_FILE (docs/operations.md) and start Earful again. Else check the address."
)
_PROTOCOL = "Check the address and its port: the server there may not use TLS (https)."
_AGAIN = "A firewall or a proxy may be in between; Earful will retry."


def authorities() -> ssl.SSLContext:
    """Whom to trust; read once for what the environment names. Raises ConnectorError where that cannot be read."""
    return _authorities(os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", ""))


@cache
def _authorities(file: str, folder: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()  # on Linux with the environment's, but without a word where those are not there
    compiled = ssl.get_default_verify_paths()
    known = [each for each in (compiled.openssl_cafile, *_KEPT_AT) if Path(each).is_file()]
    if known and (file or folder or not context.cert_store_stats()["x509_ca"]):
        context.load_verify_locations(cafile=known[0])
    if file:
        try:
            context.load_verify_locations(cafile=file)
        except OSError as error:  # SSLError is one
            why = error.strerror if not isinstance(error, ssl.SSLError) and error.strerror else "it holds none"
            raise ConnectorError(
                f"the certificates that SSL_CERT_FILE names cannot be read: {file} ({why})",
                "Let SSL_CERT_FILE name a readable PEM file of certificates, or take it out of the environment.",
            ) from None
    if folder and not Path(folder).is_dir():
        raise ConnectorError(
            f"the folder of certificates that SSL_CERT_DIR names is not there: {folder}",
            "Let SSL_CERT_DIR name a folder that `openssl rehash` has seen, or take it out of the environment.",
        )
    return context


def handshake_late(host: str, seconds: float) -> Unreached:
    """Somebody took the connection and did not finish its handshake."""
    return Unreached(f"{host} did not finish the secure handshake (TLS) within {seconds:.2g} s", _AGAIN)


def handshake_failed(host: str, cause: BaseException | None) -> Unreached:
    """Say why a handshake failed, so that people know whose clock, name or authority to look at."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        code = cause.verify_code
        if code in _OUTSIDE_ITS_TIME:
            return Unreached(f"{host}: its certificate {_OUTSIDE_ITS_TIME[code]}, by this machine's clock", _CLOCK)
        if code in _ANOTHER_NAME:
            return Unreached(f"{host}: the certificate shown there is for another name", _NAME)
        how = "it is signed by itself" if code in _SIGNED_BY_ITSELF else "no known authority signed it"
        return Unreached(f"{host}: its certificate is not trusted: {how}", _AUTHORITY)
    if isinstance(cause, ssl.SSLEOFError) or not isinstance(cause, ssl.SSLError):
        return Unreached(f"{host} hung up in the middle of the secure handshake (TLS)", _AGAIN)
    return Unreached(f"{host}: the secure connection (TLS) failed: {_said(cause)}", _PROTOCOL)


def _said(error: ssl.SSLError) -> str:
    return (error.reason or "no common ground").replace("_", " ").lower()
