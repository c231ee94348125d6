"""Helpers for tests: a fixed moment, settings through the real loader, posts, assemblies, a clock."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors import Post
from monitor.settings.loading import load
from monitor.settings.models import Settings
from monitor.settings.rules import Rules
from monitor.store import case_log, cases, deliveries
from monitor.store.database import Database, stamp
from monitor.store.leases import Leases
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite
from monitor.wiring import Assembly, assemble, know_sources

# A Wednesday, 10:00 in UTC, inside opening hours. In the past, so that a loopback server's own clock is always later.
NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

ANGRY = "Acme charged me for the wrong box and nobody answers. This is terrible."
LATE = "Acme my order never arrived, two weeks late, awful service"
BROKEN = "Acme app crashes every time I open it, please fix"
CHURN = "I am cancelling my Acme contract, worst support ever"
INJURY = "Acme's kettle burned my hand, I was injured"
AGAIN = "Still waiting for an answer from Acme. This is ridiculous!"
THANKS = "thanks Acme, all good now"
CALM = "Walked past the Acme shop in Leeds today, lovely window"
ASKING = "Does anybody know whether Acme ships to Norway?"

_numbers = itertools.count(1)


class Clock:
    """The time, which only the test moves."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, span: timedelta) -> datetime:
        self.now += span
        return self.now


def settings_from(
    folder: Path,
    *,
    tables: str = "",
    channels: str = '[[channels]]\nname = "console"\nkind = "console"\n',
    notify: tuple[str, ...] = ("console",),
    fallback: tuple[str, ...] = (),
    operator: tuple[str, ...] = ("console",),
    alerts: str = "",
    earful: str = "",
    brands: str = "",
    sources: str = "",
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Settings, by the real loader from a real file. Two brands, Acme and Globex; sources "forum", "chirp", "news"."""
    text = f"""
[earful]
zone = "UTC"
operator = {json.dumps(list(operator))}
{earful}

[database]
url = "sqlite:unused.sqlite"

[[brands]]
name = "Acme"
query = "acme"
accounts = {{ forum = ["acme_care"], chirp = ["acme"] }}
ignore_authors = ["acme_staff"]
{brands}

[[brands]]
name = "Globex"
query = "globex"

[[sources]]
name = "forum"
kind = "hackernews"
every = "5m"

[[sources]]
name = "chirp"
kind = "hackernews"
every = "5m"

[[sources]]
name = "news"
kind = "hackernews"
every = "10m"
answerable = false
{sources}

{channels}

[alerts]
notify = {json.dumps(list(notify))}
fallback = {json.dumps(list(fallback))}
{alerts}

{tables}
"""
    file = folder / "settings.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environ or {})


def settings_on(folder: Path, sqlite: Sqlite) -> Path:
    """A settings file that names this database, for tests that start commands."""
    file = settings_from(folder).file
    text = file.read_text(encoding="utf-8").replace("sqlite:unused.sqlite", f"sqlite:{sqlite.path.name}")
    file.write_text(text, encoding="utf-8")
    return file


def post(
    text: str = ANGRY,
    *,
    author: str = "olga",
    source: str = "forum",
    native_id: str = "",
    ago: timedelta = MINUTE,
    at: datetime | None = None,
    **fields: Any,
) -> Post:
    """A post, written a minute before NOW unless it says otherwise."""
    native = native_id or f"n{next(_numbers)}"
    return Post(
        source=source,
        native_id=native,
        url=fields.pop("url", f"https://{source}.example/{native}"),
        author=author,
        text=text,
        posted_at=at or NOW - ago,
        **fields,
    )


class Steady:
    """A steady clock in seconds, which only the test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def assembly_of(
    database: Sqlite | Postgresql, settings: Settings, worker: str = "", steady: Callable[[], float] = time.monotonic
) -> Assembly:
    """Everything, put together by the real assembler; for a process of that name, where there are several."""
    know_sources(database, settings)
    return assemble(settings, database, leases=Leases(database, worker, steady))


def let_end(database: Database, lease: str = "") -> None:
    """The time of a lease is over by the clock of the database, or that of all leases and claims is."""
    values = {"name": lease, "past": stamp(database.time() - timedelta(seconds=1))}
    if lease:
        database.run("UPDATE leases SET until_at = :past WHERE name = :name", values)
        return
    database.run("UPDATE leases SET until_at = :past", values)
    database.run("UPDATE deliveries SET lease_until = '2000' WHERE state = 'inflight'")
    database.run("UPDATE unjudged SET lease_until = '2000' WHERE lease_until <> ''")


def rules_of(settings: Settings) -> Rules:
    """The settings as rules."""
    return Rules(settings)


def take(assembly: Assembly, *posts: Post, now: datetime = NOW, **more: Any) -> list[str]:
    """Take posts in; the ids of the cases that were opened."""
    return assembly.intake.take(posts, now, **more).opened


def count(database: Database, table: str, condition: str = "1 = 1") -> int:
    """How many rows of a table fulfil a condition."""
    row = database.row(f"SELECT count(*) AS n FROM {table} WHERE {condition}")
    assert row is not None
    return int(row["n"])


def messages(database: Database) -> list[deliveries.Delivery]:
    """Every row of the outbox that is not an operator's notice, the oldest first."""
    rows = database.rows("SELECT * FROM deliveries WHERE about NOT LIKE 'notice:%' ORDER BY created_at, id")
    return [deliveries.of_row(row) for row in rows]


def notices(database: Database) -> list[str]:
    """What the operator was told, the oldest first."""
    rows = database.rows("SELECT * FROM deliveries WHERE about LIKE 'notice:%' ORDER BY created_at, id")
    return [deliveries.of_row(row).payload["title"] for row in rows]


def case(database: Database, case_id: str) -> cases.Case:
    """A case that must be there."""
    found = cases.one(database, case_id)
    assert found is not None
    return found


def lines(database: Database, case_id: str) -> list[str]:
    """What happened to a case, in words."""
    return [line.what for line in case_log.of_case(database, case_id)]


def deliver(
    assembly: Assembly, clock: Callable[[], datetime], forward: timedelta = timedelta(seconds=1), most: int = 60
) -> int:
    """Serve every channel until nothing is due any more, moving the clock on between two looks; how many were tried."""
    tried = 0
    for _ in range(most):
        due = assembly.alerting.due(clock())
        if not due:
            return tried
        for name in due:
            tried += assembly.alerting.serve(name, clock)
        if isinstance(clock, Clock):
            clock.forward(forward)
    return tried
