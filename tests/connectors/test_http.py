"""The client every connector shares: what it refuses, where it stops, and what it says of it."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import traceback
import tracemalloc
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from connectors import ConnectorError, NoCredit, Nonsense, RateLimited, Refused
from connectors.answers import Answer, error_for, retry_after
from connectors.http import Http, hosts_written, next_hop
from connectors.sockets import is_public
from tests.fakes.server import FakeServer, Reply

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


@pytest.fixture
def http(server: FakeServer) -> Iterator[Http]:
    client = Http(trusted=[server.host], total_seconds=2.0, clock=lambda: NOW)
    yield client
    client.close()


def test_json_comes_back_with_its_answer(server: FakeServer, http: Http) -> None:
    server.route("/a", Reply(json={"posts": [1]}, headers={"X-Left": "7"}))
    found, answer = http.get_json(f"{server.url}/a", params={"q": "fish & chips", "page": 2}, headers={"X-Key": "k"})
    assert found == {"posts": [1]}
    assert (answer.status, answer.headers["x-left"]) == (200, "7")
    assert server.ledger[0].query == {"q": ["fish & chips"], "page": ["2"]}
    assert server.ledger[0].headers["user-agent"].startswith("earful/")
    assert server.ledger[0].headers["x-key"] == "k"


def test_json_is_sent_as_it_is(server: FakeServer, http: Http) -> None:
    server.route("/a", lambda seen: seen.json)
    assert http.post_json(f"{server.url}/a", json={"words": "süß"})[0] == {"words": "süß"}
    assert server.ledger[0].method == "POST"


@pytest.mark.parametrize("mode", ["hang", "drip", "drip-headers"])
def test_a_read_ends_at_its_deadline(server: FakeServer, http: Http, mode: str) -> None:
    """One byte a second renews every client's own time-out for ever."""
    server.route("/a", {"words": "x" * 1000})
    server.mode = mode
    caught: list[BaseException] = []

    def read() -> None:
        try:
            http.get_json(f"{server.url}/a")
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(10)  # five times the deadline, and less than the time-out of one single read
    assert [type(error) for error in caught] == [ConnectorError]
    assert "did not answer in time (2 s in all)" in str(caught[0])


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("html", "web page"), ("empty", "nothing in it"), ("truncated", "incomplete JSON"),
        ("cut", "cut its answer off"),
        ("bomb", "more than 5,000,000 bytes"),
    ],
)  # fmt: skip
def test_what_is_not_the_data_asked_for_is_nonsense(server: FakeServer, http: Http, mode: str, said: str) -> None:
    server.route("/a", {"words": "x" * 1000})
    server.mode = mode
    with pytest.raises(Nonsense, match=said):
        http.get_json(f"{server.url}/a")


def test_a_gzip_bomb_costs_little_more_than_its_cap(server: FakeServer, http: Http) -> None:
    server.mode = "bomb"
    tracemalloc.start()
    with pytest.raises(Nonsense):
        http.get(f"{server.url}/a", cap=1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


def packed(data: bytes) -> bytes:
    """The same bytes at every run: test processes compare the names of their tests, which hold them."""
    return gzip.compress(data, mtime=0)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", packed(b'{"a": 1}')),
        ("gzip", packed(b'{"a"') + packed(b": 1}")),
        ("deflate", zlib.compress(b'{"a": 1}')),
        ("identity", b'\xef\xbb\xbf{"a": 1}'),
    ],
)
def test_packed_answers_are_unpacked(server: FakeServer, http: Http, coding: str, body: bytes) -> None:
    server.route("/a", Reply(body=body, headers={"Content-Encoding": coding}))
    assert http.get_json(f"{server.url}/a")[0] == {"a": 1}


@pytest.mark.parametrize(
    ("coding", "body"),
    [("gzip", b"not gzip"), ("gzip", packed(b'{"a": 1}' * 99)[:-20]), ("br", b"x"), ("gzip, gzip", b"x")],
)
def test_a_packed_answer_that_cannot_be_unpacked_is_nonsense(
    server: FakeServer, http: Http, coding: str, body: bytes
) -> None:
    server.route("/a", Reply(body=body, headers={"Content-Encoding": coding}))
    with pytest.raises(Nonsense):
        http.get_json(f"{server.url}/a")


def test_brackets_without_end_are_nonsense(server: FakeServer, http: Http) -> None:
    server.route("/a", Reply(body=b"[" * 1_000_000))
    with pytest.raises(Nonsense, match="nested too deep"):
        http.get_json(f"{server.url}/a")


def test_one_broken_byte_does_not_cost_the_page(server: FakeServer, http: Http) -> None:
    server.route("/a", Reply(body=b'{"a": "\xff"}'))
    assert http.get_json(f"{server.url}/a")[0] == {"a": "\ufffd"}


def test_a_redirect_on_the_same_host_is_followed_with_its_key(server: FakeServer, http: Http) -> None:
    server.route("/old", Reply(301, headers={"Location": "/new"}))
    server.route("/new", {"a": 1})
    _, answer = http.get_json(f"{server.url}/old", headers={"Authorization": "Bearer k"})
    assert answer.url == f"{server.url}/new"
    assert server.ledger[1].headers["authorization"] == "Bearer k"


@pytest.mark.parametrize(
    ("start", "location", "kept"),
    [
        ("https://e.org/a", "/b", True),
        ("https://e.org/a", "https://e.org/b?c=1", True),
        ("http://e.org/a", "https://e.org/a", True),
        ("https://e.org/a", "https://evil.example/a", False),
        ("https://e.org/a", "https://e.org:8443/a", False),
        ("https://e.org/a", "//evil.example/a", False),
        ("http://e.org/a", "https://www.e.org/a", False),
    ],
)
def test_a_redirect_to_another_host_loses_every_credential(start: str, location: str, kept: bool) -> None:
    """Keys stand in headers of any name: only the harmless ones go along."""
    headers = {"Authorization": "Bearer k", "X-Api-Key": "k", "Cookie": "k", "Accept": "text/xml"}
    target, sent = next_hop(httpx2.URL(start), location, headers)
    assert sent == (headers if kept else {"Accept": "text/xml"})
    assert not target.userinfo


def test_a_redirect_from_https_to_http_is_refused() -> None:
    with pytest.raises(ConnectorError, match="from https to http"):
        next_hop(httpx2.URL("https://e.org/a"), "http://e.org/a", {})


def test_trust_in_one_private_host_is_no_way_into_another(server: FakeServer) -> None:
    """Both are trusted, but only for those who ask them first: no redirect leads from one into the other."""
    with FakeServer() as other:
        server.route("/old", Reply(302, headers={"Location": f"{other.url}/new"}))
        with pytest.raises(ConnectorError, match="private address"):
            Http(trusted=[server.host, other.host]).get(f"{server.url}/old")
        assert other.ledger == []


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("file:///etc/passwd", "not a web address"),
        ("ftp://example.org/", "not a web address"),
        ("http://169.254.169.254/latest", "private address"),
        ("http://[::1]:1/", "private address"),
        ("http://2130706433/", "private address"),
        ("http://localhost/", "private address"),
        ("http://e.org:x/", "not an address"),
    ],
)
def test_a_redirect_to_the_inside_is_refused(server: FakeServer, http: Http, location: str, said: str) -> None:
    server.route("/old", Reply(302, headers={"Location": location}))
    with pytest.raises(ConnectorError, match=said):
        http.get(f"{server.url}/old")
    assert len(server.ledger) == 1


def test_a_circle_of_redirects_ends_after_three(server: FakeServer, http: Http) -> None:
    server.route("/old", Reply(302, headers={"Location": "/old"}))
    with pytest.raises(ConnectorError, match="redirects more than 3 times"):
        http.get(f"{server.url}/old")
    assert len(server.ledger) == 4


def test_a_body_is_not_sent_to_where_the_address_moved(server: FakeServer, http: Http) -> None:
    server.route("/old", Reply(307, headers={"Location": "/new"}))
    with pytest.raises(ConnectorError, match="moved"):
        http.post_json(f"{server.url}/old", json={})


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "0x7f.1", "10.0.0.1"]
)
def test_a_host_that_nobody_wrote_is_not_reached_inside(server: FakeServer, host: str) -> None:
    """No connection is made at all: not to this machine under any of its names, nor to the network around it."""
    port = server.host.partition(":")[2]
    with pytest.raises(ConnectorError, match=r"private address|not known"):
        Http().get(f"http://{host}:{port}/")
    assert server.ledger == []


def test_a_connection_to_a_trusted_host_is_not_lent_to_others(server: FakeServer) -> None:
    """The pool keeps connections open: a redirect must not slip through one that trust has opened."""
    with FakeServer() as outside:
        inside = server
        inside.route("/a", {"a": 1})
        outside.route("/old", Reply(302, headers={"Location": f"{inside.url}/a"}))
        http = Http(trusted=[inside.host, outside.host])
        http.get(f"{inside.url}/a")
        with pytest.raises(ConnectorError, match="private address"):
            http.get(f"{outside.url}/old")
        assert len(inside.ledger) == 1


def test_the_address_that_was_checked_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that answers with a public address first and a private one later is looked up once only."""
    asked: list[str] = []
    reached: list[object] = []

    def rebinding(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        address = "93.184.215.14" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def refusing(address: object, *_: object, **__: object) -> socket.socket:
        reached.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(socket, "create_connection", refusing)
    with pytest.raises(ConnectorError):
        Http().get("http://rebind.example/")
    assert (asked, reached) == (["rebind.example"], [("93.184.215.14", 80)])


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1",
     "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "2001:0:1::1",
     "2001:db8::1", "fec0::1", "nonsense"],
)  # fmt: skip
def test_no_private_address_counts_as_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07::1", "::ffff:8.8.8.8"])
def test_public_addresses_may_be_reached(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.org/", "/etc/passwd", "", "http://", "http://a b/"]
)
def test_what_is_no_web_address_is_never_opened(url: str) -> None:
    with pytest.raises(ConnectorError):
        Http(trusted=["example.org"]).get(url)


def test_a_name_that_does_not_exist_says_so() -> None:
    with pytest.raises(ConnectorError, match=r"can't resolve nowhere\.invalid") as caught:
        Http().get("http://nowhere.invalid/feed?token=canary")
    assert "DNS" in caught.value.remedy


def test_a_closed_port_says_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(ConnectorError, match="the connection was refused"):
            Http(trusted=["127.0.0.1"]).get(f"http://127.0.0.1:{port}/")


def test_plain_http_on_a_tls_port_never_falls_back(server: FakeServer, http: Http) -> None:
    with pytest.raises(ConnectorError, match="TLS"):
        http.get(server.url.replace("http:", "https:") + "/a")
    assert server.ledger == []


def test_no_error_and_no_link_of_its_chain_holds_what_stands_in_the_address(server: FakeServer, http: Http) -> None:
    server.route("/a", {"a": 1})
    for mode in ["hang", "drop", "cut", "html", "empty", "401", "402", "404", "429", "500"]:
        server.mode = mode
        with pytest.raises(ConnectorError) as caught:
            http.get_json(
                f"http://user:canary1@{server.host}/a?token=canary2", headers={"Authorization": "Bearer canary3"}
            )
        assert "canary" not in "".join(traceback.format_exception(caught.value)) + caught.value.remedy
        assert caught.value.remedy


def test_the_client_keeps_no_cookies(server: FakeServer, http: Http) -> None:
    server.route("/a", Reply(json={"a": 1}, headers={"Set-Cookie": "id=1; Path=/"}))
    http.get(f"{server.url}/a")
    http.get(f"{server.url}/a")
    assert "cookie" not in server.ledger[1].headers


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Refused), (403, Refused), (402, NoCredit), (404, Refused), (410, Refused), (429, RateLimited),
     (400, ConnectorError), (418, ConnectorError), (500, ConnectorError), (503, ConnectorError), (520, ConnectorError)],
)  # fmt: skip
def test_a_status_becomes_its_error_with_a_remedy(status: int, kind: type[ConnectorError]) -> None:
    error = error_for(Answer(status, {}, b"", "https://e.org/?token=canary"), "news: e.org", NOW)
    assert type(error) is kind
    assert error.message.startswith(f"news: e.org answered {status}")
    assert error.remedy


def test_below_400_nothing_is_wrong() -> None:
    assert error_for(Answer(304, {}, b"", "https://e.org/"), "e.org", NOW) is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "30"}, timedelta(seconds=30)),
        ({"retry-after": "Fri, 20 Nov 2026 12:02:00 GMT"}, timedelta(minutes=2)),
        ({"retry-after": "0"}, timedelta(seconds=1)),
        ({"retry-after": "-5"}, timedelta(seconds=1)),
        ({"retry-after": "315360000"}, timedelta(minutes=15)),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 60)}, timedelta(minutes=1)),
        ({"x-ratelimit-reset": str((int(NOW.timestamp()) + 60) * 1000)}, timedelta(minutes=1)),
        ({"x-ratelimit-reset": "90"}, timedelta(seconds=90)),
        ({"x-ratelimit-reset": "2026-11-20T12:05:00.123Z"}, timedelta(minutes=5, milliseconds=123)),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) - 60)}, timedelta(seconds=1)),
        ({"retry-after": "soon", "x-ratelimit-reset": "60"}, timedelta(minutes=1)),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_a_wait_is_read_in_every_shape_and_clamped(headers: dict[str, str], expected: timedelta | None) -> None:
    found = retry_after(headers, NOW)
    assert found == (None if expected is None else NOW + expected)


@given(st.dictionaries(st.sampled_from(["retry-after", "x-ratelimit-reset"]), st.text() | st.integers().map(str)))
def test_no_header_makes_us_wait_longer_than_a_quarter_of_an_hour(headers: dict[str, str]) -> None:
    found = retry_after(headers, NOW)
    assert found is None or timedelta(seconds=1) <= found - NOW <= timedelta(minutes=15)


class Written(BaseModel):
    api_url: str = "https://api.example.org/v1"
    feeds: tuple[str, ...] = ("http://10.0.0.5:8080/feed", "https://e.org/")
    token: SecretStr = SecretStr("https://t.example.org/?token=1")
    name: str = "words"


def test_the_hosts_that_the_operator_wrote_are_found_in_the_settings() -> None:
    assert hosts_written(Written()) == ("api.example.org", "10.0.0.5:8080", "e.org", "t.example.org")


@pytest.mark.shared_data
def test_error_bodies_that_networks_really_sent_become_errors(server: FakeServer, http: Http) -> None:
    file = Path(__file__).parents[3] / "shared" / "data" / "recorded" / "reddit_faults.jsonl"
    if not file.exists():
        pytest.skip(f"no recorded faults at {file}")
    told = 0
    for line in file.read_text().splitlines():
        exchange = json.loads(line)
        if int(exchange["status"]) < 400:
            continue
        body = exchange["body"] if isinstance(exchange["body"], str) else json.dumps(exchange["body"])
        server.mode = Reply(int(exchange["status"]), body=body)
        with pytest.raises(ConnectorError):
            http.get_json(f"{server.url}/a")
        told += 1
    assert told
