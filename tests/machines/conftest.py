"""A PostgreSQL that may be stopped: not the one of the other tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.machines.server import NotHereError, Server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One for the tests of a file."""
    try:
        with Server() as made:
            yield made
    except NotHereError as error:
        pytest.skip(f"NOT TESTED on PostgreSQL: no server could be started here ({error})")
