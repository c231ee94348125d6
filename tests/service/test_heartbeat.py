"""What systemd is told: that the loop lives. A daemon that is late, or finds a fault, is not killed for it."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from monitor.service.heartbeat import EVERY, PATIENCE, Heartbeat, tell_systemd


@pytest.fixture
def systemd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
    """What systemd is told: a real datagram socket at a short path."""
    folder = Path(tempfile.mkdtemp(prefix="earful-notify-"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(folder / "notify"))
        listening.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(folder / "notify"))

        def heard() -> list[str]:
            found = []
            while True:
                try:
                    found.append(listening.recv(1000).decode())
                except BlockingIOError:
                    return found

        yield heard
    shutil.rmtree(folder)


class Seconds:
    """A clock that only goes forward, when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_systemd_hears_now_and_then_that_the_loop_lives(systemd: Callable[[], list[str]]) -> None:
    clock = Seconds()
    heart = Heartbeat(clock)
    heart.beat("deliver")
    for _ in range(10):
        assert heart.tell()
    assert systemd() == ["WATCHDOG=1"]
    clock.now += EVERY
    assert heart.tell()
    assert systemd() == ["WATCHDOG=1"]


def test_one_round_that_is_missed_is_no_reason_to_kill(systemd: Callable[[], list[str]]) -> None:
    """A database that another program held for two minutes, say."""
    clock = Seconds()
    heart = Heartbeat(clock)
    heart.beat("deliver")
    for _ in range(12):
        clock.now += EVERY
        assert heart.tell()
        assert systemd() == ["WATCHDOG=1"]


def test_a_systemd_that_does_not_read_holds_nothing_up(
    systemd: Callable[[], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    """A datagram socket holds some words (net.unix.max_dgram_qlen); the next one would wait for ever."""
    sent = 1
    while sent:  # a socket that sends has a bound of its own: only one that cannot send a word shows that all is full
        sent = 0
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filling, suppress(BlockingIOError):
            filling.setblocking(False)
            while True:
                filling.sendto(b"x", os.environ["NOTIFY_SOCKET"])
                sent += 1
    tell_systemd("WATCHDOG=1")
    assert "can't notify systemd of WATCHDOG=1" in caplog.text


def test_a_pool_that_never_comes_back_is_and_one_that_does_is_told_again(
    systemd: Callable[[], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    clock = Seconds()
    heart = Heartbeat(clock)
    for pool in ("collect", "deliver"):
        heart.beat(pool)
    clock.now += PATIENCE["deliver"] + 1
    heart.beat("collect")
    assert not heart.tell()
    assert not heart.tell()
    assert systemd() == []
    assert caplog.text.count("hung: deliver;") == 1
    heart.beat("deliver")
    assert heart.tell()
    assert systemd() == ["WATCHDOG=1"]
