"""Small things that must be remembered: periods that had their work, facts, labels, models, mutes, own replies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from monitor.store.database import Database, Row, marks, stamp


def take_period(database: Database, key: str, now: datetime, detail: str = "") -> bool:
    """Whether this period's work is ours: the first to ask gets it, whoever asks again does not."""
    return (
        database.run(
            "INSERT INTO periods (key, at, detail) VALUES (:key, :now, :detail) ON CONFLICT DO NOTHING",
            {"key": key, "now": stamp(now), "detail": detail},
        )
        == 1
    )


def has_period(database: Database, key: str) -> bool:
    """Whether this period's work was taken before."""
    return database.row("SELECT 1 AS one FROM periods WHERE key = :key", {"key": key}) is not None


def detail_of_period(database: Database, key: str) -> str:
    """What was noted when this period's work was taken; "" where nothing was, or where it was not taken."""
    row = database.row("SELECT detail FROM periods WHERE key = :key", {"key": key})
    return (row["detail"] or "") if row else ""


def fact(database: Database, key: str, default: str = "") -> str:
    """A remembered value."""
    row = database.row("SELECT value FROM facts WHERE key = :key", {"key": key})
    return row["value"] if row else default


def facts(database: Database, prefix: str) -> dict[str, str]:
    """The remembered values whose keys begin so: plain letters, for they stand in a pattern."""
    rows = database.rows("SELECT key, value FROM facts WHERE key LIKE :pattern", {"pattern": f"{prefix}%"})
    return {row["key"]: row["value"] for row in rows}


def facts_of(database: Database, keys: Sequence[str]) -> dict[str, str]:
    """Those of these values that are remembered."""
    clause, values = marks("k", keys)
    return {
        row["key"]: row["value"] for row in database.rows(f"SELECT key, value FROM facts WHERE key IN {clause}", values)
    }


def remember(database: Database, key: str, value: str, now: datetime) -> None:
    """Remember a value."""
    remember_all(database, {key: value}, now)


def remember_all(database: Database, found: Mapping[str, str], now: datetime) -> None:
    """Remember values, in this order."""
    database.run_many(
        "INSERT INTO facts (key, value, at) VALUES (:key, :value, :now) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value, at = excluded.at",
        [{"key": key, "value": value, "now": stamp(now)} for key, value in found.items()],
    )


_GIVEN = "numbers given:{table}"


def given(database: Database, table: str) -> int:
    """The highest number `n` of a table that people may know from before a copy was put back: it is not given again."""
    return int(fact(database, _GIVEN.format(table=table), "0"))


def note_given(database: Database, table: str, number: int, now: datetime) -> None:
    """Numbers up to this one were given before."""
    remember(database, _GIVEN.format(table=table), str(number), now)


_TEACHING = "teaching:revision"


def teaching(database: Database) -> int:
    """A number that grows whenever what was learned has changed, by whichever process."""
    return int(fact(database, _TEACHING, "0"))


def count_teaching(database: Database, now: datetime) -> None:
    """What was learned has changed: whoever judges by it loads it anew."""
    remember(database, _TEACHING, str(teaching(database) + 1), now)


def add_label(
    database: Database, brand: str, mention: str, answer: str, who: str, way: str, now: datetime, *, who_id: str
) -> None:
    """What a person said of a mention: the truth that judges learn from."""
    database.run(
        "INSERT INTO labels (brand, mention_id, answer, who, who_id, way, at) "
        "VALUES (:brand, :mention, :answer, :who, :who_id, :way, :now)",
        {
            "brand": brand, "mention": mention, "answer": answer, "who": who, "who_id": who_id, "way": way,
            "now": stamp(now),
        },
    )  # fmt: skip


def undo_labels(database: Database, mentions: Sequence[str], who_id: str, since: datetime, now: datetime) -> None:
    """Take back what a person said of these mentions since then."""
    clause, values = marks("m", mentions)
    database.run(
        f"UPDATE labels SET undone_at = :now WHERE mention_id IN {clause} AND who_id = :who_id "
        "AND at >= :since AND undone_at = ''",
        {**values, "who_id": who_id, "since": stamp(since), "now": stamp(now)},
    )


def labels_of(database: Database, brand: str, limit: int = 20000, after: int = 0) -> list[Row]:
    """The newest labels of a brand that stand, oldest first, with the words they speak of; those numbered > `after`."""
    rows = database.rows(
        "SELECT l.*, p.native_id, p.text, p.title, p.author, p.source, p.url, p.rating, p.lang, p.posted_at, "
        "m.language FROM labels l "
        "JOIN mentions m ON m.id = l.mention_id JOIN posts p ON p.id = m.post_id "
        "WHERE l.brand = :brand AND l.undone_at = '' AND l.n > :after ORDER BY l.n DESC LIMIT :limit",
        {"brand": brand, "limit": limit, "after": after},
    )
    return rows[::-1]


def label_marks(database: Database) -> dict[str, str]:
    """A word for each brand that changes whenever a label of it is added or taken back."""
    return {
        row["brand"]: f"{row['n']}:{row['newest']}"
        for row in database.rows(
            "SELECT brand, count(*) AS n, max(n) AS newest FROM labels WHERE undone_at = '' GROUP BY brand"
        )
    }


def last_answers(database: Database, brand: str) -> dict[str, str]:
    """mention id -> what was said of it last."""
    rows = database.rows(
        "SELECT mention_id, answer FROM labels WHERE brand = :brand AND undone_at = '' ORDER BY n", {"brand": brand}
    )
    return {row["mention_id"]: row["answer"] for row in rows}


def save_model(database: Database, brand: str, body: str, labels: int, figures: str, now: datetime) -> None:
    """Keep what a brand's judge has learned, as a version that can be undone (the newest 20 of them)."""
    database.run(
        "INSERT INTO models (brand, body, labels, figures, at) VALUES (:brand, :body, :labels, :figures, :now)",
        {"brand": brand, "body": body, "labels": labels, "figures": figures, "now": stamp(now)},
    )
    database.run(
        "DELETE FROM models WHERE brand = :brand AND n NOT IN "
        "(SELECT n FROM models WHERE brand = :brand ORDER BY n DESC LIMIT 20)",
        {"brand": brand},
    )


def replace_model(database: Database, n: int, body: str, labels: int, figures: str) -> None:
    """Learn on within a version; its time stays the one at which it was begun."""
    database.run(
        "UPDATE models SET body = :body, labels = :labels, figures = :figures WHERE n = :n",
        {"n": n, "body": body, "labels": labels, "figures": figures},
    )


def models_of(database: Database, brand: str) -> list[Row]:
    """Every version of a brand that is kept, the newest first, undone ones too."""
    return database.rows("SELECT * FROM models WHERE brand = :brand ORDER BY n DESC", {"brand": brand})


def model_of(database: Database, brand: str) -> Row | None:
    """The newest version that was not undone."""
    return database.row(
        "SELECT * FROM models WHERE brand = :brand AND undone_at = '' ORDER BY n DESC LIMIT 1", {"brand": brand}
    )


def undo_model(database: Database, brand: str, now: datetime) -> bool:
    """Go back to the version before; False where there is none to undo."""
    row = model_of(database, brand)
    if row is None:
        return False
    database.run("UPDATE models SET undone_at = :now WHERE n = :n", {"n": row["n"], "now": stamp(now)})
    return True


def add_mute(
    database: Database, brand: str, kind: str, value: str, who: str, now: datetime, *, offered: bool = False
) -> None:
    """Stop telling of an "author" or "community" ("source/name"), a "thread" ("source/id"), a "domain"; or offer to."""
    database.run(
        "INSERT INTO mutes (brand, kind, value, who, at, offered) VALUES (:brand, :kind, :value, :who, :now, :offered)",
        {"brand": brand, "kind": kind, "value": value, "who": who, "now": stamp(now), "offered": int(offered)},
    )


def mutes(database: Database, *, offered: bool = False) -> list[Row]:
    """The mutes that stand (or those that are only offered)."""
    return database.rows(
        "SELECT * FROM mutes WHERE undone_at = '' AND offered = :offered ORDER BY n", {"offered": int(offered)}
    )


def known_mutes(database: Database, brand: str) -> set[tuple[str, str]]:
    """(kind, value) of every mute that was ever made or offered for a brand, those that were taken back too."""
    rows = database.rows("SELECT kind, value FROM mutes WHERE brand IN (:brand, '')", {"brand": brand})
    return {(row["kind"], row["value"]) for row in rows}


def accept_mute(database: Database, n: int, who: str, now: datetime) -> bool:
    """What was offered is muted from now on; False where nothing by this number is offered."""
    return (
        database.run(
            "UPDATE mutes SET offered = 0, who = :who, at = :now WHERE n = :n AND offered = 1 AND undone_at = ''",
            {"n": n, "who": who, "now": stamp(now)},
        )
        == 1
    )


def undo_mute(database: Database, n: int, now: datetime) -> bool:
    """Take a mute back."""
    return (
        database.run("UPDATE mutes SET undone_at = :now WHERE n = :n AND undone_at = ''", {"n": n, "now": stamp(now)})
        == 1
    )


def known_own_posts(database: Database, source: str, native_ids: Sequence[str]) -> set[str]:
    """Which of the brand's own posts were seen before."""
    clause, values = marks("id", native_ids)
    rows = database.rows(
        f"SELECT native_id FROM own_posts WHERE source = :source AND native_id IN {clause}",
        {**values, "source": source},
    )
    return {row["native_id"] for row in rows}


def brands_of_own_posts(database: Database, source: str, native_ids: Sequence[str]) -> dict[str, str]:
    """Those of these ids that are the brand's own posts, with the brand ("" where it was not known)."""
    clause, values = marks("id", native_ids)
    rows = database.rows(
        f"SELECT native_id, brand FROM own_posts WHERE source = :source AND native_id IN {clause}",
        {**values, "source": source},
    )
    return {row["native_id"]: row["brand"] for row in rows}


_UNSETTLED: dict[str, Any] = {
    "parent_author": "", "words": "", "case_id": "", "kind": "", "reason": "", "automatic": 0, "sent_on": 0,
}  # fmt: skip


def add_own_posts(database: Database, rows: Iterable[Mapping[str, Any]]) -> None:
    """Remember the brand's own posts; what each is, and whose case it answered, follows with `settle_own_post`."""
    database.run_many(
        "INSERT INTO own_posts (source, native_id, brand, author, url, text, parent_id, parent_author, thread_id, "
        "posted_at, seen_at, words, case_id, kind, reason, automatic, sent_on) VALUES (:source, :native_id, :brand, "
        ":author, :url, :text, :parent_id, :parent_author, :thread_id, :posted_at, :seen_at, :words, :case_id, :kind, "
        ":reason, :automatic, :sent_on) ON CONFLICT DO NOTHING",
        [{**_UNSETTLED, **row} for row in rows],
    )


def settle_own_post(
    database: Database, source: str, native_id: str, *, case: str, kind: str, reason: str, turned_by: str = ""
) -> None:
    """What a post of ours is, why, and the case of whom it answers ("": nobody's that is known)."""
    database.run(
        "UPDATE own_posts SET case_id = :case, kind = :kind, reason = :reason, turned_by = :turned_by, "
        "automatic = :automatic, sent_on = :sent_on WHERE source = :source AND native_id = :native_id",
        {
            "source": source, "native_id": native_id, "case": case, "kind": kind, "reason": reason,
            "turned_by": turned_by, "automatic": int(kind == "automatic"), "sent_on": int(kind == "sent_on"),
        },
    )  # fmt: skip


def note_prompt(database: Database, source: str, native_id: str, story: str) -> None:
    """A post of ours came within seconds of the post that it answers, which belongs to this story."""
    database.run(
        "UPDATE own_posts SET prompt_story = :story WHERE source = :source AND native_id = :native_id",
        {"source": source, "native_id": native_id, "story": story},
    )


def prompt_own_posts(database: Database, words: str, since: datetime, until: datetime) -> list[Row]:
    """Our replies in the same words that came at once, in a span, oldest first."""
    return database.rows(
        "SELECT * FROM own_posts WHERE words = :words AND prompt_story <> '' AND posted_at >= :since "
        "AND posted_at <= :until ORDER BY posted_at LIMIT 1000",
        {"words": words, "since": stamp(since), "until": stamp(until)},
    )


def own_posts_by_id(database: Database, source: str, native_ids: Sequence[str]) -> list[Row]:
    """The brand's own posts by their ids, oldest first."""
    found: list[Row] = []
    for start in range(0, len(native_ids), 500):
        clause, values = marks("id", native_ids[start : start + 500])
        found += database.rows(
            f"SELECT * FROM own_posts WHERE source = :source AND native_id IN {clause}", {**values, "source": source}
        )
    return sorted(found, key=lambda row: (row["posted_at"], row["native_id"]))


def own_posts_of_case(database: Database, case: str) -> list[Row]:
    """What the brand said in public to the person of a case, oldest first."""
    return database.rows("SELECT * FROM own_posts WHERE case_id = :case ORDER BY posted_at", {"case": case})


def last_replies(database: Database, brand: str, since: datetime, limit: int) -> list[str]:
    """The words of a brand's newest replies since then, the newest first; what a machine said is not among them."""
    rows = database.rows(
        "SELECT text FROM own_posts WHERE brand = :brand AND parent_id <> '' AND text <> '' AND kind <> 'automatic' "
        "AND posted_at >= :since ORDER BY posted_at DESC, native_id DESC LIMIT :limit",
        {"brand": brand, "since": stamp(since), "limit": limit},
    )
    return [str(row["text"]) for row in rows]


def unmatched_own_posts(database: Database, source: str, parents: Sequence[str]) -> list[Row]:
    """Own replies to these posts that were seen before the post itself was, oldest first."""
    found: list[Row] = []
    for start in range(0, len(parents), 500):
        clause, values = marks("p", parents[start : start + 500])
        found += database.rows(
            f"SELECT * FROM own_posts WHERE source = :source AND case_id = '' AND parent_id IN {clause}",
            {**values, "source": source},
        )
    return sorted(found, key=lambda row: (row["posted_at"], row["native_id"]))


def threads_with_unmatched(database: Database, source: str, threads: Sequence[str]) -> set[str]:
    """In which of these conversations such a reply stands as `unmatched_own_posts_to` gives."""
    found: set[str] = set()
    for start in range(0, len(threads), 500):
        clause, values = marks("t", threads[start : start + 500])
        rows = database.rows(
            "SELECT DISTINCT thread_id FROM own_posts WHERE source = :source AND case_id = '' AND parent_author <> '' "
            f"AND thread_id IN {clause}",
            {**values, "source": source},
        )
        found.update(row["thread_id"] for row in rows)
    return found


def unmatched_own_posts_to(database: Database, source: str, author: str, threads: Sequence[str]) -> list[Row]:
    """Own replies to somebody in these conversations whose parent was not known when they were seen, oldest first."""
    clause, values = marks("t", threads)
    return database.rows(
        "SELECT * FROM own_posts WHERE source = :source AND case_id = '' AND parent_author = :author "
        f"AND thread_id IN {clause} ORDER BY posted_at, native_id",
        {**values, "source": source, "author": author},
    )


def first_press(database: Database, envelope: str, now: datetime) -> bool:
    """Whether this press of a button is new; Slack may tell the same one several times. What it says is not kept."""
    return (
        database.run(
            "INSERT INTO presses (id, at) VALUES (:id, :now) ON CONFLICT DO NOTHING",
            {"id": envelope, "now": stamp(now)},
        )
        == 1
    )
