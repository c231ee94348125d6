"""Bodies while they arrive: read only for whoever may send one, bounded, and the slowest given up first."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.requests import Request

from alerts.links import LIFE
from monitor.store.sqlite import Sqlite
from monitor.web import bodies, server
from monitor.web.bodies import Bodies
from monitor.web.identity import Refusal
from monitor.web.links import LETTERS
from monitor.web.security import same_client
from tests.helpers import post
from tests.web.office import Office

SLACK = '[[channels]]\nname = "slack"\nkind = "slack"\ntoken = { env = "T" }\nsigning_secret = { env = "S" }\n'


def asked(size: int | None, *parts: bytes) -> Request:
    """A request of which these parts have arrived, and the rest never does."""
    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts]

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    headers = [] if size is None else [(b"content-length", str(size).encode())]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


def whole(body: bytes) -> Request:
    """A request that has arrived."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-length", str(len(body)).encode())]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


def run(work: Callable[[Bodies], Awaitable[None]]) -> None:
    asyncio.run(work(Bodies()))  # type: ignore[arg-type]


async def begin(read: Bodies, owner: str, size: int | None, times: int = 1) -> list[asyncio.Task[bytes]]:
    """Bodies that begin to arrive and do not end."""
    made = [asyncio.create_task(read.read(asked(size, b"a"), owner)) for _ in range(times)]
    await asyncio.sleep(0)
    return made


async def given_up(tasks: list[asyncio.Task[bytes]]) -> list[bool]:
    """Which of them are over, each told that it took too long."""
    for _ in range(5):
        await asyncio.sleep(0)
    for task in tasks:
        if task.done():
            with pytest.raises(Refusal) as told:
                task.result()
            assert told.value.status == 408
    return [task.done() for task in tasks]


def cancel(tasks: list[asyncio.Task[bytes]]) -> None:
    for task in tasks:
        task.cancel()


def test_one_client_gives_up_its_own_slowest_bodies_and_nobody_elses() -> None:
    async def work(read: Bodies) -> None:
        others = await begin(read, "192.0.2.1", 1000)
        slow = await begin(read, "192.0.2.9", 900_000, times=6)
        assert await given_up(slow) == [True, True, False, False, False, False]
        assert await given_up(others) == [False]
        many = await begin(read, "192.0.2.7", 10, times=bodies.AT_ONCE + 2)
        assert (await given_up(many)).count(True) == 2
        assert await read.read(whole(b"x" * 900_000), "192.0.2.9") == b"x" * 900_000
        cancel([*others, *slow, *many])

    run(work)


def test_all_together_stay_within_their_bound_and_signed_paths_keep_theirs() -> None:
    async def work(read: Bodies) -> None:
        slack = await begin(read, "slack", 1_000_000, times=5)
        others = [task for number in range(50) for task in await begin(read, f"192.0.2.{number}", None)]
        assert read.size <= bodies.TOGETHER
        assert await given_up(slack) == [False] * 5
        assert (await given_up(others)).count(True) == 50 + 5 - 32
        assert await read.read(whole(b"press"), "slack") == b"press"
        assert await read.read(whole(b"form"), "198.51.100.1") == b"form"
        cancel([*slack, *others])
        await given_up([])
        assert read.size == 0

    run(work)


def test_a_length_that_is_too_much_is_refused_unread_and_a_lie_about_it_is_found_out() -> None:
    async def work(read: Bodies) -> None:
        for request in (asked(1_000_001), asked(5, b"x" * 1_000_001), asked(None, b"x" * 600_000, b"x" * 600_000)):
            with pytest.raises(Refusal) as told:
                await read.read(request, "192.0.2.1")
            assert told.value.status == 413
        assert await read.read(asked(0), "192.0.2.1") == b""

    run(work)


def test_an_address_counts_by_what_one_household_has() -> None:
    assert same_client("2001:db8:1:2:3:4:5:6") == same_client("2001:db8:1:2::") != same_client("2001:db8:1:3::")
    assert same_client("192.0.2.1") != same_client("192.0.2.2")
    assert same_client("::ffff:192.0.2.1") == "192.0.2.1"
    assert same_client("unknown") == "unknown"


@contextmanager
def head(office: Office, path: str, *lines: str, length: int = 5000) -> Iterator[socket.socket]:
    """Only the head of a POST, whose body never comes."""
    with socket.create_connection((office.server.host, office.server.port), timeout=10) as made:
        host = f"Host: 127.0.0.1:{office.server.port}"
        made.sendall("\r\n".join([f"POST {path} HTTP/1.1", host, f"Content-Length: {length}", *lines, "", ""]).encode())
        yield made


def status(made: socket.socket) -> int:
    return int(made.recv(1000).split()[1])


@pytest.fixture
def slack_office(tmp_path: Path, sqlite: Sqlite) -> Iterator[Office]:
    """An office that Slack presses buttons of."""
    made = Office(tmp_path, sqlite, tables=SLACK, environ={"T": "xoxb-1", "S": "0123456789abcdef0123456789abcdef"})
    yield made
    made.close()


def test_who_may_not_send_a_body_is_refused_from_the_head_alone(slack_office: Office) -> None:
    office = slack_office
    (case_id,) = office.take(post())
    viewer = office.person("Vera", "viewer")
    vera = f"Cookie: earful_session={viewer.http.cookies['earful_session']}"
    now = int(office.clock().timestamp())
    signed = "X-Slack-Signature: v0=" + "0" * 64
    letters = office.token("", "email:x@example.org", LETTERS, LIFE)[:-4] + "AAAA"
    refused = [
        ("/login", 400, "Host: evil.example"),  # beside ours: two are none
        ("/login", 403),
        ("/login", 403, "Cookie: earful_form=x", "Origin: https://evil.example"),
        ("/welcome/nothing", 403),
        (f"/cases/{case_id}", 401),
        (f"/cases/{case_id}", 403, vera),
        ("/people", 403, vera),
        (f"/api/v1/cases/{case_id}", 401),
        (f"/api/v1/cases/{case_id}", 401, "Authorization: Bearer earful_guess"),
        (f"/letters/{letters}", 403),
        (office.link(case_id)[:-4] + "AAAA", 403, "Cookie: earful_form=x"),
        ("/slack/press", 401),
        ("/slack/press", 401, signed, f"X-Slack-Request-Timestamp: {now - 400}"),
        ("/slack/press", 401, signed, "X-Slack-Request-Timestamp: soon"),
        ("/slack/press", 401, "X-Slack-Signature: v0=short", f"X-Slack-Request-Timestamp: {now}"),
    ]
    for path, code, *lines in refused:
        with head(office, path, *lines) as made:
            assert status(made) == code, (path, lines)


def test_a_body_that_was_never_read_is_not_waited_for(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "UNREAD_SECONDS", 0.1)
    with head(office, "/login") as made:
        assert status(made) == 403
        left = b"x"
        while left:  # the rest of the page, then the end
            try:
                left = made.recv(65536)
            except ConnectionResetError:
                break


def test_heads_without_bodies_shut_nobody_out_and_hanging_up_says_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """More than all connections, each with a valid cookie of a form, and then all are gone at once."""
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 30)
    made: list[socket.socket] = []
    try:
        for _ in range(60):
            one = head(office, "/login", "Cookie: earful_form=x")
            made.append(one.__enter__())
        for path in ("/health", "/login"):
            assert httpx2.get(office.address + path, verify=False, timeout=10).status_code == 200, path
        pressed = httpx2.post(f"{office.address}/slack/press", content=b"payload=x", verify=False, timeout=10)
        assert pressed.status_code == 401
    finally:
        for each in made:
            each.close()
    deadline = time.monotonic() + 10
    while office.server.context.bodies.size:
        assert time.monotonic() < deadline, "what nobody sends any more is still waited for"
        time.sleep(0.01)
    assert httpx2.get(f"{office.address}/health", verify=False, timeout=10).status_code == 200
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    assert "Exception in ASGI application" not in caplog.text


def test_the_client_with_most_connections_loses_its_own(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody at another address keeps a connection that has waited longer than all of the crowd's."""
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 20)
    with socket.create_connection((office.server.host, office.server.port), source_address=("127.0.0.2", 0)) as alone:
        alone.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n")
        crowd = [socket.create_connection((office.server.host, office.server.port)) for _ in range(40)]
        try:
            assert httpx2.get(f"{office.address}/health", verify=False, timeout=10).status_code == 200
            alone.sendall(b"\r\n")
            alone.settimeout(10)
            assert b"200 OK" in alone.recv(100)
        finally:
            for each in crowd:
                each.close()


def test_one_person_takes_so_many_live_connections_and_leaves_the_others_theirs(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    from monitor.web import live

    monkeypatch.setattr(live, "OF_ONE", 2)
    vera, olle = office.person("Vera", "viewer"), office.person("Olle")
    with vera.http.stream("GET", "/live") as one, vera.http.stream("GET", "/live") as two:
        assert (one.status_code, two.status_code) == (200, 200)
        begun = [one.iter_raw(), two.iter_raw()]
        assert [b"mark" in next(each) for each in begun] == [True, True]
        assert vera.get("/live").status_code == 503
        with olle.http.stream("GET", "/live") as other:
            assert other.status_code == 200
    deadline = time.monotonic() + 10
    while True:  # until it is seen that they are gone
        with vera.http.stream("GET", "/live") as again:
            if again.status_code == 200:
                break
        assert time.monotonic() < deadline
