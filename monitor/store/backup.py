"""Putting a copy back in the place of the database, checked before anything is touched."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from monitor.store.database import DatabaseUnusable, RoleTaken, Sqlite
from monitor.store.schema import STEPS, version_of


def restore_to(copy: Path, path: Path, now: datetime, *, only_check: bool = False) -> str:
    """Check `copy` and put it in the place of `path`; what stood there is kept. Returns what was done, in words.

    Raises DatabaseUnusable, with everything left as it was.
    """
    if not copy.is_file():
        raise DatabaseUnusable(f"{copy}: there is no such file")
    if not copy.read_bytes()[:16].startswith(b"SQLite format 3"):
        raise DatabaseUnusable(f"{copy} is not a copy that earful backup wrote; nothing was changed")
    partial = path.with_name(path.name + ".restoring")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial.unlink(missing_ok=True)
    try:
        summary = _checked_copy(copy, partial)
        if only_check:
            return f"{copy} is sound: {summary}"
        kept = _swap(partial, path, now)
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            partial.with_name(partial.name + suffix).unlink(missing_ok=True)
    return f"Restored {summary} from {copy}." + (f" What stood there is kept as {kept.name}." if kept else "")


def _checked_copy(copy: Path, partial: Path) -> str:
    partial.write_bytes(copy.read_bytes())
    partial.chmod(0o600)
    database = Sqlite(partial)
    try:
        wrong = database.is_sound()
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
    kept = None
    if path.exists():
        standing = Sqlite(path)
        try:
            role = standing.hold_role("daemon", now)
            role.release()
            standing.checkpoint()
        except RoleTaken as error:
            raise DatabaseUnusable(f"{error}; nothing was changed") from error
        finally:
            standing.close()
        kept = path.with_name(f"{path.name}.before-restore-{now:%Y%m%dT%H%M%S}")
        path.replace(kept)
        for suffix in ("-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    partial.replace(path)
    return kept
