"""CONTRIBUTING's recipe for a connector, followed to the letter in a copy of the house."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.reading import ROOT, blocks

FILES = ("connectors/example.py", "tests/connectors/contract_example.py")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The house with the recipe followed: two files, and one line in KINDS, all taken from the page itself."""
    connector, line, contract = blocks("CONTRIBUTING.md", "python")
    for name in ("connectors", "tests/connectors", "tests/fakes", "alerts", "monitor"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite"))
    (tmp_path / "tests" / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, text in zip(FILES, (connector, contract), strict=True):
        (tmp_path / name).write_text(text, encoding="utf-8")
    kinds = tmp_path / "connectors" / "__init__.py"
    before = kinds.read_text(encoding="utf-8")
    head = "KINDS: dict[str, str] = {\n"
    assert head in before
    kinds.write_text(before.replace(head, head + line), encoding="utf-8")
    return tmp_path


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    # The copy's own code must be what runs, not that of the checkout which is installed in this environment.
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", *command],
        check=False, cwd=folder, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def test_one_file_and_one_line_make_a_connector_that_the_contract_takes_in(copy: Path) -> None:
    ran = run(copy, "pytest", "tests/connectors/test_contract.py", "-k", "example", "-v", "-rN")
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
    passed = [each for each in ran.stdout.splitlines() if "[" in each and "example" in each and "PASSED" in each]
    assert len(passed) >= 12, ran.stdout[-4000:]
    assert "skipped" not in ran.stdout.splitlines()[-1]


def test_the_recipe_is_written_as_the_house_writes(copy: Path) -> None:
    """A newcomer copies what stands there: lint and types must have nothing against it."""
    if (ROOT / ".mypy_cache").is_dir():  # what was read of the house for `make types` need not be read again
        shutil.copytree(ROOT / ".mypy_cache", copy / ".mypy_cache")
    for command in (
        ["ruff", "check", "--no-cache", *FILES],
        ["ruff", "format", "--no-cache", "--check", *FILES],
        ["mypy", FILES[0]],
    ):
        ran = run(copy, *command)
        assert ran.returncode == 0, ran.stdout + ran.stderr
