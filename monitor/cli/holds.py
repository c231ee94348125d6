"""The command that keeps a case from being forgotten for a while."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from monitor.cli.base import AsJson, Failed, app, console, opened, print_json, speaker
from monitor.notify import hold_notices
from monitor.privacy import holds
from monitor.service.scheduler import utc_now
from monitor.store import holds as store
from monitor.store import wiping
from monitor.store.database import at
from monitor.text.normalize import safe_line
from monitor.wiring import Assembly


@app.command()
def hold(
    case: Annotated[str, typer.Argument(metavar="[CASE]", help="The case's number.")] = "",
    ground: Annotated[
        str, typer.Option("--ground", help="Why it must be kept, such as a claim or a court order.")
    ] = "",
    days: Annotated[int, typer.Option("--days", help="For how many days, 90 at most.")] = 90,
    end: Annotated[
        bool, typer.Option("--end", help="End the hold and carry out what was asked for meanwhile.")
    ] = False,
    show: Annotated[bool, typer.Option("--show", help="Print the hidden text. This is logged.")] = False,
    as_: Annotated[str, typer.Option("--as", help="Who is acting. Must be an admin.")] = "",
    as_json: AsJson = False,
) -> None:
    """Hide a case's text but keep it from being deleted.

    Without a case number, lists all holds.
    """
    with opened() as assembly:
        if not case:
            _list(assembly, as_json)
            return
        who, now = speaker(assembly, as_, "hold"), utc_now()
        try:
            if show:
                for line in holds.words_of(assembly.database, case, who=who, way="command line", now=now):
                    typer.echo(line)
            elif end:
                told = holds.end(assembly.database, case, who=who, way="command line", now=now)
                hold_notices.tell(assembly.database, assembly.rules, told, now)
                wiping.wipe(assembly.database, now)
                typer.echo(f"The hold on case {case} has ended, and pending requests were carried out.")
            else:
                until = holds.hold(assembly.database, case, ground, days, who=who, way="command line", now=now)
                local = until.astimezone(assembly.settings.zone)
                typer.echo(f"Case {case} is on hold until {local:%d %b %Y %H:%M}. Its text is hidden until then.")
        except holds.NotHeld as error:
            raise Failed(str(error)) from error


def _list(assembly: Assembly, as_json: bool) -> None:
    rows = store.standing(assembly.database)
    if as_json:
        for row in rows:
            print_json({key: row[key] for key in ("case_id", "ground", "who", "at", "until")})
        return
    if not rows:
        typer.echo("Nothing is on hold.")
        return
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2))
    for name in ("case", "until", "by", "ground"):
        table.add_column(name, no_wrap=name != "ground")
    for row in rows:
        until = f"{at(row['until']).astimezone(assembly.settings.zone):%d %b %Y %H:%M}"
        table.add_row(row["case_id"], until, Text(safe_line(row["who"])), Text(safe_line(row["ground"])))
    console.print(table)
