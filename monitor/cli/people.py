"""Commands for the people of the page: who may see it, and the link by which they choose a password."""

from __future__ import annotations

import shutil
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from alerts.wording import span_words
from monitor.cli.base import Failed, app, console, note, opened, print_json, tell
from monitor.people.audit import Event
from monitor.service.scheduler import utc_now
from monitor.store import web
from monitor.web.auth import WELCOME, welcome_link
from monitor.web.identity import ROLES
from monitor.wiring import Assembly

user = typer.Typer(help="Manage who can log in to the web page.", no_args_is_help=True)
app.add_typer(user, name="user")

Name = Annotated[str, typer.Argument(help="Their name, as under [[people]] if they are listed there.")]


@user.command("add")
def add(
    name: Name,
    role: Annotated[str, typer.Option("--role", help=f"One of {', '.join(ROLES)}.")] = "",
) -> None:
    """Add a person, or make a new login link for one.

    The link works once, for three days."""
    name = name.strip()
    if not name or len(name) > 64 or any(ord(letter) < 32 for letter in name):
        raise Failed("a name has 1 to 64 characters")
    with opened() as assembly:
        listed = {person.name: person.role for person in assembly.settings.people}
        role = role or listed.get(name, "staff")
        if role not in ROLES:
            raise Failed(f"--role {role!r}: write one of {', '.join(ROLES)}")
        now = utc_now()
        with assembly.database.transaction():
            known = web.user(assembly.database, name)
            if known is None:
                web.add_user(assembly.database, name, role, now)
                note(assembly, Event.USER_ADDED, name, role=role)
            elif known.disabled_at is not None:
                raise Failed(f"{name}'s access is revoked; restore it first: earful user enable {name!r}")
            else:
                note(assembly, Event.LINK_MADE, name)
                tell(assembly, name, "A link to set a new Earful password for you was made")
            link = welcome_link(assembly.database, assembly.settings, name, now)
        _tell(assembly, name, known.role if known else role, link, known is not None)


def _tell(assembly: Assembly, name: str, role: str, link: str, known: bool) -> None:
    console.print(f"{name} {'already exists as' if known else 'is added as'} {role}. With this link they can set a "
                  f"password. It works once, for {span_words(WELCOME)}:", soft_wrap=True)  # fmt: skip
    typer.echo(link)
    if not known and name not in {person.name for person in assembly.settings.people}:
        console.print(
            Text(f"{name} is not listed under [[people]], so alerts can't mention them.", "dim"),
            soft_wrap=True, width=shutil.get_terminal_size().columns,
        )  # fmt: skip


@user.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")] = False) -> None:
    """List everyone who can log in."""
    with opened() as assembly:
        people = web.users(assembly.database)
        if as_json:
            for each in people:
                print_json({"name": each.name, "role": each.role, "password_set": bool(each.password),
                            "disabled": each.disabled_at is not None})  # fmt: skip
            return
        table = Table(box=None, pad_edge=False, header_style="dim")
        for title in ("name", "role", "state"):
            table.add_column(title)
        for each in people:
            state = "access revoked" if each.disabled_at else "can log in" if each.password else "no password yet"
            table.add_row(Text(each.name), each.role, state)
        console.print(table)
        if not people:
            console.print("Nobody yet: earful user add NAME --role admin")


@user.command("disable")
def disable(name: Name) -> None:
    """Revoke a person's access. Ends their sessions, links and tokens."""
    with opened() as assembly:
        _known(assembly, name)
        with assembly.database.transaction():
            web.disable_user(assembly.database, name, utc_now())
            note(assembly, Event.ACCESS_REVOKED, name)
            tell(assembly, name, "Your Earful login was disabled")
        typer.echo(f"{name} can no longer log in. Their actions stay in the logs, and their cases are open again.")


@user.command("reset-factor")
def reset_factor(name: Name) -> None:
    """Remove a person's second factor.

    For when they have lost both their phone and their recovery codes."""
    with opened() as assembly:
        _known(assembly, name)
        with assembly.database.transaction():
            web.set_factor(assembly.database, name, "", ())
            note(assembly, Event.FACTOR, name, change="removed")
            tell(assembly, name, "Your second factor was removed")
        typer.echo(f"{name} now logs in with just a password.")


@user.command("enable")
def enable(name: Name) -> None:
    """Restore a person's access."""
    with opened() as assembly:
        _known(assembly, name)
        with assembly.database.transaction():
            web.disable_user(assembly.database, name, None)
            note(assembly, Event.ACCESS_RESTORED, name)
            tell(assembly, name, "Your Earful login was enabled again")
        typer.echo(f"{name} can log in again.")


@user.command("role")
def role_(name: Name, role: Annotated[str, typer.Argument(help=f"One of {', '.join(ROLES)}.")]) -> None:
    """Change a person's role."""
    if role not in ROLES:
        raise Failed(f"{role!r}: write one of {', '.join(ROLES)}")
    with opened() as assembly:
        before = _known(assembly, name).role
        with assembly.database.transaction():
            web.set_role(assembly.database, name, role)
            note(assembly, Event.ROLE, name, role=role, before=before)
            tell(assembly, name, f"Your Earful role is now {role}; it was changed")
        typer.echo(f"{name} is now {role}.")


def _known(assembly: Assembly, name: str) -> web.User:
    known = web.user(assembly.database, name)
    if known is None:
        raise Failed(f"there is no user {name!r}; earful user list shows everyone")
    return known
