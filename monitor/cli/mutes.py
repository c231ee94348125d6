"""Commands about mutes: whom and what is not read, suggested or by hand."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from monitor.cli.base import As, AsJson, Failed, app, brand_of, console, opened, print_json, speaker
from monitor.service.scheduler import utc_now
from monitor.store import key_values
from monitor.store.database import Row
from monitor.text.normalize import safe_line
from monitor.wiring import Assembly

mute = typer.Typer(
    help="Mute authors, threads or domains.", no_args_is_help=True, context_settings=app.info.context_settings
)
app.add_typer(mute, name="mute")

_KINDS = ("author", "community", "contact", "domain", "thread")  # contact: not to be contacted


@mute.command("list")
def mute_list(
    brand: Annotated[str, typer.Option("--brand", help="Only this brand.")] = "", as_json: AsJson = False
) -> None:
    """List mutes and suggested mutes."""
    with opened() as assembly:
        rows = mutes_of(assembly, brand_of(assembly, brand) if brand else "")
        if as_json:
            for row in rows:
                print_json(mute_json(row))
            return
        if not rows:
            typer.echo("Nobody is muted. No suggestions.")
            return
        show_mutes(rows)


@mute.command("add")
def mute_add(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(_KINDS)}.")],
    value: Annotated[str, typer.Argument(help='A domain, "source/name", or "source/id" for a thread.')],
    brand: Annotated[str, typer.Option("--brand", help="Only for this brand. Default: all brands.")] = "",
    as_: As = "",
) -> None:
    """Stop alerts about an author, community, domain or thread.

    Muted posts are still stored and can be searched.
    """
    with opened() as assembly:
        name = brand_of(assembly, brand) if brand else ""
        stored, contact = _mute_value(assembly, kind, value), kind == "contact"
        standing = {(row["brand"], row["kind"], row["value"]) for row in key_values.mutes(assembly.database)}
        if (name, kind, stored) in standing:
            typer.echo(f"{stored} is already not to be contacted" if contact else f"{kind} {stored} is already muted")
            return
        key_values.add_mute(assembly.database, name, kind, stored, speaker(assembly, as_, "mute").name, utc_now())
        number = key_values.mutes(assembly.database)[-1]["n"]
        what = f"{stored} is not to be contacted about" if contact else f"{kind} {stored} is muted for"
        typer.echo(f"{what} {name or 'every brand'}; undo with: earful mute undo {number}")


@mute.command("accept")
def mute_accept(number: Annotated[int, typer.Argument(help="Its number in the list.")], as_: As = "") -> None:
    """Accept a suggested mute."""
    with opened() as assembly:
        if not key_values.accept_mute(assembly.database, number, speaker(assembly, as_, "desk").name, utc_now()):
            raise Failed(f"there is no suggestion number {number}; see earful mute list")
        typer.echo(f"mute {number} is active; undo with: earful mute undo {number}")


@mute.command("undo")
def mute_undo(number: Annotated[int, typer.Argument(help="Its number in the list.")]) -> None:
    """Remove a mute, or decline a suggestion.

    A declined suggestion does not come back.
    """
    with opened() as assembly:
        if not key_values.undo_mute(assembly.database, number, utc_now()):
            raise Failed(f"there is no mute number {number}; see earful mute list")
        typer.echo(f"mute {number} is undone")


def _mute_value(assembly: Assembly, kind: str, value: str) -> str:
    if kind not in _KINDS:
        raise Failed(f"{kind!r} cannot be muted; write one of: {', '.join(_KINDS)}")
    value = value.strip()
    if kind == "domain":
        host = value.lower().split("://")[-1].split("/")[0].removeprefix("www.")
        if "." not in host:
            raise Failed(f"{value!r} is not a domain; write one such as example.org")
        return host
    source, slash, name = value.partition("/")
    if not slash or not name or source not in assembly.rules.sources:
        known = ", ".join(assembly.rules.sources)
        raise Failed(f'{value!r}: write "source/name" with one of the sources: {known}')
    return f"{source}/{name.lower() if kind == 'community' else name}"


def mutes_of(assembly: Assembly, brand: str) -> list[Row]:
    """Return the mutes of a brand and those suggested for it; of all brands without one."""
    rows = [*key_values.mutes(assembly.database), *key_values.mutes(assembly.database, offered=True)]
    return [row for row in rows if not brand or row["brand"] in {brand, ""}]


def mute_json(row: Row) -> dict[str, Any]:
    """Return a mute as `--json` prints it."""
    return {
        "number": row["n"], "brand": row["brand"] or None, "kind": row["kind"], "value": row["value"],
        "offered": bool(row["offered"]), "by": row["who"], "at": row["at"],
    }  # fmt: skip


def show_mutes(rows: list[Row]) -> None:
    """Print mutes as a table."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2))
    table.add_column("mute", justify="right", no_wrap=True)
    for name in ("", "kind", "value", "brand", "by"):
        table.add_column(name, overflow="fold")
    for row in rows:
        state = Text("suggested", "yellow") if row["offered"] else Text("active")
        table.add_row(
            str(row["n"]), state, row["kind"], Text(safe_line(row["value"])), Text(row["brand"] or "all"),
            Text(safe_line(row["who"])),
        )  # fmt: skip
    console.print(table)
    if any(row["offered"] for row in rows):
        console.print(Text("accept with: earful mute accept NUMBER; decline with: earful mute undo NUMBER", "dim"))
