"""Everything held of one person of one source, for whoever answers their question: what do you keep of me?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from connectors.text import clean
from monitor.store import held, holds, to_forget
from monitor.store.database import Database, stamp


def held_of(database: Database, source: str, author: str, now: datetime) -> Iterator[dict[str, Any]]:
    """First what this is, then one object for each row; nothing at all where the source knows nobody of that name."""
    names = to_forget.names_of(database, source, clean(author))
    held_back = holds.of_person(database, source, clean(author))
    if not names and not held_back:
        return
    names = names or sorted({name for each, _, _ in held_back.values() for name in each})
    posts = to_forget.posts_of_person(database, source, names)
    theirs = to_forget.cases_of_person(database, source, names, posts)
    yield {
        "table": "person", "source": source, "names": names, "ids": to_forget.author_ids(database, posts),
        "posts": len(posts), "cases": len(theirs), "at": stamp(now),
    }  # fmt: skip
    yield from held.of_person(database, source, names, posts, theirs)
    for case_id in held_back:  # on hold: hidden from all but admins, and theirs all the same
        yield {"table": "sealed", "case_id": case_id, "body": holds.sealed(database, case_id)}
