"""A database that is damaged or gone is told once on every channel, without a database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.service import damage
from monitor.settings.loading import load
from monitor.settings.models import Settings
from monitor.store.sqlite import Sqlite
from tests.helpers import NOW
from tests.world import FarSide, far_side

TABLES = """
[[brands]]
name = "Harbour Tea"
query = '"Harbour Tea"'
[[sources]]
name = "hn"
kind = "hackernews"
api_url = "{network}/api/v1"
[alerts]
notify = ["slack:#care", "email:care@harbourtea.example", "email:more@harbourtea.example"]
"""


@pytest.fixture
def far() -> Iterator[FarSide]:
    """Slack for the operator and staff, mail for staff alone."""
    with far_side() as made:
        yield made


def settings_of(far: FarSide, folder: Path) -> Settings:
    """Settings from the file, as the daemon reads them."""
    return load(far.settings(folder, TABLES), far.environ)


def told(far: FarSide) -> tuple[int, int]:
    """How many messages came by Slack and by mail."""
    return len(far.slack.accepted), len(far.smtp.ledger)


def test_every_channel_is_told_and_never_twice(far: FarSide, tmp_path: Path) -> None:
    """The operator in Slack; by mail whoever is first there, since the operator reads none."""
    settings, path = settings_of(far, tmp_path), tmp_path / "earful.sqlite"
    took = damage.tell(settings, path, "was deleted", NOW)
    assert took == ["slack:#operators", "email:care@harbourtea.example"]
    assert told(far) == (1, 1)
    assert "earful.sqlite was deleted" in far.slack.reads(far.slack.messages[0])
    assert "earful restore FILE" in far.smtp.ledger[0].text
    assert damage.tell(settings, path, "cannot be opened: it is damaged", NOW) == []
    assert told(far) == (1, 1)


def test_a_channel_that_was_down_is_told_at_the_next_start(far: FarSide, tmp_path: Path) -> None:
    settings, path = settings_of(far, tmp_path), tmp_path / "earful.sqlite"
    far.slack.mode = "500"
    assert damage.tell(settings, path, "was deleted", NOW) == ["email:care@harbourtea.example"]
    far.slack.mode = "ok"
    assert damage.tell(settings, path, "was deleted", NOW) == ["slack:#operators"]
    assert told(far) == (1, 1)


def test_it_is_told_anew_only_after_the_file_was_sound(far: FarSide, sqlite: Sqlite, tmp_path: Path) -> None:
    settings = settings_of(far, tmp_path)
    assert damage.clear(sqlite) == ""
    damage.tell(settings, sqlite.path, "was deleted", NOW)
    assert damage.mark_of(sqlite.path).stat().st_mode & 0o777 == 0o600
    assert damage.clear(sqlite) == ""
    assert not damage.mark_of(sqlite.path).exists()
    damage.tell(settings, sqlite.path, "was replaced by another file", NOW)
    assert told(far) == (2, 2)


@pytest.mark.parametrize("said", ["", "[]", "{", '{"told": 5}'])
def test_a_mark_that_cannot_be_read_does_not_keep_it_silent(far: FarSide, tmp_path: Path, said: str) -> None:
    settings, path = settings_of(far, tmp_path), tmp_path / "earful.sqlite"
    damage.mark_of(path).write_text(said, "utf-8")
    assert len(damage.tell(settings, path, "was deleted", NOW)) == 2
