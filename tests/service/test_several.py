"""Several real processes on one PostgreSQL, by role, started as people start them."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.test_daemon import PATIENCE, Installation, hear, until


@pytest.fixture
def several(tmp_path: Path, new_postgresql: str) -> Iterator[Installation]:
    """An installation whose sample day is read into a PostgreSQL."""
    made = Installation(tmp_path)
    text = made.file.read_text("utf-8").replace(f"sqlite:{tmp_path}/earful.sqlite", new_postgresql)
    text = text.replace("throwaway = true", "throwaway = false")
    made.file.write_text(text, "utf-8")
    yield made
    made.close()


def test_one_that_does_not_fit_is_refused_by_name_and_one_that_fits_shares_the_work(several: Installation) -> None:
    """One reads and judges nothing, the other the other way round: a case needs both."""
    page = several.start("run", "--no-watch", "--roles", "collect,notify,page")
    until(lambda: several.answers(several.port), page)
    judge = several.start("run", "--no-watch", "--roles", "judge")
    hear("working as judge", judge)
    until(lambda: bool(several.says("cases", "--json")), page)
    until(lambda: several.answers(several.port, "/ready"), page)
    told = json.loads(several.says("status", "--json"))["workers"]
    assert [(each["process"], each["roles"], each["gone"]) for each in told] == [
        (page.pid, ["collect", "notify", "page"], False),
        (judge.pid, ["judge"], False),
    ]
    sound = several.file.read_text("utf-8")
    several.file.write_text(re.sub(r"(?m)^\[alerts\]", "[alerts]\nbrief_over = 9", sound), "utf-8")
    other = several.start("run", "--no-watch", "--roles", "judge")
    said = other.communicate(timeout=PATIENCE)[0]
    assert other.returncode == 75, said
    assert f"process {page.pid}, since " in said
    assert "runs on this database with other settings: [alerts] differs. Put the same settings.toml" in said
    assert "All of them work by these settings now." in several.says("reload")
    for each in (judge, page):
        each.send_signal(signal.SIGTERM)
        assert each.wait(PATIENCE) == 0
    assert json.loads(several.says("status", "--json"))["workers"] == []
