"""`earful case ID issue`: a person at a terminal types yes; anything else creates nothing."""

from __future__ import annotations

import contextlib
import os
import pty
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.cli import issues
from monitor.cli.base import Failed
from monitor.cli.settings import _online as ask_outside
from monitor.people.actors import NotPossible
from monitor.settings.loading import load
from monitor.store.sqlite import Sqlite
from tests.fakes.server import Reply
from tests.helpers import NOW, assembly_of, settings_from
from tests.trackers.world import ENVIRON, World, world


@pytest.fixture
def here(tmp_path: Path, sqlite: Sqlite) -> Iterator[World]:
    with world(tmp_path, sqlite) as made:
        yield made


def at_terminal(here: World, monkeypatch: pytest.MonkeyPatch, typed: str, name: str = "Ana", text: str = "") -> str:
    """What a terminal shows on which a person types this; what failed is its last line."""
    theirs, its = pty.openpty()
    with (
        os.fdopen(os.dup(its), "r", encoding="utf-8") as keys,
        os.fdopen(its, "w", encoding="utf-8") as screen,
        monkeypatch.context() as patched,
    ):
        patched.setattr(sys, "stdin", keys)
        patched.setattr(sys, "stdout", screen)
        os.write(theirs, typed.encode())
        try:
            issues.issue(here.assembly, here.case_id, name, text, here.clock())
        except Failed as error:
            screen.write(f"{error}\n")
    shown = bytearray()
    with contextlib.suppress(OSError):  # the terminal has no other end any more
        while piece := os.read(theirs, 4096):
            shown += piece
    os.close(theirs)
    return shown.decode("utf-8", "replace")


def test_yes_at_a_terminal_creates_what_is_shown(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = at_terminal(here, monkeypatch, "yes\n")
    assert "Customer report: " in shown
    assert "Create this issue in acme/kettle on GitHub? Type yes to create it: " in shown
    assert f"case {here.case_id}: created acme/kettle#1 https://github.com/acme/kettle/issues/1" in shown
    assert (here.rows()[0].who, here.rows()[0].way) == ("Ana", "command line")
    with pytest.raises(NotPossible, match="already has the issue acme/kettle#1"):
        at_terminal(here, monkeypatch, "yes\n")


@pytest.mark.parametrize("typed", ["no\n", "y\n", "\n", "\x04"])
def test_anything_but_yes_creates_nothing(here: World, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    assert "Nothing was created." in at_terminal(here, monkeypatch, typed)
    assert here.there.writes() == 0


def test_a_text_of_ones_own_is_shown_and_sent(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = at_terminal(here, monkeypatch, "yes\n", text="The lid melts.\x1b[2J\nOn each of them.")
    assert "\x1b[2J" not in shown
    assert here.there.texts()[0][1].startswith("The lid melts.")


def test_without_a_terminal_a_name_or_a_tracker_nothing_is_created(
    here: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(Failed, match=f"on its page: http://127.0.0.1:8321/cases/{here.case_id}/issue"):
        issues.issue(here.assembly, here.case_id, "Ana", "", here.clock())
    assert "name who creates it" in at_terminal(here, monkeypatch, "yes\n", name="")
    assert "Vik is a viewer" in at_terminal(here, monkeypatch, "yes\n", name="Vik")
    bare = assembly_of(here.database, settings_from(tmp_path, tables='[[people]]\nname = "Ana"\n'))  # type: ignore[arg-type]
    with pytest.raises(Failed, match="no tracker is set up"):
        issues.issue(bare, here.case_id, "Ana", "", NOW)
    assert here.there.writes() == 0


def test_check_asks_where_issues_would_be_created_and_creates_none(
    here: World, capsys: pytest.CaptureFixture[str]
) -> None:
    file, server = here.assembly.settings.file, here.there.server
    text = file.read_text("utf-8").replace('kind = "hackernews"', f'kind = "hackernews"\napi_url = "{server.url}/hn"')
    file.write_text(text, "utf-8")
    assert not ask_outside(load(file, ENVIRON)), "the sources have no network here"
    said = " ".join(capsys.readouterr().out.split())
    assert "ok kettles, issues issues are created in acme/kettle, when a person presses; anyone can read them" in said
    server.route("/repos/acme/kettle", Reply(404, json={"message": "Not Found"}))
    ask_outside(load(file, ENVIRON))
    assert "no kettles, issues GitHub answered 404: not found" in " ".join(capsys.readouterr().out.split())
    assert here.there.writes() == 0
