"""The page alone, beside a daemon on the same database."""

from __future__ import annotations

import os
import signal
import threading
from typing import Annotated

import typer

from monitor.cli.base import Failed, app, listen_address, settings_path
from monitor.service import damage, process
from monitor.service.process import set_up_log
from monitor.service.scheduler import utc_now
from monitor.settings.errors import SettingsError
from monitor.settings.loading import load
from monitor.settings.models import Settings
from monitor.store import web as store
from monitor.store.connect import Error
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.store.sqlite_roles import InUse
from monitor.web import links
from monitor.web.server import WebServer
from monitor.wiring import Assembly, assemble, know_sources, open_store


@app.command("web")
def web(
    listen: Annotated[
        str,
        typer.Option("--listen", help='Where to listen, such as "127.0.0.1:8322". Default: page_listen.'),
    ] = "",
) -> None:
    """Serve only the web page, beside the daemon.

    Uses the same database. Collecting and alerting stay with the daemon. On PostgreSQL: `earful run --roles page`.
    """
    path, address = settings_path(), listen_address(listen)
    settings = load(path, os.environ).listening_on(address)
    if not settings.database.url.get_secret_value().startswith("sqlite:"):
        read = lambda: load(path, os.environ).listening_on(address)  # noqa: E731
        raise typer.Exit(process.run(read, show=False, roles=frozenset({"page"})))
    set_up_log(settings.earful.log, 20)
    database = open_store(settings, utc_now())
    try:
        in_use = InUse(database.path) if isinstance(database, Sqlite) else None  # no copy is put back under the page
        know_sources(database, settings)
        serve(settings, database, listen)
        if in_use is not None:
            in_use.release()
    finally:
        database.close()


def serve(settings: Settings, database: Sqlite | Postgresql, listen: str) -> None:
    """Until a signal; settings and desk are taken anew as the daemon takes them."""
    ended, asked = threading.Event(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    signal.signal(signal.SIGHUP, lambda *_: asked.set())

    def made(of: Settings) -> Assembly:
        return assemble(of, database, links.make(of, database, utc_now))

    now = [made(settings)]
    server = WebServer(lambda: now[0], utc_now, open_demo=settings.database.throwaway)
    if not server.start():
        raise Failed(f"{server.why_not}. If the daemon serves its page there, try --listen 127.0.0.1:8322")
    typer.echo(f"Web page: {server.address}")
    try:
        revision = store.desk_revision(database)
        while not ended.wait(1.0):
            try:
                if what := damage.found(database):
                    raise Failed(f"the database {what}. Check it, restore a copy if needed, and restart the page")
                desk = store.desk_revision(database)
                if asked.is_set() or desk != revision:
                    again = load(settings_path(), os.environ) if asked.is_set() else now[0].written
                    asked.clear()
                    now[0], revision = made(again.listening_on(listen)), desk
            except SettingsError as error:
                for fault in error.faults:
                    typer.echo(f"not reloaded: {fault}", err=True)
            except Error as error:
                typer.echo(f"the database said {type(error).__name__}", err=True)
    finally:
        if not server.stop():
            os._exit(0)  # a connection must not be closed under a thread that uses it; kill -9 is safe at any moment
