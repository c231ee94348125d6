"""Commands for the tokens of the API: made once, shown once, ended at any time."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from monitor.cli.base import AsJson, Failed, app, console, note, opened, print_json, speaker, tell
from monitor.people.audit import Event
from monitor.service.scheduler import utc_now
from monitor.store import web
from monitor.store.database import instant
from monitor.web.identity import ROLES

token = typer.Typer(help="Manage tokens for the JSON API.", no_args_is_help=True)
app.add_typer(token, name="token")
Name = Annotated[str, typer.Argument(help="What uses it. This name is logged with every action.")]
SHOWN = 12  # letters of a token's stored hash that name it


@token.command("add")
def add(
    name: Name,
    role: Annotated[str, typer.Option("--role", help=f"One of {', '.join(ROLES)}.")] = "viewer",
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="How many days it is valid.")] = 365,
    owner: Annotated[
        str, typer.Option("--owner", help="Its owner; it is revoked when they lose access. Default: you.")
    ] = "",
) -> None:
    """Make a token and print it once. Only its hash is stored."""
    name = name.strip()
    if not name or len(name) > 64 or not name.isprintable():
        raise Failed("a name has 1 to 64 characters")
    if role not in ROLES:
        raise Failed(f"--role {role!r}: write one of {', '.join(ROLES)}")
    secret = f"earful_{secrets.token_urlsafe(32)}"
    with opened() as assembly:
        now, until = utc_now(), utc_now() + timedelta(days=days)
        whose = speaker(assembly, owner)
        with assembly.database.transaction():
            web.add_token(assembly.database, secret, name, "api", now, role=role, until=until, owner=whose.id)
            note(assembly, Event.TOKEN_MADE, name, role=role, days=days, owner=whose.name)
            tell(assembly, speaker(assembly, "").name, f"An API token for {name!r} with the role {role} was made")
    typer.echo(f"Token for {name}, {role}, valid for {days} days. It is shown only once:", err=True)
    typer.echo(secret)


@token.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the tokens. What is shown cannot be used to log in."""
    with opened() as assembly:
        rows = web.api_tokens(assembly.database)
    if as_json:
        for row in rows:
            print_json({"id": row["id"][:SHOWN], "name": row["name"], "role": row["role"],
                        "owner": row["owner"] or None,
                        "made": row["created_at"], "ends": row["expires_at"] or None,
                        "used": row["used_at"] or None})  # fmt: skip
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("id", "name", "role", "owner", "ends", "last used"):
        table.add_column(title)
    for row in rows:
        ends, used = instant(row["expires_at"]), instant(row["used_at"])
        table.add_row(row["id"][:SHOWN], Text(row["name"]), row["role"],
                      Text(row["owner"].partition(":")[2] or row["owner"]), f"{ends:%Y-%m-%d}" if ends else "never",
                      f"{used:%Y-%m-%d %H:%M}" if used else "never")  # fmt: skip
    console.print(table)
    if not rows:
        console.print("None yet: earful token add NAME --role viewer")


@token.command("end")
def end(mark: Annotated[str, typer.Argument(help="The id shown by `earful token list`.")]) -> None:
    """Revoke a token of the JSON API."""
    with opened() as assembly:
        found = [row for row in web.api_tokens(assembly.database) if len(mark) >= 6 and row["id"].startswith(mark)]
        if len(found) != 1:
            raise Failed(f"there is no token {mark!r}; see earful token list")
        with assembly.database.transaction():
            web.drop_token(assembly.database, found[0]["id"])
            note(assembly, Event.TOKEN_REVOKED, found[0]["name"], role=found[0]["role"])
            tell(assembly, speaker(assembly, "").name, f"The API token {found[0]['name']!r} was revoked")
    typer.echo("The token is revoked.")
