"""What `earful check` and `earful status` say of a month's bill and of handles that nobody would hear."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.ingest.conversations import SPENT
from monitor.settings.loading import load
from monitor.store import key_values, sources
from monitor.store.sqlite import Sqlite
from monitor.wiring import know_sources
from tests.cli.program import earful
from tests.helpers import settings_on

X = """
[[sources]]
name = "birds"
kind = "x"
bearer_token = { env = "TOKEN" }
monthly_budget = 20.0
"""


@pytest.fixture
def settings(tmp_path: Path, sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation that reads X, and has accounts there that its query does not find."""
    monkeypatch.setenv("TOKEN", "t" * 30)
    file = settings_on(tmp_path, sqlite)
    text = file.read_text("utf-8").replace('chirp = ["acme"]', 'chirp = ["acme"], x = ["acmehelp", "acme", "4711"]')
    file.write_text(text.replace("[[channels]]", f"{X}\n[[channels]]", 1), "utf-8")
    return file


def test_the_months_bill_and_its_forecast_stand_in_check_and_status(settings: Path, sqlite: Sqlite) -> None:
    now = datetime.now(UTC)
    assert f"birds may cost $20.00 a month; nothing was spent in {now:%B} so far" in earful(settings, "check").stdout
    know_sources(sqlite, load(settings, {"TOKEN": "t" * 30}))
    key_values.remember(sqlite, "installed_at", (now - timedelta(days=400)).isoformat(), now)
    sources.note_cost(sqlite, "birds", 3.0, now)
    for command in ("check", "status"):
        said = earful(settings, command, COLUMNS="200").stdout
        assert f"$3.00 spent in {now:%B} so far, about $" in said
    [told] = [
        each for each in json.loads(earful(settings, "status", "--json").stdout)["sources"] if each["kind"] == "x"
    ]
    assert (told["spent"], told["monthly_budget"]) == (3.0, 20.0)
    assert told["forecast"] >= 3.0


def test_status_says_what_of_it_went_into_the_conversations_of_cases(settings: Path, sqlite: Sqlite) -> None:
    now = datetime.now(UTC)
    know_sources(sqlite, load(settings, {"TOKEN": "t" * 30}))
    sources.note_cost(sqlite, "birds", 3.0, now)
    assert "conversations of cases" not in earful(settings, "status", COLUMNS="200").stdout
    key_values.remember(sqlite, SPENT.format(source="birds", month=f"{now:%Y-%m}"), "0.75", now)
    assert "birds: $0.75 of it for following conversations" in earful(settings, "status", COLUMNS="200").stdout


def test_check_names_the_handles_that_the_query_would_miss(settings: Path) -> None:
    said = earful(settings, "check").stdout
    assert "birds: the query for Acme misses posts that mention only @acmehelp; add @acmehelp to the query" in said
    assert "forum: the query for Acme misses posts that mention only @acme_care" in said
    assert "@acme;" not in said
    assert "4711" not in said
