"""Cases on hold: what was said in them and of them is put away under seal, and comes back when the hold ends.

The sealed columns are those that forgetting empties (columns.py), so that nothing that shows, searches, exports or
sends has to know of holds. What is asked for meanwhile, by whom, is kept beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.text import bare_name
from monitor.store import assistant
from monitor.store.columns import TABLES, emptied
from monitor.store.database import Database, Row, encode, marks, stamp
from monitor.store.forgetting import forget_letters, without_words
from monitor.store.to_forget import BATCH

_Sealed = dict[str, dict[str, dict[str, Any]]]  # table -> key -> column -> value
# Tables that two columns name a row of: their keys under seal are both, as JSON.
_PAIRS = {"own_posts": ("source", "native_id"), "competitor_mentions": ("post_id", "competitor")}


def standing(database: Database) -> list[Row]:
    """Every hold that has not ended, the next to end first."""
    return database.rows("SELECT * FROM holds WHERE ended_at = '' ORDER BY until, n")


def of_case(database: Database, case: str) -> Row | None:
    """The hold that stands on a case."""
    return database.row("SELECT * FROM holds WHERE case_id = :case AND ended_at = ''", {"case": case})


def begin(database: Database, case: str, ground: str, who: str, who_id: str, until: datetime, now: datetime) -> None:
    """Put a case on hold, or its hold on for longer. Inside a transaction."""
    values = {
        "case": case, "ground": ground, "who": who, "who_id": who_id, "until": stamp(until), "now": stamp(now),
    }  # fmt: skip
    if of_case(database, case) is not None:
        database.run(
            "UPDATE holds SET ended_at = :now, ended_by = :who WHERE case_id = :case AND ended_at = ''", values
        )
    else:
        _seal(database, case, now)
    database.run(
        "INSERT INTO holds (case_id, ground, who, who_id, at, until) "
        "VALUES (:case, :ground, :who, :who_id, :now, :until)",
        values,
    )


def end(database: Database, case: str, who: str, now: datetime) -> None:
    """Bring back what lies under seal. Inside a transaction, with whatever was asked for."""
    _unseal(database, case)
    _ended(database, case, who, now)


def _ended(database: Database, case: str, who: str, now: datetime) -> None:
    database.run(
        "UPDATE holds SET ended_at = :now, ended_by = :who WHERE case_id = :case AND ended_at = ''",
        {"case": case, "who": who, "now": stamp(now)},
    )


def sealed(database: Database, case: str) -> _Sealed:
    """What lies under seal of a case."""
    row = database.row("SELECT body FROM sealed WHERE case_id = :case", {"case": case})
    found: _Sealed = json.loads(row["body"]) if row else {}
    return found


# -- what is asked for meanwhile -------------------------------------------------------------------------------------


def ask(
    database: Database,
    case: str,
    now: datetime,
    *,
    why: str,
    posts: Sequence[str] = (),
    names: Sequence[str] = (),
    who: str,
    who_id: str,
    way: str,
) -> None:
    """Keep that this was asked for, once: posts by a network ("deleted_at"), or all of it by an erasure."""
    values = {
        "case": case, "why": why, "posts": encode(sorted(posts)), "names": encode(sorted(names)), "who": who,
        "who_id": who_id, "way": way, "now": stamp(now),
    }  # fmt: skip
    same = database.row(
        "SELECT 1 AS one FROM held_requests WHERE case_id = :case AND why = :why AND posts = :posts "
        "AND who_id = :who_id AND done_at = ''",
        values,
    )
    if same is None:
        database.run(
            "INSERT INTO held_requests (case_id, why, posts, names, who, who_id, way, at) "
            "VALUES (:case, :why, :posts, :names, :who, :who_id, :way, :now)",
            values,
        )


def asked_of(database: Database, case: str) -> list[Row]:
    """What was asked for and waits for the end of a hold, oldest first."""
    return database.rows(
        "SELECT * FROM held_requests WHERE case_id = :case AND done_at = '' ORDER BY n", {"case": case}
    )


def done(database: Database, case: str, now: datetime) -> None:
    """All of it is done: who asked for it stays, and not whom it named; nor the ground, which may name them."""
    if asked_of(database, case):
        database.run("UPDATE holds SET ground = '' WHERE case_id = :case", {"case": case})
    database.run(
        "UPDATE held_requests SET done_at = :now, names = '[]', posts = '[]' WHERE case_id = :case AND done_at = ''",
        {"case": case, "now": stamp(now)},
    )


def cases_of_sealed_posts(database: Database, posts: Sequence[str]) -> dict[str, list[str]]:
    """case on hold -> those of these posts that lie under its seal."""
    found: dict[str, list[str]] = {}
    if not posts:
        return found
    wanted = set(posts)
    for hold in standing(database):
        if theirs := wanted & sealed(database, hold["case_id"]).get("posts", {}).keys():
            found[hold["case_id"]] = sorted(theirs)
    return found


def posts_of_account(database: Database, source: str, account: str) -> dict[str, list[str]]:
    """case on hold -> the posts of an account that lie under its seal: by its id, else under it as a name."""
    found: dict[str, list[str]] = {}
    for case_id, body in _of_source(database, source):
        posts = body.get("posts", {}).items()
        if theirs := [key for key, row in posts if account in {row.get("author_id") or row.get("author")} - {"", None}]:
            found[case_id] = sorted(theirs)
    return found


def of_person(
    database: Database, source: str, author: str, accounts: Sequence[str] = ()
) -> dict[str, tuple[list[str], list[str], list[str]]]:
    """case on hold -> (names, native ids, ids of the account) of somebody whose words lie under its seal.

    They are known by their name, or by the ids of `accounts` of theirs.
    """
    wanted, theirs, found = bare_name(author.strip()), set(accounts), {}
    for case_id, body in _of_source(database, source) if wanted else ():
        posts = body.get("posts", {}).values()
        rows = [*body.get("cases", {}).values(), *posts]
        names = {name for row in rows if (name := str(row.get("author") or "")) and bare_name(name.strip()) == wanted}
        names |= {str(row["author"]) for row in posts if row.get("author") and row.get("author_id") in theirs}
        if names:
            written = [row for row in posts if row.get("author") in names]
            natives = [str(row["native_id"]) for row in written if row.get("native_id")]
            ids = {str(row["author_id"]) for row in written if row.get("author_id")}
            found[case_id] = sorted(names), natives, sorted(ids)
    return found


def _of_source(database: Database, source: str) -> Iterator[tuple[str, _Sealed]]:
    """The cases of a source that are on hold, each with what lies under its seal."""
    for hold in standing(database):
        case = database.row("SELECT source FROM cases WHERE id = :id", {"id": hold["case_id"]})
        if case is not None and case["source"] == source:
            yield hold["case_id"], sealed(database, hold["case_id"])


# -- the seal --------------------------------------------------------------------------------------------------------


def _seal(database: Database, case: str, now: datetime) -> None:
    value = {"case": case}
    posts = [
        row["id"]
        for row in database.rows(
            "SELECT DISTINCT p.id FROM mentions m JOIN posts p ON p.id = m.post_id WHERE m.case_id = :case "
            "AND p.deleted_at = '' AND p.purged_at = '' ORDER BY p.id",
            value,
        )
    ]
    story = database.row("SELECT story_id FROM cases WHERE id = :case", value)
    natives = [row["native_id"] for row in _rows(database, "posts", "id", posts)]
    own = [*_rows(database, "own_posts", "case_id", [case]), *_rows(database, "own_posts", "parent_id", natives)]
    written = [*_rows(database, "replies", "case_id", [case]), *_rows(database, "replies", "parent_id", natives)]
    told = _rows(database, "deliveries", "story_id", [story["story_id"]] if story else [])
    told = [row for row in told if row["action"] == "edit" or row["about"] in {f"case:{case}", f"join:{case}"}]
    lines = _rows(database, "case_log", "case_id", [case])
    body: _Sealed = {
        "posts": _kept("posts", _rows(database, "posts", "id", posts), "id"),
        "mentions": _kept("mentions", _rows(database, "mentions", "post_id", posts), "id"),
        "cases": _kept("cases", _rows(database, "cases", "id", [case]), "id"),
        "case_log": _kept("case_log", lines, "n"),
        "own_posts": _pairs("own_posts", own),
        "competitor_mentions": _pairs("competitor_mentions", _rows(database, "competitor_mentions", "post_id", posts)),
        "deliveries": _kept("deliveries", told, "id"),
        "replies": _kept("replies", written, "id"),
        "issues": _kept("issues", _rows(database, "issues", "case_id", [case]), "id"),
    }
    database.run("INSERT INTO sealed (case_id, body) VALUES (:case, :body)", {**value, "body": encode(body)})
    assistant.forget(database, "post", posts)  # what was answered of them can be asked again
    assistant.forget(database, "case", [case])
    forget_letters(database, _rows(database, "posts", "id", posts))  # they may quote others, who may ask meanwhile
    for table in ("posts", "mentions", "cases", "replies", "issues"):
        gone = f", purged_at = '{stamp(now)}'" if table == "posts" else ""
        _each(database, f"UPDATE {table} SET {emptied(table)}{gone} WHERE id = :key", body[table])
    for row in lines:
        kept = encode(without_words(row["what"], json.loads(row["detail"] or "{}")))
        database.run("UPDATE case_log SET detail = :kept WHERE n = :n", {"kept": kept, "n": row["n"]})
    for table in _PAIRS:
        for key in body[table]:
            where, values = _of_pair(table, key)
            database.run(f"UPDATE {table} SET {emptied(table)} WHERE {where}", values)
    for row in told:
        payload = {name: each for name, each in json.loads(row["payload"] or "{}").items() if name != "footer"}
        database.run(
            "UPDATE deliveries SET payload = :payload, reason = CASE action WHEN 'edit' THEN 'on hold' ELSE reason END "
            "WHERE id = :id",
            {"id": row["id"], "payload": encode(payload)},
        )


def _unseal(database: Database, case: str) -> None:
    """Write back what stood there; what was written meanwhile (a wish, a state) stays as it is now."""
    body = sealed(database, case)
    for key, columns in body.get("cases", {}).items():
        now = database.row("SELECT * FROM cases WHERE id = :id", {"id": key})
        empty = {name: value for name, value in columns.items() if now and now[name] in ("", "[]", 0, None)}
        _write(database, "cases", empty, "id = :key", {"key": key})
    for table in ("posts", "mentions", "case_log", "deliveries", "replies", "issues"):
        name = "n" if table == "case_log" else "id"
        for key, columns in body.get(table, {}).items():
            back = {**columns, "purged_at": ""} if table == "posts" else columns
            _write(database, table, back, f"{name} = :key", {"key": int(key) if name == "n" else key})
    for table in _PAIRS:
        for key, columns in body.get(table, {}).items():
            _write(database, table, columns, *_of_pair(table, key))
    database.run("DELETE FROM sealed WHERE case_id = :case", {"case": case})


def _rows(database: Database, table: str, column: str, values: Sequence[str]) -> list[Row]:
    found: list[Row] = []
    for start in range(0, len(values), BATCH):
        clause, given = marks("v", values[start : start + BATCH])
        found += database.rows(f"SELECT * FROM {table} WHERE {column} IN {clause}", given)
    return found


def _kept(table: str, rows: Iterable[Row], key: str) -> dict[str, dict[str, Any]]:
    return {str(row[key]): {name: row[name] for name in TABLES[table].personal} for row in rows}


def _pairs(table: str, rows: Iterable[Row]) -> dict[str, dict[str, Any]]:
    named, personal = _PAIRS[table], TABLES[table].personal
    return {encode([row[name] for name in named]): {name: row[name] for name in personal} for row in rows}


def _of_pair(table: str, key: str) -> tuple[str, dict[str, str]]:
    """Which row a key under seal means: a condition, and its values."""
    first, second = _PAIRS[table]
    one, other = json.loads(key)
    return f"{first} = :one AND {second} = :other", {"one": one, "other": other}


def _each(database: Database, statement: str, keys: Iterable[str]) -> None:
    database.run_many(statement, [{"key": key} for key in keys])


def _write(database: Database, table: str, columns: Mapping[str, Any], where: str, key: Mapping[str, Any]) -> None:
    if columns:
        values = {f"new_{name}": value for name, value in columns.items()}
        assignments = ", ".join(f"{name} = :new_{name}" for name in columns)
        database.run(f"UPDATE {table} SET {assignments} WHERE {where}", {**values, **key})
