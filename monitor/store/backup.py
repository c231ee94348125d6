"""Putting a copy back in the place of the database, checked before anything is touched."""

from __future__ import annotations

import os
import shutil
from datetime import datetime
from pathlib import Path

from alerts.wording import count_words
from monitor.store import forgotten, sums
from monitor.store.connect import Error
from monitor.store.database import DatabaseUnusable, RoleTaken
from monitor.store.key_values import given, note_given
from monitor.store.schema import STEPS, is_of_another_program, version_of
from monitor.store.sqlite import Sqlite, read_only
from monitor.store.sqlite_roles import FileRole, InUse

# What is told of the past whatever copy is put back: each line without its number, which every file counts for itself.
RECORDS = {
    "audit": "at, event, who, who_id, way, address, about, detail",
    "erasures": "at, source, who, way, posts, cases",
}
# Tables whose numbers stand in messages, tickets and links: those that count on from the highest row, and those of
# which SQLite keeps the highest that was given (https://www.sqlite.org/autoinc.html).
NUMBERED, COUNTED = ("cases", "incidents"), ("problems", "events")
FAR_AHEAD = 1_000
_LOGS = ("-wal", "-shm", "-journal")  # what SQLite keeps beside a file, and takes for the log of whatever stands there
# What an installation leaves beside its database; a file that was never one has nothing of it.
_MARKS = (*_LOGS, ".daemon", ".in-use", ".erasures", ".damage-told", ".before-restore-", ".before-schema-")


def restore_to(copy: Path, path: Path, now: datetime, *, only_check: bool = False) -> str:
    """Check `copy` and put it in the place of `path`; what stood there is kept. Returns what was done, in words.

    Lines of the audit log, and of who was erased when, that were written since the copy was made go into it, and what
    numbers of cases were given since then is not given again.
    Raises DatabaseUnusable, with everything left as it was.
    """
    if copy.is_dir():
        raise DatabaseUnusable(f"{copy} is a folder; name a copy in it")
    if not copy.is_file():
        raise DatabaseUnusable(f"{copy}: no such file")
    if path.is_dir():
        raise DatabaseUnusable(f"{path} is a folder; set [database] url to a file")
    if not _begins_as_sqlite(copy):
        raise DatabaseUnusable(f"{copy} is not a copy that earful backup wrote; nothing was changed")
    if not only_check:
        _refuse_a_stranger(path)
    proven = sums.check(copy)
    partial = path.with_name(path.name + ".restoring")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _delete(partial)  # what a run that was killed left behind: its log would be written into this copy
    try:
        summary = _checked_copy(copy, partial)
        if only_check:
            return f"{copy} is fine: {summary}. {proven}"
        kept, carried = _swap(partial, path, now)
    finally:
        _delete(partial)
    there = f" The old database is kept as {kept.name}." if kept else ""
    return f"Restored {summary} from {copy}. {proven}{there}{carried}"


def _begins_as_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16).startswith(b"SQLite format 3")


def _refuse_a_stranger(path: Path) -> None:
    """Refuse to take the place of a file that was never Earful's: a slip in the url must not cost somebody a file.

    What is damaged beyond telling is known by what stands beside it.
    """
    if not path.exists() or not path.stat().st_size:
        return
    if _begins_as_sqlite(path):
        if not is_of_another_program(_tables_of(path)):
            return
    elif any(each.name.startswith(f"{path.name}{mark}") for each in path.parent.iterdir() for mark in _MARKS):
        return
    raise DatabaseUnusable(
        f"{path} does not look like a database of Earful's; nothing was changed. If it is something else, set "
        "[database] url to another file; if it is Earful's and damaged, move it away and restore again"
    )


def _tables_of(path: Path) -> set[str]:
    """The tables of an SQLite file, read without writing beside it; none where it is damaged."""
    try:
        database = read_only(path, as_it_is=not path.with_name(f"{path.name}-wal").exists())
        try:
            return set(database.table_names())
        finally:
            database.close()
    except Error:
        return set()


def _delete(partial: Path) -> None:
    for suffix in ("", *_LOGS, ".sha256"):
        partial.with_name(partial.name + suffix).unlink(missing_ok=True)


def _checked_copy(copy: Path, partial: Path) -> str:
    partial.touch(0o600)
    partial.chmod(0o600)
    shutil.copyfile(copy, partial)
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
            raise DatabaseUnusable(
                f"{copy} has schema {version}, but this Earful knows only {len(STEPS)}; nothing was changed"
            )
        counted = [database.row(f"SELECT count(*) AS n FROM {table}") for table in ("mentions", "cases")]
        database.backup_to(partial)
    finally:
        database.close()
    return f"{counted[0]['n']:,} mentions, {counted[1]['n']:,} cases" if counted[0] and counted[1] else ""


def _swap(partial: Path, path: Path, now: datetime) -> tuple[Path | None, str]:
    """Put `partial` in the place of `path`; what stood there is kept, also where it cannot be read any more.

    Where that is, and what of it was carried over, in words.
    """
    try:
        role = FileRole(path.with_name(f"{path.name}.daemon"), now)
    except RoleTaken as error:
        raise DatabaseUnusable(f"{error}; nothing was changed") from error
    try:
        alone = InUse(path, alone=True)
        try:
            if not path.exists():
                carried = _carry_numbers(path, partial, now)
                _move_logs(path, path.with_name(_kept_as(path, now)))
                partial.replace(path)
                return None, carried
            _settle(path, now)
            carried = _carry_records(path, partial) + _carry_numbers(path, partial, now)
            return _put_in_place(partial, path, now), carried
        finally:
            alone.release()
    except RoleTaken as error:
        raise DatabaseUnusable(f"{error}; nothing was changed") from error
    finally:
        role.release()


def _put_in_place(partial: Path, path: Path, now: datetime) -> Path:
    kept = path.with_name(_kept_as(path, now))
    kept.unlink(missing_ok=True)
    os.link(path, kept)  # at every moment a whole database stands at `path`
    _move_logs(path, kept)
    partial.replace(path)
    return kept


def _kept_as(path: Path, now: datetime) -> str:
    return f"{path.name}.before-restore-{now:%Y%m%dT%H%M%S}"


def _move_logs(path: Path, kept: Path) -> None:
    """Logs stay with the file that they are of, also where that is gone: SQLite would write them into the copy."""
    for suffix in _LOGS:
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.replace(kept.with_name(kept.name + suffix))


def _carry_records(standing: Path, copy: Path) -> str:
    """Write into a copy those lines of `standing` that it does not know; what was carried over, in words.

    A copy of a schema without such a table stays as it is: whoever goes back a version needs it so.
    """
    lacks, count = [], 0
    database = Sqlite(copy)
    try:
        database.run("ATTACH DATABASE :path AS standing", {"path": str(standing)})
        with database.transaction():
            for table, columns in RECORDS.items():
                if not database.row("SELECT 1 FROM standing.sqlite_master WHERE name = :name", {"name": table}):
                    continue
                if not database.has_table(table):
                    lacks.append(table)
                    continue
                count += database.run(
                    f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM standing.{table} "
                    f"EXCEPT SELECT {columns} FROM main.{table} ORDER BY at"
                )
    except Error:
        return " Its audit log could not be read, so the copy knows nothing of what was done since."
    finally:
        database.close()
    if lacks:
        return f" The copy is older than the tables {' and '.join(lacks)}: their lines stay there alone."
    return f" Carried over {count_words(count, 'line')} of the audit log and of erasures." if count else ""


def _carry_numbers(standing: Path, copy: Path, now: datetime) -> str:
    """Have the copy give no number anew that what it replaces may have given since; what that means, in words.

    A press or a link in a message of that time would act on somebody else's case, and mail programs, helpdesks and
    pagers would take the new case for the old one. Where nothing can be read, numbers go on far ahead.
    """
    known = _numbers_given(standing) if standing.exists() else {}
    database = Sqlite(copy)
    try:
        own = _highest(database)
        ahead = {table: max(given, known.get(table, given + max(given, FAR_AHEAD))) for table, given in own.items()}
        with database.transaction():
            for table, number in ahead.items():
                if table in COUNTED:
                    database.run("DELETE FROM sqlite_sequence WHERE name = :table", {"table": table})
                    database.run("INSERT INTO sqlite_sequence VALUES (:table, :n)", {"table": table, "n": number})
                else:
                    note_given(database, table, number, now)
    finally:
        database.close()
    if ahead.get("cases", 0) == own.get("cases", 0):
        return ""
    return f" New cases begin at number {ahead['cases'] + 1}: messages since the copy was made name those before it."


def _numbers_given(standing: Path) -> dict[str, int]:
    """The highest number that each table gave, nothing where that can't be read."""
    try:
        database = Sqlite(standing)
    except DatabaseUnusable:
        return {}
    try:
        return _highest(database)
    except Error:
        return {}
    finally:
        database.close()


def _highest(database: Sqlite) -> dict[str, int]:
    """The highest number that each table gave; an older schema has not all of them."""
    found = {}
    for table in filter(database.has_table, (*NUMBERED, *COUNTED)):
        question = "SELECT coalesce(max(seq), 0) AS n FROM sqlite_sequence WHERE name = :table"
        if table in NUMBERED:
            question = f"SELECT coalesce(max(n), 0) AS n FROM {table}"
        row = database.row(question, {"table": table} if table in COUNTED else {})
        found[table] = max(row["n"] if row else 0, given(database, table))
    return found


def _settle(path: Path, now: datetime) -> None:
    """Bring what the log beside the file holds into it, if the file can still be read, and its erasures on the list."""
    try:
        standing = Sqlite(path)
    except DatabaseUnusable:
        return
    try:
        standing.checkpoint()
        if standing.has_table("forgotten"):
            forgotten.newly_listed(standing, now)
    except (*Error, DatabaseUnusable):
        return
    finally:
        standing.close()
