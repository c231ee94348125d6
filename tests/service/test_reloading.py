"""New settings under a running process: sound ones only, and on PostgreSQL by all or by none."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from monitor.service.membership import Membership
from monitor.service.reloading import Reloading
from monitor.service.scheduler import Engine
from monitor.settings.loading import load
from monitor.store import audit, channel_health
from monitor.store.sqlite import Sqlite
from tests.helpers import NOW, assembly_of, settings_from
from tests.service.test_membership import Process, Start, start

__all__ = ["start"]

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
    reloading = Reloading(engine, Membership(sqlite, settings), lambda: load(settings.file, {}))
    before = engine.assembly
    sound = settings.file.read_text("utf-8")
    settings.file.write_text(sound + 'surprise = "x"\n' + HOLD, "utf-8")
    with caplog.at_level(logging.ERROR, "earful.daemon"):
        reloading.take_settings()
    assert engine.assembly is before
    assert [line for line in caplog.messages if line.startswith("not reloaded: ") and str(settings.file) in line]
    with sqlite.transaction():
        channel_health.failed(sqlite, "console", NOW, "refused", "do this", NOW, broken=True)
    settings.file.write_text(sound.replace('every = "10m"', 'every = "20m"'), "utf-8")
    reloading.take_settings()
    assert engine.assembly is not before
    assert engine.assembly.settings.database.url == url
    row = sqlite.row("SELECT broken, next_try_at FROM channels WHERE name = 'console'")
    assert row is not None
    assert (row["broken"], row["next_try_at"]) == (0, "")


def reloading_of(process: Process) -> Reloading:
    engine = Engine(assembly_of(process.database, process.settings))
    return Reloading(engine, process.member, lambda: load(process.settings.file, {}))


def written_anew(process: Process) -> None:
    """The new file has come to this machine."""
    file = process.settings.file
    file.write_text(file.read_text("utf-8").replace('every = "10m"', 'every = "20m"'), "utf-8")


def test_what_one_process_reloads_the_others_take_once_the_file_is_there(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = start().joins(), start().joins()
    one, other = reloading_of(first), reloading_of(second)
    before = other.engine.assembly
    written_anew(first)
    one.asked = True
    one.turn()
    assert not one.asked
    second.steady.seconds += 2
    with caplog.at_level(logging.ERROR, "earful.daemon"):
        other.turn()
    assert "the file here is another: [[sources]]" in caplog.text
    assert other.engine.assembly is before
    written_anew(second)
    second.steady.seconds += 2
    other.turn()
    assert other.engine.assembly.rules.sources["news"].every.total_seconds() == 1200
    assert (one.has_to_stop, other.has_to_stop) == (False, False)
    noted = audit.count_since(second.database, ["settings changed"], NOW, 10)
    assert noted == 1, "one change is one line, however many processes take it"


def test_a_process_to_which_the_file_never_comes_stops(start: Start) -> None:
    first, second = start().joins(), start().joins()
    one, other = reloading_of(first), reloading_of(second)
    written_anew(first)
    one.take_settings()
    for _ in range(3):
        second.steady.seconds += 149
        other.turn()
        assert not other.has_to_stop
    second.steady.seconds += 2
    other.turn()
    assert other.has_to_stop
