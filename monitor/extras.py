"""How a library that not everybody needs is brought to the program that runs: an extra of ours, by pip."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]  # Earful's own, where it is no package


def how_to_install(extra: str, folder: Path = FOLDER) -> str:
    """The command for it, with whole paths: a service has another folder than the one people install from."""
    pip = f"{shlex.quote(sys.executable)} -m pip install"
    if (folder / "pyproject.toml").is_file():
        return f"{pip} -e {shlex.quote(f'{folder}[{extra}]')}"
    return f"{pip} {shlex.quote(f'earful[{extra}]')}"
