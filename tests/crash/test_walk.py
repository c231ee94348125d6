"""kill -9 at a sample of points of a scripted run; `make crash` tries every one.

Every seventeenth send and every thirteenth sync are tried here. Writes to the file are far more (a commit writes some
ten pages), and those of one commit are all alike, so of them it is every 179th.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

from tests.crash import walk as walking
from tests.crash.installation import installation
from tests.crash.walk import Point, Progress, can_trace, count, faults, points_of, run, statements_with, template, walk

EVERY = {"sends": 17, "fsync": 13, "fdatasync": 13, "pwrite64": 179, "statements": 357}


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """How many points of each kind a whole run has."""
    if not can_trace():
        warnings.warn("strace is absent or may not trace here: fail points inside the run are used", stacklevel=1)
    return count(tmp_path_factory.mktemp("count"))


def test_an_undisturbed_run_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    with installation(tmp_path / "whole") as made:
        template(tmp_path).replace(made.folder / "earful.sqlite")
        whole = run(made)
        assert whole.returncode == 0, whole.stderr
        assert faults(made) == []


@pytest.mark.parametrize("where", ["sends", "syncs", "writes"])
def test_killed_anywhere_it_loses_nothing_and_repeats_nothing(
    where: str, counts: dict[str, int], tmp_path: Path
) -> None:
    """At most one mail is repeated, under its own Message-ID; on Slack nothing is, since it is looked up."""
    kinds = {"sends": {"sends"}, "syncs": {"fsync", "fdatasync"}, "writes": {"pwrite64", "statements"}}[where]
    found = kinds & counts.keys()
    if not found:
        pytest.skip("NOT TESTED: without strace, syncs cannot be told from other statements")
    done = walk(tmp_path, [each for kind in found for each in points_of(counts, EVERY[kind], [kind])])
    assert done.points >= 6
    assert done.faults == []


def test_a_cursor_committed_before_its_posts_is_caught(tmp_path: Path) -> None:
    """Killed between the two, the walk over the source goes on behind a page that was never stored."""
    between = statements_with(tmp_path, "INSERT INTO posts", "cursor-first")
    done = walk(tmp_path, [Point("statements", number, "cursor-first") for number in between[:4]], enough=1)
    assert [each for each in done.faults if "was lost" in each], done


def test_a_message_marked_as_sent_before_it_is_sent_is_caught(tmp_path: Path) -> None:
    """Killed before it leaves, nobody ever sends it."""
    points = [Point("sends", number, "marked-before-sent") for number in range(6, 60, 2)]
    done = walk(tmp_path, points, enough=1)
    assert [each for each in done.faults if "is marked as sent and never was" in each], done


def test_a_message_sent_before_it_is_marked_in_flight_is_caught(tmp_path: Path) -> None:
    """Killed right after it left, it stands as if nobody had touched it, and is said twice."""
    just_sent = statements_with(tmp_path, "SET state = 'inflight' WHERE id", "sent-before-marked")
    done = walk(tmp_path, [Point("statements", number, "sent-before-marked") for number in just_sent[:4]], enough=1)
    assert [each for each in done.faults if "Slack was told 2 times" in each], done


def test_a_slow_point_is_a_line_and_a_walk_that_was_ended_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that does not end in time used to end the whole walk, after ten minutes of it."""
    points = [Point("sends", number) for number in (1, 2, 3)]
    file = tmp_path / "points.jsonl"
    file.write_text(
        json.dumps({"point": {"kind": "sends", "at": 1, "variant": ""}, "faults": ["x"], "slow": ""}) + "\n{"
    )
    monkeypatch.setattr(walking, "LONGEST", 0.01)
    done = walk(tmp_path, points, progress=Progress(file))
    assert (done.points, done.faults) == (3, ["x"])
    assert done.slow == ["sends 2: no end after 0.01 s", "sends 3: no end after 0.01 s"]
    assert list(Progress(file).done) == points[:1], "slow ones are tried again"
