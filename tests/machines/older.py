"""The last release as a wheel, built from the history of this checkout: what still runs while others are upgraded.

Which one counts is said in docs/upkeep.md: the newest tag, or, while there is none, the newest commit whose schema has
fewer steps than ours.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STEPS = "tests/store/test_upgrade.py"  # lists the hash of every step
_HASH = re.compile(r'^    "[0-9a-f]{32}",$', re.MULTILINE)


class NoHistoryError(Exception):
    """This checkout does not hold the release; the message says why."""


def last_release() -> str:
    """The commit of the last release. Raises NoHistoryError."""
    tags = _git("tag", "--merged", "HEAD", "--sort=-version:refname", "--list", "v*").split()
    ours = _steps((ROOT / STEPS).read_text("utf-8"))
    for tag in tags[:1]:
        return _git("rev-parse", f"{tag}^{{commit}}").strip()
    newer = ""
    for commit in _git("log", "--format=%H", "--", STEPS).split():
        if _steps(_git("show", f"{commit}:{STEPS}")) < ours:
            return _git("rev-parse", f"{newer}^").strip() if newer else commit
        newer = commit
    raise NoHistoryError("its history holds no commit with an older schema (a shallow clone?)")


def steps_at(commit: str) -> int:
    """How many steps the schema of a commit has."""
    return _steps(_git("show", f"{commit}:{STEPS}"))


def installed(commit: str, folder: Path) -> Path:
    """Build the wheel of a commit and unpack it; the folder to be put on PYTHONPATH. Nothing is fetched."""
    tree, site = folder / "tree", folder / "site"
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True, timeout=120).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(tree, filter="data")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"],
        cwd=tree, capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    (wheel,) = (tree / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as packed_wheel:
        packed_wheel.extractall(site)
    return site


def _steps(text: str) -> int:
    return len(_HASH.findall(text))


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoHistoryError(f"git {words[0]} failed ({error})") from None
    return done.stdout
