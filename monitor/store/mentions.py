"""Posts, and mentions of brands in them: adding in chunks, finding. What empties them is forgetting.py."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

from connectors import Post
from monitor.store.database import Database, Row, at, instant, listed, marks, parted, stamp
from monitor.types import Judged, Mention, Verdict

POST_COLUMNS = (
    "id", "source", "native_id", "url", "author", "author_name", "title", "text", "lang", "posted_at", "reach",
    "rating", "parent_id", "thread_id", "edited_at", "raw", "reply_text", "replied_at", "seen_at", "author_id",
    "parted", "asked_at", "pictures", "videos", "out_of",
)  # fmt: skip
MENTION_COLUMNS = (
    "id", "post_id", "brand", "seen_at", "posted_at", "source", "author", "sentiment", "label", "lane", "needs_answer",
    "flagged", "critical", "praise", "reasons", "words", "churn", "tags", "scorer", "language", "case_id", "suppressed",
    "repeats",
)  # fmt: skip


HOUR = 13  # characters of a time: "2026-11-22T06"
_ADD_HEARD = (
    "INSERT INTO heard (brand, hour, source, n, negative, known) "
    "VALUES (:brand, :hour, :source, :n, :negative, :known) ON CONFLICT (brand, hour, source) DO UPDATE SET "
    "n = heard.n + excluded.n, negative = heard.negative + excluded.negative, known = heard.known + excluded.known"
)
_COUNT_HEARD = (
    "INSERT INTO heard (brand, hour, source, n, negative, known) SELECT m.brand, :hour, m.source, count(*), "
    "sum(CASE WHEN m.label = 'negative' THEN 1 ELSE 0 END), sum(CASE WHEN m.label <> 'unknown' THEN 1 ELSE 0 END) "
    "FROM mentions m WHERE m.brand = :brand AND m.posted_at >= :hour AND m.posted_at <= :hour || ':59:59.999999Z' "
    "AND m.source = :source GROUP BY m.brand, m.source ON CONFLICT (brand, hour, source) DO UPDATE SET "
    "n = excluded.n, negative = excluded.negative, known = excluded.known"
)


# What grows with time in a network's ids: a number at their end (X, Mastodon, Hacker News, GitHub, Stack Exchange ...),
# Bluesky's record keys (https://atproto.com/specs/tid), Reddit's names of things (https://www.reddit.com/dev/api/).
_GROWING = re.compile(r"(?:.*[^0-9])?([0-9]{5,25})|.*/(3[2-7a-z]{12})|t[1-6]_([0-9a-z]{5,10})", re.DOTALL)


def _order(native_id: str) -> str:
    """Eight digits that grow as a network's ids do; "" for an id that says nothing of when it was given.

    How long the number is in bits, and those of its first 25 that vary: of X and Mastodon half a minute is one.
    """
    found = _GROWING.fullmatch(native_id)
    if found is None:
        return ""
    number, record, thing = found.groups()
    value = int(number) if number else int(record or thing, 36)
    bits = value.bit_length()
    return f"{bits:02x}{(value << 25 >> bits) & 0xFFFFFF:06x}"


def post_id(source: str, native_id: str, *, in_order: bool = False) -> str:
    """The same post has the same id at every read.

    Where ids are `in_order`, that of a newer post is a higher one, as far as the network's ids tell: what comes in now
    stands side by side in every index. Hashes alone are scattered: among millions each post has pages of its own.
    """
    order = _order(native_id) if in_order else ""
    return order + blake2b(f"{source}\0{native_id}".encode(), digest_size=8 if order else 10).hexdigest()


def mention_id(brand: str, post: str) -> str:
    """The key of a mention: a brand and a post, in the order of the ids of posts."""
    order = post[:8] if len(post) == _IN_ORDER else ""
    return order + blake2b(f"{brand}\0{post}".encode(), digest_size=8 if order else 10).hexdigest()


_IN_ORDER = len(post_id("", "00000", in_order=True))


def post_key(database: Database, source: str, native_id: str) -> str:
    """The id of a post of this installation: made of the name that its source began with."""
    return post_id(database.id_names.get(f"source:{source}", source), native_id, in_order=database.ids_in_order)


def mention_key(database: Database, brand: str, post: str) -> str:
    """The key of a mention of this installation: made of the name that its brand began with."""
    return mention_id(database.id_names.get(f"brand:{brand}", brand), post)


def post_row(post: Post, seen_at: str, key: str = "") -> dict[str, Any]:
    """A post as its row, under its `key` (by default that of a source which was never renamed)."""
    return {
        "id": key or post_id(post.source, post.native_id),
        "source": post.source,
        "native_id": post.native_id,
        "url": post.url,
        "author": post.author,
        "author_name": post.author_name,
        "title": post.title,
        "text": post.text,
        "lang": post.lang,
        "posted_at": stamp(post.posted_at),
        "reach": post.reach,
        "rating": post.rating,
        "parent_id": post.parent_id,
        "thread_id": post.thread_id,
        "edited_at": stamp(post.edited_at),
        "raw": post.raw,
        "reply_text": post.reply_text,
        "replied_at": stamp(post.replied_at),
        "seen_at": seen_at,
        "author_id": post.author_id,
        "parted": parted(f"{post.title} {post.text} {post.author}"),
        "asked_at": seen_at,
        "pictures": post.pictures,
        "videos": post.videos,
        "out_of": post.out_of,
    }


def mention_row(mention: Mention, post: str) -> dict[str, Any]:
    """A mention as its row."""
    verdict = mention.verdict
    return {
        "id": mention.id,
        "post_id": post,
        "brand": mention.brand,
        "seen_at": stamp(mention.seen_at),
        "posted_at": stamp(mention.post.posted_at),
        "source": mention.post.source,
        "author": mention.post.author,
        "sentiment": verdict.sentiment,
        "label": verdict.label,
        "lane": verdict.lane,
        "needs_answer": verdict.needs_answer,
        "flagged": int(mention.flagged),
        "critical": int(verdict.critical),
        "praise": int(verdict.praise),
        "reasons": listed(verdict.reasons),
        "words": listed(verdict.words),
        "churn": listed(verdict.churn),
        "tags": listed(verdict.tags),
        "scorer": verdict.scorer,
        "language": verdict.language,
        "case_id": mention.case_id,
        "suppressed": mention.suppressed,
        "repeats": int(mention.repeats),
    }


def post_of(row: Row) -> Post:
    """A row of `posts` (or of a join that selects its columns) as a post."""
    return Post(
        source=row["source"],
        native_id=row["native_id"],
        url=row["url"],
        author=row["author"],
        author_name=row["author_name"],
        title=row["title"],
        text=row["text"],
        lang=row["lang"],
        posted_at=at(row["posted_at"]),
        reach=row["reach"],
        rating=row["rating"],
        parent_id=row["parent_id"],
        thread_id=row["thread_id"],
        edited_at=instant(row["edited_at"]),
        raw=row["raw"],
        reply_text=row["reply_text"],
        replied_at=instant(row["replied_at"]),
        author_id=row["author_id"],
        pictures=row["pictures"],
        videos=row["videos"],
        out_of=row["out_of"],
    )


SELECT_BOTH = ", ".join(
    [f"p.{column}" for column in POST_COLUMNS if column not in ("id", "seen_at", "asked_at")]
    + [f"m.{c}" for c in MENTION_COLUMNS if c not in ("posted_at", "source", "author")]
)


def mention_of(row: Row) -> Mention:
    """A row that selects a mention with its post."""
    return Mention(
        id=row["id"],
        brand=row["brand"],
        post=post_of(row),
        verdict=Verdict(
            sentiment=row["sentiment"],
            label=row["label"],
            needs_answer=row["needs_answer"],
            lane=row["lane"],
            reasons=tuple(json.loads(row["reasons"])),
            scorer=row["scorer"],
            language=row["language"],
            critical=bool(row["critical"]),
            praise=bool(row["praise"]),
            churn=tuple(json.loads(row["churn"])),
            tags=tuple(json.loads(row["tags"])),
            words=tuple(json.loads(row["words"])),
        ),
        seen_at=at(row["seen_at"]),
        case_id=row["case_id"],
        flagged=bool(row["flagged"]),
        suppressed=row["suppressed"],
    )


def known_posts(database: Database, ids: Sequence[str]) -> dict[str, Row]:
    """Which of these posts stand already: id -> (text, title, rating, posted_at, edited_at, deleted_at, purged_at)."""
    clause, values = database.among("ids", ids)
    rows = database.rows(
        f"SELECT id, text, title, rating, posted_at, edited_at, deleted_at, purged_at FROM posts WHERE id IN {clause}",
        values,
    )
    return {row["id"]: row for row in rows}


def written_under(database: Database, source: str, natives: Sequence[str]) -> dict[str, tuple[str, datetime]]:
    """Who wrote, and when, what stands under these ids of a source."""
    by_id = {post_key(database, source, native): native for native in natives}
    keys = list(by_id)
    found: dict[str, tuple[str, datetime]] = {}
    for start in range(0, len(keys), 500):
        clause, values = marks("id", keys[start : start + 500])
        for row in database.rows(f"SELECT id, author, posted_at FROM posts WHERE id IN {clause}", values):
            found[by_id[row["id"]]] = row["author"], at(row["posted_at"])
    return found


def has_source(database: Database, source: str) -> bool:
    """Whether any post of a source stands."""
    return database.row("SELECT 1 AS one FROM posts WHERE source = :source LIMIT 1", {"source": source}) is not None


def known_mentions(database: Database, ids: Sequence[str]) -> dict[str, Row]:
    """Which of these mentions stand already: id -> (lane, case_id)."""
    clause, values = database.among("ids", ids)
    rows = database.rows(f"SELECT id, lane, case_id FROM mentions WHERE id IN {clause}", values)
    return {row["id"]: row for row in rows}


def add_posts(database: Database, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert posts; one that stands already stays as it is."""
    database.insert("posts", POST_COLUMNS, rows)


def add_mentions(database: Database, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert mentions; one that stands already stays as it is. Inside a transaction: the sums by hour go with them.

    Neither brand, source, time nor label of a mention ever changes, and none is removed: sums once made stay true.
    """
    rows = list(rows)
    sums: dict[tuple[str, str, str], list[int]] = {}
    for row in rows:
        label = row["label"]
        found = sums.setdefault((row["brand"], row["source"], row["posted_at"][:HOUR]), [0, 0, 0])
        found[0] += 1
        found[1] += label == "negative"
        found[2] += label != "unknown"
    if database.insert("mentions", MENTION_COLUMNS, rows) == len(rows):
        database.run_many(_ADD_HEARD, [_heard(key, *found) for key, found in sums.items()])
    else:  # some stood already
        database.run_many(_COUNT_HEARD, [_heard(key) for key in sums])


def _heard(key: tuple[str, str, str], n: int = 0, negative: int = 0, known: int = 0) -> dict[str, Any]:
    brand, source, hour = key
    return {"brand": brand, "source": source, "hour": hour, "n": n, "negative": negative, "known": known}


def native_ids_of_cases(database: Database, cases: Sequence[str]) -> dict[str, list[str]]:
    """case id -> the network's ids of its posts that stand, oldest first."""
    found: dict[str, list[str]] = {}
    for start in range(0, len(cases), 500):
        clause, values = marks("c", cases[start : start + 500])
        for row in database.rows(
            "SELECT m.case_id, p.native_id FROM mentions m JOIN posts p ON p.id = m.post_id "
            f"WHERE m.case_id IN {clause} AND m.case_id <> '' AND p.deleted_at = '' AND m.suppressed <> :stranger "
            "ORDER BY p.posted_at",
            {**values, "stranger": SAME_TROUBLE},
        ):
            found.setdefault(row["case_id"], []).append(row["native_id"])
    return found


SAME_TROUBLE = "the same trouble"  # why a stranger's words in somebody's conversation stand here without a case


def add_to_case(database: Database, case: str, judged: Sequence[Judged], now: datetime) -> int:
    """Keep what others say of the same trouble as mentions of a case, for whom nobody is called; how many are new."""
    by_post = {each.post_id: each for each in judged}
    known = known_posts(database, list(by_post))
    fresh = [each for key, each in by_post.items() if key not in known]
    add_posts(database, [post_row(replace(each.post, raw=""), stamp(now), each.post_id) for each in fresh])
    rows = [
        mention_row(
            Mention(
                id=each.mention_id,
                brand=each.brand,
                post=each.post,
                verdict=replace(each.verdict, lane="none"),
                seen_at=now,
                case_id=case,
                flagged=False,
                suppressed=SAME_TROUBLE,
            ),
            each.post_id,
        )
        for each in fresh
    ]
    add_mentions(database, rows)
    return len(rows)


def authors_of(database: Database, posts: Sequence[str]) -> dict[str, tuple[str, bool]]:
    """post id -> who wrote it, and whether it belongs to a case."""
    found: dict[str, tuple[str, bool]] = {}
    for start in range(0, len(posts), 500):
        clause, values = marks("p", posts[start : start + 500])
        for row in database.rows(
            "SELECT p.id, p.author, max(coalesce(m.case_id, '')) AS case_id FROM posts p "
            f"LEFT JOIN mentions m ON m.post_id = p.id WHERE p.id IN {clause} GROUP BY p.id, p.author",
            values,
        ):
            found[row["id"]] = (row["author"], bool(row["case_id"]))
    return found


def posted_at_of(database: Database, source: str, native_id: str) -> datetime | None:
    """When a stored post was written; None for one that is not known."""
    row = database.row("SELECT posted_at FROM posts WHERE id = :id", {"id": post_key(database, source, native_id)})
    return at(row["posted_at"]) if row else None


def edit_post(database: Database, row: Mapping[str, Any]) -> None:
    """Put the words and numbers of today into a post; what follows from them, `monitor/cases/assignment.py` says."""
    database.run(
        "UPDATE posts SET text = :text, title = :title, edited_at = :edited_at, reach = :reach, rating = :rating, "
        "raw = :raw, parted = :parted, reply_text = :reply_text, replied_at = :replied_at, pictures = :pictures, "
        "videos = :videos, out_of = :out_of "
        "WHERE id = :id AND purged_at = '' AND deleted_at = ''",
        row,
    )


def of_case(database: Database, case: str) -> list[Mention]:
    """The mentions of a case, oldest first."""
    return of_cases(database, [case]).get(case, [])


def of_cases(database: Database, cases: Sequence[str]) -> dict[str, list[Mention]]:
    """The mentions of several cases, oldest first."""
    found: dict[str, list[Mention]] = {}
    for start in range(0, len(cases), 500):
        clause, values = marks("c", cases[start : start + 500])
        for row in database.rows(
            f"SELECT {SELECT_BOTH} FROM mentions m JOIN posts p ON p.id = m.post_id WHERE m.case_id IN {clause} "
            "AND m.case_id <> '' ORDER BY m.posted_at, m.id",
            values,
        ):
            found.setdefault(row["case_id"], []).append(mention_of(row))
    return found


def one(database: Database, mention: str) -> Mention | None:
    """One mention by its id."""
    row = database.row(
        f"SELECT {SELECT_BOTH} FROM mentions m JOIN posts p ON p.id = m.post_id WHERE m.id = :id", {"id": mention}
    )
    return mention_of(row) if row else None


def counts(database: Database) -> dict[str, int]:
    """How many posts, mentions and flagged mentions stand."""
    row = database.row(
        "SELECT (SELECT count(*) FROM posts) - (SELECT count(DISTINCT c.post_id) FROM competitor_mentions c "
        "WHERE NOT EXISTS (SELECT 1 FROM mentions m WHERE m.post_id = c.post_id)) AS posts, "
        "(SELECT coalesce(sum(n), 0) FROM heard) AS mentions, "
        "(SELECT count(*) FROM mentions WHERE flagged = 1) AS flagged"
    )
    assert row is not None
    return {name: int(row[name]) for name in ("posts", "mentions", "flagged")}


def count_orphans(database: Database, before: datetime) -> int:
    """How many mentions may need an answer and have neither a case nor a recorded reason why not: none should.

    Those seen before then: what is younger may still be on its way.
    """
    row = database.row(
        "SELECT count(*) AS n FROM mentions WHERE lane <> 'none' AND case_id = '' AND suppressed = '' "
        "AND seen_at < :before",
        {"before": stamp(before)},
    )
    return int(row["n"]) if row else 0


def newest_seen(database: Database, since: datetime, limit: int) -> list[Mention]:
    """What was seen since then, newest first."""
    return [
        mention_of(row)
        for row in database.rows(
            f"SELECT {SELECT_BOTH} FROM mentions m JOIN posts p ON p.id = m.post_id WHERE m.seen_at >= :since "
            "ORDER BY m.seen_at DESC, m.posted_at DESC LIMIT :limit",
            {"since": stamp(since), "limit": limit},
        )
    ]
