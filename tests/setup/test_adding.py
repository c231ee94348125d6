"""A source added to a settings file: where its table goes, what stays, how answers and secrets are written."""

from __future__ import annotations

import difflib
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

import connectors
from monitor.settings.environment import with_secrets_file
from monitor.setup import adding
from monitor.setup.commands import InstallError, hours_of, settings_text
from tests.house.reading import ROOT

WRITTEN = settings_text("acme", name="Acme", zone="UTC", blocks=hours_of("mon-fri 09:00-17:00"))
VALUES = {"name": 'a "quoted" name', "kind": "x", "bearer_token": {"env": "X_TOKEN"}, "mentions_of": ["acme", "b"]}


@pytest.mark.parametrize(
    "text",
    [
        WRITTEN,
        (ROOT / "settings.toml").read_text("utf-8"),
        '[[sources]]\nname = "a"\nkind = "inbound"\n[sources.fields]\nid = "x" # why\n\n# the end\n',
        'zone = 1 # no newline at the end\n[a]\nb = """\n[[sources]]\nno table\n"""',
        "",
    ],
)
def test_the_new_table_stands_behind_the_last_source_and_every_other_line_stays(text: str) -> None:
    new = adding.with_source(text, VALUES)
    before, after = tomllib.loads(text), tomllib.loads(new)
    assert after == {**before, "sources": [*before.get("sources", []), VALUES]}
    changes = [line[0] for line in difflib.ndiff(text.splitlines(), new.splitlines())]
    assert set(changes) <= {" ", "+"}, "a line of the file has changed"
    assert "bearer_token = { env = " in new, "aligned as people write it"


def test_a_file_that_is_no_toml_is_left_alone() -> None:
    with pytest.raises(InstallError, match="earful check"):
        adding.with_source("a = \n", VALUES)


def test_in_what_init_writes_it_stands_with_the_other_sources() -> None:
    new = adding.with_source(WRITTEN, VALUES)
    assert new.index("[[sources]]") < new.index('kind         = "x"') < new.index("[[channels]]")


@pytest.mark.parametrize("kind", connectors.KINDS)
def test_every_setting_of_every_kind_is_asked_for_with_what_it_is_for(kind: str) -> None:
    questions = adding.questions_of(kind)
    assert len({each.name for each in questions}) == len(questions)
    assert all(each.about for each in questions)
    first = [each.required for each in questions]
    assert first == sorted(first, reverse=True), "what must be answered is asked first"


def test_what_is_only_there_for_old_files_is_not_asked_for() -> None:
    assert "reddit_feed" not in {each.name for each in adding.questions_of("rss")}


@pytest.mark.parametrize(
    ("kind", "name", "text", "value"),
    [
        ("rss", "feeds", "https://a.example/x, https://b.example/y", ["https://a.example/x", "https://b.example/y"]),
        ("rss", "feeds", '["https://a.example/x"]', ["https://a.example/x"]),
        ("rss", "google_news", "yes", True),
        ("rss", "answerable", "false", False),
        ("x", "monthly_budget", "12.5", 12.5),
        ("imap", "port", "143", 143),
        ("hackernews", "overlap", "6h", "6h"),
        ("inbound", "fields", '{ id = "uuid" }', {"id": "uuid"}),
        ("inbound", "folder", "drop", "drop"),
        ("inbound", "preset", " survey ", "survey"),
    ],
)
def test_an_answer_is_read_as_its_setting_wants_it(kind: str, name: str, text: str, value: Any) -> None:
    (question,) = [each for each in adding.questions_of(kind) if each.name == name]
    assert adding.value_of(question, text) == value


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        ("rss", "google_news", "perhaps"),
        ("imap", "port", "many"),
        ("inbound", "fields", "id"),
        ("rss", "feeds", "[a"),
    ],
)
def test_an_answer_that_cannot_be_read_says_what_to_write(kind: str, name: str, text: str) -> None:
    (question,) = [each for each in adding.questions_of(kind) if each.name == name]
    with pytest.raises(InstallError, match=f"{name}: write"):
        adding.value_of(question, text)


def test_secrets_are_read_back_as_they_were_given_whatever_signs_they_hold(tmp_path: Path) -> None:
    given = {
        "A": "plain-1_2/3=",
        "B": 'with "quotes" and \\ and $HOME and `x`',
        "C": "#no comment; 'single'",
        "D": "ü é",
    }
    file = adding.environment_file(tmp_path / "settings.toml")
    adding.write(file, adding.with_secrets("# mine\nA=old", given), 0o600)
    assert with_secrets_file(tmp_path / "settings.toml", {}) == given
    assert file.read_text("utf-8").startswith("# mine\nA=old\n")
    with pytest.raises(InstallError, match="line breaks"):
        adding.with_secrets("", {"A": "one\ntwo"})


def test_a_file_is_made_private_and_keeps_the_mode_it_has(tmp_path: Path) -> None:
    file = tmp_path / "earful.env"
    adding.write(file, "A=1\n", 0o600)
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o640)
    adding.write(file, "A=2\n", 0o600)
    assert (file.stat().st_mode & 0o777, file.read_text()) == (0o640, "A=2\n")
    assert os.listdir(tmp_path) == ["earful.env"], "nothing else is left lying about"
    with pytest.raises(InstallError, match="can't write"):
        adding.write(tmp_path / "nowhere" / "file", "", 0o600)


def test_a_secrets_name_is_made_of_the_sources() -> None:
    assert adding.variable_of("my shop's reviews", "token") == "MY_SHOP_S_REVIEWS_TOKEN"
    assert adding.variable_of("é", "é") == "SECRET"
