"""From one SQLite file to PostgreSQL, once: everything copied, compared, and marked so that nobody works on both.

The file is opened read only, under one transaction, and stays as it is. Each batch is written with how far it came, in
one transaction of PostgreSQL, so that a process that was killed goes on where it was. What counts as the same is one
form of a row, hashed on its way in and again when it is read back.

Until all of it agrees, the table of the progress stands in PostgreSQL and no daemon starts there. Then the mark beside
the file is written, and only after it the table goes: at no moment would a daemon start on both.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from monitor.store import key_values
from monitor.store.database import DatabaseBusy, DatabaseUnusable, stamp
from monitor.store.ownership import as_its_folder
from monitor.store.postgresql import Error as ServerError
from monitor.store.postgresql import Postgresql, why_refused
from monitor.store.renames import IDS_IN_ORDER
from monitor.store.schema import STEPS, columns_after, hash_of, no_rights, version_of
from monitor.store.sqlite import Error, Sqlite, read_only, unreadable
from monitor.store.sums import sync_folder

BATCH = 1_000  # rows: of the largest posts 64 MB
PROGRESS = "move_progress"
_MOVED = "moved from"
_ROLE = "role:daemon"  # the fact that PostgreSQL's own daemon writes: not of the file
_SUMS = 2**128

Told = Callable[[str, int], None]
Values = tuple[Any, ...]


class MoveRefusedError(DatabaseUnusable):
    """Not with this file, or not into this database; the message says what to do."""


class NotTheSameError(DatabaseUnusable):
    """What was written is not what was read; nothing is marked as moved, and the next run begins again."""


def tables() -> dict[str, tuple[str, ...]]:
    """Every table that is moved, in an order in which no row comes before the one that it refers to."""
    return {name: tuple(sorted(columns)) for name, columns in columns_after(STEPS).items()}


@dataclass(slots=True)
class Progress:
    """How far one table is: the last row that was read, how many, the sum of their hashes, texts that were altered."""

    last: int = 0
    rows: int = 0
    sum: int = 0
    altered: int = 0
    done: bool = False

    def add(self, rows: Sequence[Values]) -> None:
        """Count rows."""
        self.rows += len(rows)
        self.sum = sum_of(rows, self.sum)


def sum_of(rows: Iterable[Values], begin: int = 0) -> int:
    """The same for the same rows in any order: the databases sort text differently."""
    for row in rows:
        form = json.dumps(row, default=bytes.hex).encode()
        begin += int.from_bytes(blake2b(form, digest_size=16).digest(), "big")
    return begin % _SUMS


class MovedFile:
    """The file, which is only read, as it stands when this begins, `batch` rows at a time.

    Raises MoveRefusedError, or what is wrong with it.
    """

    def __init__(self, path: Path, *, batch: int = BATCH) -> None:
        self.path = path
        self._batch = batch
        self.state = _state(path)
        self._altered = 0
        try:
            self._connection: Any = read_only(path).conn
            self._connection.text_factory = self._text
            self._connection.execute("BEGIN")
            self.installation = self._known()
        except Error as error:
            raise unreadable(path, error) from error

    def _text(self, stored: bytes) -> str:
        """A text as PostgreSQL can keep it: UTF-8, without NUL. What it cannot keep becomes U+FFFD, and is counted."""
        text = stored.decode("utf-8", "replace").replace("\0", "\ufffd")
        self._altered += text.encode() != stored
        return text

    def _known(self) -> str:
        """Which installation this is: its first step of the schema, and when that was taken."""
        found = self._connection.execute("SELECT name FROM sqlite_master WHERE name = 'schema_steps'").fetchone()
        if found is None:
            raise MoveRefusedError(f"{self.path} is not a database of Earful; name the right one with --from FILE")
        columns = [name for (name,) in self._connection.execute("SELECT name FROM pragma_table_info('schema_steps')")]
        steps = (
            self._connection.execute("SELECT hash, at FROM schema_steps ORDER BY n").fetchall()
            if "hash" in columns
            else []
        )
        if [hash_ for hash_, _at in steps] != [hash_of(step) for step in STEPS]:
            raise MoveRefusedError(
                f"{self.path} was not written by this version of Earful. Run `earful status` once, which brings the "
                "database to this version after a backup, and then move it"
            )
        return blake2b(f"{steps[0][0]} {steps[0][1]}".encode(), digest_size=10).hexdigest()

    def changed(self) -> bool:
        """Whether somebody wrote to the file since it was opened here."""
        return _state(self.path) != self.state

    def count(self) -> int:
        """How many rows there are."""
        return sum(self._connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables())

    def after(self, table: str, columns: Sequence[str], progress: Progress) -> list[Values]:
        """The next rows in the order in which they lie in the file; `progress` moves on with them."""
        self._altered = 0
        try:
            found = self._connection.execute(
                f"SELECT rowid, {', '.join(columns)} FROM {table} WHERE rowid > :last ORDER BY rowid LIMIT :most",
                {"last": progress.last, "most": self._batch},
            ).fetchall()
        except Error as error:
            raise unreadable(self.path, error) from error
        rows = [row[1:] for row in found]
        if found:
            progress.last = found[-1][0]
        progress.add(rows)
        progress.altered += self._altered
        progress.done = len(found) < self._batch
        return rows

    def counters(self) -> dict[str, int]:
        """The highest number that each table ever gave, also where that row has gone."""
        return dict(self._connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())

    def close(self) -> None:
        """Read no more."""
        self._connection.close()


def _state(path: Path) -> str:
    """Changes whenever somebody writes to the file, or to the log beside it."""
    parts = []
    for each in (path, path.with_name(f"{path.name}-wal")):
        found = each.stat() if each.exists() else None
        if found is not None and found.st_size:
            parts.append(f"{found.st_size}:{found.st_mtime_ns}")
    return " ".join(parts)


@contextmanager
def explained(target: Postgresql, what: str = "the tables") -> Iterator[None]:
    """Say what a fault of the server means for the move, and what to do. Never its own words: they quote values."""
    again = "What was copied stays there; run the same command again, which goes on where it stopped"
    try:
        yield
    except ServerError as error:
        kind, name = why_refused(error), type(error).__name__
        if kind == "rights":
            raise MoveRefusedError(no_rights(target)) from None
        if kind == "room":
            raise DatabaseBusy(f"{target.where}: the server has no room left ({name}). {again}") from None
        if kind == "line":
            raise DatabaseBusy(f"{target.where}: the connection was lost ({name}). {again}") from None
        if kind == "row":
            raise MoveRefusedError(
                f"{target.where} refuses {what} ({name}). Correct or delete it in a copy of the file, and move that"
            ) from None
        raise


def refuse_others(file: MovedFile, target: Postgresql) -> None:
    """Nothing is written where something stands that is not of this very move."""
    if target.has_table(PROGRESS):
        begun = _begun(target)
        if begun["installation"] != file.installation:
            raise MoveRefusedError(
                f"{target.where}: a move of another database ({begun['file']}) was begun here. Use an empty database"
            )
        return
    refuse_moved(file.path)
    if not version_of(target):
        return
    if _moved_from(target).get("installation") == file.installation:
        raise MoveRefusedError(f"{file.path} was moved to {target.where} before; set [database] url to it")
    for name in tables():
        but = f" WHERE key NOT IN ('{_ROLE}', '{IDS_IN_ORDER}')" if name == "facts" else ""
        if target.has_table(name) and target.row(f"SELECT 1 AS one FROM {name}{but} LIMIT 1") is not None:
            raise MoveRefusedError(
                f"{target.where} already holds data (in {name}). Move into an empty database: createdb NAME"
            )


def begin(file: MovedFile, target: Postgresql) -> Literal["first", "goes on", "again"]:
    """Make ready to copy: for the first time, where an earlier run stopped, or again because the file has changed."""
    kept = {"file": str(file.path), "installation": file.installation, "state": file.state}
    with target.transaction():
        before = target.has_table(PROGRESS)
        if before and _begun(target) == kept:
            return "goes on"
        if before:
            target.script([f"TRUNCATE {', '.join([*tables(), PROGRESS])} CASCADE"])
        else:
            target.script([f"CREATE TABLE {PROGRESS} (name TEXT PRIMARY KEY, value TEXT NOT NULL)"])
            # Ids go on as in the file, not as they would in a new database.
            target.run("DELETE FROM facts WHERE key = :key", {"key": IDS_IN_ORDER})
        _keep(target, "", kept)
    return "again" if before else "first"


def _keep(target: Postgresql, name: str, value: object) -> None:
    target.run(
        f"INSERT INTO {PROGRESS} (name, value) VALUES (:name, :value) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        {"name": name, "value": json.dumps(value)},
    )


def _kept(target: Postgresql, name: str) -> Any:
    row = target.row(f"SELECT value FROM {PROGRESS} WHERE name = :name", {"name": name})
    return json.loads(row["value"]) if row else None


def _begun(target: Postgresql) -> dict[str, str]:
    found: dict[str, str] = _kept(target, "") or {"file": "", "installation": "", "state": ""}
    return found


def progress_of(target: Postgresql, table: str) -> Progress:
    """How far a table is."""
    found = _kept(target, table)
    return Progress(*found) if found else Progress()


def copy(file: MovedFile, target: Postgresql, told: Told) -> None:
    """Copy what is not copied yet; `told` hears of each batch once it stands, and at first of what stood before."""
    for table, columns in tables().items():
        progress = progress_of(target, table)
        if progress.rows:
            told(table, progress.rows)
        while not progress.done:
            last, rows = progress.last, file.after(table, columns, progress)
            with explained(target, f"a row of {table} after row {last:,} of the file"), target.transaction():
                target.copy_in(table, columns, rows)
                _keep(target, table, astuple(progress))
            told(table, len(rows))
    with target.transaction():
        target.count_on({**file.counters(), "cases": key_values.given(target, "cases")})


def compare(target: Postgresql, told: Told) -> None:
    """Read everything back: as many rows as were read from the file, and the same ones. Else NotTheSameError."""
    for table, columns in tables().items():
        wanted, found = progress_of(target, table), Progress()
        but = f" WHERE key <> '{_ROLE}'" if table == "facts" else ""
        for rows in target.batches(f"SELECT {', '.join(columns)} FROM {table}{but}", BATCH):
            found.add(rows)
            told(table, len(rows))
        if (found.rows, found.sum) != (wanted.rows, wanted.sum):
            with target.transaction():
                _keep(target, "", {**_begun(target), "state": ""})
            raise NotTheSameError(
                f"{target.where}: the table {table} is not what the file holds ({found.rows:,} rows there, "
                f"{wanted.rows:,} read from the file). Make sure that nothing else writes to that database and run "
                "the same command again, which begins from the start"
            )


def altered(target: Postgresql) -> dict[str, int]:
    """In which tables texts had to be altered, and how many."""
    found = {table: progress_of(target, table).altered for table in tables()}
    return {table: count for table, count in found.items() if count}


def finish(file: MovedFile, target: Postgresql, now: datetime) -> None:
    """Mark the file as moved, then let daemons start on PostgreSQL. In this order: never would one start on both."""
    if file.changed():
        raise NotTheSameError(
            f"{file.path} was changed while it was moved. Stop whatever writes to it (`earful import`, a watched "
            "folder, a page) and run the same command again, which begins from the start"
        )
    _write_mark(file, target, now)
    with target.transaction():
        target.script([f"DROP TABLE {PROGRESS}"])
        about = {"file": str(file.path), "installation": file.installation}
        key_values.remember(target, _MOVED, json.dumps(about), now)


def _moved_from(target: Postgresql) -> dict[str, str]:
    found: dict[str, str] = json.loads(key_values.fact(target, _MOVED) or "{}") if target.has_table("facts") else {}
    return found


def mark_of(path: Path) -> Path:
    """The mark beside a file that was moved."""
    return path.with_name(f"{path.name}.moved")


def _write_mark(file: MovedFile, target: Postgresql, now: datetime) -> None:
    mark = mark_of(file.path)
    fresh = mark.with_name(f"{mark.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(json.dumps({"to": target.where, "at": stamp(now), "installation": file.installation}) + "\n")
        opened.flush()
        os.fsync(opened.fileno())
    as_its_folder(fresh)
    fresh.replace(mark)
    sync_folder(mark.parent)


def refuse_moved(path: Path) -> None:
    """Nobody works on a file that was moved: what is written there is seen by nobody."""
    mark = mark_of(path)
    if not mark.exists():
        return
    try:
        said = json.loads(mark.read_text("utf-8"))
        where = f"to {said['to']} on {said['at'][:10]}"
    except (OSError, ValueError, TypeError, KeyError):
        where = "to PostgreSQL"
    raise DatabaseUnusable(
        f"{path} was moved {where}, and Earful runs there now: set [database] url to it. To go back to this file as it "
        f"was then, delete {mark}"
    )


def refuse_half(database: Sqlite | Postgresql) -> None:
    """Nobody works on a file that was moved, nor on a database into which not everything has been moved."""
    if isinstance(database, Sqlite):
        refuse_moved(database.path)
    elif database.has_table(PROGRESS):
        begun = _begun(database)["file"]
        raise DatabaseUnusable(
            f"{database.where}: the move of {begun} into this database is not finished. Run it again, which goes on "
            f"where it stopped: earful move --from {begun} --to URL"
        )
