"""The clock that a trial of the whole daemon sets: it shows what its file says, and without one it is the machine's."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.service import set_clock
from monitor.service.scheduler import utc_now
from monitor.settings.errors import SettingsError
from tests.helpers import DAY, NOW

ROOT = Path(__file__).resolve().parents[2]
ASK = "from monitor.service.scheduler import utc_now; print(utc_now().isoformat())"


def test_time_goes_by_as_fast_as_the_file_says(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    file.write_text(f"{(NOW + 400 * DAY).isoformat()} {NOW.timestamp()} 24", "ascii")
    assert set_clock.read(file, NOW) == NOW + 400 * DAY
    assert set_clock.read(file, NOW + timedelta(minutes=5)) == NOW + 400 * DAY + timedelta(hours=2)


@pytest.mark.parametrize(
    "text", ["", "tomorrow 1 1", "2026-03-04T10:00:00+00:00 1", "2026-03-04T10:00:00+00:00 1 1e300"]
)
def test_a_file_that_holds_no_clock_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "clock").write_text(text, "ascii")
    with pytest.raises(SettingsError, match="EARFUL_CLOCK"):
        set_clock.read(tmp_path / "clock", NOW)


def test_without_the_variable_it_is_the_clock_of_the_machine() -> None:
    assert set_clock.named() == ""
    assert abs(utc_now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_process_that_is_given_a_clock_lives_by_it(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    file.write_text(f"{(NOW + 900 * DAY).isoformat()} {datetime.now(UTC).timestamp()} 1", "ascii")
    environ = {**os.environ, set_clock.VARIABLE: str(file)}
    said = subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, env=environ, capture_output=True, check=True, text=True
    )
    assert datetime.fromisoformat(said.stdout.strip()) >= NOW + 900 * DAY
