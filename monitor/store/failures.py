"""How often in a row something has failed that has no table of its own, over all processes and over restarts."""

from __future__ import annotations

from datetime import datetime

from monitor.store import key_values
from monitor.store.database import Database, instant

_FACT = "failures:{what}:{name}"


def one_more(database: Database, what: str, name: str, now: datetime) -> int:
    """It failed once more; how often in a row that is now. Inside a transaction."""
    count = standing(database, what, name) + 1
    key_values.remember(database, _FACT.format(what=what, name=name), str(count), now)
    return count


def over(database: Database, what: str, name: str, now: datetime) -> None:
    """It worked. Writes nothing where it did before."""
    if standing(database, what, name):
        key_values.remember(database, _FACT.format(what=what, name=name), "", now)


def standing(database: Database, what: str, name: str) -> int:
    """How often in a row it has failed until now."""
    return int(key_values.fact(database, _FACT.format(what=what, name=name)) or 0)


def last(database: Database, what: str, name: str) -> datetime | None:
    """When it failed last; None where it did not."""
    row = database.row(
        "SELECT at FROM facts WHERE key = :key AND value <> ''", {"key": _FACT.format(what=what, name=name)}
    )
    return instant(row["at"]) if row else None
