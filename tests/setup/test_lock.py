"""What the image installs: the versions that everything is tested with, each with its hashes, and a list of it all."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.reading import ROOT

LOCK = ROOT / "deploy/requirements.lock"


@pytest.fixture(scope="module")
def locked() -> dict[str, tuple[Requirement, int]]:
    """Each package of the lock, and how many hashes it has."""
    found = {}
    for entry in re.split(r"\n(?=\S)", LOCK.read_text("utf-8").replace("\\\n", " ").strip()):
        written, *hashes = re.split(r"\s+--hash=sha256:(?=[0-9a-f]{64}(?:\s|$))", entry)
        requirement = Requirement(written)
        found[canonicalize_name(requirement.name)] = (requirement, len(hashes))
    return found


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").split()
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}


def needed() -> set[str]:
    """Every package that Earful needs here to run, by what each says of itself."""
    seen: set[tuple[str, str]] = set()
    waiting = [("earful", ""), ("earful", "postgres")]  # the image serves either database
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


def test_the_lock_holds_the_versions_that_are_tested(locked: dict[str, tuple[Requirement, int]]) -> None:
    tested = constraints()
    here = default_environment()
    other = {
        name: (str(requirement.specifier), tested.get(name))
        for name, (requirement, _) in locked.items()
        if (requirement.marker is None or requirement.marker.evaluate(here))  # type: ignore[arg-type]
        and str(requirement.specifier) != f"=={tested.get(name)}"
    }
    assert other == {}, "run: make lock"


def test_the_lock_holds_all_that_is_needed_to_run(locked: dict[str, tuple[Requirement, int]]) -> None:
    assert needed() >= {"tweepy", "praw", "starlette"}
    assert needed() - set(locked) == set(), "run: make lock"


def test_every_package_has_its_hashes_and_no_line_names_a_place(locked: dict[str, tuple[Requirement, int]]) -> None:
    assert [name for name, (_, hashes) in locked.items() if hashes < 1] == []
    text = LOCK.read_text("utf-8")
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
