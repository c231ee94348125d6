"""The ids of people beside the names that were kept: on cases, in their log, and on what staff taught."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.store.database import Database, Row

# (table, name, id, which rows are a person's): what a network or Earful itself did has no id.
_NAMED = (
    ("cases", "owner", "owner_id", "owner <> ''"),
    ("case_log", "who", "who_id", "way IN ('page', 'api', 'slack', 'mail link', 'command line', 'mcp')"),
    ("labels", "who", "who_id", "way <> 'network'"),
)


def owners(database: Database) -> list[Row]:
    """(owner_id, owner) of everybody who has an open case."""
    return database.rows(
        f"SELECT DISTINCT owner_id, owner FROM cases{database.by_index('cases_inbox')} "
        "WHERE closed_at = '' AND owner_id <> '' ORDER BY owner, owner_id"
    )


def give_ids(database: Database, known: Mapping[str, str]) -> int:
    """Give the names that stand without an id theirs: that of `known` (name -> id), else "name:NAME". How many rows."""
    changed = 0
    for table, name, column, theirs in _NAMED:
        for each, identity in known.items():
            changed += database.run(
                f"UPDATE {table} SET {column} = :id WHERE {name} = :name AND {column} = '' AND {theirs}",
                {"id": identity, "name": each},
            )
        changed += database.run(
            f"UPDATE {table} SET {column} = 'name:' || {name} WHERE {column} = '' AND {name} <> '' AND {theirs}"
        )
    return changed
