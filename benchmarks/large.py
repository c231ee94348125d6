"""A database of millions of mentions within minutes: rows out of rows, by `INSERT ... SELECT`.

Some thousand posts are written once; every stored row is one of these with an id, an author, a time and a few words of
its own. A year of them: each fifth is negative and has a cause, three in a hundred have a case and a story, and of the
cases of the last tenth of the year four in five are open. Indexes are built when all rows stand.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from benchmarks import made
from benchmarks.progress import Bar
from connectors import Post
from monitor.causes import listing
from monitor.store import cases, causes, mentions
from monitor.store.database import Database
from monitor.store.postgresql import Postgresql
from monitor.store.sqlite import MOST_KEPT, Sqlite
from monitor.text.similarity import bands, fingerprint
from monitor.types import Mention, Verdict

SOURCES = ("import", "forum", "chirp")
PARTS = 20_000  # posts that are written; a prime number of further words makes each stored text another
WORDS = 997
CHUNK = 100_000  # stories that are made at once
PER_CASE = 33  # mentions
FIRST, STEP = 600_000_000_000_000, 50_000_000  # what a network numbers its posts by: of 50 bits up to ten million
NUMBER = f"({FIRST} + i * {STEP})"
YOUNG = 36.5 * 86_400  # seconds; of these cases four in five are open
AUTHORS = 1_000_003
CJK = 50  # every so many posts are in Japanese
RARE = 400_000  # every so many posts hold a word that no other kind does
RARE_WORD, NEVER = "zyxomma", "qqqxnowhere"
JAPANESE = ("紅茶が三週間も届きません", "返金をお願いします", "店員さんがとても親切でした", "壊れた急須が届きました")
_TABLES = ("posts", "mentions", "caused", "cases", "stories", "case_log", "deliveries")
# Keys that come in no order. Built at the end their pages would be full to the brim, and each new row would part one.
_SCATTERED = (
    "mentions_by_post", "mentions_by_author", "mentions_of_author", "mentions_in_cases", "cases_by_author",
    "stories_by_part0", "stories_by_part1", "stories_by_part2", "stories_by_part3",
)  # fmt: skip
# Columns of the parts that the tables do not have.
_MORE = {"k": "CAST(0 AS BIGINT) AS k", "cause": "'' AS cause", "roll": "0.5 AS roll"}
_STORY = ("id", "brand", "source", "thread", "opened_at", "last_at", "fingerprint", "band0", "band1", "band2", "band3")


def make(database: Sqlite | Postgresql, wanted: int, now: datetime, days: float = 365) -> float:
    """Fill an empty database of Earful's with so many mentions of so many days; how many seconds it took."""
    began = time.monotonic()
    maker = _OnSqlite(database) if isinstance(database, Sqlite) else _OnPostgresql(database)
    listing.begin(database, made.BRAND, "general", now)
    named = [row["id"] for row in causes.standing(database, made.BRAND)]
    bar = Bar(f"making mentions, {database.dialect}", wanted)
    with maker:
        _parts(database, named, now)
        step = days * 86_400 / wanted
        first = now.timestamp() - days * 86_400
        for start in range(0, wanted, maker.chunk):
            bar.to(start)
            end = min(start + maker.chunk, wanted)
            with database.transaction():
                for statement in _statements(maker, step, first, wanted - int(YOUNG / step)):
                    database.run(statement, {"first": start, "last": end})
        bar.to(wanted, "indexes")
        with database.transaction():
            database.run(
                "INSERT INTO heard (brand, hour, source, n, negative, known) SELECT brand, substr(posted_at, 1, 13), "
                "source, count(*), sum(CASE WHEN label = 'negative' THEN 1 ELSE 0 END), count(*) FROM mentions "
                "GROUP BY brand, substr(posted_at, 1, 13), source"
            )
    bar.end()
    return time.monotonic() - began


def make_stories(database: Sqlite | Postgresql, wanted: int, now: datetime) -> None:
    """Stories alone, as many a day as make a million in a year, up to now."""
    maker = _OnSqlite(database) if isinstance(database, Sqlite) else _OnPostgresql(database)
    step = timedelta(days=365).total_seconds() / 1_000_000
    with maker:
        _parts(database, [""], now)
        for start in range(0, wanted, CHUNK):
            at = maker.at(f"{now.timestamp() - wanted * step!r} + i * {step!r}")
            story = {"id": "'s' || CAST(i AS TEXT)", "brand": f"'{made.BRAND}'", "source": "p.source",
                     "thread": "'t' || CAST(i AS TEXT)", "opened_at": at, "last_at": at}  # fmt: skip
            numbers = f"({maker.numbers()}) AS numbers"
            part = f"i % {PARTS}"
            source = f"{numbers} JOIN part_stories c ON c.k = {part} JOIN part_posts p ON p.k = {part}"
            with database.transaction():
                database.run(
                    _copy("stories", _STORY, story, source, columns_of="c"),
                    {"first": start, "last": min(start + CHUNK, wanted)},
                )


def texts() -> Iterator[tuple[str, bool]]:
    """The posts that are written: those of the other benchmarks, and some Japanese ones."""
    for place, (text, bad) in enumerate(made.texts(PARTS, unhappy=0.2, seed=23)):
        if place % CJK == CJK - 1:
            yield f"{made.BRAND} {JAPANESE[place // CJK % len(JAPANESE)]} {text.split()[-1]}", bad
        else:
            yield text, bad


def _parts(database: Database, named: Sequence[str], now: datetime) -> None:
    """The written posts as rows to choose from: a table for each that they are copied into."""
    chance = random.Random(5)
    unhappy = Verdict(-0.6, "negative", 0.8, "none", ("says: a refund",), "bench-1", "en", words=(made.BRAND,))
    happy = Verdict(0.5, "positive", 0.1, "none", (), "bench-1", "en", words=(made.BRAND,))
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ("posts", "mentions", "cases", "stories")}
    for k, (text, bad) in enumerate(texts()):
        post = Post(SOURCES[k % 3], "", "", "", text, now)
        mention = Mention("", made.BRAND, post, unhappy if bad else happy, now, "", flagged=False)
        mark = fingerprint(text)
        rows["posts"].append({"k": k, **mentions.post_row(post, "")})
        rows["mentions"].append(
            {"k": k, **mentions.mention_row(mention, ""), "cause": chance.choice(named) if bad else ""}
        )
        rows["cases"].append({"k": k, **_case(chance, mark), "roll": chance.random()})
        four = {f"band{number}": each for number, each in enumerate(bands(mark))}
        rows["stories"].append({"k": k, "fingerprint": mark, **four})
    with database.transaction():
        for name, each in rows.items():
            columns = ", ".join(_MORE.get(column, column) for column in each[0])
            database.run(f"CREATE TEMPORARY TABLE part_{name} AS SELECT {columns} FROM {name} LIMIT 0")
            listed = ", ".join(f":{column}" for column in each[0])
            database.run_many(f"INSERT INTO part_{name} VALUES ({listed})", each)
            database.run(f"CREATE UNIQUE INDEX part_{name}_by_k ON part_{name} (k)")
        database.run("CREATE TEMPORARY TABLE part_words (k INTEGER, said TEXT)")
        more = [
            {"k": k, "said": text.split(". ")[-1]} for k, (text, _) in enumerate(made.texts(WORDS, unhappy=0, seed=3))
        ]
        database.run_many("INSERT INTO part_words VALUES (:k, :said)", more)
        database.run("CREATE UNIQUE INDEX part_words_by_k ON part_words (k)")


def _case(chance: random.Random, mark: int) -> dict[str, Any]:
    return cases.new_row(
        id="", n=0, brand=made.BRAND, lane=chance.choice(("ping", "ping", "sweep")), fingerprint=mark, language="en",
        priority=chance.choice(("critical", "urgent", "normal", "normal")), mentions=1, targets='["console"]',
        need=chance.random(),
    )  # fmt: skip


class _Maker:
    """What differs between the two: how rows are numbered, timed and given ids, and what is put off to the end."""

    id = ""  # of a post: a new one, made as those of this database are
    mention = ""  # of a mention of it
    chunk = 0  # mentions that are made at once

    def __init__(self, database: Any) -> None:
        self.database = database

    def at(self, seconds: str) -> str:
        """Seconds since 1970 as the text of a time."""
        raise NotImplementedError

    def numbers(self) -> str:
        """A question for the numbers `i` from :first until before :last."""
        raise NotImplementedError

    def __enter__(self) -> None:
        """Put off what is quicker done once for all rows."""
        raise NotImplementedError

    def __exit__(self, *_: object) -> None:
        """Do it."""
        raise NotImplementedError


class _OnSqlite(_Maker):
    id = f"printf('32%06x', {NUMBER} >> 25 & 16777215) || lower(hex(randomblob(8)))"  # mentions.post_id
    mention = "substr(p.id, 1, 8) || substr(p.id, 17) || substr(p.id, 9, 8)"
    chunk = 500_000  # each writes all pages of the scattered indexes

    def at(self, seconds: str) -> str:
        return f"strftime('%Y-%m-%dT%H:%M:%f', {seconds}, 'unixepoch') || '000Z'"

    def numbers(self) -> str:
        return (
            "WITH RECURSIVE counted (i) AS (SELECT :first UNION ALL SELECT i + 1 FROM counted WHERE i + 1 < :last) "
            "SELECT i FROM counted"
        )

    def __enter__(self) -> None:
        # Nothing of this outlives the making; a file whose making was interrupted is made anew.
        for pragma in ("soft_heap_limit=0", "cache_size=-800000", "synchronous=OFF", "foreign_keys=OFF",
                       "journal_mode=OFF", "secure_delete=OFF", "temp_store=MEMORY", "threads=2"):  # fmt: skip
            self.database.run(f"PRAGMA {pragma}")
        clause = ", ".join(f"'{name}'" for name in _TABLES)
        self.put_off = self.database.rows(
            f"SELECT name, type, sql FROM sqlite_master WHERE tbl_name IN ({clause}) AND type IN ('index', 'trigger') "
            f"AND sql IS NOT NULL AND name NOT IN {_SCATTERED} ORDER BY type, name"
        )
        for row in self.put_off:
            self.database.run(f"DROP {row['type']} {row['name']}")

    def __exit__(self, *_: object) -> None:
        with self.database.transaction():
            for row in self.put_off:
                self.database.run(row["sql"])
        with self.database.transaction():
            self.database.run("INSERT INTO posts_fts (posts_fts) VALUES ('rebuild')")
            self.database.run("INSERT INTO posts_parted (rowid, parted) SELECT n, parted FROM posts WHERE parted <> ''")
        for pragma in ("journal_mode=WAL", f"soft_heap_limit={MOST_KEPT}", "cache_size=-16000", "synchronous=FULL",
                       "foreign_keys=ON", "secure_delete=ON", "temp_store=DEFAULT"):  # fmt: skip
            self.database.run(f"PRAGMA {pragma}")


class _OnPostgresql(_Maker):
    id = "substr(md5(random()::text || i::text), 1, 20)"
    mention = "substr(p.id, 11) || substr(p.id, 1, 10)"
    chunk = 100_000

    def at(self, seconds: str) -> str:
        return f"to_char(to_timestamp({seconds}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"

    def numbers(self) -> str:
        return "SELECT generate_series(:first::bigint, :last::bigint - 1) AS i"

    def __enter__(self) -> None:
        self.database.run("SET session_replication_role = replica")  # no look at what a row refers to
        self.database.run("SET maintenance_work_mem = '1GB'")
        self.database.run("SET synchronous_commit = off")
        clause = ", ".join(f"'{name}'" for name in _TABLES)
        self.put_off = self.database.rows(
            f"SELECT indexname AS name, indexdef AS sql FROM pg_indexes WHERE tablename IN ({clause}) "
            "AND schemaname = current_schema() AND indexname NOT IN "
            "(SELECT conname FROM pg_constraint) ORDER BY indexname"
        )
        for row in self.put_off:
            self.database.run(f"DROP INDEX {row['name']}")

    def __exit__(self, *_: object) -> None:
        for row in self.put_off:
            self.database.run(row["sql"])
        self.database.count_on({})
        self.database.run("RESET session_replication_role")
        self.database.run("RESET synchronous_commit")
        self.database.run("VACUUM ANALYZE")  # what the server does by itself within a minute or two


def _statements(maker: _Maker, step: float, first: float, young: int) -> list[str]:
    """What makes the rows of the numbers from :first until before :last, table by table; `young` may be open still."""
    at = maker.at(f"{first!r} + i * {step!r}")
    later = maker.at(f"{first!r} + i * {step!r} + 7200")
    closed = f"(roll >= 0.8 OR i < {young})"
    every = f"i % {PER_CASE} = 0"
    numbers = f"({maker.numbers()}) AS numbers"
    part = f"i % {PARTS}"
    case = f"CAST(i / {PER_CASE} + 1 AS TEXT)"
    author = f"'author' || CAST((i * 7919) % {AUTHORS} AS TEXT)"
    thread = "'t' || CAST(i AS TEXT)"
    posts = {
        "n": "i + 1", "id": maker.id, "native_id": f"CAST({NUMBER} AS TEXT)",
        "url": "'https://' || source || '.example/' || CAST(i AS TEXT)", "author": author,
        "text": f"text || ' ' || said || CASE WHEN i % {RARE} = 7 THEN ' {RARE_WORD}' ELSE '' END",
        "posted_at": at, "thread_id": thread, "seen_at": at, "asked_at": at,
    }  # fmt: skip
    stored = {
        "id": maker.mention, "post_id": "p.id", "seen_at": "p.seen_at",
        "posted_at": "p.posted_at", "author": "p.author", "case_id": f"CASE WHEN {every} THEN {case} ELSE '' END",
        "flagged": f"CASE WHEN {every} THEN 1 ELSE 0 END",
        "lane": f"CASE WHEN {every} THEN 'ping' ELSE 'none' END",
    }  # fmt: skip
    opened = {
        "id": case, "n": f"i / {PER_CASE} + 1", "source": "p.source", "thread": thread, "author": author,
        "opened_at": at, "first_posted_at": at, "last_posted_at": at, "story_id": f"'s' || {case}",
        "due_at": maker.at(f"{first!r} + i * {step!r} + 14400"),
        **dict.fromkeys(("answered_at", "closed_at"), f"CASE WHEN {closed} THEN {later} ELSE '' END"),
        **dict.fromkeys(("answered_by", "closed_by"), f"CASE WHEN {closed} THEN 'us' ELSE '' END"),
        "outcome": f"CASE WHEN {closed} THEN 'solved' ELSE '' END",
        "next_step_at": f"CASE WHEN {closed} OR lane = 'sweep' THEN '' ELSE '2100-01-01T00:00:00.000000Z' END",
    }  # fmt: skip
    story = {
        "id": f"'s' || {case}", "brand": f"'{made.BRAND}'", "source": "p.source", "thread": thread,
        "opened_at": at, "last_at": at,
    }  # fmt: skip
    told = {
        "id": f"'d' || {case}", "dedupe_key": f"'story:s' || {case}", "about": f"'story:s' || {case}",
        "story_id": f"'s' || {case}", "channel": "'console'", "target": "'console'", "action": "'post'",
        "payload": "'{}'", "priority": "priority", "due_at": at, "created_at": at, "state": "'sent'",
        "sent_at": at, "receipt": case, "reason": "'new'",
    }  # fmt: skip
    of_cases = f"{numbers} JOIN part_cases c ON c.k = {part} JOIN part_posts p ON p.k = {part} WHERE {every}"
    stories = f"{numbers} JOIN part_stories c ON c.k = {part} JOIN part_posts p ON p.k = {part} WHERE {every}"
    of_posts = "(SELECT p.*, p.n - 1 AS i FROM posts p WHERE p.n > :first AND p.n <= :last) AS p"
    mentions_from = f"{of_posts} JOIN part_mentions m ON m.k = {part}"
    lines = [
        _copy("posts", mentions.POST_COLUMNS, posts,
              f"{numbers} JOIN part_posts p ON p.k = {part} JOIN part_words w ON w.k = i % {WORDS}", also=("n",)),
        _copy("stories", _STORY, story, stories, columns_of="c"),
        _copy("cases", cases.COLUMNS, opened, of_cases, columns_of="c"),
        _copy("mentions", mentions.MENTION_COLUMNS, stored, mentions_from, columns_of="m"),
        "INSERT INTO caused (mention_id, cause_id, brand, posted_at, place, by_staff) "
        f"SELECT {maker.mention}, m.cause, m.brand, p.posted_at, 0, 0 FROM {mentions_from} WHERE m.cause <> ''",
        _copy("deliveries", tuple(told), told, of_cases),
    ]  # fmt: skip
    for what, who, way, moment, when in (
        ("open", "", "intake", at, every), ("answered", "us", "page", later, f"{every} AND {closed}"),
        ("close", "us", "page", later, f"{every} AND {closed}"),
    ):  # fmt: skip
        lines.append(
            "INSERT INTO case_log (case_id, at, who, way, what, detail) "
            f"SELECT {case}, {moment}, '{who}', '{way}', '{what}', '{{}}' "
            f"FROM {numbers} JOIN part_cases c ON c.k = {part} WHERE {when}"
        )
    return lines


def _copy(
    table: str, columns: Sequence[str], own: Mapping[str, str], source: str, *, columns_of: str = "p",
    also: Sequence[str] = (),
) -> str:  # fmt: skip
    """A statement that copies rows, with some columns of their own."""
    named = (*columns, *also)
    chosen = ", ".join(own.get(column, f"{columns_of}.{column}") for column in named)
    return f"INSERT INTO {table} ({', '.join(named)}) SELECT {chosen} FROM {source} ORDER BY i"
