"""Incidents: what leapt above its habit or did harm to several, and which mentions are of it.

An incident is of a brand, and of one cause or one story of it where these are known. It is open until
`ended_at` is set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from monitor.store.database import Database, Row, listed, marks, stamp
from monitor.store.deliveries import QUIET
from monitor.store.key_values import given
from monitor.store.persons import voice

FEWEST = 3  # of its posts stand: with fewer, its words would be those of one person
_BATCH = 500
_READ = (
    "id, brand, cause_id, story_id, kind, words, start_at, opened_at, peak_at, peak, usual, people, mentions, reach, "
    "last_at, ended_at, ended_by, owner, owner_id, said_publicly_at, said_url, said_source, told, summary, answered"
)
_CHANGES = frozenset(_READ.replace(",", "").split()) - {"id", "brand"}


def between(database: Database, since: datetime, until: datetime, brand: str = "") -> list[Row]:
    """The incidents that were under way in a span, the first to begin first.

    Each with (id, brand, cause_id, words, start_at, peak_at, peak, people, mentions, reach, ended_at, owner,
    said_publicly_at, summary, answered), and more. A cause_id of "" is the brand's whole volume or one story; `peak` is
    posts in an hour, `answered` counts the people who have had an answer.
    """
    only = "AND brand = :brand " if brand else ""
    return database.rows(
        f"SELECT {_READ} FROM incidents WHERE start_at < :until AND (ended_at = '' OR ended_at >= :since) {only}"
        "ORDER BY start_at, n",
        {"since": stamp(since), "until": stamp(until), **({"brand": brand} if brand else {})},
    )


def open_now(database: Database, brand: str = "") -> list[Row]:
    """The incidents that have no end yet, with the columns of `between`, the first to begin first."""
    only = "AND brand = :brand " if brand else ""
    return database.rows(
        f"SELECT {_READ} FROM incidents WHERE ended_at = '' {only}ORDER BY start_at, n",
        {"brand": brand} if brand else {},
    )


def latest(database: Database, limit: int = 50) -> list[Row]:
    """The newest incidents, those that are open first."""
    return database.rows(
        f"SELECT {_READ} FROM incidents ORDER BY CASE ended_at WHEN '' THEN 0 ELSE 1 END, n DESC LIMIT :limit",
        {"limit": limit},
    )


def one(database: Database, incident: str) -> Row | None:
    """An incident by its id."""
    return database.row(f"SELECT {_READ} FROM incidents WHERE id = :id", {"id": incident})


def last_end(database: Database, brand: str, cause: str) -> str:
    """When the last incident of a brand's volume, or of a cause of it, has ended; "" where none has."""
    row = database.row(
        "SELECT max(ended_at) AS at FROM incidents WHERE brand = :brand AND cause_id = :cause AND story_id = ''",
        {"brand": brand, "cause": cause},
    )
    return (row["at"] or "") if row else ""


def of_stories(database: Database, stories: Sequence[str]) -> set[str]:
    """Those of these stories that have had an incident of their own, open or over."""
    clause, values = marks("s", list(dict.fromkeys(stories)))
    rows = database.rows(f"SELECT DISTINCT story_id FROM incidents WHERE story_id IN {clause}", values)
    return {row["story_id"] for row in rows}


def begin(database: Database, now: datetime, *, brand: str, kind: str, start_at: datetime, **more: Any) -> str:
    """Open an incident; its id. `more` are further columns. Inside a transaction."""
    row = database.row("SELECT coalesce(max(n), 0) + 1 AS n FROM incidents")
    number = max(int(row["n"]) if row else 1, given(database, "incidents") + 1)
    values = {
        "id": str(number), "n": number, "brand": brand, "kind": kind, "start_at": stamp(start_at),
        "opened_at": stamp(now), "last_at": stamp(now), "words": "[]", **_ready(more),
    }  # fmt: skip
    names = ", ".join(values)
    database.run(
        f"INSERT INTO incidents ({names}) VALUES ({', '.join(':' + name for name in values)})",
        values,
    )
    return str(number)


def change(database: Database, incident: str, **changes: Any) -> None:
    """Set columns of an incident."""
    unknown = set(changes) - _CHANGES
    if unknown:
        raise ValueError(f"incidents have no {', '.join(sorted(unknown))} to be set")
    if changes:
        sets = ", ".join(f"{name} = :{name}" for name in changes)
        database.run(f"UPDATE incidents SET {sets} WHERE id = :id", {**_ready(changes), "id": incident})


def _ready(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: stamp(value)
        if isinstance(value, datetime)
        else listed(value)
        if isinstance(value, (tuple, list))
        else value
        for name, value in values.items()
    }


def join(database: Database, incident: str, mentions: Iterable[str], now: datetime) -> int:
    """These mentions are of it from now on, unless they are of another; how many that were not before."""
    return database.run_many(
        "INSERT INTO incident_mentions (mention_id, incident_id, at) VALUES (:mention, :incident, :now) "
        "ON CONFLICT DO NOTHING",
        [{"mention": mention, "incident": incident, "now": stamp(now)} for mention in mentions],
    )


def joined(database: Database, mentions: Sequence[str]) -> set[str]:
    """Those of these mentions that are of an incident."""
    found: set[str] = set()
    for start in range(0, len(mentions), _BATCH):
        clause, values = marks("m", mentions[start : start + _BATCH])
        rows = database.rows(f"SELECT mention_id FROM incident_mentions WHERE mention_id IN {clause}", values)
        found.update(row["mention_id"] for row in rows)
    return found


def counted(database: Database, incident: str) -> dict[str, int]:
    """What is known of an open incident now: people, mentions, reach, and people who were answered."""
    row = database.row(
        f"SELECT count(*) AS mentions, count(DISTINCT {voice()}) AS people, coalesce(sum(p.reach), 0) AS reach, "
        f"count(DISTINCT CASE WHEN c.answered_at <> '' AND m.suppressed = '' THEN {voice()} END) AS answered "
        "FROM incident_mentions i JOIN mentions m ON m.id = i.mention_id JOIN posts p ON p.id = m.post_id "
        "LEFT JOIN cases c ON c.id = m.case_id WHERE i.incident_id = :id",
        {"id": incident},
    )
    return {name: int(row[name]) for name in ("people", "mentions", "reach", "answered")} if row else {}


def cases_of(database: Database, incident: str) -> list[str]:
    """The cases of the people of it, the oldest first."""
    return [
        row["id"]
        for row in database.rows(
            "SELECT c.id FROM cases c WHERE c.id IN (SELECT m.case_id FROM incident_mentions i "
            "JOIN mentions m ON m.id = i.mention_id WHERE i.incident_id = :id AND m.case_id <> '') ORDER BY c.n",
            {"id": incident},
        )
    ]


def stories_of(database: Database, incident: str) -> set[str]:
    """The stories of its cases."""
    rows = database.rows(
        "SELECT DISTINCT c.story_id FROM incident_mentions i JOIN mentions m ON m.id = i.mention_id "
        "JOIN cases c ON c.id = m.case_id WHERE i.incident_id = :id AND m.case_id <> ''",
        {"id": incident},
    )
    return {row["story_id"] for row in rows}


def of_cases(database: Database, cases: Sequence[str]) -> dict[str, str]:
    """case id -> the open incident that it belongs to, for those that belong to one."""
    found: dict[str, str] = {}
    for start in range(0, len(cases), _BATCH):
        clause, values = marks("c", cases[start : start + _BATCH])
        for row in database.rows(
            "SELECT m.case_id, i.incident_id FROM mentions m JOIN incident_mentions i ON i.mention_id = m.id "
            f"JOIN incidents n ON n.id = i.incident_id WHERE m.case_id IN {clause} AND m.case_id <> '' "
            "AND n.ended_at = ''",
            values,
        ):
            found[row["case_id"]] = row["incident_id"]
    return found


def posts_of(database: Database, incident: str, limit: int = 50) -> list[Row]:
    """The posts that made it and still stand: first whatever needs us most, each with its mention and case."""
    return database.rows(
        "SELECT p.id AS post_id, p.title, p.text, p.rating, p.author, p.author_name, p.source, p.url, m.id, m.case_id, "
        "m.posted_at, m.sentiment, m.lane, m.language "
        "FROM incident_mentions i JOIN mentions m ON m.id = i.mention_id JOIN posts p ON p.id = m.post_id "
        "WHERE i.incident_id = :id AND p.deleted_at = '' AND p.purged_at = '' "
        "ORDER BY m.critical DESC, m.needs_answer DESC, m.posted_at, m.id LIMIT :limit",
        {"id": incident, "limit": limit},
    )


def texts_of(database: Database, incident: str, most: int = 500) -> list[str]:
    """What its posts say that still stand, title and text, of so many of them."""
    rows = database.rows(
        "SELECT p.title, p.text FROM incident_mentions i JOIN mentions m ON m.id = i.mention_id "
        "JOIN posts p ON p.id = m.post_id "
        "WHERE i.incident_id = :id AND p.deleted_at = '' AND p.purged_at = '' LIMIT :most",
        {"id": incident, "most": most},
    )
    return [f"{row['title']} {row['text']}" for row in rows]


def forget(database: Database, mentions: str, values: Mapping[str, Any]) -> None:
    """These mentions (a question for their ids) are forgotten: they are of no incident any more.

    One with fewer than `FEWEST` posts left loses its words. Its figures stay. Inside a transaction.
    """
    rows = database.rows(
        f"SELECT DISTINCT incident_id AS id FROM incident_mentions WHERE mention_id IN ({mentions})", values
    )
    if not rows:
        return
    database.run(f"DELETE FROM incident_mentions WHERE mention_id IN ({mentions})", values)
    clause, named = marks("i", [row["id"] for row in rows])
    database.run(
        f"UPDATE incidents SET words = '[]', summary = '' WHERE id IN {clause} AND "
        "(SELECT count(*) FROM incident_mentions i WHERE i.incident_id = incidents.id) < :fewest",
        {**named, "fewest": FEWEST},
    )


def held_back(database: Database, incident: str, target: str) -> list[str]:
    """The cases of it that a target has not been told of and that wait, the oldest first."""
    return [
        row["id"]
        for row in database.rows(
            "SELECT c.id FROM cases c WHERE c.closed_at = '' AND c.lane = 'ping' AND c.quiet = 0 AND c.id IN "
            "(SELECT m.case_id FROM incident_mentions i JOIN mentions m ON m.id = i.mention_id "
            "WHERE i.incident_id = :id AND m.case_id <> '') AND EXISTS (SELECT 1 FROM deliveries d "
            "WHERE d.story_id = c.story_id AND d.target = :target AND d.state = 'pending' AND d.action = 'post' "
            "AND d.about IN ('story:' || c.story_id, 'join:' || c.id, 'case:' || c.id)) ORDER BY c.n",
            {"id": incident, "target": target},
        )
    ]


def release(database: Database, incident: str, now: datetime) -> int:
    """What was held back for it is due now; how many rows of the outbox."""
    stories = sorted(stories_of(database, incident))
    released = 0
    for start in range(0, len(stories), _BATCH):
        clause, values = marks("s", stories[start : start + _BATCH])
        released += database.run(
            "UPDATE deliveries SET due_at = :now WHERE state = 'pending' AND action = 'post' AND due_at > :now "
            f"AND story_id IN {clause} AND (about LIKE 'story:%' OR about LIKE 'join:%' OR about LIKE 'case:%')",
            {**values, "now": stamp(now)},
        )
    return released


def speaks_for(database: Database, problem: int) -> bool:
    """Whether an open incident is what a problem grows by: at least half of what is written of its cause is of it."""
    return (
        database.row(
            "SELECT x.id FROM problems p JOIN incidents x ON x.brand = p.brand AND x.ended_at = '' "
            "JOIN causes k ON k.id = p.cause_id OR k.merged_into = p.cause_id "
            "JOIN caused c ON c.cause_id = k.id AND c.posted_at >= x.start_at "
            "LEFT JOIN incident_mentions i ON i.mention_id = c.mention_id AND i.incident_id = x.id "
            "WHERE p.n = :problem GROUP BY x.id HAVING count(i.mention_id) * 2 >= count(*)",
            {"problem": problem},
        )
        is not None
    )


def newer_waits(database: Database, about: str, target: str, created_at: datetime) -> bool:
    """Whether a later message whose subject begins so waits for the same target."""
    return (
        database.row(
            f"SELECT 1 AS one FROM deliveries WHERE {database.begins('about', about)} AND target = :target "
            "AND state = 'pending' AND reason <> :quiet AND created_at > :created LIMIT 1",
            {"target": target, "quiet": QUIET, "created": stamp(created_at)},
        )
        is not None
    )
