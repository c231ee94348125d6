"""`earful db`: a look into an SQLite database, which stays as it is; and making its file small again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape
from rich.table import Table

from alerts.wording import count_words, excerpt
from monitor.cli.base import AsJson, Failed, Limit, app, console, load_settings, print_json
from monitor.service.scheduler import utc_now
from monitor.store.database import RoleTaken
from monitor.store.inspection import CannotAnswer, Inspection, opened
from monitor.store.moving import refuse_moved
from monitor.store.sqlite import Sqlite
from monitor.text.normalize import safe_line

db = typer.Typer(
    help="Inspect the SQLite database: tables, rows, queries.",
    no_args_is_help=True,
    context_settings=app.info.context_settings,
)
app.add_typer(db, name="db")
WIDEST = 60  # characters of a value that are shown
MOST_COLUMNS = 7  # that fit beside each other
TableName = Annotated[str, typer.Argument(metavar="TABLE", help="A table listed by `earful db tables`.")]


@db.command()
def tables(as_json: AsJson = False) -> None:
    """List the tables and how many rows each has."""
    with _looking() as look:
        _show(({"table": name, "rows": count} for name, count in look.tables()), as_json)


@db.command()
def rows(
    table: TableName,
    limit: Limit = 20,
    offset: Annotated[int, typer.Option("--offset", min=0, help="Skip this many rows.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Show the rows of a table.

    Hashes of passwords and tokens are not shown.
    """
    with _looking() as look:
        _show(look.rows(table, limit, offset), as_json)


@db.command()
def query(
    statement: Annotated[str, typer.Argument(metavar="SQL", help="A SELECT statement. Nothing can be changed.")],
    as_json: AsJson = False,
) -> None:
    """Run a read-only SQL query, for a minute at most."""
    with _looking() as look:
        _show(look.query(statement), as_json)


@db.command()
def analyze(table: TableName, as_json: AsJson = False) -> None:
    """Show empty, distinct and most common values per column."""
    with _looking() as look:
        _show(
            (
                {
                    "column": each.name,
                    "empty": each.empty,
                    "distinct": each.distinct,
                    "most common": dict(each.common)
                    if as_json
                    else ", ".join(
                        f"{excerpt(safe_line(str(value)), 20) or '(empty)'} {n:,}" for value, n in each.common
                    ),
                }
                for each in look.analyze(table)
            ),
            as_json,
        )


@db.command()
def integrity() -> None:
    """Check the whole database for damage."""
    with _looking() as look:
        faults = look.faults()
        counted = sum(count for _name, count in look.tables())
    for fault in faults:
        typer.echo(safe_line(fault))
    if faults:
        raise Failed("the database is damaged. Stop the daemon and restore the last backup: earful restore FILE")
    typer.echo(f"No damage found in {count_words(counted, 'row')}.")


@db.command()
def vacuum() -> None:
    """Shrink the file by the space that deleted rows left.

    Stop the daemon first. Needs as much free disk space as the file is large.
    """
    path = _place()
    database = Sqlite(path)
    try:
        role = database.hold_role("daemon", utc_now())
        try:
            before = path.stat().st_size
            database.overwrite_all(())
            database.checkpoint()
            after = path.stat().st_size
        finally:
            role.release()
    except RoleTaken as error:
        raise Failed(f"the daemon is using {path}; stop it first ({error})") from None
    finally:
        database.close()
    typer.echo(f"{path}: {before / 1e6:,.1f} MB before, {after / 1e6:,.1f} MB now")


def _place() -> Path:
    url = load_settings(secrets=False).database.url.get_secret_value()
    if not url.startswith("sqlite:"):
        raise Failed("the database is PostgreSQL; use psql instead")
    path = Path(url.removeprefix("sqlite:"))
    if not path.is_file():
        raise Failed(f"{path} does not exist yet; `earful run` creates it")
    refuse_moved(path)
    return path


@contextmanager
def _looking() -> Iterator[Inspection]:
    path = _place()
    try:
        with opened(path) as look:
            yield look
    except CannotAnswer as error:
        raise Failed(str(error)) from None


def _show(found: Iterator[dict[str, Any]], as_json: bool) -> None:
    """A table that fits the terminal, a block a row where it would not, or one JSON object a line."""
    table: Table | None = None
    row: dict[str, Any] | None = None
    for row in found:
        if as_json:
            print_json({name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()})
        elif len(row) > MOST_COLUMNS:
            console.print(_block(row))
            console.print()
        else:
            table = table or _table(row)
            table.add_row(*(escape(_cell(value)) for value in row.values()))
    if table is not None:
        console.print(table)
    elif row is None and not as_json:
        typer.echo("No rows.")


def _table(row: dict[str, Any]) -> Table:
    """An empty table with the columns of this row."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, value in row.items():
        side: Literal["left", "right"] = "right" if isinstance(value, int | float) else "left"
        table.add_column(escape(name), justify=side, overflow="ellipsis", no_wrap=True, min_width=min(len(name), 14))
    return table


def _block(row: dict[str, Any]) -> Table:
    """One row, a line a value that is not empty."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in row.items():
        if value not in ("", None):
            grid.add_row(escape(name), escape(_cell(value)))
    return grid


def _cell(value: Any) -> str:
    if isinstance(value, bytes):
        return f"({len(value):,} bytes)"
    if isinstance(value, bool) or value is None:
        return ""
    return excerpt(safe_line(str(value)), WIDEST)
