"""`earful away`: who is on, who is away, and one word to be away or back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cli import app
from monitor.cli.base import Failed
from monitor.settings.loading import load
from monitor.store import absences
from monitor.store.sqlite import Sqlite
from tests.helpers import ANGRY, MINUTE, assembly_of, case, post, settings_on, take

ALWAYS = '[{ days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], start = "00:00", end = "00:00" }]'
PEOPLE = f"""
[[people]]
name = "Ana"
shifts = {ALWAYS}
[[people]]
name = "Ben"
shifts = {ALWAYS}
"""


@pytest.fixture
def folder(tmp_path: Path, sqlite: Sqlite) -> Path:
    file = settings_on(tmp_path, sqlite)
    with file.open("a", encoding="utf-8") as settings:
        settings.write(PEOPLE)
    now = datetime.now(UTC)
    acme = assembly_of(sqlite, load(file, {}))
    take(acme, post(ANGRY, at=now - MINUTE), now=now)
    return tmp_path


def call(folder: Path, *words: str) -> str:
    arguments = ["--settings", str(folder / "settings.toml"), *words]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_one_word_says_that_somebody_is_away_and_one_that_they_are_back(folder: Path, sqlite: Sqlite) -> None:
    call(folder, "case", "1", "take", "--as", "Ana")
    assert "on now: Ana, Ben" in call(folder, "away")
    assert "Ana is away until Mon" in (said := call(folder, "away", "Ana", "--until", "mon"))
    assert "1 open case offered to Ben" in said
    shown = call(folder, "away")
    assert "on now: Ben" in shown
    assert "away: Ana until Mon" in shown
    told = json.loads(call(folder, "away", "--json"))
    assert (told["on"], list(told["away"]), told["uncovered"]) == (["Ben"], ["Ana"], [])
    assert case(sqlite, "1").offered_at is not None
    assert "Ana is back" in call(folder, "away", "Ana", "--back")
    assert absences.standing(sqlite, datetime.now(UTC) + timedelta(seconds=1)) == []
    assert case(sqlite, "1").offered_at is None


def test_a_stranger_and_half_a_sentence_are_refused(folder: Path) -> None:
    for words, why in (
        (("Zoe", "--until", "mon"), "there is nobody named"),
        (("Ana",), "write --until"),
        (("Ana", "--until", "mon", "--back"), "write --until"),
    ):
        with pytest.raises(Failed, match=why):
            call(folder, "away", *words)


def test_check_says_before_which_hours_nobody_covers(folder: Path) -> None:
    """Here everybody is always on; without them on Tuesdays it says so."""
    assert "nobody is on shift" not in call(folder, "check")
    file = folder / "settings.toml"
    file.write_text(file.read_text("utf-8").replace('"tue", ', ""), "utf-8")
    assert "Tue 9-17: nobody is on shift, so alerts go to leads" in call(folder, "check")
