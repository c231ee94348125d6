"""Whom a new file of ours belongs to: whoever owns its folder, also where root made it."""

from __future__ import annotations

import os
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
