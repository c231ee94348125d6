"""Who works on this database: a row for each process that runs, what it does, and what all of them must agree on.

The rows say what people are shown. Who is alive is asked of the server: a process holds a lock of its name in the
session of its role, and loses it the moment it ends. All times are the database's. On SQLite one daemon works, and no
row stands.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from monitor.store import key_values
from monitor.store.database import Database, at, stamp

Role = Literal["collect", "judge", "notify", "page"]  # what a process does for all
ROLES: tuple[Role, ...] = get_args(Role)
APART = timedelta(seconds=2)  # clocks that differ by more are told
GONE = timedelta(seconds=30)  # not seen for so long, it is shown as gone
KEPT = timedelta(days=1)  # the rows of the dead
_LATELY = timedelta(minutes=10)  # a source is read every few minutes, and nobody holds it between
_OF_PEOPLE = ("source", "channel", "events", "socket")  # leases of what settings name; others are of ours
_AGREED = "settings: agreed"


@dataclass(frozen=True, slots=True)
class Worker:
    """One process, as it wrote itself down. `skew` is how far its clock is ahead of the database's."""

    name: str
    host: str
    pid: int
    roles: tuple[str, ...]
    version: str
    since: datetime
    seen: datetime
    generation: int = 0  # of the settings that it works by
    settings: Mapping[str, str] = field(default_factory=dict)  # a hash for each table of them
    secrets: Mapping[str, str] = field(default_factory=dict)  # the same of what is secret in it, under a key
    key: str = ""  # a mark of the key of erasures, which tells nothing of it
    skew: timedelta = timedelta()
    alive: bool = True

    def is_gone(self, now: datetime) -> bool:
        """Whether it has ended without a word, or says nothing any more; `now` by the database's clock."""
        return not self.alive or now - self.seen > GONE

    @property
    def words(self) -> str:
        """As others are told of it."""
        return f"{self.host}, process {self.pid}, since {self.since:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True)
class Agreed:
    """The settings by which all work: which generation, whose, since when, and a hash for each table of them."""

    generation: int
    settings: Mapping[str, str]
    by: str = ""
    since: datetime | None = None


def write(database: Database, worker: Worker, now: datetime) -> None:
    """Say that a worker is there, with all that it says of itself; one statement, which waits for nobody."""
    database.run(
        "INSERT INTO workers (name, host, pid, roles, version, since, seen_at, generation, settings, secrets, "
        "key_mark, skew) VALUES (:name, :host, :pid, :roles, :version, :since, :now, :generation, :settings, :secrets, "
        ":key, :skew) ON CONFLICT (name) DO UPDATE SET roles = excluded.roles, seen_at = excluded.seen_at, "
        "generation = excluded.generation, settings = excluded.settings, secrets = excluded.secrets, "
        "key_mark = excluded.key_mark, skew = excluded.skew",
        {
            "name": worker.name, "host": worker.host, "pid": worker.pid, "roles": " ".join(worker.roles),
            "version": worker.version, "since": stamp(worker.since), "now": stamp(now),
            "generation": worker.generation, "settings": json.dumps(worker.settings),
            "secrets": json.dumps(worker.secrets), "key": worker.key, "skew": worker.skew.total_seconds(),
        },
    )  # fmt: skip


def leave(database: Database, name: str) -> None:
    """It has ended in order, and is not shown."""
    database.run("DELETE FROM workers WHERE name = :name", {"name": name})


def trim(database: Database, now: datetime) -> None:
    """Rows of those that ended without a word, after a day."""
    database.run("DELETE FROM workers WHERE seen_at < :before", {"before": stamp(now - KEPT)})


def replace_dead(database: Database, worker: Worker) -> None:
    """Whoever died on the same host with the same roles has a successor now, and is not shown."""
    for other in all_of(database):
        if not other.alive and (other.host, other.roles) == (worker.host, worker.roles):
            leave(database, other.name)


def all_of(database: Database) -> list[Worker]:
    """Everybody whose row stands, by roles and host; the dead among them are not `alive`."""
    rows = database.rows("SELECT * FROM workers ORDER BY host, pid, since, name")
    alive = database.held(f"worker:{row['name']}" for row in rows)
    found = [_worker(row, alive=f"worker:{row['name']}" in alive) for row in rows]
    return sorted(found, key=lambda each: [ROLES.index(role) for role in ROLES if role in each.roles])


def living(database: Database) -> list[Worker]:
    """Those that work now; none where there is no table of them yet."""
    return [each for each in all_of(database) if each.alive] if database.has_table("workers") else []


def _worker(row: Mapping[str, Any], *, alive: bool) -> Worker:
    return Worker(
        row["name"], row["host"], row["pid"], tuple(row["roles"].split()), row["version"], at(row["since"]),
        at(row["seen_at"]), row["generation"], json.loads(row["settings"] or "{}"), json.loads(row["secrets"] or "{}"),
        row["key_mark"], timedelta(seconds=row["skew"] or 0), alive,
    )  # fmt: skip


def works_on(database: Database) -> dict[str, list[str]]:
    """The names of sources, channels and programs that each worker has had its hands on in the last minutes."""
    found: dict[str, list[str]] = {}
    rows = database.rows(
        "SELECT name, holder FROM leases WHERE until_at > :since ORDER BY name",
        {"since": stamp(database.time() - _LATELY)},
    )
    for what, _, name, holder in ((*row["name"].partition(":"), row["holder"]) for row in rows):
        if what in _OF_PEOPLE:
            found.setdefault(holder, []).append(name)
    return {holder: list(dict.fromkeys(names)) for holder, names in found.items()}


def agreed(database: Database) -> Agreed:
    """The settings by which all work; of generation 0 where nobody has said yet."""
    said = json.loads(key_values.fact(database, _AGREED) or "{}")
    if not said:
        return Agreed(0, {})
    return Agreed(said["generation"], said["settings"], said["by"], at(said["since"]))


def agree(database: Database, settings: Mapping[str, str], by: str, now: datetime) -> Agreed:
    """From now on all work by these; inside a transaction that has the database alone."""
    said = Agreed(agreed(database).generation + 1, settings, by, now)
    document = {"generation": said.generation, "settings": dict(settings), "by": by, "since": stamp(now)}
    key_values.remember(database, _AGREED, json.dumps(document), now)
    return said
