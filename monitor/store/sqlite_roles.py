"""Who works on an SQLite file: locks on files beside it, which the system takes away when a process ends."""

from __future__ import annotations

import fcntl
from datetime import datetime
from pathlib import Path
from typing import IO

from monitor.store.database import RoleTaken, this_process
from monitor.store.ownership import as_its_folder


class InUse:
    """Says that a process beside the daemon works on this file (the page alone); several may at the same time."""

    def __init__(self, path: Path, *, alone: bool = False) -> None:
        """Join those who use the file; `alone` waits for nobody and refuses where there are any: RoleTaken."""
        lock = path.with_name(f"{path.name}.in-use")
        self._file: IO[str] = lock.open("a+", encoding="utf-8")
        lock.chmod(0o600)
        as_its_folder(lock)
        try:
            fcntl.flock(self._file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            what = "is in use by a running `earful web`; stop that first" if alone else "is being restored or moved"
            raise RoleTaken(f"{path.name} {what}") from error

    def release(self) -> None:
        """Use it no more."""
        self._file.close()


class FileRole:
    """A role on SQLite: a lock on a file, which the system takes away when the process ends, however it ends."""

    def __init__(self, path: Path, now: datetime) -> None:
        self._path = path
        self._file: IO[str] = path.open("a+", encoding="utf-8")
        path.chmod(0o600)
        as_its_folder(path)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "another process"
            self._file.close()
            raise RoleTaken(f"{path.name.rpartition('.')[0]} is already in use by {holder}; stop that first") from error
        self._file.truncate(0)
        self._file.write(this_process(now))
        self._file.flush()

    def keep(self, _now: datetime, /) -> str:
        """Nothing to do: only the end of this process takes the lock away."""
        return ""

    def release(self) -> None:
        """Let the role go."""
        self._file.close()


def holder(path: Path) -> str:
    """Who serves this file as its daemon, as FileRole wrote it; "" for nobody."""
    lock = path.with_name(f"{path.name}.daemon")
    if not lock.exists():
        return ""
    with lock.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            return file.read()
    return ""
