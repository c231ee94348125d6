"""A sample of the faults around the daemon, with the real process; `make faults` walks them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.store.sqlite import Sqlite
from tests.faults.outside import MARKS, Outside
from tests.faults.walk import FAULTS
from tests.helpers import NOW


@pytest.mark.parametrize("name", ["bad-target", "output-full", "database-deleted"])
def test_nothing_is_lost_nothing_is_doubled_and_it_is_told(name: str, tmp_path: Path) -> None:
    with Outside(tmp_path) as made:
        found = FAULTS[name](made)
    assert (found.wrong, found.lost, found.doubled) == ([], 0, 0)


def test_a_second_demo_leaves_the_first_its_database(tmp_path: Path) -> None:
    """Each start of the demo begins with nothing; it used to take the file of one that runs, and then be refused."""
    with Outside(tmp_path) as made:
        made.settings.write_text(made.settings.read_text("utf-8").replace("[database]", "[database]\nthrowaway = true"))
        first = Sqlite(made.database)
        role = first.hold_role("daemon", NOW)
        assert made.code(made.start()) == 75
        assert first.lost() == ""
        role.release()
        first.close()


def test_the_ledgers_see_what_was_lost_and_what_was_doubled(tmp_path: Path) -> None:
    """The count itself can fail: one complaint that nobody told, one that stands there twice."""
    with Outside(tmp_path) as made:
        made.write(2)
        for _ in range(2):
            made.far.slack.messages.append({"text": MARKS[0], "blocks": []})
        assert (made.lost(), made.doubled()) == (1, 1)
