"""A sample of the faults around the daemon, with the real process; `make faults` walks them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.outside import MARKS, Outside
from tests.faults.walk import FAULTS


@pytest.mark.parametrize("name", ["output-full", "database-deleted"])
def test_nothing_is_lost_nothing_is_doubled_and_it_is_told(name: str, tmp_path: Path) -> None:
    with Outside(tmp_path) as made:
        found = FAULTS[name](made)
    assert (found.wrong, found.lost, found.doubled) == ([], 0, 0)


def test_the_ledgers_see_what_was_lost_and_what_was_doubled(tmp_path: Path) -> None:
    """The count itself can fail: one complaint that nobody told, one that stands there twice."""
    with Outside(tmp_path) as made:
        made.write(2)
        for _ in range(2):
            made.far.slack.messages.append({"text": MARKS[0], "blocks": []})
        assert (made.lost(), made.doubled()) == (1, 1)
