"""What the image installs: the versions that everything is tested with, each with its hashes, and a list of it all."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.reading import ROOT

LOCK = ROOT / "deploy/requirements.lock"
BUILD = ROOT / "deploy/build.lock"  # what builds the wheel, and stays out of the image


@pytest.fixture(scope="module")
def locked() -> dict[str, tuple[Requirement, int]]:
    """Each package of the lock, and how many hashes it has."""
    return entries(LOCK)


def entries(lock: Path) -> dict[str, tuple[Requirement, int]]:
    found = {}
    for entry in re.split(r"\n(?=\S)", lock.read_text("utf-8").replace("\\\n", " ").strip()):
        written, *hashes = re.split(r"\s+--hash=sha256:(?=[0-9a-f]{64}(?:\s|$))", entry)
        requirement = Requirement(written)
        found[canonicalize_name(requirement.name)] = (requirement, len(hashes))
    return found


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").split()
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}


def needed(*roots: tuple[str, str]) -> set[str]:
    """Every package that these (name and extra) need here, by what each says of itself."""
    seen: set[tuple[str, str]] = set()
    waiting = list(roots)
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            told = requires(name) or []
        except PackageNotFoundError:
            continue
        for requirement in map(Requirement, told):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                waiting += [(canonicalize_name(requirement.name), each) for each in ("", *requirement.extras)]
    return {name for name, _ in seen} - {"earful", "pip"}  # pip: there already, whoever installs


@pytest.mark.parametrize("lock", [LOCK, BUILD], ids=lambda path: path.name)
def test_the_lock_holds_the_versions_that_are_tested(lock: Path) -> None:
    tested = constraints()
    here = default_environment()
    other = {
        name: (str(requirement.specifier), tested.get(name))
        for name, (requirement, _) in entries(lock).items()
        if (requirement.marker is None or requirement.marker.evaluate(here))  # type: ignore[arg-type]
        and str(requirement.specifier) != f"=={tested.get(name)}"
    }
    assert other == {}, "run: make lock"


def test_the_lock_holds_all_that_is_needed_to_run(locked: dict[str, tuple[Requirement, int]]) -> None:
    run = needed(("earful", ""), ("earful", "postgres"))  # the image serves either database
    assert run >= {"tweepy", "praw", "starlette"}
    assert run - set(locked) == set(), "run: make lock"


def test_what_builds_the_wheel_is_locked_with_all_that_it_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    roots = {canonicalize_name(Requirement(each).name) for each in project["build-system"]["requires"]}
    assert set(entries(BUILD)) == roots | needed(*((each, "") for each in roots)), "run: make lock"


@pytest.mark.parametrize("lock", [LOCK, BUILD], ids=lambda path: path.name)
def test_every_package_has_its_hashes_and_no_line_names_a_place(lock: Path) -> None:
    assert [name for name, (_, hashes) in entries(lock).items() if hashes < 1] == []
    text = lock.read_text("utf-8")
    assert "//" not in text
    assert not re.search(r"^\s*(?:-i|--index|--extra-index|--find-links|-f|#)", text, re.MULTILINE)


def test_the_constraints_stay_without_hashes() -> None:
    """pip refuses hashes where one package is installed from a folder, as `pip install -e .` does."""
    assert "--hash" not in (ROOT / "constraints.txt").read_text("utf-8")


def test_the_bill_of_materials_names_what_the_lock_installs(
    locked: dict[str, tuple[Requirement, int]], tmp_path: Path
) -> None:
    target = tmp_path / "made" / "sbom.json"
    for _ in range(2):
        made = subprocess.run(
            [sys.executable, str(ROOT / "deploy/sbom.py"), str(target)], capture_output=True, text=True, check=True
        )
        assert made.stdout == f"{target}: {len(locked)} packages\n"
    told = json.loads(target.read_text("utf-8"))
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    assert {each["purl"] for each in told["components"]} == {
        f"pkg:pypi/{name}@{next(iter(requirement.specifier)).version}" for name, (requirement, _) in locked.items()
    }
    by_name = {each["name"]: each for each in told["components"]}
    assert by_name["tweepy"]["licenses"] == [{"license": {"name": "MIT License"}}]
    assert len(by_name["argon2-cffi-bindings"]["externalReferences"][0]["hashes"]) == locked["argon2-cffi-bindings"][1]
    assert all(
        "expression" in each or each["license"]["name"] for part in told["components"] for each in part["licenses"]
    )
