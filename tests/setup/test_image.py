"""The steps of the Dockerfile, run as written in an empty root: the wheel is built, installed, started and asked."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.house.reading import ROOT, tracked
from tests.setup.dockerfile import instructions, sent
from tests.setup.empty_root import NO_ROOT
from tests.setup.test_install import UNSHARE, why_not

COMPOSE = "docker compose -f deploy/compose.yaml "
NOT_TESTED = "NOT TESTED: the steps of deploy/Dockerfile were not run, since "


def shown(page: str, start: str) -> list[str]:
    """The words of the first command of a page that begins so, after that beginning."""
    lines = (line.strip() for line in (ROOT / page).read_text("utf-8").splitlines())
    return next(shlex.split(line)[len(shlex.split(start)) :] for line in lines if line.startswith(start))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if reason := why_not():
        pytest.skip(NOT_TESTED + reason)
    files = [path.relative_to(ROOT).as_posix() for path in tracked()]
    asked = {
        "steps": instructions(ROOT / "deploy/Dockerfile"),
        "sent": sent(ROOT / "deploy/Dockerfile.dockerignore", files),
        "first": [shown("README.md", f"{COMPOSE}run --rm earful")],
        "inside": [shown("docs/operations.md", f"{COMPOSE}exec earful")],
    }
    root = tmp_path_factory.mktemp("image") / "root"
    ran = subprocess.run(
        [*UNSHARE, sys.executable, "-m", "tests.setup.image_root", str(root), str(ROOT)], cwd=ROOT,
        input=json.dumps(asked), capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    if ran.returncode == NO_ROOT:
        pytest.skip(NOT_TESTED + ran.stderr[-200:])
    assert ran.returncode == 0, ran.stderr[-5000:]
    result: dict[str, Any] = json.loads(ran.stdout)
    return result


def test_the_image_starts_as_its_own_user_and_is_healthy(found: dict[str, Any]) -> None:
    uid, gid, _, home, shell = found["user"]
    assert (uid, gid, home, shell) == (10001, 10001, "/data", "/usr/sbin/nologin")
    assert found["uid"] == uid
    assert found["healthy"], found["said"]
    assert found["exit"] == 0, found["said"]


def test_the_commands_of_the_pages_work_in_it(found: dict[str, Any]) -> None:
    (init_ended, init_said), (backup_ended, backup_said) = found["commands"]
    assert init_ended == 0, init_said
    assert backup_ended == 0, backup_said
    assert "checked" in backup_said


def test_all_that_it_writes_lies_in_its_volume_and_is_its_users_alone(found: dict[str, Any]) -> None:
    assert found["mode of /data"] == "0o700"
    assert {"settings.toml", "earful.sqlite", "copy.sqlite", "copy.sqlite.sha256"} <= set(found["data"])
    assert {owner for owner, _ in found["data"].values()} == {"earful"}
    assert {mode for _, mode in found["data"].values()} <= {"0o600", "0o700"}, found["data"]


def test_it_holds_the_wheel_and_the_lock_and_not_what_built_it(found: dict[str, Any]) -> None:
    installed = set(found["installed"])
    assert {"monitor", "connectors", "alerts", "starlette", "psycopg"} <= installed
    assert [name for name in installed if name.startswith("earful-") and name.endswith(".dist-info")]
    assert not {"hatchling", "pytest", "tests"} & installed


@pytest.mark.parametrize("lock", ["requirements.lock", "build.lock"])
def test_a_lock_is_installed_as_the_image_installs_it(lock: str, tmp_path: Path) -> None:
    """The real download, each package against its hash; not in each run, so that tests need no network."""
    if not os.environ.get("EARFUL_DOWNLOADS"):
        pytest.skip(f"NOT TESTED: deploy/{lock} was not downloaded (EARFUL_DOWNLOADS=1 does it: a minute, 100 MB)")
    steps = [rest.split() for word, rest in instructions(ROOT / "deploy/Dockerfile") if word == "RUN"]
    [words] = [words for words in steps if words[-1] == f"/build/{lock}"]
    options = [word for word in words[2:-2] if word.startswith("--") and word not in {"--target", "--no-cache-dir"}]
    command = [sys.executable, "-m", "pip", "install", "-q", *options, "--target", str(tmp_path)]
    done = subprocess.run([*command, "-r", str(ROOT / "deploy" / lock)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
