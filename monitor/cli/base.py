"""What every command shares: the settings it works with, and how it prints."""

from __future__ import annotations

import getpass
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from connectors.text import clean
from monitor.notify import account_notices
from monitor.people import audit
from monitor.people.actors import admit, refusal
from monitor.people.identity import Actor, Directory, of_shell
from monitor.service.scheduler import utc_now
from monitor.settings.loading import load
from monitor.settings.models import Settings
from monitor.store.connect import Error
from monitor.text.normalize import safe_line
from monitor.wiring import Assembly, assemble, know_sources, open_store

app = typer.Typer(
    name="earful",
    help="Finds complaints about your brand and keeps at it until somebody answers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class _Screen(Console):
    """A person reads wrapped words; a script, which has no terminal, reads whole lines. Tables are as wide as ever."""

    def print(self, *objects: Any, soft_wrap: bool | None = None, **more: Any) -> None:
        whole = not self.is_terminal and all(isinstance(each, str | Text) for each in objects)
        super().print(*objects, soft_wrap=whole if soft_wrap is None else soft_wrap, **more)


# Without marks and emoji: whatever a stranger wrote is printed as it is written. What has a style is a Text.
console = _Screen(highlight=False, markup=False, emoji=False)
if console.width < 40:  # noqa: PLR1730 - else it follows the terminal. One that says 0 shows nothing at all
    console.width = 40
Limit = Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="At most this many.")]
BrandName = Annotated[str, typer.Option("--brand", help="The brand. Required if there are several.")]
As = Annotated[str, typer.Option("--as", help="Act as this person. Default: you.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]


class Failed(Exception):
    """The command cannot do what was asked; the message says what to do."""


class _Chosen:
    settings = Path("settings.toml")


_OWN_FOLDER = Path("monitor/cli/__init__.py")  # is in a checkout, and in /opt/earful
INSTALLED = Path("/etc/earful/settings.toml")  # where the README's service has them


@app.callback()
def choose(
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            help=f"The settings file. Default: settings.toml here, else {INSTALLED}.",
            envvar="EARFUL_SETTINGS",
        ),
    ] = None,
) -> None:
    """Finds complaints about your brand and keeps at it until somebody answers."""
    _Chosen.settings = settings or _found()
    # What a command has to say it says itself; the daemon sets up a log of its own.
    logging.getLogger("earful").addHandler(logging.NullHandler())


def _found() -> Path:
    """The settings of this folder, else the installed ones; where this user may not read those, that is said later.

    Those of the sample day, in Earful's own folder, hide the installed ones only from that folder's program: README
    has people install and upgrade there, and `sudo earful restore` would fill the sample day's database.
    """
    here = Path("settings.toml")
    try:
        INSTALLED.stat()
    except PermissionError:
        pass
    except OSError:
        return here
    if _OWN_FOLDER.is_file() and not Path(sys.argv[0]).absolute().is_relative_to(Path.cwd()):
        return INSTALLED
    return here if here.exists() else INSTALLED


def settings_path() -> Path:
    """The settings file that this call works with."""
    return _Chosen.settings


def load_settings(*, secrets: bool = True) -> Settings:
    """The settings that this call works with, sound; without `secrets` for what speaks to nobody outside."""
    return load(settings_path(), os.environ, secrets=secrets)


def listen_address(text: str) -> str:
    """What --listen says, if it is an address and a port; "" for nothing said."""
    host, _, port = text.rpartition(":")
    if text and (not host or not port.isdecimal() or int(port) > 65535):
        raise Failed(f'--listen {text!r}: write an address and a port, such as "127.0.0.1:8322"')
    return text


@contextmanager
def opened(*, secrets: bool = False) -> Iterator[Assembly]:
    """Everything assembled on the database of these settings, closed afterwards.

    Only what reads a network or sends needs `secrets`; the nightly backup and a look at cases run without.
    """
    settings = load_settings(secrets=secrets)
    database = open_store(settings, utc_now())
    try:
        try:
            if settings.whole:  # else a source would seem to have changed its settings
                know_sources(database, settings)
        except Error:  # a full disk: what is asked can be said all the same, and `status` says why
            logging.getLogger("earful").debug("the sources could not be noted", exc_info=True)
        yield assemble(settings, database)
    finally:
        database.close()


def speaker(assembly: Assembly, name: str, verb: str = "read") -> Actor:
    """Who speaks: somebody of the list by this name, else the account that runs the command.

    Failed for a stranger, and for whoever may not do what `verb` names.
    """
    directory = Directory(assembly.database, assembly.settings)
    found = directory.speaks(clean(name)) if name else directory.resolve(of_shell(getpass.getuser()))
    if found is None:
        raise Failed(f"--as: {directory.nobody(clean(name))}")
    actor = admit(directory, found, "command line")
    if name and (why := refusal(actor, verb)):  # whoever runs commands in their own name holds the database anyway
        raise Failed(f"--as: {why}")
    return actor


def note(assembly: Assembly, event: audit.Event, about: str = "", **detail: str | int) -> None:
    """Write a line of the audit log, inside the transaction of what it tells of: the account of the machine did it."""
    who = speaker(assembly, "")
    audit.note(
        assembly.database, event, utc_now(), who=who, way="command line", address="this machine", about=about, **detail
    )


def tell(assembly: Assembly, name: str, change: str) -> None:
    """Mail a person that something about their access changed, inside its transaction."""
    by = f"{speaker(assembly, '').name} (command line)"
    account_notices.tell(assembly.database, assembly.rules, name, change, utc_now(), by=by, address="")


def line(*parts: str | tuple[str, str]) -> Text:
    """Words for one line, each plain or with a style: without controls, and as they are written."""
    found = Text()
    for part in parts:
        words, style = (part, "") if isinstance(part, str) else part
        # The blanks around a part are ours; inside they are made one.
        before, after = words[:1].isspace(), words[-1:].isspace()
        found.append(f"{' ' * before}{safe_line(words)}{' ' * after}" if words.strip() else words, style)
    return found


def print_json(value: Any) -> None:
    """One object a line; escaped where the output cannot hold every letter, which JSON reads as the same."""
    whole = (sys.stdout.encoding or "").lower().replace("-", "") in {"utf8", ""}
    sys.stdout.write(json.dumps(value, ensure_ascii=not whole, default=str) + "\n")


def brand_of(assembly: Assembly, brand: str) -> str:
    """Return the brand that is meant: the one named, or the only one."""
    names = [each.name for each in assembly.settings.brands]
    if not brand and len(names) == 1:
        return names[0]
    if brand not in names:
        what = f"no brand named {brand}" if brand else "say which brand with --brand"
        raise Failed(f"{what}; the settings have: {', '.join(names)}")
    return brand
