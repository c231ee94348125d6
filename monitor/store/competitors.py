"""What is said of competitors: rows beside the mentions, whose words lie with all other posts.

No figure of ours reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from monitor.store.database import Database, Row, marks, stamp
from monitor.store.mentions import add_posts

_COLUMNS = ("post_id", "competitor", "source", "author", "posted_at", "seen_at", "label", "praise", "topic", "lead")
_ADD = (
    f"INSERT INTO competitor_mentions ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{each}' for each in _COLUMNS)}) "
    "ON CONFLICT DO NOTHING"
)
_STANDS = "p.deleted_at = '' AND p.purged_at = ''"
# Whoever is muted, or not to be contacted, is nobody's lead.
_LEFT_ALONE = (
    "EXISTS (SELECT 1 FROM mutes u WHERE u.kind IN ('author', 'contact') AND u.undone_at = '' AND u.offered = 0 "
    "AND u.value = c.source || '/' || c.author)"
)
KINDS = {
    "leads": f"c.lead = 1 AND c.done_at = '' AND NOT {_LEFT_ALONE}",
    "cursed": "c.label = 'negative'",
    "praised": "(c.praise = 1 OR c.label = 'positive')",
    "all": "1 = 1",
}


def add(database: Database, posts: Iterable[Mapping[str, Any]], rows: Iterable[Mapping[str, Any]]) -> None:
    """Keep what was said, each once; a post that stands already stays as it is. Inside a transaction."""
    add_posts(database, posts)
    database.run_many(_ADD, rows)


def rename(database: Database, before: str, name: str) -> bool:
    """Give what was said of a competitor under `before` to `name`; whether there was anything. Inside a transaction."""
    both = {"old": before, "new": name}
    moved = database.run(
        "UPDATE competitor_mentions SET competitor = :new WHERE competitor = :old AND NOT EXISTS "
        "(SELECT 1 FROM competitor_mentions other WHERE other.post_id = competitor_mentions.post_id "
        "AND other.competitor = :new)",
        both,
    )
    return bool(moved + database.run("DELETE FROM competitor_mentions WHERE competitor = :old", {"old": before}))


def known(database: Database, posts: Sequence[str]) -> set[tuple[str, str]]:
    """Which (post, competitor) of these posts are kept already."""
    clause, values = marks("p", posts)
    rows = database.rows(f"SELECT post_id, competitor FROM competitor_mentions WHERE post_id IN {clause}", values)
    return {(row["post_id"], row["competitor"]) for row in rows}


def counted(database: Database, since: datetime, until: datetime, sources: Sequence[str]) -> list[Row]:
    """(competitor, n, negative, known, praised, leads) of what was written in a span on these sources."""
    clause, values = marks("s", sources)
    return database.rows(
        "SELECT competitor, count(*) AS n, sum(CASE WHEN label = 'negative' THEN 1 ELSE 0 END) AS negative, "
        "sum(CASE WHEN label <> 'unknown' THEN 1 ELSE 0 END) AS known, "
        "sum(CASE WHEN praise = 1 OR label = 'positive' THEN 1 ELSE 0 END) AS praised, sum(lead) AS leads "
        f"FROM competitor_mentions WHERE posted_at >= :since AND posted_at < :until AND source IN {clause} "
        "GROUP BY competitor",
        {**values, "since": stamp(since), "until": stamp(until)},
    )


def topics(database: Database, since: datetime, until: datetime, sources: Sequence[str]) -> list[Row]:
    """(competitor, topic, n) of what is negative in a span on these sources, the most frequent first."""
    clause, values = marks("s", sources)
    return database.rows(
        "SELECT competitor, topic, count(*) AS n FROM competitor_mentions WHERE posted_at >= :since "
        f"AND posted_at < :until AND label = 'negative' AND topic <> '' AND source IN {clause} "
        "GROUP BY competitor, topic ORDER BY n DESC, competitor, topic",
        {**values, "since": stamp(since), "until": stamp(until)},
    )


def first_seen(database: Database) -> dict[str, str]:
    """Since when each competitor is heard of: when the first post about it was seen."""
    rows = database.rows("SELECT competitor, min(seen_at) AS at FROM competitor_mentions GROUP BY competitor")
    return {row["competitor"]: row["at"] for row in rows}


def count_leads(database: Database, names: Sequence[str]) -> tuple[int, int]:
    """How many leads about these competitors wait for somebody to look, and of how many people they are."""
    clause, values = marks("n", names)
    row = database.row(
        "SELECT count(*) AS n, count(DISTINCT CASE WHEN p.author_id <> '' THEN c.source || '/id/' || p.author_id "
        "WHEN c.author <> '' THEN c.source || '/' || c.author ELSE c.post_id END) AS people "
        f"FROM competitor_mentions c JOIN posts p ON p.id = c.post_id WHERE {KINDS['leads']} "
        f"AND {_STANDS} AND c.competitor IN {clause}",
        values,
    )
    return (int(row["n"]), int(row["people"])) if row else (0, 0)


def listed(database: Database, kind: str, names: Sequence[str], *, before: str = "", limit: int = 40) -> list[Row]:
    """(post_id, competitor, source, author, posted_at, label, praise, lead, text, title, url, lang) about these
    competitors, the newest first. `kind` is a key of KINDS; `before` is "posted_at post_id" of the last row before.
    """
    clause, values = marks("n", names)
    moment, _, post = before.partition(" ")
    further = "AND c.posted_at <= :moment AND (c.posted_at < :moment OR c.post_id > :post) " if moment else ""
    place = {"moment": moment, "post": post} if moment else {}
    return database.rows(
        "SELECT c.post_id, c.competitor, c.source, c.author, c.posted_at, c.label, c.praise, c.lead, p.text, p.title, "
        f"p.url, p.lang FROM competitor_mentions c JOIN posts p ON p.id = c.post_id WHERE {KINDS[kind]} AND {_STANDS} "
        f"AND c.competitor IN {clause} {further}ORDER BY c.posted_at DESC, c.post_id LIMIT :limit",
        {**values, **place, "limit": limit},
    )


def without_purpose(database: Database, names: Sequence[str], limit: int = 500) -> list[str]:
    """Posts that are kept only for competitors whom settings, which name these, do not name any more."""
    clause, values = marks("n", names)
    named = f"o.competitor IN {clause}" if names else "1 = 0"
    rows = database.rows(
        f"SELECT DISTINCT c.post_id FROM competitor_mentions c JOIN posts p ON p.id = c.post_id WHERE {_STANDS} "
        "AND NOT EXISTS (SELECT 1 FROM mentions m WHERE m.post_id = c.post_id) AND NOT EXISTS "
        f"(SELECT 1 FROM competitor_mentions o WHERE o.post_id = c.post_id AND {named}) LIMIT :limit",
        {**values, "limit": limit},
    )
    return [row["post_id"] for row in rows]


def done(database: Database, post: str, who: str, now: datetime) -> bool:
    """Somebody has looked at a lead: it leaves the list; whether it was there."""
    return bool(
        database.run(
            "UPDATE competitor_mentions SET done_at = :now, done_by = :who WHERE post_id = :post AND lead = 1 "
            "AND done_at = ''",
            {"now": stamp(now), "who": who, "post": post},
        )
    )


def undone(database: Database, post: str) -> bool:
    """Put a lead back on the list; whether it had left it."""
    return bool(
        database.run(
            "UPDATE competitor_mentions SET done_at = '', done_by = '' WHERE post_id = :post AND lead = 1 "
            "AND done_at <> ''",
            {"post": post},
        )
    )
