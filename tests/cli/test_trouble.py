"""What `status` and `check` say while nobody can be alerted, or nothing can be stored."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.store import channel_health, disk, key_values, sources
from monitor.store.sqlite import Sqlite
from tests.cli.program import earful
from tests.helpers import settings_from, settings_on

SLACK = '[[channels]]\nname = "slack"\nkind = "slack"\ntoken = { env = "T" }\n'
MAIL = '[[channels]]\nname = "mail"\nkind = "email"\nhost = "127.0.0.1"\nsender = "earful@example.org"\n'
CONSOLE = '[[channels]]\nname = "console"\nkind = "console"\n'


@pytest.mark.parametrize(
    ("channels", "earful_table", "asked"),
    [
        (CONSOLE + SLACK, "", True),
        (CONSOLE + SLACK + MAIL, "", False),
        (CONSOLE + SLACK, 'dead_man_url = { env = "D" }', False),
        (CONSOLE, "", False),
    ],
)
def test_check_asks_for_a_second_way_where_there_is_one_only(
    tmp_path: Path, channels: str, earful_table: str, asked: bool
) -> None:
    notify = ("slack:#care",) if "slack" in channels else ("console",)
    environ = {"T": "xoxb-1", "D": "https://dead.example.org/x"}
    settings = settings_from(tmp_path, channels=channels, notify=notify, earful=earful_table, environ=environ)
    ran = earful(settings.file, "check", **environ)
    assert ran.returncode == 0, ran.stderr
    assert ("slack is the only channel" in ran.stdout) is asked
    assert ("[earful] dead_man_url" in ran.stdout) is asked


def test_status_says_who_is_not_alerted_and_what_is_not_stored(tmp_path: Path, sqlite: Sqlite) -> None:
    settings = settings_on(tmp_path, sqlite)
    hours_ago = datetime.now(UTC) - timedelta(hours=2)
    with sqlite.transaction():
        channel_health.failed(sqlite, "console", hours_ago, "503 from its server", "wait", None, broken=False)
        sources.know(sqlite, "forum", "hackernews", "m")
        sources.failed(sqlite, "forum", hours_ago, "answered with a web page", "Open that address.", refused=False)
        key_values.remember(sqlite, disk.NOT_STORED, "the disk is full", hours_ago)
    said = " ".join(earful(settings, "status", COLUMNS="400").stdout.split())
    assert "can't store anything, so sources are not read: the disk is full" in said
    assert "console has been down since" in said
    assert "answered with a web page" in said
    assert "Open that address." in said
    assert "Nobody is being alerted" in said
    told = json.loads(earful(settings, "status", "--json").stdout)
    assert told["not_stored"] == "the disk is full"
    assert told["channels"][0]["error"] == "503 from its server"
    assert len(told["not_alerted"]) == 2


def test_a_full_disk_says_what_to_do(tmp_path: Path) -> None:
    """As SQLite itself says it: a limit on its pages stands for the disk."""
    connection = sqlite3.connect(tmp_path / "full.sqlite")
    connection.execute("PRAGMA max_page_count = 2")
    connection.execute("CREATE TABLE first (word TEXT)")
    with pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute("CREATE TABLE second (word TEXT)")
    connection.close()
    assert disk.in_words(caught.value) == (
        "the disk is full. Free space where [database] url points, check that it is writable, and try again"
    )
    other = sqlite3.OperationalError("no such table: x")
    assert disk.in_words(other) == "the database said OperationalError: no such table: x"
