"""Taking one person's data out of every table that holds some, and the record that this was done: never whose."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from monitor.store import mentions
from monitor.store.database import Database, Row, encode, marks, stamp

_SAID = ("text", "url", "wants", "answer_url")  # what a line of a log may hold of the person


def names_of(database: Database, source: str, author: str) -> list[str]:
    """The spellings under which a source knows this person: with and without @, in any case."""
    bare = author.strip().removeprefix("@").removeprefix("u/")
    written = [bare, f"@{bare}", f"u/{bare}"]
    exact, values = marks("a", written)
    low, lowered = marks("b", [name.lower() for name in written])  # SQLite lowers A to Z only
    fits = f"(author IN {exact} OR lower(author) IN {low})"
    found: set[str] = set()
    # Whom all sources know, from an index alone, and then who of them is of this source: no row is read in vain.
    for row in database.rows(f"SELECT DISTINCT author FROM mentions WHERE {fits}", {**values, **lowered}):
        known = {"name": row["author"], "source": source}
        if database.row("SELECT 1 AS n FROM mentions WHERE author = :name AND source = :source LIMIT 1", known):
            found.add(row["author"])
    rows = database.rows(
        f"SELECT DISTINCT author FROM cases WHERE source = :source AND {fits}", {**values, **lowered, "source": source}
    )
    found.update(row["author"] for row in rows)
    return sorted(found - {""})


def counts(database: Database, source: str, names: Sequence[str]) -> tuple[int, int, int]:
    """How many posts, cases, and open cases a person has."""
    clause, values = marks("a", names)
    values["source"] = source
    posts = database.row(
        f"SELECT count(DISTINCT post_id) AS n FROM mentions WHERE source = :source AND author IN {clause}", values
    )
    theirs = database.row(
        "SELECT count(*) AS n, coalesce(sum(CASE WHEN closed_at = '' THEN 1 ELSE 0 END), 0) AS open FROM cases "
        f"WHERE source = :source AND author IN {clause}",
        values,
    )
    assert posts is not None
    assert theirs is not None
    return int(posts["n"]), int(theirs["n"]), int(theirs["open"])


def cases_of(database: Database, source: str, names: Sequence[str]) -> list[str]:
    """The numbers of their cases, oldest first."""
    clause, values = marks("a", names)
    rows = database.rows(
        f"SELECT id FROM cases WHERE source = :source AND author IN {clause} ORDER BY n", {**values, "source": source}
    )
    return [row["id"] for row in rows]


def erase(database: Database, source: str, names: Sequence[str], cases: Sequence[str], now: datetime) -> int:
    """Empty what they wrote, and what was written about them here; how many posts that were. Times and counts stay."""
    posts = sum(mentions.erase_author(database, source, name, now) for name in names)
    for start in range(0, len(cases), 500):
        clause, values = marks("c", cases[start : start + 500])
        for row in database.rows(f"SELECT n, detail FROM case_log WHERE case_id IN {clause}", values):
            kept = _without_words(json.loads(row["detail"] or "{}"))
            database.run("UPDATE case_log SET detail = :kept WHERE n = :n", {"kept": encode(kept), "n": row["n"]})
        database.run(f"UPDATE own_posts SET text = '', url = '' WHERE case_id IN {clause}", values)
        database.run(
            f"UPDATE cases SET author = '', wants = '', answer_url = '', fingerprint = 0 WHERE id IN {clause}", values
        )
    _forget_letters(database, source, names)
    _forget_aside(database, source, names)
    for name in names:  # a mute that stands is somebody's decision: it is named to who erases, not taken back
        database.run(
            "DELETE FROM mutes WHERE kind = 'author' AND value = :value AND (undone_at <> '' OR offered = 1)",
            {"value": f"{source}/{name}"},
        )
    return posts


def _without_words(detail: dict[str, Any]) -> dict[str, Any]:
    before = detail.get("before")
    kept = {key: value for key, value in detail.items() if key not in _SAID}
    if isinstance(before, dict):
        kept["before"] = {key: value for key, value in before.items() if key not in _SAID}
    return kept


def _forget_letters(database: Database, source: str, names: Sequence[str]) -> None:
    """The managers' letters that named them: the copies kept here go; what was sent cannot be called back."""
    told = [f"{name} on {source}" for name in names]
    for row in database.rows("SELECT id, state, payload FROM deliveries WHERE about LIKE 'digest:%'"):
        text = str(json.loads(row["payload"] or "{}").get("text", ""))
        if any(each in text for each in told):
            if row["state"] == "sent":
                database.run("UPDATE deliveries SET payload = '{}' WHERE id = :id", {"id": row["id"]})
            elif row["state"] == "dead":  # it could not be sent once more without its words
                database.run("DELETE FROM deliveries WHERE id = :id", {"id": row["id"]})


def _forget_aside(database: Database, source: str, names: Sequence[str]) -> None:
    """Items that could not be read are kept as bytes: those that hold a name of theirs go."""
    marked = [name.encode("utf-8", "replace") for name in names]
    for row in database.rows("SELECT n, raw FROM aside WHERE source = :source", {"source": source}):
        if any(name in bytes(row["raw"] or b"") for name in marked):
            database.run("DELETE FROM aside WHERE n = :n", {"n": row["n"]})


def mutes_naming(database: Database, source: str, names: Sequence[str]) -> list[int]:
    """The numbers of standing mutes that name them."""
    clause, values = marks("v", [f"{source}/{name}" for name in names])
    rows = database.rows(
        f"SELECT n FROM mutes WHERE kind = 'author' AND undone_at = '' AND offered = 0 AND value IN {clause}", values
    )
    return [int(row["n"]) for row in rows]


def note(database: Database, source: str, who: str, way: str, posts: int, cases: int, now: datetime) -> None:
    """Keep that somebody was erased: where, by whom, when, how much. Not who it was."""
    database.run(
        "INSERT INTO erasures (source, who, way, at, posts, cases) VALUES (:source, :who, :way, :now, :posts, :cases)",
        {"source": source, "who": who, "way": way, "now": stamp(now), "posts": posts, "cases": cases},
    )


def noted(database: Database, limit: int = 100) -> list[Row]:
    """(source, who, way, at, posts, cases) of what was erased, the latest first."""
    return database.rows("SELECT * FROM erasures ORDER BY n DESC LIMIT :limit", {"limit": limit})
