"""A press of an issue, killed with -9 at points of it: never two in the tracker, and nothing that stays unknown.

A run tries some of its points, `EARFUL_WHOLE_WALK=1` all.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from monitor.store.sqlite import Sqlite
from tests.crash.walk import CHECKOUT
from tests.trackers.world import ENVIRON, world

KILLED = -9
EVERY = {"sends": 1, "statements": 3} if not os.environ.get("EARFUL_WHOLE_WALK") else {"sends": 1, "statements": 1}


def test_killed_anywhere_in_a_press_it_is_created_at_most_once_and_never_forgotten(
    tmp_path: Path, sqlite: Sqlite
) -> None:
    with world(tmp_path, sqlite) as made:
        sqlite.checkpoint()
        template, point = tmp_path / "template.sqlite", tmp_path / "point"
        sqlite.backup_to(template)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.issue_run", str(made.assembly.settings.file)],
            cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **ENVIRON},
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None

        def run(do: str, kind: str = "", at: int = 0, form: str = "first") -> dict[str, Any]:
            asked = {"database": str(point), "do": do, "kind": kind, "at": at, "form": form}
            process.stdin.write(json.dumps(asked) + "\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            said: dict[str, Any] = json.loads(process.stdout.readline())  # type: ignore[union-attr]
            return said

        def fresh() -> None:
            for left in tmp_path.glob("point-*"):  # the journal of the point before
                left.unlink()
            shutil.copyfile(template, point)
            made.there.issues.clear()

        try:
            fresh()
            whole = run("press")
            assert (whole["code"], whole["states"], len(made.there.issues)) == (0, ["open"], 1)
            tried = 0
            for kind, step in EVERY.items():
                for at in range(1, whole[kind] + 1, step):
                    fresh()
                    assert run("press", kind, at)["code"] == KILLED, f"{kind} {at}"
                    stood = len(made.there.issues)
                    assert stood <= 1, f"{kind} {at}"
                    after = run("after")
                    assert len(made.there.issues) == stood, f"{kind} {at}: created by nobody's hand"
                    assert after["states"] in ([["open"]] if stood else [[], ["missing"]]), f"{kind} {at}"
                    assert after["lines"].count("issue") == stood, f"{kind} {at}"
                    again = run("press", form="second")
                    assert len(made.there.issues) == 1, f"{kind} {at}: {again}"
                    assert again["states"].count("open") == 1, f"{kind} {at}: {again}"
                    tried += 1
            assert tried >= 6, "a press has more points than that"
        finally:
            process.kill()
            process.wait()
