"""The command for incidents: what is open, what each was, and one word to take it or end it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from monitor.cli.base import AsJson, Failed, app, console, line, opened, print_json, speaker
from monitor.cli.mentions import when
from monitor.incidents import acting
from monitor.notify.incident_messages import facts_of, name_of
from monitor.service.scheduler import utc_now
from monitor.store import incidents
from monitor.store.database import at
from monitor.text.normalize import safe_line
from monitor.web import serializers


@app.command("incidents")
def show_incidents(
    number: Annotated[str, typer.Argument(metavar="[ID]", help="One incident. Without it: all, open ones first.")] = "",
    verb: Annotated[str, typer.Argument(metavar="[VERB]", help=f"{', '.join(acting.VERBS)}.")] = "",
    url: Annotated[str, typer.Option("--url", help="said: the address of our public post.")] = "",
    source: Annotated[str, typer.Option("--source", help="said: the source it was said on.")] = "",
    as_: Annotated[str, typer.Option("--as", help="Who is acting. Default: you.")] = "",
    as_json: AsJson = False,
) -> None:
    """List incidents, show one, take it, or end it."""
    with opened() as assembly:
        now, database = utc_now(), assembly.database
        if verb:
            who = speaker(assembly, as_, "take")
            said = acting.act(
                database, assembly.rules, number, verb, who=who, way="command line", now=now, url=url, source=source
            )
            console.print(line(said))
            return
        rows = [incidents.one(database, number)] if number else incidents.latest(database)
        found = [row for row in rows if row is not None]
        if number and not found:
            raise Failed(f"there is no incident {safe_line(number)}; earful incidents lists all")
        if as_json:
            for row in found:
                print_json(serializers.incident(database, row))
            return
        if not found:
            typer.echo("no incidents so far")
            return
        if number:
            (row,) = found
            console.print(line((name_of(database, row), "bold"), f" · {'over' if row['ended_at'] else 'open'}"))
            for fact in [*facts_of(database, assembly.rules, row, now), *([row["summary"]] if row["summary"] else [])]:
                console.print(line(fact))
            return
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in ("id", "began", "state", "people", "answered", "owner", "incident"):
            table.add_column(name, justify="right" if name in {"id", "people", "answered"} else "left")
        for row in found:
            table.add_row(
                row["id"], when(at(row["start_at"]), now, assembly.settings.zone),
                "over" if row["ended_at"] else "open", f"{row['people']:,}", f"{row['answered']:,}",
                Text(safe_line(row["owner"])), Text(safe_line(name_of(database, row))),
            )  # fmt: skip
        console.print(table)
