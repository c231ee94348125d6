"""The world of these tests, on both databases, on SQLite alone, and with Jira."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from tests.trackers.world import JIRA, World, world


@pytest.fixture
def both(tmp_path: Path, database: Sqlite | Postgresql) -> Iterator[World]:
    """On SQLite and on PostgreSQL."""
    with world(tmp_path, database) as made:
        yield made


@pytest.fixture
def here(tmp_path: Path, sqlite: Sqlite) -> Iterator[World]:
    """On SQLite."""
    with world(tmp_path, sqlite) as made:
        yield made


@pytest.fixture
def jira(tmp_path: Path, sqlite: Sqlite) -> Iterator[World]:
    """On SQLite, with Jira."""
    with world(tmp_path, sqlite, JIRA) as made:
        yield made
