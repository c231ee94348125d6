"""The command for who is on: who is now, who is away, and one word to be away or back."""

from __future__ import annotations

from typing import Annotated

import typer

from monitor.cases import handing_over
from monitor.cli.base import AsJson, Failed, app, console, line, opened, print_json, speaker
from monitor.people import duty
from monitor.people.identity import Directory
from monitor.service.scheduler import utc_now


@app.command("away")
def away(
    name: Annotated[str, typer.Argument(help="Who is away. Without it: show who is on, and who is away.")] = "",
    until: Annotated[str, typer.Option("--until", help='mon, tomorrow, 2026-12-07, "2026-12-07 13:00" or 3h.')] = "",
    back: Annotated[bool, typer.Option("--back", help="They are back already.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say who is away until when, or show who is on.

    Their open cases are offered to whoever is on, and nobody alerts them until they are back."""
    if name and bool(until) == back:
        raise Failed("write --until mon (or a date), or --back")
    with opened() as assembly:
        now = utc_now()
        if name:
            directory = Directory(assembly.database, assembly.settings)
            whom = directory.find(name)
            if whom is None:
                raise Failed(directory.nobody(name))
            who = speaker(assembly, "")
            with assembly.database.transaction():
                said = (
                    handing_over.come_back(
                        assembly.database, assembly.rules, who, way="command line", now=now, whom=whom
                    )
                    if back
                    else handing_over.go_away(
                        assembly.database, assembly.rules, who, until, way="command line", now=now, whom=whom
                    )
                )
            console.print(line(said))
            return
        found = duty.on_now(assembly.database, assembly.rules, now, assembly.settings.zone)
        if as_json:
            print_json({"on": found.on, "away": {each.name: each.until for each in found.away},
                        "uncovered": found.uncovered})  # fmt: skip
            return
        nobody = "nobody; only critical cases alert anyone" if found.closed else "nobody; alerts go to leads"
        console.print(line(("on now:", "dim"), f" {', '.join(found.on) or nobody}"))
        for each in found.away:
            console.print(line(("away:", "dim"), f" {each.name} until {each.until}"))
        if found.uncovered:
            console.print(line(("nobody:", "dim"), f" {', '.join(found.uncovered)}"))
