"""A press of a reply, killed with -9 at every point of it: never two in public, and nothing that stays unknown.

Every point takes two minutes: a run tries some of them, `EARFUL_WHOLE_WALK=1` all.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from monitor.store.sqlite import Sqlite
from tests.connectors.reply_contracts import CANARY
from tests.connectors.reply_mastodon import Server
from tests.crash.walk import CHECKOUT
from tests.replying.world import World, world

KILLED = -9
EVERY = {"sends": 4, "statements": 17} if not os.environ.get("EARFUL_WHOLE_WALK") else {"sends": 1, "statements": 1}


@dataclass
class Walk:
    """A process that forks presses, and the network that they reach."""

    folder: Path
    template: Path
    network: Server
    process: subprocess.Popen[str]

    def run(self, name: str, do: str, kind: str = "", at: int = 0, *, later: bool = False) -> dict[str, Any]:
        """One fork: it dies before the `at`-th of its kind, or comes to its end."""
        asked = {"database": str(self.folder / name), "do": do, "kind": kind, "at": at, "later": later}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said

    def fresh(self, name: str, template: Path | None = None) -> None:
        """A database for the next point, and nothing in public."""
        for left in self.folder.glob(f"{name}-*"):  # the journal of the point before
            left.unlink()
        shutil.copyfile(template or self.template, self.folder / name)
        self.network.posted.clear()
        self.network.keys.clear()


@pytest.fixture
def walk(tmp_path: Path, sqlite: Sqlite) -> Iterator[Walk]:
    with world(tmp_path, sqlite) as made:
        yield from _walking(tmp_path, made, sqlite)


def _walking(folder: Path, made: World, database: Sqlite) -> Iterator[Walk]:
    made.draft()
    database.checkpoint()
    template = folder / "template.sqlite"
    database.backup_to(template)
    settings = made.assembly.settings.file
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.reply_run", str(settings), str(database.path)],
        cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "REPLY_TOKEN": CANARY},
    )  # fmt: skip
    try:
        yield Walk(folder, template, made.network, process)
    finally:
        process.kill()
        process.wait()


def test_killed_anywhere_in_a_press_it_is_posted_at_most_once_and_never_forgotten(walk: Walk) -> None:
    walk.fresh("whole")
    whole = walk.run("whole", "press")
    assert (whole["code"], whole["state"], len(walk.network.posted)) == (0, "sent", 1)
    tried = 0
    for kind in ("sends", "statements"):
        for at in range(1, whole[kind] + 1, EVERY[kind]):
            walk.fresh("point")
            assert walk.run("point", "press", kind, at)["code"] == KILLED, f"{kind} {at}"
            stood = len(walk.network.posted)
            after = walk.run("point", "after")
            assert stood <= 1, f"{kind} {at}"
            assert len(walk.network.posted) == stood, f"{kind} {at}: sent by nobody's hand"
            assert after["state"] == ("sent" if stood else "draft"), f"{kind} {at}"
            assert after["answered"] == bool(stood), f"{kind} {at}"
            assert after["lines"].count("answered") == stood, f"{kind} {at}"
            again = walk.run("point", "press")
            assert len(walk.network.posted) == 1, f"{kind} {at}: {again}"
            tried += 1
    assert tried >= 4, "a press has more points than that"


def test_killed_anywhere_in_a_withdrawal_the_case_follows_the_network(walk: Walk) -> None:
    walk.fresh("whole")
    walk.run("whole", "press")
    standing, keys = list(walk.network.posted), dict(walk.network.keys)
    posted = walk.folder / "posted.sqlite"
    database = Sqlite(walk.folder / "whole")
    database.backup_to(posted)
    database.close()
    whole = walk.run("whole", "withdraw")
    assert (whole["state"], walk.network.posted) == ("withdrawn", [])
    for kind in ("sends", "statements"):
        for at in range(1, whole[kind] + 1, EVERY[kind]):
            walk.fresh("point", posted)
            walk.network.posted.extend(standing)
            walk.network.keys.update(keys)
            assert walk.run("point", "withdraw", kind, at)["code"] == KILLED, f"{kind} {at}"
            stands = bool(walk.network.posted)
            after = walk.run("point", "after", later=True)
            assert after["state"] == ("sent" if stands else "withdrawn"), f"{kind} {at}"
            assert after["answered"] == stands, f"{kind} {at}"
