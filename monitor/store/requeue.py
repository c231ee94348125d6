"""Stored mentions that want a second look: quiet ones to offer, languages nobody judged, a month for a backtest."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from monitor.store.database import Database, listed, stamp
from monitor.store.mentions import SELECT_BOTH, mention_of
from monitor.types import Mention, Verdict

_JOINED = f"SELECT {SELECT_BOTH} FROM mentions m JOIN posts p ON p.id = m.post_id "


def quiet(database: Database, brand: str, since: datetime, most: int) -> list[Mention]:
    """Mentions of a brand seen since then of which nobody is told: the `most` nearest to the line, and a lot of others.

    An id is a digest, so that those which come first by it are a fair lot.
    """
    found: dict[str, Mention] = {}
    for order in ("m.needs_answer DESC, m.id", "m.id"):
        for row in database.rows(
            _JOINED + "WHERE m.brand = :brand AND m.seen_at >= :since AND m.lane = 'none' AND m.case_id = '' "
            f"AND m.suppressed = '' AND p.deleted_at = '' AND p.purged_at = '' ORDER BY {order} LIMIT :most",
            {"brand": brand, "since": stamp(since), "most": most},
        ):
            found.setdefault(row["id"], mention_of(row))
    return list(found.values())


def last(database: Database, brand: str, most: int) -> list[Mention]:
    """The last mentions of a brand whose words are still there, whatever became of them, the newest first."""
    rows = database.rows(
        _JOINED + "WHERE m.brand = :brand AND p.deleted_at = '' AND p.purged_at = '' "
        "ORDER BY m.posted_at DESC, m.id LIMIT :most",
        {"brand": brand, "most": most},
    )
    return [mention_of(row) for row in rows]


def unjudged_languages(
    database: Database, since: datetime, judged: Collection[str], brand: str = "", *, until: datetime | None = None
) -> dict[str, int]:
    """How many mentions written since then are in a language that is not `judged`, by language, the most first."""
    ends = "AND posted_at < :until " if until is not None else ""
    rows = database.rows(
        "SELECT language, count(*) AS n FROM mentions WHERE label = 'unknown' AND posted_at >= :since "
        f"{ends}{'AND brand = :brand ' if brand else ''}GROUP BY language",
        {
            "since": stamp(since),
            **({"until": stamp(until)} if until is not None else {}),
            **({"brand": brand} if brand else {}),
        },
    )
    found = {row["language"]: int(row["n"]) for row in rows if row["language"] not in judged}
    return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))


def reconsider(database: Database, mention: str, verdict: Verdict, case: str, *, repeats: bool = False) -> None:
    """Put a mention into another lane, with the case that this opened. What was measured of it stays as it is."""
    database.run(
        "UPDATE mentions SET lane = :lane, reasons = :reasons, tags = :tags, case_id = :case, repeats = :repeats "
        "WHERE id = :id",
        {
            "lane": verdict.lane,
            "reasons": listed(verdict.reasons),
            "tags": listed(verdict.tags),
            "case": case,
            "repeats": int(repeats),
            "id": mention,
        },
    )


def judge_again(database: Database, row: Mapping[str, Any]) -> None:
    """Give a mention the verdict of its changed words, and the case that they came to, where they came to one.

    Label and sentiment stay as they were: the sums of its hour are made of them.
    """
    database.run(
        "UPDATE mentions SET lane = :lane, needs_answer = :needs_answer, flagged = :flagged, critical = :critical, "
        "praise = :praise, reasons = :reasons, words = :words, churn = :churn, tags = :tags, scorer = :scorer, "
        "suppressed = :suppressed, case_id = CASE WHEN :case_id = '' THEN case_id ELSE :case_id END WHERE id = :id",
        row,
    )


def pages(database: Database, brand: str, since: datetime, until: datetime, size: int = 500) -> Iterator[list[Mention]]:
    """Every mention of a brand written in a span whose words are still there, oldest first, in pages."""
    written, last = stamp(since), ""
    while True:
        rows = database.rows(
            _JOINED + "WHERE m.brand = :brand AND m.posted_at >= :written AND (m.posted_at > :written OR m.id > :last) "
            "AND m.posted_at < :until AND p.deleted_at = '' AND p.purged_at = '' "
            "ORDER BY m.posted_at, m.id LIMIT :size",
            {"brand": brand, "written": written, "last": last, "until": stamp(until), "size": size},
        )
        if not rows:
            return
        yield [mention_of(row) for row in rows]
        written, last = rows[-1]["posted_at"], rows[-1]["id"]


def count(database: Database, since: datetime, until: datetime) -> dict[str, int]:
    """How many mentions of each brand were written in a span."""
    rows = database.rows(
        "SELECT brand, count(*) AS n FROM mentions WHERE posted_at >= :since AND posted_at < :until GROUP BY brand",
        {"since": stamp(since), "until": stamp(until)},
    )
    return {row["brand"]: int(row["n"]) for row in rows}
