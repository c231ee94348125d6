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
    """The locks with which a transaction begins that stores these posts, read from these sources.

    None where it would need too many in all, and whoever stores is alone.
    """
    alone = {source_lock(source) for source in sources}
    more = story_locks(judged)
    return Locks(frozenset(alone)) if len(alone) + len(more.alone) + len(more.shared) <= MOST else None


def story_locks(judged: Iterable[Judged]) -> Locks:
    """The locks of the stories that these new posts may join or begin.

    They are taken once the posts themselves are written, just before stories are looked up: that is half of the time
    for which somebody with a band in common would wait, and a page that was read before needs none.
    """
    alone, shared = set(), set()
    for each in judged:
        if each.verdict.critical:  # others of the same harm join its story, however they put it
            alone.add(f"harm:{each.brand}")
        if each.needs_case:
            shared.add(f"harm:{each.brand}")
            if each.fingerprint:
                alone.update(f"band:{each.brand}:{place}:{band}" for place, band in enumerate(bands(each.fingerprint)))
    return Locks(frozenset(alone), frozenset(shared - alone))
