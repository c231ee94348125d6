"""Whoever takes data away by a command, or puts older data back, leaves a line in the audit log."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.store import audit
from monitor.store.sqlite import Sqlite
from tests.helpers import settings_on


def test_exports_copies_and_a_restore_leave_a_line(
    tmp_path: Path, sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, copy = settings_on(tmp_path, sqlite), str(tmp_path / "copy.sqlite")
    path = sqlite.path

    def earful(*words: str) -> None:
        monkeypatch.setattr(sys, "argv", ["earful", "--settings", str(settings), *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0, capsys.readouterr().err

    def told() -> list[tuple[str, str, str]]:
        database = Sqlite(path)
        found = audit.lines(database, audit.Filter(), 9)
        database.close()
        assert {line.who for line in found} == {getpass.getuser()}
        return [(line.event, line.about, line.way) for line in reversed(found)]

    earful("mentions", "--json")
    sqlite.close()
    earful("backup", copy)
    by_command = [("export", what, "command line") for what in ("mentions", "the whole database")]
    assert told() == by_command
    earful("restore", copy)
    assert told() == [*by_command, ("backup restored", "", "command line")], "also what was written since the copy"
