"""`earful connect`, as a person runs it, and what check, status and backup say of a sign-in."""

from __future__ import annotations

import json
import re
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from threading import Event
from unittest.mock import patch
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest

from monitor.settings.loading import load
from monitor.store import sources
from monitor.store.sqlite import Sqlite
from monitor.wiring import know_sources, tokens_of
from tests.cli.program import Ran, earful
from tests.fakes.server import Reply
from tests.fakes.x import FakeX
from tests.helpers import settings_on

CLIENT, OWN = "M1M5R3BMVy13QmpScXkzTUt5OE46MTpjaQ", "5001"
SOURCE = """
[[sources]]
name = "birds"
kind = "x"
client_id = "{client}"
search = false
mentions_of = ["5001"]
api_url = "{url}"
"""


@pytest.fixture
def x() -> Iterator[FakeX]:
    with FakeX(datetime.now(UTC)) as server:
        server.users[OWN], server.me, server.app_owner = "acme", OWN, OWN
        server.sign_in_people(CLIENT)
        yield server


@pytest.fixture
def settings(tmp_path: Path, sqlite: Sqlite, x: FakeX) -> Path:
    file = settings_on(tmp_path, sqlite)
    table = SOURCE.format(client=CLIENT, url=x.url)
    file.write_text(file.read_text("utf-8").replace("[[channels]]", f"{table}\n[[channels]]", 1), "utf-8")
    return file


ADDRESS = re.compile(r"^https://x\.com/i/oauth2/authorize\?\S+$", re.M)


def shown() -> str:
    """What the command has printed so far."""
    sys.stdout.flush()
    return sys.stdout.buffer.getvalue().decode()  # type: ignore[attr-defined]


class Typing(StringIO):
    """A person at the terminal: what they type follows from the address that they were shown."""

    def __init__(self, typed: Callable[[str], list[str]]) -> None:
        super().__init__()
        self.typed = typed
        self.left: list[str] | None = None

    def readline(self, *_: object) -> str:
        if self.left is None:
            found = ADDRESS.search(shown())
            assert found is not None
            self.left = self.typed(found[0])
        return self.left.pop(0) + "\n" if self.left else ""


def connect(settings: Path, *words: str, typed: Callable[[str], list[str]]) -> Ran:
    with patch.object(sys, "stdin", Typing(typed)):
        return earful(settings, "connect", "birds", *words)


def file_of(settings: Path) -> Path:
    loaded = load(settings, {}, secrets=False)
    tokens = tokens_of(loaded, next(each for each in loaded.sources if each.name == "birds"))
    assert tokens is not None
    return tokens.file.path


def free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def test_the_browser_comes_back_to_this_machine(settings: Path, sqlite: Sqlite, x: FakeX) -> None:
    know_sources(sqlite, load(settings, {}))
    now = datetime.now(UTC)
    sources.failed(sqlite, "birds", now, "nobody has signed in", "", refused=True)
    port = free_port()
    ended = Event()

    def browse() -> None:
        """The browser: it knocks with odd addresses too, which end nothing."""
        while (found := ADDRESS.search(shown() if hasattr(sys.stdout.buffer, "getvalue") else "")) is None:
            assert not ended.wait(0.02), "the command ended without an address"
        address = found[0]
        query = parse_qs(urlsplit(address).query)
        assert query["scope"] == ["tweet.read users.read offline.access"]
        assert query["redirect_uri"] == [f"http://127.0.0.1:{port}/callback"]
        assert x.sign_ins is not None
        back = x.sign_ins.agree(address)
        for odd in (f"http://127.0.0.1:{port}/favicon.ico", back.replace("state=", "state=x"), back.split("?")[0]):
            with pytest.raises(HTTPError, match="404"):
                urlopen(odd, timeout=5)
        with urlopen(back, timeout=5) as page:
            assert b"You can close this window" in page.read()

    with ThreadPoolExecutor(1) as pool:
        browser = pool.submit(browse)
        ran = connect(settings, "--listen", "--port", port, typed=lambda _: ["y"])
        ended.set()
        browser.result(20)
    said = ran.stdout + ran.stderr
    assert ran.returncode == 0, said
    assert "Signed in as @acme" in said
    assert "Does this account own the developer app?" in said
    assert "birds: signed in as acme; the token ends on" in said
    kept = file_of(settings)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    health = sources.health(sqlite, "birds")
    assert health is not None
    assert not health.refused
    assert health.spent_in(now) == pytest.approx(x.bill)
    secrets = re.findall(r'"((?:access|refresh)-CANARY-\d+)"', kept.read_text())
    assert len(secrets) == 2
    assert "CANARY" not in said
    assert "CANARY" not in str([list(sqlite.rows(f"SELECT * FROM {table}")) for table in ("sources", "audit")])
    _what_is_said_of_it(settings, x, now)


def _what_is_said_of_it(settings: Path, x: FakeX, now: datetime) -> None:
    for command in ("check", "status"):
        said = " ".join(earful(settings, command).stdout.split())  # however the terminal breaks the line
        assert re.search(r"birds: signed in as acme; the token ends on \d\d \w+ at \d\d:\d\d UTC and is renewed", said)
        assert "its timeline and its mentions are counted at the price for the app's owner" in said
        assert "CANARY" not in said
    told = json.loads(earful(settings, "status", "--json").stdout)["sources"]
    [signed_in] = [each["signed_in"] for each in told if each["name"] == "birds"]
    assert (signed_in["account"], signed_in["trouble"]) == ("acme", None)
    ends = datetime.fromisoformat(signed_in["token_ends_at"])
    assert timedelta(minutes=110) < ends - now < timedelta(minutes=130)
    assert all(each["signed_in"] is None for each in told if each["name"] != "birds")
    x.post("@acme my parcel is lost, Acme does not answer")
    assert "1 read, 1 about a brand" in earful(settings, "collect", "birds").stdout
    [spent] = [
        each["spent"] for each in json.loads(earful(settings, "status", "--json").stdout)["sources"] if each["spent"]
    ]
    assert spent == pytest.approx(x.bill) == pytest.approx(0.010 + 0.001)
    copy = settings.with_name("copy.sqlite")
    said = earful(settings, "backup", str(copy)).stdout
    assert "Not in it: the sign-ins in" in said
    assert "birds.json" in said
    assert b"CANARY" not in copy.read_bytes()
    assert x.sign_ins is not None
    x.sign_ins.revoke()
    kept = file_of(settings)
    kept.write_text(kept.read_text().replace(ends.strftime("%Y-%m-%d"), "2001-01-01"))
    earful(settings, "collect", "birds")
    for command in ("check", "status"):
        said = earful(settings, command, COLUMNS="250").stdout
        assert said.count("X no longer accepts the sign-in") == 1
        assert "Sign in again: earful connect birds" in said


def test_where_there_is_no_screen_the_address_is_pasted(settings: Path, x: FakeX) -> None:
    def typed(address: str) -> list[str]:
        assert x.sign_ins is not None
        back = x.sign_ins.agree(address)
        return ["http://127.0.0.1:8323/", back.replace("state=", "state=x"), back]

    ran = connect(settings, "--other-app", "--paste", typed=typed)
    said = ran.stdout
    assert ran.returncode == 0, ran
    assert "there is no code in it" in said
    assert "it belongs to another sign-in" in said
    assert "all posts are counted at the full price" in said
    assert file_of(settings).exists()


@pytest.mark.parametrize(
    ("typed", "scopes", "told"),
    [
        ("{redirect}?error=access_denied&state={state}", "", "X did not allow it"),
        ("{redirect}?code=old&state={state}", "", "X refuses the token or code (invalid_request)"),
        ("", "tweet.read offline.access", "X did not allow users.read; nothing was kept"),
        ("", "tweet.read users.read", "X did not allow offline.access; nothing was kept"),
    ],
)
def test_what_was_not_allowed_is_not_kept(settings: Path, x: FakeX, typed: str, scopes: str, told: str) -> None:
    assert x.sign_ins is not None
    x.sign_ins.scopes = scopes or x.sign_ins.scopes
    sign_ins = x.sign_ins

    def typing(address: str) -> list[str]:
        query = {name: each[0] for name, each in parse_qs(urlsplit(address).query).items()}
        return [typed.format(redirect=query["redirect_uri"], state=query["state"]) or sign_ins.agree(address)]

    ran = connect(settings, "--paste", typed=typing)
    assert (ran.returncode, told in ran.stderr) == (1, True), ran
    assert not file_of(settings).exists()


def test_signed_in_although_nobody_says_as_whom(settings: Path, x: FakeX) -> None:
    x.route("/2/users/me", Reply(503))
    sign_ins = x.sign_ins
    assert sign_ins is not None
    ran = connect(settings, "--paste", typed=lambda address: [sign_ins.agree(address)])
    assert ran.returncode == 1
    assert "signed in, but X did not say as whom" in ran.stderr
    assert file_of(settings).exists()


def test_whoever_goes_away_at_the_question_has_signed_in_all_the_same(settings: Path, x: FakeX) -> None:
    sign_ins = x.sign_ins
    assert sign_ins is not None
    ran = connect(settings, "--paste", typed=lambda address: ["?code=a&state=\udcff", sign_ins.agree(address)])
    assert "Does this account own" in ran.stdout
    said = earful(settings, "check", COLUMNS="250").stdout
    assert "birds: signed in as acme" in said
    assert "all posts are counted at the full price" in said


def test_a_source_with_a_new_name_keeps_its_sign_in(settings: Path, x: FakeX) -> None:
    sign_ins = x.sign_ins
    assert sign_ins is not None
    connect(settings, "--paste", "--own-app", typed=lambda address: [sign_ins.agree(address)])
    text = settings.read_text("utf-8")
    settings.write_text(text.replace('name = "birds"', 'name = "bird site"\nwas = ["birds"]'), "utf-8")
    assert "bird site: signed in as acme; the token ends" in earful(settings, "check", COLUMNS="250").stdout
    assert [each.name for each in (settings.parent / "tokens").glob("*.json")] == ["bird site.json"]


def test_a_port_that_is_taken_and_sources_that_need_no_sign_in_are_told(settings: Path, x: FakeX) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        port = str(one.getsockname()[1])
        ran = earful(settings, "connect", "birds", "--listen", "--port", port)
    assert f"can't listen on port {port}" in ran.stderr
    assert "use --paste, or another --port" in ran.stderr
    assert not ADDRESS.search(ran.stdout), "nobody is sent to where nobody listens"
    assert "no source named nothing; the settings have:" in earful(settings, "connect", "nothing").stderr
    assert "without signing in" in earful(settings, "connect", "chirp").stderr
    file = settings.read_text("utf-8").replace(f'client_id = "{CLIENT}"', 'bearer_token = { env = "TOKEN" }')
    settings.write_text(file, "utf-8")
    assert "write client_id in its table" in earful(settings, "connect", "birds", TOKEN="t" * 30).stderr
    assert not x.ledger
