"""The table of stories: cases that share one message, found again by thread or by likeness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from monitor.store.database import THIRD_OF_MONTH, Database, Row, marks, stamp
from monitor.store.persons import person

_FEW_DAYS = timedelta(days=7)
_COLUMNS = (
    "id", "brand", "source", "thread", "opened_at", "last_at", "fingerprint", "band0", "band1", "band2", "band3",
)  # fmt: skip


def candidate_stories(
    database: Database, threads: Sequence[str], alike: Sequence[tuple[Sequence[int], datetime]], within: timedelta
) -> list[Row]:
    """Stories that share a thread or one of four bands of a fingerprint with these, and grew not long before or after.

    `alike` are the bands, each with the moment from which it may be no further than `within`.
    id, brand, source, thread, opened_at, last_at, fingerprint; the oldest first.
    """
    if not alike:
        return []
    moments = [moment for _, moment in alike]
    span = {"since": stamp(min(moments) - within), "until": stamp(max(moments) + within)}
    columns = "id, brand, source, thread, opened_at, last_at, fingerprint"
    clause, values = marks("t", list(dict.fromkeys(thread for thread in threads if thread)))
    rows = database.rows(
        f"SELECT {columns} FROM stories WHERE thread IN {clause} AND last_at >= :since", {**values, **span}
    )
    for number in range(4):
        condition, values = _alike(database, number, [(each, moment) for each, moment in alike if each], within)
        rows += database.rows(
            f"SELECT {columns} FROM stories WHERE {condition} AND last_at >= :since AND last_at <= :until "
            "ORDER BY last_at DESC LIMIT 2000",
            {**values, **span},
        )
    found = {row["id"]: row for row in rows}
    return sorted(found.values(), key=lambda row: (row["opened_at"], row["id"]))


def _alike(
    database: Database, number: int, alike: Sequence[tuple[Sequence[int], datetime]], within: timedelta
) -> tuple[str, dict[str, Any]]:
    """The condition that a story shares a band; on SQLite in these thirds of months, as its indexes hold them."""
    if database.dialect != "sqlite":
        clause, values = marks("b", list(dict.fromkeys(each[number] for each, _ in alike)))
        return f"band{number} IN {clause}", values
    keys = {
        f"{part}{each[number]}"
        for each, moment in alike
        for part in _parts((moment - within).astimezone(UTC).date(), (moment + within).astimezone(UTC).date())
    }
    clause, values = database.among("p", list(keys))
    return f"substr(last_at, 1, {THIRD_OF_MONTH}) || CAST(band{number} AS TEXT) IN {clause}", values


@lru_cache
def _parts(first: date, last: date) -> tuple[str, ...]:
    """The thirds of months from one day to another."""
    days = (last - first).days
    return tuple(dict.fromkeys((first + timedelta(days=day)).isoformat()[:THIRD_OF_MONTH] for day in range(days + 1)))


def open_critical(
    database: Database, brands: Sequence[str], since: datetime, until: datetime, most: int = 500
) -> list[Row]:
    """What is told in the critical cases of these brands that are open and unanswered, in stories that grew in a span.

    Each row holds a story beside the words of one of its posts, with what its verdict says of them; the newest first.
    """
    clause, values = marks("b", list(brands))
    cases = f"cases c{database.by_index('cases_critical')}"
    # CROSS: SQLite goes through what comes first. In few days grew fewer stories than critical cases may be open.
    begun = f"stories s CROSS JOIN {cases}" if until - since < _FEW_DAYS else f"{cases} CROSS JOIN stories s"
    # Those first, and by themselves: PostgreSQL began with mentions, and read all cases for each, in a new database.
    return database.rows(
        "WITH standing AS MATERIALIZED (SELECT s.id, s.brand, s.source, s.thread, s.opened_at, s.last_at, "
        f"s.fingerprint, c.id AS case_id, c.opened_at AS case_opened_at FROM {begun} "
        "WHERE s.id = c.story_id AND c.closed_at = '' AND c.lane = 'ping' AND c.priority = 'critical' "
        f"AND (c.answered_at = '' OR c.answered_at < c.last_posted_at) AND c.brand IN {clause} "
        "AND s.last_at >= :since AND s.last_at <= :until) "
        "SELECT s.id, s.brand, s.source, s.thread, s.opened_at, s.last_at, s.fingerprint, p.title, p.text, m.reasons, "
        "m.words, m.language FROM standing s CROSS JOIN mentions m JOIN posts p ON p.id = m.post_id "
        "WHERE m.case_id = s.case_id AND m.case_id <> '' AND m.critical = 1 AND p.deleted_at = '' AND p.purged_at = '' "
        "ORDER BY s.case_opened_at DESC, m.id LIMIT :most",
        {**values, "since": stamp(since), "until": stamp(until), "most": most},
    )


def add_stories(database: Database, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert new stories."""
    database.insert("stories", _COLUMNS, rows, new=True)


def touch_stories(database: Database, stories: Mapping[str, datetime]) -> None:
    """These stories grew."""
    database.run_many(
        "UPDATE stories SET last_at = :at WHERE id = :id AND last_at < :at",
        # In one order: two who touch the same two never wait for each other.
        [{"id": story, "at": stamp(moment)} for story, moment in sorted(stories.items())],
    )


def note_doubled(database: Database, story: str, size: int) -> bool:
    """Remember at which size a thread was last seen to double; False if that was noted before."""
    return (
        database.run(
            "UPDATE stories SET doubled_at = :size WHERE id = :id AND doubled_at < :size", {"id": story, "size": size}
        )
        == 1
    )


def growing_stories(database: Database, since: datetime, least: int = 8) -> dict[str, int]:
    """Stories that were alive after `since` and hold at least so many people, with those who only have the same."""
    rows = database.rows(
        f"SELECT s.id, count(DISTINCT {person()}) AS n FROM stories s JOIN cases c ON c.story_id = s.id "
        "JOIN mentions m ON m.case_id = c.id AND m.case_id <> '' JOIN posts p ON p.id = m.post_id "
        "WHERE s.last_at >= :since GROUP BY s.id, s.doubled_at "
        f"HAVING count(DISTINCT {person()}) >= :least AND s.doubled_at * 2 <= count(DISTINCT {person()})",
        {"since": stamp(since), "least": least},
    )
    return {row["id"]: int(row["n"]) for row in rows}
