"""`earful causes`: the list, and every change of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cli import app
from monitor.cli.base import Failed
from monitor.settings.loading import load
from monitor.store.sqlite import Sqlite
from tests.helpers import LATE, assembly_of, post, settings_on, take


@pytest.fixture
def file(tmp_path: Path, sqlite: Sqlite) -> Path:
    made = settings_on(tmp_path, sqlite)
    take(assembly_of(sqlite, load(made, {})), *(post(LATE, author=each) for each in "abc"))
    return made


def call(file: Path, *words: str) -> str:
    return CliRunner().invoke(app, ["--settings", str(file), "causes", *words], catch_exceptions=False).output


def test_the_list_is_shown_and_changed_and_each_change_is_undone(file: Path) -> None:
    assert "problem 1 Late or missing delivery: 3 people, no owner" in call(file)
    assert "added Purple lids" in call(file, "Purple lids", "--words", "purple lid*")
    assert "saved" in call(file, "purple lids", "--rename", "Violet lids")
    assert "merged into Refunds" in call(file, "Violet lids", "--into", "Refunds")
    assert "undone: merged Violet lids into Refunds" in call(file, "--undo")
    assert "Boxes made of 3 posts" in call(file, "Late or missing delivery", "--split", "Boxes", "--words", "order")
    assert "removed Boxes" in call(file, "Boxes", "--remove")
    assert "case 1: cause Refunds" in call(file, "Refunds", "--case", "1")
    assert "problem 1 is fixed" in call(file, "--fixed", "1")
    told = json.loads(call(file, "--json"))
    assert [each["untold"] for each in told["problems"]] in ([], [2], [3])
    assert "Violet lids" in {each["name"] for each in told["causes"]}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("Nothing",), "there is no cause Nothing"),
        (("Refunds", "--into", "Nothing"), "there is no cause Nothing"),
        (("Refunds",), "say what to change"),
        (("Refunds", "--case", "99"), "there is no case 99"),
        (("--brand", "Other"), "there is no brand Other"),
        (("--fixed", "7"), "no such problem"),
    ],
)
def test_what_cannot_be_is_said(file: Path, words: tuple[str, ...], why: str) -> None:
    with pytest.raises(Failed, match=why):
        call(file, *words)
