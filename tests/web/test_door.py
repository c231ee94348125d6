"""POST /in/NAME: who may bring something, how much of it, and what is answered; nothing of it is read there."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from monitor.store import arrived
from monitor.store.sqlite import Sqlite
from monitor.web import door
from monitor.web.failures import MOST_FAILURES, Failures
from monitor.web.server import WebServer
from tests.helpers import MINUTE, NOW, Clock, assembly_of, settings_from

SECRET, TOKEN = "a-secret-that-both-sides-share", "a-token-for-those-who-cannot-sign"
SOURCES = """
[[sources]]
name = "signed door"
kind = "inbound"
secret = { env = "DOOR_SECRET" }
token = { env = "DOOR_TOKEN" }

[[sources]]
name = "forms"
kind = "inbound"
secret = { env = "DOOR_SECRET" }
preset = "typeform"

[[sources]]
name = "repository"
kind = "inbound"
secret = { env = "DOOR_SECRET" }
preset = "github"

[[sources]]
name = "board"
kind = "inbound"
secret = { env = "DOOR_SECRET" }
preset = "discourse"

[[sources]]
name = "off"
kind = "inbound"
enabled = false
token = { env = "DOOR_TOKEN" }

[[sources]]
name = "a folder only"
kind = "inbound"
folder = "drop"
"""
ENVIRON = {"DOOR_SECRET": SECRET, "DOOR_TOKEN": TOKEN}
BODY = b'{"id": "1", "text": "Acme never answers"}'
JSON = {"content-type": "application/json"}


class House:
    """An installation with doors, and who stands before them."""

    def __init__(self, folder: Path, database: Sqlite) -> None:
        self.clock = Clock()
        self.database = database
        self.assembly = assembly_of(
            database,
            settings_from(folder, sources=SOURCES, earful='page_listen = "127.0.0.1:0"', environ=ENVIRON),
        )
        self.server = WebServer(lambda: self.assembly, self.clock)
        assert self.server.start()
        self.http = httpx2.Client(base_url=self.server.address, verify=False, timeout=20, trust_env=False)

    def send(self, name: str, headers: Mapping[str, str] = JSON, body: bytes = BODY) -> httpx2.Response:
        return self.http.post(f"/in/{name}", content=body, headers={**JSON, **headers})

    def signed(self, body: bytes = BODY, secret: str = SECRET, ago: timedelta = timedelta()) -> dict[str, str]:
        stamp = str(int((self.clock() - ago).timestamp()))
        proof = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        return {"earful-signature": f"t={stamp},v1={proof}"}

    def kept(self) -> list[tuple[str, bytes]]:
        rows = self.database.rows("SELECT source, body FROM arrived ORDER BY n")
        return [(row["source"], bytes(row["body"])) for row in rows]

    def close(self) -> None:
        self.http.close()
        self.server.stop()


@pytest.fixture
def house(tmp_path: Path, sqlite: Sqlite) -> Iterator[House]:
    made = House(tmp_path, sqlite)
    yield made
    made.close()


def test_what_is_signed_is_kept_as_it_came_and_its_source_is_due_at_once(house: House) -> None:
    house.database.run("UPDATE sources SET next_due_at = '2099-01-01T00:00:00.000000Z'")
    raw = b'{ "text" : "Acme \xff is not even UTF-8'
    answer = house.send("signed door", house.signed(raw), raw)
    assert (answer.status_code, answer.json()) == (202, {"accepted": True, "repeated": False})
    assert house.kept() == [("signed door", raw)], "the handler reads nothing of it"
    assert ("signed door", "posts") in house.assembly.collector.due(house.clock())
    assert ("forms", "posts") not in house.assembly.collector.due(house.clock())


def test_who_repeats_a_request_hears_that_it_is_here_and_it_is_kept_once(house: House) -> None:
    """A sender that lost our answer must not try for ever; who plays it again gains nothing, before or after it is
    read."""
    first = house.signed()
    assert house.send("signed door", first).status_code == 202
    repeated = house.send("signed door", first)
    assert (repeated.status_code, repeated.json()["repeated"]) == (200, True)
    arrived.let_go(house.database, "signed door", 1, house.clock())
    assert house.send("signed door", first).status_code == 200
    house.clock.forward(6 * MINUTE)
    late = house.send("signed door", first)
    assert late.status_code == 401
    assert "five minutes" in late.json()["detail"]
    assert arrived.backlog(house.database, "signed door") == (0, 0)


@pytest.mark.parametrize("ago", [6, -6])
def test_a_signature_is_good_for_five_minutes_both_ways(house: House, ago: int) -> None:
    assert house.send("signed door", house.signed(ago=ago * MINUTE)).status_code == 401
    assert house.send("signed door", house.signed(ago=ago * MINUTE * 0.7)).status_code == 202


def test_a_token_opens_it_too_and_only_a_key_marks_a_repetition(house: House) -> None:
    bearer = {"authorization": f"Bearer {TOKEN}"}
    basic = {"authorization": "Basic " + base64.b64encode(f"trustpilot:{TOKEN}".encode()).decode()}
    assert [house.send("signed door", head).status_code for head in (bearer, bearer, basic)] == [202] * 3
    keyed = {**bearer, "idempotency-key": "one"}
    assert [house.send("signed door", keyed).status_code for _ in range(2)] == [202, 200]


@pytest.mark.parametrize(
    ("name", "header", "written"),
    [
        ("forms", "typeform-signature", "base64"),
        ("repository", "x-hub-signature-256", "hex"),
        ("board", "x-discourse-event-signature", "hex"),
    ],
)
def test_each_service_is_known_by_its_own_signature(house: House, name: str, header: str, written: str) -> None:
    def proof(body: bytes, secret: str = SECRET) -> dict[str, str]:
        digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
        return {header: "sha256=" + (digest.hex() if written == "hex" else base64.b64encode(digest).decode())}

    assert house.send(name, proof(BODY)).status_code == 202
    assert house.send(name, proof(BODY)).status_code == 200, "a service that sends it again"
    assert house.send(name, proof(b"another body")).status_code == 401
    assert house.send(name, proof(BODY, "another secret!!")).status_code == 401
    assert house.send(name, house.signed()).status_code == 401, "ours is not theirs"


def test_what_is_not_proved_is_refused_in_json_and_kept_nowhere(house: House) -> None:
    wrong = [
        {}, {"earful-signature": "t=soon,v1=" + "0" * 64}, {"earful-signature": "v1=" + "0" * 64},
        house.signed(b"another body"), house.signed(secret="another secret, as long as ours"),
        {"authorization": "Bearer"}, {"authorization": f"Bearer {TOKEN}x"}, {"authorization": "Basic !!"},
        {"authorization": "Basic " + base64.b64encode(b"no colon").decode()},
    ]  # fmt: skip
    for headers in wrong:
        answer = house.send("signed door", headers)
        assert answer.status_code == 401, headers
        assert set(answer.json()) == {"error", "detail"}
        assert SECRET not in answer.text
        assert TOKEN not in answer.text
    assert house.kept() == []


def test_a_door_that_is_not_there_is_not_found(house: House) -> None:
    bearer = {"authorization": f"Bearer {TOKEN}"}
    for name in ("nowhere", "forum", "off", "a folder only", "signed door/x", "%00"):
        answer = house.send(name, bearer)
        assert answer.status_code == 404, name
        assert "error" in answer.json()


def test_only_posted_json_of_a_megabyte_is_accepted(house: House) -> None:
    assert house.http.get("/in/signed door").status_code == 405
    for kind in ("text/csv", "application/x-www-form-urlencoded", ""):
        assert house.send("signed door", {**house.signed(), "content-type": kind}).status_code == 415
    assert house.send("signed door", {**house.signed(), "content-encoding": "gzip"}).status_code == 415
    large = b" " * 1_000_001
    assert house.send("signed door", house.signed(large), large).status_code == 413
    assert house.send("signed door", house.signed(b""), b"").status_code == 400
    lines = house.signed(BODY + b"\n" + BODY)
    kind = {**lines, "content-type": "application/x-ndjson; charset=utf-8"}
    assert house.send("signed door", kind, BODY + b"\n" + BODY).status_code == 202


def test_who_fails_again_and_again_has_to_wait_and_nobody_else(house: House) -> None:
    for _ in range(MOST_FAILURES):
        assert house.send("forms").status_code == 401
    answer = house.send("forms", house.signed())
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    failures = Failures()
    for _ in range(MOST_FAILURES):
        failures.note("10.0.0.1", NOW)
    assert failures.too_many("10.0.0.1", NOW)
    assert not failures.too_many("10.0.0.2", NOW)
    assert not failures.too_many("10.0.0.1", NOW + MINUTE)
    house.clock.forward(2 * MINUTE)
    assert house.send("signed door", house.signed()).status_code == 202


def test_what_waits_to_be_read_is_bounded(house: House) -> None:
    with house.database.transaction():
        full = [arrived.Brought("signed door", b"{}", "") for _ in range(door.MOST_WAITING)]
        assert arrived.add(house.database, full, NOW) == door.MOST_WAITING
    answer = house.send("signed door", house.signed())
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    github = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
    assert house.send("repository", {"x-hub-signature-256": f"sha256={github}"}).status_code == 202


def test_a_body_is_read_for_a_head_that_may_be_proved_alone(house: House) -> None:
    """Who sends no signature of the right form is answered before a byte of the body has come."""
    host = house.server.address.removeprefix("http://")
    with socket.create_connection(host.split(":"), timeout=10) as line:
        head = f"POST /in/forms HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 900000"
        line.sendall(f"{head}\r\n\r\n".encode())
        assert b" 401 " in line.recv(4000).splitlines()[0]


def test_each_door_has_room_of_its_own_for_what_is_on_its_way(house: House) -> None:
    """Seventeen bodies of one client would give up the oldest; a door takes as many as its own budget holds."""
    host = house.server.address.removeprefix("http://")
    body = json.dumps({"id": "1", "text": "Acme " * 20}).encode()
    head = "\r\n".join(f"{name}: {value}" for name, value in house.signed(body).items())
    lines = []
    try:
        for _ in range(20):
            line = socket.create_connection(host.split(":"), timeout=10)
            line.sendall(
                f"POST /in/signed%20door HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{head}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body[:10]
            )
            lines.append(line)
        for line in lines:
            line.sendall(body[10:])
        codes = [line.recv(4000).split()[1] for line in lines]
    finally:
        for line in lines:
            line.close()
    assert sorted(codes) == [b"200"] * 19 + [b"202"]
