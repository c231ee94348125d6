"""What `earful status` shows of several processes and of what waits; of one daemon nothing more than before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.store import unjudged
from monitor.store.leases import Leases
from monitor.store.postgresql import Postgresql
from monitor.store.unjudged import Page
from tests.cli.program import earful
from tests.helpers import ANGRY, NOW, post, settings_from
from tests.worker_rows import Crew


@pytest.fixture
def crew(new_postgresql: str) -> Iterator[Crew]:
    made = Crew(Postgresql(new_postgresql))
    yield made
    made.close()
    made.database.close()


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
    for name in ("source:forum", "source:chirp"):
        assert Leases(crew.database, first).take(name, timedelta(seconds=30))
    with crew.database.transaction():
        for source in ("forum", "chirp", "chirp"):
            unjudged.add(crew.database, source, Page((post(ANGRY),) * 20), NOW)
    shown = earful(settings, "status", COLUMNS="120").stdout
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "worker state works as since version lately on" in lines
    assert "app-1 working collect 3 days 2 h ago 1 chirp, forum" in lines
    assert "app-2 working judge, notify, page 2 minutes ago 1" in lines
    assert "app-3 gone for 7 minutes judge 2 hours ago 2" in lines
    assert "to judge 3 pages waiting (chirp 2, forum 1) 60 posts" in lines
    told = json.loads(earful(settings, "status", "--json").stdout)
    assert [(each["host"], each["roles"], each["gone"], each["works_on"]) for each in told["workers"]] == [
        ("app-1", ["collect"], False, ["chirp", "forum"]),
        ("app-3", ["judge"], True, []),
        ("app-2", ["judge", "notify", "page"], False, []),
    ]
    assert {source: each["pages"] for source, each in told["to_judge"].items()} == {"chirp": 2, "forum": 1}
    assert told["daemon"].startswith("app-1, process 100, since ")
