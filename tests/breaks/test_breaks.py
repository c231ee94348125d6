"""Tests that could fail: each patch of this folder breaks one promise in a copy of the tree, and a named test notices.

The first line of a patch names that test ("test: tests/cases/test_escalation.py::test_..."); a second may say what is
broken. `make test` checks that every patch still applies and tries a few, drawn by the date; `make breaks` tries
all. A patch that does not apply any more is to be written anew against the line that keeps its promise now.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.house.reading import ROOT, tracked

PATCHES = sorted(Path(__file__).parent.glob("*.patch"))
A_DAY = 2  # how many `make test` tries
SECONDS = 240  # for one test in a copy, on a machine that does much else


def drawn() -> list[Path]:
    """All of them where that was asked for, else those of the day."""
    if os.environ.get("EARFUL_BREAKS") == "all":
        return PATCHES
    return sorted(random.Random(f"{datetime.now(UTC):%Y-%m-%d}").sample(PATCHES, min(A_DAY, len(PATCHES))))


def named_by(patch: Path) -> str:
    """The test that must notice a patch."""
    first = patch.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("test: tests/"), f"{patch.name} does not name its test in its first line"
    return first.removeprefix("test: ").strip()


def apply(patch: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "apply", "-C1", *options, str(patch)]
    alone = {**os.environ, "GIT_DIR": str(folder / "no-repository"), "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    return subprocess.run(command, cwd=folder, env=alone, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code and its tests."""
    folder = tmp_path_factory.mktemp("breaks") / "tree"
    for path in tracked():
        to = folder / path.relative_to(ROOT)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to)
    return folder


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_every_patch_applies_and_names_a_test_that_is_there(patch: Path, copy: Path) -> None:
    checked = apply(patch, copy, "--check")
    assert checked.returncode == 0, f"{patch.name} does not apply any more: {checked.stderr}"
    file, _, name = named_by(patch).partition("::")
    assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text(encoding="utf-8"), f"{patch.name}: no such test"


@pytest.mark.parametrize("patch", drawn(), ids=lambda patch: patch.stem)
def test_a_break_is_noticed(patch: Path, copy: Path) -> None:
    assert apply(patch, copy).returncode == 0
    try:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-k", "not postgresql", named_by(patch)]
        alone = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "EARFUL_BREAKS": ""}
        ran = subprocess.run(command, cwd=copy, env=alone, capture_output=True, text=True, check=False, timeout=SECONDS)
    finally:
        assert apply(patch, copy, "--reverse").returncode == 0
    assert ran.returncode == 1, (
        f"{patch.name} went unnoticed by {named_by(patch)}:\n{ran.stdout[-2000:]}{ran.stderr[-500:]}"
    )
    assert " failed" in ran.stdout
