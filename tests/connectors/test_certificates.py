"""Secure connections that fail: every kind says what is wrong, at which host, and what a person can do about it.

Real certificates, real TLS on loopback. What is signed by a made-up authority is trusted only where SSL_CERT_FILE names
it, which is also how a company's proxy with an authority of its own is made known.
"""

from __future__ import annotations

import socket
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectors import KINDS, Batch, ConnectorError, Nonsense, Refused
from tests.connectors.contracts import CANARY, Contract, contract_of, walk
from tests.fakes.certificates import Authority, Certificate, signed_by_itself

# A kind whose contract says that nobody there can keep it waiting talks to nobody.
OVER_THE_NETWORK = sorted(kind for kind in KINDS if "hang" not in contract_of(kind, KINDS).skip)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def known(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The authority, named where a company names its own."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    return authority


@pytest.fixture(params=OVER_THE_NETWORK)
def contract(request: pytest.FixtureRequest) -> Contract:
    return contract_of(request.param, KINDS)


@contextmanager
def serving(contract: Contract, certificate: Certificate, mode: str = "ok") -> Iterator[Any]:
    server: Any = contract.server()
    server.secure(certificate)
    contract.serve(server)
    server.mode = mode
    with server:
        yield server


def at(listening: socket.socket, contract: Contract) -> Any:
    """What a contract wants to know of a server, of a bare socket."""
    port = listening.getsockname()[1]
    host = f"127.0.0.1:{port}"
    scheme = "wss" if contract is contract_of("bluesky", KINDS) else "https"
    return SimpleNamespace(url=f"{scheme}://{host}", host=host, port=port)


def fault(contract: Contract, server: Any, seconds: float = 5.0) -> ConnectorError:
    """What one read says went wrong, within its deadline; whatever else there is to check of every such error."""
    caught: list[BaseException] = []

    def read() -> None:
        try:
            walk(contract.make(server, seconds), contract.request)
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), "the read did not end"
    (error,) = caught
    assert isinstance(error, ConnectorError)
    # A certificate is mended by others: the source is tried again, later and later, and is not given up.
    assert not isinstance(error, Refused)
    assert "127.0.0.1" in error.message
    assert error.remedy
    whole = "".join(traceback.format_exception(error)) + error.remedy
    assert CANARY not in whole
    return error


def test_an_authority_that_the_environment_names_is_trusted(contract: Contract, known: Authority) -> None:
    with serving(contract, known.issue("sound")) as server:
        batches: list[Batch] = walk(contract.make(server, 10.0), contract.request)
    assert sum(len(batch.posts) for batch in batches) >= 3


def test_an_authority_that_nobody_knows_is_not(
    contract: Contract, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with serving(contract, authority.issue("unknown")) as server:
        error = fault(contract, server)
        assert server.ledger == [], "nothing is asked over a line that is not trusted"
    assert "not trusted: no known authority signed it" in error.message
    assert "SSL_CERT_FILE" in error.remedy


def test_a_certificate_that_is_signed_by_itself_is_not_trusted(contract: Contract, tmp_path: Path) -> None:
    with serving(contract, signed_by_itself(tmp_path)) as server:
        error = fault(contract, server)
        assert server.ledger == []
    assert "not trusted: it is signed by itself" in error.message
    assert "SSL_CERT_FILE" in error.remedy


def test_a_certificate_that_has_expired_sends_people_to_the_clock(contract: Contract, known: Authority) -> None:
    with serving(contract, known.issue("old", days=-1)) as server:
        error = fault(contract, server)
        assert server.ledger == []
    assert "has expired" in error.message
    assert "clock" in error.remedy


def test_a_certificate_for_another_name_sends_people_to_the_address(contract: Contract, known: Authority) -> None:
    with serving(contract, known.issue("stray", names="DNS:shop.example")) as server:
        error = fault(contract, server)
        assert server.ledger == []
    assert "for another name" in error.message
    assert "address" in error.remedy


def test_a_handshake_that_never_ends_is_cut_at_the_deadline(contract: Contract) -> None:
    """The connection stands, and nobody says a word in it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = fault(contract, at(silent, contract), seconds=1.0)
    assert "secure handshake" in error.message


def test_hanging_up_in_the_middle_of_the_handshake_is_told_as_that(contract: Contract) -> None:
    """What a firewall does that will not let this address through."""
    with socket.create_server(("127.0.0.1", 0)) as rude:

        def hang_up() -> None:
            for _ in range(4):
                try:
                    held, _address = rude.accept()
                except OSError:
                    return
                held.recv(64)
                held.close()

        threading.Thread(target=hang_up, daemon=True).start()
        error = fault(contract, at(rude, contract))
    assert "hung up in the middle of the secure handshake" in error.message
    assert "firewall" in error.remedy


@pytest.mark.parametrize("kind", [kind for kind in OVER_THE_NETWORK if kind != "bluesky"])
def test_a_line_cut_in_the_middle_of_an_answer_is_nonsense(kind: str, known: Authority) -> None:
    """Half an answer over TLS, and no farewell: an attacker can do that, so it must never pass for the whole."""
    contract = contract_of(kind, KINDS)
    with serving(contract, known.issue("sound"), mode="cut") as server:
        error = fault(contract, server)
    assert isinstance(error, Nonsense)
    assert "cut its answer off" in error.message


def test_of_a_secure_stream_that_is_cut_what_was_read_is_kept(known: Authority) -> None:
    contract = contract_of("bluesky", KINDS)
    with serving(contract, known.issue("sound"), mode="cut") as server:
        batch = contract.make(server, 5.0).fetch(contract.request)
        half = len(batch.posts)
        assert half > 0
        assert not batch.complete
        server.mode = "ok"
        rest = walk(contract.make(server, 5.0), contract.request)
    assert sum(len(each.posts) for each in rest) > half


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
def test_certificates_that_cannot_be_read_are_named(
    contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    """OpenSSL itself says nothing of them, and then trusts nobody."""
    file = tmp_path / "company.pem"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connector = contract.make(at(silent, contract), 2.0)
        with pytest.raises(ConnectorError, match="SSL_CERT_FILE") as caught:
            walk(connector, contract.request)
    assert str(file) in caught.value.message
    assert "SSL_CERT_FILE" in caught.value.remedy
