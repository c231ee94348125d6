"""The world of these tests, on both databases and on SQLite alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from tests.replying.world import World, world


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
def led(tmp_path: Path, sqlite: Sqlite) -> Iterator[World]:
    """Where a lead has to approve."""
    with world(tmp_path, sqlite, "reply_approval = true") as made:
        yield made
