"""Whom a new file of ours belongs to: whoever owns its folder, also where root made it; how one is written whole."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def as_its_folder(path: Path) -> None:
    """Give a file that root has made to the owner of its folder: `sudo earful ...` must not shut the daemon out.

    For anybody but root it does nothing. SQLite does the same for its `-wal` and `-shm`.
    """
    if os.geteuid() != 0:
        return
    owner = path.parent.stat()
    found = path.lstat()
    if (found.st_uid, found.st_gid) == (0, 0) and owner.st_uid != 0:
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def replace_whole(path: Path, text: str, suffix: str) -> None:
    """Put a text of ASCII on the disk in place of a file, whole or not at all, readable to its owner alone.

    It is written beside it first, under its name and this suffix: one of their own for processes that may do it at the
    same time. Raises OSError, and leaves nothing behind then.
    """
    fresh = path.with_name(f"{path.name}{suffix}")
    try:
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        as_its_folder(fresh)
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
