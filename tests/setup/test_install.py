"""The steps of README and docs/operations.md that install and upgrade the service, run as written in an empty root."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from monitor.store.schema import STEPS
from tests.house.reading import ROOT, tracked
from tests.setup.empty_root import NO_ROOT

DRIVER = Path(__file__).with_name("empty_root.py")
UNSHARE = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]


def steps(page: str, name: str) -> list[str]:
    """The blocks of a page that stand below `<!-- NAME: ... -->`."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^<!-- {name}: [^\n]*-->\n```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def why_not() -> str:
    """Why an empty root cannot be had here; "" where it can."""
    missing = [name for name in ("unshare", "setpriv", "useradd", "mount", "tar") if not shutil.which(name)]
    if missing:
        return f"{', '.join(missing)} not found"
    if os.geteuid() != 0:
        return "only root can make users"
    tried = subprocess.run([*UNSHARE, "mount", "-t", "tmpfs", "x", "/mnt"], capture_output=True, text=True, check=False)
    return f"mounts of one's own are refused ({tried.stderr.strip()[:100]})" if tried.returncode else ""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if reason := why_not():
        pytest.skip(f"NOT TESTED: README's installation as a service was not run, since {reason}")
    asked = {
        "install": steps("README.md", "install"),
        "upgrade": "".join(steps("docs/operations.md", "upgrade")),
        "0.1.0": (ROOT / "tests/store/databases/0.1.0-full.sqlite.sql").read_text("utf-8"),
        "files": [path.relative_to(ROOT).as_posix() for path in tracked()],
    }
    root = tmp_path_factory.mktemp("empty") / "root"
    ran = subprocess.run(
        [*UNSHARE, sys.executable, str(DRIVER), str(root), str(ROOT)],
        input=json.dumps(asked), capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    if ran.returncode == NO_ROOT:
        pytest.skip(f"NOT TESTED: README's installation as a service was not run, since {ran.stderr[-200:]}")
    assert ran.returncode == 0, ran.stderr[-5000:]
    result: dict[str, Any] = json.loads(ran.stdout)
    return result


def test_the_service_runs_as_its_own_user_on_a_read_only_root(found: dict[str, Any]) -> None:
    uid, home, shell = found["user"]
    assert (home, shell) == ("/var/lib/earful", "/usr/sbin/nologin")
    assert found["ready"].startswith("READY=1")
    assert found["health"] == {"ok": True}
    assert found["mounts"][-1] == "ro"
    assert found["uid"] == uid
    assert found["exit"] == 0


def test_secrets_are_roots_alone_and_reach_the_service_in_no_environment(found: dict[str, Any]) -> None:
    assert found["files"]["/etc/earful/earful.env"] == ["root", "0o600"]
    assert not [each for each in found["environment"] if "DEAD_MAN" in each]


def test_folders_and_files_belong_to_whom_they_should(found: dict[str, Any]) -> None:
    files = found["files"]
    assert files["/etc/earful"] == ["root", "0o750"]
    assert files["/etc/earful/settings.toml"] == ["root", "0o640"]
    assert files["/var/lib/earful"] == ["earful", "0o700"]
    inside = {path: owner for path, owner in files.items() if path.startswith("/var/lib/earful/")}
    assert "/var/lib/earful/earful.sqlite" in inside
    assert {owner for owner, _ in inside.values()} == {"earful"}, inside
    assert {mode for _, mode in inside.values()} <= {"0o600", "0o700"}, inside
    assert files["/backups/copy.sqlite"] == ["root", "0o600"]
    assert found["written by others"] == []


def test_the_steps_of_the_upgrade_take_a_database_of_0_1_0_along_and_its_copy_goes_back(found: dict[str, Any]) -> None:
    (steps_taken, posts), case = found["upgraded"]
    assert steps_taken == len(STEPS)
    assert posts >= 5, "and what the sample day has brought meanwhile"
    assert "Ana" in case
    assert found["back"] == [2, 5], "as 0.1.0 left it"


def test_the_steps_enable_start_and_restart_it(found: dict[str, Any]) -> None:
    assert found["systemctl"] == ["daemon-reload", "enable --now earful", "restart earful"]
    assert "\n! " not in found["installed"].partition("settings.toml:")[2]
    assert "cannot" not in found["installed"], "the unit's own check of users and rights has nothing to say"
