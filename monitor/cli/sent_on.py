"""The command for what went on in private: what somebody sent on and nobody has closed, and one word for all of it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from alerts.wording import count_words
from monitor.cases.own_lists import all_solved, sent_on_by
from monitor.cli.base import AsJson, Failed, app, console, opened, print_json, speaker
from monitor.cli.cases import when
from monitor.notify.rendering import author_of
from monitor.service.scheduler import utc_now
from monitor.store import cases
from monitor.store.database import stamp
from monitor.text.normalize import safe_line


@app.command("sent-on")
def sent_on(
    verb: Annotated[str, typer.Argument(metavar="[VERB]", help='"solved" closes all of them as solved.')] = "",
    as_: Annotated[str, typer.Option("--as", help="Whose they are, and who says it.")] = "",
    as_json: AsJson = False,
) -> None:
    """List what went on in private, or close it as solved."""
    if verb not in {"", "solved"}:
        raise Failed(f"{safe_line(verb)!r} cannot be done to all of them: write solved, or name one case by its number")
    with opened() as assembly:
        now, who = utc_now(), speaker(assembly, as_, "close" if verb else "read")
        if verb:
            with assembly.database.transaction():
                count = all_solved(assembly.database, assembly.rules, who, "command line", now)
            typer.echo(
                f"{count_words(count, 'case')} closed as solved" if count else "nothing that you sent on is open"
            )
            return
        found = [cases.case_of(row) for row in sent_on_by(assembly.database, assembly.rules, who.id)]
        if as_json:
            for case in found:
                print_json({"id": case.id, "author": case.author, "source": case.source, "at": stamp(case.answered_at)})
            return
        if not found:
            typer.echo(f"nothing that {safe_line(who.name)} sent on is open")
            return
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in ("case", "sent on", "source", "who"):
            table.add_column(name, justify="right" if name == "case" else "left")
        for case in found:
            at = when(case.answered_at, now, assembly.settings.zone) if case.answered_at else ""
            table.add_row(case.id, at, Text(safe_line(case.source)), Text(safe_line(author_of(case, assembly.rules))))
        console.print(table)
