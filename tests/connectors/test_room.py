"""Room for large answers: together they stay within one budget, whoever waits comes in turn, small ones go by."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from connectors import ConnectorError, room
from connectors.http import MOST_BYTES, Http
from connectors.room import FREE, Page, Room
from monitor.timeouts import within
from tests.fakes.server import FakeServer, Reply

LARGE = bytes(1_000_000)


@contextmanager
def a_page_that_holds(size: int) -> Iterator[None]:
    """Somebody else is busy with a large page."""
    other = Page(room.SHARED)
    assert other.take(size, time.monotonic() + 5)
    try:
        yield
    finally:
        other.close()


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as made:
        made.route("/small", Reply(body=bytes(FREE)))
        made.route("/large", Reply(body=LARGE))
        made.route("/json", Reply(json=["x" * 1000] * 1000))
        yield made


def http(server: FakeServer, seconds: float = 10) -> Http:
    return Http(trusted=(server.host,), total_seconds=seconds)


def test_a_large_answer_waits_for_its_turn_and_a_small_one_does_not(server: FakeServer) -> None:
    with a_page_that_holds(room.BUDGET):
        assert len(http(server).get(f"{server.url}/small").body) == FREE
        with pytest.raises(ConnectorError, match="its turn did not come in time"):
            http(server, 0.3).get(f"{server.url}/large")
    assert http(server).get(f"{server.url}/large").body == LARGE
    assert room.SHARED.taken == 0


def test_room_is_kept_until_the_page_is_done_with_whatever_thread_read_it(server: FakeServer) -> None:
    with room.page():
        within(10, lambda: http(server).get(f"{server.url}/large"), "read")
        assert room.SHARED.taken == len(LARGE), "as much as it became, not as it might have been"
        within(10, lambda: http(server).get_json(f"{server.url}/json"), "read")
        assert 1_000_000 < room.SHARED.taken < 2_000_000, "the answer before it is done with"
    assert room.SHARED.taken == 0


def test_without_a_page_an_answer_gives_its_room_back_at_once(server: FakeServer) -> None:
    http(server).get(f"{server.url}/large")
    http(server).get_json(f"{server.url}/json")
    assert room.SHARED.taken == 0


@pytest.mark.parametrize("mode", ["cut", "drop", "truncated"])
def test_an_answer_that_breaks_off_gives_its_room_back(server: FakeServer, mode: str) -> None:
    server.mode = mode
    with pytest.raises(ConnectorError):
        http(server).get_json(f"{server.url}/json")
    assert room.SHARED.taken == 0


def test_whoever_asked_first_comes_first_however_little_the_next_one_wants() -> None:
    shared = Room(100)
    assert shared.take(60, time.monotonic() + 5)
    came: list[str] = []

    def want(name: str, size: int) -> None:
        if shared.take(size, time.monotonic() + 10):
            came.append(name)
            shared.give_back(size)

    threads = []
    for number, (name, size) in enumerate((("much", 90), ("little", 10))):
        threads.append(threading.Thread(target=want, args=(name, size)))
        threads[-1].start()
        while shared.waiting < number + 1:
            time.sleep(0.001)
    assert came == []
    shared.give_back(60)
    for each in threads:
        each.join(10)
    assert came == ["much", "little"]
    assert shared.taken == 0


def test_a_thread_that_was_left_behind_gets_no_room() -> None:
    shared = Room(100)
    left = Page(shared)
    left.close()
    assert not left.take(50, time.monotonic() + 1)
    assert shared.taken == 0


def test_one_of_the_largest_fits() -> None:
    assert MOST_BYTES < room.BUDGET
