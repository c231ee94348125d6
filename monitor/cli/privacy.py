"""The command by which one person's data goes, when they ask for it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from monitor.cli.base import AsJson, Failed, app, console, opened, print_json, speaker
from monitor.people import audit
from monitor.privacy import export, forgetting
from monitor.service.scheduler import utc_now
from monitor.store import forgetting as store
from monitor.store import to_forget, wiping
from monitor.store.database import at
from monitor.text.normalize import safe_line
from monitor.wiring import Assembly

SourceOf = Annotated[str, typer.Option("--source", help="The source they wrote on.")]
AuthorOf = Annotated[
    str, typer.Option("--author", help="Their name there, with or without @. Use - to read it from standard input.")
]
MOST_LETTERS = 10_000  # of a name on standard input
HELD_UP = (
    "Another program reads the database all the time, so that the log beside it (-wal) still holds what was erased. A "
    "running daemon tries again every half minute; without one, stop that program and call earful erase --list."
)


@app.command()
def erase(
    source: SourceOf = "",
    author: AuthorOf = "",
    as_: Annotated[str, typer.Option("--as", help="Who is erasing. This is logged; the erased name is not.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List past erasures instead: when, and by whom.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase everything one author wrote, for good.

    Notes about them are erased too. With --author - the name is read from standard input, so it does not
    show up in the command history or the list of processes.
    """
    with opened() as assembly:
        if list_:
            if wiping.owed(assembly.database) is not None:
                wiping.wipe(assembly.database, utc_now())
            _list(assembly, as_json)
            return
        author = _whom(assembly, "erase", source, author)
        who = speaker(assembly, as_, "erase")
        found = forgetting.known(assembly.database, assembly.rules, source, author)
        if not found.names:
            if forgetting.leave_out(assembly.database, source, author, utc_now()):
                raise Failed(
                    f"no author of that name on {source}; earful mentions shows how names are written there. What "
                    "somebody of exactly that name has posted until now will not be stored"
                )
            found = forgetting.known(assembly.database, assembly.rules, source, author)  # stored a moment ago
        if not yes:
            _ask(found)
        done = forgetting.erase(
            assembly.database, assembly.rules, source, author, who=who, way="command line", now=utc_now()
        )
        overwritten = wiping.wipe(assembly.database, utc_now())
        if as_json:
            print_json({"source": source, "posts": done.posts, "cases": done.cases, "closed": done.open_cases,
                        "by": who.name, "mutes": list(done.mutes), "ignored_by": list(done.ignored),
                        "copies": list(done.left), "overwritten": overwritten,
                        "copies_deleted": sorted({*done.copies} - {*done.left})})  # fmt: skip
            return
        console.print(Text(f"Erased: {done.words}."))
        if done.copies:
            console.print(Text(done.copies_words, "dim"))
        if not overwritten:
            console.print(Text(f"! {HELD_UP}", "yellow"))
        for line in done.stays:
            console.print(Text(line, "dim"))


@app.command("export-person")
def export_person(
    source: SourceOf = "",
    author: AuthorOf = "",
    as_: Annotated[str, typer.Option("--as", help="Who is exporting. This is logged.")] = "",
) -> None:
    """Print everything stored about one author.

    As JSON, one object per line.
    """
    with opened() as assembly:
        author = _whom(assembly, "export-person", source, author)
        who, lines = speaker(assembly, as_, "export-person"), 0
        with assembly.database.transaction():
            for line in export.held_of(assembly.database, source, author, utc_now()):
                print_json(line)
                lines += 1
            if not lines:
                raise Failed(f"no author of that name on {source}; earful mentions shows how names are written there")
            audit.note(
                assembly.database, audit.Event.EXPORT, utc_now(), who=who, way="command line", address="this machine",
                about=f"one person on {source}", lines=lines,
            )  # fmt: skip


def _whom(assembly: Assembly, command: str, source: str, author: str) -> str:
    """The name that was meant, from the command or from standard input; Failed where none was, or no such source."""
    if author in {"", "-"}:
        if sys.stdin.isatty():
            author = typer.prompt("Their name there", default="", show_default=False, err=True) if author else ""
        else:
            author = sys.stdin.readline(MOST_LETTERS)
    if not author.strip():
        raise Failed(f"name the author: earful {command} --source NAME --author NAME")
    known = list(dict.fromkeys([*assembly.rules.sources, *to_forget.sources_with_posts(assembly.database)]))
    if source not in known:
        raise Failed(f"--source {source!r}: write one of {', '.join(known)}")
    return author.strip()


def _ask(found: forgetting.Known) -> None:
    names = ", ".join(safe_line(name) for name in found.names)
    console.print(Text(f"{names} on {found.source}: {found.words}.", "bold"))
    console.print(
        "Their posts, names and links are erased, and so are your notes about them. Open cases are closed. Counts and "
        "times stay. This cannot be undone.",
    )
    if found.copies:
        console.print(Text(found.copies_words))
    if not sys.stdin.isatty():
        raise Failed("nothing was erased: no terminal to ask on; --yes erases without asking")
    if not typer.confirm("Erase all of it?", default=False):
        raise Failed("nothing was erased")


def _list(assembly: Assembly, as_json: bool) -> None:
    rows = store.noted(assembly.database)
    if as_json:
        for row in rows:
            print_json({key: row[key] for key in ("at", "source", "who", "way", "posts", "cases")})
        return
    if not rows:
        typer.echo("Nobody has been erased.")
        return
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2))
    for name in ("when", "source", "by", "way"):
        table.add_column(name, no_wrap=True)
    for name in ("posts", "cases"):
        table.add_column(name, justify="right")
    for row in rows:
        when = f"{at(row['at']).astimezone(assembly.settings.zone):%d %b %Y %H:%M}"
        table.add_row(
            when, row["source"], Text(safe_line(row["who"])), row["way"], str(row["posts"]), str(row["cases"])
        )
    console.print(table)
