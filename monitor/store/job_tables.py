"""The tables of jobs on PostgreSQL, which are procrastinate's: made and brought up with ours, and asked.

It keeps no record of which steps its tables have taken: that stands in the comment of one of them. They hold the names
of ticks, sources and channels, and nothing that anybody wrote. On SQLite there are none, and none is moved.
https://procrastinate.readthedocs.io/en/stable/howto/production/migrations.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from monitor.extras import how_to_install
from monitor.store import key_values
from monitor.store.database import DatabaseBusy, DatabaseUnusable, stamp
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import Sqlite

_ALIVE = 60  # seconds since a worker was last seen, after which it is taken for gone
_TABLE = "procrastinate_jobs"


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many jobs of a role wait, and how many are being done."""

    role: str
    waiting: int
    doing: int


def _files() -> Path | None:
    """The folder of the library's SQL; None where it is not installed. Without loading it, which takes its time."""
    found = find_spec("procrastinate")
    return Path(found.origin).parent / "sql" if found is not None and found.origin else None


def need() -> None:
    """Raises DatabaseUnusable where the library is not installed."""
    if _files() is None:
        raise DatabaseUnusable(
            "[database] url is PostgreSQL, but the library of its jobs (procrastinate) is not installed; run: "
            f"{how_to_install('postgres')}"
        )


def bring_up(database: Sqlite | Postgresql, steps: Sequence[Path] | None = None) -> None:
    """Make the tables, or take the steps that they lack. Outside a transaction, and after our own steps.

    A step that only fits once nobody runs the version before it ("post") waits until nobody works. Raises DatabaseBusy
    where others behind it are needed.
    """
    files = _files()
    if not isinstance(database, Postgresql) or files is None:
        return  # the daemon says so, and nobody else needs them
    steps = sorted((files / "migrations").glob("*.sql")) if steps is None else steps
    if _taken(database) == steps[-1].name:
        return
    with database.transaction():
        if not database.has_table(_TABLE):
            database.script([(files / "schema.sql").read_text("utf-8")])
            _note(database, steps[-1].name)
            return
    for step in [each for each in steps if each.name > _taken(database)]:
        if "_post_" in step.name and _worked_on(database):
            if any("_post_" not in each.name for each in steps if each.name > step.name):
                raise DatabaseBusy(
                    f"{database.where}: processes of an older Earful work here, and this one needs tables that they do "
                    "not know. Stop them first"
                )
            return
        with database.transaction():
            if _taken(database) < step.name:
                database.script([step.read_text("utf-8")])
                _note(database, step.name)


def _taken(database: Postgresql) -> str:
    """The last step that was taken; "" where there are no tables."""
    row = database.row("SELECT obj_description(to_regclass(:name), 'pg_class') AS said", {"name": _TABLE})
    return str(row["said"] or "") if row else ""


def _note(database: Postgresql, step: str) -> None:
    database.script([f"COMMENT ON TABLE {_TABLE} IS '{step}'"])


def _worked_on(database: Postgresql) -> bool:
    seen = "last_heartbeat > clock_timestamp() - make_interval(secs => :seconds)"
    return database.row(f"SELECT 1 AS one FROM procrastinate_workers WHERE {seen}", {"seconds": _ALIVE}) is not None


@lru_cache(maxsize=1)
def _manager() -> Any:
    from procrastinate.manager import JobManager
    from procrastinate.sync_psycopg_connector import SyncPsycopgConnector

    return JobManager(SyncPsycopgConnector())  # never opened: the connections are ours


def defer(database: Postgresql, job: str, role: str, lock: str, once: str, given: Mapping[str, Any]) -> bool:
    """Put a job into the queue of its role, unless one that is the same (`once`) waits there; whether it was put.

    Outside a transaction. Whoever waits for jobs of this role is woken at once.
    """
    from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
    from procrastinate.jobs import Job

    made = Job(queue=role, lock=lock, queueing_lock=once, task_name=job, task_kwargs=dict(given))
    try:
        _manager().defer_job(made, connection=database.connection())
    except AlreadyEnqueued:
        return False
    except ConnectorException as error:
        raise (error.__cause__ or error) from None
    return True


def stands(database: Postgresql, once: str) -> bool:
    """Whether a job that is the same waits or is being done, or rests."""
    of_it = "FROM procrastinate_jobs WHERE queueing_lock = :once AND status IN ('todo', 'doing')"
    found = database.row(f"SELECT 1 AS one {of_it} UNION ALL {_RESTS} LIMIT 1", {"once": once})
    return found is not None


# By the clock of the database; as `stamp` writes it, without what is less than a second.
_RESTS = (
    "SELECT 1 AS one FROM facts WHERE key = 'rests:' || :once "
    """AND value > to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')"""
)


def rest(database: Postgresql, once: str, lasts: timedelta) -> None:
    """Have nobody do a job, nor those that are the same, for so long."""
    now = database.time()
    key_values.remember(database, f"rests:{once}", stamp(now + lasts), now)


def take_turn(database: Postgresql, once: str, lasts: timedelta, job: str) -> bool:
    """Whether to do this job now: neither does it rest, nor has another one taken its turn less than so long ago."""
    now = database.time()
    taken = database.run(
        "INSERT INTO facts (key, value, at) SELECT 'turn:' || :once, CAST(:until AS text) || ' ' || :job, :now "
        f"WHERE NOT EXISTS ({_RESTS}) ON CONFLICT (key) DO UPDATE SET value = excluded.value, at = excluded.at "
        f"WHERE {_TAKEN_UNTIL} <= :now OR {_TAKEN_UNTIL} > :until "  # the server's clock has stepped back
        "OR facts.value LIKE '% ' || :job",
        {"once": once, "job": job, "now": stamp(now), "until": stamp(now + lasts)},
    )
    return taken == 1


_TAKEN_UNTIL = "split_part(facts.value, ' ', 1)"  # and by which job; a version before this one writes none


def queues(database: Sqlite | Postgresql) -> list[Waiting]:
    """What waits in the queue of each role; nothing where there are no tables of jobs."""
    if not isinstance(database, Postgresql) or not database.has_table(_TABLE):
        return []
    rows = database.rows(
        "SELECT queue_name AS role, count(*) FILTER (WHERE status = 'todo') AS waiting, "
        "count(*) FILTER (WHERE status = 'doing') AS doing FROM procrastinate_jobs GROUP BY queue_name ORDER BY 1"
    )
    return [Waiting(row["role"], row["waiting"], row["doing"]) for row in rows]
