"""The command that moves an installation from its SQLite file to PostgreSQL."""

from __future__ import annotations

import getpass
import shutil
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from alerts.wording import count_words
from monitor.cli.base import AsJson, Failed, app, console, load_settings, print_json
from monitor.cli.database import must_be_a_file, progress_bar
from monitor.notify.spool import SPOOL
from monitor.people import audit
from monitor.people.identity import of_shell
from monitor.privacy.carrying_over import carry_over
from monitor.service.scheduler import utc_now
from monitor.settings.models import Settings
from monitor.store import forgotten, moving
from monitor.store.postgresql import Postgresql
from monitor.store.renames import know_names
from monitor.store.schema import migrate
from monitor.store.sqlite_roles import FileRole, InUse
from monitor.wiring import OUR_FILES


@app.command()
def move(
    to: Annotated[
        str,
        typer.Option(
            "--to",
            envvar="EARFUL_DATABASE_URL",
            help="An empty database: postgresql://USER:PASSWORD@HOST/NAME. Use - to read it from standard input.",
        ),
    ],
    from_: Annotated[Path | None, typer.Option("--from", help="The SQLite file. Default: the settings' own.")] = None,
    as_json: AsJson = False,
) -> None:
    """Move everything from the SQLite file to PostgreSQL.

    Stop the daemon first. The file stays as it is. If the move is interrupted, the same command goes on.
    """
    settings = load_settings(secrets=False)
    path = _file(settings, from_)
    if settings.database.throwaway and from_ is None:
        raise Failed("these settings are a demo's: its database is deleted at each start")
    address = sys.stdin.readline().strip() if to == "-" else to
    if not address.startswith(("postgresql:", "postgres:")):
        raise Failed("--to: write postgresql://USER:PASSWORD@HOST/NAME, or - to read it from standard input")
    now = utc_now()
    target = Postgresql(address, named="--to")
    role = FileRole(path.with_name(f"{path.name}.daemon"), now)
    try:
        alone = InUse(path, alone=True)
        try:
            with moving.explained(target):
                _move(settings, path, target, now, as_json)
        finally:
            alone.release()
    finally:
        role.release()
        target.close()


def _file(settings: Settings, named: Path | None) -> Path:
    url = settings.database.url.get_secret_value()
    if named is None and not url.startswith("sqlite:"):
        raise Failed("[database] url is PostgreSQL already; name the SQLite file with --from FILE")
    path = (named or Path(url.removeprefix("sqlite:"))).absolute()
    must_be_a_file(path)
    return path


def _move(settings: Settings, path: Path, target: Postgresql, now: datetime, as_json: bool) -> None:
    file = moving.MovedFile(path)
    try:
        moving.refuse_others(file, target)
        migrate(target, now)
        role = target.hold_role("daemon", now)
        try:
            how, rows, altered = _copied(file, target, as_json)
            state = settings.earful.state_folder or path.parent
            _take_along(path, state)
            moving.finish(file, target, now)
        finally:
            role.release()
    finally:
        file.close()
    target.beside = state / OUR_FILES
    know_names(target)
    erased = carry_over(target, now)
    who = of_shell(getpass.getuser())
    audit.note(
        target, audit.Event.EXPORT, now, who=who, way="command line", about="the whole database, moved to PostgreSQL"
    )
    if as_json:
        print_json({"from": str(path), "to": target.where, "run": how, "rows": rows, "altered": altered,
                    "state_folder": str(state), "erased_again": erased.posts})  # fmt: skip
        return
    _tell(path, target, state, rows, altered)
    if erased.words:
        console.print(Text(f"! {erased.words}", "yellow"))


def _copied(file: moving.MovedFile, target: Postgresql, as_json: bool) -> tuple[str, int, dict[str, int]]:
    """How this run began, how many rows are copied and compared, and which texts were altered."""
    total = file.count()
    how = moving.begin(file, target)
    if how != "first":
        changed = f"! {file.path} has changed since the last run, so everything is copied again"
        typer.echo(changed if how == "again" else "Going on where the last run stopped.", err=True)
    with progress_bar(as_json) as bar:
        task = bar.add_task("copying", total=total)
        moving.copy(file, target, lambda _table, count: bar.advance(task, count))
        task = bar.add_task("comparing", total=total)
        moving.compare(target, lambda _table, count: bar.advance(task, count))
    return how, total, moving.altered(target)


def _take_along(path: Path, state: Path) -> None:
    """What lies beside the file and is still needed: the key and the list of erasures, and presses not worked off."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    forgotten.hand_over(path, state / OUR_FILES)
    waiting, spool = path.with_name(f"{path.name}.{SPOOL}"), state / SPOOL
    if waiting.is_dir() and any(waiting.iterdir()):
        shutil.copytree(waiting, spool, dirs_exist_ok=True)


def _tell(path: Path, target: Postgresql, state: Path, rows: int, altered: dict[str, int]) -> None:
    console.print(
        f"Moved {count_words(rows, 'row')} of {path} to {target.where}; all of them were read back and agree.",
    )
    for table, count in altered.items():
        held = f"{count_words(count, 'text')} held what PostgreSQL can't store (NUL or broken UTF-8), now \ufffd"
        console.print(Text(f"! {table}: {held}", "yellow"))
    console.print(
        f"The file is as it was. Earful no longer starts on it ({moving.mark_of(path).name} beside it says why). "
        "Delete it once all is well: whoever is erased from now on is still in it.\n"
        "Now write into the settings, and start the daemon:\n\n"
        f'  [database]\n  url = {{ env = "EARFUL_DATABASE_URL" }}\n\n  [earful]\n  state_folder = "{state}"\n',
        soft_wrap=True,
    )
