"""What there is to forget: the names, posts and cases of a person or an account, and what is past its time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from connectors.text import bare_name
from monitor.store import authorship, unjudged
from monitor.store.database import Database, Row, marks, stamp
from monitor.store.mentions import SAME_TROUBLE, post_key

BATCH = 500
NAMED_IN = ("mentions", "competitor_mentions")  # by author and source: about us, and about competitors
# SQLite makes only A to Z small: who has other letters in their name is looked for among all names as long as that.
_AS_LONG = "length(author) BETWEEN :least AND :most"
NAMES_SOMEBODY = "kind IN ('author', 'contact')"  # of a mute


def in_batches(values: Sequence[str]) -> Iterable[Sequence[str]]:
    """Give the values in pieces that one statement takes."""
    return (values[start : start + BATCH] for start in range(0, len(values), BATCH))


def names_of(database: Database, source: str, author: str) -> list[str]:
    """The spellings under which a source knows this person: with and without @, in any case."""
    bare = author.strip().removeprefix("@").removeprefix("u/")
    written = [bare, f"@{bare}", f"u/{bare}"]
    exact, values = marks("a", written)
    low, lowered = marks("b", [name.lower() for name in written])
    fits = f"(author IN {exact} OR lower(author) IN {low}{'' if bare.isascii() else f' OR {_AS_LONG}'})"
    values["least"], values["most"] = len(bare), len(written[-1])
    is_them = partial(_is_named, bare_name(bare))
    found: set[str] = set()
    # Whom all sources know, from an index alone, and then who of them is of this source: no row is read in vain.
    for table in NAMED_IN:
        for row in database.rows(f"SELECT DISTINCT author FROM {table} WHERE {fits}", {**values, **lowered}):
            if is_them(row["author"]) and _written_under(
                database, table, source, [row["author"]], "1 AS n", " LIMIT 1"
            ):
                found.add(row["author"])
    rows = database.rows(
        f"SELECT DISTINCT author FROM cases WHERE source = :source AND {fits}", {**values, **lowered, "source": source}
    )
    found.update(row["author"] for row in rows if is_them(row["author"]))
    found |= unjudged.spellings(database, source, bare)  # who is known only from a page that waits to be judged
    return sorted(found - {""})


def in_bytes(told: Iterable[str]) -> list[bytes]:
    """How names and ids stand in what nobody could read: in UTF-8, or in JSON that writes ASCII alone."""
    return [
        form for each in told if each for form in {each.encode("utf-8", "replace"), json.dumps(each)[1:-1].encode()}
    ]


def _is_named(bare: str, author: str) -> bool:
    return bare_name(author) == bare


def posts_of_person(database: Database, source: str, names: Sequence[str], accounts: Sequence[str] = ()) -> list[str]:
    """What somebody wrote under these names, and what the same account, or one of these, wrote under others."""
    found = {
        row["id"]: None
        for table in NAMED_IN
        for row in _written_under(database, table, source, names, "DISTINCT m.post_id AS id")
    }
    for account in dict.fromkeys((*author_ids(database, list(found)), *accounts)):
        rows = database.rows(
            "SELECT id FROM posts WHERE source = :source AND author_id = :account AND author_id <> ''",
            {"source": source, "account": account},
        )
        found.update((row["id"], None) for row in rows)
    return list(found)


def _written_under(
    database: Database, table: str, source: str, names: Sequence[str], columns: str, limit: str = ""
) -> list[Row]:
    """Columns of the mentions `m` of a table that somebody wrote under these names."""
    if table == "mentions":
        return authorship.of_authors(database, names, columns, f"m.source = :source{limit}", {"source": source})
    clause, values = marks("a", names)
    return database.rows(
        f"SELECT {columns} FROM {table} m WHERE m.author IN {clause} AND m.source = :source{limit}",
        {**values, "source": source},
    )


def author_ids(database: Database, posts: Sequence[str]) -> list[str]:
    """The network's own ids of whoever wrote these."""
    return _one_each(database, posts, "SELECT DISTINCT author_id AS one FROM posts WHERE id IN {} AND author_id <> ''")


def cases_of_person(database: Database, source: str, names: Sequence[str], posts: Sequence[str]) -> list[str]:
    """The numbers of their cases, oldest first: by their names, and by what they wrote."""
    clause, values = marks("a", names)
    rows = database.rows(
        f"SELECT id FROM cases WHERE source = :source AND author IN {clause} ORDER BY n", {**values, "source": source}
    )
    return list(dict.fromkeys([*(row["id"] for row in rows), *cases_of_posts(database, posts)]))


def cases_of_posts(database: Database, posts: Sequence[str]) -> list[str]:
    """The cases that these posts belong to; who only has the same trouble has none of their own."""
    asked = (
        "SELECT DISTINCT case_id AS one FROM mentions WHERE post_id IN {} AND case_id <> '' "
        "AND suppressed <> :stranger ORDER BY case_id"
    )
    return _one_each(database, posts, asked, stranger=SAME_TROUBLE)


def shown_in(database: Database, posts: Sequence[str]) -> list[str]:
    """Every case in which these posts stand, also as the words of somebody who only has the same trouble."""
    return _one_each(
        database, posts, "SELECT DISTINCT case_id AS one FROM mentions WHERE post_id IN {} AND case_id <> ''"
    )


def _one_each(database: Database, posts: Sequence[str], asked: str, **values: str) -> list[str]:
    """What a statement answers of these posts, in the order in which it is found, each once; `{}` is their list."""
    found: dict[str, None] = {}
    for some in in_batches(posts):
        clause, listed = marks("p", some)
        found.update((row["one"], None) for row in database.rows(asked.format(clause), {**listed, **values}))
    return list(found)


def count_open(database: Database, cases: Sequence[str]) -> int:
    """How many of these cases are open."""
    count = 0
    for some in in_batches(cases):
        clause, values = marks("c", some)
        row = database.row(f"SELECT count(*) AS n FROM cases WHERE id IN {clause} AND closed_at = ''", values)
        count += int(row["n"]) if row else 0
    return count


def posts_by_native(database: Database, source: str, native_ids: Sequence[str]) -> list[str]:
    """Those posts, by the network's ids, that stand here with their words."""
    found: list[str] = []
    for some in in_batches([post_key(database, source, native) for native in native_ids]):
        clause, values = marks("id", some)
        found += [
            row["id"] for row in database.rows(f"SELECT id FROM posts WHERE id IN {clause} AND deleted_at = ''", values)
        ]
    return found


def posts_of_account(database: Database, source: str, account: str) -> list[str]:
    """Everything of an account, by its id, or under it as a name where nothing bears the id."""
    wanted = {"source": source, "author": account}
    rows = database.rows(
        "SELECT id FROM posts WHERE source = :source AND author_id = :author AND author_id <> '' AND deleted_at = ''",
        wanted,
    ) or [
        row
        for table in NAMED_IN
        for row in _written_under(
            database,
            table,
            source,
            [account],
            "DISTINCT m.post_id AS id",
            " AND EXISTS (SELECT 1 FROM posts p WHERE p.id = m.post_id AND p.deleted_at = '')",
        )
    ]
    return list(dict.fromkeys(row["id"] for row in rows))


def aged(database: Database, source: str, before: datetime, limit: int = BATCH) -> list[str]:
    """Posts of a source that are older than that, the oldest first; none of an open case."""
    rows = database.rows(
        "SELECT p.id FROM posts p WHERE p.source = :source AND p.posted_at < :before AND p.purged_at = '' "
        "AND NOT EXISTS (SELECT 1 FROM mentions m JOIN cases c ON c.id = m.case_id "
        "WHERE m.post_id = p.id AND c.closed_at = '') "
        "ORDER BY p.posted_at LIMIT :limit",
        {"source": source, "before": stamp(before), "limit": limit},
    )
    return [row["id"] for row in rows]


def sources_with_posts(database: Database) -> list[str]:
    """Every source of which anything is stored, read or brought by a file."""
    found: set[str] = set()
    for table in NAMED_IN:
        last = ""
        while row := database.row(
            f"SELECT source FROM {table} WHERE source > :last ORDER BY source LIMIT 1", {"last": last}
        ):
            last = row["source"]
            found.add(last)
    return sorted(found)


def sources_with_unread(database: Database) -> list[str]:
    """Every source of which something waits to be read or judged, or was set aside, also where no settings name it."""
    tables = " UNION ".join(f"SELECT source FROM {table}" for table in ("arrived", "unjudged", "aside"))
    return [row["source"] for row in database.rows(f"SELECT source FROM ({tables}) AS kept ORDER BY source")]


def strangers(database: Database, limit: int = BATCH) -> list[str]:
    """What strangers wrote in conversations whose story has no open case any more."""
    rows = database.rows(
        "SELECT p.id FROM mentions m JOIN cases c ON c.id = m.case_id JOIN posts p ON p.id = m.post_id "
        "WHERE m.suppressed = :why AND m.case_id <> '' AND p.purged_at = '' AND NOT EXISTS "
        "(SELECT 1 FROM cases o WHERE o.story_id = c.story_id AND o.closed_at = '') LIMIT :limit",
        {"why": SAME_TROUBLE, "limit": limit},
    )
    return [row["id"] for row in rows]


def standing_posts(database: Database, case: str) -> int:
    """How many posts of a case stand with their words."""
    row = database.row(
        "SELECT count(DISTINCT p.id) AS n FROM mentions m JOIN posts p ON p.id = m.post_id WHERE m.case_id = :case "
        "AND p.deleted_at = '' AND p.purged_at = ''",
        {"case": case},
    )
    return int(row["n"]) if row else 0


def own_posts_of(database: Database, case: str, posts: Sequence[str]) -> list[str]:
    """Those of these posts that are of the case's own author, and not of somebody who has the same trouble."""
    found: list[str] = []
    for some in in_batches(posts):
        clause, values = marks("p", some)
        rows = database.rows(
            f"SELECT DISTINCT post_id FROM mentions WHERE post_id IN {clause} AND case_id = :case "
            "AND suppressed <> :stranger",
            {**values, "case": case, "stranger": SAME_TROUBLE},
        )
        found += [row["post_id"] for row in rows]
    return found


def without_posts(database: Database, cases: Sequence[str]) -> list[str]:
    """Those of the cases of which no post stands any more."""
    living: set[str] = set()
    for some in in_batches(cases):
        clause, values = marks("c", some)
        rows = database.rows(
            f"SELECT DISTINCT m.case_id FROM mentions m JOIN posts p ON p.id = m.post_id WHERE m.case_id IN {clause} "
            "AND m.case_id <> '' AND p.deleted_at = '' AND p.purged_at = '' AND m.suppressed <> :stranger",
            {**values, "stranger": SAME_TROUBLE},
        )
        living.update(row["case_id"] for row in rows)
    return [case for case in cases if case not in living]


def left_behind(database: Database, limit: int = BATCH) -> tuple[list[str], list[str]]:
    """(posts, cases) that versions before this one emptied in part only."""
    posts = database.rows(
        "SELECT id FROM posts WHERE (purged_at <> '' OR deleted_at <> '') AND native_id <> '' LIMIT :limit",
        {"limit": limit},
    )
    cases = database.rows(
        "SELECT c.id FROM cases c WHERE c.closed_at <> '' AND (c.author <> '' OR c.thread <> '') AND NOT EXISTS "
        "(SELECT 1 FROM mentions m JOIN posts p ON p.id = m.post_id WHERE m.case_id = c.id AND m.case_id <> '' "
        "AND p.deleted_at = '' AND p.purged_at = '' AND m.suppressed <> :stranger) LIMIT :limit",
        {"stranger": SAME_TROUBLE, "limit": limit},
    )
    return [row["id"] for row in posts], [row["id"] for row in cases]


def mutes_naming(database: Database, source: str, names: Sequence[str]) -> list[int]:
    """The numbers of standing mutes that name them."""
    clause, values = marks("v", [f"{source}/{name}" for name in names])
    rows = database.rows(
        f"SELECT n FROM mutes WHERE {NAMES_SOMEBODY} AND undone_at = '' AND offered = 0 AND value IN {clause}",
        values,
    )
    return [int(row["n"]) for row in rows]
