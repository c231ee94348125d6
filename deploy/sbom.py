"""Write what the image is made of as CycloneDX 1.6 (cyclonedx.org): python deploy/sbom.py FILE.

Read from the lock, so it names exactly what is installed; licences are those that the installed packages state.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LOCK = HERE / "requirements.lock"
_PACKAGE = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def locked(text: str) -> dict[str, tuple[str, list[str]]]:
    """Each package of a lock: its version, and the hashes of its files."""
    found: dict[str, tuple[str, list[str]]] = {}
    for entry in re.split(r"\n(?=\S)", text.replace("\\\n", " ")):
        if named := _PACKAGE.match(entry):
            found[named[1]] = (named[2], _HASH.findall(entry))
    return found


def licence_of(name: str) -> list[dict[str, Any]]:
    """The licence that an installed package states; nothing for one that is not installed here."""
    try:
        said = metadata(name)
    except PackageNotFoundError:
        return []
    if expression := said.get("License-Expression"):
        return [{"expression": expression}]
    classified = [
        each.rpartition(" :: ")[2] for each in said.get_all("Classifier", []) if each.startswith("License ::")
    ]
    stated = classified or [line for line in [(said.get("License") or "").split("\n")[0][:80].strip()] if line]
    return [{"license": {"name": each}} for each in stated]


def document(lock: str, version: str) -> dict[str, Any]:
    """The bill of materials of Earful at `version`; the same lock gives the same document."""
    components = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{release}",
            "name": name,
            "version": release,
            "purl": f"pkg:pypi/{name}@{release}",
            "licenses": licence_of(name),
            "externalReferences": [
                {"type": "distribution", "url": f"pkg:pypi/{name}@{release}", "hashes": [
                    {"alg": "SHA-256", "content": each} for each in hashes
                ]}
            ],
        }
        for name, (release, hashes) in locked(lock).items()
    ]  # fmt: skip
    earful = {"type": "application", "bom-ref": "earful", "name": "earful", "version": version}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": earful},
        "components": components,
        "dependencies": [{"ref": "earful", "dependsOn": [each["bom-ref"] for each in components]}],
    }


def main() -> None:
    """Write the file that is named."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text("utf-8"))["project"]
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    made = document(LOCK.read_text("utf-8"), project["version"])
    target.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", "utf-8")
    sys.stdout.write(f"{target}: {len(made['components'])} packages\n")


if __name__ == "__main__":
    main()
