"""A look into an SQLite database for whoever runs it, through sqlite-utils: tables, rows, a question, statistics.

Nothing here can change the file: it is opened for reading only, on a connection of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from monitor.store.columns import TABLES
from monitor.store.sqlite import Error, read_only

SECONDS = 60.0  # after which a question is given up: the daemon writes to the same file
_STEPS = 100_000  # of SQLite's virtual machine, between two looks at the clock


class CannotAnswer(Exception):
    """The question cannot be answered; the message says why and what to write."""


@dataclass(frozen=True, slots=True)
class ColumnSummary:
    """What a column holds: how many of its values are empty, how many differ, and the most common ones with counts."""

    name: str
    empty: int
    distinct: int
    common: tuple[tuple[Any, int], ...]


class Inspection:
    """What can be asked of one database file."""

    def __init__(self, utils: Any) -> None:
        """Stand on a connection that can only read, as sqlite-utils sees it; `opened` makes one."""
        self._utils = utils

    def tables(self) -> list[tuple[str, int]]:
        """The name of each table and its rows; not those in which SQLite keeps an index of words."""
        words = [table.name for table in self._utils.tables if table.virtual_table_using]
        return sorted(
            (table.name, table.count)
            for table in self._utils.tables
            if not any(table.name.startswith(f"{name}_") for name in words)
        )

    def rows(self, table: str, limit: int, offset: int = 0) -> Iterator[dict[str, Any]]:
        """Rows of a table as they were stored; what proves who somebody is reads "(secret)"."""
        secret = _secrets(table)
        for row in self._known(table).rows_where(limit=limit, offset=offset):
            yield {name: "(secret)" if value and name in secret else value for name, value in row.items()}

    def query(self, statement: str) -> Iterator[dict[str, Any]]:
        """The rows that a statement answers with, read one by one."""
        with _said(statement):
            yield from self._utils.query(statement)

    def analyze(self, table: str, common: int = 3) -> Iterator[ColumnSummary]:
        """What each column of a table holds; the common values of a secret one are not shown."""
        found = self._known(table)
        total = found.count
        for column in found.columns:
            with _said(table):
                seen = found.analyze_column(column.name, common_limit=common, total_rows=total, least_common=False)
            shown = () if column.name in _secrets(table) else tuple((value, n) for value, n in seen.most_common or ())
            yield ColumnSummary(column.name, seen.num_null + seen.num_blank, seen.num_distinct, shown)

    def faults(self) -> list[str]:
        """What SQLite finds wrong with the file, every page and index compared; empty where it is sound."""
        found = [str(row["integrity_check"]) for row in self._utils.query("PRAGMA integrity_check(20)")]
        strays = [
            f"{row['table']}: row {row['rowid']} points to a missing row of {row['parent']}"
            for row in self._utils.query("PRAGMA foreign_key_check")
        ]
        return [each for each in found if each != "ok"] + strays[:20]

    def _known(self, table: str) -> Any:
        names = [name for name, _count in self.tables()]
        if table not in names:
            near = get_close_matches(table, names, 3) or names
            raise CannotAnswer(f"there is no table {table!r}; write one of: {', '.join(near)}")
        return self._utils[table]


@contextmanager
def opened(path: Path, *, seconds: float = SECONDS) -> Iterator[Inspection]:
    """Open a database file for reading; each question ends after `seconds`. Raises CannotAnswer if it cannot be."""
    end = time.monotonic() + seconds
    try:
        utils = read_only(path)
        utils.conn.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
        try:
            yield Inspection(utils)
        finally:
            utils.conn.close()
    except Error as error:
        late = time.monotonic() > end
        why = f"it took longer than {seconds:g} seconds and was stopped; narrow the query" if late else str(error)
        raise CannotAnswer(f"{path}: {why}") from None


@contextmanager
def _said(what: str) -> Iterator[None]:
    try:
        yield
    except ValueError:  # sqlite-utils: the statement answers with no rows
        raise CannotAnswer(f"{what[:60]!r} returns no rows; only SELECT is possible here") from None


def _secrets(table: str) -> tuple[str, ...]:
    return TABLES[table].secret if table in TABLES else ()
