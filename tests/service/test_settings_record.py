"""That the settings file changed is noted once, by the names of its keys: at a reload, and at the next start."""

from __future__ import annotations

from pathlib import Path

from monitor.service.settings_record import changed_keys, note_settings
from monitor.settings.models import Settings
from monitor.store import audit
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from tests.helpers import NOW, settings_from

HOOK = '[[channels]]\nname = "hook"\nkind = "webhook"\nurl = { env = "U" }\nsecret = { env = "S" }\n'
ENVIRON = {"U": "https://x.example/1", "S": "0123456789abcdef0123456789abcdef"}


def read(folder: Path, earful: str = "", secret: str = ENVIRON["S"], more: str = "") -> Settings:
    return settings_from(folder, earful=earful, channels=HOOK + more, notify=("hook",), operator=("hook",),
                         environ={**ENVIRON, "S": secret})  # fmt: skip


def changes(database: Sqlite | Postgresql) -> list[str]:
    return [str(line.detail["change"]) for line in audit.lines(database, audit.Filter(event="settings changed"), 9)]


def test_keys_that_changed_are_named_and_no_value_is(tmp_path: Path) -> None:
    before = read(tmp_path)
    assert changed_keys(before, read(tmp_path)) == []
    after = read(tmp_path, earful="mcp_verbs = true", secret="f" * 32)
    assert changed_keys(before, after) == ["channels[0].secret", "earful.mcp_verbs"]
    added = changed_keys(before, read(tmp_path, more='[[channels]]\nname = "console"\nkind = "console"\n'))
    assert "channels[1].name" in added


def test_a_changed_file_is_noted_once_at_a_start_and_at_a_reload(tmp_path: Path, database: Sqlite | Postgresql) -> None:
    first = read(tmp_path)
    note_settings(database, first, NOW)
    note_settings(database, first, NOW)
    assert changes(database) == [], "the first start has nothing to compare with"
    second = read(tmp_path, earful="mcp_verbs = true")
    note_settings(database, second, NOW)
    note_settings(database, second, NOW)
    assert changes(database) == ["changed while the daemon was stopped"]
    third = read(tmp_path, secret="f" * 32)
    note_settings(database, third, NOW, second)
    note_settings(database, third, NOW, third)
    note_settings(database, third, NOW)
    assert changes(database)[0] == "channels[0].secret, earful.mcp_verbs"
    assert len(changes(database)) == 2
