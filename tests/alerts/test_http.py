"""One HTTP request with an end: what a process that stood still does when it wakes."""

from __future__ import annotations

import socket
import threading
import urllib.request
from typing import Any

import pytest

from alerts import http
from alerts.http import WireError, exchange
from tests.fakes.server import FakeServer


class _Late(threading.Timer):
    """A timer whose thread has its turn too late, as it may be in a process that has just been woken."""

    def run(self) -> None:
        self.finished.wait(20)


def test_what_stood_still_while_it_connected_sends_nothing_when_it_wakes_too_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The system connects while a process is frozen; its message, claimed by another one meanwhile, arrived twice."""
    connect, stood_still = socket.create_connection, threading.Event()

    def slowly(*arguments: Any, **options: Any) -> socket.socket:
        opened = connect(*arguments, **options)
        stood_still.wait(0.15)
        return opened

    monkeypatch.setattr(socket, "create_connection", slowly)
    with FakeServer() as far:
        far.route("/", "heard")
        request = urllib.request.Request(far.url, data=b"what staff are told")
        assert exchange(request, 20).body == b"heard"
        monkeypatch.setattr(http.threading, "Timer", _Late)
        with pytest.raises(WireError, match=r"not reached within 0\.1 seconds") as late:
            exchange(request, 0.1)
        assert not late.value.left
        assert len(far.ledger) == 1
