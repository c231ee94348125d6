"""A folder that is watched: each file in it is read once, and then lies in `read` or in `broken` below it.

Whoever puts files there writes them elsewhere on the same disk, or under a name that begins with a dot, and moves them
in when they are whole: a move is one step, so no half of a file is ever read. As a help to those who copy, a file that
changed within the last seconds waits, and so do the names that programs give to what they have not finished.

What a file holds is kept in the table of what came in at the door before the file is moved away. A process that dies in
between reads it again, and each part of it is known by its mark.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from connectors import Aside, ConnectorError
from monitor.ingest.file_rows import FileUnreadable, in_utf_8, table_of
from monitor.store import arrived, sources
from monitor.store.database import Database

log = logging.getLogger("earful.collect")

READ, BROKEN = "read", "broken"
AT_REST = timedelta(seconds=5)  # since its last change; a file that is still being copied changes
LARGEST = 20_000_000  # bytes of a file
MOST_FILES = 20  # at one look
MOST_WAITING = 200  # parts that may wait before another file is taken
_ROWS = 500  # of one part
_SMALL = 1_000_000  # bytes
_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".swp", "~")


def take(database: Database, source: str, folder: Path, now: datetime) -> tuple[str, ...]:
    """Keep what the finished files of a folder hold, and move them away; sentences about those that are broken.

    Raises ConnectorError where the folder is not there or can't be written: its files would be read again and again.
    """
    notices = []
    for path in islice(_finished(folder, now), MOST_FILES):
        if arrived.backlog(database, source)[0] >= MOST_WAITING:
            break
        try:
            _keep(database, source, path, now)
        except (FileUnreadable, OSError) as error:
            reason = str(error) if isinstance(error, FileUnreadable) else error.strerror or type(error).__name__
            there = _move(path, BROKEN)
            log.warning("%s: the file %s could not be read: %s", source, there.name, reason)
            with database.transaction():
                sources.set_aside(database, source, [Aside(there.name.encode("utf-8", "replace"), reason)], now)
            notices.append(f"the file {there.name} could not be read and is now in {BROKEN}: {reason}")
        else:
            _move(path, READ)
    return tuple(notices)


def _finished(folder: Path, now: datetime) -> Iterator[Path]:
    """The files that are whole, by name."""
    try:
        for name in (READ, BROKEN):
            (folder / name).mkdir(mode=0o700, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False))
    except OSError as error:
        raise ConnectorError(
            f"the folder {folder.name} can't be used ({error.strerror or type(error).__name__})",
            "make the folder, and let the daemon's user write in it: what was read is moved away",
        ) from None
    for name in names:
        path = folder / name
        if name.startswith(".") or name.lower().endswith(_UNFINISHED):
            continue
        # One from a machine whose clock is ahead, or by a copy that keeps such a time, would wait until then, unseen.
        if abs(now.timestamp() - path.stat().st_mtime) >= AT_REST.total_seconds():
            yield path


def _keep(database: Database, source: str, path: Path, now: datetime) -> None:
    if path.stat().st_size > LARGEST:
        raise FileUnreadable(f"{path.name} is larger than {LARGEST // 1_000_000} MB: split it, or use earful import")
    whole = path.read_bytes()
    mark = sha256(whole).hexdigest()
    number = 0
    for number, body in enumerate(_bodies(path, whole), start=1):
        with database.transaction():
            arrived.add(database, [arrived.Brought(source, body, f"file {mark} {number}")], now)
    if not number:
        raise FileUnreadable(f"{path.name} has no rows")


def _bodies(path: Path, whole: bytes) -> Iterator[bytes]:
    """What a file holds, as bodies that might have come in at the door: a small document of JSON as it is."""
    if path.suffix.lower() == ".json" and len(whole) <= _SMALL:
        yield in_utf_8(whole)
        return
    table = table_of(path, {})
    rows = (_plain(row, f"{path.name}, {table.unit} {number}") for number, row in table.rows())
    while part := list(islice(rows, _ROWS)):
        yield json.dumps(part, ensure_ascii=False, default=str).encode("utf-8", "replace")


def _plain(row: Mapping[Any, Any], where: str) -> dict[str, Any]:
    """A row as JSON takes it: what lies beyond the columns has no name, and a fault says where it is."""
    plain = {name: value for name, value in row.items() if isinstance(name, str)}
    return {**plain, "": f"{where}: {plain['']}"} if plain.get("") else plain


def _move(path: Path, into: str) -> Path:
    """Move a file away, beside others of its name."""
    there = path.parent / into / path.name
    number = 1
    while there.exists():
        there = path.parent / into / f"{path.stem}-{number}{path.suffix}"
        number += 1
    os.replace(path, there)
    return there
