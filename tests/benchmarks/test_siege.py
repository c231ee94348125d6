"""The sieges do what they are for, small: they hold what they open, come again where they are cut off, and guess."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from benchmarks.siege import SLOW_BODY, SLOW_HEAD, Guessing, Slow
from monitor.store.sqlite import Sqlite
from monitor.web import server
from tests.web.office import Office


@pytest.fixture
def office(tmp_path: Path, sqlite: Sqlite) -> Iterator[Office]:
    """A page to besiege."""
    made = Office(tmp_path, sqlite)
    yield made
    made.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("begins", [SLOW_HEAD, SLOW_BODY], ids=["heads", "bodies"])
def test_what_is_cut_off_comes_again_and_the_page_is_served(
    office: Office, monkeypatch: pytest.MonkeyPatch, begins: bytes
) -> None:
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 8)
    port = office.server.port
    with Slow(port, begins % port if b"%d" in begins else begins, sockets=12, every=0.05) as slow:
        until(lambda: slow.cut_off > 12)
        for path in ("/health", "/login"):
            assert httpx2.get(office.address + path, verify=False, timeout=20).status_code == 200
    assert slow.open <= 12


def test_guesses_are_refused_and_slowed_down(office: Office) -> None:
    office.server.context.authenticator._by_address.most = 3
    with Guessing(office.server.port, guessers=2) as guessing:
        until(lambda: guessing.answers[429] > 1)
    assert set(guessing.answers) == {403, 429}
