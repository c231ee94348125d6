"""Whether retention trusts the clock, and the word of an admin that it may."""

from __future__ import annotations

import getpass

import typer

from monitor.cli.base import app, opened
from monitor.service import clock_check
from monitor.service.scheduler import utc_now

clock = typer.Typer(help="Show whether this machine's clock is trusted.", invoke_without_command=True)
app.add_typer(clock, name="clock")


@clock.callback()
def show(context: typer.Context) -> None:
    """Show whether this machine's clock is trusted to delete old posts."""
    if context.invoked_subcommand is not None:
        return
    with opened() as assembly:
        found = clock_check.waiting(assembly.database)
        typer.echo(f"This machine's clock says {utc_now():%Y-%m-%d %H:%M} UTC.")
        typer.echo(
            f"{clock_check.title(found.why)}. {clock_check.REMEDY}"
            if found
            else "It is trusted: old posts are deleted on time."
        )


@clock.command()
def accept() -> None:
    """Confirm that the clock is right, so old posts are deleted again."""
    with opened() as assembly:
        now = utc_now()
        why = clock_check.accept(assembly.database, getpass.getuser(), now)
        typer.echo(f"Accepted: it is {now:%Y-%m-%d %H:%M} UTC. Old posts are deleted again within a minute.")
        if why:
            typer.echo(f"They were kept until now because {why}.")
