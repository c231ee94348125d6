"""What is missing names the command that brings it to the program that runs."""

from __future__ import annotations

import sys
from pathlib import Path

from monitor.extras import how_to_install


def test_the_command_names_the_python_and_the_folder_of_the_program_that_runs(tmp_path: Path) -> None:
    """In the folder that a service was installed from, `.venv/bin/pip` brought the library to the wrong program."""
    folder = tmp_path / "opt earful"
    folder.mkdir()
    assert how_to_install("apprise", folder) == f"{sys.executable} -m pip install 'earful[apprise]'"
    (folder / "pyproject.toml").touch()
    assert how_to_install("apprise", folder) == f"{sys.executable} -m pip install -e '{folder}[apprise]'"
