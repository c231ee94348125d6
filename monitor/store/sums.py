"""The sum of a copy, in a file beside it that `sha256sum -c` reads: damage that SQLite cannot see is seen by it."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from pathlib import Path

from monitor.store.database import DatabaseUnusable

_LINE = re.compile(r"\\?([0-9a-fA-F]{64}) [ *](.+)")


def beside(copy: Path) -> Path:
    """Where the sum of a copy stands."""
    return copy.with_name(copy.name + ".sha256")


def write(written: Path, copy: Path) -> None:
    """Write the sum of `written`, which is about to be named `copy`; it is on the disk when this returns."""
    place = beside(copy)
    partial = place.with_name(place.name + ".partial")
    try:
        partial.touch(0o600)
        partial.chmod(0o600)
        with partial.open("w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(_line(_of(written), copy.name))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(place)
        sync_folder(copy.parent)
    finally:
        partial.unlink(missing_ok=True)


def check(copy: Path) -> str:
    """How sure it is that a copy is what was written, in words; raises DatabaseUnusable where it is not."""
    place = beside(copy)
    try:
        said = place.read_text("utf-8", errors="surrogateescape")[:10_000]
    except FileNotFoundError:
        return f"Not verified: {place.name} is missing, so only the database's structure was checked."
    except OSError as error:
        raise DatabaseUnusable(f"{place}: {error.strerror}; nothing was changed") from error
    found = _LINE.match(said)
    if found is None:
        raise DatabaseUnusable(
            f"{place} contains no SHA-256 sum; nothing was changed. Without that file, the copy can't be verified"
        )
    if not hmac.compare_digest(found[1].lower(), _of(copy)):
        raise DatabaseUnusable(f"{copy} is damaged: it does not match {place.name}; nothing was changed")
    return "Verified: identical to what was written."


def sync_folder(folder: Path) -> None:
    """Have the names in a folder written to the disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _line(digest: str, name: str) -> str:
    """As sha256sum writes it: a name with a backslash or a line break is escaped, and the line says so."""
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{chr(92) if escaped != name else ''}{digest}  {escaped}\n"
