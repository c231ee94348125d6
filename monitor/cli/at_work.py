"""What `earful status` says of who works on the database, and of what waits to be judged and to be sent."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerts.wording import count_words, span_words
from monitor.cli.base import Failed, console, load_settings
from monitor.reports.at_work import named
from monitor.store import channel_health, job_tables, unjudged, workers
from monitor.store.connect import holder_of, open_database
from monitor.store.database import stamp
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.store.workers import ROLES


def as_json(database: Sqlite | Postgresql) -> dict[str, Any]:
    """All of it, for a program."""
    now, hands = database.time(), workers.works_on(database)
    return {
        "workers": [
            {
                "name": each.name, "host": each.host, "process": each.pid, "roles": list(each.roles),
                "version": each.version, "since": stamp(each.since), "last_seen_at": stamp(each.seen),
                "gone": each.is_gone(now), "clock_ahead_seconds": round(each.skew.total_seconds(), 1),
                "works_on": hands.get(each.name, []),
            }
            for each in workers.all_of(database)
        ],
        "to_judge": {
            source: {"pages": each.pages, "posts": each.posts, "since": stamp(each.since)}
            for source, each in unjudged.waiting(database).items()
        },
        "not_judged": [
            {"source": each.source, "error": each.error, "pages": each.pages, "posts": each.posts}
            for each in unjudged.aside(database)
        ],
        "to_send": channel_health.owed(database),
        "jobs": {each.role: {"waiting": each.waiting, "doing": each.doing} for each in job_tables.queues(database)},
    }  # fmt: skip


def say_here() -> None:
    """Whether a process on this host works, and says so itself; raises Failed where none does. Writes nothing."""
    url = load_settings(secrets=False).database.url.get_secret_value()
    host = socket.gethostname()
    if url.startswith("sqlite:"):
        process = holder_of(url)
        found = [f"{host}, process {process}, is working"] if process is not None else []
    else:
        database = open_database(url)
        try:
            now = database.time()
            found = [
                f"{each.words}, is working as {', '.join(each.roles)}"
                for each in workers.living(database)
                if each.host == host and not each.is_gone(now)
            ]
        finally:
            database.close()
    if not found:
        raise Failed(f"no process of {host} is working on this database")
    for line in found:
        console.print(line, markup=False, highlight=False)


def table(database: Sqlite | Postgresql, console: Console) -> None:
    """Who works; one daemon that does everything is not worth a line."""
    now, found, hands = database.time(), workers.all_of(database), workers.works_on(database)
    if len(found) < 2 and all(each.roles == ROLES for each in found):
        return
    versions = len({each.version for each in found}) > 1
    shown = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("worker", "state", "works as", "since", *(["version"] if versions else []), "lately on"):
        shown.add_column(name, no_wrap=name not in {"works as", "lately on"}, min_width=len(name))
    for each in found:
        gone = each.is_gone(now)
        unseen = now - each.seen
        left = f"gone for {span_words(unseen)}" if unseen >= timedelta(minutes=1) else "gone"
        state = Text(left, "red") if gone else Text("working", "green")
        since = "just now" if now - each.since < timedelta(minutes=1) else f"{span_words(now - each.since)} ago"
        roles = "everything" if each.roles == ROLES else ", ".join(each.roles)
        version = [each.version] if versions else []
        shown.add_row(named(each, found), state, roles, since, *version, ", ".join(hands.get(each.name, [])))
    console.print()
    console.print(shown)


def to_judge(database: Sqlite | Postgresql) -> tuple[str, str, str] | None:
    """The pages that wait to be judged, as a row of the figures; None where none does."""
    found = unjudged.waiting(database)
    if not found:
        return None
    pages, posts = sum(each.pages for each in found.values()), sum(each.posts for each in found.values())
    by_source = _listed({source: each.pages for source, each in found.items()})
    return "to judge", f"{count_words(pages, 'page')} waiting{by_source}", count_words(posts, "post")


def to_send(database: Sqlite | Postgresql) -> str:
    """The channels for which messages wait, "" where it is one at most."""
    return _listed(channel_health.owed(database))


def _listed(found: Mapping[str, int]) -> str:
    return f" ({', '.join(f'{name} {number:,}' for name, number in found.items())})" if len(found) > 1 else ""
