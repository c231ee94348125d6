"""The daemon takes sound settings only: at its start before anything is touched, and at each reload."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest

from monitor.cli import main
from monitor.service import process
from monitor.service.scheduler import Engine
from monitor.settings.errors import SettingsError
from monitor.settings.loading import load
from monitor.store import channel_health
from monitor.store.sqlite import Sqlite
from tests.helpers import NOW, assembly_of, settings_from

HOLD = """
[alerts]
notify = "care"
"""


def test_a_reload_with_faults_keeps_the_old_settings_and_one_without_tries_every_channel_again(
    sqlite: Sqlite, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_from(tmp_path)
    url = settings.database.url
    engine = Engine(assembly_of(sqlite, settings))
    role = sqlite.hold_role("daemon", NOW)
    life = process._Life(engine, role, lambda: load(settings.file, {}), None, open_page=False)
    before = engine.assembly
    sound = settings.file.read_text("utf-8")
    settings.file.write_text(sound + 'surprise = "x"\n' + HOLD, "utf-8")
    with caplog.at_level(logging.ERROR, "earful.daemon"):
        life._take_settings()
    assert engine.assembly is before
    assert [line for line in caplog.messages if line.startswith("not reloaded: ") and str(settings.file) in line]
    with sqlite.transaction():
        channel_health.failed(sqlite, "console", NOW, "refused", "do this", NOW, broken=True)
    settings.file.write_text(sound.replace('every = "10m"', 'every = "20m"'), "utf-8")
    life._take_settings()
    assert engine.assembly is not before
    assert engine.assembly.settings.database.url == url
    row = sqlite.row("SELECT broken, next_try_at FROM channels WHERE name = 'console'")
    assert row is not None
    assert (row["broken"], row["next_try_at"]) == (0, "")
    role.release()


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
