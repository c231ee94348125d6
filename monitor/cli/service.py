"""Commands that start something, or prepare that it can be started."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from alerts import ChannelError
from alerts.wording import count_words
from connectors import Batch, ConnectorError, Request
from monitor.cli.base import Failed, app, console, load_settings, one_line, opened, settings_path
from monitor.cli.costs import costs
from monitor.cli.costs import lines as cost_lines
from monitor.notify.outbox import resend_dead
from monitor.service import process
from monitor.service.console_view import program
from monitor.service.scheduler import utc_now
from monitor.settings.accounts import handle_of
from monitor.settings.loading import load
from monitor.settings.models import Settings, Source
from monitor.settings.warnings import worth_a_look
from monitor.setup import commands
from monitor.store import cases, sources
from monitor.store.connect import holder_of, open_database
from monitor.store.database import DatabaseUnusable
from monitor.store.schema import version_of
from monitor.text.normalize import safe_line
from monitor.text.query.matching import brands_in
from monitor.text.query.subject import Subject
from monitor.timeouts import Overran, within
from monitor.wiring import assemble, channels_of, connector_of, judge_of, know_sources, open_store, queries_of

Debug = Annotated[bool, typer.Option("--debug", help="Log what happens inside.")]


@app.command()
def run(
    debug: Debug = False,
    watch: Annotated[
        bool | None, typer.Option("--watch/--no-watch", help="Print posts as they arrive (a person is looking).")
    ] = None,
) -> None:
    """Run the daemon until it is stopped."""
    path = settings_path()
    settings = load(path, os.environ)
    show = settings.database.throwaway if watch is None else watch
    raise typer.Exit(process.run(path, os.environ, show=show, level=logging.DEBUG if debug else logging.INFO))


@app.command()
def demo(
    brand: Annotated[
        str, typer.Option("--brand", help="A brand to listen for, live; without it, the sample day.")
    ] = "",
    debug: Debug = False,
) -> None:
    """Show the sample day of a made-up brand, or live posts.

    With --brand: live posts about it from every source that needs no key. Nothing to set up.
    """
    path = commands.demo_settings(brand, commands.CHECKOUT) if brand else commands.CHECKOUT / "settings.toml"
    level = logging.DEBUG if debug else logging.INFO
    raise typer.Exit(process.run(path, os.environ, show=True, level=level, demo=True))


@app.command()
def init(
    brand: Annotated[str, typer.Option("--brand", help="What to listen for: a word, a name, or a whole query.")] = "",
    output: Annotated[Path | None, typer.Option("--output", help="Where to write the settings.")] = None,
    name: Annotated[str, typer.Option("--name", help="The brand's name, if it is not the query's first word.")] = "",
    zone: Annotated[str, typer.Option("--zone", help='The desk\'s time zone, such as "Europe/Berlin".')] = "",
    hours: Annotated[str, typer.Option("--hours", help="Opening hours.")] = commands.HOURS,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; take the defaults.")] = False,
) -> None:
    """Write the settings of a real installation.

    Every source that needs no key is switched on; the others stand in the file, ready to be.
    """
    if not yes:
        brand = brand or _asked("brand")
        place = output or Path.home() / ".config" / "earful" / "settings.toml"
        output = output or Path(typer.prompt("Where should the settings stand?", default=str(place)))
        zone = zone or _asked("zone", commands.machine_zone())
        hours = _asked("hours", hours)
    if not brand:
        raise Failed("say what to listen for: earful init --brand QUERY --output FILE --yes")
    if output is None:
        raise Failed("say where the settings should stand: --output FILE")
    place = output.expanduser().absolute()
    typer.echo(commands.init(brand, place, name=name, zone=zone, hours=hours, program=program()))


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
def service(user: Annotated[str, typer.Option("--user", help="The system user that it runs as.")] = "") -> None:
    """Print a systemd unit for this installation.

    The four commands that install it stand at its head.
    """
    load_settings(secrets=False)
    executable = Path(sys.argv[0]).absolute()
    typer.echo(commands.service(settings_path().absolute(), executable, user or os.environ.get("USER", "earful")))


@app.command("slack-manifest")
def slack_manifest() -> None:
    """Print the manifest of the Slack app.

    Paste it at api.slack.com/apps: Create New App, From a manifest. The steps are said on the error output.
    """
    typer.echo(commands.SLACK_STEPS, err=True)
    typer.echo(commands.slack_manifest())


@app.command()
def reload() -> None:
    """Have the daemon take the settings anew, if they are sound."""
    settings = load_settings()
    pid = holder_of(settings.database.url.get_secret_value())
    if pid is None:
        raise Failed("no daemon runs on this database on this machine; start it with: earful run")
    os.kill(pid, signal.SIGHUP)
    typer.echo(f"The settings are sound; process {pid} takes them now.")


@app.command()
def check(
    online: Annotated[bool, typer.Option("--online", help="Also call each source and channel once.")] = False,
) -> None:
    """Check the settings: every fault, each with what to write."""
    settings = load_settings()
    for warning in [*worth_a_look(settings), *_belongs_to_nothing(settings)]:
        console.print(Text.assemble(("! ", "yellow"), safe_line(warning)), soft_wrap=one_line)
    for trouble in judge_of(settings, queries_of(settings)).trouble:
        console.print(f"[yellow]![/] {safe_line(trouble)}", soft_wrap=one_line)
    if not any(channel.wakes for channel in channels_of(settings).values()):
        console.print(
            "[yellow]![/] no channel can wake a person at night: a critical case waits until somebody looks. "
            "Set `wakes = true` on a channel that rings a telephone.",
            soft_wrap=one_line,
        )
    for unheard in unheard_handles(settings):
        console.print(f"[yellow]![/] {_plain(unheard)}", soft_wrap=one_line)
    for line in cost_lines(settings, utc_now()):
        console.print(_plain(line), soft_wrap=one_line)
    ways = [channel.name for channel in settings.channels if channel.kind != "console"]
    if len(ways) == 1 and settings.earful.dead_man_url is None:
        said = (
            f"{ways[0]} is the only channel: while it is down, nobody is alerted, and nobody hears of that. Add a "
            "second [[channels]] table and name it under [alerts] fallback, or set [earful] dead_man_url."
        )
        console.print(Text.assemble(("!", "yellow"), f" {said}"), soft_wrap=one_line)
    counted = ", ".join(
        count_words(len(each), word)
        for each, word in ((settings.brands, "brand"), (settings.sources, "source"), (settings.channels, "channel"))
    )
    console.print(f"[green]ok[/] {settings.file.name}: {counted}", soft_wrap=one_line)
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
                remedy = (
                    f"add {', '.join(unread)} to the query{also}" if unread else "mentions_of reads them all the same"
                )
                found.append(
                    f"{source.name}: the query of {brand.name} does not find posts that name only "
                    f"{', '.join(missed)}; {remedy}"
                )
    return found


def _belongs_to_nothing(settings: Settings) -> list[str]:
    """Open cases of sources and brands that the settings do not name; nothing where there is no database yet."""
    url = settings.database.url.get_secret_value()
    if url.startswith("sqlite:") and not Path(url.removeprefix("sqlite:")).is_file():
        return []
    try:
        database = open_database(url)
    except DatabaseUnusable:
        return []  # check looks at the settings; what is wrong with the database says whatever opens it
    try:
        if version_of(database) == 0:
            return []
        known = {
            "source": [name for each in settings.sources for name in (each.name, *each.was)],
            "brand": [name for each in settings.brands for name in (each.name, *each.was)],
        }
        rows = cases.open_without(database, known["source"], known["brand"])
    finally:
        database.close()
    return [
        f"{count_words(row['n'], 'open case')} of the {row['what']} {row['name']!r}, which these settings do not name: "
        f'if it has another name now, write there was = ["{row["name"]}"]; else close them'
        for row in rows
    ]


def _online(settings: Settings) -> bool:
    table = Table(box=None, pad_edge=False, show_header=False)
    well = True
    for source in settings.sources:
        if not source.enabled:
            continue
        line, good = _ask(partial(_ask_source, settings, source), source.deadline.total_seconds())
        well &= good
        table.add_row("[green]ok[/]" if good else "[red]no[/]", source.name, safe_line(line))
    for name, channel in channels_of(settings).items():
        line, good = _ask(channel.check, 30)
        well &= good
        table.add_row("[green]ok[/]" if good else "[red]no[/]", name, safe_line(line))
    console.print(table)
    return well


def _ask(call: Callable[[], str], seconds: float) -> tuple[str, bool]:
    try:
        return within(seconds, call, "check"), True
    except (ConnectorError, ChannelError) as error:
        return f"{error.message}{f' - {error.remedy}' if error.remedy else ''}", False
    except Overran as error:
        return str(error), False
    except Exception as error:  # noqa: BLE001 - a client library may raise anything
        return f"unexpected {type(error).__name__}", False


def _request(settings: Settings, source: Source) -> Request:
    terms = tuple(dict.fromkeys(term for query in queries_of(settings).values() for term in query.terms()))
    now = utc_now()
    return Request(source.name, terms, "", now, now - timedelta(hours=24), allowance=20)


def _first_page(settings: Settings, source: Source) -> Batch:
    """Read one page; what that costs counts against the month like anything else."""
    if not costs(source):
        return connector_of(source).fetch(_request(settings, source))
    database = open_store(settings, utc_now())
    try:
        know_sources(database, settings)
        health = sources.health(database, source.name)
        spent = health.spent_in(utc_now()) if health is not None else 0.0
        batch = connector_of(source).fetch(replace(_request(settings, source), spent=spent))
        if batch.quota is not None and batch.quota.cost:
            with database.transaction():
                sources.note_cost(database, source.name, batch.quota.cost, utc_now())
        return batch
    finally:
        database.close()


def _ask_source(settings: Settings, source: Source) -> str:
    batch = _first_page(settings, source)
    return f"answers; {count_words(len(batch.posts), 'post')} on the first page"


@app.command("try")
def try_(
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many posts to show.")] = 20,
) -> None:
    """Show recent posts that the query would catch. Nothing is stored."""
    settings = load_settings()
    queries = queries_of(settings)
    shown = reached = 0
    for source in settings.sources:
        if not source.enabled or shown >= limit:
            continue
        line, good = "", True
        try:
            batch = within(source.deadline.total_seconds(), partial(_first_page, settings, source), "try")
        except Exception as error:  # noqa: BLE001 - told in one line, and the next source is tried
            line, good = getattr(error, "message", "") or f"unexpected {type(error).__name__}", False
        if not good:
            console.print(f"[red]no[/] {source.name}: {safe_line(line)}", soft_wrap=one_line)
            continue
        reached += 1
        for post in batch.posts:
            subject = Subject(post.text, post.title, post.author, post.source, post.lang, post.url)
            found = brands_in(subject, queries)
            if found and shown < limit:
                shown += 1
                words = ", ".join(word for matched in found.values() for word in matched)
                console.print(
                    f"[dim]{source.name}[/] [bold]{_plain(post.author)}[/] [dim]({_plain(words)})[/]",
                    soft_wrap=one_line,
                )
                console.print(f"  {_plain((post.text or post.title)[:200])}", soft_wrap=one_line)
    console.print(f"{count_words(shown, 'post')}; nothing was stored.")
    if not reached:
        raise Failed("no source could be read: each line above says why")


def _plain(text: str) -> str:
    return escape(safe_line(text))


alert = typer.Typer(help="Try the channels; send again what did not go through.", no_args_is_help=True)
app.add_typer(alert, name="alert")


@alert.command("test")
def alert_test() -> None:
    """Send one test message to every target that settings name, and say how each went."""
    settings = load_settings()
    database = open_store(settings, utc_now())
    try:
        assembly = assemble(settings, database)
        from alerts import Alert

        well = True
        for target in assembly.rules.every_target():
            message = Alert(
                f"test-{utc_now().isoformat()}", "test", "A test by Earful: this channel works.", (), kind="notice"
            )
            channel = assembly.alerting.channels[target.partition(":")[0]]

            def send(channel: object = channel, target: str = target, message: Alert = message) -> str:
                channel.send(message, target.partition(":")[2])  # type: ignore[attr-defined]
                return "sent"

            line, good = _ask(send, 30)
            well &= good
            console.print(f"{'[green]ok[/]' if good else '[red]no[/]'} {target}: {safe_line(line)}", soft_wrap=one_line)
    finally:
        database.close()
    if not well:
        raise typer.Exit(1)


@alert.command("resend")
def alert_resend() -> None:
    """Send once more what could not be delivered."""
    with opened() as assembly:
        typer.echo(f"{resend_dead(assembly.database, utc_now())} messages wait to be sent again.")
