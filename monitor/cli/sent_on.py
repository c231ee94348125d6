"""The command for what went on in private: what somebody sent on and nobody has closed, and one word for all of it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from alerts.wording import count_words
from monitor.cases.own_lists import all_solved, sent_on_by
from monitor.cli.base import AsJson, Failed, app, console, opened, print_json, speaker
from monitor.cli.mentions import when
from monitor.notify.case_words import author_of
from monitor.service.scheduler import utc_now
from monitor.store import cases
from monitor.store.database import stamp
from monitor.text.normalize import safe_line


@app.command("sent-on")
def sent_on(
    verb: Annotated[str, typer.Argument(metavar="[VERB]", help='"solved" closes all of them as solved.')] = "",
    as_: Annotated[str, typer.Option("--as", help="Whose cases, and who is acting. Default: you.")] = "",
    as_json: AsJson = False,
) -> None:
    """List cases moved to private messages, or close them."""
    if verb not in {"", "solved"}:
        raise Failed(f"{safe_line(verb)!r} is not an action for all of them; write solved, or use earful case NUMBER")
    with opened() as assembly:
        now, who = utc_now(), speaker(assembly, as_, "close" if verb else "read")
        if verb:
            with assembly.database.transaction():
                count = all_solved(assembly.database, assembly.rules, who, "command line", now)
            typer.echo(
                f"{count_words(count, 'case')} closed as solved"
                if count
                else "none of the cases you moved to private messages is open"
            )
            return
        found = [cases.case_of(row) for row in sent_on_by(assembly.database, assembly.rules, who.id)]
        if as_json:
            for case in found:
                print_json({"id": case.id, "author": case.author, "source": case.source, "at": stamp(case.answered_at)})
            return
        if not found:
            typer.echo(f"none of the cases {safe_line(who.name)} moved to private messages is open")
            return
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in ("case", "moved", "source", "author"):
            table.add_column(name, justify="right" if name == "case" else "left")
        for case in found:
            at = when(case.answered_at, now, assembly.settings.zone) if case.answered_at else ""
            table.add_row(case.id, at, Text(safe_line(case.source)), Text(safe_line(author_of(case, assembly.rules))))
        console.print(table)
