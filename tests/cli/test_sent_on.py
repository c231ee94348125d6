"""`earful sent-on`: what somebody sent on into private, and one word for all of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cli import app
from monitor.cli.base import Failed
from monitor.settings.loading import load
from monitor.store.sqlite import Sqlite
from tests.helpers import ANGRY, MINUTE, assembly_of, case, post, settings_on, take

PEOPLE = """
[[people]]
name = "Lea"
role = "lead"

[[people]]
name = "Ben"
"""


@pytest.fixture
def folder(tmp_path: Path, sqlite: Sqlite) -> Path:
    """Olga's and Mira's cases went on in private; Lea, the lead, has them."""
    file = settings_on(tmp_path, sqlite)
    with file.open("a", encoding="utf-8") as settings:
        settings.write(PEOPLE)
    now = datetime.now(UTC)
    acme = assembly_of(sqlite, load(file, {}))
    for name in ("olga", "mira"):
        take(acme, post(ANGRY, author=name, native_id=name, thread_id=name, at=now - MINUTE), now=now)
        words = "Please DM us your order number."
        with sqlite.transaction():
            acme.answers.take([post(words, author="acme_care", parent_id=name, thread_id=name, at=now)], now)
    return tmp_path


def call(folder: Path, *words: str) -> str:
    arguments = ["--settings", str(folder / "settings.toml"), "sent-on", *words]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_they_are_listed_and_one_word_closes_all_of_them(folder: Path, sqlite: Sqlite) -> None:
    assert "none of the cases Ben moved to private messages is open" in call(folder, "--as", "Ben")
    assert "none of the cases you moved to private messages is open" in call(folder, "solved", "--as", "Ben")
    listed = call(folder, "--as", "Lea")
    assert "@olga" in listed
    assert "@mira" in listed
    assert [json.loads(line)["id"] for line in call(folder, "--as", "Lea", "--json").splitlines()] == ["1", "2"]
    assert "2 cases closed as solved" in call(folder, "solved", "--as", "Lea")
    assert {(case(sqlite, each).outcome, case(sqlite, each).closed_by) for each in "12"} == {("solved", "Lea")}
    assert "none of the cases Lea moved to private messages is open" in call(folder, "--as", "Lea")


def test_another_word_and_a_stranger_are_refused(folder: Path, sqlite: Sqlite) -> None:
    with pytest.raises(Failed, match="write solved"):
        call(folder, "close", "--as", "Lea")
    with pytest.raises(Failed, match="there is nobody named"):
        call(folder, "solved", "--as", "Zacharias")
    assert case(sqlite, "1").closed_at is None
