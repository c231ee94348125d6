"""The command line: `earful [--settings FILE] COMMAND`. One file a noun."""

from __future__ import annotations

import io
import logging
import os
import sys

import typer
from rich.console import Console
from typer.models import CommandInfo

from monitor.cli import (
    adding,
    alerts,
    assistant,
    backtest,
    cases,
    causes,
    clock,
    connect,
    database,
    digest,
    duty,
    holds,
    incidents,
    inspection,
    learning,
    measuring,
    mentions,
    moving,
    mutes,
    outcomes,
    page,
    people,
    privacy,
    routes,
    sent_on,
    service,
    settings,
    sources,
    status,
    tokens,
)
from monitor.cli.base import Failed, app
from monitor.ingest.file_import import FileUnreadable
from monitor.people.actors import NotPossible
from monitor.settings.errors import SettingsError
from monitor.settings.models import EXIT
from monitor.setup.commands import InstallError
from monitor.store import disk
from monitor.store.connect import Error
from monitor.store.database import DatabaseBusy, DatabaseUnusable, RoleTaken

__all__ = [
    "adding",
    "alerts",
    "app",
    "assistant",
    "backtest",
    "cases",
    "causes",
    "clock",
    "connect",
    "database",
    "digest",
    "duty",
    "holds",
    "incidents",
    "inspection",
    "learning",
    "main",
    "measuring",
    "mentions",
    "moving",
    "mutes",
    "outcomes",
    "page",
    "people",
    "privacy",
    "routes",
    "sent_on",
    "service",
    "settings",
    "sources",
    "status",
    "tokens",
]


def _place(command: CommandInfo) -> int:
    """Where a command stands in the help: as a newcomer meets them; what is not named comes last."""
    name = command.name or (command.callback.__name__ if command.callback else "")
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


NOBODY_TO_ASK = (
    "nothing was saved: there is no terminal to ask on. Give the answers as options (--help lists them) with --yes"
)
_ORDER = (
    "run", "demo", "init", "check", "sources", "add", "connect", "try", "collect", "import", "mentions", "cases",
    "case", "causes", "incidents", "sent-on", "away", "explain", "route", "status", "digest", "report", "outcomes",
    "eval", "backtest", "erase", "export-person", "hold", "backup", "restore", "move", "reload",
    "service", "slack-manifest",
)  # fmt: skip
app.registered_commands.sort(key=_place)


def main() -> None:
    """Run the command line; a user's mistake ends in a line or two that say what to do, never in a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a letter that this terminal does not have must not end the rest
            stream.reconfigure(errors="replace")
    errors = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    try:
        code = app(standalone_mode=False, prog_name="earful")
        sys.stdout.flush()  # here, where a reader that has gone away is no failure
        sys.exit(code if isinstance(code, int) else 0)
    except SettingsError as error:
        for fault in error.faults:
            errors.print(str(fault))
        sys.exit(EXIT)
    except (DatabaseBusy, RoleTaken) as error:  # systemd tries again
        errors.print(f"earful: {error}")
        sys.exit(75)
    except DatabaseUnusable as error:
        errors.print(f"earful: {error}")
        sys.exit(EXIT)
    except (NotPossible, InstallError, FileUnreadable, Failed) as error:
        errors.print(f"earful: {error}")
        sys.exit(1)
    except (SystemExit, typer.Exit) as ended:
        sys.exit(_ended(ended))
    except (KeyboardInterrupt, typer.Abort) as stop:
        sys.exit(_stopped(stop, errors))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Error as error:
        errors.print(f"earful: {disk.in_words(error)}")
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - nobody outside is to see a traceback
        sys.exit(_unforeseen(error, errors))


def _ended(ended: SystemExit | typer.Exit) -> int | str | None:
    """The exit code that a command chose. A reader that has gone away, as `head` does, is no failure."""
    if isinstance(ended, typer.Exit):
        return ended.exit_code
    return 0 if isinstance(ended.__context__, BrokenPipeError) else ended.code  # how rich and typer end then


def _stopped(stop: BaseException, errors: Console) -> int:
    """The exit code of a command that was stopped, or that asked a question where nobody can answer one."""
    asked = isinstance(stop, typer.Abort) and stop.__cause__ is None  # else Ctrl-C is its cause
    if not asked or sys.stdin.isatty():
        return 130
    errors.print(f"\nearful: {NOBODY_TO_ASK}")
    return 1


def _unforeseen(error: Exception, errors: Console) -> int:
    """Say what no command has said itself; the exit code."""
    if hasattr(error, "format_message"):  # how the command line library says that a word was wrong
        said = str(error.format_message())
        path = getattr(getattr(error, "ctx", None), "command_path", "")
        more = f"{'' if said.endswith(('.', '?')) else '.'} See: {path} --help" if path else ""
        errors.print(said if said.startswith("Usage:") else f"earful: {said}{more}")
        return int(getattr(error, "exit_code", 2))
    logging.getLogger("earful").debug("unexpected", exc_info=error)
    if os.environ.get("EARFUL_DEBUG"):
        raise error
    if isinstance(error, OSError):
        where = error.filename or "what was to be read or written"
        remedy = (
            f" (as user {os.getuid()}). Run this as its owner, or with sudo"
            if isinstance(error, PermissionError)
            else ""
        )
        errors.print(f"earful: {where}: {error.strerror or error}{remedy}")
        return 74  # EX_IOERR of sysexits.h
    errors.print(f"earful: unexpected {type(error).__name__}. Set EARFUL_DEBUG=1 to see where, and please report it.")
    return 70
