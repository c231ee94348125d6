"""Other ids in place of those by which a post that was erased could be looked for.

The id of a post is made of its source and the network's id of it, and that of a mention is made of it: whoever has
the database, and an id from the network, could look whether the post was here and what was thought of it. So where
somebody is erased for good their rows get a hash of it under the key of erasures, which is not in the database. That
the post is known is then said by its hash in `forgotten`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from monitor.store import forgotten, key_values, wiping
from monitor.store.columns import TABLES
from monitor.store.database import Database, marks
from monitor.store.mentions import mention_key

_DONE = "forgetting: ids replaced"
_BATCH = 500
# The log of a closed case named the mention that came next; whether that was better is all it has to say.
_NAMED_NO_MORE = (
    """UPDATE case_log SET detail = CASE WHEN detail LIKE '%"better": true%' THEN '{"better": true}' """
    """ELSE '{"better": false}' END WHERE what = 'next words' AND detail LIKE '%"mention"%'"""
)
_OF_MENTIONS = tuple(name for name, table in TABLES.items() if table.post_keys == ("mention_id",))


def _copied(table: str, given: Sequence[str]) -> str:
    """A statement that copies a row, but for what is `given`. A row that others refer to can't change its key."""
    made = {*given, "n", "search"}  # the number and the index of the search come by themselves
    kept = ", ".join(each for each in TABLES[table].columns if each not in made)
    new = ", ".join(f":{each}" for each in given)
    return f"INSERT INTO {table} ({', '.join(given)}, {kept}) SELECT {new}, {kept} FROM {table} WHERE id = :before"


def replace(database: Database, posts: Sequence[str]) -> None:
    """Give these posts, which are emptied and forgotten for good, and their mentions ids that only the key leads to.

    Inside a transaction. Without a key they stay as they are: nothing else would say that they are known.
    """
    key = forgotten.own_key(database)
    if not key:
        return
    for start in range(0, len(posts), _BATCH):
        ids = {each: forgotten.row_id(key, each) for each in posts[start : start + _BATCH]}
        both = [{"before": before, "id": new} for before, new in ids.items()]
        database.run_many(_copied("posts", ["id"]), both)
        database.run_many("UPDATE competitor_mentions SET post_id = :id WHERE post_id = :before", both)
        clause, values = marks("p", list(ids))
        rows = database.rows(f"SELECT id, post_id, brand FROM mentions WHERE post_id IN {clause}", values)
        moved = [
            {"before": row["id"], "id": mention_key(database, row["brand"], new), "post_id": new}
            for row in rows
            for new in [ids[row["post_id"]]]
        ]
        database.run_many(_copied("mentions", ["id", "post_id"]), moved)
        for table in _OF_MENTIONS:
            database.run_many(f"UPDATE {table} SET mention_id = :id WHERE mention_id = :before", moved)
        database.run_many("DELETE FROM mentions WHERE id = :before", moved)
        database.run_many("DELETE FROM posts WHERE id = :before", both)


def catch_up(database: Database, now: datetime, stopping: Callable[[], bool]) -> None:
    """Once: posts that versions before this one forgot for good, and left under their own ids."""
    while not stopping() and forgotten.own_key(database) and not key_values.fact(database, _DONE):
        rows = database.rows(
            "SELECT id FROM posts WHERE native_id = '' AND length(id) < :length AND "
            "(purged_at IN (SELECT at FROM forgotten) OR deleted_at IN (SELECT at FROM forgotten)) LIMIT :limit",
            {"length": len(forgotten.row_id(b"", "")), "limit": _BATCH},
        )
        with database.transaction():
            replace(database, [row["id"] for row in rows])
            changed = len(rows) or database.run(_NAMED_NO_MORE)
            if changed:
                wiping.owe(database, now)
            if not rows:
                key_values.remember(database, _DONE, "yes", now)
