"""The last release beside this version, on one PostgreSQL: what an upgrade without a stop stands on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.store.postgresql import Postgresql
from monitor.store.renames import know_names
from monitor.store.schema import STEPS
from monitor.store.sqlite import Sqlite
from tests.cli.program import earful
from tests.cli.test_moving import on_postgresql
from tests.helpers import assembly_of, count, post, settings_from, settings_on, take
from tests.machines.installation import Machines
from tests.machines.older import NoHistoryError, installed, last_release, steps_at
from tests.machines.scenarios import old_beside_new
from tests.machines.server import Server
from tests.machines.walk import bad


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code of the last release."""
    try:
        commit = last_release()
    except NoHistoryError as error:
        pytest.skip(f"NOT TESTED: the last release beside this version: {error}")
    assert steps_at(commit) < len(STEPS)
    return installed(commit, tmp_path_factory.mktemp("old"))


def test_the_last_release_reads_judges_and_tells_on_the_new_schema(server: Server, old: Path, tmp_path: Path) -> None:
    with Machines(tmp_path / "made", server) as made:
        found = old_beside_new(made, old)
    assert not bad(found), found


def test_the_last_release_is_refused_where_a_file_was_moved_to_whose_ids_it_cannot_make(
    sqlite: Sqlite, new_postgresql: str, old: Path, tmp_path: Path
) -> None:
    """It makes other ids of the same posts: each that it read again would come in once more."""
    know_names(sqlite)
    assert sqlite.ids_in_order
    take(assembly_of(sqlite, settings_from(tmp_path)), post(native_id="1"))
    settings = settings_on(tmp_path, sqlite)
    sqlite.close()
    moved = earful(settings, "move", EARFUL_DATABASE_URL=new_postgresql)
    assert moved.returncode == 0, moved.stderr
    now = on_postgresql(tmp_path / "new", tmp_path)
    for words in (["run", "--no-watch"], ["collect"], ["status"]):
        refused = subprocess.run(  # not where our own code lies: Python would take that first
            [sys.executable, "-c", "from monitor.cli import main; main()", "--settings", str(now), *words],
            cwd=tmp_path, env={**os.environ, "EARFUL_DATABASE_URL": new_postgresql, "PYTHONPATH": str(old)},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert refused.returncode != 0, words
        assert "written by a newer Earful" in refused.stderr
    database = Postgresql(new_postgresql)
    know_names(database)
    assert database.ids_in_order
    assert count(database, "posts") == 1
    database.close()
