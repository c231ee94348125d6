"""The good side, as rows: praise and what became of it, who came back from a complaint, and what people rated."""

from __future__ import annotations

from datetime import datetime

from monitor.store.database import Database, Row, stamp

_PRAISE = (
    "FROM cases c WHERE c.praise = 1 AND c.first_posted_at >= :since AND c.first_posted_at < :until "
    "AND (:brand = '' OR c.brand = :brand) AND (c.outcome <> 'no_answer_needed' OR c.answered_at <> '')"
)


def count_praise(database: Database, since: datetime, until: datetime, brand: str = "") -> dict[str, int]:
    """How many cases are praise written in a span: "deserved" thanks, "thanked" by `until`, and still "open".

    What staff closed as needing no answer never deserved any.
    """
    row = database.row(
        "SELECT count(*) AS deserved, "
        "coalesce(sum(CASE WHEN c.answered_at <> '' AND c.answered_at < :until THEN 1 ELSE 0 END), 0) AS thanked, "
        "coalesce(sum(CASE WHEN c.answered_at = '' AND c.closed_at = '' THEN 1 ELSE 0 END), 0) AS open "
        f"{_PRAISE}",
        _span(since, until, brand),
    )
    return {name: int(row[name]) for name in ("deserved", "thanked", "open")} if row else {}


def praise(database: Database, since: datetime, until: datetime, brand: str, limit: int) -> list[Row]:
    """(id, brand, source, first_posted_at, answered_at, language, reasons) of praise that waits for thanks, the newest
    first.

    The reasons are the judge's, of the first post of the case that is praise.
    """
    return database.rows(
        "SELECT c.id, c.brand, c.source, c.first_posted_at, c.answered_at, c.language, coalesce((SELECT m.reasons "
        "FROM mentions m WHERE m.case_id = c.id AND m.case_id <> '' AND m.praise = 1 ORDER BY m.posted_at, m.id "
        f"LIMIT 1), '[]') AS reasons {_PRAISE} AND c.answered_at = '' AND c.closed_at = '' "
        "ORDER BY c.first_posted_at DESC, c.n DESC LIMIT :limit",
        {**_span(since, until, brand), "limit": limit},
    )


def came_back(database: Database, since: datetime, until: datetime, brand: str = "") -> list[Row]:
    """(mention, brand, source, author, posted_at, case_id) of kind words by people whose complaint we had answered
    before, the oldest first.

    Kind words: positive, and either praise or nothing that asks for an answer. The case is the last one answered.
    """
    return database.rows(
        "SELECT * FROM (SELECT m.id AS mention, m.brand, m.source, m.author, m.posted_at, (SELECT c.id "
        f"FROM cases c{database.by_index('cases_by_author')} "  # else SQLite reads the brand's cases for each mention
        "WHERE c.source = m.source AND c.author = m.author AND c.brand = m.brand AND c.praise = 0 "
        "AND c.answered_at <> '' AND c.answered_at < m.posted_at AND c.first_posted_at < m.posted_at "
        "ORDER BY c.answered_at DESC, c.n DESC LIMIT 1) AS case_id FROM mentions m WHERE m.label = 'positive' "
        "AND m.posted_at >= :since AND m.posted_at < :until AND m.author <> '' AND (m.praise = 1 OR m.lane = 'none') "
        "AND (:brand = '' OR m.brand = :brand)) AS kind WHERE case_id IS NOT NULL ORDER BY posted_at, mention",
        _span(since, until, brand),
    )


def ratings(database: Database, since: datetime, until: datetime, brand: str = "") -> list[Row]:
    """(source, out_of, rating, n) of what people rated in a span: how many gave so many stars.

    `out_of` is the best score of another scale than stars, 0 where none was told.
    """
    return database.rows(
        "SELECT p.source, coalesce(p.out_of, 0) AS out_of, p.rating, count(*) AS n FROM posts p "
        "WHERE p.posted_at >= :since AND p.posted_at < :until AND p.rating IS NOT NULL AND EXISTS "
        "(SELECT 1 FROM mentions m WHERE m.post_id = p.id AND (:brand = '' OR m.brand = :brand)) "
        "GROUP BY p.source, coalesce(p.out_of, 0), p.rating ORDER BY p.source, out_of, p.rating",
        _span(since, until, brand),
    )


def _span(since: datetime, until: datetime, brand: str) -> dict[str, str]:
    return {"since": stamp(since), "until": stamp(until), "brand": brand}
