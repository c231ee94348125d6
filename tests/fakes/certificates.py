"""Certificates made for a test by the openssl command: an authority of one's own, and what it signs, sound or not.

authority = Authority(folder)
server.secure(authority.issue("sound"))
server.secure(authority.issue("old", days=-1))
server.secure(authority.issue("stray", names="DNS:shop.example"))
monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
"""

from __future__ import annotations

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

LOOPBACK = "DNS:localhost,IP:127.0.0.1"
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Certificate:
    """Paths of a certificate and of its key."""

    certificate: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        """What a server needs to show it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


class Authority:
    """An authority that nobody knows; the test is skipped loudly where openssl is missing."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("NOT TESTED: secure connections, for the openssl command is not installed")
        self._folder = folder
        self.certificate, self._key = folder / "authority.pem", folder / "authority.key"
        rights = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"]
        subject = ["-x509", *_KEY, "-days", "2", "-subj", "/CN=A made-up authority"]
        _openssl("req", *subject, *rights, "-keyout", self._key, "-out", self.certificate)

    def issue(self, name: str, *, names: str = LOOPBACK, days: int = 2) -> Certificate:
        """A certificate for `names`, signed by this authority; with days=-1 it ended yesterday."""
        made = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        asked, extensions = self._folder / f"{name}.csr", self._folder / f"{name}.txt"
        extensions.write_text(f"subjectAltName={names}\n", "utf-8")
        _openssl("req", *_KEY, "-subj", "/CN=a server", "-keyout", made.key, "-out", asked)
        signing = ["-CA", self.certificate, "-CAkey", self._key, "-set_serial", "1", "-extfile", extensions]
        _openssl("x509", "-req", "-in", asked, *signing, "-days", str(days), "-out", made.certificate)
        return made


def signed_by_itself(folder: Path) -> Certificate:
    """A certificate for this machine that nobody else vouches for."""
    if shutil.which("openssl") is None:
        pytest.skip("NOT TESTED: secure connections, for the openssl command is not installed")
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    names = ["-subj", "/CN=localhost", "-addext", f"subjectAltName={LOOPBACK}"]
    _openssl("req", "-x509", *_KEY, "-days", "2", *names, "-keyout", made.key, "-out", made.certificate)
    return made


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=30)
