"""A Dockerfile read as Docker reads it: instructions in order, and what of a checkout it is sent."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

Instructions = list[tuple[str, str]]


def instructions(path: Path) -> Instructions:
    """Each instruction and the rest of its line; lines that go on are joined."""
    kept = "\n".join(line for line in path.read_text("utf-8").splitlines() if not line.startswith("#"))
    found = [line.partition(" ") for line in kept.replace("\\\n", " ").splitlines() if line.strip()]
    assert all(word.isupper() for word, _, _ in found), found
    return [(word, rest.strip()) for word, _, rest in found]


def sent(ignored: Path, files: list[str]) -> list[str]:
    """Those of a checkout's files that Docker is sent: the last rule decides that fits a file or a folder above it."""
    rules = [line for line in ignored.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    kept = []
    for file in files:
        is_kept = True
        for rule in rules:
            pattern = rule.removeprefix("!")
            if pattern.startswith("**/"):
                fits = pattern[3:] in Path(file).parts
            else:
                fits = any(fnmatch(str(each), pattern) for each in (Path(file), *Path(file).parents) if each.parts)
            if fits:
                is_kept = rule.startswith("!")
        kept += [file] if is_kept else []
    return kept
