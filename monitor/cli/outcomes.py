"""`earful outcomes`: whether people who were answered in time stayed, counted from a file of your own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from alerts.wording import count_words
from monitor.cli.base import AsJson, Failed, app, console, opened, print_json
from monitor.cli.database import must_be_a_file
from monitor.ingest.file_rows import Table, table_of
from monitor.reports import outcomes
from monitor.service.scheduler import utc_now
from monitor.text.normalize import safe_line

LARGEST = 200_000_000  # bytes; a line has some thirty


@app.command("outcomes")
def outcomes_(
    file: Annotated[Path | None, typer.Argument(help="A CSV file with the columns case, date, outcome.")] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Delete the kept counts.")] = False,
    as_json: AsJson = False,
) -> None:
    """Count who left and who stayed, by how they were answered.

    The file says of each case, by its number, whether the customer had left or stayed on a day. It is counted and not
    kept. Without a file: the counts of the last one.
    """
    with opened() as assembly:
        if forget:
            with assembly.database.transaction():
                outcomes.keep(assembly.database, {}, utc_now())
            typer.echo("The kept counts were deleted.")
            return
        reading = None
        if file is not None:
            now = utc_now()
            table = _table(file)
            today = now.astimezone(assembly.settings.zone).date()
            reading = outcomes.read(table.rows(), _columns(table, file), today)
            counted = outcomes.count(assembly.database, assembly.rules, reading, now)
            _report(reading, file)
            if not counted:
                raise Failed(f"{file.name}: no line names a case of this installation; nothing was changed")
            with assembly.database.transaction():
                outcomes.keep(assembly.database, counted, now)
        found = outcomes.kept(assembly.database)
        if found is None:
            raise Failed("no file was counted yet; name one: earful outcomes FILE.csv")
        if as_json:
            print_json(outcomes.as_json(found))
            return
        console.print(f"Customers who had left or stayed between {found.since} and {found.until}:", soft_wrap=True)
        for sentence in outcomes.sentences(found):
            console.print(sentence, soft_wrap=True)
        if found.not_due:
            console.print(f"Not counted: {found.not_due:,} where no answer was due.", soft_wrap=True)


def _table(file: Path) -> Table:
    must_be_a_file(file)
    if file.stat().st_size > LARGEST:
        raise Failed(f"{file.name} is larger than {LARGEST // 1_000_000} MB: remove what is not case, date and outcome")
    return table_of(file, {name: name for name in outcomes.COLUMNS}, by_option=False)


def _columns(table: Table, file: Path) -> Mapping[str, str]:
    """How the file names its three columns. More are refused: nobody's name or handle has any business in it."""
    found = {name: table.column(name) or name for name in outcomes.COLUMNS}
    if twice := [name for name in found.values() if list(table.columns).count(name) > 1]:
        raise Failed(f"{file.name} has the column {twice[0]} twice: remove one of them")
    more = [name for name in table.columns if name not in found.values()]
    if more:
        named = ", ".join(safe_line(name)[:40] or "(no name)" for name in more[:10])
        raise Failed(
            f"{file.name} has columns that are not needed: {named}. Remove them: only case, date and outcome may be in "
            "it, no names and no handles"
        )
    return found


def _report(reading: outcomes.Reading, file: Path) -> None:
    """What of the file counts, and each line that does not."""
    for number, words in reading.faults:
        typer.echo(f"! line {number}: {safe_line(words)}", err=True)
    if reading.wrong > len(reading.faults):
        typer.echo(f"! and {reading.wrong - len(reading.faults):,} more lines", err=True)
    counted = count_words(len(reading.said) - reading.unknown, "case")
    said = f"{file.name}: {count_words(reading.rows, 'line')}, {counted} counted"
    for number, words in (
        (reading.repeated, "repeated"),
        (reading.unknown, "not known here"),
        (reading.wrong, "wrong"),
    ):
        said += f", {number:,} {words}" if number else ""
    typer.echo(said, err=True)
