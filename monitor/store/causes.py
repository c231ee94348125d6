"""Why people write: each brand's list of causes, and which mentions are of which.

A cause that was merged into another keeps its rows and names the other (`merged_into`), so that undoing costs nothing;
every question here answers for the one that stands. Whose a mention is stands with its post alone: what forgetting
empties there is empty here too. Who only repeats what somebody else said is not counted as a person (`persons.voice`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from alerts.case import SETTLED
from monitor.store.database import Database, Row, encode, marks, stamp
from monitor.store.mentions import SAME_TROUBLE
from monitor.store.persons import person, voice

_VOICE = voice("m", "w")
# A case of ours that nobody ever answered: alerts.case.never_answered in SQL, where a tuple of words is written alike.
UNANSWERED = f"c.answered_at = '' AND c.outcome NOT IN {SETTLED}"
_EFFECTIVE = "CASE WHEN k.merged_into <> '' THEN k.merged_into ELSE k.id END"
_STANDING = "gone_at = '' AND merged_into = ''"
_OF_TIME = "x.brand IN (SELECT DISTINCT brand FROM causes)"  # so that the index of brand and time is of use for all


def listed(database: Database, brand: str) -> list[Row]:
    """The causes of a brand that stand, by name, each with `known_since` and `fixed_at`.

    `known_since` is when somebody first wrote of it, `fixed_at` when its last problem was fixed; each "" for never.
    """
    return database.rows(
        "SELECT s.id, s.brand, s.name, s.team, s.words, s.examples, s.days, s.issue_url, s.made_at, "
        "coalesce((SELECT min((SELECT min(x.posted_at) FROM caused x WHERE x.cause_id = k.id)) FROM causes k "
        "WHERE k.id = s.id OR k.merged_into = s.id), '') AS known_since, "  # the first of each by its index
        "coalesce((SELECT p.fixed_at FROM problems p WHERE p.cause_id = s.id AND p.joined = 0 "
        "ORDER BY p.n DESC LIMIT 1), '') AS fixed_at "
        "FROM causes s WHERE s.brand = :brand AND s.gone_at = '' AND s.merged_into = '' ORDER BY lower(s.name), s.id",
        {"brand": brand},
    )


def counted(database: Database, since: datetime, until: datetime, brand: str = "") -> list[Row]:
    """How much was written of each cause from `since` until before `until`, the most people first.

    cause_id, name, brand, mentions, people, first_at; a cause of which nobody wrote is not among them.
    """
    only = "AND x.brand = :brand " if brand else f"AND {_OF_TIME} "
    return database.rows(
        f"SELECT s.id AS cause_id, s.name, s.brand, count(DISTINCT x.mention_id) AS mentions, "
        f"count(DISTINCT {_VOICE}) AS people, min(x.posted_at) AS first_at FROM caused x "
        f"JOIN causes k ON k.id = x.cause_id JOIN causes s ON s.id = {_EFFECTIVE} "
        f"JOIN mentions m ON m.id = x.mention_id JOIN posts w ON w.id = m.post_id "
        f"WHERE x.posted_at >= :since AND x.posted_at < :until {only}AND s.gone_at = '' "
        "GROUP BY s.id, s.name, s.brand ORDER BY people DESC, mentions DESC, s.name",
        {"since": stamp(since), "until": stamp(until), "brand": brand},
    )


def names(database: Database, causes: Sequence[str]) -> dict[str, str]:
    """id -> name of causes, of a merged one that of the other; what is gone is not among them."""
    clause, values = marks("k", list(dict.fromkeys(causes)))
    rows = database.rows(
        f"SELECT k.id, s.name FROM causes k JOIN causes s ON s.id = {_EFFECTIVE} WHERE k.id IN {clause} "
        "AND s.gone_at = ''",
        values,
    )
    return {row["id"]: row["name"] for row in rows}


def by_hour(database: Database, since: datetime, until: datetime, brand: str = "") -> list[Row]:
    """Mentions (n) of each cause by hours of UTC ("2026-03-04T09"): cause_id, brand, hour, n; the oldest first."""
    only = "AND x.brand = :brand " if brand else f"AND {_OF_TIME} "
    return database.rows(
        f"SELECT {_EFFECTIVE} AS cause_id, x.brand, substr(x.posted_at, 1, 13) AS hour, "
        "count(DISTINCT x.mention_id) AS n FROM caused x JOIN causes k ON k.id = x.cause_id "
        f"WHERE x.posted_at >= :since AND x.posted_at < :until {only}AND k.gone_at = '' "
        f"GROUP BY {_EFFECTIVE}, x.brand, substr(x.posted_at, 1, 13) ORDER BY hour, cause_id",
        {"since": stamp(since), "until": stamp(until), "brand": brand},
    )


# -- the list --------------------------------------------------------------------------------------------------------


def standing(database: Database, brand: str = "") -> list[Row]:
    """The rows of causes that stand, of one brand or all."""
    only = "AND brand = :brand " if brand else ""
    return database.rows(
        f"SELECT * FROM causes WHERE {_STANDING} {only}ORDER BY brand, lower(name), id", {"brand": brand}
    )


def some(database: Database, causes: Iterable[str]) -> dict[str, Row]:
    """The rows of these causes, by their ids."""
    clause, values = marks("k", sorted(causes))
    return {row["id"]: row for row in database.rows(f"SELECT * FROM causes WHERE id IN {clause}", values)}


def one(database: Database, cause: str) -> Row | None:
    """A cause by its id, merged and deleted ones too."""
    return database.row("SELECT * FROM causes WHERE id = :cause", {"cause": cause})


def mark(database: Database) -> str:
    """A word that changes whenever any list of causes, or what staff said of causes, changes."""
    row = database.row(
        "SELECT (SELECT coalesce(max(n), 0) FROM cause_changes) AS changes, "
        "(SELECT count(*) FROM cause_changes WHERE undone_at <> '') AS undone, "
        "(SELECT count(*) FROM causes) AS causes, "
        "(SELECT coalesce(max(n), 0) FROM cause_answers) AS answers, "
        "(SELECT count(*) FROM cause_answers WHERE undone_at <> '') AS taken_back"
    )
    assert row is not None
    return ":".join(str(row[each]) for each in ("changes", "undone", "causes", "answers", "taken_back"))


def add(database: Database, rows: Iterable[Mapping[str, Any]], now: datetime) -> None:
    """Add causes: id, brand, name, team, words, examples (lists), days."""
    database.run_many(
        "INSERT INTO causes (id, brand, name, team, words, examples, days, issue_url, made_at) "
        "VALUES (:id, :brand, :name, :team, :words, :examples, :days, :issue_url, :now) ON CONFLICT DO NOTHING",
        [
            {
                "team": "", "issue_url": "", "days": 7, **row, "now": stamp(now),
                "words": encode(list(row.get("words", ()))), "examples": encode(list(row.get("examples", ()))),
            }
            for row in rows
        ],
    )  # fmt: skip


_CHANGED = ("name", "team", "words", "examples", "days", "issue_url", "merged_into", "gone_at")


def change(database: Database, cause: str, **values: Any) -> None:
    """Set columns of a cause; lists become JSON text."""
    assert set(values) <= set(_CHANGED)
    new = {key: encode(list(each)) if isinstance(each, (list, tuple)) else each for key, each in values.items()}
    assigned = ", ".join(f"{key} = :{key}" for key in new)
    database.run(f"UPDATE causes SET {assigned} WHERE id = :cause", {**new, "cause": cause})


def within(database: Database, cause: str) -> list[str]:
    """The ids under which rows of a cause stand: its own, and those of causes that went into it."""
    rows = database.rows(
        "SELECT id FROM causes WHERE id = :cause OR merged_into = :cause ORDER BY id", {"cause": cause}
    )
    return [row["id"] for row in rows]


# -- which mention is of which ---------------------------------------------------------------------------------------


def put(database: Database, rows: Iterable[Mapping[str, Any]]) -> None:
    """Say of mentions which causes they are of: mention_id, cause_id, brand, posted_at (text), place, by_staff."""
    database.run_many(
        "INSERT INTO caused (mention_id, cause_id, brand, posted_at, place, by_staff) "
        "VALUES (:mention_id, :cause_id, :brand, :posted_at, :place, :by_staff) "
        "ON CONFLICT (mention_id, cause_id) DO UPDATE SET place = excluded.place, by_staff = excluded.by_staff",
        rows,
    )


def clear(database: Database, mentions: Sequence[str]) -> None:
    """These mentions are of no cause."""
    for start in range(0, len(mentions), 500):
        clause, values = marks("m", mentions[start : start + 500])
        database.run(f"DELETE FROM caused WHERE mention_id IN {clause}", values)


def move(database: Database, before: str, after: str, mentions: Sequence[str] | None = None) -> None:
    """What is of one cause is of another: these mentions, or all."""
    pieces = (
        [mentions[start : start + 500] for start in range(0, len(mentions), 500)] if mentions is not None else [None]
    )
    for piece in pieces:
        clause, values = ("", {}) if piece is None else marks("m", piece)
        only = "" if piece is None else f" AND mention_id IN {clause}"
        both = {**values, "before": before, "after": after}
        database.run(
            f"DELETE FROM caused WHERE cause_id = :before{only} AND EXISTS (SELECT 1 FROM caused o "
            "WHERE o.mention_id = caused.mention_id AND o.cause_id = :after)",
            both,
        )
        database.run(f"UPDATE caused SET cause_id = :after WHERE cause_id = :before{only}", both)


def of_cases(database: Database, cases: Sequence[str]) -> dict[str, list[Row]]:
    """case id -> its causes (id, name, by_staff), at most two, what its first posts are of first."""
    found: dict[str, dict[str, Row]] = {}
    for start in range(0, len(cases), 500):
        clause, values = marks("c", cases[start : start + 500])
        rows = database.rows(
            "SELECT m.case_id, s.id, s.name, x.by_staff FROM mentions m JOIN caused x ON x.mention_id = m.id "
            f"JOIN causes k ON k.id = x.cause_id JOIN causes s ON s.id = {_EFFECTIVE} "
            f"WHERE m.case_id IN {clause} AND m.case_id <> '' AND s.gone_at = '' "
            "ORDER BY m.case_id, x.by_staff DESC, m.posted_at, x.place, s.name",
            values,
        )
        for row in rows:
            theirs = found.setdefault(row["case_id"], {})
            if len(theirs) < 2:
                theirs.setdefault(row["id"], row)
    return {case: list(theirs.values()) for case, theirs in found.items()}


def names_of(database: Database, mentions: Sequence[str]) -> dict[str, list[str]]:
    """mention id -> the names of its causes as they stand, what it is of first; a cause that is gone is none."""
    found: dict[str, list[str]] = {}
    for start in range(0, len(mentions), 500):
        clause, values = marks("m", mentions[start : start + 500])
        for row in database.rows(
            "SELECT x.mention_id, s.name FROM caused x JOIN causes k ON k.id = x.cause_id "
            f"JOIN causes s ON s.id = {_EFFECTIVE} WHERE x.mention_id IN {clause} AND s.gone_at = '' "
            "ORDER BY x.mention_id, x.place, s.name",
            values,
        ):
            theirs = found.setdefault(row["mention_id"], [])
            if row["name"] not in theirs:  # two that were merged
                theirs.append(row["name"])
    return found


def mentions_of(database: Database, cause: str, limit: int = 50, before: str = "") -> list[Row]:
    """The newest mentions of a cause: id, case_id, source, author, posted_at, text, title, rating, url."""
    until = "AND x.posted_at < :before " if before else ""
    clause, values = marks("k", within(database, cause))
    return database.rows(
        "SELECT DISTINCT m.id, m.case_id, m.source, m.author, m.posted_at, p.text, p.title, p.rating, p.url "
        "FROM caused x "
        f"JOIN mentions m ON m.id = x.mention_id JOIN posts p ON p.id = m.post_id WHERE x.cause_id IN {clause} {until}"
        "ORDER BY m.posted_at DESC, m.id LIMIT :limit",
        {**values, "limit": limit, "before": before},
    )


def of_no_cause(database: Database, brand: str, since: datetime, limit: int = 2000) -> list[Row]:
    """What may need an answer and is of no cause, the newest first: id, case_id, person, text, title; no reposts."""
    return database.rows(
        f"SELECT m.id, m.case_id, {person()} AS person, m.posted_at, p.text, p.title FROM mentions m "
        "JOIN posts p ON p.id = m.post_id WHERE m.brand = :brand AND m.posted_at >= :since AND m.lane <> 'none' "
        "AND m.repeats = 0 AND m.praise = 0 AND m.suppressed = '' AND p.text <> '' "
        "AND NOT EXISTS (SELECT 1 FROM caused x WHERE x.mention_id = m.id) "
        "ORDER BY m.posted_at DESC, m.id LIMIT :limit",
        {"brand": brand, "since": stamp(since), "limit": limit},
    )


def stored(database: Database, mentions: Sequence[str]) -> list[Row]:
    """Those of these mentions that are of no cause yet, belong to a case and are no praise.

    id, case_id, brand, posted_at, same.

    `same`: somebody else's, who only says below a case that it is the same for them.
    """
    found: list[Row] = []
    for start in range(0, len(mentions), 500):
        clause, values = marks("m", mentions[start : start + 500])
        found += database.rows(
            "SELECT id, case_id, brand, posted_at, CASE WHEN suppressed = :same THEN 1 ELSE 0 END AS same "
            f"FROM mentions WHERE id IN {clause} AND case_id <> '' AND praise = 0 "
            "AND (lane <> 'none' OR suppressed = :same) "
            "AND NOT EXISTS (SELECT 1 FROM caused x WHERE x.mention_id = mentions.id)",
            {**values, "same": SAME_TROUBLE},
        )
    return found


def mentions_in(database: Database, case: str) -> list[Row]:
    """The mentions of a case that causes are put on: id, brand, posted_at."""
    return database.rows(
        "SELECT id, brand, posted_at FROM mentions WHERE case_id = :case AND praise = 0 "
        "AND (lane <> 'none' OR suppressed = :same)",
        {"case": case, "same": SAME_TROUBLE},
    )


def texts_of(database: Database, cause: str, size: int = 1000) -> Iterator[list[Row]]:
    """All mentions of a cause with their words, in pieces: id, text, title."""
    clause, values = marks("k", within(database, cause))
    last = ""
    while rows := database.rows(
        "SELECT DISTINCT m.id, p.text, p.title FROM caused x JOIN mentions m ON m.id = x.mention_id "
        f"JOIN posts p ON p.id = m.post_id WHERE x.cause_id IN {clause} AND m.id > :last ORDER BY m.id LIMIT :size",
        {**values, "last": last, "size": size},
    ):
        yield rows
        last = rows[-1]["id"]


def known_since(database: Database, brand: str) -> datetime | None:
    """When the first mention of a brand that is counted was written, to the hour; None for none."""
    row = database.row("SELECT min(hour) AS hour FROM heard WHERE brand = :brand", {"brand": brand})
    return datetime.fromisoformat(f"{row['hour']}:00:00Z") if row and row["hour"] else None


def is_used(database: Database, brand: str) -> bool:
    """Whether any mention of a brand is of a cause."""
    return database.row("SELECT 1 AS one FROM caused WHERE brand = :brand LIMIT 1", {"brand": brand}) is not None


def drop(database: Database, brand: str) -> None:
    """Delete a list that nobody has used."""
    database.run("DELETE FROM causes WHERE brand = :brand", {"brand": brand})
