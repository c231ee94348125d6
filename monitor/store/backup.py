"""Putting a copy back in the place of the database, checked before anything is touched."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from monitor.store import sums
from monitor.store.connect import Error
from monitor.store.database import DatabaseUnusable, RoleTaken
from monitor.store.schema import STEPS, version_of
from monitor.store.sqlite import FileRole, InUse, Sqlite


def restore_to(copy: Path, path: Path, now: datetime, *, only_check: bool = False) -> str:
    """Check `copy` and put it in the place of `path`; what stood there is kept. Returns what was done, in words.

    Raises DatabaseUnusable, with everything left as it was.
    """
    if not copy.is_file():
        raise DatabaseUnusable(f"{copy}: there is no such file")
    if not copy.read_bytes()[:16].startswith(b"SQLite format 3"):
        raise DatabaseUnusable(f"{copy} is not a copy that earful backup wrote; nothing was changed")
    proven = sums.check(copy)
    partial = path.with_name(path.name + ".restoring")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial.unlink(missing_ok=True)
    try:
        summary = _checked_copy(copy, partial)
        if only_check:
            return f"{copy} is sound: {summary}. {proven}"
        kept = _swap(partial, path, now)
    finally:
        for suffix in ("", "-wal", "-shm", "-journal", ".sha256"):
            partial.with_name(partial.name + suffix).unlink(missing_ok=True)
    return f"Restored {summary} from {copy}. {proven}" + (f" What stood there is kept as {kept.name}." if kept else "")


def _checked_copy(copy: Path, partial: Path) -> str:
    partial.write_bytes(copy.read_bytes())
    partial.chmod(0o600)
    try:
        database = Sqlite(partial)
    except DatabaseUnusable as error:
        raise DatabaseUnusable(f"{copy} is damaged and cannot be read; nothing was changed") from error
    try:
        wrong = database.is_sound(every_page=True)
        if wrong:
            raise DatabaseUnusable(f"{copy} is damaged ({wrong}); nothing was changed")
        version = version_of(database)
        if not 0 < version <= len(STEPS):
            raise DatabaseUnusable(f"{copy} has schema {version}, this Earful knows {len(STEPS)}; nothing was changed")
        counted = [database.row(f"SELECT count(*) AS n FROM {table}") for table in ("mentions", "cases")]
        database.backup_to(partial)
    finally:
        database.close()
    return f"{counted[0]['n']:,} mentions, {counted[1]['n']:,} cases" if counted[0] and counted[1] else ""


def _swap(partial: Path, path: Path, now: datetime) -> Path | None:
    """Put `partial` in the place of `path`; what stood there is kept, also where it cannot be read any more."""
    if not path.exists():
        partial.replace(path)
        return None
    try:
        role = FileRole(path.with_name(f"{path.name}.daemon"), now)
    except RoleTaken as error:
        raise DatabaseUnusable(f"{error}; nothing was changed") from error
    try:
        alone = InUse(path, alone=True)
        try:
            return _put_in_place(partial, path, now)
        finally:
            alone.release()
    except RoleTaken as error:
        raise DatabaseUnusable(f"{error}; nothing was changed") from error
    finally:
        role.release()


def _put_in_place(partial: Path, path: Path, now: datetime) -> Path:
    _settle(path)
    kept = path.with_name(f"{path.name}.before-restore-{now:%Y%m%dT%H%M%S}")
    kept.unlink(missing_ok=True)
    os.link(path, kept)  # at every moment a whole database stands at `path`
    for suffix in ("-wal", "-shm", "-journal"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.replace(kept.with_name(kept.name + suffix))
    partial.replace(path)
    return kept


def _settle(path: Path) -> None:
    """Bring what the log beside the file holds into it, if the file can still be read."""
    try:
        standing = Sqlite(path)
    except DatabaseUnusable:
        return
    try:
        standing.checkpoint()
    except Error:
        return
    finally:
        standing.close()
