"""Whether retention trusts the clock, and the word of an admin that it may."""

from __future__ import annotations

import getpass

import typer

from monitor.cli.base import app, opened
from monitor.service import clock_check
from monitor.service.scheduler import utc_now

clock = typer.Typer(help="Whether retention trusts this machine's clock.", invoke_without_command=True)
app.add_typer(clock, name="clock")


@clock.callback()
def show(context: typer.Context) -> None:
    """Say whether retention trusts this machine's clock."""
    if context.invoked_subcommand is not None:
        return
    with opened() as assembly:
        found = clock_check.waiting(assembly.database)
        typer.echo(f"It is {utc_now():%Y-%m-%d %H:%M} UTC by this machine's clock.")
        typer.echo(f"{clock_check.title(found.why)}. {clock_check.REMEDY}" if found else "Retention trusts it.")


@clock.command()
def accept() -> None:
    """Say that the clock is right as it is: retention goes on."""
    with opened() as assembly:
        now = utc_now()
        why = clock_check.accept(assembly.database, getpass.getuser(), now)
        typer.echo(f"Accepted: it is {now:%Y-%m-%d %H:%M} UTC. Posts are removed for their age again within a minute.")
        if why:
            typer.echo(f"Until now they were not, since {why}.")
