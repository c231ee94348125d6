"""The daemon takes sound settings only, before anything is touched."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from monitor.cli import main
from monitor.service import process
from monitor.service.scheduler import Engine
from monitor.settings.errors import SettingsError
from monitor.settings.loading import load
from monitor.store.sqlite import Sqlite
from tests.helpers import assembly_of, settings_from


def test_wrong_settings_touch_nothing_and_end_with_78(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('[database]\nurl = "sqlite:earful.sqlite"\n[alerts]\nnotify = "care"\n', "utf-8")
    with pytest.raises(SettingsError):
        process.run(lambda: load(file, {}), show=False)
    monkeypatch.setattr("sys.argv", ["earful", "--settings", str(file), "run"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 78
    said = capsys.readouterr().err
    assert f"{file}:4: alerts.notify: found" in said
    assert "; write " in said
    assert os.listdir(tmp_path) == ["settings.toml"]


def test_the_database_is_checked_once_a_day(tmp_path: Path, sqlite: Sqlite) -> None:
    """What the check finds is told by the main loop, which stops (tests/service/test_damage.py)."""
    root = sqlite.row("SELECT rootpage FROM sqlite_master WHERE name = 'gaps'")
    assert root is not None
    sqlite.checkpoint()
    sqlite.close()
    body = bytearray(sqlite.path.read_bytes())
    at = (root["rootpage"] - 1) * 4096
    body[at : at + 512] = b"\xa5" * 512
    sqlite.path.write_bytes(bytes(body))
    damaged = Sqlite(sqlite.path)
    engine = Engine(assembly_of(damaged, settings_from(tmp_path)))
    engine.keep_house()
    assert damaged.damage
    damaged.close()
