"""The files of a model's folder: read with care, and refused by name where one of them is not what it should be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

AGAIN = "copy it again from where it came"
LET_READ = "let the daemon's user read it"
_LARGEST_CONFIG = 1_000_000  # bytes
_POINTER = b"version https://git-lfs"


class LocalModelRefused(Exception):
    """A folder cannot be used. The message names folder and file, what is wrong and what to do; never a text's words.

    Whoever loads a model goes on without it.
    """


def check(folder: Path, path: Path, write: str) -> None:
    """A file that must be there, and be itself: not empty, not the pointer that Git LFS leaves in its place."""
    place = place_of(folder, path)
    if not path.is_file():
        raise LocalModelRefused(f"{place}: no such file; {write}")
    with refusing(place, "cannot be read", LET_READ), path.open("rb") as opened:
        begins = opened.read(len(_POINTER))
    if not begins:
        raise LocalModelRefused(f"{place}: empty; {AGAIN}")
    if begins == _POINTER:
        raise LocalModelRefused(f"{place}: only a pointer of Git LFS, not the file itself; run there: git lfs pull")


def settings_in(folder: Path, name: str) -> Mapping[str, Any]:
    """What a small file of settings says, nothing where there is none."""
    path = folder / name
    if not path.exists():
        return {}
    check(folder, path, AGAIN)
    with refusing(place_of(folder, path), "is not the JSON that was expected", AGAIN):
        if path.stat().st_size > _LARGEST_CONFIG:
            raise ValueError("too large")
        said = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(said, dict):
            raise TypeError("no object")
    return said


def whole_number(said: Mapping[str, Any], key: str) -> int:
    """A number above zero that a file of settings says, 0 where it says none."""
    value = said.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def place_of(folder: Path, path: Path) -> str:
    """A file as a person is told of it: by the folder's own name, not by the whole path."""
    return f"{folder.resolve().name}/{path.relative_to(folder)}"


def listed(names: Iterator[str] | Sequence[str] | Mapping[str, Any]) -> str:
    """Names as a person reads them; they come from a file, so they are bounded."""
    shown = [f'"{name[:40]}"' for name in names]
    return ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")


@contextmanager
def refusing(place: str, found: str, write: str, *, words: bool = False) -> Iterator[None]:
    """Turn whatever a library raises into a refusal; `words`: with its own words, where no text can be in them."""
    try:
        yield
    except (LocalModelRefused, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 - tokenizers raises plain Exception, and its panics are not even that
        said = " ".join(str(error).split())[:160] if words else ""
        reason = f"{type(error).__name__}: {said}" if said else type(error).__name__
        raise LocalModelRefused(f"{place}: {found} ({reason}); {write}") from None
