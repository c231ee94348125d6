"""The sample weeks are played through to now by the daemon's own ticks, with two colleagues at work."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from typer.testing import CliRunner

from monitor.cli import app
from monitor.service import sample_weeks
from monitor.settings.loading import load
from monitor.setup import commands
from monitor.store.database import at
from monitor.wiring import assemble, know_sources, open_store
from tests.helpers import count

NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)


def test_two_days_of_the_weeks_fill_cases_answers_and_alerts(tmp_path: Path) -> None:
    """The first two of them, as if they were the last: nothing is dated after now, and somebody has worked."""
    settings = load(commands.week_settings(tmp_path), {})
    assert settings.database.url.get_secret_value() == f"sqlite:{tmp_path}/var/demo-week/earful.sqlite"
    database = open_store(settings, NOW)
    know_sources(database, settings)
    told, seen = io.StringIO(), []
    assembly = assemble(settings, database)
    sample_weeks.play(assembly, NOW, told, lambda: seen.append(1), days=2)
    moments = sample_weeks.moments(NOW, assembly, days=2)
    assert len(seen) == len(moments)
    assert (moments[0], moments[-1]) == (datetime(2026, 3, 2, tzinfo=UTC), NOW)
    posted = [at(row["posted_at"]) for row in database.rows("SELECT posted_at FROM mentions")]
    assert len(posted) >= 12
    assert moments[0] - timedelta(minutes=1) < min(posted) < max(posted) < NOW
    assert count(database, "cases", "answered_at <> ''") >= 1
    assert count(database, "case_log", "who = 'Mira' OR who = 'Jonas'") >= 1
    assert count(database, "own_posts") >= 1, "the brand's own replies are read as well"
    assert "Drie weken gewacht op mijn Trundlewick" in " ".join(told.getvalue().split())
    database.close()


def test_the_weeks_are_looked_at_more_often_where_more_is_said(tmp_path: Path) -> None:
    settings = load(commands.week_settings(tmp_path), {})
    database = open_store(settings, NOW)
    moments = sample_weeks.moments(NOW, assemble(settings, database))
    assert moments[0] == datetime(2026, 2, 18, tzinfo=UTC)
    steps = {late - early for early, late in pairwise(moments)}
    assert steps == {timedelta(hours=2), timedelta(minutes=30)}
    assert len(moments) < 400
    database.close()


def test_the_weeks_are_of_the_made_up_brand_alone() -> None:
    refused = CliRunner().invoke(app, ["demo", "--week", "--brand", "Firefox"])
    assert refused.exit_code != 0
    assert "leave out --brand" in str(refused.exception)
