"""Everything held of one person of one source, for whoever answers their question: what do you keep of me?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from monitor.privacy.person import stored_of
from monitor.store import held, holds
from monitor.store.database import Database, stamp


def held_of(database: Database, source: str, author: str, now: datetime) -> Iterator[dict[str, Any]]:
    """First what this is, then one object for each row; nothing at all where the source knows nobody of that name."""
    person = stored_of(database, source, author)
    if person.is_unknown:
        return
    names = person.names or tuple(sorted({name for each, _, _ in person.held.values() for name in each}))
    posts, theirs = person.posts, person.cases
    yield {
        "table": "person", "source": source, "names": list(names), "ids": list(person.accounts),
        "posts": len(posts), "cases": len(theirs), "at": stamp(now),
    }  # fmt: skip
    yield from held.of_person(database, source, names, posts, theirs)
    for case_id in person.held:  # on hold: hidden from all but admins, and theirs all the same
        yield {"table": "sealed", "case_id": case_id, "body": holds.sealed(database, case_id)}
