"""Commands for the settings: write them, check them, have the daemon read them again."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from alerts.wording import count_words
from monitor.assistant.standing import greet
from monitor.cli.base import Failed, app, console, line, load_settings, settings_path
from monitor.cli.costs import lines as cost_lines
from monitor.cli.sources import ask, ask_source
from monitor.people import duty
from monitor.replying.writers import Writers
from monitor.reports.at_work import joined, named
from monitor.service.console_view import program
from monitor.service.membership import announce
from monitor.service.scheduler import utc_now
from monitor.settings.accounts import handle_of
from monitor.settings.agreement import differing
from monitor.settings.environment import NAME as SECRETS
from monitor.settings.environment import is_kept_from
from monitor.settings.models import Settings
from monitor.settings.rules import Rules
from monitor.settings.warnings import worth_a_look
from monitor.setup import commands
from monitor.store import cases, workers
from monitor.store.connect import holder_of, open_database
from monitor.store.database import Database, DatabaseUnusable
from monitor.store.moving import refuse_moved
from monitor.store.postgresql import Postgresql
from monitor.store.schema import version_of
from monitor.store.sqlite import Sqlite
from monitor.store.workers import Worker
from monitor.text.normalize import safe_line
from monitor.text.query.subject import Subject
from monitor.trackers.clients import Trackers
from monitor.wiring import channels_of, judge_of, open_store, queries_of, reader_trouble, sign_ins

ANSWER_WITHIN = 15.0  # seconds in which workers take new settings


@app.command()
def init(
    brand: Annotated[str, typer.Option("--brand", help="What to watch for: a word, a name or a query.")] = "",
    output: Annotated[Path | None, typer.Option("--output", help="Where to write the settings.")] = None,
    name: Annotated[str, typer.Option("--name", help="The brand's name. Default: the query's first word.")] = "",
    zone: Annotated[str, typer.Option("--zone", help='Your team\'s time zone, such as "Europe/Berlin".')] = "",
    hours: Annotated[str, typer.Option("--hours", help="Opening hours; alone: when you may be called.")] = "",
    team: Annotated[str, typer.Option("--team", help="How many people answer: 1, few or shifts.")] = "",
    person: Annotated[str, typer.Option("--person", help="Your name, if you answer alone.")] = "",
    ntfy: Annotated[bool | None, typer.Option("--ntfy/--no-ntfy", help="Alone: alerts go to your phone.")] = None,
    trade: Annotated[str, typer.Option("--trade", help="Your trade, for the list of causes you begin with.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; use the defaults.")] = False,
) -> None:
    """Write the settings of a real installation.

    Every source that needs no key is switched on.
    """
    given = {"brand": brand, "zone": zone, "team": team, "person": person, "hours": hours, "trade": trade}
    for about, text in (given | {"output": str(output or "")}).items():
        if text:
            commands.QUESTIONS[about][1](text)  # before the first question: a wrong option would cost the answers
    if output and ntfy and team and commands.team_of(team) == "1":
        commands.refuse_standing_secrets(commands.place_of(str(output)))
    if not yes:
        brand = brand or _asked("brand")
        place = Path.home() / ".config" / "earful" / "settings.toml"
        output = output or Path(_asked("output", str(place)))
        zone = zone or (_asked("zone", "UTC") if commands.machine_zone() == "UTC" else "")
        team = team or _asked("team", "a few")
        alone = commands.team_of(team) == "1"
        if alone and ntfy:
            commands.refuse_standing_secrets(commands.place_of(str(output)))  # before more is asked
        if alone:
            person = person or _asked("person", commands.login_name())
        hours = hours or _asked("calls" if alone else "hours", commands.HOURS)
        if alone and ntfy is None:
            ntfy = _by_phone(commands.place_of(str(output)))
        trade = trade or _asked("trade", "general")
    if not brand:
        raise Failed("say what to watch for: earful init --brand QUERY --output FILE --yes")
    if output is None:
        raise Failed("say where to save the settings: --output FILE")
    place = output.expanduser().absolute()
    typer.echo(
        commands.init(
            brand,
            place,
            name=name,
            zone=zone,
            hours=hours or commands.HOURS,
            team=commands.team_of(team or "few"),
            person=person or commands.login_name(),
            ntfy=bool(ntfy),
            trade=commands.trade_of(trade or "general"),
            program=program(),
        )
    )


def _by_phone(settings: Path) -> bool:
    """Ask whether alerts go to a phone, until it can be done: other answers are not to be lost for that."""
    while commands.yes_of(_asked("ntfy", "no" if settings.with_name(SECRETS).exists() else "yes")):
        try:
            commands.refuse_standing_secrets(settings)
        except commands.InstallError as error:
            typer.echo(f"  {error}")
        else:
            return True
    return False


def _asked(about: str, default: str | None = None) -> str:
    """Ask one question until the answer can be used: a slip in one must not cost the others."""
    question, read = commands.QUESTIONS[about]
    while True:
        answer = str(typer.prompt(question, default=default))
        try:
            read(answer)
        except commands.InstallError as error:
            typer.echo(f"  {error}")
        else:
            return answer


@app.command()
def reload() -> None:
    """Reload the settings if they are valid.

    On PostgreSQL every worker does, on each machine from its own file.
    """
    settings = load_settings()
    if not settings.database.url.get_secret_value().startswith("sqlite:"):
        _reload_everywhere(settings)
        return
    pid = holder_of(settings.database.url.get_secret_value())
    if pid is None:
        raise Failed("no daemon is running on this database on this machine; start it with: earful run")
    os.kill(pid, signal.SIGHUP)
    typer.echo(f"The settings are valid; process {pid} is loading them.")
    _keeps_secrets(pid)


def _keeps_secrets(pid: int) -> None:
    process = Path(f"/proc/{pid}")  # Linux's; elsewhere there is no systemd either
    if process.exists() and is_kept_from(settings_path(), process.stat().st_uid):
        typer.echo("It keeps the secrets it started with. If you changed one: sudo systemctl restart earful")


def _reload_everywhere(settings: Settings) -> None:
    """Have all workers read their files again; say which of them have the same one, as far as they answer in time."""
    database = open_store(settings, utc_now())
    try:
        if not (found := workers.living(database)):
            raise Failed("no daemon is running on this database; start it with: earful run")
        agreed = announce(database, settings)
        typer.echo(f"The settings are valid; {count_words(len(found), 'worker')} will load them.")
        end = time.monotonic() + ANSWER_WITHIN
        while (waits := _behind(database, agreed.generation)) and time.monotonic() < end:
            threading.Event().wait(0.2)
        for each in waits:
            other = differing(agreed.settings, each.settings)
            what = f"reads another file there ({joined(other)})" if other else "has not answered yet"
            console.print(line(("!", "yellow"), f" {named(each, found)} {what}"))
        if waits:
            raise Failed(
                f"put the same {settings.file.name} there: whoever does not have it within five minutes stops, and "
                "starts again only with it. Who has it by now: earful status"
            )
        typer.echo("All of them work by these settings now.")
        for each in found:
            if each.host == socket.gethostname():
                _keeps_secrets(each.pid)
    finally:
        database.close()


def _behind(database: Database, generation: int) -> list[Worker]:
    return [each for each in workers.living(database) if each.generation < generation]


@app.command()
def check(
    online: Annotated[bool, typer.Option("--online", help="Also contact each source and channel once.")] = False,
) -> None:
    """Check the settings and say how to fix each problem."""
    settings = load_settings()
    url = settings.database.url.get_secret_value()
    if url.startswith("sqlite:"):
        refuse_moved(Path(url.removeprefix("sqlite:")))
    with _database_there(settings) as database:
        knows = database is not None and database.has_table("leases")
        signed_in = sign_ins(settings, utc_now(), database if knows else None)
        lost = _belongs_to_nothing(settings, database) if database is not None else []
    for warning in [*worth_a_look(settings), *lost]:
        console.print(Text.assemble(("! ", "yellow"), safe_line(warning)))
    for trouble in (*judge_of(settings, queries_of(settings)).trouble, *reader_trouble(settings)):
        console.print(line(("!", "yellow"), f" {trouble}"))
    if not any(channel.wakes for channel in channels_of(settings).values()):
        console.print(
            line(
                ("!", "yellow"),
                " No channel can wake anyone at night, so a critical case waits until someone looks. "
                "Set `wakes = true` on a channel that rings a telephone.",
            ),
        )
    rules, now = Rules(settings), utc_now()
    if uncovered := [duty.gap_words(gap, settings.zone) for gap in duty.gaps_ahead(rules, now)]:
        said = f"{', '.join(uncovered)}: nobody is on shift, so alerts go to leads"
        console.print(line(("!", "yellow"), f" {said}"))
    for unheard in unheard_handles(settings):
        console.print(line(("!", "yellow"), f" {unheard}"))
    for each in signed_in.values():
        console.print(line(("!", "yellow") if each.wrong else ("ok", "green"), f" {each.words}"))
    for cost in cost_lines(settings, utc_now()):
        console.print(line(cost))
    ways = [channel.name for channel in settings.channels if channel.kind != "console"]
    if len(ways) == 1 and settings.earful.dead_man_url is None:
        said = (
            f"{ways[0]} is the only channel: while it is down, nobody is alerted or even knows. Add a "
            "second [[channels]] table and name it under [alerts] fallback, or set [earful] dead_man_url."
        )
        console.print(Text.assemble(("!", "yellow"), f" {said}"))
    counted = ", ".join(
        count_words(len(each), word)
        for each, word in ((settings.brands, "brand"), (settings.sources, "source"), (settings.channels, "channel"))
    )
    console.print(line(("ok", "green"), f" {settings.file.name}: {counted}"))
    if online and not _online(settings):
        raise typer.Exit(1)


def unheard_handles(settings: Settings) -> list[str]:
    """The handles that a search by the brand's query would miss, in sentences.

    What names only the account is heard where it comes by anyway; no search brings it.
    """
    queries = queries_of(settings)
    found = []
    for source in settings.sources:
        for brand in settings.brands:
            names = [name for place in (source.name, source.kind) for name in brand.accounts.get(place, ())]
            read = {handle_of(name) for name in getattr(source.options, "mentions_of", ())}
            missed = [
                f"@{handle_of(name)}"
                for name in dict.fromkeys(names)
                if not handle_of(name).isdigit()
                and queries[brand.name].match(Subject(f"@{handle_of(name)} hello", source=source.name)) is None
            ]
            if source.enabled and missed:
                unread = [name for name in missed if name.removeprefix("@") not in read]
                also = ", or to mentions_of" if hasattr(source.options, "mentions_of") else ""
                remedy = f"add {', '.join(unread)} to the query{also}" if unread else "mentions_of still reads them"
                found.append(
                    f"{source.name}: the query for {brand.name} misses posts that mention only "
                    f"{', '.join(missed)}; {remedy}"
                )
    return found


@contextmanager
def _database_there(settings: Settings) -> Iterator[Sqlite | Postgresql | None]:
    """The database, where there is one that can be asked: what is wrong with it says whatever opens it."""
    url = settings.database.url.get_secret_value()
    if url.startswith("sqlite:") and not Path(url.removeprefix("sqlite:")).is_file():
        yield None
        return
    try:
        database = open_database(url)
    except DatabaseUnusable:
        yield None
        return
    try:
        yield database if version_of(database) else None
    finally:
        database.close()


def _belongs_to_nothing(settings: Settings, database: Database) -> list[str]:
    """Open cases of sources and brands that the settings do not name."""
    known = {
        "source": [name for each in settings.sources for name in (each.name, *each.was)],
        "brand": [name for each in settings.brands for name in (each.name, *each.was)],
    }
    rows = cases.open_without(database, known["source"], known["brand"])
    return [
        f"{count_words(row['n'], 'open case')} of the {row['what']} {row['name']!r}, which is not in these settings: "
        f'if it was renamed, write under its new name was = ["{row["name"]}"]; otherwise close them'
        for row in rows
    ]


def _who_replies(writers: Writers, name: str) -> str:
    """Who would post on this source, by the credentials for replies; nothing is posted."""
    return f"replies are posted as {writers.standing(name, utc_now()).account}, when a person presses"


def _online(settings: Settings) -> bool:
    table = Table(box=None, pad_edge=False, show_header=False)
    well = True
    for source in settings.sources:
        if not source.enabled:
            continue
        said, good = ask(partial(ask_source, settings, source), source.deadline.total_seconds())
        well &= good
        table.add_row(_mark(good), source.name, line(said))
    writers = Writers(settings)
    for name in writers.names():
        said, good = ask(partial(_who_replies, writers, name), 30)
        well &= good
        table.add_row(_mark(good), f"{name}, replies", line(said))
    trackers = Trackers(settings)
    for name in trackers.names():
        said, good = ask(partial(trackers.ask, name, lambda tracker: tracker.check(utc_now())), 30)
        well &= good
        table.add_row(_mark(good), f"{name}, issues", line(said))
    for name, channel in channels_of(settings).items():
        said, good = ask(channel.check, 30)
        well &= good
        table.add_row(_mark(good), name, line(said))
    if settings.assistant.address:
        said, good = greet(settings)
        well &= good
        table.add_row(_mark(good), "assistant", line(said))
    console.print(table)
    return well


def _mark(good: bool) -> Text:
    return Text("ok", "green") if good else Text("no", "red")
