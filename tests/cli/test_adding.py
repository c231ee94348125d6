"""`earful add` and `earful sources`, as a person or a script calls them, before feeds on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from monitor.cli import app
from monitor.settings.loading import load
from monitor.setup.commands import init
from tests.connectors.contract_rss import feed, item, served
from tests.fakes.server import FakeServer


class Installation:
    """A settings file as `earful init` writes it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "settings.toml"
        init("Acme", self.file)
        self.before = self.file.read_text("utf-8")

    def call(self, *words: str, given: str = "", **environ: str) -> Result:
        return CliRunner().invoke(app, ["--settings", str(self.file), *words], input=given, env=environ)

    def add(self, *words: str, given: str = "", **environ: str) -> Result:
        return self.call("add", *words, given=given, **environ)

    @property
    def is_as_it_was(self) -> bool:
        return self.file.read_text("utf-8") == self.before and not self.secrets.exists()

    @property
    def secrets(self) -> Path:
        return self.file.with_name("earful.env")


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        today = format_datetime(datetime.now(UTC) - timedelta(hours=1))
        entries = [item(number, date=today) for number in range(7)]
        running.route("/a.xml", served(feed(*entries, item(8, title="Tea", text="Else", date=today))))
        yield running


def said(result: Result) -> str:
    return result.output + (str(result.exception) if result.exception else "")


def test_a_person_answers_sees_five_posts_and_has_it_written(here: Installation, server: FakeServer) -> None:
    """Nothing is written before; what the kind's own check refuses is asked for again."""
    answers = ["rss", "y", "ftp://nowhere.example", *[""] * 8, f"{server.url}/a.xml", "y"]
    result = here.add(given="\n".join(answers) + "\n")
    assert result.exit_code == 0, said(result)
    shown = [each for each in result.output.splitlines() if each.startswith("+ ")]
    assert len(shown) == 6, "five posts, and what the mark means"
    found = load(here.file, {})
    (source,) = [each for each in found.sources if each.name == "rss"]
    assert source.options.feeds == (f"{server.url}/a.xml",)
    left = here.file.read_text("utf-8").split("\n")
    assert [line for line in here.before.split("\n") if line not in left] == [], "every line and comment stays"
    assert "reload" in result.output


def test_flags_alone_do_it_too(here: Installation, server: FakeServer) -> None:
    result = here.add("rss", "--name", "blog", "--set", f"feeds={server.url}/a.xml", "--set", "about=Acme", "--yes")
    assert result.exit_code == 0, said(result)
    (source,) = [each for each in load(here.file, {}).sources if each.name == "blog"]
    assert (source.about, source.kind) == ("Acme", "rss")
    assert sum(line.startswith("+ ") for line in result.output.splitlines()) == 6, "five posts, and what the mark means"
    again = here.add("rss", "--set", f"feeds={server.url}/a.xml", "--yes", "--name", "blog")
    assert again.exit_code == 1
    assert "its own name" in said(again)


def test_a_source_that_cannot_be_read_is_not_added_unless_somebody_says_so(
    here: Installation, server: FakeServer
) -> None:
    server.mode = "500"
    words = ("rss", "--set", f"feeds={server.url}/a.xml")
    result = here.add(*words, "--yes")
    assert result.exit_code == 1
    assert "--untried" in said(result)
    assert here.is_as_it_was
    assert here.add(*words, given="\nn\nn\n").exit_code == 1
    assert here.is_as_it_was
    assert here.add(*words, "--yes", "--untried").exit_code == 0
    assert not here.is_as_it_was


def test_a_secret_is_asked_for_unseen_and_kept_beside_the_settings(here: Installation) -> None:
    result = here.add("x", "--untried", given="tok-123 $x\nn\ny\n")
    assert result.exit_code == 0, said(result)
    assert "tok-123" not in result.output.replace("Warning: Password input may be echoed.", "")
    assert here.secrets.stat().st_mode & 0o777 == 0o600
    assert here.secrets.read_text() == 'X_BEARER_TOKEN="tok-123 \\$x"\n'
    assert "tok-123" not in here.file.read_text("utf-8")
    (source,) = [each for each in load(here.file, {}).sources if each.name == "x"]
    assert source.options.bearer_token.get_secret_value() == "tok-123 $x"
    assert "https://console.x.com" in result.output, "where the key comes from"
    assert "can't see" in result.output


def test_where_a_person_signs_in_nothing_is_read_first_and_the_next_step_is_said(here: Installation) -> None:
    result = here.add("x", "--yes", "--set", "client_id=M1M5R3BM")
    assert result.exit_code == 0, said(result)
    assert "Now sign in at X: " in said(result)
    assert " connect x" in said(result)
    assert 'client_id = "M1M5R3BM"' in here.file.read_text("utf-8")


def test_a_key_that_is_a_file_is_named_and_left_where_it_is(here: Installation) -> None:
    (here.file.parent / "play.json").write_text('{"client_email": "x"}', "utf-8")
    (here.file.parent / "play.json").chmod(0o600)
    result = here.add("googleplay", "--untried", given="@play.json\ncom.example.app\nn\ny\n")
    assert result.exit_code == 0, said(result)
    assert "guide       docs/connect/googleplay.md" in result.output
    written = here.file.read_text("utf-8")
    assert 'credentials = { file = "play.json" }' in written
    assert not here.secrets.exists()
    (source,) = [each for each in load(here.file, {}).sources if each.kind == "googleplay"]
    assert source.options.credentials.get_secret_value() == '{"client_email": "x"}'


def test_without_anybody_to_ask_a_secret_comes_from_the_environment_or_is_missed_by_name(here: Installation) -> None:
    result = here.add("x", "--yes", "--untried")
    assert result.exit_code == 1
    assert "write X_BEARER_TOKEN=... into" in said(result)
    assert here.is_as_it_was
    shown = here.add("x", "--yes", "--set", "bearer_token=tok-123")
    assert "seen by others" in said(shown)
    assert here.add("x", "--yes", "--untried", X_BEARER_TOKEN="tok-123").exit_code == 0
    assert 'bearer_token = { env = "X_BEARER_TOKEN" }' in here.file.read_text("utf-8")
    assert not here.secrets.exists(), "what is in the environment stays there"


def test_the_secret_of_a_door_is_made_here_and_its_address_is_said(here: Installation) -> None:
    result = here.add("inbound", "--name", "reviews", given="\n\nn\ny\n")
    assert result.exit_code == 0, said(result)
    name, _, secret = here.secrets.read_text().strip().partition("=")
    assert (name, len(secret)) == ("REVIEWS_SECRET", 64)
    assert "http://127.0.0.1:8321/in/reviews" in result.output
    (source,) = [each for each in load(here.file, {}).sources if each.name == "reviews"]
    assert source.options.secret.get_secret_value() == secret


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("moon", "--yes"), "no kind named 'moon'"),
        (("--yes",), "name a kind: earful sources"),
        (("hackernew", "--yes"), 'did you mean "hackernews"'),
        (("rss", "--yes", "--set", "feed=x"), 'did you mean "feeds"'),
        (("rss", "--yes", "--set", "feeds"), "write KEY=VALUE"),
        (("rss", "--yes", "--set", "feeds=ftp://nowhere.example"), "write each feed as an http:// or https:// address"),
        (("mastodon", "--yes", "--set", "skip_bots=perhaps"), "skip_bots: write yes or no"),
        (("hackernews", "--yes", "--name", "a:b"), "name"),
    ],
)
def test_what_cannot_be_added_is_refused_and_nothing_is_written(
    here: Installation, words: tuple[str, ...], told: str
) -> None:
    result = here.add(*words)
    assert result.exit_code == 1, said(result)
    assert told in said(result)
    assert here.is_as_it_was


def test_all_kinds_are_listed_with_and_without_settings(here: Installation, tmp_path: Path) -> None:
    listed = here.call("sources")
    assert listed.exit_code == 0
    assert "last seen working against the real service: never" in listed.output
    assert "https://console.x.com" in listed.output
    rows = [json.loads(line) for line in here.call("sources", "--json").output.splitlines()]
    by_kind = {row["kind"]: row for row in rows}
    assert by_kind["rss"]["sources"] == ["news"]
    assert (by_kind["x"]["key_from"], by_kind["x"]["own_replies_seen"]) == ("https://console.x.com", True)
    elsewhere = CliRunner().invoke(app, ["--settings", str(tmp_path / "none.toml"), "sources", "--json"])
    assert elsewhere.exit_code == 0
    assert len(elsewhere.output.splitlines()) == len(rows)
