"""What `earful status` shows of several processes and of what waits; of one daemon nothing more than before."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.cli import settings as commands
from monitor.settings.agreement import agreement
from monitor.settings.loading import load
from monitor.store import unjudged, workers
from monitor.store.leases import Leases
from monitor.store.sqlite import Sqlite
from monitor.store.unjudged import Page
from tests.cli.program import earful, started
from tests.helpers import ANGRY, NOW, post, settings_from
from tests.worker_rows import Crew


@pytest.fixture
def settings(tmp_path: Path, new_postgresql: str) -> Path:
    file = settings_from(tmp_path).file
    url = f"url = {json.dumps(new_postgresql)}"
    file.write_text(file.read_text("utf-8").replace('url = "sqlite:unused.sqlite"', url), "utf-8")
    return file


def test_of_one_daemon_status_stays_short(crew: Crew, settings: Path) -> None:
    crew.add("app")
    shown = earful(settings, "status").stdout
    assert "worker" not in shown
    assert "to judge" not in shown
    assert "daemon is not running" not in shown


def test_status_lists_who_works_on_what_and_what_waits(crew: Crew, settings: Path) -> None:
    first = crew.add("app-1", "collect", running=timedelta(days=3, hours=2))
    crew.add("app-2", "judge", "notify", "page", running=timedelta(minutes=2))
    crew.add("app-3", "judge", unseen=timedelta(minutes=7), version="2", alive=False)
    for name in ("source:forum", "channel:console", "lead:collect"):
        assert Leases(crew.database, first).take(name, timedelta(seconds=30))
    with crew.database.transaction():
        for source in ("forum", "chirp", "chirp"):
            unjudged.add(crew.database, source, Page((post(ANGRY),) * 20), NOW)
    shown = started(settings, "status", COLUMNS="100").stdout
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "worker state works as since version lately on" in lines
    assert "app-1 working collect 3 days 2 h ago 1 console, forum" in lines
    assert "app-2 working judge, notify, page 2 minutes ago 1" in lines
    assert "app-3 gone for 7 minutes judge 2 hours ago 2" in lines
    assert "to judge 3 pages waiting (chirp 2, forum 1) 60 posts" in lines
    told = json.loads(earful(settings, "status", "--json").stdout)
    assert [(each["host"], each["roles"], each["gone"], each["works_on"]) for each in told["workers"]] == [
        ("app-1", ["collect"], False, ["console", "forum"]),
        ("app-3", ["judge"], True, []),
        ("app-2", ["judge", "notify", "page"], False, []),
    ]
    assert {source: each["pages"] for source, each in told["to_judge"].items()} == {"chirp": 2, "forum": 1}
    assert told["daemon"].startswith("app-1, process 100, since ")


def test_a_reload_has_every_worker_read_its_file_and_names_those_that_read_another(
    crew: Crew, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = agreement(load(settings, {}), b"")[0]
    first, second = crew.add("app-1"), crew.add("app-2")

    def takes(name: str, tables: dict[str, str]) -> None:
        generation = workers.agreed(crew.database).generation + 1
        row = next(each for each in workers.all_of(crew.database) if each.name == name)
        workers.write(crew.database, replace(row, generation=generation, settings=tables), crew.database.time())

    takes(first, said)
    takes(second, said)
    ran = earful(settings, "reload")
    assert ran.stdout == "The settings are valid; 2 workers will load them.\nAll of them work by these settings now.\n"
    takes(first, said)
    monkeypatch.setattr(commands, "ANSWER_WITHIN", 0.3)
    behind = workers.agreed(crew.database)
    assert behind.generation == 1
    crew.database.run("UPDATE workers SET settings = :other WHERE name = :name", {"other": "{}", "name": second})
    ran = earful(settings, "reload")
    assert ran.returncode == 1
    assert "! app-2 reads another file there (" in ran.stdout
    assert "app-1" not in ran.stdout
    assert "put the same settings.toml there: whoever does not have it within five minutes stops" in ran.stderr


def test_a_reload_says_that_nobody_works(settings: Path) -> None:
    ran = earful(settings, "reload")
    assert (ran.returncode, ran.stderr) == (
        1,
        "earful: no daemon is running on this database; start it with: earful run\n",
    )


def test_a_container_asks_whether_its_own_process_works(crew: Crew, settings: Path) -> None:
    here = socket.gethostname()
    crew.add("elsewhere", "judge")
    crew.add(here, "judge", unseen=timedelta(minutes=2))  # alive, and it does not turn any more
    crew.add(here, "collect", alive=False)
    none = earful(settings, "status", "--here")
    assert none.returncode == 1
    assert f"no process of {here} is working on this database" in none.stderr
    crew.add(here, "notify")
    works = earful(settings, "status", "--here")
    assert works.returncode == 0
    assert re.fullmatch(rf"{here}, process \d+, since [\d-]+ [\d:]+ UTC, is working as notify\n", works.stdout)


def test_on_a_file_it_is_the_daemon_that_works(tmp_path: Path) -> None:
    file = settings_from(tmp_path).file
    file.write_text(file.read_text("utf-8").replace("unused.sqlite", str(tmp_path / "earful.sqlite")), "utf-8")
    assert earful(file, "status", "--here").returncode == 1
    assert not (tmp_path / "earful.sqlite").exists(), "it makes nothing"
    database = Sqlite(tmp_path / "earful.sqlite")
    role = database.hold_role("daemon", NOW)
    assert earful(file, "status", "--here").returncode == 0
    role.release()
    database.close()
