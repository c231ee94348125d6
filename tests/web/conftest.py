"""The office that tests of the page stand in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store.sqlite import Sqlite
from tests.web.office import Office


@pytest.fixture
def office(tmp_path: Path, sqlite: Sqlite) -> Iterator[Office]:
    """An installation with a login."""
    made = Office(tmp_path, sqlite)
    yield made
    made.close()


@pytest.fixture
def demo(tmp_path: Path, sqlite: Sqlite) -> Iterator[Office]:
    """The sample demo: open, on this machine only."""
    made = Office(tmp_path, sqlite, open_demo=True)
    yield made
    made.close()
