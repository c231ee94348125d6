"""What a chunk of posts locks while it is stored, so that several may store at the same time and do nothing twice.

A person, a conversation, a cursor and every sum belong to one source: its name is one lock for all of them. What goes
over sources is a story. Two posts that would each begin the same one are alike, and then nearly always share a band of
their words (`monitor.text.similarity`), by which alone a story is looked up; or both tell of the same harm to
customers of a brand, in words of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.store.database import Locks
from monitor.text.similarity import bands
from monitor.types import Judged

# The server has room for some thousands together (max_locks_per_transaction times its connections, 6,400 by default).
# https://www.postgresql.org/docs/current/runtime-config-locks.html
MOST = 500


def source_lock(source: str) -> str:
    """The lock of all that belongs to one source."""
    return f"source:{source}"


def locks_of(sources: Iterable[str], judged: Sequence[Judged]) -> Locks | None:
    """The locks of these posts, read from these sources; None where they are too many, and whoever stores is alone."""
    alone = {source_lock(source) for source in sources}
    shared = set()
    for each in judged:
        if each.verdict.critical:  # others of the same harm join its story, however they put it
            alone.add(f"harm:{each.brand}")
        if each.needs_case:
            shared.add(f"harm:{each.brand}")
            if each.fingerprint:
                alone.update(f"band:{each.brand}:{place}:{band}" for place, band in enumerate(bands(each.fingerprint)))
    if len(alone) + len(shared) > MOST:
        return None
    return Locks(frozenset(alone), frozenset(shared - alone))
