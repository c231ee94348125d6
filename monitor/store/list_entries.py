"""Entries of the list of what may need an answer: what the next list names, and who has looked at them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from monitor.store.cases import rows_of
from monitor.store.database import Database, Row, stamp

LOOKED = "looked at:"  # with a case's id: the period that says when somebody last saw the entry of the list
_SEEN = f"EXISTS (SELECT 1 FROM periods p WHERE p.key = '{LOOKED}' || c.id AND p.at >= c.last_posted_at)"
_TO_LIST = (
    "c.closed_at = '' AND c.lane = 'sweep' AND c.owner = '' AND c.quiet = 0 AND c.snoozed_until <= :now "
    f"AND c.waiting_until <= :now AND (c.answered_at = '' OR c.answered_at < c.last_posted_at) AND NOT {_SEEN}"
)
TIME_TO_LOOK = timedelta(hours=1)  # two lists that were late and leave together are one to whoever reads them
LISTS = 2  # lists that name an entry at which nobody looks; praise and languages that nobody reads are named once


def to_list(database: Database, now: datetime, size: int = 500) -> Iterator[Row]:
    """What the next list names: what the last one named and nobody looked at, then what is new; what needs us first."""
    found = database.rows(
        f"SELECT c.id FROM cases c WHERE {_TO_LIST} "
        f"AND c.named < CASE WHEN c.praise = 1 OR c.unread = 1 THEN 1 ELSE {LISTS} END AND c.named_at <= :seen "
        "ORDER BY c.named DESC, c.need DESC, c.n",
        {"now": stamp(now), "seen": stamp(now - TIME_TO_LOOK)},
    )
    yield from _in_order(database, [row["id"] for row in found], size)


def listed_after(database: Database, number: int, limit: int) -> list[Row]:
    """Open entries of the list behind this number, as each was judged, by their numbers; no praise, none unread."""
    return database.rows(
        "SELECT c.id, c.n, c.need, c.language, m.reasons, m.tags, p.title, p.text FROM cases c "
        "JOIN mentions m ON m.id = (SELECT min(f.id) FROM mentions f WHERE f.case_id = c.id AND f.case_id <> '') "
        "JOIN posts p ON p.id = m.post_id WHERE c.n > :number AND c.lane = 'sweep' AND c.closed_at = '' "
        "AND c.praise = 0 AND c.unread = 0 AND p.deleted_at = '' AND p.purged_at = '' ORDER BY c.n LIMIT :limit",
        {"number": number, "limit": limit},
    )


def overlooked(database: Database, need: float, before: datetime, now: datetime, size: int = 500) -> Iterator[Row]:
    """What needs us at least so much, and all its lists named before that moment without anybody looking."""
    found = database.rows(
        f"SELECT c.id FROM cases c WHERE {_TO_LIST} AND c.praise = 0 AND c.unread = 0 AND c.need >= :need "
        f"AND c.named >= {LISTS} AND c.named_at < :before ORDER BY c.need DESC, c.n",
        {"now": stamp(now), "need": need, "before": stamp(before)},
    )
    yield from _in_order(database, [row["id"] for row in found], size)


def _in_order(database: Database, ids: Sequence[str], size: int) -> Iterator[Row]:
    """The rows of these cases in this order, page by page."""
    for start in range(0, len(ids), size):
        page = ids[start : start + size]
        rows = rows_of(database, page)
        yield from (rows[each] for each in page if each in rows)


def note_looked(database: Database, ids: Iterable[str], now: datetime) -> None:
    """Somebody saw these entries of the list: the first time counts, and again once something came to them."""
    database.run_many(
        "INSERT INTO periods (key, at, detail) VALUES (:key, :now, '') ON CONFLICT (key) DO UPDATE "
        "SET at = excluded.at WHERE periods.at < (SELECT last_posted_at FROM cases WHERE id = :id)",
        ({"key": LOOKED + each, "id": each, "now": stamp(now)} for each in ids),
    )


def note_named(database: Database, ids: Iterable[str], at_moment: datetime) -> None:
    """One more list has named these."""
    database.run_many(
        "UPDATE cases SET named = named + 1, named_at = :at WHERE id = :id",
        ({"id": each, "at": stamp(at_moment)} for each in ids),
    )


_LISTED = "c.closed_at = '' AND c.owner = '' AND (c.lane = 'sweep' OR c.quiet = 1)"


def looked_at_before(database: Database, before: datetime, limit: int) -> list[Row]:
    """Entries of the list that somebody saw before then, that nobody took, and that nothing came to since."""
    return database.rows(
        f"SELECT c.id FROM cases c JOIN periods p ON p.key = '{LOOKED}' || c.id WHERE {_LISTED} AND p.at < :before "
        "AND c.last_posted_at < p.at AND c.snoozed_until < :before AND c.waiting_until < :before "
        "ORDER BY c.n LIMIT :limit",
        {"before": stamp(before), "limit": limit},
    )


def listed_before(database: Database, before: datetime, limit: int) -> list[Row]:
    """Entries of the list, and cases that were old when they came, that nobody took since before then."""
    return database.rows(
        f"SELECT c.id FROM cases c WHERE {_LISTED} AND c.opened_at < :before AND c.last_posted_at < :before "
        "AND c.snoozed_until < :before AND c.waiting_until < :before ORDER BY c.n LIMIT :limit",
        {"before": stamp(before), "limit": limit},
    )
