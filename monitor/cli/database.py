"""Commands that move data: one round of reading, importing, backup and restore."""

from __future__ import annotations

import getpass
import time
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from alerts.wording import count_words, with_remedy
from monitor.cli.base import AsJson, Failed, app, console, load_settings, opened, print_json
from monitor.ingest import file_import
from monitor.ingest.judge_processes import JudgeProcesses, processes_for
from monitor.people import audit
from monitor.people.identity import of_shell
from monitor.privacy.carrying_over import carry_over
from monitor.service.scheduler import utc_now
from monitor.store import forgotten, mentions, sources, token_files, wiping
from monitor.store.backup import restore_to
from monitor.store.database import DatabaseUnusable
from monitor.store.moving import refuse_moved
from monitor.store.renames import know_names
from monitor.store.schema import migrate
from monitor.store.sqlite import Sqlite
from monitor.wiring import open_store, settle


@app.command()
def collect(source: Annotated[str, typer.Argument(metavar="[SOURCE]", help="Only this source.")] = "") -> None:
    """Read every source, or one of them, once now.

    Alerts that follow from it are sent. What could not be judged and was set aside is tried again.
    """
    with opened(secrets=True) as assembly:
        names = [source] if source else [each.name for each in assembly.settings.sources if each.enabled]
        well = True
        for name in names:
            if name not in assembly.collector.connectors:
                known = ", ".join(assembly.collector.connectors)
                raise Failed(f"no source named {name}; the settings have: {known}")
            assembly.collector.judging.try_again(name)  # what was set aside is judged once more
            visits = [assembly.collector.visit(name, "posts", utc_now)]
            if assembly.collector.reads_own(name):
                visits.append(assembly.collector.visit(name, "own", utc_now))
            if None in visits:
                words = "another process reads it at the moment, or has the file that it needs"
                console.print(Text(f"{name}: {words}"))
            told: set[str] = set()
            for visit in filter(None, visits):
                well &= not visit.error
                if visit.error and visit.error in told:  # neither posts nor own replies can be read, for one reason
                    continue
                told.add(visit.error or "")
                taken = visit.taken
                line = f"{name}: {taken.seen} read, {taken.matched} about a brand, {taken.new} new, "
                line += f"{taken.flagged} flagged, "
                line += count_words(len(taken.opened), "case opened", "cases opened")
                line += f", {visit.aside} set aside" if visit.aside else ""
                console.print(
                    Text(
                        line if not visit.error else f"{name}: {with_remedy(visit.error, visit.remedy)}",
                        "" if not visit.error else "red",
                    ),
                )
        for channel in assembly.alerting.due(utc_now()):
            assembly.alerting.serve(channel, utc_now)
        if not well:
            raise typer.Exit(1)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A CSV or JSON-lines file.")],
    source: Annotated[str, typer.Option("--source", help="The source to store these posts under.")] = "import",
    id_: Annotated[str, typer.Option("--id", help="Column with the post's id.")] = "id",
    text: Annotated[str, typer.Option("--text", help="Column with its text.")] = "text",
    author: Annotated[str, typer.Option("--author", help="Column with its author.")] = "",
    posted_at: Annotated[str, typer.Option("--posted-at", help="Column with its date and time.")] = "",
    rating: Annotated[str, typer.Option("--rating", help="Column with its star rating.")] = "",
    url: Annotated[str, typer.Option("--url", help="Column with its link.")] = "",
    thread: Annotated[str, typer.Option("--thread", help="Column with its thread.")] = "",
    reply: Annotated[str, typer.Option("--reply", help="Column with your reply.")] = "",
    replied_at: Annotated[str, typer.Option("--replied-at", help="Column with the time of your reply.")] = "",
    brand: Annotated[str, typer.Option("--brand", help="Treat all posts as about this brand.")] = "",
    dates: Annotated[
        str,
        typer.Option("--dates", help="How to read dates such as 03/04/2026: dmy, mdy or ymd. Default: detected."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Import a file of posts.

    Old posts open cases, but nobody is alerted."""
    columns = file_import.Columns(id_, text, author, posted_at, rating, url, thread, reply, replied_at)
    with opened() as assembly:
        if brand and brand not in assembly.queries:
            raise Failed(f"no brand named {brand}; the settings have: {', '.join(assembly.queries)}")
        if dates and dates not in file_import.ORDERS:
            raise Failed(f"--dates {dates}: write dmy (day first), mdy (month first) or ymd (year first)")
        must_be_a_file(file)
        settle()
        now = utc_now()
        if not posted_at:
            typer.echo("! without --posted-at, all posts count as new, and your team is alerted", err=True)
        # The processes get ready while the file is looked through.
        with JudgeProcesses(
            assembly.intake.judge, assembly.queries, brand, number=processes_for(file.stat().st_size)
        ) as processes:
            reading = file_import.Reading(
                file, source, columns, now, order=file_import.ORDERS.get(dates),
                known=partial(mentions.written_under, assembly.database, source)
                if mentions.has_source(assembly.database, source) else None,
            )  # fmt: skip
            started = time.monotonic()
            with progress_bar(as_json) as bar:
                task = bar.add_task("importing", total=reading.size)
                taken = assembly.intake.take(
                    reading.posts(),
                    now,
                    brand=brand,
                    ahead=processes,
                    each_chunk=lambda _n: bar.update(task, completed=reading.read),
                )
                bar.update(task, completed=reading.size)
        if reading.aside:
            with assembly.database.transaction():
                sources.set_aside(assembly.database, source, reading.aside, now)
        seconds = time.monotonic() - started
        result = {
            "read": taken.seen, "matched": taken.matched, "unmatched": taken.seen - taken.matched, "new": taken.new,
            "flagged": taken.flagged, "forgotten": taken.forgotten, "cases": len(taken.opened),
            "aside": len(reading.aside), "repeated": reading.repeated, "dates": reading.order,
            "seconds": round(seconds, 3), "posts_per_second": round(taken.seen / seconds) if seconds else None,
        }  # fmt: skip
        if as_json:
            print_json(result)
            return
        console.print(
            f"{taken.seen:,} read, {taken.matched:,} about a brand ({result['unmatched']:,} not kept), "
            f"{taken.new:,} new, {taken.flagged:,} flagged, {len(taken.opened):,} cases opened"
            + (f", {len(reading.aside):,} set aside" if reading.aside else ""),
        )
        if taken.forgotten:
            left = count_words(taken.forgotten, "post")
            console.print(f"{left} skipped: erased here, or deleted on the network")
        for note in reading.notes():
            console.print(Text(f"! {note}", "yellow"))
        for each in reading.aside[:5]:
            console.print(Text(f"! {each.reason}", "yellow"))


def must_be_a_file(file: Path) -> None:
    """Refuse by name what is no file."""
    if not file.is_file():
        raise Failed(f"{file}: {'not a file' if file.exists() else 'no such file'}")


def progress_bar(quiet: bool, on: Console = console) -> Progress:
    """A bar that counts what is done; nothing is shown where nobody looks at a terminal."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=on, transient=True, disable=quiet or not on.is_terminal,
    )  # fmt: skip


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="Where to write the copy.")]) -> None:
    """Write a checked copy of the database.

    The daemon can keep running.
    """
    if file.is_dir():
        raise Failed(f"{file} is a folder; name a file in it, such as {file / 'earful.sqlite'}")
    settings = load_settings(secrets=False)
    database = open_store(settings, utc_now())
    try:
        if not isinstance(database, Sqlite):
            raise Failed("this database is PostgreSQL: use pg_dump, which can copy it while it is in use")
        database.backup_to(file.absolute())
        who = of_shell(getpass.getuser())
        audit.note(database, audit.Event.EXPORT, utc_now(), who=who, way="command line", about="the whole database")
        typer.echo(f"Wrote {file} ({file.stat().st_size:,} bytes, checked). Restore it with: earful restore {file}")
        if left_out := token_files.kept(settings.state_folder):
            folder = settings.state_folder / token_files.FOLDER
            typer.echo(f"Not in it: the sign-ins in {folder} ({', '.join(left_out)}). Elsewhere, sign in again.")
    except OSError as error:
        raise Failed(f"{file}: {error.strerror}") from error
    finally:
        database.close()


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A copy that `earful backup` wrote.")],
    verify: Annotated[bool, typer.Option("--verify", help="Only check the copy. Changes nothing.")] = False,
) -> None:
    """Replace the database with a copy.

    Stop the daemon first. The old database is kept beside it."""
    settings = load_settings(secrets=False)
    url = settings.database.url.get_secret_value()
    if not url.startswith("sqlite:"):
        raise Failed("this database is PostgreSQL: use pg_restore")
    path = Path(url.removeprefix("sqlite:"))
    if not verify:
        refuse_moved(path)
    try:
        typer.echo(restore_to(file.absolute(), path, utc_now(), only_check=verify))
        if not verify and (said := _forget_again(path)):
            typer.echo(said)
        if not verify:
            _note_restored(path)
    except DatabaseUnusable as error:
        raise Failed(str(error)) from error


def _note_restored(path: Path) -> None:
    """A line in the copy's own audit log, which knows nothing of what happened since; an older copy has no such log."""
    database = Sqlite(path)
    try:
        if database.has_table("audit"):
            who = of_shell(getpass.getuser())
            audit.note(database, audit.Event.RESTORED, utc_now(), who=who, way="command line")
    finally:
        database.close()


def _forget_again(path: Path) -> str:
    """What was erased since a copy was made goes out of it, too; what was done, in words.

    A copy of an older schema, without anything to carry over, stays as it is: whoever goes back a version needs it so.
    """
    database = Sqlite(path)
    try:
        listed = forgotten.list_file(database)
        if not database.has_table("forgotten") and not (listed and listed.exists()):
            return ""
        before = set(database.copies())
        migrate(database, utc_now())
        know_names(database)
        carried = carry_over(database, utc_now())
        if carried.posts:
            wiping.wipe(database, utc_now())
            database.delete_copies(set(database.copies()) - before)  # made a moment ago, with the words in it
        return carried.words
    finally:
        database.close()
