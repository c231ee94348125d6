"""How the house tests read the code: every module of ours as a syntax tree, and the fenced blocks of our pages."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("monitor", "connectors", "alerts")


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the three packages, by its path from the root."""
    found = {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    }
    assert len(found) > 50, "the tests look into the wrong folder"
    return found


@cache
def nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    """Every node of a module; walked once for all the laws that look at them."""
    return tuple(ast.walk(tree))


@cache
def imports(tree: ast.Module) -> list[str]:
    """The full names of what a module imports, wherever in it the import stands."""
    names: list[str] = []
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            names += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
    return names


@cache
def tracked() -> list[Path]:
    """Every file that is committed or about to be; where there is no git, every file that looks like one of ours."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, check=True, timeout=30,
        ).stdout.decode()  # fmt: skip
        names = [name for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        names = [
            path.relative_to(ROOT).as_posix()
            for path in ROOT.rglob("*")
            if not {".venv", "var", ".git", "__pycache__"} & set(path.relative_to(ROOT).parts)
        ]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of one language in a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [each[1] for each in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)]


def between(page: str, first: str, last: str) -> str:
    """The part of a page from one heading to another."""
    text = (ROOT / page).read_text(encoding="utf-8")
    start = text.index(first)
    return text[start : text.index(last, start)]
