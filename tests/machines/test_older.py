"""The last release beside this version, on one PostgreSQL: what an upgrade without a stop stands on."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.store.schema import STEPS
from tests.machines.installation import Machines
from tests.machines.older import NoHistoryError, installed, last_release, steps_at
from tests.machines.scenarios import old_beside_new
from tests.machines.server import Server
from tests.machines.walk import bad


def test_the_last_release_reads_judges_and_tells_on_the_new_schema(server: Server, tmp_path: Path) -> None:
    try:
        commit = last_release()
    except NoHistoryError as error:
        pytest.skip(f"NOT TESTED: the last release beside this version: {error}")
    assert steps_at(commit) < len(STEPS)
    old = installed(commit, tmp_path / "old")
    with Machines(tmp_path / "made", server) as made:
        found = old_beside_new(made, old)
    assert not bad(found), found
