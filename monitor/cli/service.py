"""Commands that run the daemon, and what installs it."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli import sample_weeks
from monitor.cli.base import Failed, app, listen_address, load_settings, settings_path
from monitor.service import process
from monitor.service.roles import UnknownRoleError, in_order, read_roles
from monitor.settings.loading import load
from monitor.settings.models import Settings
from monitor.setup import commands, systemd_unit
from monitor.store.workers import ROLES, Role

Debug = Annotated[bool, typer.Option("--debug", help="Log debugging details.")]


@app.command()
def run(
    debug: Debug = False,
    watch: Annotated[bool | None, typer.Option("--watch/--no-watch", help="Print posts as they arrive.")] = None,
    listen: Annotated[
        str, typer.Option("--listen", help='Where the web page listens, such as "0.0.0.0:8321". Default: page_listen.')
    ] = "",
    roles: Annotated[
        str,
        typer.Option("--roles", help=f"On PostgreSQL, one or more of {','.join(ROLES)}. Default: all."),
    ] = "",
) -> None:
    """Run the daemon until it is stopped."""
    path, address, chosen = settings_path(), listen_address(listen), _roles(roles)

    def read() -> Settings:
        return load(path, os.environ).listening_on(address)

    show = read().database.throwaway if watch is None else watch
    level = logging.DEBUG if debug else logging.INFO
    raise typer.Exit(process.run(read, show=show, level=level, roles=chosen))


def _roles(text: str) -> frozenset[Role]:
    try:
        return read_roles(text)
    except UnknownRoleError as error:
        raise Failed(f"--roles: {error}") from None


@app.command()
def demo(
    brand: Annotated[str, typer.Option("--brand", help="Watch this brand live. Default: the sample day.")] = "",
    week: Annotated[
        bool, typer.Option("--week", help="Two sample weeks, played within seconds: see the digest.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Show the sample day of a made-up brand, or live posts.

    With --week: its weekly digest, and two weeks of it on the page. With --brand: live posts from every source that
    needs no key. Nothing to set up.
    """
    here = Path.cwd()
    if week and brand:
        raise Failed("--week shows the made-up brand; leave out --brand")
    if week:
        sample_weeks.show(commands.week_settings(commands.demo_folder(here)))
        return
    path = commands.demo_settings(brand, commands.demo_folder(here)) if brand else commands.sample_settings(here)
    level = logging.DEBUG if debug else logging.INFO
    raise typer.Exit(process.run(lambda: load(path, os.environ), show=True, level=level, demo=True))


@app.command()
def service(
    user: Annotated[str, typer.Option("--user", help="The system user it runs as.")] = "",
    roles: Annotated[
        str, typer.Option("--roles", help="A unit of its own for a worker with these roles, as for `earful run`.")
    ] = "",
) -> None:
    """Print a systemd unit for this installation.

    It starts with the commands that install it.
    """
    settings = load_settings(secrets=False)
    executable = Path(sys.argv[0]).absolute()
    user = user or os.environ.get("SUDO_USER") or os.environ.get("USER", systemd_unit.NAME)
    for trouble in systemd_unit.troubles(settings, executable, user):
        typer.echo(f"! {trouble}", err=True)
    chosen = in_order(_roles(roles)) if roles else ()
    typer.echo(systemd_unit.unit_of(settings, executable, user, roles=chosen), nl=False)


@app.command("slack-manifest")
def slack_manifest() -> None:
    """Print the manifest of the Slack app.

    Paste it at api.slack.com/apps: Create New App, From a manifest. The steps are printed to standard error.
    """
    typer.echo(commands.SLACK_STEPS, err=True)
    typer.echo(commands.slack_manifest())
