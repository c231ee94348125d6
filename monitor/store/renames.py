"""A source or a brand under another name: its rows move along, and ids go on being made of the name they began with.

The same post must have the same id at every read, or everything would come in once more as new. So the name that ids
are made of is kept as a fact, and each connection knows it (`id_names`): "source:NEW" -> the first name it had here.
"""

from __future__ import annotations

import json
from typing import Literal

from monitor.store import key_values
from monitor.store.database import Database

What = Literal["source", "brand"]

_FACT = "id names"
IDS_IN_ORDER = "ids in order"  # a fact
_COLUMNS: dict[What, tuple[tuple[str, str], ...]] = {
    "source": (
        *(
            (table, "source")
            for table in (
                "posts", "mentions", "stories", "cases", "gaps", "aside", "arrived", "unjudged", "erasures", "replies",
            )
        ),
        ("competitor_mentions", "source"),
        ("incidents", "said_source"),
    ),
    "brand": tuple(
        (table, "brand")
        for table in (
            "mentions", "stories", "cases", "own_posts", "labels", "models", "mutes", "causes", "caused",
            "cause_answers", "cause_changes", "problems", "incidents",
        )
    ),
}  # fmt: skip
# Where a name is part of a key: rows of the old one give way to those that the new one has already.
_KEYED: dict[What, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "source": (("walks", "source", ("what",)), ("own_posts", "source", ("native_id",)), ("sources", "name", ())),
    "brand": (),
}
_HEARD: dict[What, str] = {
    "source": "brand, hour, :new, n, negative, known",
    "brand": ":new, hour, source, n, negative, known",
}
_FACTS: dict[What, tuple[str, ...]] = {
    "source": ("accounts:{}", "notices:{}:posts", "notices:{}:own", "read since:{}"),
    "brand": ("teaching:mark:{}", "teaching:left_out:{}", "causes:{}"),
}


def know_names(database: Database) -> None:
    """Read what ids are made of; whoever opens a database does so once.

    In a database that holds no post yet they come in order; where posts stand they go on as they began. On PostgreSQL
    an older version, which makes others, may be at work: they do where one version took all steps of the schema at
    once (that one refuses to begin there), and in what was moved there.
    """
    database.id_names = json.loads(key_values.fact(database, _FACT) or "{}")
    in_order = bool(key_values.fact(database, IDS_IN_ORDER))
    if not in_order and _is_new(database):
        _keep(database, IDS_IN_ORDER, "yes")
        in_order = True
    database.ids_in_order = in_order


def _is_new(database: Database) -> bool:
    if database.row("SELECT 1 AS one FROM posts LIMIT 1") is not None:
        return False
    made = database.row("SELECT count(DISTINCT at) AS times FROM schema_steps")
    return database.one_writer or (made is not None and made["times"] == 1)


def rename(database: Database, what: What, before: str, name: str) -> bool:
    """Give what stands under `before` to `name`; whether anything stood there. Inside a transaction."""
    if not _stands(database, what, before):
        return False
    names = dict(database.id_names)
    origin = names.pop(f"{what}:{before}", before)
    if f"{what}:{name}" not in names and not _stands(database, what, name):
        names[f"{what}:{name}"] = origin
    both = {"old": before, "new": name}
    for table, column in _COLUMNS[what]:
        database.run(f"UPDATE {table} SET {column} = :new WHERE {column} = :old", both)
    for table, column, rest in _KEYED[what]:
        same = "".join(f" AND other.{each} = {table}.{each}" for each in rest)
        database.run(
            f"UPDATE {table} SET {column} = :new WHERE {column} = :old AND NOT EXISTS "
            f"(SELECT 1 FROM {table} other WHERE other.{column} = :new{same})",
            both,
        )
        database.run(f"DELETE FROM {table} WHERE {column} = :old", {"old": before})
    database.run(
        f"INSERT INTO heard (brand, hour, source, n, negative, known) SELECT {_HEARD[what]} FROM heard "
        f"WHERE {what} = :old ON CONFLICT (brand, hour, source) DO UPDATE SET n = heard.n + excluded.n, "
        "negative = heard.negative + excluded.negative, known = heard.known + excluded.known",
        both,
    )
    database.run(f"DELETE FROM heard WHERE {what} = :old", {"old": before})
    _rename_keys(database, what, before, name)
    _keep(database, _FACT, json.dumps(names))
    database.id_names = names
    return True


def begin(database: Database, what: What, name: str) -> None:
    """Give a name that something else began with, and gave up, ids of its own. Inside a transaction.

    Else the first post of a new "forum" would count as known, because the old one, "board" by now, had one of its id.
    """
    names, key = dict(database.id_names), f"{what}:{name}"
    if key not in names and any(each.startswith(f"{what}:") and first == name for each, first in names.items()):
        names[key] = f"{name} again"
        _keep(database, _FACT, json.dumps(names))
        database.id_names = names


def _keep(database: Database, key: str, value: str) -> None:
    database.run(
        "INSERT INTO facts (key, value, at) VALUES (:key, :value, '') "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        {"key": key, "value": value},
    )


def _stands(database: Database, what: What, name: str) -> bool:
    """Whether anything is kept under a name. A source that was only configured, and never read, keeps nothing."""
    questions = [
        "SELECT 1 AS one FROM mentions WHERE {0} = :name LIMIT 1",
        "SELECT 1 AS one FROM cases WHERE {0} = :name LIMIT 1",
    ]
    if what == "source":
        questions.append("SELECT 1 AS one FROM walks WHERE source = :name LIMIT 1")
    return any(database.row(each.format(what), {"name": name}) is not None for each in questions)


def _rename_keys(database: Database, what: What, before: str, name: str) -> None:
    """Names within texts: mutes ("forum/olga"), facts, and what a lead changed of a brand on the page."""
    if what == "source":
        for row in database.rows("SELECT n, value FROM mutes WHERE kind IN ('author', 'community', 'thread')"):
            if row["value"].startswith(f"{before}/"):
                moved = f"{name}/{row['value'].removeprefix(f'{before}/')}"
                database.run("UPDATE mutes SET value = :value WHERE n = :n", {"n": row["n"], "value": moved})
    else:
        for row in database.rows("SELECT n, key FROM desk_changes"):
            if row["key"].startswith(f"brands.{before}."):
                moved = f"brands.{name}.{row['key'].removeprefix(f'brands.{before}.')}"
                database.run("UPDATE desk_changes SET key = :key WHERE n = :n", {"n": row["n"], "key": moved})
    for pattern in _FACTS[what]:
        held, kept = key_values.fact(database, pattern.format(before)), key_values.fact(database, pattern.format(name))
        if held and not kept:
            _keep(database, pattern.format(name), held)
        database.run("DELETE FROM facts WHERE key = :key", {"key": pattern.format(before)})
